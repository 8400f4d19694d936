"""Live frames: of each source the newest, over HTTP and in sealed memory; deadlines."""

import json
import signal
import socket

import numpy as np
import pytest
from frames import busy, live, noise, refused, score, threads
from harness import CONTRACT, LIMIT, Answer, dicom, jpeg, png

FRAME = {"$ref": "#/components/schemas/LiveResult"}
PNG = {"Content-Type": "image/png"}


# Over HTTP


@pytest.mark.parametrize("kind, body", [("image/png", png(200)), ("image/jpeg", jpeg(200)), ("application/dicom", dicom(value=200))])
def test_a_frame_is_answered_and_not_kept(start, kind, body):
    server = start()
    answer = server.ask("POST", "/v1/frames", body, {"Content-Type": kind})
    result = answer.json()
    study = server.post(body, kind).json()
    assert answer.status == 200 and result["schema"] == "tern.frame/1" and result["frame"] == 1 and result["superseded"] == 0
    # The same answer as a study's, but for what says which one it is.
    assert [result[name] for name in ("findings", "digest", "quality", "model")] == [study[name] for name in ("findings", "digest", "quality", "model")]
    assert result["input"]["sha256"] is None and study["sequence"] == 1
    assert server.status()["live"] == {
        "received": 1, "analysed": 1, "superseded": 0, "late": 0, "abandoned": 0, "refused": 0, "waiting": 0, "connections": 0,
        "connections_dropped": 0}
    assert list((server.state / "queue").iterdir()) == []


def test_frames_that_are_refused(start):
    server = start(model="dx.tern")
    for body, kind, status, code in [
        (b"", "image/png", 400, "empty_input"), (png(), "image/jpeg", 415, "kind_mismatch"), (png(), "text/plain", 415, "unknown_kind"),
        (png()[:60], "image/png", 400, "unreadable"), (dicom(frames=[1, 2]), "application/dicom", 422, "unfit"),
        (dicom(modality="MR"), "application/dicom", 422, "unfit")]:
        answer = server.ask("POST", "/v1/frames", body, {"Content-Type": kind})
        assert (answer.status, answer.json()["code"]) == (status, code), answer.json()
    assert server.ask("POST", "/v1/frames?modality=MR", png(), PNG).json()["reason"]["value"] == "MODALITY-OTHER"
    assert server.ask("POST", "/v1/frames?modality=DX", png(), PNG).json()["input"]["modality"]["checked"]
    for query in ["deadline_ms=0", "deadline_ms=x", "deadline_ms=3600001", "source=x", "wait=1", "source=1&source=1"]:
        assert server.ask("POST", "/v1/frames?" + query, png(), PNG).status == 400
    assert server.ask("GET", "/v1/frames").status == 405


def ask_later(server, target, body, kind="image/png"):
    connection = server.connect()
    connection.request("POST", target, body, {"Content-Type": kind})
    return lambda: (Answer(connection.getresponse()), connection.close())[0]


def test_the_newest_frame_of_a_source_wins(start):
    server = start(model="slow.tern")
    busy(server)
    older = [ask_later(server, "/v1/frames?source=7", png(10 + n, 64)) for n in range(3)]
    server.wait_for(lambda status: status["live"]["received"] == 3)
    other = ask_later(server, "/v1/frames?source=8", png(99, 64))
    server.wait_for(lambda status: status["live"]["received"] == 4)
    newest = ask_later(server, "/v1/frames?source=7", png(20, 64))
    for answer in [ask() for ask in older]:
        assert (answer.status, answer.json()["code"]) == (409, "superseded")
        CONTRACT.check("POST", "/v1/frames", answer)
    answer = newest()
    assert answer.status == 200 and answer.json()["superseded"] == 3 and answer.json()["frame"] == 5
    assert other().status == 200
    counts = live(server)
    assert (counts["received"], counts["analysed"], counts["superseded"]) == (5, 2, 3)
    # Without a number the process is the source.
    busy(server)
    first = ask_later(server, "/v1/frames", png(1, 64))
    server.wait_for(lambda status: status["live"]["received"] == 6)
    second = ask_later(server, "/v1/frames", png(2, 64))
    assert first().status == 409 and second().status == 200


