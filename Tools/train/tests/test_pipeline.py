"""Figures of merit, augmentation, and one short run of every stage on synthetic images."""
import argparse
import json
import sys
from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="training needs torch, which has no small wheel in every index")

import data
import evaluate
import metrics
import train
from progress import Log

PHASE = {"levels": 63, "epochs": 1, "rate": 1e-3, "warmup_epochs": 0, "blend_epochs": 0, "drop_path": 0.1,
         "bfloat16": False, "temperature": 2.0, "teacher_share": 0.7, "smoothing": 0.05, "feature_weight": 0.3,
         "members": [0, 2], "weight_decay": 0.01, "ema": 0.9, "batch": 16}
CONFIG = {
    "name": "smoke", "version": "0.0.1", "seed": 1, "bfloat16": False, "input": {"mean": 0.5, "std": 0.5},
    "augmentation": {},
    "architecture": {"image": 28, "patch": 7, "channels": 1, "width": 32, "depth": 2, "heads": 1, "mlp_ratio": 4,
                     "classes": 2, "epsilon": 1e-6, "pool": "class"},
    "teacher": {"members": [0, 2], "width": 8, "epochs": 1, "batch": 16, "rate": 2e-3, "weight_decay": 0.01, "smoothing": 0.05,
                "ema": 0.9, "features": False, "feature_members": [], "feature_count": 8, "feature_weight": 0.3},
    "pool": {"versions": 2},
    "phases": {
        "float": PHASE | {"mode": "float", "from": None, "seed": 1},
        "ternary": PHASE | {"mode": "ternary", "from": "float", "seed": 2, "blend_epochs": 1},
        "recovery": PHASE | {"mode": "ternary", "from": "ternary", "seed": 3},
    },
}


def test_every_stage_runs_and_resumes(tmp_path, monkeypatch, capsys):
    torch.set_num_threads(1)
    splits = data.synthetic()
    options = argparse.Namespace(until="export", threads=1, member=None)
    for _ in range(2):
        train.run(splits, CONFIG, tmp_path, torch.device("cpu"), options, Log(tmp_path / "log.txt"))
    log = (tmp_path / "log.txt").read_text()
    assert log.count("recovery epoch 1") == 1, "the second run trains nothing again"
    folder = tmp_path / "export"
    assert len(list((folder / "samples").glob("*.png"))) == 8
    monkeypatch.setattr(data, "load", lambda path: splits)
    monkeypatch.setattr(sys, "argv", ["evaluate.py", "--model", str(folder), "--data", "none", "--teacher", str(tmp_path),
                                      "--write"])
    assert evaluate.main() == 0
    figures = json.loads(capsys.readouterr().out.split("validation", 1)[-1].partition("\n{")[2].join(["{", ""]))
    assert set(figures["models"]) == {"teacher", "float", "int8", "ternary"}
    scores = json.loads((folder / "scores-test-ternary.json").read_text())
    assert len(scores["images"]) == len(splits["test"].labels)
    assert json.loads((folder / "description-ternary.json").read_text())["card"]["metrics"]["auc"] >= 0


def test_an_interrupted_phase_goes_on_with_the_same_result(tmp_path, monkeypatch):
    torch.set_num_threads(1)
    splits = data.synthetic()
    config = CONFIG | {"teacher": CONFIG["teacher"] | {"members": [0]},
                       "phases": {"float": CONFIG["phases"]["float"] | {"epochs": 7, "members": [0]}}}
    options = argparse.Namespace(until="student", threads=1, member=None)
    run = lambda out: train.run(splits, config, out, torch.device("cpu"), options, Log(out / "log.txt"))
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    whole.mkdir(), parts.mkdir()
    run(whole)
    original, calls = data.batches, []

    def failing(*arguments):
        calls.append(arguments)
        if len(calls) == 2 + 2 + 6:  # the teacher asks twice, the phase once before its epochs
            raise KeyboardInterrupt
        return original(*arguments)

    monkeypatch.setattr(data, "batches", failing)
    with pytest.raises(KeyboardInterrupt):
        run(parts)
    monkeypatch.setattr(data, "batches", original)
    assert (parts / "unfinished-float.pt").is_file()
    run(parts)
    first, second = (torch.load(out / "student-float.pt", weights_only=True) for out in (whole, parts))
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert not (parts / "unfinished-float.pt").is_file()


def test_area_counts_ties_as_one_half():
    scores, labels = torch.tensor([0.1, 0.5, 0.5, 0.9]), torch.tensor([0, 0, 1, 1])
    assert metrics.auc(scores, labels) == pytest.approx(3.5 / 4)
    assert metrics.auc(-scores, labels) == pytest.approx(0.5 / 4)


def test_operating_point_takes_the_high_end_of_the_plateau():
    torch.manual_seed(0)
    labels = torch.arange(400) % 2
    scores = torch.sigmoid(torch.randn(400) + (labels * 2 - 1) * 3)
    chosen = metrics.operating_point(scores, labels)
    best = max(metrics.rates(scores, labels, t / 100)["balancedAccuracy"] for t in range(1, 100))
    assert chosen > 0.5
    assert metrics.rates(scores, labels, chosen)["balancedAccuracy"] > best - 0.02


def test_temperature_recovers_a_known_scale():
    torch.manual_seed(0)
    margin = torch.randn(20000) * 2
    labels = (torch.rand(20000) < torch.sigmoid(margin)).long()
    logits = torch.stack([torch.zeros_like(margin), margin * 3], dim=1)
    assert metrics.fit_temperature(logits, labels) == pytest.approx(3, rel=0.1)


def test_intervals_hold_the_estimate_and_repeat():
    torch.manual_seed(0)
    labels = torch.arange(300) % 2
    scores = torch.sigmoid(torch.randn(300) + labels)
    found = metrics.with_intervals(scores, labels, 0.5)
    assert found == metrics.with_intervals(scores, labels, 0.5)
    assert found["aucInterval"][0] < found["auc"] < found["aucInterval"][1]


def test_augmentation_keeps_shape_and_range_and_changes_images():
    torch.manual_seed(0)
    images = data.synthetic()["train"].images
    changed = data.Augmentation()(images)
    assert changed.shape == images.shape and changed.min() >= 0 and changed.max() <= 255
    assert (changed - images).abs().mean() > 1
    off = data.Augmentation(shift=0, rotate_degrees=0, scale=0, shear=0, flip=0, contrast=0, brightness=0, gamma=0,
                            noise=0, blur=0, erase=0, mixup=0)
    assert (off(images) - images).abs().max() < 0.01
    mixed, _, share = data.Augmentation().mix(changed)
    assert mixed.shape == images.shape and share.min() >= 0.5


def test_every_image_meets_every_version_once():
    from pool import Pool

    nothing = torch.zeros(12, 1)
    pool = Pool(images=torch.zeros(12, 1, 28, 28), labels=nothing, features=nothing, versions=4)
    rows = [tuple(pool.rows(epoch, torch.arange(3)).tolist()) for epoch in range(4)]
    assert sorted(sum(rows, ())) == list(range(12))
    assert all(row % 3 == image for part in rows for image, row in enumerate(part))
