"""/metrics as Prometheus reads it, and the drift of the scores. The model is that of tiny_model.drift_model: its reference holds a tenth of the images at each grey value of
DRIFT_VALUES, 500 in all."""
import math
import shutil
import signal

import numpy as np
import pytest
import tiny_model
from harness import dicom, follow_events, png, ternd
from prometheus_client.parser import text_string_to_metric_families
from tiny_model import DRIFT_VALUES

STAGES = {"store", "queue", "decode", "prepare", "infer", "record", "total"}


def families(server):
    answer = server.ask("GET", "/metrics")
    assert answer.headers["Content-Type"] == "text/plain; version=0.0.4"
    text = answer.body.decode()
    found = list(text_string_to_metric_families(text))
    assert len({family.name for family in found}) == len(found), "a family stands once"
    assert all(family.documentation and family.type != "unknown" for family in found)
    samples = [(sample.name, tuple(sorted(sample.labels.items()))) for family in found for sample in family.samples]
    assert len(set(samples)) == len(samples), "a series stands once"
    return {family.name: family for family in found}


def series(family):
    return {tuple(sorted(sample.labels.items())): sample.value for sample in family.samples}


def stages(server):
    """By stage its cumulative buckets, their bounds, sum and count."""
    family = families(server)["tern_stage_seconds"]
    assert family.type == "histogram"
    found = {stage: {"buckets": [], "bounds": []} for stage in STAGES}
    for sample in family.samples:
        one = found[sample.labels["stage"]]
        if sample.name.endswith("_bucket"):
            one["bounds"].append(float(sample.labels["le"]))
            one["buckets"].append(sample.value)
        else:
            one[sample.name.rsplit("_", 1)[1]] = sample.value
    for one in found.values():
        assert one["bounds"] == sorted(one["bounds"]) and one["bounds"][-1] == math.inf and len(one["bounds"]) == 17
        assert one["buckets"] == sorted(one["buckets"]) and one["buckets"][-1] == one["count"]
        assert one["sum"] >= 0
    return found


def send(server, values):
    """One image of each grey value."""
    connection = server.connect()
    for value in values:
        connection.request("POST", "/v1/studies?wait=1", body=png(value), headers={"Content-Type": "image/png"})
        answer = connection.getresponse()
        assert answer.status == 200, answer.read()
        answer.read()
    connection.close()


def psi(values):
    """By NumPy, Siddiqi 2006: the tenths are those of DRIFT_VALUES, half a case is added to each bin of what was seen."""
    seen = np.array([sum(value == one for value in values) for one in DRIFT_VALUES]) + 0.5
    q, p = seen / seen.sum(), np.full(10, 0.1)
    return float(((q - p) * np.log(q / p)).sum())


def drift(server):
    return {label["label"]: label for label in server.status()["drift"]["labels"]}


def test_every_study_is_timed_stage_by_stage(start):
    server = start()
    assert all(one["count"] == 0 for one in stages(server).values())
    for value in (255, 0, 128):
        server.post(png(value))
    server.post(png()[:40])
    found = stages(server)
    assert {stage: one["count"] for stage, one in found.items()} == {
        "store": 4, "queue": 4, "decode": 3, "prepare": 3, "infer": 3, "record": 4, "total": 4}
    parts = sum(found[stage]["sum"] for stage in STAGES - {"total"})
    assert found["total"]["sum"] >= parts > 0


def test_refusals_by_status_and_code(start):
    server = start(model="gated.tern")
    server.ask("GET", "/nothing")
    server.ask("GET", "/nothing")
    server.post(b"", check=False)
    server.post(png(), kind="image/jpeg")
    server.post(png(side=7))
    found = families(server)
    assert series(found["tern_requests_refused"]) == {
        (("code", "no_such_path"), ("status", "404")): 2, (("code", "empty_input"), ("status", "400")): 1, (("code", "kind_mismatch"), ("status", "415")): 1}
    assert series(found["tern_results_refused"]) == {(("reason", "IMAGE-TOO-SMALL"),): 1}
    assert series(found["tern_results"]) == {(("status", "succeeded"),): 0, (("status", "failed"),): 1, (("status", "not_attempted"),): 0}


