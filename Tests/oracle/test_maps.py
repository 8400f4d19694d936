"""Where models looked: the engine's maps are N-16's and N-17's bit for bit, and what those rules promise holds in binary64. $TERN names the command."""
import json
import os
import struct
import subprocess
from pathlib import Path

import numpy as np
import pytest

import numerics

VECTORS = Path(__file__).resolve().parents[1] / "Vectors" / "TernConvert"
TERN = os.environ.get("TERN", "")
pytestmark = pytest.mark.skipif(not TERN, reason="TERN does not name the command tern")
MEAN = [("fc_norm", ["--weights", "f32"]), ("fc_norm", ["--weights", "int8"]), ("fc_norm", ["--weights", "int8", "--no-rotate"]),
        ("norm", ["--weights", "int8", "--no-rotate"]), ("norm", ["--weights", "f32"])]


def renamed(source: Path, target: Path, old: str, new: str) -> None:
    """A checkpoint whose tensors are called otherwise."""
    raw = source.read_bytes()
    count, = struct.unpack_from("<Q", raw)
    names = {name.replace(old, new): entry for name, entry in json.loads(raw[8:8 + count]).items()}
    text = json.dumps(names).encode()
    target.write_bytes(struct.pack("<Q", len(text)) + text + raw[8 + count:])
    target.with_suffix(".json").write_bytes(source.with_suffix(".json").read_bytes())


def maps(model: Path, images: np.ndarray, outputs: int, *options: str) -> np.ndarray:
    """[images, outputs, 1 + patches] of the engine."""
    images.astype("<f4").tofile(model.with_suffix(".in"))
    subprocess.run([TERN, "run", str(model), "--input", str(model.with_suffix(".in")), "-o", str(model.with_suffix(".out")), "--maps",
                    str(model.with_suffix(".maps")), *options], check=True)
    return np.fromfile(model.with_suffix(".maps"), "<f4").reshape(len(images), outputs, -1)


def inputs(oracle: numerics.Model) -> np.ndarray:
    images = np.random.default_rng(5).normal(size=(2, int(np.prod(oracle.shape)))).astype("<f4")
    images[1] *= np.float32(1e-3)
    return images


@pytest.mark.parametrize("norm,options", MEAN, ids=lambda value: value if isinstance(value, str) else "-".join(value).replace("--", ""))
def test_shares_are_exact_parts_of_the_output(norm: str, options: list[str], tmp_path: Path) -> None:
    checkpoint, model = tmp_path / "mean.safetensors", tmp_path / "mean.tern"
    renamed(VECTORS / "vit-mean.safetensors", checkpoint, "fc_norm", norm)
    subprocess.run([TERN, "convert", str(checkpoint), "-o", str(model), *options], check=True)
    oracle = numerics.Model(model)
    images = inputs(oracle)
    found = maps(model, images, oracle.outputs)
    patches = oracle.steps_of_patches()
    for image, map_ in zip(images, found):
        logits = oracle.run(image)
        for index in range(oracle.outputs):
            expected, base = oracle.shares(index)
            assert (map_[index].view(np.uint32) == np.append(base, expected).astype("f4").view(np.uint32)).all()
        shares, bases, rounding = exact_shares(oracle)
        assert shares.shape == (oracle.outputs, patches)
        assert abs(map_[:, 1:] - shares).max() < 1e-4 * max(1, abs(shares).max())
        assert abs(map_[:, 0] - bases).max() <= rounding + 1e-4
        assert abs(map_.astype(np.float64).sum(axis=1) - logits).max() < 1e-4 * max(1, abs(shares).sum(axis=1).max())
        # The shares differ from patch to patch and from output to output, or a fault would hide.
        assert np.ptp(map_[:, 1:], axis=0).min() > 1e-6 and np.ptp(map_[:, 1:], axis=1).min() > 1e-6


def exact_shares(oracle: numerics.Model) -> tuple[np.ndarray, np.ndarray, float]:
    """In binary64 from the tokens before the mean and the tensors of the file: shares [outputs, P], biases [outputs], and the most that rounding
    the head's input can move."""
    at = next(i for i, (op, _, _) in enumerate(oracle.steps) if op.kind == 6)
    x = oracle.steps[at][1].astype(np.float64)
    head = oracle.operations[-1]
    weights = oracle.tensors[head.tensors[0]].values.astype(np.float64)
    if head.levels:
        weights = weights * np.broadcast_to(oracle.tensors[head.tensors[1]].values, (head.n,)).astype(np.float64)[:, None]
    base = oracle.tensors[head.tensors[2]].values.astype(np.float64) if head.flags & 8 else np.zeros(head.n)
    if oracle.operations[at + 1].kind == 3:
        norm = oracle.operations[at + 1]
        gamma, beta = (oracle.tensors[norm.tensors[i]].values.astype(np.float64) for i in (0, 2))
        mean = x.mean(axis=0)
        deviation = np.sqrt(mean.var() + norm.parameter)
        parts = (x - x.mean(axis=1, keepdims=True)) / deviation * gamma
        read = parts.mean(axis=0) + beta
    elif oracle.operations[at - 1].kind == 3:
        beta = oracle.tensors[oracle.operations[at - 1].tensors[2]].values.astype(np.float64)
        parts, read = x - beta, x.mean(axis=0)
    base = base + weights @ beta
    step = abs(read).max() / head.levels if head.levels else 0
    return (weights @ parts.T) / len(x), base, abs(weights).sum(axis=1).max() * step / 2
