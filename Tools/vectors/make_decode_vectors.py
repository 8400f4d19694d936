#!/usr/bin/env python3
"""Writes the golden vectors of TernJPEG and TernPNG.

    python3 -m venv env && env/bin/pip install -r Tools/vectors/requirements-decode.txt
    env/bin/python Tools/vectors/make_decode_vectors.py

Every image is synthetic and comes from one seed. JPEG files are written and decoded by Pillow, PNG files are written by pypng from known
arrays (Pillow must agree).
"""

import io

import numpy as np
import png
from PIL import Image, ImageOps

from vector_set import SEED, Set, picture


def jpeg_vectors():
    out = Set("TernJPEG", "0: the same integer transform", "make_decode_vectors.py")

    def add(name, array, exif=None, **options):
        file = io.BytesIO()
        image = Image.fromarray(array)
        if exif is not None:
            block = Image.Exif()
            block[0x0112] = exif
            options["exif"] = block
        image.save(file, "JPEG", **options)
        data = file.getvalue()
        out.image(name, data, np.array(ImageOps.exif_transpose(Image.open(io.BytesIO(data)))))

    add("grey.jpg", picture(29, 37), quality=85)
    add("grey_progressive.jpg", picture(29, 37, seed=1), quality=85, progressive=True)
    add("grey_one_pixel.jpg", picture(1, 1, seed=2), quality=85)
    for subsampling, name in ((0, "444"), (1, "422"), (2, "420")):
        add(f"rgb_{name}.jpg", picture(29, 37, 3, seed=3), quality=80, subsampling=subsampling)
        add(f"rgb_{name}_progressive.jpg", picture(30, 41, 3, seed=4), quality=80, subsampling=subsampling, progressive=True)
    add("rgb_stored.jpg", picture(17, 23, 3, seed=5), quality=90, keep_rgb=True)
    add("rgb_restart.jpg", picture(33, 40, 3, seed=6), quality=75, restart_marker_blocks=2)
    for orientation in range(1, 9):
        add(f"orientation_{orientation}.jpg", picture(11, 19, 3, seed=7), exif=orientation, quality=90)
    cmyk = io.BytesIO()
    Image.fromarray(picture(8, 8, 3, seed=8)).convert("CMYK").save(cmyk, "JPEG")
    out.refused("cmyk.jpg", cmyk.getvalue(), "unsupportedComponents")
    out.close()


def png_bytes(array, **options):
    file = io.BytesIO()
    height, width = array.shape[:2]
    png.Writer(width=width, height=height, **options).write(file, array.reshape(height, -1).tolist())
    return file.getvalue()


def png_vectors():
    out = Set("TernPNG", "0: lossless", "make_decode_vectors.py")
    rng = np.random.default_rng(SEED)
    for interlace in (False, True):
        suffix = "_interlaced" if interlace else ""
        for bits in (1, 2, 4, 8, 16):
            stored = rng.integers(0, 2**bits, (19, 27))
            expected = (stored * (255 // (2**bits - 1))).astype(np.uint8) if bits < 16 else stored.astype(np.uint16)
            data = png_bytes(stored, greyscale=True, bitdepth=bits, interlace=interlace)
            assert bits == 1 or np.array_equal(np.array(Image.open(io.BytesIO(data))), expected)
            out.image(f"grey_{bits}{suffix}.png", data, expected)
        for bits in (8, 16):
            stored = rng.integers(0, 2**bits, (19, 27, 3))
            data = png_bytes(stored, greyscale=False, bitdepth=bits, interlace=interlace)
            out.image(f"rgb_{bits}{suffix}.png", data, stored.astype(np.uint8 if bits == 8 else np.uint16))
        for bits in (1, 2, 4, 8):
            palette = [tuple(int(v) for v in row) for row in rng.integers(0, 256, (2**bits, 3))]
            stored = rng.integers(0, 2**bits, (19, 27))
            data = png_bytes(stored, palette=palette, bitdepth=bits, interlace=interlace)
            expected = np.array(palette, np.uint8)[stored]
            assert np.array_equal(np.array(Image.open(io.BytesIO(data)).convert("RGB")), expected)
            out.image(f"palette_{bits}{suffix}.png", data, expected)
    out.image("one_pixel.png", png_bytes(np.array([[77]]), greyscale=True, bitdepth=8), np.array([[77]], np.uint8))
    for bits in (8, 16):
        top = 2**bits - 1
        kind = np.uint8 if bits == 8 else np.uint16
        grey = rng.integers(0, top + 1, (9, 13, 2))
        grey[:, :, 1] = top
        colour = rng.integers(0, top + 1, (9, 13, 4))
        colour[:, :, 3] = top
        out.image(f"grey_alpha_{bits}_opaque.png", png_bytes(grey, greyscale=True, alpha=True, bitdepth=bits), grey[:, :, 0].astype(kind))
        out.image(f"rgb_alpha_{bits}_opaque.png", png_bytes(colour, greyscale=False, alpha=True, bitdepth=bits), colour[:, :, :3].astype(kind))
        grey[8, 12, 1] = top - 1
        colour[0, 0, 3] = 0
        out.refused(f"grey_alpha_{bits}.png", png_bytes(grey, greyscale=True, alpha=True, bitdepth=bits), "notOpaque")
        out.refused(f"rgb_alpha_{bits}.png", png_bytes(colour, greyscale=False, alpha=True, bitdepth=bits), "notOpaque")
    flat = np.full((5, 5), 9)
    out.refused("transparent_colour.png", png_bytes(flat, greyscale=True, bitdepth=8, transparent=9), "notOpaque")
    out.image("transparent_colour_unused.png", png_bytes(flat, greyscale=True, bitdepth=8, transparent=10), flat.astype(np.uint8))
    file = io.BytesIO()
    exif = Image.Exif()
    exif[0x0112] = 6
    turned = picture(7, 12, seed=9)
    Image.fromarray(turned).save(file, "PNG", exif=exif)
    out.image("orientation_6.png", file.getvalue(), np.array(ImageOps.exif_transpose(Image.open(io.BytesIO(file.getvalue())))))
    out.close()


if __name__ == "__main__":
    jpeg_vectors()
    png_vectors()
