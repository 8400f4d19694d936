"""The scenarios of Tools/torture, bounded; docs/torture.md says what each promise is. The long runs are commands."""

import hashlib
import json
import os
import pathlib
import sys

import pytest

from harness import ROOT, binary

sys.path.insert(0, str(ROOT / "Tools"))

from torture_lib import context, run  # noqa: E402
from torture_lib.ledger import Ledger  # noqa: E402
from torture_lib.promises import Findings, essence  # noqa: E402


@pytest.fixture
def ordinary():
    """The program that a library can be loaded into; without one, the one under test."""
    path = ROOT / ".build/release/ternd"
    if "TERND_RUNNER" in os.environ:
        pytest.skip("needs a program of this processor")
    return path if path.exists() else pathlib.Path(binary())


@pytest.mark.parametrize("name, bounds", [
    ("kills", {"count": 24}), ("faults", {"seconds": 5}), ("disk", {"count": 2}), ("clock", {"count": 1}), ("clients", {"seconds": 3}),
    ("watch", {"count": 40, "seconds": 3}), ("soak", {"seconds": 3})])
def test_every_promise_holds(name, bounds, ordinary, tmp_path):
    document = run.one(name, tmp_path / name, ordinary, seed=int(os.environ.get("TERN_TORTURE_SEED", 1)), quiet=True, **bounds)
    if "skipped" in document:
        pytest.skip(document["skipped"])
    assert "error" not in document, document["error"]
    assert document["broken"] == [], "\n".join(document["lines"])
    assert document["promises"]["right"]["checked"] > 1, "no result was held against an undisturbed run"
    assert document["promises"]["audited"]["checked"] > 1
    if name == "soak":
        assert document["promises"]["unread"]["checked"] > 0, "nothing was removed"
    if name == "kills":
        assert document["figures"]["reviews stored"] > 0
    if document["left_out"]:
        pytest.skip("in part: " + "; ".join(document["left_out"]))


def result(number, digest="d", status="succeeded"):
    return {"schema": "tern.result/1", "sequence": number, "id": f"id-{number}", "status": status, "reason": None, "digest": digest, "findings": [],
            "outOfDistribution": None, "model": {"digest": "m"}, "input": {"sha256": "i"}}


def ledger_of(folder, *results):
    """A ledger whose clients were told of these results, and a state directory that holds them."""
    ledger = Ledger(Findings())
    ledger.bodies.add("i")
    ledger.accepted |= {value["id"] for value in results}
    (folder / "findings.jsonl").write_text("".join(json.dumps(value) + "\n" for value in results))
    return ledger


def test_a_study_that_was_taken_back_and_has_a_result_breaks_a_promise(tmp_path):
    ledger = ledger_of(tmp_path, result(1))
    ledger.verify(tmp_path, {})
    assert "withdrawn" not in ledger.findings.broken()
    ledger.withdrawn.add("id-1")
    ledger.verify(tmp_path, {}, may_return=True)
    assert "withdrawn" not in ledger.findings.broken()
    ledger.verify(tmp_path, {})
    assert "withdrawn" in ledger.findings.broken()


def test_only_results_that_somebody_has_may_be_gone(tmp_path):
    ledger = ledger_of(tmp_path, result(3))
    ledger.read = {number: json.dumps(result(number)).encode() + b"\n" for number in (1, 2)}
    found = ledger.verify(tmp_path, {})
    assert [value["sequence"] for value, _ in found] == [1, 2, 3] and not {"unread", "sequence"} & set(ledger.findings.broken())
    del ledger.read[1]
    ledger.verify(tmp_path, {})
    assert "unread" in ledger.findings.broken()


def chain(folder, *records):
    """An audit log as docs/audit.md describes it."""
    (folder / "audit").mkdir(exist_ok=True)
    previous, lines = "0" * 64, []
    for number, record in enumerate(records, 1):
        covered = json.dumps({"schema": "tern.audit/1", "number": number, **record, "previous": previous}, separators=(",", ":")).removesuffix("}")
        previous = hashlib.sha256(covered.encode()).hexdigest()
        lines.append(f'{covered},"hash":"{previous}"}}\n')
    (folder / "audit/audit.jsonl").write_text("".join(lines))
    (folder / "audit/head").write_text(f"{len(lines):018} {previous}\n")


def test_a_log_that_is_not_of_the_results_breaks_a_promise(tmp_path):
    ledger = ledger_of(tmp_path, result(1), result(2))
    lines = (tmp_path / "findings.jsonl").read_text().splitlines()
    records = [{"event": "result", "sequence": number, "line": hashlib.sha256(line.encode()).hexdigest()} for number, line in enumerate(lines, 1)]

    def broken(*those, reviews=None):
        chain(tmp_path, *those)
        ledger.findings, ledger.reviews = Findings(), reviews or {}
        ledger.verify(tmp_path, {})
        return "audited" in ledger.findings.broken()

    assert not broken(*records) and not broken({"event": "start"}, *records)
    assert broken(records[0]) and broken(*records, records[1]) and broken(records[0], records[1] | {"line": "0" * 64})
    assert broken({"event": "tail_missing"}, *records)
    assert broken(*records, reviews={1: b"{}"}) and broken(*records, {"event": "review", "review": 1, "line": ""})
    path = tmp_path / "audit/audit.jsonl"
    chain(tmp_path, *records)
    path.write_text(path.read_text().replace('"sequence":2', '"sequence":3'))
    ledger.verify(tmp_path, {})
    assert "audited" in ledger.findings.broken()


def test_only_what_has_a_reference_counts_as_right(tmp_path):
    ledger = ledger_of(tmp_path, result(1))
    ledger.verify(tmp_path, {})
    assert "right" not in ledger.findings.checked and ledger.findings.compared == 0
    ledger.verify(tmp_path, {("m", "i"): essence(result(1))})
    assert ledger.findings.compared == 1 and "right" not in ledger.findings.broken()
    ledger.verify(tmp_path, {("m", "i"): essence(result(1, digest="other"))})
    assert "right" in ledger.findings.broken()


def test_a_scenario_that_compares_nothing_is_broken_and_one_without_faults_says_so(ordinary, tmp_path, monkeypatch):
    def missing(self):
        raise context.Skipped("the program is static")

    monkeypatch.setattr(context.Context, "library", missing)
    monkeypatch.setattr(context.Context, "learn", lambda self, *models: None)
    document = run.one("kills", tmp_path / "kills", ordinary, quiet=True, count=2)
    assert document["broken"] == ["right"] and document["left_out"] == ["no kills inside calls: the program is static"]
