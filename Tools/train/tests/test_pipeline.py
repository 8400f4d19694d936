"""Augmentation, losses' partners, and short runs of every stage on synthetic images."""
import argparse
import json
import sys
from pathlib import Path

import pytest

np = pytest.importorskip("numpy")
torch = pytest.importorskip("torch", reason="training needs torch, which has no small wheel in every index")
pytest.importorskip("safetensors")

import data
import export
import features
import gate
import made
import model as network
import pool
import student
import teacher
import train
from progress import Log

QUIET = lambda place: Log(place / "log.txt")


def run(place: Path, config: dict, splits: dict, until: str = "export", seed: int | None = None) -> str:
    torch.set_num_threads(1)
    place.mkdir(exist_ok=True)
    train.run(splits, config, place, torch.device("cpu"), argparse.Namespace(until=until, threads=1, seed=seed), QUIET(place))
    return (place / "log.txt").read_text()


def states(place: Path, pattern: str = "student-*.pt") -> dict:
    return {path.name: torch.load(path, weights_only=True) for path in place.glob(pattern)}


def same(first: dict, second: dict) -> bool:
    return first.keys() == second.keys() and all(torch.equal(first[name], second[name]) for name in first)


@pytest.mark.parametrize("classes,channels", [(2, 1), (3, 3)])
def test_every_stage_runs_once_and_exports_what_the_converter_reads(tmp_path, classes, channels):
    splits, config = data.synthetic(channels=channels, classes=classes), made.settings(classes, channels)
    run(tmp_path, config, splits, until="student", seed=2)
    assert not (tmp_path / "export").exists() and not (tmp_path / "student-float-1.pt").exists(), "one seed only, then stop"
    log = run(tmp_path, config, splits)
    assert log.count("seed 2 float 1/8") == 1, "what a parallel run finished is read"
    assert run(tmp_path, config, splits).count("recovery 1/8") == 2, "a second run trains nothing again"
    assert len(list(tmp_path.glob("student-*.pt"))) == 6 and not list(tmp_path.glob("unfinished-*"))
    folder = tmp_path / "export"
    assert (folder / "samples/labels.csv").read_text().startswith("file,label\n")
    assert len(list((folder / "samples").glob("*.png"))) == 4 * classes
    assert set(json.loads((folder / "seeds.json").read_text())["shipped"]) == {"float", "ternary"}
    for kind, name in (("ternary", "ternary"), ("int8", "float")):
        description = json.loads((folder / f"description-{kind}.json").read_text())
        assert description["architecture"] == {"heads": 1, "kvHeads": 1, "layerNormEpsilon": 1e-6, "pool": "mean", "activationLevels": export.LEVELS[kind],
                                               "image": 28, "patch": 7, "channels": channels}
        assert description["operatingPointsMeasuredOn"] == "validation"
        assert description["output"]["calibrated"] and description["output"]["temperature"] > 0
        for index, label in enumerate(description["labels"]):
            assert label["index"] == index and label["report"] == (index > 0) == ("code" in label)
            if label["report"]:
                assert label["operatingPoint"] == "balanced" in [point["name"] for point in label["operatingPoints"]]
        statistics = export.statistics(description, folder / f"checkpoint/{name}.safetensors")
        assert 0 <= description["outOfDistribution"]["falseAlarmRate"] <= 1
        model = export.load(description, folder / f"checkpoint/{name}.safetensors")
        _, vectors = export.integer(model, kind, splits["val"].images, config["input"])
        assert float((statistics.score(vectors) > statistics.threshold).double().mean()) == pytest.approx(
            description["outOfDistribution"]["falseAlarmRate"], abs=1e-4)
        if kind == "ternary":
            assert 0.05 < export.check_snapped(model) < 0.6


def interrupted(monkeypatch, at: int):
    """Makes the run stop while it saves its `at`-th part."""
    original, calls = torch.save, []

    def saving(state, path, *rest):
        original(state, path, *rest)
        if "unfinished" in str(path):
            calls.append(path)
            if len(calls) == at:
                raise KeyboardInterrupt

    monkeypatch.setattr(torch, "save", saving)