def test_an_unshifted_stream_stays_below_a_shifted_one(start):
    server = start(model="drift.tern")
    assert server.status()["drift"] | {"labels": []} == {
        "window": 1000, "least": 100, "reference": {"measuredOn": "test", "cases": 500}, "labels": [], "outOfDistribution": None}
    send(server, (DRIFT_VALUES * 10)[:99])
    assert drift(server)["white"] == {"label": "white", "psi": None, "count": 99, "state": "too_few"}
    assert "tern_score_psi" not in {name for name, family in families(server).items() if family.samples}
    send(server, (DRIFT_VALUES * 15)[99:])
    ordinary = drift(server)
    assert ordinary["white"]["psi"] == pytest.approx(0, abs=1e-9)
    assert [(one["count"], one["state"]) for one in ordinary.values()] == [(150, "stable")] * 2

    shifted = DRIFT_VALUES[6:] * 60
    send(server, shifted)
    white = drift(server)["white"]
    assert white == {"label": "white", "psi": pytest.approx(psi(DRIFT_VALUES * 15 + shifted), rel=1e-9), "count": 390, "state": "major"}
    assert families(server)["tern_score_psi"].samples[0].value == white["psi"]
    assert series(families(server)["tern_score_images"]) == {(("label", "white"),): 390, (("label", "black"),): 390}
    told = [event for event in server.status()["events"] if event["code"] == "drift_major"]
    assert [event["label"] for event in told] == [0, 1], "each label once"
    assert all(event["level"] == "warning" and event["psi_thousandths"] >= 250 and event["images"] >= 100 for event in told)


def test_a_start_begins_anew_and_a_cine_is_one_image(start):
    server = start(model="drift.tern")
    server.post(dicom(frames=[121, 255, 131]), "application/dicom")
    assert [one["count"] for one in drift(server).values()] == [1, 1]
    found = server.status()["drift"]["outOfDistribution"]
    assert found == {"share": 1, "count": 1, "reference": 0.03125}
    server.post(png(128))
    assert server.status()["drift"]["outOfDistribution"]["share"] == 0.5
    metrics = families(server)
    assert metrics["tern_out_of_distribution_ratio"].samples[0].value == 0.5
    assert metrics["tern_out_of_distribution_reference_ratio"].samples[0].value == 0.03125
    server.stop()
    again = start(model="drift.tern").status()["drift"]
    assert again["outOfDistribution"] is None and [label["count"] for label in again["labels"]] == [0, 0]


def test_another_model_begins_anew(start, models, tmp_path):
    path = tmp_path / "model.tern"
    shutil.copy(models / "drift.tern", path)
    server = start(model=path)
    event = follow_events(server)
    server.post(png(128))
    assert drift(server)["white"]["count"] == 1
    tiny_model.drift_model(tmp_path / "new.tern", cases=700)
    (tmp_path / "new.tern").replace(path)
    server.process.send_signal(signal.SIGHUP)
    assert event()["code"] == "model_replaced"
    found = server.status()["drift"]
    assert found["reference"]["cases"] == 700 and found["labels"][0]["count"] == 0 and found["outOfDistribution"] is None
    server.post(png(128))
    assert drift(server)["white"]["count"] == 1


def test_without_a_reference(start):
    server = start()
    server.post(png())
    found = server.status()["drift"]
    assert found["reference"] is None and found["labels"] == [] and found["outOfDistribution"] is None
    assert not {"tern_score_psi", "tern_score_images", "tern_out_of_distribution_ratio"} & set(families(server))


def test_the_reference_is_shown(start, models):
    shown = ternd("info", "--model", models / "drift.tern", "--allow-unsigned").stdout
    assert "score reference: 2 labels, 500 images, test\n" in shown
    reference = start(model="drift.tern").ask("GET", "/v1/model").json()["scoreReference"]
    assert (reference["measuredOn"], reference["cases"]) == ("test", 500)
    assert [(label["label"], label["counts"]) for label in reference["labels"]] == [("white", [50] * 10), ("black", [50] * 10)]
    assert [np.float32(edge) for edge in reference["labels"][0]["edges"]] == [np.float32(1 / (1 + np.exp(float(128 - value)))) for value in range(120, 137, 2)]
