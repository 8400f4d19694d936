#!/usr/bin/env python3
"""Writes the golden vectors of TernJPEGLossless.

    python3 -m venv env && env/bin/pip install -r Tests/Vectors/TernJPEGLossless/requirements.txt
    env/bin/python Tests/Vectors/TernJPEGLossless/generate.py          # needs dcmtk 3.6.7

Synthetic images from one seed. What `dcmcjpeg` can write (each selection value) is written by it; restart intervals, one
scan for each component, point transforms, other precisions and long codes are written by the encoder below. The expected samples are those of libjpeg
(pylibjpeg-libjpeg) or dcmdjpeg, which must be the encoded ones.
"""

import hashlib
import json
import pathlib
import subprocess
import tempfile

import libjpeg
import numpy as np
import pydicom
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.encaps import encapsulate, generate_frames
from pydicom.uid import ExplicitVRLittleEndian, JPEGLossless

SEED = 20_261_121
FOLDER = pathlib.Path(__file__).resolve().parent
cases = []


def picture(height, width, bits, channels=1, seed=0):
    """A ramp, an edge and noise in 0 ... 2^bits - 1, [height, width] or [height, width, channels]."""
    rng = np.random.default_rng(SEED + seed)
    y, x = np.mgrid[0:height, 0:width]
    top = 2**bits - 1
    planes = []
    for channel in range(channels):
        plane = top * (x if channel % 2 == 0 else y) / max(width, height) + rng.normal(0, max(top / 200, 0.7), (height, width))
        plane = plane + top / 4 * ((x - width / 2) ** 2 + (y - height / 2) ** 2 < (height / 3) ** 2)
        planes.append(np.clip(plane, 0, top).round().astype(np.uint16 if bits > 8 else np.uint8))
    return planes[0] if channels == 1 else np.stack(planes, axis=2)


