"""The shipped models, in the real programs: $TERND and $TERN name them. $TERN_MEDMNIST may name a folder with the archives."""
import bisect
import csv
import hashlib
import json
import math
import os
import re
import struct
import subprocess
from pathlib import Path

import pytest
from PIL import Image

ROOT = Path(__file__).resolve().parents[2]
MODELS = ROOT / "Models"
TERND = os.environ.get("TERND", str(ROOT / "build/x86_64/ternd"))
TERN = os.environ.get("TERN", str(ROOT / ".build/release/tern"))
ARCHIVES = os.environ.get("TERN_MEDMNIST")
KEY = MODELS / "signing-key.pub"
NAMES = ("pneumonia28", "breast28", "retina28", "cxr224", "cells")
KINDS = {
    "ternary": ("", "ternary.safetensors", ["--weights", "ternary"]),
    "int8": ("-int8", "float.safetensors", ["--weights", "int8", "--no-rotate"]),
}
# Sets of other modalities, whose images the gate must tell; a chest X-ray model need not tell another one's images.
OTHER_MODALITIES = {"pneumonia28": ("breast28", "retina28", "cells"), "breast28": ("pneumonia28", "retina28", "cxr224", "cells"),
                    "retina28": ("pneumonia28", "breast28", "cxr224", "cells"), "cxr224": ("breast28", "retina28", "cells"),
                    "cells": ("pneumonia28", "breast28", "retina28", "cxr224")}
LEAST_SEPARATION, MOST_FALSE_ALARMS = 0.95, 0.10
MOST_FALSE_REFUSALS = 0.01
LARGEST_FILE = 1_200_000
ARCHIVE = {"pneumonia28": "pneumoniamnist.npz", "breast28": "breastmnist.npz", "retina28": "retinamnist.npz",
           "cxr224": "cxr224.npz", "cells": "cells.npz"}


def run(*command):
    return subprocess.run([str(part) for part in command], check=True, capture_output=True, text=True).stdout


def read(path):
    return json.loads(path.read_text())


def single(value):
    """The binary32 number nearest to `value`, as its bytes."""
    return struct.pack("<f", value)


def area(images, k, score):
    """Area under the ROC curve of `score` for the class k against the rest, ties one half: the definition, by counting pairs."""
    yes, no = ([score(image) for image in images if (image["label"] == k) == wanted] for wanted in (True, False))
    no = sorted(no)
    return sum(bisect.bisect_left(no, value) + bisect.bisect_right(no, value) for value in yes) / (2 * len(yes) * len(no))


def normalised(outputs, temperature):
    """Softmax in binary64; outputs that differ stay different."""
    powers = [math.exp((value - max(outputs)) / temperature) for value in outputs]
    return [power / sum(powers) for power in powers]


@pytest.fixture(params=[(name, kind) for name in NAMES for kind in KINDS], ids="-".join)
def shipped(request):
    """Name, kind and file of each shipped model."""
    name, kind = request.param
    return name, kind, MODELS / name / f"{name}{KINDS[kind][0]}.tern"


def samples(name):
    """File and label of each sample, in the order of labels.csv, and its index in the test split."""
    with (MODELS / name / "samples/labels.csv").open() as lines:
        rows = list(csv.DictReader(lines))
    assert len(rows) >= 8
    return [(MODELS / name / "samples" / row["file"], row["label"], int(row["file"].split("-")[1])) for row in rows]


def test_outputs_and_scores_are_those_committed_in_every_bit(shipped):
    name, kind, file = shipped
    committed = read(MODELS / name / f"scores-test-{kind}.json")
    classes = [label["name"] for label in read(MODELS / name / f"description-{kind}.json")["labels"]]
    chosen = samples(name)
    lines = run(TERND, "infer", "--model", file, "--trust", KEY, *(path for path, _, _ in chosen)).splitlines()
    for (path, label, index), line in zip(chosen, lines, strict=True):
        image, result = committed["images"][index], json.loads(line)
        assert image["index"] == index and classes[image["label"]] == label
        assert result["model"]["digest"] == committed["identity"]
        # N-12: the digest is SHA-256 over the outputs' bits, so equal digests are equal bits.
        assert result["digest"] == hashlib.sha256(b"".join(single(value) for value in image["outputs"])).hexdigest(), path.name
        assert result["outOfDistribution"]["score"] == image["outOfDistribution"]
        assert result["findings"]
        for finding in result["findings"]:
            score = image["scores"][classes.index(finding["label"])]
            assert finding["score"] == score, path.name
            if result["outOfDistribution"]["flagged"]:
                assert finding["call"] == finding["tier"] == "review"
            else:
                assert finding["call"] == ("positive" if single(score) == single(finding["threshold"]) or score >= finding["threshold"] else "negative")


