#!/usr/bin/env python3
"""Writes the golden vectors of TernDICOM.

    python3 -m venv env && env/bin/pip install -r Tools/vectors/requirements-decode.txt
    env/bin/python Tools/vectors/make_dicom_vectors.py

Every image is synthetic and comes from one seed. Files are written by pydicom from known arrays, and pydicom must agree.
"""

import io
import json
import struct
import types

import numpy as np
import pydicom
from PIL import Image
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.pixels.encoders import native
from pydicom.sequence import Sequence
from pydicom.uid import (DeflatedExplicitVRLittleEndian, ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian, JPEGBaseline8Bit, JPEGLSLossless,
                         RLELossless)

from vector_set import SEED, Set, picture


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
    # Words are swapped whatever they hold (PS3.5 annex D); pydicom reads these bytes in the wrong order, dcmtk's dcmconv +tb writes them so.
    ds = framed(bits, np.frombuffer(packed, "<u2").byteswap().tobytes(), stored=1, BitsAllocated=1, syntax=ExplicitVRBigEndian)
    ds["PixelData"].VR = "OW"
    every("big_endian_bits.dcm", ds, bits)
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
    for name, times in (("short", ["0", "20"]), ("long", ["0", "20", "20", "20"]), ("negative", ["0", "-20", "20"])):
        add(f"frame_times_{name}.dcm", framed(frames, FrameTimeVector=times), np.stack(frames), frames=3)

    def view(value, scheme, **more):
        modifier = Dataset()
        modifier.CodeValue, modifier.CodingSchemeDesignator, modifier.CodeMeaning = "399055006", "SCT", "spot compression"
        item = Dataset()
        item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, scheme, "a view"
        item.ViewModifierCodeSequence = Sequence([modifier])
        return dicom_dataset(pixels, ViewCodeSequence=Sequence([item]), **more)

    add("view_code.dcm", view("399162004", "SCT", ViewPosition="", ImageLaterality="L"), pixels)
    add("view_code_former.dcm", view("R-10214", "SNM3"), pixels)
    add("view_code_local.dcm", view("399162004", "99LOCAL"), pixels)
    add("view_code_beside_position.dcm", view("399348003", "SCT", ViewPosition="PA"), pixels)

    def anatomy(side):
        part, item = Dataset(), Dataset()
        part.FrameLaterality = side
        item.FrameAnatomySequence = Sequence([part])
        return item

    two = frames[:2]
    add("frame_laterality_shared.dcm", framed(two, SharedFunctionalGroupsSequence=Sequence([anatomy("R")])), np.stack(two), frames=2)
    for name, sides in (("each", "LL"), ("both", "LR")):
        groups = Sequence([anatomy(side) for side in sides])
        add(f"frame_laterality_{name}.dcm", framed(two, PerFrameFunctionalGroupsSequence=groups), np.stack(two), frames=2)


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
    out = Set("TernDICOM", "0: stored values", "make_dicom_vectors.py")
    rng = np.random.default_rng(SEED)

    def add(name, ds, expected, bare=False, **facts):
        data = dicom_bytes(ds, bare)
        out.image(name, data, expected, bitsStored=facts.pop("bitsStored", ds.BitsStored), greyscale=facts.pop("greyscale") if "greyscale" in facts else grey_scale(ds), **facts)

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
        ("slope_zero", "invalidValue", dict(RescaleSlope="0", RescaleIntercept="0")), ("two_samples", "unsupportedPixels", dict(SamplesPerPixel=2)),
    ):
        out.refused(f"refused_{name}.dcm", dicom_bytes(dicom_dataset(pixels, **attributes)), why)
    # What is stored is good, what would be shown is not.
    for name, fault, attributes in (
        ("width_zero", "width", dict(WindowCenter="1", WindowWidth="0")), ("width_negative", "width", dict(WindowCenter="1", WindowWidth="-4")),
        ("no_width", "widthMissing", dict(WindowCenter="1")), ("no_centre", "centreMissing", dict(WindowWidth="1")),
        ("function", "function", dict(WindowCenter="1", WindowWidth="2", VOILUTFunction="CUBIC")),
    ):
        add(f"unusable_window_{name}.dcm", dicom_dataset(pixels, **attributes), pixels, greyscale=dict(
            slope=1, intercept=0, isInverted=False, window=None, windowFault=fault, voiCount=1 if "WindowCenter" in attributes else 0))
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


if __name__ == "__main__":
    dicom_vectors()