def run_dcmtk(program, pixels, bits, data, syntax, *options):
    """The data set that a program of dcmtk makes of one with the shape of `pixels` and the pixel data `data`."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.7"
    meta.MediaStorageSOPInstanceUID = "2.25.329800735698586629295641978511506172918"
    meta.TransferSyntaxUID = syntax
    ds = FileDataset("", {}, file_meta=meta, preamble=b"\0" * 128)
    ds.SOPClassUID, ds.SOPInstanceUID = meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID
    ds.Rows, ds.Columns = pixels.shape[:2]
    ds.SamplesPerPixel = 1 if pixels.ndim == 2 else 3
    if pixels.ndim == 3:
        ds.PlanarConfiguration = 0
    ds.PhotometricInterpretation = "MONOCHROME2" if pixels.ndim == 2 else "RGB"
    ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PixelRepresentation = pixels.dtype.itemsize * 8, bits, bits - 1, 0
    ds.PixelData = data + b"\0" * (len(data) % 2)
    ds["PixelData"].VR = "OB" if pixels.dtype.itemsize == 1 or syntax.is_compressed else "OW"
    with tempfile.TemporaryDirectory() as folder:
        source, target = f"{folder}/in.dcm", f"{folder}/out.dcm"
        ds.save_as(source, enforce_file_format=True)
        subprocess.run([program, *options, source, target], check=True)
        return pydicom.dcmread(target)


def dcmtk(pixels, bits, *options):
    """The code stream that dcmcjpeg makes of `pixels`."""
    ds = run_dcmtk("dcmcjpeg", pixels, bits, pixels.tobytes(), ExplicitVRLittleEndian, *options)
    return next(generate_frames(ds.PixelData, number_of_frames=1))


def dcmtk_decoded(data, pixels, bits):
    """What dcmdjpeg makes of a code stream."""
    return run_dcmtk("dcmdjpeg", pixels, bits, encapsulate([data]), JPEGLossless).pixel_array


def segment(code, data):
    return bytes([0xFF, code]) + (len(data) + 2).to_bytes(2, "big") + data


def predictions(plane, selection, bits, lines_per_interval):
    """T.81 H.1.2.1."""
    out = np.zeros(plane.shape, np.int64)
    plane = plane.astype(np.int64)
    for row in range(plane.shape[0]):
        first = row == 0 or (lines_per_interval and row % lines_per_interval == 0)
        for column in range(plane.shape[1]):
            if column == 0:
                out[row, 0] = 1 << (bits - 1) if first else plane[row - 1, 0]
                continue
            a = plane[row, column - 1]
            if first:
                out[row, column] = a
                continue
            b, c = plane[row - 1, column], plane[row - 1, column - 1]
            out[row, column] = {1: a, 2: b, 3: c, 4: a + b - c, 5: a + ((b - c) >> 1), 6: b + ((a - c) >> 1), 7: (a + b) >> 1}[selection]
    return out


def huffman(long_codes):
    """BITS and HUFFVAL for categories 0 ... 16, and the codes: all of five bits, or lengths 1 ... 16."""
    counts = [0] * 16
    if long_codes:
        order = [3, 4, 2, 5, 1, 0, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16]
        lengths = [*range(1, 16), 16, 16]
    else:
        order, lengths = list(range(17)), [5] * 17
    codes, code, last = {}, 0, lengths[0]
    for category, length in zip(order, lengths):
        code <<= length - last
        codes[category] = (code, length)
        counts[length - 1] += 1
        code, last = code + 1, length
    if long_codes:  # The last code would be all ones, which T.81 keeps free: category 16 shares no file with these.
        del codes[16]
        counts[15] -= 1
        order = order[:-1]
    return bytes(counts) + bytes(order), codes


def encode(pixels, bits, selection=1, shift=0, lines_per_interval=0, separate=False, long_codes=False, fill=0, tables=1):
    """A code stream of process 14."""
    planes = [pixels] if pixels.ndim == 2 else [pixels[:, :, c] for c in range(pixels.shape[2])]
    height, width = pixels.shape[:2]
    table, codes = huffman(long_codes)
    out = b"\xff\xd8" + segment(0xE0, b"JFIF\0\1\1\0\0\1\0\1\0\0") * (len(planes) == 1)
    out += segment(0xC3, bytes([bits]) + height.to_bytes(2, "big") + width.to_bytes(2, "big") + bytes([len(planes)])
                   + b"".join(bytes([c + 1, 0x11, 0]) for c in range(len(planes))))
    out += segment(0xC4, b"".join(bytes([t]) + table for t in range(tables)))
    if lines_per_interval:
        out += segment(0xDD, (lines_per_interval * width).to_bytes(2, "big"))
    differences = [(p.astype(np.int64) >> shift) - predictions(p >> shift, selection, bits - shift, lines_per_interval) for p in planes]
    for scan in [[c] for c in range(len(planes))] if separate else [list(range(len(planes)))]:
        out += segment(0xDA, bytes([len(scan)]) + b"".join(bytes([c + 1, (c % tables) << 4]) for c in scan) + bytes([selection, 0, shift]))
        text, restarts = "", 0
        data = b""

        def flush(text):
            text += "1" * (-len(text) % 8)
            raw = int(text, 2).to_bytes(len(text) // 8, "big") if text else b""
            return raw.replace(b"\xff", b"\xff\0")

        for row in range(height):
            if lines_per_interval and row and row % lines_per_interval == 0:
                data += flush(text) + b"\xff" * fill + bytes([0xFF, 0xD0 + restarts % 8])
                text, restarts = "", restarts + 1
            for column in range(width):
                for component in scan:
                    d = int(differences[component][row, column]) & 0xFFFF
                    d = d - 65536 if d > 32768 else d
                    category = abs(d).bit_length()
                    code, length = codes[category]
                    text += f"{code:0{length}b}"
                    if 0 < category < 16:
                        text += f"{(d if d > 0 else d + (1 << category) - 1):0{category}b}"
        out += data + flush(text) + b"\xff" * fill
    return out + b"\xff\xd9"


def add(name, data, pixels, bits, reference=lambda data, pixels, bits: libjpeg.decode(data, colour_transform=0)):
    decoded = reference(data, pixels, bits)
    assert np.array_equal(decoded, pixels), f"{name}: the reference decodes other samples"
    raw = decoded.astype("<u1" if bits <= 8 else "<u2").tobytes()
    (FOLDER / name).write_bytes(data)
    (FOLDER / f"{name}.raw").write_bytes(raw)
    height, width = pixels.shape[:2]
    # dcmcjpeg writes samples of 9 ... 16 bits with a precision of 16.
    precision = data[data.index(b"\xff\xc3") + 4]
    assert precision == bits or precision == 16
    cases.append(dict(
        file=name, sha256=hashlib.sha256(data).hexdigest(), expected=f"{name}.raw", expectedSHA256=hashlib.sha256(raw).hexdigest(), width=width,
        height=height, channels=1 if pixels.ndim == 2 else 3, type="uint8" if bits <= 8 else "uint16", bitsStored=precision))


def main():
    for old in [*FOLDER.glob("*.jpg"), *FOLDER.glob("*.raw")]:
        old.unlink()
    for selection in range(1, 8):
        for bits in (8, 12, 16):
            pixels = picture(19, 23, bits, seed=selection)
            add(f"dcmtk_grey_{bits}_selection_{selection}.jpg", dcmtk(pixels, bits, "+el", "+sv", str(selection)), pixels, bits)
        pixels = picture(13, 17, 8, 3, seed=20 + selection)
        add(f"dcmtk_rgb_selection_{selection}.jpg", dcmtk(pixels, 8, "+el", "+sv", str(selection)), pixels, 8)
    pixels = picture(19, 23, 12, seed=30)
    add("dcmtk_first_order.jpg", dcmtk(pixels, 12, "+e1"), pixels, 12)
    for bits in range(2, 17):
        pixels = picture(11, 14, bits, seed=40 + bits)
        add(f"grey_{bits}_bits.jpg", encode(pixels, bits, selection=bits % 7 + 1), pixels, bits)
    for selection in range(1, 8):
        pixels = picture(12, 15, 16, seed=60 + selection)
        add(f"restart_{selection}.jpg", encode(pixels, 16, selection, lines_per_interval=1 + selection % 3, fill=selection % 2), pixels, 16)
    noise = np.random.default_rng(SEED).integers(0, 65536, (21, 26)).astype(np.uint16)
    add("noise.jpg", encode(noise, 16, 4), noise, 16)
    extremes = np.where(np.random.default_rng(SEED).random((15, 22)) < 0.5, 0, 32768).astype(np.uint16)
    add("category_16.jpg", encode(extremes, 16, 1), extremes, 16)
    smooth = picture(24, 33, 14, seed=70)
    add("long_codes.jpg", encode(smooth, 14, 7, long_codes=True), smooth, 14)
    colour = picture(14, 18, 8, 3, seed=71)
    add("rgb_separate.jpg", encode(colour, 8, 5, separate=True), colour, 8)
    add("rgb_separate_restart.jpg", encode(colour, 8, 2, separate=True, lines_per_interval=3), colour, 8)
    add("rgb_tables_restart.jpg", encode(colour, 8, 6, lines_per_interval=2, tables=3), colour, 8)
    wide = picture(10, 12, 16, 3, seed=72)
    add("rgb_16.jpg", encode(wide, 16, 7), wide, 16)
    shifted = picture(12, 16, 16, seed=73) >> 4 << 4
    # pylibjpeg-libjpeg gives no samples of a point transform: dcmdjpeg is the reference.
    add("point_transform_16.jpg", encode(shifted, 16, 5, shift=4), shifted, 16, dcmtk_decoded)
    single = np.array([[1234]], np.uint16)
    add("one_pixel.jpg", encode(single, 16), single, 16)
    column = picture(40, 1, 10, seed=74)
    add("one_column.jpg", encode(column, 10, 4), column, 10)
    version = subprocess.run(["dcmcjpeg", "--version"], capture_output=True, text=True, check=True).stdout.split()[2]
    text = dict(
        generator="Tests/Vectors/TernJPEGLossless/generate.py", seed=SEED, source="synthetic", licence="Apache-2.0", tolerance="0: lossless",
        versions=dict(numpy=np.__version__, pydicom=pydicom.__version__, libjpeg=libjpeg.__version__, dcmtk=version), cases=cases)
    (FOLDER / "vector.json").write_text(json.dumps(text, indent=1) + "\n")


main()
