"""What the generators of golden vectors share: one seed, one folder and index of vectors, one picture."""

import hashlib
import json
import pathlib
import platform
import shutil

import numpy as np
import PIL
import png
import pydicom
from PIL import features

SEED = 20_240_611
ROOT = pathlib.Path(__file__).resolve().parents[2] / "Tests" / "Vectors"
TYPES = {"uint8": "<u1", "uint16": "<u2", "int16": "<i2", "uint32": "<u4", "int32": "<i4"}


class Set:
    """One folder of vectors and its `vector.json`."""

    def __init__(self, name, tolerance, generator):
        self.folder = ROOT / name
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        self.cases, self.tolerance, self.generator = [], tolerance, generator

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
            generator=f"Tools/vectors/{self.generator}", seed=SEED, source="synthetic", licence="Apache-2.0", tolerance=self.tolerance,
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