def test_the_workstation_tool_says_the_same(shipped, tmp_path):
    name, kind, file = shipped
    committed = read(MODELS / name / f"scores-test-{kind}.json")["images"]
    run(TERN, "eval", file, "--data", MODELS / name / "samples", "--scores", tmp_path / "scores.csv", "--resamples", 0)
    with (tmp_path / "scores.csv").open() as lines:
        _, *rows = csv.reader(lines)
    indices = {path.name: index for path, _, index in samples(name)}
    assert len(rows) == len(indices)
    for path, label, *values in rows:
        image = committed[indices[Path(path).name]]
        assert int(label) == image["label"]
        assert [float(value) for value in values] == [*image["outputs"], *image["scores"], image["outOfDistribution"]]


def test_conversion_of_the_checkpoint_gives_the_same_identity(shipped, tmp_path):
    name, kind, file = shipped
    _, checkpoint, options = KINDS[kind]
    folder = MODELS / name
    run(TERN, "convert", folder / "checkpoint" / checkpoint, "--config", folder / f"description-{kind}.json", *options, "-o", tmp_path / "again.tern")
    again, committed = (tmp_path / "again.tern").read_bytes(), file.read_bytes()
    assert again[3840:3872] == committed[3840:3872]
    assert again[4096:] == committed[4096:]


def test_file_is_small_signed_and_agrees_on_every_instruction_set(shipped):
    _, _, file = shipped
    assert file.stat().st_size < LARGEST_FILE
    lines = run(TERND, "selftest", "--model", file, "--trust", KEY).splitlines()
    available = re.search(r"instruction sets available: (.*)", run(TERND, "info"))[1].split()
    assert all(line.endswith("golden vectors agree in every bit") for line in lines), lines
    assert [line.split(":")[0] for line in lines] == available


def test_an_inference_allocates_nothing(shipped):
    for threads in (1, 2):
        bench = json.loads(run(TERND, "bench", "--model", shipped[2], "--threads", threads, "--repeat", 20))
        assert bench["allocations_per_inference"] == 0
        assert bench["threads"] == threads


def test_figures_are_those_of_the_committed_scores(shipped):
    name, kind, file = shipped
    figures, images = read(MODELS / name / "figures.json"), read(MODELS / name / f"scores-test-{kind}.json")["images"]
    engine = figures["engine"][kind]
    assert len(images) == engine["images"] == figures["split"]["test"]
    assert engine["identity"] == file.read_bytes()[3840:3872].hex() and figures["bytes"][kind] == file.stat().st_size
    calls = [max(range(len(image["outputs"])), key=image["outputs"].__getitem__) for image in images]
    assert engine["accuracy"]["value"] == pytest.approx(sum(call == image["label"] for call, image in zip(calls, images)) / len(images), abs=1e-12)
    for row, counts in enumerate(engine["confusion"]["counts"]):
        assert counts == [sum(call == column and image["label"] == row for call, image in zip(calls, images)) for column in range(len(counts))]
    index = {label["name"]: label["index"] for label in read(MODELS / name / f"description-{kind}.json")["labels"]}
    for label in engine["labels"]:
        k = index[label["name"]]
        for point in label["operatingPoints"]:
            threshold = struct.unpack("<f", single(point["threshold"]))[0]
            hits = [struct.unpack("<f", single(image["scores"][k]))[0] >= threshold for image in images if image["label"] == k]
            assert point["truePositives"] == sum(hits) and point["falseNegatives"] == len(hits) - sum(hits)
            alarms = [struct.unpack("<f", single(image["scores"][k]))[0] >= threshold for image in images if image["label"] != k]
            assert point["falsePositives"] == sum(alarms) and point["trueNegatives"] == len(alarms) - sum(alarms)
        assert label["auc"]["value"] == pytest.approx(area(images, k, lambda image: image["scores"][k]), abs=1e-4)
    classes = len(engine["perClass"])
    mean = sum(area(images, k, lambda image: normalised(image["outputs"], engine["temperature"])[k]) for k in range(classes)) / classes
    assert engine["auc"]["value"] == pytest.approx(mean, abs=1e-6)
    gate = figures["gate"][kind]
    assert gate["falseAlarmsTest"] == pytest.approx(sum(image["outOfDistribution"] > gate["threshold"] for image in images) / len(images), abs=1e-9)


