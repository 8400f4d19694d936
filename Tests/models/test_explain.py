"""`tern explain`: maps of the shipped models, the figures about them, and that a map which ignores the weights is found out. $TERN names the command."""
import json
import os
import subprocess
import sys
import xml.etree.ElementTree as tree
from pathlib import Path

import numpy
import pytest

ROOT = Path(__file__).resolve().parents[2]
MODELS = ROOT / "Models"
TERN = os.environ.get("TERN", str(ROOT / ".build/release/tern"))
NAMES = ("pneumonia28", "breast28", "retina28", "cxr224", "cells")
MODEL, SAMPLES = MODELS / "breast28/breast28.tern", MODELS / "breast28/samples"
FAST = ["--random", "1", "--shuffles", "1", "--resamples", "100", "--threads", "1"]

sys.path.insert(0, str(ROOT / "Tools/train"))
import explain_card  # noqa: E402


def tern(*command, code=0):
    done = subprocess.run([TERN, *map(str, command)], capture_output=True, text=True)
    assert done.returncode == code, done.stderr + done.stdout
    return done


def evaluate(*more, model=MODEL, code=0):
    return json.loads(tern("explain", "--evaluate", model, "--data", SAMPLES, "--json", *FAST, *more, code=code).stdout)


def read(path):
    return json.loads(path.read_text())


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    """The samples as the model gets them, in the order of the evaluation, and what the model says of them."""
    folder = tmp_path_factory.mktemp("prepared")
    tern("explain", "--evaluate", MODEL, "--data", SAMPLES, "--prepared", folder / "inputs.f32")
    tern("run", MODEL, "--input", folder / "inputs.f32", "--output", folder / "outputs.f32")
    return numpy.fromfile(folder / "inputs.f32", "<f4").reshape(-1, 28, 28), numpy.fromfile(folder / "outputs.f32", "<f4").reshape(-1, 2)


@pytest.fixture(scope="module")
def maps(tmp_path_factory):
    """The maps [image, output, 7, 7] of the samples, one folder for each label, in the order of the evaluation."""
    folder = tmp_path_factory.mktemp("maps")
    rows = (SAMPLES / "labels.csv").read_text().splitlines()[1:]
    labels = [label["name"] for label in sorted(read(MODELS / "breast28/description-ternary.json")["labels"], key=lambda label: label["index"])]
    found = []
    for label in labels:
        tern("explain", MODEL, SAMPLES, "--out", folder / label.replace(" ", "-"), "--label", label)
        found.append([read((folder / label.replace(" ", "-") / row.split(",")[0]).with_suffix(".json")) for row in rows])
    return found


def values(maps):
    """[images, outputs, rows, columns]"""
    return numpy.array([[one["maps"][0]["values"] for one in each] for each in maps], "<f4").reshape(2, -1, 7, 7).transpose(1, 0, 2, 3)


def test_shares_and_base_are_the_output(maps, prepared):
    for output, each in enumerate(maps):
        for index, one in enumerate(each):
            found, = one["maps"]
            assert (one["columns"], one["rows"], one["method"]) == (7, 7, "patch-shares")
            assert found["output"] == pytest.approx(prepared[1][index, output], abs=1e-6)
            # Of two outputs the map of a label adds up to the difference that decides its score.
            assert sum(found["values"]) + found["base"] == pytest.approx(prepared[1][index, output] - prepared[1][index, 1 - output], abs=1e-4)
            assert one["outputs"] == pytest.approx(prepared[1][index], abs=1e-6)
            assert one["area"] == {"x": 0, "y": 0, "width": 28, "height": 28}