@pytest.mark.parametrize("part", [3, 11])
def test_an_interrupted_phase_goes_on_with_the_same_bits(tmp_path, monkeypatch, part):
    splits, config = data.synthetic(), made.settings(seeds=[1])
    run(tmp_path / "whole", config, splits, until="student")
    with monkeypatch.context() as patch:
        interrupted(patch, part)
        with pytest.raises(KeyboardInterrupt):
            run(tmp_path / "parts", config, splits, until="student")
    assert len(list((tmp_path / "parts").glob("unfinished-*.pt"))) == 1
    assert f"goes on after part {part % 8 - 1} of 8" in run(tmp_path / "parts", config, splits, until="student")
    whole, parts = states(tmp_path / "whole"), states(tmp_path / "parts")
    assert whole.keys() == parts.keys() and all(same(whole[name], parts[name]) for name in whole)


def test_seeds_differ_and_repeat(tmp_path):
    splits, config = data.synthetic(), made.settings()
    for name in ("first", "second"):
        run(tmp_path / name, config, splits, until="student")
    first, second = states(tmp_path / "first"), states(tmp_path / "second")
    assert all(same(first[name], second[name]) for name in first)
    assert not same(first["student-recovery-1.pt"], first["student-recovery-2.pt"])


def test_rows_are_walked_through_each_once_a_pass():
    whole = student.row_order(5, 0, 30, 10)
    assert all(sorted(part.tolist()) == list(range(10)) for part in whole.split(10))
    assert whole[:10].tolist() != whole[10:20].tolist()
    parts = torch.cat([student.row_order(5, first, 6, 10) for first in range(0, 30, 6)])
    assert torch.equal(whole, parts), "however the walk is cut"


PLAIN = {key: 0.0 for key in ("gamma", "contrast", "brightness", "erase", "mixup_probability")}


class FakeFeatures:
    """Stands for the pretrained network: the mean of each cell of the image, and noise that carries nothing."""

    def __init__(self):
        self.asked = []

    def extract(self, images, side, cache, threads, label):
        self.asked.append((label, len(images)))
        generator = torch.Generator().manual_seed(len(images))
        cells = torch.nn.functional.adaptive_avg_pool2d(images.float().mean(1) / 255, side)
        grid = torch.cat([cells[..., None], torch.rand(*cells.shape, 5, generator=generator)], dim=-1)
        token = torch.cat([cells.flatten(1).mean(1, keepdim=True), torch.rand(len(images), 5, generator=generator)], dim=1)
        return token.numpy(), grid.numpy()


class FakeSession:
    """Answers every image with its mean in all tokens, and counts."""

    def __init__(self):
        self.asked = 0

    def get_inputs(self):
        return [type("Input", (), {"name": "image"})]

    def run(self, _, values):
        self.asked += 1
        return [np.full((1, 1 + features.SIDE ** 2, features.WIDTH), values["image"].mean(), np.float32)]


def test_kept_features_belong_to_their_images(tmp_path, monkeypatch):
    session, cache = FakeSession(), tmp_path / "features.npz"
    monkeypatch.setattr(features, "_session", lambda threads: session)
    first = data.synthetic()["val"].images[:3]
    token, grid = features.extract(first, 4, cache, 1, "val")
    again, _ = features.extract(first, 4, cache, 1, "val")
    assert session.asked == 3 and (token == again).all() and grid.shape == (3, 4, 4, features.WIDTH)
    other, _ = features.extract(255 - first, 4, cache, 1, "val")
    assert session.asked == 6 and (other != token).any(), "as many, but others"
    _, grid = features.extract(255 - first, 2, cache, 1, "val")
    assert session.asked == 9 and grid.shape[1] == 2 and [path.name for path in tmp_path.iterdir()] == ["features.npz"]


