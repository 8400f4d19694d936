"""The real aarch64 binary under qemu-user on the CPUs that have each level of the instruction set, and the x86-64 one on CPUs that lack what this
machine has: the same results, to the last bit. The service tests run against this binary too (Tools/test --filter arm)."""
import json
import os
import pathlib
import re
import subprocess
import sys

import numpy as np
import pytest
from safetensors.numpy import save_file

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "Tools/lib"))
from machines import MACHINES, TABLES_OF, required_of_programs  # noqa: E402

MODELS = ["pneumonia28.tern", "pneumonia28-int8.tern"]
FOLDER = ROOT / "Models/pneumonia28"
SAMPLES = sorted((FOLDER / "samples").glob("*.png"))
NATIVE, EMULATED = MACHINES[0], MACHINES[1:]
TERN = os.environ.get("TERN", str(ROOT / ".build/release/tern"))
LIMIT = 300


def ternd(machine, *arguments):
    program = ROOT / f"build/{machine.architecture}/ternd"
    if machine.lacking:
        pytest.fail(f"{machine.name}: {machine.lacking}")
    done = subprocess.run(machine.command(program, *arguments), capture_output=True, text=True, timeout=LIMIT)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("machine", EMULATED, ids=lambda machine: machine.name)
def test_a_cpu_offers_exactly_its_tables(machine):
    line = re.search(r"instruction sets available: (.*)", ternd(machine, "info"))
    assert line[1].split() == TABLES_OF[machine.name]


@pytest.mark.parametrize("machine", EMULATED, ids=lambda machine: machine.name)
def test_selftest_agrees_on_every_table(machine):
    lines = ternd(machine, "selftest").splitlines()
    assert lines == [f"{table}: built-in values agree with scalar in every bit" for table in TABLES_OF[machine.name]]
    for model in MODELS:
        lines = ternd(machine, "selftest", "--trust", ROOT / "Models/signing-key.pub", "--model", FOLDER / model).splitlines()
        assert [line.split(":")[0] for line in lines] == TABLES_OF[machine.name]
        assert all(line.endswith("golden vectors agree in every bit") for line in lines)


@pytest.mark.parametrize("machine", EMULATED, ids=lambda machine: machine.name)
def test_results_are_those_of_this_machine(machine):
    def results(where):
        lines = ternd(where, "infer", "--trust", ROOT / "Models/signing-key.pub", "--model", FOLDER / MODELS[0], *SAMPLES).splitlines()
        answers = [json.loads(line) for line in lines]
        for answer in answers:
            assert answer["status"] == "succeeded"
            for name in ("id", "time", "timing"):
                del answer[name]
        return answers

    assert len(SAMPLES) == 8
    assert results(machine) == results(NATIVE)


def test_bench_on_aarch64_allocates_nothing():
    machine = next(machine for machine in MACHINES if machine.name == "qemu cortex-a76")
    report = json.loads(ternd(machine, "bench", "--model", FOLDER / MODELS[0], "--repeat", "2", "--threads", "2"))
    assert report["isa"] == "neondot" and report["threads"] == 2
    assert report["allocations_per_inference"] == 0, "null: this binary was not linked with the counting wrappers"


def identity(*words):
    done = subprocess.run([sys.executable, ROOT / "Tools/identity", *words], capture_output=True, text=True, timeout=LIMIT)
    print(done.stdout, done.stderr)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_every_table_thread_count_and_architecture_gives_the_same_digest():
    lines = identity("--images", *SAMPLES[:4])
    for table in required_of_programs():
        assert re.search(rf"^(this machine|qemu \S+) +{table} +[12] +[0-9a-f]{{16}} +[0-9a-f]{{16}}$", lines, re.MULTILINE)


def random_model(folder, levels):
    """A ternary model with random weights. Its layers have 3 to 288 outputs and 16 to 260 inputs: whole panels and rests."""
    random = np.random.default_rng(levels)

    def ternary(*shape):
        return (random.integers(-1, 2, shape) * np.float32(0.125)).astype(np.float32)

    def near(centre, *shape):
        return (centre + random.normal(0, 0.1, shape)).astype(np.float32)

    width, hidden, tokens = 96, 260, 50
    weights = {
        "cls_token": near(0, 1, 1, width), "pos_embed": near(0, 1, tokens, width), "patch_embed.proj.weight": ternary(width, 1, 4, 4),
        "patch_embed.proj.bias": near(0, width), "norm.weight": near(1, width), "norm.bias": near(0, width), "head.weight": ternary(3, width),
        "head.bias": near(0, 3),
    }
    shapes = {"attn.qkv": (3 * width, width), "attn.proj": (width, width), "mlp.fc1": (hidden, width), "mlp.fc2": (width, hidden)}
    for index in range(2):
        for norm in ("norm1", "norm2"):
            weights |= {f"blocks.{index}.{norm}.weight": near(1, width), f"blocks.{index}.{norm}.bias": near(0, width)}
        for name, shape in shapes.items():
            weights |= {f"blocks.{index}.{name}.weight": ternary(*shape), f"blocks.{index}.{name}.bias": near(0, shape[0])}
    save_file(weights, folder / f"random-{levels}.safetensors")
    (folder / f"random-{levels}.json").write_text(json.dumps({
        "name": f"random-{levels}", "version": "1.0.0",
        "architecture": {"heads": 3, "layerNormEpsilon": 1e-6, "pool": "class", "activationLevels": levels, "image": 28, "patch": 4, "channels": 1},
        "input": {"modality": "", "width": 28, "height": 28, "channels": 1, "crop": "stretch", "filter": "bicubic", "mean": [0.5], "std": [0.5]},
        "output": {"activation": "softmax", "temperature": 1.0, "calibrated": False}, "labels": [], "card": {"intendedUse": "Tests."},
    }))
    model = folder / f"random-{levels}.tern"
    words = [TERN, "convert", folder / f"random-{levels}.safetensors", "--weights", "ternary", "-o", model]
    done = subprocess.run(words, capture_output=True, text=True, timeout=LIMIT)
    assert done.returncode == 0, done.stderr
    return model


def test_levels_that_no_shipped_model_has_give_the_same_digest(tmp_path):
    models = [random_model(tmp_path, levels) for levels in (42, 127)]
    lines = identity("--images", *SAMPLES[:2], *(word for model in models for word in ("--model", model)))
    assert re.search(r"^CPU +table +threads +random-42 +random-127$", lines, re.MULTILINE)
