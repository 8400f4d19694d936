"""Hard gates, in the real programs: sizes, memory and allocations never grow unseen. Times are reported by `ternd bench`, never asserted.

`thresholds.json` holds them. File and plan are exact: whoever changes the format or the planner changes the number with a reason. Memory is a
bound, since each kernel table has scratch of its own. The program's size is held by Tools/check_binary.
"""
import json
import os
import struct
import subprocess
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

ROOT = Path(__file__).resolve().parents[2]
TERND = os.environ.get("TERND", str(ROOT / "build/x86_64/ternd"))
TERN = os.environ.get("TERN", str(ROOT / ".build/release/tern"))
THRESHOLDS = json.loads(Path(__file__).with_name("thresholds.json").read_text())
DEPTH, WIDTH, HEADS, TOKENS, CLASSES = 12, 384, 6, 197, 1000


def run(*command):
    return subprocess.run([str(part) for part in command], check=True, capture_output=True, text=True).stdout


def deit_small(folder):
    """A ternary model of the shape of DeiT-Small at 224 px, random weights, 63 levels, positions in binary16."""
    random = np.random.default_rng(1)

    def matrix(*shape):
        return (random.integers(-1, 2, shape) * np.float32(0.05)).astype(np.float32)

    def values(*shape):
        return random.normal(0, 0.02, shape).astype(np.float32)

    weights = {
        "cls_token": values(1, 1, WIDTH), "pos_embed": values(1, TOKENS, WIDTH), "patch_embed.proj.weight": matrix(WIDTH, 3, 16, 16),
        "patch_embed.proj.bias": values(WIDTH), "norm.weight": 1 + values(WIDTH), "norm.bias": values(WIDTH), "head.weight": matrix(CLASSES, WIDTH),
        "head.bias": values(CLASSES),
    }
    shapes = {"attn.qkv": (3 * WIDTH, WIDTH), "attn.proj": (WIDTH, WIDTH), "mlp.fc1": (4 * WIDTH, WIDTH), "mlp.fc2": (WIDTH, 4 * WIDTH)}
    for index in range(DEPTH):
        for norm in ("norm1", "norm2"):
            weights |= {f"blocks.{index}.{norm}.weight": 1 + values(WIDTH), f"blocks.{index}.{norm}.bias": values(WIDTH)}
        for name, shape in shapes.items():
            weights |= {f"blocks.{index}.{name}.weight": matrix(*shape), f"blocks.{index}.{name}.bias": values(shape[0])}
    save_file(weights, folder / "small.safetensors")
    (folder / "small.json").write_text(json.dumps({
        "name": "deit-small", "version": "1.0.0",
        "architecture": {"heads": HEADS, "layerNormEpsilon": 1e-6, "pool": "class", "activationLevels": 63, "image": 224, "patch": 16, "channels": 3},
        "input": {"modality": "", "width": 224, "height": 224, "channels": 3, "crop": "stretch", "filter": "bicubic", "mean": [0.5] * 3, "std": [0.5] * 3},
        "output": {"activation": "softmax", "temperature": 1.0, "calibrated": False}, "labels": [], "card": {"intendedUse": "Tests."},
    }))
    run(TERN, "convert", folder / "small.safetensors", "--weights", "ternary", "--positions", "f16", "-o", folder / "deit-small-ternary")
    return folder / "deit-small-ternary"


@pytest.fixture(scope="module", params=THRESHOLDS["models"])
def model(request, tmp_path_factory):
    """Path and thresholds of each model."""
    shipped = ROOT / "Models" / request.param.removesuffix(".tern").removesuffix("-int8") / request.param
    return shipped if shipped.exists() else deit_small(tmp_path_factory.mktemp("gates")), THRESHOLDS["models"][request.param]


def test_files_and_plans_have_their_sizes(model):
    path, limits = model
    header = path.read_bytes()[:4096]
    assert path.stat().st_size == limits["file_bytes"] <= limits["file_bytes_at_most"]
    assert struct.unpack_from("<Q", header, 24)[0] == limits["plan_arena_bytes"]


@pytest.mark.parametrize("threads", [1, 2])
def test_inference_allocates_nothing_and_keeps_to_its_memory(model, threads):
    path, limits = model
    available = next(line for line in run(TERND, "info").splitlines() if "available:" in line).split(":")[1].split()
    assert available[0] == "scalar"
    for table in available:
        # The scalar table takes seconds for one inference of the large model.
        is_slow = table == "scalar" and path.stat().st_size > 2_000_000
        if is_slow and threads > 1:
            continue
        repeat = 1 if is_slow else 5
        report = json.loads(run(TERND, "bench", "--model", path, "--allow-unsigned", "--isa", table, "--threads", threads, "--repeat", repeat))
        assert report["allocations_per_inference"] == 0, table
        assert report["arena_bytes"] <= limits["memory_bytes"], table
        assert report["peak_resident_bytes"] <= limits["peak_resident_bytes"], table