@pytest.mark.parametrize("classes", [2, 3])
def test_a_probe_teaches_from_features(tmp_path, monkeypatch, classes):
    pytest.importorskip("sklearn", reason="the probe is a logistic regression of scikit-learn")
    fake = FakeFeatures()
    monkeypatch.setattr(features, "available", lambda: True)
    monkeypatch.setattr(features, "extract", fake.extract)
    splits = data.synthetic(classes=classes)
    config = made.settings(classes, teacher={"kind": "probe", "components": 3}, augmentation=PLAIN)
    probe = teacher.Probe(splits, config, tmp_path, 1, QUIET(tmp_path))
    found = pool.build(splits, probe, config, tmp_path, torch.device("cpu"))
    assert found.answers.shape == (96, classes) and found.features.shape == (96, 16, 3) and found.features.dtype == torch.float16
    flat = found.features.float().reshape(-1, 3)
    assert flat.std(0).tolist() == pytest.approx([1, 1, 1], abs=0.25), "whitened"
    answers = probe.judge(splits["test"].images, "test")
    assert answers.shape == (48, classes)
    assert float((answers.argmax(1) == splits["test"].labels).double().mean()) > 1.3 / classes, "brightness tells the classes"
    assert fake.asked == [("pool", 96), ("val", 48), ("test", 48)]
    # A second one, fitted again from what is kept, says the same.
    again = teacher.Probe(splits, config, tmp_path, 1, QUIET(tmp_path))
    again.fit(found.images, found.labels)
    assert torch.equal(again.judge(splits["test"].images, "test"), answers)
    # The student learns to match the features.
    log = run(tmp_path, config | {"seeds": [1]}, splits, until="student")
    assert "seed 1 recovery 8/8" in log and (tmp_path / "guide-float-1.pt").is_file()
    with pytest.raises(SystemExit, match="mixup_probability"):
        teacher.Probe(splits, made.settings(augmentation={"mixup_probability": 0.5}), tmp_path, 1, QUIET(tmp_path))


def test_attention_begins_local_and_outputs_near_minus_their_inputs():
    torch.manual_seed(0)
    a = network.Architecture(width=64, heads=2, depth=1)
    attention = network.VisionTransformer(a).blocks[0].attn
    with torch.no_grad():
        for head in range(2):
            rows = slice(32 * head, 32 * head + 32)
            product = attention.qkv.weight[:64][rows].T @ attention.qkv.weight[64:128][rows]
            inner, outer = product.diagonal().mean(), product.mean()
            assert inner > 0.05 and inner > 5 * outer.abs()
        through = attention.proj.weight @ attention.qkv.weight[128:]
        assert through.diagonal().mean() < -0.2 and through.mean().abs() < 0.05


def test_a_model_starts_from_another_ones_student(tmp_path):
    config = made.settings()
    other = made.settings(channels=3, classes=3, start={"model": "made", "phase": "float", "patch": 7}, seeds=[1])
    with pytest.raises(SystemExit, match="starts from made"):
        run(tmp_path / "other", other, data.synthetic(channels=3, classes=3), until="student")
    run(tmp_path / "made", config | {"seeds": [1]}, data.synthetic(), until="student")
    state = states(tmp_path / "made")["student-float-1.pt"]
    model = student.new_model(other)
    student.adopt(model, 1, other, tmp_path / "other")
    own = model.state_dict()
    assert torch.equal(own["blocks.1.mlp.fc1.weight"], state["blocks.1.mlp.fc1.weight"])
    assert torch.allclose(own["pos_embed"][:, 1:], state["pos_embed"][:, 1:], atol=1e-5)
    # A grey image in three channels goes through the adopted filters as it went through the first ones.
    grey = torch.randn(2, 1, 28, 28)
    with torch.no_grad():
        first = student.new_model(config)
        first.load_state_dict(state)
        assert torch.allclose(model.patch_embed(grey.expand(-1, 3, -1, -1)), first.patch_embed(grey), atol=1e-5)
    assert "seed 1 recovery 8/8" in run(tmp_path / "other", other, data.synthetic(channels=3, classes=3), until="student")


def test_what_cannot_end_well_is_refused_before_training(tmp_path):
    def refused(words: str, **changes) -> None:
        with pytest.raises(SystemExit, match=words):
            run(tmp_path / "run", made.settings(**changes), data.synthetic())
        assert not list((tmp_path / "run").glob("*.pt"))

    refused("made starts from other: train that first.*teacher-0.pt", teacher=made.settings()["teacher"] | {"start": "other"})
    refused("made starts from other: train that first.*student-float-1.pt", start={"model": "other", "phase": "float", "patch": 7})
    refused("phases hold no `float`", phases={"ternary": made.settings()["phases"]["ternary"] | {"from": None}})
    refused("kv_heads 1 is not heads 2", architecture=made.settings()["architecture"] | {"heads": 2, "kv_heads": 1})


