"""`tern audit` and `tern replay` on logs that the real service wrote."""

import base64
import hashlib
import json
import os
import pathlib
import shlex
import shutil
import subprocess

import pytest
from harness import LIMIT, ROOT, dicom, jpeg, nifti, png, program
from test_audit import needs_tern, raw_records, records, review

TERN = os.environ.get("TERN", "")
pytestmark = needs_tern


def tern(*words, code=0):
    done = subprocess.run([TERN, *map(str, words)], capture_output=True, text=True, timeout=LIMIT)
    assert done.returncode == code, (done.returncode, done.stdout, done.stderr)
    return done


def verify(folder, *words, code=65):
    answer = json.loads(tern("audit", "verify", folder, "--json", *words, code=code).stdout)
    assert answer["intact"] == (code == 0)
    return [fault["kind"] for fault in answer["faults"]]


@pytest.fixture
def served(start, tmp_path, models):
    """A state directory with results of all kinds, refusals and reviews; the inputs that were sent; the server's process has ended."""
    import numpy as np

    server = start("--operating-point", "even", model="measured.tern")
    sent = tmp_path / "inputs" / "deep"
    sent.mkdir(parents=True)

    def send(body, kind, query=""):
        (sent / hashlib.sha256(body).hexdigest()[:8]).write_bytes(body)
        return server.ask("POST", "/v1/studies?wait=1" + query, body, {"Content-Type": kind})

    first = send(png(10), "image/png").json()
    send(jpeg(200), "image/jpeg", "&modality=CR")
    send(dicom(value=99), "application/dicom")
    send(dicom(frames=[10, 90, 200, 255]), "application/dicom", "&frames=2-4:2")
    send(nifti((np.arange(3 * 16 * 16) % 251).astype(np.uint8).reshape(3, 16, 16)), "application/nifti", "&modality=MR")
    assert send(dicom(pixels=False), "application/dicom").status != 200
    send(png(10), "image/png")
    server.post(b"", "image/png")
    review(server, first["id"], {"decision": "amend", "label": "white", "call": "negative", "note": "Größe & <Wert>"})
    assert server.stop() == 0
    return server.state, tmp_path / "inputs", models / "measured.tern"


def rewrite(state, lines):
    (state / "audit/audit.jsonl").write_bytes(b"".join(line + b"\n" for line in lines))


def chained(lines, start=0):
    """The same records with numbers, links and hashes made anew from one of them on: what somebody who knows how can do."""
    lines = list(lines)
    previous = json.loads(lines[start - 1])["hash"] if start else "0" * 64
    for index in range(start, len(lines)):
        record = json.loads(lines[index])
        record["number"], record["previous"] = index + 1, previous
        record.pop("hash")
        covered = json.dumps(record, separators=(",", ":"), ensure_ascii=False).encode()[:-1]
        previous = hashlib.sha256(covered).hexdigest()
        lines[index] = covered + f',"hash":"{previous}"}}'.encode()
    return lines, previous


def test_an_untouched_log_is_intact(served):
    state, _, _ = served
    done = tern("audit", "verify", state)
    assert "intact" in done.stdout and "7 results and 1 reviews" in done.stdout
    assert verify(state, code=0) == [] and verify(state / "audit", code=0) == []
    assert chained(raw_records(state))[0] == raw_records(state), "the arithmetic of this test is the log's"


def test_every_removed_changed_inserted_or_moved_record_is_found(served, tmp_path):
    state, _, _ = served
    whole = raw_records(state)
    count = len(whole)
    assert count >= 11
    cases = {}
    for index in range(count):
        cases[f"removed {index}"] = whole[:index] + whole[index + 1:]
        changed = whole[index].replace(b'"time":"20', b'"time":"19', 1)
        cases[f"changed {index}"] = whole[:index] + [changed] + whole[index + 1:]
        # Made to fit with a hash of its own.
        record = json.loads(whole[index])
        record["time"] = "2020-01-01T00:00:00.000Z"
        record.pop("hash")
        covered = json.dumps(record, separators=(",", ":"), ensure_ascii=False).encode()[:-1]
        forged = covered + f',"hash":"{hashlib.sha256(covered).hexdigest()}"}}'.encode()
        cases[f"forged {index}"] = whole[:index] + [forged] + whole[index + 1:]
        cases[f"repeated {index}"] = whole[:index] + [whole[index]] + whole[index:]
        cases[f"inserted {index}"] = whole[:index] + [b"{}"] + whole[index:]
    for index in range(count - 1):
        exchanged = list(whole)
        exchanged[index], exchanged[index + 1] = exchanged[index + 1], exchanged[index]
        cases[f"exchanged {index}"] = exchanged
    for name, lines in cases.items():
        rewrite(state, lines)
        assert verify(state / "audit") != [], name
    rewrite(state, whole)
    assert verify(state, code=0) == []