def test_quantisation_costs_a_point_at_most(shipped):
    """Issue 4: ternary and INT8 lie within one point of accuracy or 0.01 of area of the float student, or above it."""
    name, kind, _ = shipped
    figures = read(MODELS / name / "figures.json")
    engine, plain = figures["engine"][kind], figures["float"]
    assert engine["accuracy"]["value"] >= plain["accuracy"] - 0.01 or engine["auc"]["value"] >= plain["auc"] - 0.01


def test_the_gate_tells_other_modalities_and_seldom_its_own(shipped):
    name, kind, _ = shipped
    gate = read(MODELS / name / "figures.json")["gate"][kind]
    assert gate["others"].keys() >= set(OTHER_MODALITIES[name])
    for other in OTHER_MODALITIES[name]:
        assert gate["others"][other]["auroc"] >= LEAST_SEPARATION, other
    assert gate["falseAlarmsTest"] <= MOST_FALSE_ALARMS


def test_the_file_states_what_was_measured_on_the_test_split(shipped):
    name, kind, _ = shipped
    engine, description = read(MODELS / name / "figures.json")["engine"][kind], read(MODELS / name / f"description-{kind}.json")
    assert engine["operatingPointsMeasuredOn"] == description["operatingPointsMeasuredOn"] == "test"
    for label in engine["labels"]:
        for point in (point for point in label["operatingPoints"] if point["stated"]):
            for key in ("sensitivity", "specificity"):
                assert [point["stated"][key][part] for part in ("value", "low", "high")] == pytest.approx(
                    [point[key][part] for part in ("value", "low", "high")], abs=1e-4)
            assert point["stated"]["positives"] == label["positives"]
    assert description["outOfDistribution"]["falseAlarmRate"] == pytest.approx(engine["outOfDistribution"]["share"]["value"], abs=1e-4)


def test_the_scores_of_the_file_are_those_committed(shipped):
    """Deciles and counts again, from the definition in Models/FORMAT.md section 10, of the scores of every test image."""
    name, kind, file = shipped
    images, description = read(MODELS / name / f"scores-test-{kind}.json")["images"], read(MODELS / name / f"description-{kind}.json")
    stated = json.loads(run(TERN, "inspect", file, "--json"))["scoreReference"]
    assert (stated["measuredOn"], stated["cases"]) == ("test", len(images)) and stated == description["scoreReference"]
    reported = [label for label in description["labels"] if label.get("report", True)]
    for label, found in zip(reported, stated["labels"], strict=True):
        scores = sorted(image["scores"][label["index"]] for image in images)
        edges = sorted({scores[math.ceil(k * len(scores) / 10)] for k in range(1, 10)} - {scores[0]})
        assert found["name"] == label["name"] and [single(edge) for edge in found["edges"]] == [single(edge) for edge in edges]
        bins = [bisect.bisect_right(edges, score) for score in scores]
        assert found["counts"] == [bins.count(k) for k in range(len(edges) + 1)] and min(found["counts"]) > 0


def test_weights_and_outputs_are_those_of_before(shipped):
    """What tells how scores are read was added to the files; everything that computes them is as it was, in every bit."""
    name, kind, file = shipped
    expected, data = read(ROOT / "Tests/models/unchanged.json")["models"][file.name], file.read_bytes()
    records = [struct.unpack_from("<IIQQ32s", data, 256 + 64 * index) for index in range(struct.unpack_from("<I", data, 32)[0])]
    assert {str(record[0]): record[4].hex() for record in records if record[0] not in (5, 12)} == expected["sections"]
    images = read(MODELS / name / f"scores-test-{kind}.json")["images"]
    bits = b"".join(single(value) for image in images for value in [*image["outputs"], *image["scores"], image["outOfDistribution"]])
    assert hashlib.sha256(bits).hexdigest() == expected["outputs"]


def tier(score, threshold, bounds):
    """Models/FORMAT.md section 11."""
    if score >= threshold:
        return "positive", "high" if score >= bounds["positiveHigh"] else "medium" if score >= bounds["positiveMedium"] else "review"
    return "negative", "high" if score <= bounds["negativeHigh"] else "medium" if score <= bounds["negativeMedium"] else "review"


