#!/usr/bin/env python3
"""Writes Tests/Vectors/TernNIfTI: small volumes, and what nibabel reads of them.

    env/bin/python Tools/vectors/make_nifti_vectors.py

Needs Tools/vectors/requirements-nifti.txt. Headers are filled field by field and written as they are, so that nothing is scaled or repaired on the way.
"""

import gzip
import hashlib
import itertools
import json
import pathlib
import sys
import tempfile

import nibabel
import numpy as np

import nifti_reference

SEED = 20261121
FOLDER = pathlib.Path(__file__).resolve().parents[2] / "Tests" / "Vectors" / "TernNIfTI"
CODES = {
    "uint8": 2, "int16": 4, "int32": 8, "float32": 16, "float64": 64, "int8": 256, "uint16": 512, "uint32": 768, "int64": 1024, "uint64": 1280,
}
ROTATED = np.array([[-2.1, 0.3, 0.2, 30], [0.25, 1.9, -0.4, -20], [0.1, 0.35, 3.2, 5], [0, 0, 0, 1]])


def samples(kind, shape, rng):
    if kind.startswith("float"):
        return (rng.standard_normal(shape) * 1000).astype(kind)
    limits = np.iinfo(kind)
    values = rng.integers(limits.min, limits.max, shape, dtype=kind, endpoint=True)
    values.flat[:2] = limits.min, limits.max
    return values


def header(kind, shape, big=False, two=False, single=True, **fields):
    result = (nibabel.Nifti2Header if two else nibabel.Nifti1Header)(endianness=">" if big else "<")
    if not single:
        pair = nibabel.nifti2.Nifti2PairHeader if two else nibabel.nifti1.Nifti1PairHeader
        result = pair(endianness=">" if big else "<")
    data = result.structarr
    dim = [len(shape), *shape] + [1] * (7 - len(shape))
    data["dim"] = dim
    data["datatype"] = CODES.get(kind, 128)
    data["bitpix"] = 24 if kind == "rgb" else np.dtype(kind).itemsize * 8
    data["pixdim"] = [1, 1, 1, 1, 1, 1, 1, 1]
    data["vox_offset"] = (544 if two else 352) if single else 0
    data["scl_slope"] = 0
    for name, value in fields.items():
        data[name] = value
    return result


def affine(rows, code=1):
    return {"sform_code": code, "srow_x": rows[0], "srow_y": rows[1], "srow_z": rows[2]}


def packed(head, values, extension=b"\0\0\0\0", gap=b""):
    order = ">" if head.endianness == ">" else "<"
    body = values.astype(values.dtype.newbyteorder(order)).tobytes("F") if values.dtype.names is None else values.tobytes("F")
    return head.binaryblock + extension + gap + body


class Vectors:
    def __init__(self):
        FOLDER.mkdir(parents=True, exist_ok=True)
        for old in FOLDER.iterdir():
            old.unlink()
        self.cases, self.turns = [], []

    def facts(self, name, files):
        """What nibabel reads of files written next to each other."""
        with tempfile.TemporaryDirectory() as folder:
            for file, data in files.items():
                (pathlib.Path(folder) / file).write_bytes(data)
            image = nifti_reference.load(pathlib.Path(folder) / name)
            volume = nifti_reference.frames(image)
            # The image's header no longer has what its data are scaled by.
            slope, inter = float(image.dataobj.slope), float(image.dataobj.inter)
            spacing = [float(np.linalg.norm(image.affine[:3, axis])) for axis in range(3)]
        kind = volume.dtype.newbyteorder("=")
        if kind == np.int8:
            volume, kind = volume.astype(np.int16), np.dtype(np.int16)
        rescaled = kind.kind == "f"
        return {
            "shape": list(volume.shape[:4]), "channels": 3 if volume.ndim == 5 else 1, "type": str(kind),
            "samples": volume.astype(kind.newbyteorder("<")).tobytes().hex(),
            "slope": 1.0 if rescaled else slope, "intercept": 0.0 if rescaled else inter,
            "storedSpacing": spacing,
        }

    def add(self, name, data, pair=None, **facts):
        files = {name: data}
        if pair:
            files[pair[0]] = pair[1]
        case = {"file": name} | ({"pair": pair[0]} if pair else {})
        for file, content in files.items():
            (FOLDER / file).write_bytes(content)
        if "refused" not in facts:
            facts = self.facts(name, files) | facts
        case["sha256"] = [hashlib.sha256(content).hexdigest() for content in files.values()]
        self.cases.append(case | facts)

    def turn(self, rows, values):
        """One of the orientations, kept inside the index."""
        data = packed(header("uint8", values.shape, **affine(rows)), values)
        facts = self.facts("turn.nii", {"turn.nii": data})
        self.turns.append({"bytes": data.hex(), "shape": facts["shape"], "samples": facts["samples"]})

    def close(self):
        text = {
            "generator": "Tools/vectors/make_nifti_vectors.py", "seed": SEED, "source": "synthetic", "licence": "Apache-2.0",
            "tolerance": "0: stored values, or the nearest binary32",
            "versions": {"python": sys.version.split()[0], "numpy": np.__version__, "nibabel": nibabel.__version__},
            "cases": self.cases, "turns": self.turns,
        }
        (FOLDER / "vector.json").write_text(json.dumps(text, indent=1) + "\n")