def test_every_removed_end_is_found(served):
    state, _, _ = served
    whole = raw_records(state)
    for count in range(1, len(whole)):
        rewrite(state, whole[:count])
        assert verify(state / "audit") == ["truncated"]
    (state / "audit/head").unlink()
    assert verify(state / "audit") == ["head"]
    # With the results beside it, what is missing is seen all the same.
    rewrite(state, whole[:2])
    assert "result_unknown" in verify(state) and "review_unknown" in verify(state)
    (state / "audit/audit.jsonl").write_bytes(b"\n".join(whole))
    assert "torn_tail" in verify(state)


def test_a_chain_made_anew_is_found_against_a_hash_kept_elsewhere(served):
    state, _, _ = served
    whole = raw_records(state)
    kept = json.loads(whole[5])
    anchor = f"{kept['number']}:{kept['hash']}"
    assert verify(state, "--expect", anchor, code=0) == []
    lines, last = chained(whole[:3] + whole[4:], 3)
    rewrite(state, lines)
    (state / "audit/head").write_text(f"{len(lines):018} {last}\n")
    assert verify(state / "audit", code=0) == [], "as docs/audit.md says: nobody can tell from the files alone"
    assert verify(state / "audit", "--expect", anchor) == ["replaced"]
    assert "result_unknown" in verify(state)
    rewrite(state, whole[:4])
    assert "missing" in verify(state / "audit", "--expect", anchor)


def test_changed_results_and_reviews_are_found(served):
    state, _, _ = served
    findings, reviews = state / "findings.jsonl", state / "reviews.jsonl"
    whole, notes = findings.read_bytes(), reviews.read_bytes()
    findings.write_bytes(whole.replace(b'"call":"negative"', b'"call":"positive"', 1))
    assert verify(state) == ["result_changed"]
    findings.write_bytes(b"".join(whole.splitlines(keepends=True)[1:]))
    assert verify(state) == ["result_removed"] and verify(state, "--log-only", code=0) == []
    findings.write_bytes(whole)
    reviews.write_bytes(notes.replace(b"amend", b"reject"))
    assert verify(state) == ["review_changed"]
    reviews.write_bytes(b"")
    assert verify(state) == ["review_removed"]


def test_bad_words_are_refused(served, tmp_path):
    state, _, _ = served
    tern("audit", "verify", tmp_path / "nothing", code=66)
    tern("audit", "verify", state, "--expect", "1:abc", code=64)
    tern("audit", "export", state, code=64)


def test_dicom_messages_are_valid(served, tmp_path):
    from lxml import etree
    from pydicom.sr._concepts_dict import concepts

    state, _, _ = served
    schema = etree.RelaxNG(etree.parse(str(pathlib.Path(__file__).with_name("audit_message.rng"))))
    lines = tern("audit", "export", state, "--dicom", "--source", 'ward "3" & <x>').stdout.splitlines()
    written = raw_records(state)
    assert len(lines) == len(written)
    meanings = {code: meaning for entry in concepts["DCM"].values() for code, (meaning, *_) in entry.items()}
    seen = set()
    for text, record in zip(lines, written):
        message = etree.fromstring(text.encode())
        schema.assertValid(message)
        assert message.find("AuditSourceIdentification").get("AuditSourceID") == 'ward "3" & <x>'
        carried = message.xpath("//ParticipantObjectDetail[@type='record']/@value")
        assert [base64.b64decode(value) for value in carried] == [record]
        for code in message.xpath("//*[@codeSystemName='DCM']"):
            seen.add(code.get("csd-code"))
            assert meanings.get(code.get("csd-code"), code.get("originalText")) == code.get("originalText")
    assert {"110100", "110120", "110121", "110150"} <= seen
    result = etree.fromstring(next(line for line, record in zip(lines, written) if b'"event":"result"' in record).encode())
    assert result.find("ActiveParticipant").get("UserID") == f"uid:{os.getuid()}"
    # The schema is not one that takes anything.
    for wrong in ("EventOutcomeIndicator", "EventDateTime"):
        message = etree.fromstring(lines[0].encode())
        del message.find("EventIdentification").attrib[wrong]
        assert not schema.validate(message)


