"""What the service records of itself: every result, refusal and review, in a chain that shows what was done to it. The real binary."""

import hashlib
import json
import os
import pathlib
import shutil
import signal
import subprocess

import pytest
from harness import LIMIT, dicom, jpeg, png

TERN = os.environ.get("TERN", "")
needs_tern = pytest.mark.skipif(not TERN, reason="TERN does not name the command tern")


def raw_records(state):
    folder = pathlib.Path(state) / "audit"
    files = sorted(folder.glob("0*.jsonl")) + [folder / "audit.jsonl"]
    return [line for path in files for line in path.read_bytes().split(b"\n")[:-1]]


def records(state):
    """Every record, each held against the description in docs/audit.md by arithmetic that is not ours."""
    previous, found = "0" * 64, []
    for number, line in enumerate(raw_records(state), 1):
        record = json.loads(line)
        covered, mark, _ = line.rpartition(b',"hash":"')
        assert mark and record["hash"] == hashlib.sha256(covered).hexdigest()
        assert record["schema"] == "tern.audit/1" and record["number"] == number and record["previous"] == previous
        previous = record["hash"]
        found.append(record)
    head = (pathlib.Path(state) / "audit/head").read_text()
    assert head == f"{len(found):018} {previous}\n"
    return found


def events(state):
    return [record["event"] for record in records(state)]


def review(server, identifier, body, check=True, kind="application/json"):
    text = body if isinstance(body, bytes) else json.dumps(body).encode()
    return server.ask("POST", f"/v1/findings/{identifier}/review", text, {"Content-Type": kind}, check)


def test_a_result_is_recorded_before_it_is_seen(start):
    server = start("--operating-point", "even", model="measured.tern")
    body = png()
    answer = server.ask("POST", "/v1/studies?wait=1&modality=CR", body, {"Content-Type": "image/png"})
    result = answer.json()
    begun, record = records(server.state)
    assert begun["event"] == "start" and begun["model"] == result["model"]["digest"] and begun["operatingPoint"] == "even"
    line = answer.body.rstrip(b"\n")
    content = line[line.index(b',"model":'):line.rindex(b',"timing":{')]
    assert record["event"] == "result" and record["sequence"] == 1 and record["id"] == result["id"]
    assert record["origin"] == {"way": "socket", "uid": os.getuid(), "pid": os.getpid()}
    assert record["input"] == {"kind": "png", "sha256": hashlib.sha256(body).hexdigest(), "frames": "1-", "modality": "CR"}
    assert record["model"] == result["model"]["digest"] and record["operatingPoint"] == "even"
    assert record["status"] == result["status"] and record["reason"] is None and record["output"] == result["digest"]
    assert record["line"] == hashlib.sha256(line).hexdigest() and record["content"] == hashlib.sha256(content).hexdigest()
    status = server.status()["audit"]
    assert status == {"records": 2, "hash": record["hash"], "reviews": 0}
    assert server.stop() == 0 and events(server.state) == ["start", "result", "stop"]


def test_refusals_are_recorded_once_and_counted(start):
    server = start()
    for _ in range(5):
        assert server.post(b"x", "text/plain").status == 415
    assert server.ask("GET", "/nothing").status == 404
    assert server.post(b"no picture").status == 415
    assert server.stop() == 0
    found = [(record["status"], record["code"], record["uid"], record["count"]) for record in records(server.state) if record["event"] == "refusal"]
    me = os.getuid()
    assert found == [
        (415, "unknown_kind", me, 1), (404, "no_such_path", me, 1), (415, "kind_mismatch", me, 1), (415, "unknown_kind", me, 4)]


def test_a_failed_study_has_its_reason(start):
    server = start(model="dx.tern")
    assert server.post(dicom(modality="CT"), "application/dicom").status == 422
    record = records(server.state)[-1]
    assert record["status"] == "failed" and record["reason"] == "MODALITY-OTHER" and record["output"] is None


def test_a_result_without_a_record_is_recorded_by_the_next_start(start):
    server = start()
    for value in (10, 20, 30):
        server.post(png(value))
    lines = server.post(png(40)) and (server.state / "findings.jsonl").read_bytes().split(b"\n")[:-1]
    server.stop(signal.SIGKILL)
    # As if the kill had come between the result and its record, twice.
    path = server.state / "audit/audit.jsonl"
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:3]))
    (server.state / "audit/head").unlink()
    again = start()
    found = records(again.state)
    assert [record["event"] for record in found] == ["start", "result", "result", "head_missing", "result", "result", "start"]
    for record in found[4:6]:
        assert record["recovered"] and record["line"] == hashlib.sha256(lines[record["sequence"] - 1]).hexdigest()
    assert [record["sequence"] for record in found if record["event"] == "result"] == [1, 2, 3, 4]