def test_a_frame_has_its_turn_between_studies_and_studies_between_frames(serve):
    server = serve("--queue", "20", model="slow.tern")
    for _ in range(6):
        assert server.post(png(side=64), wait=False).status == 202
    frames = server.frames()
    white = np.full((64, 64), 255, np.uint8)
    done = 0
    for token in range(1, 5):
        frames.picture(white, token)
        assert frames.answer()[:2] == (token, 200)
        now = server.status()["results"]["last_sequence"]
        # Each frame waited for one study at most, though others waited before it; and none of them ran without a study between them.
        assert now <= done + 2
        done = now
    status = server.wait_for(lambda status: status["queue"]["pending"] == 0)
    assert status["results"]["last_sequence"] == 6 and status["live"]["analysed"] == 4


def test_a_frame_has_its_turn_between_the_frames_of_a_cine(serve):
    server = serve(model="slow.tern")
    server.post(dicom(frames=[1] * 12, side=64), "application/dicom", wait=False)
    server.wait_for(lambda status: status["queue"]["pending"] == 1 and status["queue"]["waiting"] == 0)
    frames = server.frames()
    frames.picture(np.zeros((64, 64), np.uint8), 5)
    assert frames.answer()[:2] == (5, 200)
    assert server.status()["results"]["last_sequence"] == 0
    result = server.wait_for(lambda status: status["results"]["last_sequence"] == 1)
    assert result["live"]["analysed"] == 1


# Deadlines


def test_a_study_keeps_its_place_past_the_deadline_of_its_client(start):
    server = start(model="slow.tern")
    busy(server)
    answer = server.ask("POST", "/v1/studies?wait=1&deadline_ms=1", png(side=64), PNG)
    assert (answer.status, answer.json()["code"]) == (504, "deadline_passed")
    server.wait_for(lambda status: status["results"]["last_sequence"] == 2)
    assert server.ask("GET", "/v1/findings/" + answer.json()["id"]).json()["status"] == "succeeded"
    answer = server.ask("POST", "/v1/studies?wait=1&deadline_ms=60000", png(side=64), PNG)
    assert answer.status == 200
    assert server.ask("POST", "/v1/studies?deadline_ms=5", png(), PNG).json()["code"] == "bad_query"


def test_a_late_frame_is_dropped(serve):
    server = serve(model="slow.tern")
    busy(server)
    answer = server.ask("POST", "/v1/frames?deadline_ms=1", png(side=64), PNG)
    assert (answer.status, answer.json()["code"]) == (504, "deadline_passed")
    frames = server.frames()
    frames.picture(np.zeros((64, 64), np.uint8), 9, deadline=1)
    assert refused(frames, "deadline_passed", 504) == 9
    # The one that is being read when its deadline passes, too: there is one answer.
    server.wait_for(lambda status: status["queue"]["pending"] == 0)
    frames.picture(np.zeros((64, 64), np.uint8), 10, deadline=5)
    assert refused(frames, "deadline_passed", 504) == 10
    frames.picture(np.zeros((64, 64), np.uint8), 11, deadline=60000)
    assert frames.answer()[:2] == (11, 200)
    counts = live(server)
    assert (counts["received"], counts["late"], counts["analysed"]) == (4, 3, 1)


# In sealed memory


@pytest.mark.parametrize("padding", [0, 6])
@pytest.mark.parametrize("picture", [noise(8, 8), noise(61, 47), noise(33, 130, kind=np.uint16), noise(20, 30, 3)])
def test_pictures_are_read_where_they_lie(serve, picture, padding):
    """The same bits as of a PNG of the same pixels."""
    import io

    from PIL import Image

    server = serve()
    out = io.BytesIO()
    Image.fromarray(picture).save(out, "PNG")
    frames = server.frames()
    frames.picture(picture, 77, padding)
    token, status, result = frames.answer()
    CONTRACT.validate(FRAME, result)
    assert (token, status, result["status"]) == (77, 200, "succeeded")
    assert result["input"]["kind"] == ("rgb8" if picture.ndim == 3 else "grey8" if picture.itemsize == 1 else "grey16")
    same = server.ask("POST", "/v1/frames", out.getvalue(), PNG).json()
    assert (result["digest"], result["findings"], result["quality"]) == (same["digest"], same["findings"], same["quality"])


def test_twelve_bits_in_words_of_sixteen(serve):
    server = serve()
    frames = server.frames()
    frames.picture(np.full((8, 8), 4095, np.uint16), 1, bits=12)
    assert score(frames.answer()[2]) == 1
    frames.picture(np.full((8, 8), 4095, np.uint16), 2)
    assert score(frames.answer()[2]) < 0.5