def test_fhir_events_are_valid(served, tmp_path):
    from fhirclient.models.auditevent import AuditEvent
    from fhirclient.models.fhirabstractbase import FHIRValidationError

    state, _, _ = served
    target = tmp_path / "events.ndjson"
    tern("audit", "export", state, "--fhir", "-o", target, "--after", "1")
    lines = target.read_text().splitlines()
    written = raw_records(state)[1:]
    assert len(lines) == len(written)
    for text, record in zip(lines, written):
        event = AuditEvent(json.loads(text), strict=True)
        assert event.as_json()["resourceType"] == "AuditEvent" and event.agent and event.source.observer.display == "ternd"
        details = [detail for entity in event.entity for detail in entity.detail or [] if detail.type == "record"]
        assert [base64.b64decode(detail.valueBase64Binary) for detail in details] == [record]
    broken = json.loads(lines[0])
    del broken["agent"]
    with pytest.raises(FHIRValidationError):
        AuditEvent(broken, strict=True)


def test_an_export_of_a_broken_log_says_so(served):
    state, _, _ = served
    whole = raw_records(state)
    rewrite(state, whole[:2] + whole[3:])
    done = tern("audit", "export", state, "--dicom", code=65)
    assert len(done.stdout.splitlines()) == len(whole) - 1 and "not intact" in done.stderr


def replay(state, inputs, *models, code=0, extra=()):
    words = ["replay", state, "--inputs", inputs, "--ternd", program()[-1], "--json"]
    if program()[:-1]:
        words += ["--runner", shlex.join(program()[:-1])]
    for model in models:
        words += ["--model", model]
    return json.loads(tern(*words, *extra, code=code).stdout)


def test_a_replay_proves_every_result(served):
    state, inputs, model = served
    answer = replay(state, inputs, model)
    assert answer["logIntact"] and answer["results"] == 7 and answer["same"] == 7
    assert replay(state, inputs, model, extra=["--isa", "scalar"])["same"] == 7
    if program()[:-1]:
        # A log of the emulated CPU, on this one.
        done = tern("replay", state, "--inputs", inputs, "--model", model, "--ternd", ROOT / "build/x86_64/ternd", "--json")
        assert json.loads(done.stdout)["same"] == 7
    assert replay(state, inputs, model, extra=["--after", "3"])["results"] == 5
    text = tern("replay", state, "--inputs", inputs, "--model", model, "--ternd", program()[-1], *(
        ["--runner", shlex.join(program()[:-1])] if program()[:-1] else [])).stdout
    assert text == "7 of 7 results are the same in every bit\n"


def test_a_replay_says_what_is_missing_or_differs(served, models, tmp_path):
    state, inputs, model = served
    (inputs / "deep" / hashlib.sha256(png(10)).hexdigest()[:8]).unlink()
    answer = replay(state, inputs, model, code=65)
    assert [entry["sequence"] for entry in answer["input_missing"]] == [1, 7] and answer["same"] == 5
    assert answer["input_missing"][0]["input"] == hashlib.sha256(png(10)).hexdigest()
    answer = replay(state, inputs, models / "mean.tern", code=65)
    assert len(answer["model_missing"]) == 7 and answer["same"] == 0
    # A record that claims another output, in a chain made anew around it.
    whole = raw_records(state)
    at = next(index for index, line in enumerate(whole) if b'"sequence":2' in line and b'"event":"result"' in line)
    record = json.loads(whole[at])
    for name, kind in (("output", "output_differs"), ("content", "result_differs")):
        forged = whole[at].replace(record[name].encode(), b"0" * 64)
        lines, last = chained(whole[:at] + [forged] + whole[at + 1:], at)
        rewrite(state, lines)
        (state / "audit/head").write_text(f"{len(lines):018} {last}\n")
        answer = replay(state, inputs, model, code=65)
        assert answer["logIntact"] and [entry["sequence"] for entry in answer[kind]] == [2]
    rewrite(state, whole[:at] + whole[at + 1:])
    assert not replay(state, inputs, model, code=65)["logIntact"]
