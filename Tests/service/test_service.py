import hashlib
import json
import struct
import subprocess

import pytest
from harness import CONTRACT, LIMIT, Answer, bare_dicom, dicom, jpeg, png


def huge_jpeg():
    data = jpeg()
    at = data.index(b"\xff\xc0")
    return data[: at + 5] + struct.pack(">HH", 60000, 60000) + data[at + 9:]


def huge_png():
    import zlib

    head = struct.pack(">IIBBBBB", 60000, 60000, 8, 0, 0, 0, 0)
    data = png()
    return data[:16] + head + struct.pack(">I", zlib.crc32(b"IHDR" + head)) + data[33:]


def test_a_study_is_answered_and_recorded(start):
    server = start()
    body = png()
    answer = server.post(body)
    result = answer.json()
    assert answer.status == 200 and result["status"] == "succeeded" and result["sequence"] == 1
    assert result["input"] == {
        "kind": "png", "sha256": hashlib.sha256(body).hexdigest(), "modality": {"value": None, "source": None, "checked": False}}
    assert result["model"]["signature"] == "unsigned"
    assert result["findings"][0]["call"] == "positive"
    assert (server.state / "findings.jsonl").read_bytes() == answer.body
    assert server.ask("GET", "/v1/findings/" + result["id"]).body == answer.body
    assert server.ask("GET", "/v1/findings").body == answer.body


def test_a_study_without_waiting(start):
    server = start()
    answer = server.post(png(), wait=False)
    assert answer.status == 202
    identifier = answer.json()["id"]
    server.wait_for(lambda status: status["results"]["last_sequence"] == 1)
    assert server.ask("GET", "/v1/findings/" + identifier).json()["id"] == identifier


def test_dicom_and_jpeg(start):
    server = start()
    assert server.post(jpeg(), "image/jpeg; q=1").json()["input"]["kind"] == "jpeg"
    answer = server.post(dicom(), "Application/DICOM").json()
    assert answer["input"]["sopInstanceUID"] == "2.25.1234" and answer["input"]["frame"] == 1
    answer = server.post(bare_dicom(), "application/dicom")
    assert answer.status == 200 and answer.json()["input"]["kind"] == "dicom"
    assert b"Doe" not in (server.state / "findings.jsonl").read_bytes()


@pytest.mark.parametrize(
    "body, kind, status, code",
    [
        (b"", "image/png", 400, "empty_input"),
        (b"a text file\n", "text/plain", 415, "unknown_kind"),
        (b"a text file\n", "image/jpeg", 415, "kind_mismatch"),
        (png(), "image/jpeg", 415, "kind_mismatch"),
        (bare_dicom(), "image/png", 415, "kind_mismatch"),
        (png(), "application/x-nifti", 415, "unknown_kind"),
        (png(), "application/nifti", 415, "kind_mismatch"),
    ])
def test_refused_at_the_door(start, body, kind, status, code):
    server = start()
    answer = server.post(body, kind)
    assert (answer.status, answer.json()["code"]) == (status, code)
    assert server.status()["results"]["last_sequence"] == 0
    assert server.post(png()).status == 200


@pytest.mark.parametrize(
    "body, kind, status, code, value",
    [
        (jpeg()[:300], "image/jpeg", 400, "unreadable", "JPEG-TRUNCATED"),
        (huge_jpeg(), "image/jpeg", 413, "too_large", "IMAGE-TOO-LARGE"),
        (huge_png(), "image/png", 413, "too_large", "IMAGE-TOO-LARGE"),
        (png()[:40], "image/png", 400, "unreadable", "PNG-TRUNCATED"),
        (dicom(pixels=False), "application/dicom", 422, "unfit", "DICOM-NO-PIXELS"),
        (dicom()[:-50], "application/dicom", 400, "unreadable", "DICOM-TRUNCATED"),
    ])
def test_unreadable_input_is_a_failed_result(start, body, kind, status, code, value):
    server = start()
    answer = server.post(body, kind)
    assert (answer.status, answer.json()["code"], answer.json()["reason"]["value"]) == (status, code, value)
    (line,) = server.ask("GET", "/v1/findings").lines()
    assert (line["status"], line["sequence"], line["id"]) == ("failed", answer.json()["sequence"], answer.json()["id"])
    assert server.post(png()).json()["sequence"] == 2