def types(out, rng):
    for kind, big in itertools.product(CODES, [False, True]):
        values = samples(kind, (4, 3, 2), rng)
        end = "be" if big else "le"
        out.add(f"{kind}_{end}.nii", packed(header(kind, values.shape, big, **affine(ROTATED)), values))
    scale = {"scl_slope": 0.37, "scl_inter": -5.25}
    for kind in ["int16", "uint8", "float32", "float64", "uint64", "int64"]:
        values = samples(kind, (3, 4, 2), rng)
        out.add(f"{kind}_scaled.nii", packed(header(kind, values.shape, two=True, **scale, **affine(ROTATED)), values))
    colour = rng.integers(0, 256, (4, 3, 2, 3), dtype=np.uint8).view([("R", "u1"), ("G", "u1"), ("B", "u1")])[..., 0]
    out.add("rgb.nii", packed(header("rgb", colour.shape, scl_slope=2, **affine(ROTATED)), colour))


def forms(out, rng):
    values = samples("int16", (4, 3, 2), rng)
    plain = lambda **fields: header("int16", values.shape, **fields)
    for big in [False, True]:
        out.add(f"two_{'be' if big else 'le'}.nii", packed(header("int16", values.shape, big, two=True, **affine(ROTATED)), values))
    out.add("single.nii.gz", gzip.compress(packed(plain(**affine(ROTATED)), values), mtime=0))
    extension = b"\1\0\0\0" + (32).to_bytes(4, "little") + (6).to_bytes(4, "little") + b"a comment".ljust(24, b"\0")
    out.add("extension.nii", packed(plain(vox_offset=384, **affine(ROTATED)), values, extension))
    out.add("padded.nii", packed(plain(**affine(ROTATED)), values) + bytes(512))
    body = values.tobytes("F")
    for two in [False, True]:
        name = "pair2" if two else "pair"
        head = header("int16", values.shape, two=two, single=False, vox_offset=16, **affine(ROTATED)).binaryblock
        out.add(f"{name}.hdr", head + bytes(4), pair=(f"{name}.img", bytes(16) + body))
    compressed = gzip.compress(header("int16", values.shape, single=False, **affine(ROTATED)).binaryblock, mtime=0)
    out.add("packed.hdr.gz", compressed, pair=("packed.img.gz", gzip.compress(body, mtime=0)))
    out.add("no_transform.nii", packed(plain(pixdim=[1, 2, 3, 4, 0, 0, 0, 0]), values), orientation="none")
    quaternion = {"qform_code": 1, "quatern_b": 0.1, "quatern_c": -0.72, "quatern_d": 0.31, "pixdim": [-1, 2, 3, 4, 0, 0, 0, 0]}
    out.add("qform.nii", packed(plain(**quaternion), values), orientation="qform")
    out.add("both_forms.nii", packed(plain(**quaternion, **affine(ROTATED, 2)), values), orientation="sform")
    out.add("qform_half_turn.nii", packed(plain(qform_code=1, quatern_b=1, pixdim=[1, 2, 3, 4, 0, 0, 0, 0]), values), orientation="qform")
    sheared = np.array([[1, 0.9, 0.2, 0], [0.1, 1, 0.8, 0], [0, 0.7, 1, 0], [0, 0, 0, 1]])
    out.add("sheared.nii", packed(plain(**affine(sheared)), values))
    out.add("display.nii", packed(plain(cal_min=-100, cal_max=300, **affine(ROTATED)), values), window=[100, 400])
    out.add("slope_nan.nii", packed(plain(scl_slope=np.nan, scl_inter=np.nan, **affine(ROTATED)), values))
    out.add("microns.nii", packed(plain(xyzt_units=3, **affine(ROTATED * 1000)), values), unit=0.001)