def rounded(value):
    return struct.unpack("<f", single(value))[0]


def test_thresholds_are_confirmed_and_tiers_and_sets_are_those_counted(shipped):
    name, kind, file = shipped
    images, description = read(MODELS / name / f"scores-test-{kind}.json")["images"], read(MODELS / name / f"description-{kind}.json")
    stated = json.loads(run(TERN, "inspect", file, "--json"))
    assert stated["confirmation"]["confirmed"] and stated["confirmation"]["stated"] == stated["confirmation"]["computed"] == description["readingRules"]["confirmation"]
    rules = stated["readingRules"]
    assert rules == {key: value for key, value in description["readingRules"].items() if key != "confirmation"}
    assert (rules["chosenOn"], rules["measuredOn"], rules["conformalLevel"]) == ("validation", "test", pytest.approx(0.9))
    known = [image for image in images if rounded(image["outOfDistribution"]) <= rounded(description["outOfDistribution"]["threshold"])]
    assert rules == {key: value for key, value in read(MODELS / name / "rules.json")[kind]["rules"].items() if key != "confirmation"}
    for label, found in zip(description["labels"], rules["labels"], strict=True):
        k, own = label["index"], found["conformal"]
        cases = [image for image in known if image["label"] == k]
        assert (own["cases"], own["covered"]) == (len(cases), sum(rounded(image["scores"][k]) >= rounded(own["least"]) for image in cases))
        assert ("tiers" in found) == label["report"] and found["chineseName"]
        if not label["report"]:
            continue
        assert found["structure"]
        threshold = rounded(next(point["threshold"] for point in label["operatingPoints"] if point["name"] == label["operatingPoint"]))
        bounds = {key: rounded(found["tiers"][key]) if found["tiers"][key] is not None else (2 if key.startswith("positive") else -1)
                  for key in ("negativeHigh", "negativeMedium", "positiveMedium", "positiveHigh")}
        counts = {name: {"positive": [0, 0], "negative": [0, 0]} for name in ("high", "medium", "review")}
        for image in known:
            side, level = tier(rounded(image["scores"][k]), threshold, bounds)
            counts[level][side][0] += (side == "positive") == (image["label"] == k)
            counts[level][side][1] += 1
        assert counts == {name: found["tiers"][name] for name in counts}


def test_tiers_sets_and_answers_of_the_samples(shipped):
    name, kind, file = shipped
    description = read(MODELS / name / f"description-{kind}.json")
    rules = {label["name"]: label for label in description["readingRules"]["labels"]}
    images = read(MODELS / name / f"scores-test-{kind}.json")["images"]
    for (path, _, index), line in zip(samples(name), run(TERND, "infer", "--model", file, "--trust", KEY, *(path for path, _, _ in samples(name))).splitlines(), strict=True):
        result, scores = json.loads(line), images[index]["scores"]
        if result["outOfDistribution"]["flagged"]:
            assert "conformal" not in result and result["answer"]["reason"]["value"] == "OUT-OF-DISTRIBUTION"
            continue
        assert result["conformal"] == {"level": 0.9, "set": [label["name"] for label in description["labels"]
                                                             if rounded(scores[label["index"]]) >= rounded(rules[label["name"]]["conformal"]["least"])]}
        for finding in result["findings"]:
            bounds = {key: -1 if value is None and key.startswith("negative") else 2 if value is None else rounded(value)
                      for key, value in rules[finding["label"]]["tiers"].items() if not isinstance(value, dict)}
            assert finding["operatingPointConfirmed"] and (finding["call"], finding["tier"]) == tier(rounded(finding["score"]), rounded(finding["threshold"]), bounds), path.name
        calls, tiers = ({finding[key] for finding in result["findings"]} for key in ("call", "tier"))
        assert result["answer"]["value"] == ("finding" if "positive" in calls else "needs_review" if "review" in tiers else "no_finding")