def test_modality_that_does_not_fit(start):
    server = start(model="dx.tern")
    assert server.post(dicom(modality="US"), "application/dicom").status == 422
    for modality, status in (("CR", 200), ("MR", 422), ("cr", 400), ("DOE", 400)):
        answer = server.ask("POST", "/v1/studies?wait=1&modality=" + modality, png(), {"Content-Type": "image/png"})
        assert answer.status == status
        if status == 200:
            assert answer.json()["input"]["modality"] == {"value": "CR", "source": "caller", "checked": True}


@pytest.mark.parametrize(
    "method, target, status",
    [
        ("GET", "/", 404), ("GET", "/v1/nothing", 404), ("GET", "/v1/findings/1", 404), ("GET", "/v1/studies", 405),
        ("DELETE", "/v1/findings", 405), ("POST", "/v1/status", 405), ("PUT", "/healthz", 405), ("GET", "/v1/findings?after=x", 400),
        ("GET", "/v1/findings?after=-1", 400), ("GET", "/v1/findings?after=99999999999999999999", 400), ("GET", "/v1/findings?after=1", 400),
        ("GET", "/v1/findings?follow=yes", 400), ("GET", "/v1/findings?after=0&after=0", 400), ("GET", "/v1/status?x=1", 400),
        ("GET", "/v1/findings/00000000-0000-4000-8000-000000000000", 404), ("GET", "/v1/findings/ID/map.jpg", 404),
        ("POST", "/v1/findings/00000000-0000-4000-8000-000000000000/review", 404),
    ])
def test_problems(start, method, target, status):
    answer = start().ask(method, target)
    assert answer.status == status
    assert answer.json()["status"] == status
    assert (answer.headers["Allow"] is not None) == (status == 405)


def test_status_model_health_metrics(start):
    server = start()
    server.post(png())
    assert server.status()["state"] == "ready"
    model = server.ask("GET", "/v1/model").json()
    assert model["card"] == '{"purpose":"tests"}' and model["labels"][0]["threshold"] == 0.5
    assert server.ask("GET", "/healthz").body == b"ok\n"
    metrics = server.ask("GET", "/metrics").body.decode()
    assert 'tern_results_total{status="succeeded"} 1\n' in metrics
    for line in metrics.splitlines():
        assert line.startswith("#") or len(line.rsplit(" ", 1)) == 2


def test_head_is_get_without_a_body(start):
    server = start()
    identifier = server.post(png()).json()["id"]
    connection = server.connect()  # one for all: a body that came all the same would be taken for the next answer
    for path in ["/v1/findings/" + identifier, "/v1/model", "/healthz", "/v1/findings", "/v1/findings?follow=1", "/v1/findings?after=x",
                 "/v1/findings/00000000-0000-4000-8000-000000000000", "/v1/nothing", "/v1/studies"]:
        connection.request("HEAD", path)
        head = Answer(connection.getresponse())
        assert head.body == b""
        if "follow" in path:
            assert head.status == 200 and head.headers["Content-Type"] == "application/jsonl"
            continue
        CONTRACT.check("HEAD", path, head)
        connection.request("GET", path)
        get = Answer(connection.getresponse())
        assert get.status == head.status and get.headers["Content-Type"] == head.headers["Content-Type"]
        assert head.headers["Content-Length"] == get.headers["Content-Length"] or path == "/v1/findings"
    connection.close()
    answer = server.ask("HEAD", "/v1/studies")
    assert answer.status == 405 and answer.headers["Allow"] == "POST"
    assert server.ask("POST", "/v1/model").headers["Allow"] == "GET, HEAD"
    assert server.wait_for(lambda status: status["clients"]["streams"] == 0)


def test_one_connection_carries_many_requests(start):
    server = start()
    connection = server.connect()
    for index in range(20):
        connection.request("POST", "/v1/studies?wait=1", png(), {"Content-Type": "image/png"})
        assert json.loads(connection.getresponse().read())["sequence"] == index + 1
    connection.close()


def test_curl_speaks_to_it(start, tmp_path):
    server = start()
    (tmp_path / "image").write_bytes(png())
    done = subprocess.run(
        ["curl", "-sS", "--fail", "--unix-socket", server.socket_path, "-H", "Content-Type: image/png", "--data-binary",
         f"@{tmp_path / 'image'}", "http://tern/v1/studies?wait=1"], capture_output=True, timeout=LIMIT)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["sequence"] == 1
