"""Where models looked: the engine's maps are N-16's and N-17's bit for bit, and what those rules promise holds in binary64. $TERN names the command."""
import json
import math
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


CLASS = [("vit", 1, ["--weights", "int8"]), ("vit", 1, ["--weights", "f32"]), ("deit", 2, ["--weights", "int8", "--no-rotate"]),
         ("dino", 4, ["--weights", "int8"]), ("vit-mqa", 1, ["--weights", "f32"]), ("vit-ternary", 1, ["--weights", "ternary"])]


@pytest.mark.parametrize("name,first,options", CLASS, ids=lambda value: value if isinstance(value, str) else None)
def test_relevance_follows_the_attention(name: str, first: int, options: list[str], tmp_path: Path) -> None:
    model = tmp_path / f"{name}.tern"
    subprocess.run([TERN, "convert", str(VECTORS / f"{name}.safetensors"), "-o", str(model), *options], check=True)
    oracle = numerics.Model(model)
    images = inputs(oracle)
    found = maps(model, images, oracle.outputs, "--threads", "2")
    assert (found == found[:, :1]).all()
    for image, map_ in zip(images, found[:, 0]):
        oracle.run(image)
        expected, base = oracle.relevance(first)
        assert (map_.view(np.uint32) == np.append(base, expected).astype("f4").view(np.uint32)).all()
        exact = exact_relevance(oracle)
        assert abs(map_[1:] - exact[first:first + len(map_) - 1]).max() < 1e-6
        assert map_.min() >= 0 and abs(map_.astype(np.float64).sum() - 1) < 1e-5
        assert np.ptp(map_[1:]) > 1e-3 * map_[1:].mean()


def tensors(path: Path) -> dict[str, np.ndarray]:
    """The binary32 tensors of a checkpoint in binary64."""
    raw = path.read_bytes()
    count, = struct.unpack_from("<Q", raw)
    entries = {name: entry for name, entry in json.loads(raw[8:8 + count]).items() if name != "__metadata__"}
    return {name: np.frombuffer(raw, "<f4", int(np.prod(entry["shape"])), 8 + count + entry["data_offsets"][0]).reshape(entry["shape"]).astype(np.float64)
            for name, entry in entries.items()}


def transformer_relevance(weights: dict[str, np.ndarray], image: np.ndarray, heads: int) -> np.ndarray:
    """A vision transformer with a class token in binary64, from its checkpoint alone, and the way back through it: half of what a token has stays,
    half goes to the tokens it reads in proportion to attention times norm of value, over all heads."""
    def norm(x, name):
        d = x - x.mean(axis=1, keepdims=True)
        return d / np.sqrt((d * d).mean(axis=1, keepdims=True) + 1e-6) * weights[name + ".weight"] + weights[name + ".bias"]

    def linear(x, name):
        return x @ weights[name + ".weight"].reshape(len(weights[name + ".bias"]), -1).T + weights[name + ".bias"]

    width, patch = weights["cls_token"].shape[-1], weights["patch_embed.proj.weight"].shape[-1]
    x = np.concatenate([weights["cls_token"][0], linear(numerics.patches(image, patch), "patch_embed.proj")]) + weights["pos_embed"][0]
    flow, block = np.eye(len(x)), 0
    while f"blocks.{block}.norm1.weight" in weights:
        name = f"blocks.{block}."
        q, k, v = (part.reshape(len(x), heads, -1).transpose(1, 0, 2) for part in np.split(linear(norm(x, name + "norm1"), name + "attn.qkv"), 3, axis=1))
        scores = q @ k.transpose(0, 2, 1) / np.sqrt(width / heads)
        attention = np.exp(scores - scores.max(axis=2, keepdims=True))
        attention /= attention.sum(axis=2, keepdims=True)
        read = (attention * np.linalg.norm(v, axis=2)[:, None]).sum(axis=0)
        flow = (np.eye(len(x)) + read / read.sum(axis=1, keepdims=True)) / 2 @ flow
        x = x + linear((attention @ v).transpose(1, 0, 2).reshape(len(x), width), name + "attn.proj")
        hidden = linear(norm(x, name + "norm2"), name + "mlp.fc1")
        x = x + linear(hidden * 0.5 * (1 + np.vectorize(math.erf)(hidden / np.sqrt(2))), name + "mlp.fc2")
        block += 1
    return flow[0]


def test_relevance_is_that_of_the_float_model(tmp_path: Path) -> None:
    """What INT8 attention moves stays small, and what another rule would give does not come near."""
    model = tmp_path / "vit.tern"
    subprocess.run([TERN, "convert", str(VECTORS / "vit.safetensors"), "-o", str(model), "--weights", "f32"], check=True)
    images = np.random.default_rng(6).normal(size=(3, 3, 16, 16)).astype("<f4")
    weights = tensors(VECTORS / "vit.safetensors")
    for image, map_ in zip(images, maps(model, images, 3)[:, 0]):
        expected = transformer_relevance(weights, image, 2)
        assert abs(map_[1:] - expected[1:]).max() < 0.03 * expected[1:].max()
        without_norms = dict(weights)
        for block in range(2):
            qkv = weights[f"blocks.{block}.attn.qkv.weight"].copy()
            qkv[64:] = np.roll(qkv[64:], 1, axis=0)
            without_norms[f"blocks.{block}.attn.qkv.weight"] = qkv
        assert abs(map_[1:] - transformer_relevance(without_norms, image, 2)[1:]).max() > 0.03 * expected[1:].max()


def exact_relevance(oracle: numerics.Model) -> np.ndarray:
    """Rollout of whole matrices in binary64, from weights and value norms of each head: another way to compute the rule."""
    tokens = oracle.kept[0][0][0].shape[1]
    flow = np.eye(tokens)
    for heads in oracle.kept:
        rows = sum((u * inverse[:, None].astype(np.float64)) * norms[None].astype(np.float64) for u, inverse, norms in heads)
        mixing = np.eye(tokens)
        mixing[:len(rows)] = (np.eye(tokens)[:len(rows)] + rows / rows.sum(axis=1, keepdims=True)) / 2
        flow = mixing @ flow
    read = next(op.m for op, _, _ in reversed(oracle.steps) if op.kind == 3)
    return flow[:read].mean(axis=0)


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
