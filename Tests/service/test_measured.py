"""Operating points and the out-of-distribution gate, from the model file to what the program says. The model is that of tiny_model.measured_model: a
grey value g has the score |g - 128| / 64, exactly, and is flagged above 1.75."""
import io
import json

import numpy as np
import pytest
from harness import CONTRACT, dicom, png, ternd
from PIL import Image


def infer(models, *files, model="measured.tern", more=()):
    return ternd("infer", "--model", models / model, "--allow-unsigned", *more, *files)


@pytest.fixture
def images(tmp_path):
    for value in (255, 176, 0):
        (tmp_path / f"{value}.png").write_bytes(png(value))
    stripes = np.tile(np.array([[112, 144]], np.uint8), (8, 4))
    out = io.BytesIO()
    Image.fromarray(stripes).save(out, "PNG")
    (tmp_path / "stripes.png").write_bytes(out.getvalue())
    return tmp_path


def lines(done):
    assert done.returncode == 0, done.stderr
    found = [json.loads(line) for line in done.stdout.splitlines()]
    for line in found:
        CONTRACT.validate({"$ref": "#/components/schemas/Result"}, line)
    return found


def test_a_flagged_image_is_for_review(models, images):
    white, grey, stripes = lines(infer(models, images / "255.png", images / "176.png", images / "stripes.png"))
    assert white["outOfDistribution"] == {"score": 127 / 64, "threshold": 1.75, "flagged": True}
    assert [(f["call"], f["tier"]) for f in white["findings"]] == [("review", "review")] * 2
    assert white["findings"][0]["score"] == 1 and white["findings"][0]["threshold"] == 0.5
    assert grey["outOfDistribution"] == {"score": 0.75, "threshold": 1.75, "flagged": False}
    assert [(f["call"], f["tier"]) for f in grey["findings"]] == [("positive", "high"), ("negative", "high")]
    # Nothing along the direction; 16 from the mean in every value is one unit of the residual.
    assert stripes["outOfDistribution"] == {"score": 1, "threshold": 1.75, "flagged": False}


def test_the_gate_changes_neither_scores_nor_digest(models, images):
    (with_gate,), (without,) = (lines(infer(models, images / "255.png", model=model)) for model in ("measured.tern", "mean.tern"))
    assert with_gate["digest"] == without["digest"] and without["outOfDistribution"] is None
    assert [f["score"] for f in with_gate["findings"]] == [f["score"] for f in without["findings"]]


def test_a_failure_has_no_verdict(models, tmp_path):
    (tmp_path / "text").write_bytes(b"a text file\n" * 30)
    done = infer(models, tmp_path / "text")
    line = json.loads(done.stdout)
    assert done.returncode == 65 and line["outOfDistribution"] is None


@pytest.mark.parametrize("name,thresholds", [("sensitive", [0.25, 0.125]), ("even", [0.5, 0.5])])
def test_another_operating_point(models, images, name, thresholds):
    (line,) = lines(infer(models, images / "176.png", more=("--operating-point", name)))
    assert [(f["operatingPoint"], f["threshold"]) for f in line["findings"]] == [(name, threshold) for threshold in thresholds]


def test_an_operating_point_must_be_one_of_every_label(models, images):
    def refused(*more, model="measured.tern"):
        done = infer(models, images / "255.png", model=model, more=more)
        assert done.returncode == 64 and done.stdout == ""
        return done.stderr

    assert "the label white has only sensitive, even, specific" in refused("--operating-point", "balanced")
    assert "the label black has only sensitive, even" in refused("--operating-point", "specific")
    assert "the label white has only even" in refused("--operating-point", "sensitive", model="mean.tern")
    assert "the label black has none" in refused("--operating-point", "even", model="mean.tern")
    assert "reports no label" in refused("--operating-point", "even", model="features.tern")


