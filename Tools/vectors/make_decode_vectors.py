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
import types

import numpy as np
import PIL
import png
import pydicom
from PIL import Image, ImageOps, features
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.pixels.encoders import native
from pydicom.sequence import Sequence
from pydicom.uid import DeflatedExplicitVRLittleEndian, ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian, JPEGBaseline8Bit, JPEGLSLossless, RLELossless

SEED = 20_240_611
ROOT = pathlib.Path(__file__).resolve().parents[2] / "Tests" / "Vectors"
TYPES = {"uint8": "<u1", "uint16": "<u2", "int16": "<i2", "uint32": "<u4", "int32": "<i4"}


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
        """A file that decodes to `expected`, [height, width] or [height, width, 3]; with the fact `frames`, [frames, height, width]."""
        kind = expected.dtype.name
        shape = expected.shape[1:] if "frames" in facts else expected.shape
        raw = expected.astype(TYPES[kind]).tobytes()
        self.cases.append(dict(
            file=name, sha256=self.write(name, data), expected=name + ".raw", expectedSHA256=self.write(name + ".raw", raw),
            width=shape[1], height=shape[0], channels=1 if len(shape) == 2 else shape[2],
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
    ds = FileDataset("", {}, file_meta=meta, preamble=b"\0" * 128, is_implicit_VR=meta.TransferSyntaxUID.is_implicit_VR,
                     is_little_endian=meta.TransferSyntaxUID.is_little_endian)
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


def lookup_table(entries, first, bits, signed=False):
    item = Dataset()
    item.add_new("LUTDescriptor", "SS" if signed else "US", [len(entries) % 65536, first, bits])
    item.add_new("LUTData", "OW", np.asarray(entries, "<u2").tobytes())
    return item


def palette_attributes(tables, first, bits, segments=None):
    """The elements of a palette; entries of 8 bits lie in bytes."""
    result = {}
    for index, name in enumerate(("Red", "Green", "Blue")):
        result[f"{name}PaletteColorLookupTableDescriptor"] = [len(tables[index]) % 65536, first, bits]
        if segments is None:
            result[f"{name}PaletteColorLookupTableData"] = np.asarray(tables[index], "<u1" if bits == 8 else "<u2").tobytes()
        else:
            result[f"Segmented{name}PaletteColorLookupTableData"] = np.asarray(segments[index], "<u2").tobytes()
    return result


def framed(frames, data=None, **attributes):
    """A data set around several frames."""
    count = len(frames)
    if data is None:
        data = b"".join(f.astype(f.dtype.newbyteorder("<")).tobytes() for f in frames)
    data += b"\0" * (len(data) % 2)
    return dicom_dataset(frames[0], NumberOfFrames=str(count), PixelData=data, **attributes)


def run_lengths(frames, **attributes):
    """A data set in run lengths, by pydicom's encoder; its check of depths is passed by, since its decoder reads them all."""
    first = frames[0]
    runner = types.SimpleNamespace(
        bits_allocated=first.dtype.itemsize * 8, samples_per_pixel=1 if first.ndim == 2 else 3, columns=first.shape[1], get_option=lambda name, default: default)
    data = [native._encode_frame(frame.astype(frame.dtype.newbyteorder("<")).tobytes(), runner) for frame in frames]
    ds = framed(frames, encapsulate(data), syntax=RLELossless, **attributes)
    ds["PixelData"].VR, ds["PixelData"].is_undefined_length = "OB", True
    return ds


def depth_vectors(add, rng):
    """1 to 32 bits, several frames, run lengths, byte orders."""
    def every(name, ds, frames, **facts):
        add(name, ds, np.stack(frames), frames=len(frames), **facts)

    bits = [rng.integers(0, 2, (5, 7)).astype(np.uint8) for _ in range(3)]
    packed = np.packbits(np.concatenate([f.ravel() for f in bits]), bitorder="little").tobytes()
    every("bits_frames.dcm", framed(bits, packed, stored=1, BitsAllocated=1), bits)
    for name, kind, stored, low, high in (
        ("uint16_12", np.uint16, 12, 0, 4096), ("int16", np.int16, 16, -32768, 32768), ("uint32", np.uint32, 32, 0, 2**32),
        ("int32_20", np.int32, 20, -2**19, 2**19), ("int8", np.int8, 8, -128, 128)):
        frames = [rng.integers(low, high, (5, 6)).astype(kind) for _ in range(2)]
        shown = [f.astype(np.int16) if kind == np.int8 else f for f in frames]
        every(f"frames_{name}.dcm", framed(frames, stored=stored), shown)
        if kind != np.int8:
            swapped = b"".join(f.astype(f.dtype.newbyteorder(">")).tobytes() for f in frames)
            ds = framed(frames, swapped, stored=stored, syntax=ExplicitVRBigEndian)
            every(f"big_endian_{name}.dcm", ds, shown)
        every(f"rle_{name}.dcm", run_lengths(frames, stored=stored), shown)
    pixels = rng.integers(0, 256, (3, 5)).astype(np.uint8)
    swapped = np.frombuffer(pixels.tobytes() + b"\0", "<u2").byteswap().tobytes()
    ds = dicom_dataset(pixels, syntax=ExplicitVRBigEndian, PixelData=swapped)
    ds["PixelData"].VR = "OW"
    add("big_endian_words_of_bytes.dcm", ds, pixels)
    add("deflated.dcm", dicom_dataset(pixels, syntax=DeflatedExplicitVRLittleEndian), pixels)
    frames = [rng.integers(0, 65536, (4, 3)).astype(np.uint16) for _ in range(2)]
    ds = framed(frames, encapsulate([f.tobytes() for f in frames]), syntax=pydicom.uid.UID("1.2.840.10008.1.2.1.98"))
    ds["PixelData"].VR, ds["PixelData"].is_undefined_length = "OB", True
    every("encapsulated_uncompressed.dcm", ds, frames)


def colour_vectors(add, out, rng):
    """RGB of all depths, YBR, palettes."""
    for bits in (8, 16, 32):
        colour = rng.integers(0, 2**bits, (4, 6, 3)).astype(f"u{bits // 8}")
        if bits > 8:
            add(f"rgb_{bits}.dcm", dicom_dataset(colour), colour)
            add(f"rgb_{bits}_planar.dcm", dicom_dataset(colour, PlanarConfiguration=1, PixelData=colour.transpose(2, 0, 1).tobytes()), colour)
        add(f"rle_rgb_{bits}.dcm", run_lengths([colour]), colour)
    # Every difference beside extremes and middles of luminance; the corner cases of rounding are among them.
    ybr = rng.integers(0, 256, (48, 64, 3)).astype(np.uint8)
    shown = pydicom.pixels.convert_color_space(ybr, "YBR_FULL", "RGB")
    add("ybr_full.dcm", dicom_dataset(ybr, PhotometricInterpretation="YBR_FULL"), shown)
    add("ybr_full_planar.dcm", dicom_dataset(ybr, PhotometricInterpretation="YBR_FULL", PlanarConfiguration=1,
                                             PixelData=ybr.transpose(2, 0, 1).tobytes()), shown)
    pairs = rng.integers(0, 256, (6, 4, 4)).astype(np.uint8)  # Y Y B R
    full = np.stack([pairs[..., [0, 2, 3]], pairs[..., [1, 2, 3]]], axis=2).reshape(6, 8, 3)
    ds = dicom_dataset(full, PhotometricInterpretation="YBR_FULL_422", PixelData=pairs.tobytes())
    add("ybr_full_422.dcm", ds, pydicom.pixels.convert_color_space(full, "YBR_FULL", "RGB"))

    def palette(name, entries, expected=None, bits=8, **attributes):
        ds = dicom_dataset(entries, PhotometricInterpretation="PALETTE COLOR", **attributes)
        if expected is None:
            expected = pydicom.pixels.apply_color_lut(entries, ds)
        add(name, ds, expected, bitsStored=bits)

    entries = rng.integers(0, 256, (5, 8)).astype(np.uint8)
    tables = rng.integers(0, 256, (3, 200))
    palette("palette_8.dcm", entries, **palette_attributes(tables, 20, 8))
    wide = rng.integers(0, 65536, (3, 256))
    palette("palette_16.dcm", entries, bits=16, **palette_attributes(wide, 0, 16))
    entries = rng.integers(0, 4096, (5, 8)).astype(np.uint16)
    palette("palette_16_entries_16.dcm", entries, bits=16, stored=12, **palette_attributes(rng.integers(0, 65536, (3, 4096)), 0, 16))
    segments = [[0, 3, 7, 9, 4095, 1, 100, 65000 - 1000 * i, 1, 153, 100 * i] for i in range(3)]
    ds = dicom_dataset(rng.integers(0, 256, (5, 8)).astype(np.uint8), PhotometricInterpretation="PALETTE COLOR",
                       **palette_attributes(np.zeros((3, 256)), 0, 16, segments))
    expected = pydicom.pixels.apply_color_lut(ds.pixel_array, ds)
    add("palette_segmented.dcm", ds, expected, bitsStored=16)
    for index, segment in enumerate(([2, 1, 0, 0], [1, 256, 5], [0, 200] + [1] * 200, [0, 0])):
        ds = dicom_dataset(entries.astype(np.uint8), PhotometricInterpretation="PALETTE COLOR",
                           **palette_attributes(np.zeros((3, 256)), 0, 16, [segment] * 3))
        out.refused(f"refused_segments_{index}.dcm", dicom_bytes(ds), "unsupportedPixels" if index == 0 else "invalidValue")


def greyscale_vectors(add, out, rng):
    """Tables, windows and functional groups."""
    pixels = rng.integers(0, 256, (5, 8)).astype(np.uint8)
    signed = rng.integers(-2048, 2048, (5, 8)).astype(np.int16)
    table = lookup_table(rng.integers(0, 4096, 200), 30, 12)
    add("modality_table.dcm", dicom_dataset(pixels, ModalityLUTSequence=Sequence([table])), pixels)
    add("voi_tables.dcm", dicom_dataset(pixels, VOILUTSequence=Sequence([table, lookup_table([1, 2], 0, 8)]), WindowCenter=["1", "2"],
                                        WindowWidth=["3", "4"]), pixels)
    add("voi_table_signed.dcm", dicom_dataset(signed, 12, VOILUTSequence=Sequence([lookup_table(rng.integers(0, 256, 300), -1500, 8, True)])), signed)
    add("sigmoid.dcm", dicom_dataset(pixels, WindowCenter="100", WindowWidth="50", VOILUTFunction="SIGMOID"), pixels)
    add("inverse.dcm", dicom_dataset(pixels, PresentationLUTShape="INVERSE"), pixels)
    for name, bad in (("short", lookup_table([1, 2, 3], 0, 8)), ("high", lookup_table([1, 256], 0, 8)), ("bits", lookup_table([1, 2], 0, 7))):
        if name == "short":
            bad.LUTDescriptor = [4, 0, 16]
        out.refused(f"refused_table_{name}.dcm", dicom_bytes(dicom_dataset(pixels, VOILUTSequence=Sequence([bad]))), "invalidValue")
    out.refused("refused_slope_alone.dcm", dicom_bytes(dicom_dataset(pixels, RescaleSlope="2")), "missingElement")

    def group(**parts):
        item = Dataset()
        for name, values in parts.items():
            part = Dataset()
            for key, value in values.items():
                setattr(part, key, value)
            setattr(item, name, Sequence([part]))
        return item

    frames = [rng.integers(0, 4096, (4, 5)).astype(np.uint16) for _ in range(3)]
    shared = group(PixelValueTransformationSequence=dict(RescaleIntercept="-1000", RescaleSlope="2", RescaleType="HU"),
                   FrameVOILUTSequence=dict(WindowCenter="40", WindowWidth="400"),
                   PixelMeasuresSequence=dict(PixelSpacing=["0.5", "0.25"], SliceThickness="3"),
                   PlaneOrientationSequence=dict(ImageOrientationPatient=["1", "0", "0", "0", "0", "-1"]))
    own = [group(PlanePositionSequence=dict(ImagePositionPatient=["-10", str(5 * i), "2.2204460492503131e-16"])) for i in range(3)]
    own[1].PixelValueTransformationSequence = group(PixelValueTransformationSequence=dict(
        RescaleIntercept="7", RescaleSlope="0.5", RescaleType="US")).PixelValueTransformationSequence
    own[2].FrameVOILUTSequence = group(FrameVOILUTSequence=dict(
        WindowCenter=["1", "2"], WindowWidth=["3", "4"], VOILUTFunction="LINEAR_EXACT")).FrameVOILUTSequence
    grey = dict(slope=2, intercept=-1000, isInverted=False, window=[40, 400, 0], voiCount=1)
    scales = [grey, dict(grey, slope=0.5, intercept=7), dict(grey, window=[1, 3, 1], voiCount=2)]
    for syntax, label in ((ExplicitVRLittleEndian, "explicit"), (ImplicitVRLittleEndian, "implicit")):
        for undefined in (False, True):
            ds = framed(frames, stored=12, syntax=syntax, SharedFunctionalGroupsSequence=Sequence([shared]),
                        PerFrameFunctionalGroupsSequence=Sequence(own))
            for name in ("SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence"):
                ds[name].is_undefined_length = undefined
                for item in ds[name].value:
                    item.is_undefined_length_sequence_item = undefined
            add(f"functional_groups_{label}{'_undefined' if undefined else ''}.dcm", ds, np.stack(frames), frames=3, greyscales=scales, greyscale=grey)


def fragment_vectors(add, out, rng):
    """Frames and their fragments, with and without offset tables."""
    def jpeg(array):
        file = io.BytesIO()
        Image.fromarray(array).save(file, "JPEG", quality=90)
        return file.getvalue()

    frames = [picture(16, 24, seed=40 + i) for i in range(3)]
    data = [jpeg(f) for f in frames]
    shown = np.stack([np.array(Image.open(io.BytesIO(d))) for d in data])

    def compressed(value):
        ds = framed(frames, value, syntax=JPEGBaseline8Bit)
        ds["PixelData"].VR, ds["PixelData"].is_undefined_length = "OB", True
        return ds

    facts = dict(frames=3, jpegByteCount=min(map(len, data)))
    add("fragments_table.dcm", compressed(encapsulate(data, fragments_per_frame=2)), shown, **facts)
    add("fragments_no_table.dcm", compressed(encapsulate(data, fragments_per_frame=2, has_bot=False)), shown, **facts)
    add("fragments_one_each.dcm", compressed(encapsulate(data, has_bot=False)), shown, **facts)
    value, offsets, lengths = pydicom.encaps.encapsulate_extended(data)
    ds = compressed(value)
    ds.ExtendedOffsetTable, ds.ExtendedOffsetTableLengths = offsets, lengths
    add("fragments_extended_table.dcm", ds, shown, **facts)
    out.refused("refused_too_few_fragments.dcm", dicom_bytes(compressed(encapsulate(data[:2]))), "frameCount")
    ds.ExtendedOffsetTable = offsets[:8] + b"\1" + offsets[9:]
    out.refused("refused_extended_table.dcm", dicom_bytes(ds), "invalidValue")
    for name, frame in (("header", b"\2\0\0\0" + bytes(60) + b"\0" * 40), ("short", b"\1\0\0\0" + b"@\0\0\0" + bytes(56) + b"\x90\7"),
                        ("offset", b"\1\0\0\0" + b"\xff\xff\0\0" + bytes(56) + b"\x90\7" * 20)):
        ds = dicom_dataset(picture(9, 13), syntax=RLELossless, PixelData=encapsulate([frame]))
        ds["PixelData"].VR, ds["PixelData"].is_undefined_length = "OB", True
        out.refused(f"refused_rle_{name}.dcm", dicom_bytes(ds), "runLength")


def lenient_vectors(add, out, rng):
    """What real writers do wrong and what cannot be misread."""
    pixels = rng.integers(0, 4096, (5, 8)).astype(np.uint16)
    ds = dicom_dataset(pixels, 12)
    whole = dicom_bytes(ds)
    grey = dict(slope=1, intercept=0, isInverted=False, window=None, voiCount=0)

    def edited(name, old, new):
        assert whole.count(old) == 1, name
        out.image(name, whole.replace(old, new), pixels, bitsStored=12, greyscale=grey)

    element = lambda group, number, vr, value: struct.pack("<HH2sH", group, number, vr, len(value)) + value
    modality = element(0x0008, 0x0060, b"CS", b"DX")
    edited("lenient_odd_length.dcm", modality, modality + element(0x0008, 0x0070, b"LO", b"odd"))
    edited("lenient_unknown_short.dcm", modality, modality + element(0x0008, 0x0070, b"ZZ", b"value "))
    edited("lenient_unknown_long.dcm", modality, modality + struct.pack("<HH2sHI", 8, 0x70, b"ZZ", 0, 6) + b"value ")
    edited("lenient_no_representation.dcm", modality, modality + struct.pack("<HHI", 8, 0x70, 6) + b"value ")
    edited("lenient_rows_long.dcm", element(0x0028, 0x0010, b"US", b"\5\0"), element(0x0028, 0x0010, b"UL", b"\5\0\0\0"))
    edited("lenient_no_high_bit.dcm", element(0x0028, 0x0102, b"US", b"\x0b\0"), b"")
    edited("lenient_no_frames.dcm", element(0x0028, 0x0010, b"US", b"\5\0"), element(0x0028, 0x0008, b"IS", b"0 ") + element(0x0028, 0x0010, b"US", b"\5\0"))
    edited("lenient_identifier.dcm", element(0x0008, 0x0016, b"UI", b"1.2.840.10008.5.1.4.1.1.1.1\0"), element(0x0008, 0x0016, b"UI", b"anonymous "))
    data = struct.pack("<HH2sHI", 0x7FE0, 0x0010, b"OW", 0, 80) + pixels.tobytes()
    longer = struct.pack("<HH2sHI", 0x7FE0, 0x0010, b"OW", 0, 90) + pixels.tobytes() + bytes(10)
    edited("lenient_padding.dcm", data, longer)
    edited("lenient_trailing_bytes.dcm", data, data + b"\0\0\0\0\0")
    implicit = dicom_bytes(dicom_dataset(pixels, 12, syntax=ImplicitVRLittleEndian))
    out.image("lenient_implicit_in_explicit.dcm", implicit.replace(b"1.2.840.10008.1.2\0", b"1.2.840.10008.1.2\0").replace(
        struct.pack("<HH2sH", 2, 0x10, b"UI", 18) + b"1.2.840.10008.1.2\0", struct.pack("<HH2sH", 2, 0x10, b"UI", 20) + b"1.2.840.10008.1.2.1\0"),
        pixels, bitsStored=12, greyscale=grey)
    out.image("lenient_no_preamble.dcm", whole[132:], pixels, bitsStored=12, greyscale=grey)
    # A sequence whose representation was lost: unknown, its content implicit.
    inner = struct.pack("<HHI", 8, 0x100, 4) + b"CODE"
    item = struct.pack("<HHI", 0xFFFE, 0xE000, len(inner)) + inner
    edited("lenient_sequence_unknown.dcm", modality, modality + struct.pack("<HH2sHI", 8, 0x1032, b"UN", 0, len(item)) + item)
    floats = dicom_dataset(pixels, 12)
    del floats.PixelData
    floats.FloatPixelData = bytes(160)
    out.refused("refused_float.dcm", dicom_bytes(floats), "unsupportedPixels")


def attribute_vectors(add, out, rng):
    pixels = rng.integers(0, 256, (3, 4)).astype(np.uint8)
    add("attributes.dcm", dicom_dataset(
        pixels, SeriesInstanceUID="1.2.3.4", ImagerPixelSpacing=["0.139", "0.148"], PixelSpacing=["0.1", "0.2"], PixelAspectRatio=["4", "3"], ImageLaterality="R",
        Laterality="L", ViewPosition="AP", BurnedInAnnotation="NO", LossyImageCompression="01", PatientOrientation=["L", "F"],
        ImagePositionPatient=["1", "-2", "3.5"], ImageOrientationPatient=["0", "1", "0", "0", "0", "-1"]), pixels)
    frames = [rng.integers(0, 256, (3, 4)).astype(np.uint8) for _ in range(3)]
    add("frame_time.dcm", framed(frames, FrameTime="33.25", Laterality="L", BurnedInAnnotation="YES", ViewPosition="John^Doe"), np.stack(frames), frames=3)
    add("frame_times.dcm", framed(frames, FrameTimeVector=["0", "20", "30.5"], ImageLaterality="left"), np.stack(frames), frames=3)


def more_dicom_vectors(out, add):
    """Depths, frames, colours, tables, functional groups, fragments, and what is read though it is not quite right."""
    rng = np.random.default_rng(SEED + 1)
    depth_vectors(add, rng)
    colour_vectors(add, out, rng)
    greyscale_vectors(add, out, rng)
    fragment_vectors(add, out, rng)
    lenient_vectors(add, out, rng)
    attribute_vectors(add, out, rng)


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