def shapes(out, rng):
    planes = {"axial": np.diag([-2, -3, 4.0, 1]), "coronal": np.array([[2, 0, 0, 0], [0, 0, 4, 0], [0, 3, 0, 0], [0, 0, 0, 1.0]]),
              "sagittal": np.array([[0, 0, 4, 0], [2, 0, 0, 0], [0, -3, 0, 0], [0, 0, 0, 1.0]])}
    for name, rows in planes.items():
        values = samples("uint8", (5, 4), rng)
        out.add(f"flat_{name}.nii", packed(header("uint8", values.shape, **affine(rows)), values))
    values = samples("uint8", (5, 4, 1, 3), rng)
    out.add("cine_coronal.nii", packed(header("uint8", values.shape, **affine(planes["coronal"])), values))
    values = samples("uint16", (3, 2, 4, 3), rng)
    out.add("volumes.nii", packed(header("uint16", values.shape, **affine(ROTATED)), values))
    values = samples("uint8", (3, 2, 4, 1, 1, 1, 1), rng)
    out.add("seven_axes.nii", packed(header("uint8", values.shape, **affine(ROTATED)), values))
    values = np.arange(24, dtype=np.uint8).reshape(4, 3, 2)
    for order in itertools.permutations(range(3)):
        for signs in itertools.product([1, -1], repeat=3):
            rows = np.zeros((4, 4))
            rows[3, 3] = 1
            for stored, world in enumerate(order):
                rows[world, stored] = signs[stored] * (1 + stored)
            out.turn(rows, values)


def refusals(out, rng):
    values = samples("uint8", (4, 3, 2), rng)
    good = dict(affine(ROTATED))
    plain = lambda **fields: packed(header("uint8", values.shape, **{**good, **fields}), values)
    whole = plain()
    out.add("analyze.hdr", nibabel.AnalyzeHeader().binaryblock, refused="analyzeFormat")
    out.add("half.hdr", header("uint8", values.shape, single=False, **good).binaryblock, refused="halfOfAPair")
    for name, code in {"bits": 1, "complex": 32, "long_double": 1536, "rgba": 2304, "unknown": 3}.items():
        out.add(f"type_{name}.nii", plain(datatype=code), refused="datatype")
    out.add("axis_zero.nii", plain(dim=[3, 4, 0, 2, 1, 1, 1, 1]), refused="dimension")
    out.add("axis_negative.nii", plain(dim=[3, 4, -3, 2, 1, 1, 1, 1]), refused="dimension")
    out.add("rank_eight.nii", plain(dim=[8, 4, 3, 2, 1, 1, 1, 1]), refused="dimension")
    out.add("one_axis.nii", plain(dim=[1, 24, 1, 1, 1, 1, 1, 1]), refused="oneAxis")
    out.add("vectors.nii", plain(dim=[5, 2, 2, 2, 1, 3, 1, 1]), refused="tooManyAxes")
    out.add("offset_negative.nii", plain(vox_offset=-1), refused="dataOffset")
    out.add("offset_fraction.nii", plain(vox_offset=352.5), refused="dataOffset")
    out.add("offset_nan.nii", plain(vox_offset=np.nan), refused="dataOffset")
    out.add("intercept_nan.nii", plain(scl_slope=1, scl_inter=np.nan), refused="intercept")
    out.add("flat_transform.nii", plain(srow_z=[0, 0, 0, 0]), refused="orientation")
    out.add("transform_nan.nii", plain(srow_z=[0, 0, np.nan, 0]), refused="orientation")
    out.add("quaternion.nii", plain(sform_code=0, qform_code=1, quatern_b=0.9, quatern_c=0.9), refused="orientation")
    out.add("short.nii", whole[:-1], refused="samplesMissing")
    out.add("long.nii", gzip.compress(whole + bytes(65_537), mtime=0), refused="compressed")
    out.add("huge.nii", plain(dim=[4, 16000, 4000, 32767, 32767, 1, 1, 1]), refused="samplesMissing")
    out.add("overflow.nii", packed(header("uint8", (4, 3, 2), two=True, dim=[4, 16000, 4000, 2**62, 2**62, 1, 1, 1], **good), values),
            refused="samplesMissing")
    out.add("too_wide.nii", plain(dim=[3, 20000, 1, 1, 1, 1, 1, 1]), refused="shape")
    out.add("checksum.nii.gz", gzip.compress(whole, mtime=0)[:-8] + bytes(8), refused="compressed")
    reals = samples("float32", (4, 3, 2), rng)
    reals[1, 1, 1] = np.nan
    out.add("not_finite.nii", packed(header("float32", reals.shape, **good), reals), refused="notFinite")
    large = np.full((4, 3, 2), 1e300)
    out.add("overflowing.nii", packed(header("float64", large.shape, **good), large), refused="notFinite")


def main():
    out = Vectors()
    rng = np.random.default_rng(SEED)
    for part in (types, forms, shapes, refusals):
        part(out, rng)
    out.close()
    print(f"{len(out.cases)} files and {len(out.turns)} orientations in {FOLDER}")


if __name__ == "__main__":
    main()