def test_info_shows_points_and_gate(models):
    done = ternd("info", "--model", models / "measured.tern", "--allow-unsigned")
    assert done.returncode == 0
    assert "  specific: positive from 0.75, sensitivity 0.75 (0.5 to 0.875) of 40, specificity 0.5 (0.25 to 0.625) of 60, validation\n" in done.stdout
    assert "out of distribution: above 1.75, false alarms 0.03125\n" in done.stdout
    assert "out of distribution" not in ternd("info", "--model", models / "mean.tern", "--allow-unsigned").stdout


def test_the_service_says_the_same(start):
    server = start("--operating-point", "sensitive", model="measured.tern")
    model = server.ask("GET", "/v1/model").json()
    white, black = model["labels"]
    assert (white["threshold"], white["operatingPoint"], black["threshold"]) == (0.25, "sensitive", 0.125)
    assert [point["name"] for point in white["operatingPoints"]] == ["sensitive", "even", "specific"]
    assert black["operatingPoints"][1] == {
        "name": "even", "threshold": 0.5, "sensitivity": {"value": 0.75, "low": 0.5, "high": 0.875},
        "specificity": {"value": 0.5, "low": 0.25, "high": 0.625}, "positives": 40, "negatives": 60}
    assert model["operatingPointsMeasuredOn"] == "validation"
    assert model["outOfDistribution"] == {"threshold": 1.75, "falseAlarmRate": 0.03125}
    for value, flagged in [(255, True), (176, False), (0, True)]:
        result = server.post(png(value)).json()
        assert result["outOfDistribution"] == {"score": abs(value - 128) / 64, "threshold": 1.75, "flagged": flagged}
        assert (result["findings"][0]["call"] == "review") == flagged
        assert result["findings"][0]["operatingPoint"] == "sensitive"
    assert "tern_out_of_distribution_total 2\n" in server.ask("GET", "/metrics").body.decode()


def test_a_flagged_frame_does_not_hide_the_others(start):
    """The gate flags what is far from 128: such a frame's score is the highest, and says nothing."""
    server = start(model="measured.tern")
    for values, flagged, frame, call in [([100, 176, 255], 1, 2, "positive"), ([255, 100, 0], 2, 2, "negative"), ([0, 255], 2, 2, "review")]:
        result = server.post(dicom(frames=values), "application/dicom").json()
        white = result["findings"][0]
        assert (result["input"]["frames"]["flagged"], white["frame"], white["call"]) == (flagged, frame, call)


def test_the_service_without_either(start):
    model = start().ask("GET", "/v1/model").json()
    assert model["operatingPointsMeasuredOn"] is None and model["outOfDistribution"] is None and model["qualityGate"] is None
    assert model["scoreReference"] is None
    assert [label["operatingPoints"] for label in model["labels"]] == [[], []]


def test_the_service_refuses_an_unknown_point(start):
    server = start("--operating-point", "balanced", model="measured.tern", ready=False)
    assert server.process.wait(timeout=60) == 64
    assert "the label white has only sensitive, even, specific" in server.stop_messages()


def test_the_score_allocates_nothing(models):
    done = ternd("bench", "--model", models / "measured.tern", "--allow-unsigned", "--repeat", "20")
    assert json.loads(done.stdout)["allocations_per_inference"] == 0, "null: this binary was not linked with the counting wrappers"


def test_the_quality_gate_of_the_file_is_shown(models, start):
    shown = ternd("info", "--model", models / "gated.tern", "--allow-unsigned").stdout
    assert "quality gate: refuses 2 of 624 ordinary images, test\n  viewPosition: AP,PA\n  shortSide: at least 8.0, refuses 0 of 624\n" in shown
    model = start(model="gated.tern").ask("GET", "/v1/model").json()
    CONTRACT.validate({"$ref": "#/components/schemas/Model"}, model)
    gate = model["qualityGate"]
    assert (gate["measuredOn"], gate["cases"], gate["refused"]) == ("test", 624, 2)
    assert gate["rules"] == [
        {"criterion": "viewPosition", "threshold": None, "allowed": "AP,PA", "cases": 0, "refused": 0},
        {"criterion": "shortSide", "threshold": 8, "allowed": None, "cases": 624, "refused": 0},
        {"criterion": "contrast", "threshold": 4, "allowed": None, "cases": 624, "refused": 2}]
