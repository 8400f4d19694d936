#!/usr/bin/env python3
"""Writes the golden vectors of the decoders and of TernPrepare.

    python3 -m venv env && env/bin/pip install -r Tools/vectors/requirements-decode.txt
    env/bin/python Tools/vectors/make_decode_vectors.py

Every image is synthetic and comes from one seed. JPEG files are written and decoded by Pillow, PNG files are written by pypng from known
arrays (Pillow must agree), DICOM files are written by pydicom from known arrays (pydicom must agree), resized images are Pillow's.
"""

import hashlib
import io
import json
import pathlib
import platform
import shutil
import struct

import numpy as np
import PIL
import png
import pydicom
from PIL import Image, ImageOps, features
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.sequence import Sequence
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian, JPEGBaseline8Bit, JPEGLSLossless

SEED = 20_240_611
ROOT = pathlib.Path(__file__).resolve().parents[2] / "Tests" / "Vectors"
TYPES = {"uint8": "<u1", "uint16": "<u2", "int16": "<i2"}


class Set:
    """One folder of vectors and its `vector.json`."""

    def __init__(self, name, tolerance):
        self.folder = ROOT / name
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        self.cases, self.tolerance = [], tolerance

    def write(self, name, data):
        (self.folder / name).write_bytes(data)
        return hashlib.sha256(data).hexdigest()

    def image(self, name, data, expected, **facts):
        """A file that decodes to `expected`, [height, width] or [height, width, 3]."""
        kind = expected.dtype.name
        raw = expected.astype(TYPES[kind]).tobytes()
        self.cases.append(dict(
            file=name, sha256=self.write(name, data), expected=name + ".raw", expectedSHA256=self.write(name + ".raw", raw),
            width=expected.shape[1], height=expected.shape[0], channels=1 if expected.ndim == 2 else expected.shape[2],
            type=kind, **facts))

    def refused(self, name, data, why):
        self.cases.append(dict(file=name, sha256=self.write(name, data), refused=why))

    def close(self):
        text = dict(
            generator="Tools/vectors/make_decode_vectors.py", seed=SEED, source="synthetic", licence="Apache-2.0", tolerance=self.tolerance,
            versions=dict(python=platform.python_version(), numpy=np.__version__, pillow=PIL.__version__, pydicom=pydicom.__version__,
                          pypng=png.__version__, libjpeg_turbo=features.version_feature("libjpeg_turbo")),
            cases=self.cases)
        (self.folder / "vector.json").write_text(json.dumps(text, indent=1) + "\n")


def picture(height, width, channels=1, seed=0):
    """Gradients, an edge and noise, 0 ... 255."""
    rng = np.random.default_rng(SEED + seed)
    y, x = np.mgrid[0:height, 0:width]
    planes = []
    for channel in range(channels):
        plane = 255 * x / max(width - 1, 1) if channel % 2 == 0 else 255 * y / max(height - 1, 1)
        plane = plane + rng.normal(0, 12, (height, width)) + 60 * ((x - width / 2) ** 2 + (y - height / 2) ** 2 < (height / 3) ** 2)
        planes.append(np.clip(plane, 0, 255).round().astype(np.uint8))
    return planes[0] if channels == 1 else np.stack(planes, axis=2)


def jpeg_vectors():
    out = Set("TernJPEG", "0: the same integer transform")

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
    out = Set("TernPNG", "0: lossless")
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


