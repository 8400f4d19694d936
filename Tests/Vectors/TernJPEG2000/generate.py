#!/usr/bin/env python3
"""Writes the golden vectors of TernJPEG2000.

    python3 -m venv env && env/bin/pip install -r Tests/Vectors/TernJPEG2000/requirements.txt
    env/bin/python Tests/Vectors/TernJPEG2000/generate.py

Synthetic images from one seed, encoded by Pillow and by pylibjpeg-openjpeg, both over OpenJPEG. The expected samples are those that
pylibjpeg-openjpeg decodes; lossless files must give the encoded ones.
"""

import hashlib
import io
import json
import pathlib

import numpy as np
import openjpeg
import PIL
from openjpeg.utils import encode_array, get_openjpeg_version
from PIL import Image, features

SEED = 20_261_122
FOLDER = pathlib.Path(__file__).resolve().parent
cases = []


def picture(height, width, bits, channels=1, signed=False, seed=0):
    """A ramp, an edge and noise over the range of `bits`, [height, width] or [height, width, channels]."""
    rng = np.random.default_rng(SEED + seed)
    y, x = np.mgrid[0:height, 0:width]
    top = 2**bits - 1
    planes = []
    for channel in range(channels):
        plane = top * (x if channel % 2 == 0 else y) / max(width, height) + rng.normal(0, max(top / 200, 0.7), (height, width))
        plane = plane + top / 4 * ((x - width / 2) ** 2 + (y - height / 2) ** 2 < (height / 3) ** 2)
        plane = np.clip(plane, 0, top).round() - (2 ** (bits - 1) if signed else 0)
        planes.append(plane.astype(("<i" if signed else "<u") + ("1" if bits <= 8 else "2")))
    return planes[0] if channels == 1 else np.stack(planes, axis=2)


def pillow(pixels, **options):
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "JPEG2000", **options)
    return file.getvalue()


def library(pixels, bits, **options):
    options = dict(photometric_interpretation=0 if pixels.ndim == 2 else 1) | options
    return encode_array(pixels, bits_stored=bits, **options)


def add(name, data, pixels, bits, lossless=True, decode=openjpeg.decode):
    decoded = decode(data)
    assert not lossless or np.array_equal(decoded, pixels), f"{name}: OpenJPEG decodes other samples"
    signed = decoded.dtype.kind == "i"
    kind = "int16" if signed else "uint8" if bits <= 8 else "uint16"
    raw = decoded.astype({"int16": "<i2", "uint8": "<u1", "uint16": "<u2"}[kind]).tobytes()
    (FOLDER / name).write_bytes(data)
    (FOLDER / f"{name}.raw").write_bytes(raw)
    cases.append(dict(
        file=name, sha256=hashlib.sha256(data).hexdigest(), expected=f"{name}.raw", expectedSHA256=hashlib.sha256(raw).hexdigest(),
        width=decoded.shape[1], height=decoded.shape[0], channels=1 if decoded.ndim == 2 else 3, type=kind, bitsStored=bits))


def refuse(name, data, why):
    (FOLDER / name).write_bytes(data)
    cases.append(dict(file=name, sha256=hashlib.sha256(data).hexdigest(), refused=why))