@pytest.mark.parametrize("kind, body", [("image/png", png(200)), ("image/jpeg", jpeg(200)), ("application/dicom", dicom(value=200))])
def test_files_in_memory(serve, kind, body):
    server = serve()
    frames = server.frames()
    frames.put(kind, body)
    result = frames.answer()[2]
    CONTRACT.validate(FRAME, result)
    assert result["digest"] == server.ask("POST", "/v1/frames", body, {"Content-Type": kind}).json()["digest"]
    frames.put("application/dicom", dicom(modality="MR"), modality=b"US")
    assert frames.answer()[1] == 200


def test_a_picture_the_gate_refuses(serve):
    server = serve(model="gated.tern")
    frames = server.frames()
    frames.picture(np.full((8, 8), 9, np.uint8))
    assert frames.answer()[2]["reason"]["value"] == "CONSTANT"
    frames.picture(noise(4, 4))
    assert frames.answer()[2]["reason"]["value"] == "IMAGE-TOO-SMALL"
    frames.picture(noise(32, 32))
    assert frames.answer()[2]["quality"]["assessed"]


def test_a_study_in_memory_is_durable(serve):
    server = serve()
    frames = server.frames()
    body = png(200)
    frames.put("image/png", body, 5, flags=1, modality=b"DX")
    token, status, pending = frames.answer()
    assert (token, status, pending["state"]) == (5, 202, "pending")
    token, status, result = frames.answer()
    CONTRACT.validate({"$ref": "#/components/schemas/Result"}, result)
    assert (token, status, result["id"], result["sequence"]) == (5, 200, pending["id"], 1)
    assert result == json.loads((server.state / "findings.jsonl").read_bytes())
    assert result["input"]["modality"]["value"] == "DX"
    # The live counters are not about studies.
    assert live(server)["received"] == 0
    frames.put("image/png", png(200)[:50], 6, flags=1)
    assert frames.answer()[1] == 202
    assert refused(frames, "unreadable") == 6


def test_a_study_in_memory_survives_a_kill(serve):
    server = serve(model="slow.tern")
    frames = server.frames()
    for token in range(3):
        frames.put("image/png", png(side=64), token, flags=1)
    identifiers = [frames.answer()[2]["id"] for _ in range(3)]
    server.stop(signal.SIGKILL)
    again = serve()
    again.wait_for(lambda status: status["results"]["last_sequence"] == 3)
    lines = [json.loads(line) for line in (again.state / "findings.jsonl").read_text().splitlines()]
    assert [line["id"] for line in lines] == identifiers


def test_a_study_in_memory_with_a_deadline(serve):
    server = serve(model="slow.tern")
    frames = server.frames()
    frames.put("image/png", png(side=64), 1, flags=1, deadline=1)
    identifier = frames.answer()[2]["id"]
    token, status, problem = frames.answer()
    assert (status, problem["code"], problem["id"]) == (504, "deadline_passed", identifier)
    server.wait_for(lambda status: status["results"]["last_sequence"] == 1)
    frames.picture(np.zeros((8, 8), np.uint8), 2)
    assert frames.answer()[0] == 2


def test_a_stop_answers_what_waits(serve):
    server = serve(model="slow.tern")
    busy(server)
    frames = server.frames()
    frames.put("image/png", png(side=64), 1, flags=1)
    assert frames.answer()[1] == 202
    frames.picture(np.zeros((64, 64), np.uint8), 2)
    server.wait_for(lambda status: status["live"]["received"] == 1)
    server.process.send_signal(signal.SIGTERM)
    answers = sorted(frames.answer()[:2] for _ in range(2))
    assert answers[0] == (1, 503) and answers[1] in [(2, 503), (2, 200)]
    assert frames.answer() is None
    assert server.process.wait(timeout=LIMIT) == 0


def test_the_socket_of_frames_is_as_the_other(serve, start, tmp_path):
    server = serve()
    path = tmp_path / "frames.sock"
    assert path.stat().st_mode & 0o777 == 0o660
    # A second service does not take it, also not one that would speak HTTP there.
    for more, other in ((["--frames", path], tmp_path / "other.sock"), ([], path)):
        second = start(*more, state=tmp_path / "other", socket_path=other, ready=False)
        assert second.process.wait(timeout=LIMIT) == 75 and "another server" in second.stop_messages()
    assert server.stop() == 0 and not path.exists()
    # One that nobody listens on is replaced.
    stale = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    stale.bind(str(path))
    stale.close()
    again = serve()
    assert any("replaced" in line for line in again.messages)
    frames = again.frames()
    frames.picture(noise(8, 8))
    assert frames.answer()[1] == 200


def test_without_a_socket_of_frames(start):
    server = start()
    assert "tern-closer" not in threads(server)
    text = server.ask("GET", "/metrics").body.decode()
    assert 'tern_live_frames_total{outcome="analysed"} 0' in text
