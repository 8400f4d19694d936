#!/usr/bin/env python3
"""Writes the golden vectors of TernPrepare.

    python3 -m venv env && env/bin/pip install -r Tools/vectors/requirements-decode.txt
    env/bin/python Tools/vectors/make_prepare_vectors.py

Every image is synthetic and comes from one seed. Resized images are Pillow's, grey values pydicom's.
"""

import hashlib
import json

import numpy as np
import pydicom
from PIL import Image
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from make_dicom_vectors import dicom_dataset
from vector_set import SEED, TYPES, Set, picture


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
    prepared = Set("TernPrepare", "8 bit: 0; real-valued: 1e-4 of 0 ... 255; grey values 2.55e-4 of 0 ... 255", "make_prepare_vectors.py")
    resize_vectors(prepared)
    float_vectors(prepared)
    wide_vectors(prepared)
    greyscale_vectors(prepared)
    for path in sorted(prepared.folder.iterdir()):
        prepared.cases.append(dict(file=path.name, sha256=hashlib.sha256(path.read_bytes()).hexdigest()))
    prepared.close()


if __name__ == "__main__":
    prepare_vectors()