def test_the_quality_gate_passes_the_samples_and_states_what_was_counted(shipped):
    """Issue 5: each threshold is in the file, measured on real images, with its false refusals in the card."""
    name, kind, file = shipped
    gate, description = read(MODELS / name / "quality.json"), read(MODELS / name / f"description-{kind}.json")
    assert description["qualityGate"] == gate["gate"]
    stated = json.loads(run(TERN, "inspect", file, "--json"))["qualityGate"]
    assert (stated["cases"], stated["refused"]) == (gate["gate"]["cases"], gate["gate"]["refused"])
    for rule, expected in zip(stated["rules"], gate["gate"]["rules"], strict=True):
        assert {key: value for key, value in rule.items() if value is not None} == pytest.approx(expected) if "threshold" in expected else rule["allowed"] == expected.get("allowed")
    assert stated["refused"] <= MOST_FALSE_REFUSALS * stated["cases"]
    counted = json.loads(run(TERN, "quality", file, MODELS / name / "samples", "--json"))
    assert counted["images"] == len(samples(name)) and counted["refusedByAny"] == 0
    card = (MODELS / name / "card.md").read_text()
    assert f"All rules together refuse {gate['gate']['refused']} of {gate['gate']['cases']} test images" in card


def test_the_quality_gate_refuses_spoiled_samples(shipped, tmp_path):
    name, kind, file = shipped
    path = samples(name)[0][0]
    with Image.open(path) as image:
        Image.new(image.mode, image.size).save(tmp_path / "black.png")
        Image.new(image.mode, image.size, "white").save(tmp_path / "white.png")
        image.resize((max(image.width // 2, 1), image.height)).save(tmp_path / "narrow.png")
    run(TERN, "quality", file, tmp_path, "--measures", tmp_path / "measures.csv")
    with (tmp_path / "measures.csv").open() as lines:
        found = {Path(row["file"]).name: row["refusal"] for row in csv.DictReader(lines)}
    assert found["narrow.png"] == "IMAGE-TOO-SMALL"
    # Without colour is what stands first for a black frame where colour is needed.
    assert found["black.png"] == found["white.png"] == ("GREY-NOT-COLOUR" if name == "retina28" else "CONSTANT")


def test_the_quality_gate_refuses_as_many_test_images_as_the_file_states(shipped):
    name, kind, file = shipped
    if not ARCHIVES:
        pytest.skip("TERN_MEDMNIST names no folder with the archives")
    archive = Path(ARCHIVES) / ARCHIVE[name]
    if not archive.is_file():
        pytest.skip(f"{archive} is missing")
    gate = read(MODELS / name / "quality.json")["gate"]
    found = json.loads(run(TERN, "quality", file, "--data", archive, "--split", "test", "--json"))
    assert (found["images"], found["refusedByAny"]) == (gate["cases"], gate["refused"])
    for rule in gate["rules"]:
        if rule["cases"] == gate["cases"]:
            assert found["refused"][rule["criterion"]] == rule["refused"]


def test_engine_and_pytorch_agree_and_the_card_says_what_was_measured(shipped):
    name, kind, _ = shipped
    figures = read(MODELS / name / "figures.json")
    agreement = figures["agreement"][kind]
    assert agreement["sameInEveryBit"] == agreement["images"] == figures["split"]["test"]
    # One image is more than 0.2 % of a split of less than 500.
    others = round((1 - agreement["sameClass"]) * agreement["images"])
    assert others <= max(1, int(0.002 * agreement["images"])) and agreement["gateLargestDifference"] < 1e-3
    metrics = read(MODELS / name / f"description-{kind}.json")["card"]["metrics"]
    assert metrics["accuracy"] == pytest.approx(figures["engine"][kind]["accuracy"]["value"], abs=1e-4)
    assert metrics["auc"] == pytest.approx(figures["engine"][kind]["auc"]["value"], abs=1e-4)
    card = (MODELS / name / "card.md").read_text()
    interval = figures["engine"][kind]["auc"]
    assert f"{interval['value']:.3f} ({interval['low']:.3f} - {interval['high']:.3f})" in card
    assert "Not a medical device, not for clinical use." in card
    assert re.search(rf"\[{name}\]\({name}/card.md\).*{figures['engine']['ternary']['auc']['value']:.3f}", (MODELS / "README.md").read_text())


def test_evaluation_of_the_test_split_gives_every_figure_again(shipped):
    name, kind, file = shipped
    if not ARCHIVES:
        pytest.skip("TERN_MEDMNIST names no folder with the archives")
    archive = Path(ARCHIVES) / ARCHIVE[name]
    if not archive.is_file():
        if name in ("cxr224", "cells"):
            pytest.skip(f"{archive} is missing; Tools/train/prepare.py makes it")
        pytest.fail(f"{archive} is missing")
    found = json.loads(run(TERN, "eval", file, "--data", archive, "--split", "test", "--json"))
    expected = read(MODELS / name / "figures.json")["engine"][kind]
    assert found | {"isa": None} == expected | {"isa": None}
