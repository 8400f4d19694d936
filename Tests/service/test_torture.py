"""The scenarios of Tools/torture, bounded; docs/torture.md says what each promise is. The long runs are commands."""

import os
import pathlib
import sys

import pytest

from harness import ROOT, binary

sys.path.insert(0, str(ROOT / "Tools"))

from torture_lib import run  # noqa: E402


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
    assert document["promises"], "nothing was looked at"
