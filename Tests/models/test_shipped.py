"""The shipped models, in the real programs: $TERND and $TERN name them."""
import hashlib
import json
import os
import struct
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "Models/pneumonia28"
TERND = os.environ.get("TERND", str(ROOT / "build/x86_64/ternd"))
TERN = os.environ.get("TERN", str(ROOT / ".build/release/tern"))
KEY = ROOT / "Models/signing-key.pub"
MODELS = {
    "ternary": ("pneumonia28.tern", "ternary.safetensors", ["--weights", "ternary"], 1_000_000),
    "int8": ("pneumonia28-int8.tern", "float.safetensors", ["--weights", "int8", "--no-rotate"], 2_000_000),
}
SAMPLES = sorted((FOLDER / "samples").glob("*.png"))


def run(*command):
    return subprocess.run([str(part) for part in command], check=True, capture_output=True, text=True).stdout


@pytest.fixture(params=MODELS)
def shipped(request):
    return request.param, *MODELS[request.param]


def test_outputs_are_those_of_pytorch_in_every_bit(shipped):
    kind, name, *_ = shipped
    expected = {image["index"]: image for image in json.loads((FOLDER / f"scores-test-{kind}.json").read_text())["images"]}
    assert len(expected) == 624 and len(SAMPLES) == 8
    lines = run(TERND, "infer", "--model", FOLDER / name, "--trust", KEY, *SAMPLES).splitlines()
    for sample, line in zip(SAMPLES, lines, strict=True):
        image, result = expected[int(sample.name.split("-")[1])], json.loads(line)
        # N-12: the digest is SHA-256 over the outputs' bits, so equal digests are equal bits.
        assert result["digest"] == hashlib.sha256(struct.pack("<2f", *image["logits"])).hexdigest(), sample.name
        assert result["findings"][0]["score"] == pytest.approx(image["score"], abs=1e-6)
        assert result["findings"][0]["call"] == ("positive" if image["score"] >= result["findings"][0]["threshold"] else "negative")
        assert ("pneumonia" in sample.name) == bool(image["label"])


def test_conversion_of_the_checkpoint_gives_the_same_identity(shipped, tmp_path):
    kind, name, checkpoint, options, _ = shipped
    run(TERN, "convert", FOLDER / "checkpoint" / checkpoint, "--config", FOLDER / f"description-{kind}.json", *options, "-o", tmp_path / "again.tern")
    again, file = (tmp_path / "again.tern").read_bytes(), (FOLDER / name).read_bytes()
    assert again[3840:3872] == file[3840:3872]
    assert again[4096:] == file[4096:]


def test_file_is_small_signed_and_agrees_on_every_instruction_set(shipped):
    _, name, _, _, limit = shipped
    assert (FOLDER / name).stat().st_size < limit
    lines = run(TERND, "selftest", "--model", FOLDER / name, "--trust", KEY).splitlines()
    available = next(line for line in run(TERND, "info").splitlines() if "available" in line.lower())
    assert lines and all("agree in every bit" in line for line in lines), lines
    assert all(line.split(":")[0] in available for line in lines)


def test_an_inference_allocates_nothing(shipped):
    for threads in (1, 2):
        bench = json.loads(run(TERND, "bench", "--model", FOLDER / shipped[1], "--threads", threads, "--repeat", 20))
        assert bench["allocations_per_inference"] == 0
        assert bench["threads"] == threads and bench["gmac"] > 0.04


def test_card_figures_are_those_of_the_scores():
    figures = json.loads((FOLDER / "figures.json").read_text())["models"]
    for kind in MODELS:
        scores = json.loads((FOLDER / f"scores-test-{kind}.json").read_text())
        right = sum((image["score"] >= scores["threshold"]) == bool(image["label"]) for image in scores["images"])
        assert figures[kind]["accuracy"] == pytest.approx(right / 624, abs=1e-4)
    assert figures["ternary"]["accuracy"] >= 0.885 and figures["ternary"]["auc"] >= 0.95
    assert figures["float"]["accuracy"] - figures["ternary"]["accuracy"] <= 0.015
