"""How scores are read: a model whose thresholds are not confirmed decides nothing, tiers are the file's, and every result has an answer."""

import json
import struct

import pytest

import tiny_model
from harness import CONTRACT, dicom, png, ternd


def read(model, folder, *images):
    paths = []
    for index, image in enumerate(images):
        paths.append(folder / str(index))
        paths[-1].write_bytes(image)
    done = ternd("infer", "--model", model, "--allow-unsigned", *paths)
    found = [json.loads(line) for line in done.stdout.splitlines()]
    for line in found:
        CONTRACT.validate({"$ref": "#/components/schemas/Result"}, line)
    return found


def verdict(result):
    return result["findings"][0]["call"], result["findings"][0]["tier"], result["answer"]["value"], (result["answer"]["reason"] or {}).get("value")


def test_a_model_that_is_not_confirmed_says_neither_positive_nor_negative(models, tmp_path):
    for result in read(models / "unconfirmed.tern", tmp_path, png(255), png(128), png(0)):
        assert verdict(result) == ("review", "review", "needs_review", "UNCONFIRMED")
        assert result["status"] == "succeeded" and all(not finding["operatingPointConfirmed"] for finding in result["findings"])
    assert "thresholds: not confirmed" in ternd("info", "--model", models / "unconfirmed.tern", "--allow-unsigned").stdout
    assert "thresholds: confirmed\n" in ternd("info", "--model", models / "mean.tern", "--allow-unsigned").stdout


@pytest.mark.parametrize("what", ["weights", "labels", "confirmation", "version 1.5"])
def test_a_file_that_decides_by_anything_else_is_not_confirmed(models, tmp_path, what):
    """Changed as by someone who makes all digests right again; a card may change."""
    file = bytearray((models / "mean.tern").read_bytes())

    def changed(kind, offset):
        data = bytearray(file)
        for record in range(256, 256 + 64 * struct.unpack_from("<I", data, 32)[0], 64):
            found, _, start, size = struct.unpack_from("<IIQQ", data, record)
            if found == kind:
                data[start + offset] ^= 1
                data[record + 24:record + 56] = tiny_model.blake(data[start:start + size])
        data[3840:3872] = tiny_model.blake(data[:3840])
        return data

    if what == "version 1.5":
        file[10] = 5
    data = {"weights": (7, 0), "labels": (4, 64), "confirmation": (12, 16), "version 1.5": (5, 3)}[what]
    (tmp_path / "changed.tern").write_bytes(changed(*data))
    (tmp_path / "card.tern").write_bytes(changed(5, 3))
    assert (what == "version 1.5") != ("thresholds: confirmed\n" in ternd("info", "--model", tmp_path / "card.tern", "--allow-unsigned").stdout)
    assert "thresholds: not confirmed" in ternd("info", "--model", tmp_path / "changed.tern", "--allow-unsigned").stdout


def test_tiers_are_those_of_the_file(models, tmp_path):
    values = {100: ("negative", "high"), 124: ("negative", "high"), 125: ("negative", "medium"), 127: ("negative", "review"), 129: ("positive", "review"),
              130: ("positive", "medium"), 131: ("positive", "high")}
    for value, result in zip(values, read(models / "tiered.tern", tmp_path, *map(png, values)), strict=True):
        assert verdict(result)[:2] == values[value], value
        # The other label has no operating point: what is not called positive is for a person.
        assert verdict(result)[2:] == (("finding", None) if value > 128 else ("needs_review", "NO-OPERATING-POINT"))


def test_the_answer_of_what_was_not_analysed_and_of_a_model_without_labels(models, tmp_path):
    (broken,) = read(models / "mean.tern", tmp_path, b"no image" * 60)
    assert (broken["answer"]["value"], broken["answer"]["reason"]) == ("not_analysed", broken["reason"])
    (features,) = read(models / "features.tern", tmp_path, png(255))
    assert (features["answer"]["value"], features["answer"]["reason"]["value"]) == ("needs_review", "NO-LABELS")


def test_the_answer_of_several_frames(models, tmp_path):
    """The gate of the model flags what is far from 128."""
    found = read(models / "measured.tern", tmp_path, *(dicom(frames=values) for values in ([100, 176], [0, 176], [0, 255])))
    assert [verdict(result)[2:] for result in found] == [("finding", None), ("finding", None), ("needs_review", "OUT-OF-DISTRIBUTION")]


def test_the_service_tells_the_rules(start):
    server = start(model="tiered.tern")
    model = server.ask("GET", "/v1/model").json()
    rules = model["readingRules"]
    assert model["operatingPointConfirmed"] and (rules["chosenOn"], rules["measuredOn"], rules["region"], rules["conformalLevel"]) == ("validation", "test", "chest", None)
    white, black = rules["labels"]
    assert (white["chineseName"], white["structure"], black["tiers"]) == ("白", "lungs", None)
    assert white["tiers"]["high"] == {"positives": 40, "rightPositives": 39, "negatives": 90, "rightNegatives": 88}
    assert server.post(png(255)).json()["answer"] == {"value": "finding", "reason": None}
    text = ternd("info", "--model", server.process.args[server.process.args.index("--model") + 1], "--allow-unsigned").stdout
    assert "region: chest\n" in text and "  medium: 15 of 20 positive calls right, 24 of 30 negative ones\n" in text