def test_areas_are_those_of_the_definition(tmp_path, maps, prepared):
    """Petsiuk et al. 2018 again, in numpy, with the engine asked by `tern run` alone."""
    inputs, outputs = prepared
    steps, wanted = [], outputs.argmax(axis=1)
    for image, shares, call in zip(inputs, values(maps), wanted):
        order = numpy.argsort(-shares[call].reshape(-1), kind="stable")
        current = image.copy()
        steps.append(current.copy())
        for patch in order:
            row, column = divmod(int(patch), 7)
            current[4 * row:4 * row + 4, 4 * column:4 * column + 4] = image.astype(float).mean()
            steps.append(current.copy())
    numpy.array(steps, "<f4").tofile(tmp_path / "steps.f32")
    tern("run", MODEL, "--input", tmp_path / "steps.f32", "--output", tmp_path / "out.f32")
    temperature = read(MODELS / "breast28/description-ternary.json")["output"]["temperature"]
    logits = numpy.fromfile(tmp_path / "out.f32", "<f4").reshape(len(inputs), 50, 2).astype(float) / temperature
    scores = numpy.exp(logits) / numpy.exp(logits).sum(axis=2, keepdims=True)
    curves = numpy.array([scores[index, :, call] for index, call in enumerate(wanted)])
    found = evaluate("--shuffles", 0, "--insertion", "mean")
    own = found["methods"][0]
    assert own["curves"]["deletion"] == pytest.approx(curves.mean(axis=0), abs=2e-4)
    assert own["deletion"]["value"] == pytest.approx(numpy.trapezoid(curves, dx=1 / 49, axis=1).mean(), abs=1e-4)
    assert found["scores"]["image"] == pytest.approx(curves[:, 0].mean(), abs=1e-5) and found["shuffled"] is None
    assert found["largestGap"] < 1e-4


def archive(path, prepared, **methods):
    numpy.savez(path, outputs=prepared[1], **{name: value.astype("<f4") for name, value in methods.items()})
    return path


def test_other_methods_are_measured_in_the_same_way(tmp_path, maps, prepared):
    own = values(maps)
    flat = numpy.broadcast_to(numpy.arange(49.0).reshape(7, 7), (len(own), 7, 7))
    others = archive(tmp_path / "others.npz", prepared, same=own, reverse=-own, flat=flat)
    found = {method["name"]: method for method in evaluate("--baselines", others, "--shuffles", 0, "--steps", 12)["methods"]}
    assert found["same"]["deletion"] == found["the model's map"]["deletion"] and found["same"]["curves"] == found["the model's map"]["curves"]
    assert found["same"]["rankCorrelation"]["value"] == pytest.approx(1) and found["reverse"]["rankCorrelation"]["value"] == pytest.approx(-1)
    assert found["reverse"]["deletion"]["value"] > found["random order"]["deletion"]["value"] > found["same"]["deletion"]["value"]
    assert found["reverse"]["insertion"]["value"] < found["random order"]["insertion"]["value"] < found["same"]["insertion"]["value"]
    assert found["same"]["deletionBetter"]["value"] > 0.5 > found["reverse"]["deletionBetter"]["value"]
    assert abs(found["flat"]["rankCorrelation"]["value"]) < 0.7


def test_maps_of_other_images_are_refused(tmp_path, maps, prepared):
    own = values(maps)
    numpy.savez(tmp_path / "others.npz", outputs=-prepared[1], some=own)
    assert "belong to other images or another model" in tern("explain", "--evaluate", MODEL, "--data", SAMPLES, *FAST, "--steps", 1, "--shuffles", 0, "--baselines", tmp_path / "others.npz", code=65).stderr
    for name, arrays, word in (("shape", {"some": own[:, :, :6]}, "shape"), ("type", {"some": own.astype(float)}, "<f4"), ("nan", {"some": own * numpy.float32("nan")}, "not a number")):
        numpy.savez(tmp_path / f"{name}.npz", outputs=prepared[1], **arrays)
        assert word in tern("explain", "--evaluate", MODEL, "--data", SAMPLES, "--baselines", tmp_path / f"{name}.npz", code=65).stderr


def test_a_map_that_ignores_the_weights_fails():
    """Issue 7: planted. The model in the place of its shuffled self gives the same map, as one would that is made of the image alone."""
    found = evaluate("--shuffled", MODEL, "--steps", 1, code=65)["shuffled"]
    assert found["passes"] is False and found["stages"][0]["magnitude"]["value"] == pytest.approx(1)
    text = tern("explain", "--evaluate", MODEL, "--data", SAMPLES, *FAST, "--steps", 1, "--shuffled", MODEL, code=65).stdout
    assert "FAILS: the map hardly changes" in text


def test_shuffled_weights_give_another_map_and_threads_do_not():
    found = evaluate("--steps", 2)
    assert found["shuffled"]["passes"] and found["shuffled"]["stages"][-1]["name"] == "all weights"
    assert [stage["name"] for stage in found["shuffled"]["stages"]][:2] == ["head", "… and blocks.4"]
    assert found == evaluate("--steps", 2, "--threads", 3)


