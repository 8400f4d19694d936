"""The scenarios of Tools/torture, bounded; docs/torture.md says what each promise is. The long runs are commands."""

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
    ("kills", {"count": 40}), ("faults", {"seconds": 8}), ("disk", {"count": 3}), ("clock", {"count": 1}), ("clients", {"seconds": 6}),
    ("soak", {"seconds": 3})])
def test_every_promise_holds(name, bounds, ordinary, tmp_path):
    document = run.one(name, tmp_path / name, ordinary, seed=int(os.environ.get("TERN_TORTURE_SEED", 1)), quiet=True, **bounds)
    if "skipped" in document:
        pytest.skip(document["skipped"])
    assert "error" not in document, document["error"]
    assert document["broken"] == [], "\n".join(document["lines"])
    assert document["promises"]["right"]["checked"] > 1, "no result was held against an undisturbed run"
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