def dicom_dataset(pixels, stored=None, **attributes):
    """A data set around `pixels`, [rows, columns] or [rows, columns, 3]."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.1.1"
    meta.MediaStorageSOPInstanceUID = "2.25.329800735698586629295641978511506172918"
    meta.TransferSyntaxUID = attributes.pop("syntax", ExplicitVRLittleEndian)
    ds = FileDataset("", {}, file_meta=meta, preamble=b"\0" * 128)
    ds.SOPClassUID, ds.SOPInstanceUID, ds.Modality = meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID, "DX"
    ds.PatientName, ds.PatientID = "Synthetic^Case", "NOBODY"
    ds.Rows, ds.Columns = pixels.shape[:2]
    ds.SamplesPerPixel = 1 if pixels.ndim == 2 else 3
    if pixels.ndim == 3:
        ds.PlanarConfiguration = 0
    ds.PhotometricInterpretation = "MONOCHROME2" if pixels.ndim == 2 else "RGB"
    ds.BitsAllocated = pixels.dtype.itemsize * 8
    ds.BitsStored = stored or ds.BitsAllocated
    ds.HighBit = ds.BitsStored - 1
    ds.PixelRepresentation = 1 if pixels.dtype.kind == "i" else 0
    data = pixels.astype(pixels.dtype.newbyteorder("<")).tobytes()
    ds.PixelData = data + b"\0" * (len(data) % 2)
    ds["PixelData"].VR = "OB" if ds.BitsAllocated == 8 else "OW"
    for name, value in attributes.items():
        setattr(ds, name, value)
    return ds


def dicom_bytes(ds, bare=False):
    file = io.BytesIO()
    syntax = ds.file_meta.TransferSyntaxUID
    if bare:
        body = Dataset(ds)
        pydicom.dcmwrite(file, body, implicit_vr=syntax == ImplicitVRLittleEndian, little_endian=True, enforce_file_format=False)
    else:
        ds.save_as(file, enforce_file_format=True)
    return file.getvalue()


def nested(depth, undefined=True):
    item = Dataset()
    item.CodeMeaning = f"level {depth}"
    # Attributes of the pixels inside a sequence are not those of the image.
    item.Rows = 9
    if depth > 1:
        item.ContentSequence = nested(depth - 1, undefined)
    item.is_undefined_length_sequence_item = undefined
    return Sequence([item, item] if depth < 4 else [item])


def with_sequences(ds, depth, undefined=True):
    ds.ProcedureCodeSequence = nested(depth, undefined)
    ds.RequestAttributesSequence = Sequence([])

    def mark(data):
        for element in data:
            if element.VR == "SQ":
                element.is_undefined_length = undefined
                for item in element.value:
                    item.is_undefined_length_sequence_item = undefined
                    mark(item)
    mark(ds)
    return ds


def grey_scale(ds):
    """The grey scale of a grey image by its top level, as pydicom gives the values."""
    if ds.SamplesPerPixel != 1 or ds.PhotometricInterpretation == "PALETTE COLOR":
        return None
    first = lambda v: float(v[0]) if isinstance(v, pydicom.multival.MultiValue) else float(v)
    table = lambda name: None if name not in ds else dict(zip(("firstInput", "bits", "entries"), (
        ds[name][0].LUTDescriptor[1], ds[name][0].LUTDescriptor[2], np.frombuffer(ds[name][0].LUTData, "<u2").tolist())))
    window, count = None, len(ds.get("VOILUTSequence", []))
    if "WindowCenter" in ds:
        window = [first(ds.WindowCenter), first(ds.WindowWidth), 1 if ds.get("VOILUTFunction") == "LINEAR_EXACT" else 0]
        count += ds["WindowCenter"].VM
    return dict(slope=float(ds.get("RescaleSlope", 1)), intercept=float(ds.get("RescaleIntercept", 0)), window=window, voiCount=count,
                isInverted=ds.PhotometricInterpretation == "MONOCHROME1" or ds.get("PresentationLUTShape") == "INVERSE",
                isSigmoid=ds.get("VOILUTFunction") == "SIGMOID", modalityTable=table("ModalityLUTSequence"), voiTable=table("VOILUTSequence"))


def more_dicom_vectors(out, add):
    """Depths, frames, colours, tables and functional groups."""
    del out, add


def dicom_vectors():
    out = Set("TernDICOM", "0: stored values")
    rng = np.random.default_rng(SEED)

    def add(name, ds, expected, bare=False, **facts):
        data = dicom_bytes(ds, bare)
        out.image(name, data, expected, bitsStored=facts.pop("bitsStored", ds.BitsStored), greyscale=facts.pop("greyscale", grey_scale(ds)), **facts)

    for syntax, label in ((ExplicitVRLittleEndian, "explicit"), (ImplicitVRLittleEndian, "implicit")):
        for bits in (8, 10, 12, 16):
            kind = np.uint8 if bits == 8 else np.uint16
            pixels = rng.integers(0, 2**bits, (13, 17)).astype(kind)
            ds = dicom_dataset(pixels, bits, syntax=syntax)
            assert np.array_equal(pydicom.dcmread(io.BytesIO(dicom_bytes(ds))).pixel_array, pixels)
            add(f"mono2_{bits}_{label}.dcm", ds, pixels)
            add(f"mono2_{bits}_{label}_bare.dcm", ds, pixels, bare=True)
        pixels = rng.integers(-1024, 3072, (13, 17)).astype(np.int16)
        add(f"ct_signed_{label}.dcm", dicom_dataset(pixels, 16, syntax=syntax, RescaleSlope="1", RescaleIntercept="-1024", WindowCenter="40",
                                                   WindowWidth="400"), pixels)
        pixels = rng.integers(0, 4096, (12, 10)).astype(np.uint16)
        add(f"mono1_{label}.dcm", dicom_dataset(pixels, 12, syntax=syntax, PhotometricInterpretation="MONOCHROME1",
                                                WindowCenter=["2048", "1000"], WindowWidth=["4096", "500"]), pixels)
        add(f"sequences_undefined_{label}.dcm", with_sequences(dicom_dataset(pixels, 12, syntax=syntax), 12), pixels)
        add(f"sequences_defined_{label}.dcm", with_sequences(dicom_dataset(pixels, 12, syntax=syntax), 5, False), pixels)
        add(f"sequences_at_limit_{label}.dcm", with_sequences(dicom_dataset(pixels, 12, syntax=syntax), 16), pixels)
        data = dicom_bytes(with_sequences(dicom_dataset(pixels, 12, syntax=syntax), 17))
        out.refused(f"sequences_too_deep_{label}.dcm", data, "sequencesTooDeep")
    # Signed values of 12 bits with rubbish above the sign: what counts is the low 12 bits.
    pixels = rng.integers(-2048, 2048, (13, 17)).astype(np.int16)
    dirty = ((pixels.astype(np.uint16) & 0x0FFF) | (rng.integers(0, 16, pixels.shape).astype(np.uint16) << 12)).astype(np.uint16)
    add("signed_12_high_bits.dcm", dicom_dataset(dirty, 12, PixelRepresentation=1), pixels)
    add("unsigned_10_high_bits.dcm", dicom_dataset(dirty, 10), (dirty & 0x03FF).astype(np.uint16))
    pixels = rng.integers(-128, 128, (5, 7)).astype(np.int8)
    add("signed_8.dcm", dicom_dataset(pixels, 8), pixels.astype(np.int16))
    pixels = rng.integers(0, 256, (5, 7)).astype(np.uint8)
    add("mono2_8_odd_byte_count.dcm", dicom_dataset(pixels), pixels)
    padded = dicom_bytes(dicom_dataset(pixels))
    assert padded.endswith(struct.pack("<I", 36) + pixels.tobytes() + b"\0")
    out.image("mono2_8_unpadded.dcm", padded[:-40] + struct.pack("<I", 35) + pixels.tobytes(), pixels, bitsStored=8,
              greyscale=dict(slope=1, intercept=0, isInverted=False, window=None))
    for index, (slope, intercept) in enumerate((("1.37", "-0.125"), ("0.00123456789", "1E3"), ("-2.5e-3", " 17.0625 "), ("+.5", "-1000."))):
        add(f"rescale_{index}.dcm", dicom_dataset(pixels, RescaleSlope=slope.strip(), RescaleIntercept=intercept.strip()), pixels)
    add("window_exact.dcm", dicom_dataset(pixels, WindowCenter="100.5", WindowWidth="0.75", VOILUTFunction="LINEAR_EXACT"), pixels)
    add("one_frame.dcm", dicom_dataset(pixels, NumberOfFrames="1"), pixels)
    colour = rng.integers(0, 256, (6, 9, 3)).astype(np.uint8)
    add("rgb.dcm", dicom_dataset(colour), colour)
    planes = dicom_dataset(colour, PlanarConfiguration=1)
    planes.PixelData = colour.transpose(2, 0, 1).tobytes()
    add("rgb_planar.dcm", planes, colour)

    def jpeg(array, **options):
        file = io.BytesIO()
        Image.fromarray(array).save(file, "JPEG", **options)
        return file.getvalue()

    def compressed(array, data, fragments=1, **attributes):
        ds = dicom_dataset(array, syntax=JPEGBaseline8Bit, **attributes)
        ds.PixelData = encapsulate([data], fragments_per_frame=fragments)
        ds["PixelData"].VR = "OB"
        ds["PixelData"].is_undefined_length = True
        return ds

    grey, red = picture(31, 22, seed=20), picture(31, 22, 3, seed=21)
    data = jpeg(grey, quality=90)
    shown = np.array(Image.open(io.BytesIO(data)))
    assert np.array_equal(pydicom.pixels.pixel_array(io.BytesIO(dicom_bytes(compressed(grey, data))), decoding_plugin="pillow"), shown)
    add("jpeg_grey.dcm", compressed(grey, data), shown, jpegByteCount=len(data))
    add("jpeg_grey_fragments.dcm", compressed(grey, data, 3), shown, jpegByteCount=len(data))
    add("jpeg_mono1.dcm", compressed(grey, data, PhotometricInterpretation="MONOCHROME1", WindowCenter="128", WindowWidth="200"), shown,
        jpegByteCount=len(data))
    data = jpeg(red, quality=90, subsampling=1)
    add("jpeg_ybr_422.dcm", compressed(red, data, PhotometricInterpretation="YBR_FULL_422"), np.array(Image.open(io.BytesIO(data))), jpegByteCount=len(data))
    data = jpeg(red, quality=90, keep_rgb=True)
    add("jpeg_rgb.dcm", compressed(red, data), np.array(Image.open(io.BytesIO(data))), jpegByteCount=len(data))

    for name, why, attributes in (
        ("frames", "pixelDataByteCount", dict(NumberOfFrames="2")), ("palette", "missingElement", dict(PhotometricInterpretation="PALETTE COLOR")),
        ("high_bit", "unsupportedPixels", dict(HighBit=6)), ("bits_allocated", "unsupportedPixels", dict(BitsAllocated=12)),
        ("no_rows", "missingElement", dict(Rows=None)), ("zero_rows", "shape", dict(Rows=0)), ("more_rows", "pixelDataByteCount", dict(Rows=6)),
        ("window_width_zero", "invalidValue", dict(WindowCenter="1", WindowWidth="0")), ("no_window_width", "missingElement", dict(WindowCenter="1")),
        ("slope_zero", "invalidValue", dict(RescaleSlope="0", RescaleIntercept="0")), ("function", "unsupportedGreyscale", dict(
            WindowCenter="1", WindowWidth="2", VOILUTFunction="CUBIC")), ("two_samples", "unsupportedPixels", dict(SamplesPerPixel=2)),
    ):
        out.refused(f"refused_{name}.dcm", dicom_bytes(dicom_dataset(pixels, **attributes)), why)
    without = dicom_dataset(pixels)
    del without.PixelData
    out.refused("refused_no_pixels.dcm", dicom_bytes(without), "noPixelData")
    other = dicom_bytes(dicom_dataset(pixels)).replace(b"1.2.840.10008.1.2.1\0", b"1.2.840.10008.1.2.5\0")
    out.refused("refused_rle_native.dcm", other, "invalidValue")
    other = dicom_bytes(dicom_dataset(pixels, syntax=JPEGLSLossless, PixelData=encapsulate([b"\xff\xd8\xff\xd9"])))
    out.refused("refused_jpeg_ls.dcm", other, "unsupportedTransferSyntax")
    more_dicom_vectors(out, add)

    # Decimal strings and the binary64 that Python reads from them.
    texts = ["0", "-0", "1", "-1", "0.1", "1.0E-5", "1e10", "123456789012345", "9999999999999999", "0.3333333333333", "-1024.000", "4095.5", "1E+3",
             "2.2250738585072e-5", "0.000000000000001", "99999999999.9999", ".5", "5.", "1234567890.12345"]
    while len(texts) < 400:
        digits = int(rng.integers(1, 17))
        text = "".join(str(d) for d in rng.integers(0, 10, digits))
        point = int(rng.integers(0, digits + 1))
        text = text[:point] + "." + text[point:] if rng.random() < 0.7 else text
        if rng.random() < 0.3:
            text += f"e{int(rng.integers(-2, 3))}"
        texts.append(("-" if rng.random() < 0.3 else "") + text)
    # Strings whose value lies just above the middle between two binary64: a reader that drops the remainder of the division goes wrong.
    while len(texts) < 410:
        digits, exponent = int(rng.integers(10**15, 10**16)), int(rng.integers(1, 16))
        numerator, divisor = digits << (64 - digits.bit_length()), 10**exponent << (64 - (10**exponent).bit_length())
        quotient, remainder = divmod(numerator << 63, divisor)
        if remainder and float(quotient) != float(quotient | 1):
            texts.append(f"{str(digits)[:16 - exponent]}.{str(digits)[16 - exponent:]}")
    decimals = [dict(text=t, bits="%016x" % struct.unpack("<Q", struct.pack("<d", float(t)))[0]) for t in texts]
    out.write("decimals.json", (json.dumps(decimals, indent=0) + "\n").encode())
    out.close()


FILTERS = {1: Image.Resampling.BOX, 2: Image.Resampling.BILINEAR, 3: Image.Resampling.BICUBIC, 4: Image.Resampling.LANCZOS}


def fnv(data):
    value = 0xCBF29CE484222325
    for byte in data:
        value = (value ^ byte) * 0x100000001B3 & 0xFFFFFFFFFFFFFFFF
    return f"{value:016x}"


def stream(count, seed):
    """Bytes of a linear congruential generator that the tests repeat."""
    state, result = seed, bytearray()
    for _ in range(count):
        state = (state * 6364136223846793005 + 1442695040888963407) & 0xFFFFFFFFFFFFFFFF
        result.append(state >> 56)
    return bytes(result)


def resize_vectors(out):
    small, store = [], bytearray()
    for index, (height, width, channels) in enumerate(((1, 1, 1), (2, 3, 1), (7, 5, 1), (28, 28, 1), (61, 47, 1), (47, 83, 3), (28, 28, 3), (133, 200, 1))):
        for content in ("noise", "picture", "extremes"):
            if content == "noise":
                array = np.frombuffer(stream(height * width * channels, index + 1), np.uint8)
            elif content == "picture":
                array = picture(height, width, channels, seed=30 + index)
            else:
                array = np.where(np.frombuffer(stream(height * width * channels, index + 77), np.uint8) < 128, 0, 255).astype(np.uint8)
            array = array.reshape((height, width) if channels == 1 else (height, width, channels))
            source = len(store)
            store += array.tobytes()
            for out_height, out_width in ((1, 1), (5, 8), (14, 14), (28, 28), (31, 20)):
                for code, rule in FILTERS.items():
                    resized = np.array(Image.fromarray(array).resize((out_width, out_height), rule))
                    small.append([height, width, channels, out_height, out_width, code, source, len(store)])
                    store += resized.tobytes()
    out.write("resize.bin", bytes(store))
    large = []
    for height, width, channels, out_height, out_width in (
        (640, 512, 1, 224, 224), (300, 451, 3, 224, 224), (224, 224, 3, 518, 518), (1024, 1024, 1, 224, 224), (999, 250, 1, 28, 28), (100, 100, 1, 99, 101),
        (100, 100, 1, 50, 75), (100, 100, 1, 49, 75), (1, 517, 1, 1, 33), (1, 517, 1, 40, 600), (517, 1, 1, 33, 1), (517, 1, 3, 600, 40),
        (1, 1, 3, 224, 224), (3, 700, 3, 50, 20), (700, 3, 3, 20, 50), (1500, 40, 1, 28, 60), (40, 1500, 3, 60, 28), (17, 33, 3, 200, 31),
        (777, 641, 3, 224, 224), (1200, 900, 1, 1, 1), (64, 64, 1, 63, 1), (31, 2048, 1, 224, 224)):
        data = stream(height * width * channels, height + width)
        array = np.frombuffer(data, np.uint8).reshape((height, width) if channels == 1 else (height, width, channels))
        for code, rule in FILTERS.items():
            resized = np.array(Image.fromarray(array).resize((out_width, out_height), rule))
            large.append([height, width, channels, out_height, out_width, code, height + width, fnv(resized.tobytes())])
    colour = picture(40, 33, 3, seed=60)
    out.write("luminance.bin", colour.tobytes() + np.array(Image.fromarray(colour).convert("L")).tobytes())
    out.write("resize.json", (json.dumps(dict(small=small, large=large)) + "\n").encode())


def weights(count_in, count_out, code):
    """Rows of filter weights, [count_out, count_in], binary64."""
    support = {1: 0.5, 2: 1.0, 3: 2.0, 4: 3.0}[code]
    rule = {1: lambda x: ((x > -0.5) & (x <= 0.5)) * 1.0, 2: lambda x: np.maximum(1 - abs(x), 0),
            3: lambda x: np.where(abs(x) < 1, 1.5 * abs(x)**3 - 2.5 * x**2 + 1, np.where(abs(x) < 2, -0.5 * abs(x)**3 + 2.5 * x**2 - 4 * abs(x) + 2, 0)),
            4: lambda x: np.where(abs(x) < 3, np.sinc(x) * np.sinc(x / 3), 0)}[code]
    scale = count_in / count_out
    stretch = max(scale, 1)
    result = np.zeros((count_out, count_in))
    for row in range(count_out):
        centre = (row + 0.5) * scale
        first, end = max(int(centre - support * stretch + 0.5), 0), min(int(centre + support * stretch + 0.5), count_in)
        taps = rule((np.arange(first, end) + 0.5 - centre) / stretch)
        result[row, first:end] = taps / taps.sum()
    return result


def float_vectors(out):
    rng = np.random.default_rng(SEED + 1)
    cases, store = [], bytearray()
    for index, (stored_bits, signed, slope, intercept, window, exact, inverted, crop, out_size) in enumerate((
        (12, False, 1.0, 0.0, None, False, False, 0, (28, 28)), (12, False, 1.0, 0.0, None, False, True, 0, (28, 20)),
        (16, True, 1.0, -1024.0, (40.0, 400.0), False, False, 0, (28, 28)), (16, True, 2.5, -1024.0, (300.0, 1500.0), False, True, 1, (16, 16)),
        (10, False, -0.5, 7.25, (-100.0, 333.0), True, False, 1, (30, 30)), (8, False, 1.0, 0.0, (128.0, 1.0), False, False, 0, (9, 9)),
        (16, False, 1.0, 0.0, None, False, False, 0, (60, 90)))):
        height, width = (47, 62) if index % 2 == 0 else (62, 45)
        low, high = (-(2 ** (stored_bits - 1)), 2 ** (stored_bits - 1)) if signed else (0, 2**stored_bits)
        pixels = rng.integers(low, high, (height, width))
        rescaled = pixels * float(np.float32(slope)) + float(np.float32(intercept))
        if window:
            centre, span = window if exact else (window[0] - 0.5, window[1] - 1)
            with np.errstate(divide="ignore", invalid="ignore"):
                shown = np.where(rescaled <= centre - span / 2, 0, np.where(rescaled > centre + span / 2, 255, ((rescaled - centre) / span + 0.5) * 255))
            if not exact and window[1] > 1:
                ds = dicom_dataset(pixels.astype(np.int16 if signed else np.uint16), stored_bits, WindowCenter=str(window[0]), WindowWidth=str(window[1]),
                                   RescaleSlope=str(slope), RescaleIntercept=str(intercept))
                theirs = pydicom.pixels.apply_windowing(rescaled, ds)
                bottom = (low * slope + intercept)
                assert np.allclose((theirs - bottom) / ((high - 1 - low) * slope) * 255, shown, atol=0.1 + 255 * 3 / (high - low)), index
        else:
            ends = sorted((low * slope + intercept, (high - 1) * slope + intercept))
            shown = (rescaled - ends[0]) / (ends[1] - ends[0]) * 255
        shown = 255 - shown if inverted else shown
        if crop:
            side = min(height, width)
            shown = shown[(height - side) // 2:(height - side) // 2 + side, (width - side) // 2:(width - side) // 2 + side]
        kind = "uint8" if stored_bits == 8 else "int16" if signed else "uint16"
        for code in FILTERS:
            result = np.clip(weights(shown.shape[0], out_size[0], code) @ shown @ weights(shown.shape[1], out_size[1], code).T, 0, 255)
            pillow = np.clip(np.array(Image.fromarray(shown.astype(np.float32)).resize(out_size[::-1], FILTERS[code])), 0, 255)
            assert np.abs(pillow - result).max() < 1e-3, (index, code)
            cases.append(dict(height=height, width=width, bitsStored=stored_bits, type=kind, slope=slope, intercept=intercept, window=window,
                              isExact=exact, isInverted=inverted, crop=crop, outHeight=out_size[0], outWidth=out_size[1], filter=code, offset=len(store)))
            store += pixels.astype(TYPES[kind]).tobytes() + result.astype("<f8").tobytes()
    out.write("float.bin", bytes(store))
    out.write("float.json", (json.dumps(cases) + "\n").encode())


def wide_vectors(out):
    """16-bit images of many shapes, both ways, with 1-pixel sides; their samples are those of `stream`, results are a reference in binary64."""
    cases, store = [], bytearray()
    for height, width, out_height, out_width in (
        (1, 1, 5, 7), (1, 900, 9, 11), (900, 1, 11, 9), (3, 800, 30, 14), (800, 3, 14, 30), (1200, 1500, 28, 28), (1499, 331, 16, 40), (60, 50, 61, 160),
        (14, 14, 56, 56), (257, 255, 40, 300), (2048, 64, 1, 1), (4096, 9, 3, 9)):
        seed = height * 7 + width
        pixels = np.frombuffer(stream(height * width * 2, seed), "<u2").reshape(height, width)
        shown = pixels / 65535 * 255
        for code in FILTERS:
            result = np.clip(weights(height, out_height, code) @ shown @ weights(width, out_width, code).T, 0, 255)
            pillow = np.clip(np.array(Image.fromarray(shown.astype(np.float32)).resize((out_width, out_height), FILTERS[code])), 0, 255)
            assert np.abs(pillow - result).max() < 1e-3, (height, width, code)
            cases.append([height, width, out_height, out_width, code, seed, len(store)])
            store += result.astype("<f8").tobytes()
    out.write("wide.bin", bytes(store))
    out.write("wide.json", (json.dumps(cases) + "\n").encode())


def lookup_table(first, bits, entries):
    item = Dataset()
    item.LUTDescriptor, item.LUTData = [len(entries) % 65536, first, bits], [int(entry) for entry in entries]
    item["LUTDescriptor"].VR = "SS" if first < 0 else "US"
    item["LUTData"].VR = "US"
    return item


def greyscale_vectors(out):
    """Images of every sample type with greyscale steps, and their grey values 0 ... 255 as pydicom gives them in its own range."""
    rng = np.random.default_rng(SEED + 2)
    cases, store = [], bytearray()
    ramp = lambda count, bits: np.sort(rng.integers(0, 2**bits, count))

    def add(kind, bits, *, slope=None, intercept=None, modality=None, voi=None, window=None, function="LINEAR", inverted=False, low=None, high=None):
        signed = kind[0] != "u"
        low = (-(2**(bits - 1)) if signed else 0) if low is None else low
        high = (2**(bits - 1) if signed else 2**bits) if high is None else high
        pixels = (rng.uniform(low, high, (9, 23)) if kind == "float32" else rng.integers(low, high, (9, 23))).astype(kind)
        pixels.flat[:4] = [low, high - 1, (low + high) // 2, (low + high) // 3]
        ds = Dataset()
        ds.PhotometricInterpretation, ds.BitsStored, ds.PixelRepresentation = "MONOCHROME1" if inverted else "MONOCHROME2", bits, int(signed)
        if slope is not None:
            ds.RescaleSlope, ds.RescaleIntercept = str(slope), str(intercept)
        if modality:
            ds.ModalityLUTSequence = Sequence([lookup_table(*modality)])
        if voi:
            ds.VOILUTSequence = Sequence([lookup_table(*voi)])
        if window:
            ds.WindowCenter, ds.WindowWidth, ds.VOILUTFunction = str(window[0]), str(window[1]), function
        rescaled = pydicom.pixels.apply_modality_lut(pixels, ds)
        shown = pydicom.pixels.apply_voi_lut(rescaled, ds).astype(np.float64)
        if voi:
            bottom, top = 0, 2**voi[1] - 1
        elif modality:
            bottom, top = 0, 2**modality[1] - 1
        elif window:
            bottom, top = (end * (slope or 1) + (intercept or 0) for end in ((-(2**(bits - 1)), 2**(bits - 1) - 1) if signed else (0, 2**bits - 1)))
        else:
            ends = (shown.min(), shown.max()) if kind in ("uint32", "int32", "float32") else sorted(
                end * (slope or 1) + (intercept or 0) for end in ((-(2**(bits - 1)), 2**(bits - 1) - 1) if signed else (0, 2**bits - 1)))
            bottom, top = ends
        shown = (shown - bottom) / (top - bottom) * 255
        shown = 255 - shown if inverted else shown

        def table(value):
            if value is None:
                return None
            store.extend(np.asarray(value[2]).astype("<u2").tobytes())
            return dict(firstInput=value[0], bits=value[1], count=len(value[2]), offset=len(store) - 2 * len(value[2]))

        cases.append(dict(height=9, width=23, type=kind, bitsStored=bits, slope=slope or 1.0, intercept=intercept or 0.0, modality=table(modality),
                          voi=table(voi), window=window, function=function, isInverted=inverted))
        cases[-1]["offset"] = len(store)
        store.extend(pixels.astype(np.dtype(kind).newbyteorder("<")).tobytes() + shown.astype("<f8").tobytes())

    for inverted in (False, True):
        for function in ("LINEAR", "LINEAR_EXACT", "SIGMOID"):
            add("uint16", 12, window=(2000.0, 3000.0), function=function, inverted=inverted)
            add("uint16", 16, slope=0.37, intercept=-11.5, window=(9000.25, 733.125), function=function, inverted=inverted)
            add("int16", 16, slope=1.0, intercept=-1024.0, window=(40.0, 400.0), function=function, inverted=inverted, low=-500, high=3000)
            add("int16", 12, slope=-2.5, intercept=100.0, window=(60.0, 1500.0), function=function, inverted=inverted)
            add("uint8", 8, window=(100.0, 80.0), function=function, inverted=inverted)
            add("uint32", 32, window=(2.0**31, 2.0**30), function=function, inverted=inverted)
            add("int32", 24, slope=0.001, intercept=3.0, window=(10.0, 2000.0), function=function, inverted=inverted)
            add("uint16", 16, window=(30000.5, 2.0), function=function, inverted=inverted, low=29990, high=30010)
            add("uint16", 10, modality=(0, 16, ramp(1024, 16)), window=(30000.0, 20000.0), function=function, inverted=inverted)
        add("uint16", 12, window=(2000.0, 1.0), inverted=inverted)
        add("uint16", 16, window=(1e6, 10.0), inverted=inverted)
        add("uint16", 16, inverted=inverted)
        add("int16", 13, slope=3.5, intercept=-7.25, inverted=inverted)
        add("uint16", 12, slope=-1.0, intercept=0.0, inverted=inverted)
        for kind, bits in (("uint32", 32), ("int32", 32), ("int32", 18), ("float32", 32)):
            add(kind, bits, slope=0.25, intercept=-3.0, inverted=inverted, low=-1000 if kind != "uint32" else 10, high=900_000 if bits == 32 else 2**17)
        add("uint16", 12, modality=(0, 8, ramp(4096, 8)), inverted=inverted)
        add("int16", 12, modality=(-1500, 16, ramp(3000, 16)), inverted=inverted)
        add("uint16", 12, voi=(100, 16, ramp(3500, 16)), inverted=inverted)
        add("uint16", 12, voi=(0, 12, ramp(4096, 12)), inverted=inverted)
        add("uint16", 16, voi=(0, 10, ramp(65536, 10)[::-1]) if not inverted else (60000, 10, ramp(5000, 10)[::-1]), inverted=inverted)
        add("uint8", 8, voi=(0, 8, ramp(256, 8)), inverted=inverted)
        add("int16", 12, slope=1.0, intercept=-200.0, voi=(-300, 14, ramp(600, 14)), inverted=inverted)
        add("uint16", 12, slope=0.1, intercept=5.0, voi=(3, 16, ramp(300, 16)), inverted=inverted)
        add("uint16", 12, modality=(5, 16, ramp(4000, 16)), voi=(1000, 12, ramp(9000, 12)), inverted=inverted)
        add("uint32", 20, voi=(70000 % 65536, 16, ramp(2000, 16)), inverted=inverted, high=12_000)
    out.write("greyscale.bin", bytes(store))
    out.write("greyscale.json", (json.dumps(cases) + "\n").encode())


def prepare_vectors():
    prepared = Set("TernPrepare", "8 bit: 0; real-valued: 1e-4 of 0 ... 255; grey values 2.55e-4 of 0 ... 255")
    resize_vectors(prepared)
    float_vectors(prepared)
    wide_vectors(prepared)
    greyscale_vectors(prepared)
    for path in sorted(prepared.folder.iterdir()):
        prepared.cases.append(dict(file=path.name, sha256=hashlib.sha256(path.read_bytes()).hexdigest()))
    prepared.close()


if __name__ == "__main__":
    jpeg_vectors()
    png_vectors()
    dicom_vectors()
    prepare_vectors()
