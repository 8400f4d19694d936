"""evaluate.py, card.py and table.py on a run that takes seconds, with the real command tern where it is built."""
import argparse
import json
import shutil
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="training needs torch, which has no small wheel in every index")
np = pytest.importorskip("numpy")
pytest.importorskip("safetensors")

import baselines
import card
import data
import engine
import evaluate
import export
import figures
import made
import metrics
import plots
import reference
import table
import train
from progress import Log


def evaluated(monkeypatch, *options) -> None:
    monkeypatch.setattr(sys, "argv", ["evaluate.py", *(str(option) for option in options)])
    assert evaluate.main() == 0


@pytest.fixture(scope="module", params=[(2, 1), (3, 3)], ids=["two-grey", "three-colour"])
def trained(request, tmp_path_factory):
    """A finished run, its archive, its settings, and another set's archive."""
    pytest.importorskip("sklearn", reason="the baseline is scikit-learn's")
    if not made.TERN.is_file():
        pytest.skip(made.NO_TERN)
    classes, channels = request.param
    place = tmp_path_factory.mktemp("trained")
    splits, config = data.synthetic(channels=channels, classes=classes), made.settings(classes, channels)
    torch.set_num_threads(1)
    train.run(splits, config, place, torch.device("cpu"), argparse.Namespace(until="export", threads=1, seed=None), Log(place / "log.txt"))
    engine.write_archive(place / "made.npz", splits)
    dark = {name: data.Split(split.images // 8, split.labels * 0) for name, split in data.synthetic(channels=4 - channels).items()}
    engine.write_archive(place / "dark.npz", dark)
    (place / "made.json").write_text(json.dumps(config))
    return place, splits, config


def test_figures_card_and_table_come_from_one_run(trained, tmp_path, monkeypatch, capsys):
    place, splits, config = trained
    folder = tmp_path / "Models/made"
    shutil.copytree(place / "export", folder)
    options = ["--model", folder, "--data", place / "made.npz", "--engine", made.TERN, "--config", place / "made.json", "--threads", 1]
    evaluated(monkeypatch, *options, "--runs", place, "--other", f"dark={place / 'dark.npz'}", "--write")
    printed = capsys.readouterr().out
    found = json.loads((folder / "figures.json").read_text())
    assert json.loads(printed) == found

    for kind in ("ternary", "int8"):
        file = folder / engine.file_name("made", kind)
        again, answers = engine.evaluate(made.TERN, file, place / "made.npz", "test", 1)
        assert again == found["engine"][kind], "what tern eval prints for the file in the folder, unchanged"
        logits, labels = answers.outputs, splits["test"].labels
        assert metrics.mean_auc(logits / again["temperature"], labels) == pytest.approx(again["auc"]["value"], abs=1e-6)
        assert metrics.calibration_error(answers.scores, labels) == pytest.approx(again["calibrationError"], abs=1e-6)
        assert metrics.kappa(logits.argmax(1), labels, len(config["labels"]), True) == pytest.approx(again["quadraticKappa"]["value"], abs=1e-9)
        agreement = found["agreement"][kind]
        assert agreement["sameInEveryBit"] == agreement["images"] == 48
        assert agreement["sameClass"] >= 0.95 and agreement["largestScoreDifference"] < 0.03
        assert found["bytes"][kind] == file.stat().st_size
        kept = json.loads((folder / f"scores-test-{kind}.json").read_text())
        assert kept["identity"] == again["identity"] and len(kept["images"]) == 48
        assert [torch.tensor(image["outputs"]) for image in kept["images"]][7].equal(answers.outputs[7])
        description = json.loads((folder / f"description-{kind}.json").read_text())
        assert description["card"]["metrics"]["auc"] == round(again["auc"]["value"], 4)
        assert description["operatingPointsMeasuredOn"] == "test"
        assert description["outOfDistribution"]["falseAlarmRate"] == round(again["outOfDistribution"]["share"]["value"], 4)
        names = [label["name"] for label in config["labels"]]
        for label in again["labels"]:
            index = names.index(label["name"])
            positive = labels == index
            for point in (point for point in label["operatingPoints"] if point["stated"]):
                at = metrics.rates(answers.scores[:, index], positive, float(np.float32(point["threshold"])))
                for key, count in (("sensitivity", int(positive.sum())), ("specificity", int((~positive).sum()))):
                    expected = [round(at[key], 4), *metrics.wilson(at[key], count)]
                    assert [point["stated"][key][part] for part in ("value", "low", "high")] == pytest.approx(expected, abs=2e-4)
        assert agreement["gateLargestDifference"] < evaluate.GATE_TOLERANCE, "the engine's gate is the one that training fitted"
        assert found["gate"][kind]["others"]["dark"]["images"] == 48 and 0 <= found["gate"][kind]["others"]["dark"]["auroc"] <= 1

    assert [entry["seed"] for entry in found["seeds"]["ternary"]["each"]] == [1, 2]
    assert {"mean", "deviation"} == found["seeds"]["float"]["auc"].keys()
    assert found["baselines"]["logistic"]["accuracy"] > found["baselines"]["majority"]["accuracy"]
    assert "labels" in found["teacher"] and found["float"]["labels"][0]["name"] == "class 1"

    page = (folder / "card.md").read_text()
    for text in (f"| {found['engine']['ternary']['auc']['value']:.3f} (", "teacher, float", "sensitivity-first", "dark", "Tests.", "Knows discs only.",
                 "Made up.", "Nobody.", "48 of 48", "seed ", "reliability.svg", "tern eval Models/made/made.tern"):
        assert text in page, text
    ElementTree.fromstring((folder / "reliability.svg").read_text())
    assert "Attribution: Nobody." in (folder / "checkpoint/README.md").read_text()

    # Without runs and others their figures stay; the files, and with them their signatures, are not touched.
    before = {path.name: path.stat().st_mtime_ns for path in folder.glob("*.tern")}
    evaluated(monkeypatch, *options, "--write")
    assert json.loads((folder / "figures.json").read_text()) == found and (folder / "card.md").read_text() == page
    assert {path.name: path.stat().st_mtime_ns for path in folder.glob("*.tern")} == before

    # Without --write nothing in the folder changes.
    content = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    evaluated(monkeypatch, *options)
    assert content == {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}

    readme = folder.parent / "README.md"
    readme.write_text(f"above\n{table.BEGIN}\nold\n{table.END}\nbelow\n")
    monkeypatch.setattr(sys, "argv", ["table.py", "--models", str(folder.parent), "--write"])
    assert table.main() == 0 and table.main() == 0
    text = readme.read_text()
    assert text.startswith(f"above\n{table.BEGIN}\n| model |") and text.endswith(f"{table.END}\nbelow\n") and "old" not in text
    ternary = found["engine"]["ternary"]
    assert f"**{ternary['accuracy']['value'] * 100:.1f} / {ternary['auc']['value']:.3f}**" in text and "[made](made/card.md)" in text


def test_a_folder_without_trained_teacher_is_refused(tmp_path):
    with pytest.raises(SystemExit, match="teacher-0.pt missing"):
        figures.teacher_logits(data.synthetic(), made.settings(), tmp_path, 1, Log(tmp_path / "log.txt"))


def test_thresholds_of_a_row_come_from_validation():
    torch.manual_seed(0)
    labels = torch.arange(200) % 2
    val = torch.stack([torch.zeros(200), torch.randn(200) + labels * 4 - 2], 1)
    config = made.settings()
    row = figures.row(val, labels, val, labels, config)
    shifted = figures.row(val + torch.tensor([0.0, 50.0]), labels, val, labels, config)
    assert row["labels"][0]["threshold"] == shifted["labels"][0]["threshold"] and row["temperature"] == shifted["temperature"]
    assert shifted["labels"][0]["sensitivity"] == 1 and shifted["labels"][0]["specificity"] == 0 and shifted["accuracy"] == 0.5
    assert row["auc"] == shifted["auc"] and row["accuracyInterval"][0] < row["accuracy"] < row["accuracyInterval"][1]


def test_spread_is_the_sample_deviation():
    assert figures.spread([1.0, 2.0, 4.0]) == {"mean": 2.3333, "deviation": 1.5275}
    assert figures.spread([0.5]) == {"mean": 0.5, "deviation": 0.0}


def test_the_majority_is_that_of_training():
    splits = data.synthetic()
    splits["train"].labels[:] = 1
    assert baselines.majority(splits)["class"] == 1 and baselines.majority(splits)["accuracy"] == 0.5


def test_large_images_are_averaged_before_regression():
    images = torch.arange(2 * 64 * 64).reshape(2, 1, 64, 64).remainder(251).to(torch.uint8)
    rows = baselines.pixels(images)
    assert rows.shape == (2, 32 * 32) and rows[0, 0] == pytest.approx(float(images[0, 0, :2, :2].double().mean()) / 255)
    assert baselines.pixels(images[..., :28, :28]).shape == (2, 784) and baselines.pixels(torch.zeros(1, 1, 224, 224)).shape == (1, 1024)


def test_other_images_are_brought_to_the_recipe():
    wide = torch.zeros(2, 3, 20, 40, dtype=torch.uint8)
    wide[:, 0, :, 10:30] = 200  # the centre square is red
    grey = engine.brought(wide, {"channels": 1, "width": 28})
    assert grey.shape == (2, 1, 28, 28) and set(grey.unique().tolist()) == {60}  # ITU-R 601: 0.299 * 200
    colour = engine.brought(torch.full((1, 1, 9, 9), 77, dtype=torch.uint8), {"channels": 3, "width": 12})
    assert colour.shape == (1, 3, 12, 12) and set(colour.unique().tolist()) == {77}


def test_metrics_of_the_description_are_the_engines():
    interval = {"value": 0.512345, "low": 0.4, "high": 0.6}
    found = {key: interval for key in ("accuracy", "auc", "macroF1", "kappa", "quadraticKappa")} | {
        "perClass": [{}, {}], "calibrationError": 0.123456, "outOfDistribution": {"share": interval},
        "labels": [{"operatingPoint": "balanced", "sensitivity": 0.91234, "specificity": 0.8}]}
    values = card.metrics_of(found, 10)
    assert values["accuracy"] == 0.5123 and values["aucInterval"] == [0.4, 0.6] and values["sensitivity"] == 0.9123
    assert "quadraticKappa" not in values and values["split"] == "test, 10 images"
    assert "sensitivity" not in card.metrics_of(found | {"perClass": [{}] * 3, "labels": found["labels"] * 2}, 10)


def test_positive_labels_are_counted_at_their_own_thresholds():
    labels = [{"index": k, "operatingPoint": "b", "operatingPoints": [{"name": "a", "threshold": 0.0}, {"name": "b", "threshold": value}]}
              for k, value in ((1, 0.3), (2, 0.4))]
    scores = torch.tensor([[0.9, 0.05, 0.05], [0.2, 0.3, 0.5], [0.1, 0.8, 0.1], [0.0, 0.6, 0.4]])
    assert evaluate.positives({"labels": [{"index": 0}, *labels]}, scores) == [1, 1, 2]


def test_the_processor_is_named(tmp_path):
    (tmp_path / "cpuinfo").write_text("processor\t: 0\nmodel name\t: Some CPU @ 2 GHz\nprocessor\t: 1\nmodel name\t: Some CPU @ 2 GHz\n")
    assert engine.processor(tmp_path / "cpuinfo") == "Some CPU @ 2 GHz" and engine.processor(tmp_path / "none") == "unknown"


def test_what_falls_short_is_told_in_the_card_only():
    assert card.shortfall_chapter({"shortfall": "Less than hoped."}) == "\n## What falls short\n\nLess than hoped.\n" and card.shortfall_chapter({}) == ""
    config = made.settings()
    config["card"]["shortfall"] = "Less than hoped."
    assert evaluate.seen(config) == {"float": 64, "ternary": 144}
    assert "shortfall" not in export.card_of(config, "ternary")


def test_a_dot_lies_where_its_bin_is():
    bins = [{"count": 30, "score": 0.5, "right": 0.25}, {"count": 10, "score": 1.0, "right": 1.0}]
    root = ElementTree.fromstring(plots.reliability({"before": bins, "after": bins[1:]}, "made"))
    circles = root.findall("{http://www.w3.org/2000/svg}circle")
    assert [(float(c.get("cx")), float(c.get("cy"))) for c in circles[:2]] == [
        (plots.LEFT + plots.SIDE / 2, plots.TOP + 0.75 * plots.SIDE), (plots.LEFT + plots.SIDE, plots.TOP)]
    text = "".join(root.itertext())
    assert "error 0.188" in text and "error 0.000" in text


def test_softmax_of_the_reference_is_a_softmax():
    logits = torch.randn(50, 4) * 3
    assert torch.allclose(reference.softmax(logits, 0.7), torch.softmax(logits / 0.7, 1), atol=1e-6)


def test_figures_of_the_gate_are_kept_for_the_same_threshold_only(tmp_path):
    def figures_with(thresholds: tuple, others: dict) -> dict:
        return {"checkpoints": {"ternary": "a", "int8": "b"},
                "gate": {kind: {"threshold": value, "others": others} for kind, value in zip(evaluate.KINDS, thresholds)}}

    (tmp_path / "figures.json").write_text(json.dumps(figures_with((1.5, 1.6), {"dark": 1}) | {"teacher": 7}))
    found = figures_with((1.5, 1.7), {})
    evaluate.keep(found, tmp_path / "figures.json", argparse.Namespace(other=[]))
    assert found["teacher"] == 7 and found["gate"]["ternary"]["others"] == {"dark": 1} and found["gate"]["int8"]["others"] == {}