def test_the_origin_survives_a_kill(start):
    """The study is still in the queue when its result is on the disk: its head says who asked."""
    import struct

    server = start()
    body = png(50)
    identifier = server.post(body).json()["id"]
    server.stop(signal.SIGKILL)
    head = b"TERNQUEU" + struct.pack("<IIQ", 2, 3, 1) + identifier.encode() + struct.pack("<IIIQ", 1, 0, 1, len(body)) + b"MR".ljust(16, b"\0")
    head += struct.pack("<QQQQ", 1, 1001, 43, 0) + hashlib.blake2b(body, digest_size=32).digest()
    head += hashlib.blake2b(head, digest_size=32).digest()
    (server.state / "queue" / f"{1:019}-{identifier}.study").write_bytes(head + body)
    path = server.state / "audit/audit.jsonl"
    path.write_bytes(path.read_bytes().splitlines(keepends=True)[0])
    (server.state / "audit/head").unlink()
    record = records(start().state)[2]
    assert record["event"] == "result" and record["recovered"] and record["origin"] == {"way": "socket", "uid": 1000, "pid": 42}
    assert record["input"]["modality"] == "MR" and record["id"] == identifier


def test_a_torn_record_is_cut_and_recorded(start):
    server = start()
    server.post(png())
    server.stop(signal.SIGKILL)
    path = server.state / "audit/audit.jsonl"
    path.write_bytes(path.read_bytes() + b'{"schema":"tern.audit/1","numb')
    again = start()
    assert any("cut 30 bytes" in line for line in again.messages)
    assert events(again.state) == ["start", "result", "torn_tail", "start"]


def test_a_removed_end_is_recorded_and_a_changed_record_refused(start):
    server = start()
    for value in range(4):
        server.post(png(value))
    assert server.stop() == 0
    path = server.state / "audit/audit.jsonl"
    whole = path.read_bytes()
    path.write_bytes(b"".join(whole.splitlines(keepends=True)[:-3]))
    again = start()
    found = records(again.state)
    gap = [record for record in found if record["event"] == "tail_missing"]
    assert len(gap) == 1 and (gap[0]["first"], gap[0]["last"]) == (4, 6)
    assert any("event audit_records_missing" in line for line in again.messages)
    assert again.stop() == 0
    changed = bytearray(path.read_bytes())
    changed[whole.index(b'"uid":') + 7] ^= 1
    path.write_bytes(changed)
    refused = start(ready=False)
    assert refused.process.wait(timeout=LIMIT) == 74 and "audit" in refused.stop_messages() and path.read_bytes() == changed


def test_findings_that_were_moved_away_are_recorded(start):
    server = start()
    server.post(png())
    assert server.stop() == 0
    (server.state / "findings.jsonl").rename(server.state / "kept")
    (server.state / "findings").rename(server.state / "kept-too")
    again = start()
    assert again.post(png()).json()["sequence"] == 1
    found = records(again.state)
    assert [record["event"] for record in found][3:] == ["findings_missing", "start", "result"]
    assert (found[3]["first"], found[3]["last"]) == (1, 1)


def test_a_review_is_stored_recorded_and_shown(start):
    server = start()
    result = server.post(png()).json()
    identifier = result["id"]
    note = 'Frau Müller: "kein Befund"\n'
    answer = review(server, identifier, {"decision": "amend", "label": "white", "call": "negative", "note": note})
    assert answer.status == 201
    stored = answer.json()
    assert stored["review"] == 1 and stored["id"] == identifier and stored["sequence"] == 1 and stored["note"] == note
    assert stored["label"] == "white" and stored["call"] == "negative" and stored["uid"] == os.getuid()
    assert review(server, identifier, {"decision": "accept"}).json()["review"] == 2
    shown = server.ask("GET", f"/v1/findings/{identifier}/review")
    assert shown.status == 200 and [entry["review"] for entry in shown.json()["reviews"]] == [1, 2]
    assert (server.state / "reviews.jsonl").read_bytes().startswith(answer.body)
    record = records(server.state)[-2]
    assert record["event"] == "review" and record["of"] == 1 and record["decision"] == "amend" and record["call"] == "negative"
    assert record["note"] == {"sha256": hashlib.sha256(note.encode()).hexdigest(), "bytes": len(note.encode())}
    assert record["line"] == hashlib.sha256(answer.body.rstrip(b"\n")).hexdigest()
    assert "Müller".encode() not in b"".join(raw_records(server.state))
    assert server.stop() == 0
    again = start()
    assert len(again.ask("GET", f"/v1/findings/{identifier}/review").json()["reviews"]) == 2
    assert review(again, identifier, {"decision": "reject"}).json()["review"] == 3
    assert again.status()["audit"]["reviews"] == 3