def test_the_card_names_the_model_that_training_started_from():
    plain, started = made.settings(), made.settings(start={"model": "pneumonia28", "phase": "float", "patch": 4})
    assert export.card_of(plain, "ternary")["attribution"] == "Nobody."
    found = export.card_of(started, "ternary")
    assert found["attribution"].startswith("Nobody. Of pneumonia28") and "Kermany" in found["attribution"]
    both = started | {"teacher": started["teacher"] | {"start": "pneumonia28"}}
    assert "of the student and the teacher started from the weights of pneumonia28" in export.card_of(both, "ternary")["trainingData"]
    other = export.card_of(plain | {"teacher": plain["teacher"] | {"start": "breast28"}}, "ternary")
    assert "Training of the teacher started" in other["trainingData"] and "Al-Dhabyani" in other["attribution"]
    assert "pneumonia28" in found["trainingData"] and plain["card"]["attribution"] == "Nobody."


def test_augmentation_keeps_shape_and_range_and_changes_images():
    torch.manual_seed(0)
    for channels in (1, 3):
        images = data.synthetic(channels=channels)["train"].images
        changed = data.Augmentation(colour=0.1, flip_vertical=0.5)(images)
        assert changed.shape == images.shape and changed.min() >= 0 and changed.max() <= 255
        assert (changed - images).abs().mean() > 1
    off = data.Augmentation(shift=0, rotate_degrees=0, scale=0, shear=0, flip=0, contrast=0, brightness=0, gamma=0,
                            noise=0, blur=0, erase=0, mixup=0)
    assert (off(images) - images).abs().max() < 0.01
    mixed, _, share = data.Augmentation().mix(changed)
    assert mixed.shape == images.shape and share.min() >= 0.5


def test_an_archive_of_another_form_is_refused(tmp_path):
    with pytest.raises(SystemExit, match="is missing"):
        data.load(tmp_path / "none.npz")
    arrays = {f"{split}_{kind}": np.zeros((4, 28, 28), np.float32) if kind == "images" else np.zeros((4, 1), np.uint8)
              for split in data.SPLITS for kind in ("images", "labels")}
    np.savez(tmp_path / "float.npz", **arrays)
    with pytest.raises(SystemExit, match="float32"):
        data.load(tmp_path / "float.npz")


def test_separation_of_the_gate_is_an_area():
    assert gate.separation(torch.tensor([1.0, 2.0]), torch.tensor([2.0, 3.0])) == pytest.approx(3.5 / 4)


@pytest.mark.parametrize("path", sorted(Path(train.__file__).parent.glob("*.json")), ids=lambda path: path.stem)
def test_every_configuration_is_whole(path):
    config = json.loads(path.read_text())
    if path.stem == "ablation":
        return
    if path.stem == "published":
        assert all(entry["source"] and 0 < entry["accuracy"] < 1 for entries in config.values() for entry in entries)
        return
    models = {other.stem for other in path.parent.glob("*.json")} - {"ablation", "published", "quality", "rules"}
    if path.stem == "rules":
        assert config["models"].keys() == models and 0.5 < config["level"] < 1
        for name, rules in config["models"].items():
            labels = json.loads((path.parent / f"{name}.json").read_text())["labels"]
            assert rules["labels"].keys() == {label["name"] for label in labels}
            assert all("structure" in rules["labels"][label["name"]] for label in labels if label["report"])
        return
    if path.stem == "quality":
        criteria = {"shortSide", "mostColour", "leastColour", "contrast", "brightness", "saturation", "blur", "text"}
        assert config.keys() == models and all(set(entry["criteria"]) <= criteria for entry in config.values())
        return
    a = config["architecture"]
    assert config["name"] == path.stem and len(config["labels"]) == a["classes"] and len(config["input"]["mean"]) == a["channels"]
    assert all("code" in label for label in config["labels"] if label["report"])
    assert config["seeds"] == sorted(set(config["seeds"])) and config["card"].keys() - set(export.PAGES_ONLY) == made.settings()["card"].keys()
    assert a["image"] % a["patch"] == 0 and a["width"] % a["heads"] == 0
    data.Augmentation(**config["augmentation"])
    assert network.VisionTransformer(network.Architecture(**a)).head.weight.shape[0] == a["classes"]
    assert all(phase.keys() >= made.PHASE.keys() for phase in config["phases"].values())
