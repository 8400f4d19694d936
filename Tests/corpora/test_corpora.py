"""Every file of the corpora is read to the exact pixel, or refused for the reason that `refusals.tsv` states; none is read wrongly.

$TERN names the command `tern`. $TERN_CORPUS names one more folder to compare (no list of refusals is held against it).
"""
import os
from pathlib import Path

import pytest

import corpora
import conformance
from reading import TERN, Verdict

pytestmark = pytest.mark.skipif(not TERN, reason="TERN does not name the command tern")
REFUSALS = conformance.refusals()


@pytest.fixture(scope="module")
def verdicts() -> dict[str, list[Verdict]]:
    return {name: conformance.compare_all(name) for name in corpora.NAMES}


@pytest.mark.parametrize("name", corpora.NAMES)
def test_no_file_is_read_wrongly(verdicts: dict[str, list[Verdict]], name: str) -> None:
    wrong = [f"{verdict.file}: {verdict.detail}" for verdict in verdicts[name] if verdict.result in ("wrong", "unreferenced")]
    assert not wrong, "\n".join(wrong)
    assert sum(verdict.result == "equal" for verdict in verdicts[name]) >= {"pydicom": 95, "pydicom-data": 66, "deid-data": 15, "nibabel": 12}[name]


@pytest.mark.parametrize("name", corpora.NAMES)
def test_what_is_refused_is_refused_for_the_stated_reason(verdicts: dict[str, list[Verdict]], name: str) -> None:
    found = {(name, verdict.file): verdict.detail.split(":")[0] for verdict in verdicts[name] if verdict.result == "refused"}
    stated = {key: reason.code for key, reason in REFUSALS.items() if key[0] == name}
    assert found == stated


def test_the_table_is_current(verdicts: dict[str, list[Verdict]]) -> None:
    assert (corpora.ROOT / "docs" / "conformance.md").read_text() == conformance.page(verdicts), "run Tests/corpora/conformance.py"


@pytest.mark.skipif("TERN_CORPUS" not in os.environ, reason="TERN_CORPUS names no further folder")
def test_no_file_of_a_further_folder_is_read_wrongly() -> None:
    found = conformance.compare_files(corpora.files_below(Path(os.environ["TERN_CORPUS"])))
    wrong = [f"{verdict.file}: {verdict.detail}" for verdict in found if verdict.result in ("wrong", "unreferenced")]
    assert found and not wrong, "\n".join(wrong)