def main():
    for old in [*FOLDER.glob("*.j2k"), *FOLDER.glob("*.jp2"), *FOLDER.glob("*.raw")]:
        old.unlink()
    for bits in (1, 2, 4, 7, 8, 9, 10, 12, 15, 16):
        pixels = picture(37, 41, bits, seed=bits)
        add(f"grey_{bits}.j2k", library(pixels, bits), pixels, bits)
    for bits in (8, 12, 16):
        pixels = picture(37, 41, bits, signed=True, seed=20 + bits)
        add(f"signed_{bits}.j2k", library(pixels, bits), pixels, bits)
        pixels = picture(40, 50, bits, seed=30 + bits)
        add(f"grey_{bits}_lossy.j2k", library(pixels, bits, compression_ratios=[20, 10, 5]), pixels, bits, lossless=False)
    colour = picture(33, 41, 8, 3, seed=40)
    add("rgb.j2k", library(colour, 8, use_mct=False), colour, 8)
    add("rgb_transformed.j2k", library(colour, 8, use_mct=True), colour, 8)
    add("rgb_lossy.j2k", library(colour, 8, use_mct=True, compression_ratios=[8]), colour, 8, lossless=False)
    deep = picture(35, 33, 16, 3, seed=41)
    add("rgb_16.j2k", library(deep, 16, use_mct=True), deep, 16)
    add("grey.jp2", pillow(picture(31, 26, 8, seed=42)), picture(31, 26, 8, seed=42), 8)
    add("rgb.jp2", pillow(colour), colour, 8)
    add("rgb_lossy.jp2", pillow(colour, irreversible=True, quality_layers=[30, 12]), colour, 8, lossless=False)
    add("grey_16.jp2", pillow(picture(31, 26, 16, seed=43)), picture(31, 26, 16, seed=43), 16)
    large = picture(75, 90, 8, 3, seed=44)
    for progression in ("LRCP", "RLCP", "RPCL", "PCRL", "CPRL"):
        add(f"{progression.lower()}.j2k", pillow(
            large, no_jp2=True, progression=progression, num_resolutions=4, precinct_size=(32, 32), codeblock_size=(16, 16), irreversible=True,
            quality_mode="rates", quality_layers=[40, 20, 6]), large, 8, lossless=False)
    add("tiles.j2k", pillow(large, no_jp2=True, tile_size=(32, 24), num_resolutions=3), large, 8)
    # pylibjpeg-openjpeg counts the sides from the corner of the grid: Pillow is the reference where the image lies off it.
    add("tiles_offset.j2k", pillow(
        large, no_jp2=True, tile_size=(40, 40), offset=(13, 7), tile_offset=(5, 3), num_resolutions=3, plt=True, comment="tern"), large, 8,
        decode=lambda data: np.array(Image.open(io.BytesIO(data))))
    one = picture(1, 1, 8, seed=45)
    add("one_pixel.j2k", pillow(one, no_jp2=True, num_resolutions=1), one, 8)
    add("one_column.j2k", pillow(picture(50, 1, 16, seed=46), no_jp2=True, num_resolutions=1), picture(50, 1, 16, seed=46), 16)
    alpha = np.dstack([colour, colour[:, :, 0]])
    add("lengths.j2k", library(colour, 8, add_tlm=True, add_plt=True), colour, 8)
    # What they decode to is said in the test: zeros.
    for name, shape, kind in (("black_2048", (2048, 2048), "u1"), ("black_2048_16", (2048, 2048), "<u2"), ("black_1920_rgb", (1080, 1920, 3), "u1")):
        black = np.zeros(shape, kind)
        data = library(black, black.itemsize * 8) if black.ndim == 2 else library(black, 8, use_mct=True)
        assert np.array_equal(openjpeg.decode(data), black)
        (FOLDER / f"{name}.j2k").write_bytes(data)
    refuse("luminance_chrominance.jp2", library(colour, 8, photometric_interpretation=3, codec_format=1), "unsupported")
    refuse("alpha.jp2", pillow(alpha), "unsupported")
    text = dict(
        generator="Tests/Vectors/TernJPEG2000/generate.py", seed=SEED, source="synthetic", licence="Apache-2.0",
        tolerance="0: the same library, lossy ones too",
        versions=dict(numpy=np.__version__, pillow=PIL.__version__, pylibjpeg_openjpeg=openjpeg.__version__,
                      openjpeg=".".join(str(part) for part in get_openjpeg_version()), openjpeg_of_pillow=features.version("jpg_2000")),
        cases=cases)
    (FOLDER / "vector.json").write_text(json.dumps(text, indent=1) + "\n")


main()