def test_a_model_with_a_class_token_has_a_map_of_relevance(tmp_path):
    vectors = ROOT / "Tests/Vectors/TernConvert"
    tern("convert", vectors / "vit.safetensors", "--config", vectors / "vit.json", "--weights", "int8", "-o", tmp_path / "vit.tern")
    tern("explain", tmp_path / "vit.tern", SAMPLES / "test-0000-malignant.png", "--out", tmp_path / "maps")
    found = read(tmp_path / "maps/test-0000-malignant.json")
    assert (found["method"], found["columns"], found["rows"]) == ("token-relevance", 4, 4) and (tmp_path / "maps/test-0000-malignant-first.jpg").stat().st_size > 1000
    one = found["maps"][0]
    assert min(one["values"]) >= 0 and sum(one["values"]) + one["base"] == pytest.approx(1, abs=1e-4)
    images = numpy.random.default_rng(2).integers(0, 256, (6, 16, 16, 3), "u1")
    numpy.savez(tmp_path / "set.npz", test_images=images, test_labels=numpy.arange(6, dtype="u1") % 2)
    figures = json.loads(tern("explain", "--evaluate", tmp_path / "vit.tern", "--data", tmp_path / "set.npz", "--split", "test", "--json", *FAST, "--shuffles", 0).stdout)
    assert figures["method"] == "token-relevance" and figures["largestGap"] < 1e-4
    assert [method["name"] for method in figures["methods"]] == ["the model's map", "random order"]


def test_the_page_holds_the_figures(tmp_path):
    found = evaluate("--steps", 4, "--report", tmp_path / "maps.html")
    page = tree.parse(tmp_path / "maps.html").getroot()
    cells = list(page.iter("data"))
    assert len(cells) > 20
    for cell in cells:
        value = found
        for key in cell.get("data-key").split("."):
            value = value[int(key)] if isinstance(value, list) else value[key]
        assert float(cell.get("value")) == pytest.approx(value, rel=1e-12), cell.get("data-key")
    assert not [one for one in page.iter() if one.tag in ("script", "link", "img")]
    assert "outlines no lesion" in (tmp_path / "maps.html").read_text()


def test_mistakes_are_answered_with_what_to_do(tmp_path):
    assert "--out" in tern("explain", MODEL, SAMPLES, code=64).stderr
    assert "--data" in tern("explain", "--evaluate", MODEL, code=64).stderr
    assert "no label \"fracture\"" in tern("explain", MODEL, SAMPLES, "--out", tmp_path, "--label", "fracture", code=65).stderr
    assert "another input" in tern("explain", "--evaluate", MODEL, "--data", SAMPLES, "--shuffled", MODELS / "cells/cells.tern", code=65).stderr


@pytest.fixture(params=NAMES)
def folder(request):
    return MODELS / request.param


def test_the_card_says_what_was_measured(folder):
    card = (folder / "card.md").read_text()
    assert explain_card.chapter(folder) in card and "## Where it looks" in card
    found, figures = read(folder / "explain.json"), read(folder / "figures.json")
    assert found["checkpoints"] == figures["checkpoints"]
    for kind in ("ternary", "int8"):
        assert found["test"][kind]["splitImages"] == figures["split"]["test"] and found["test"][kind]["images"] >= min(figures["split"]["test"], 100)
        assert found["samples"][kind]["images"] == len((folder / "samples/labels.csv").read_text().split("\n")) - 2
        for part in ("samples", "test"):
            assert found[part][kind]["shuffled"]["passes"] and found[part][kind]["largestGap"] < 1e-4
            others = {"attention rollout", "input-gradient", "gradient times input"} if kind == "ternary" else set()
            assert {"the model's map", "float student", "random order"} | others <= {method["name"] for method in found[part][kind]["methods"]}


@pytest.mark.parametrize("name", ["breast28", "pneumonia28"])
def test_the_figures_of_the_samples_come_again(name):
    """Two models stand for five, without the other methods, which need torch; the engine's own figures have no freedom."""
    folder = MODELS / name
    committed = read(folder / "explain.json")["samples"]["ternary"]["methods"]
    again = json.loads(tern("explain", "--evaluate", folder / f"{folder.name}.tern", "--data", folder / "samples", "--json", "--shuffles", 0, "--resamples", 0).stdout)["methods"]
    for method in again:
        expected = next(one for one in committed if one["name"] == method["name"])
        for key in ("deletion", "insertion"):
            assert method[key]["value"] == pytest.approx(expected[key]["value"], abs=1e-4), method["name"]