@pytest.mark.parametrize(
    "body, kind, status, code",
    [
        (b"{", "application/json", 400, "bad_review"), (b'{"decision":"maybe"}', "application/json", 400, "bad_review"),
        (b'{"decision":"accept"}', "text/plain", 415, "unknown_kind"), (b" " * 17000, "application/json", 413, "body_too_large"),
        (b'{"decision":"reject","label":"gr\\u00fcn"}', "application/json", 422, "no_such_label"),
        (b'{"decision":"reject","label":"99TERN"}', "application/json", 422, "no_such_label"),
    ])
def test_what_is_no_review_is_refused(start, body, kind, status, code):
    server = start()
    identifier = server.post(png()).json()["id"]
    answer = review(server, identifier, body, kind=kind)
    assert answer.status == status and answer.json()["code"] == code
    assert (server.state / "reviews.jsonl").read_bytes() == b""
    assert server.stop() == 0
    assert [record["code"] for record in records(server.state) if record["event"] == "refusal"] == [code]


@pytest.mark.parametrize(
    "body, words",
    [
        ({"decision": "amend"}, "an amendment has a call or a note"),
        ({"decision": "accept", "label": "white", "call": "negative"}, "belongs to an amendment"),
        ({"decision": "amend", "call": "negative"}, "belongs to an amendment of a label"), ({"decision": "accept", "note": ""}, "a note has 1 to"),
        ({"decision": "maybe"}, "decision (accept, reject, amend)"),
    ])
def test_what_is_wrong_with_a_review_is_said(start, body, words):
    server = start()
    answer = review(server, server.post(png()).json()["id"], body)
    assert answer.status == 400 and answer.json()["code"] == "bad_review" and words in answer.json()["message"]


def test_who_asked_for_what_the_disk_does_not_have_is_recorded(start):
    server = start("--segment-bytes", "4096", "--keep", "3")
    for value in range(8):
        server.post(png(value=value))
    assert server.ask("GET", "/v1/findings/01234567-89ab-4cde-8f01-23456789abcd").json()["code"] == "no_such_finding"
    assert server.stop() == 0
    (refusal,) = [record for record in records(server.state) if record["event"] == "refusal"]
    assert refusal["code"] == "no_such_finding" and refusal["uid"] == os.getuid()


def test_every_character_of_a_note_comes_back(start):
    server = start()
    identifier = server.post(png()).json()["id"]
    note = "".join(map(chr, range(0, 0x180))) + "\u2028\U0001f600"
    assert review(server, identifier, {"decision": "accept", "note": note}).json()["note"] == note


def test_a_review_needs_a_result(start):
    server = start(model="slow.tern")
    unknown = "01234567-89ab-4cde-8f01-23456789abcd"
    assert review(server, unknown, {"decision": "accept"}).status == 404
    assert server.ask("GET", f"/v1/findings/{unknown}/review").status == 404
    assert server.ask("PUT", f"/v1/findings/{unknown}/review", check=False).status in (405, 501)
    identifier = server.post(png(), wait=False).json()["id"]
    answer = review(server, identifier, {"decision": "accept"}, check=False)
    assert answer.status in (201, 409)
    if answer.status == 409:
        assert answer.json()["code"] == "no_result_yet"


def test_a_review_without_a_record_is_recorded_by_the_next_start(start):
    server = start()
    identifier = server.post(png()).json()["id"]
    line = review(server, identifier, {"decision": "accept"}).body.rstrip(b"\n")
    server.stop(signal.SIGKILL)
    path = server.state / "audit/audit.jsonl"
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:-1]))
    (server.state / "audit/head").unlink()
    record = records(start().state)[3]
    assert record["event"] == "review" and record["review"] == 1 and record["recovered"] and record["id"] == identifier
    assert record["line"] == hashlib.sha256(line).hexdigest()
