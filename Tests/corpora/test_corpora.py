"""Every file of the corpora is read to the exact pixel, or refused for the reason that `refusals.tsv` states; none is read wrongly.

$TERN names the command `tern`. $TERN_CORPUS names more folders to compare, with colons between (no list of refusals is held against them).
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


def further(name: str) -> list[Verdict]:
    if not corpora.folder(name).is_dir():
        pytest.skip(f"{name} does not lie beside the repository")
    return conformance.compare_all(name)


def held_against_the_table(name: str, verdicts: list[Verdict]) -> None:
    found = {(name, verdict.file): verdict.detail.split(":")[0] for verdict in verdicts if verdict.result == "refused"}
    assert found == {key: reason.code for key, reason in REFUSALS.items() if key[0] == name}


@pytest.mark.parametrize("name, equal", [("nifti-edge-cases", 8), ("dicom-highdicom", 20)])
def test_corpora_beside_the_repository(name: str, equal: int) -> None:
    found = further(name)
    assert not [f"{verdict.file}: {verdict.detail}" for verdict in found if verdict.result in ("wrong", "unreferenced")]
    assert sum(verdict.result == "equal" for verdict in found) >= equal
    held_against_the_table(name, found)


@pytest.mark.parametrize("name", corpora.NAMES)
def test_no_file_is_read_wrongly(verdicts: dict[str, list[Verdict]], name: str) -> None:
    wrong = [f"{verdict.file}: {verdict.detail}" for verdict in verdicts[name] if verdict.result in ("wrong", "unreferenced")]
    assert not wrong, "\n".join(wrong)
    assert sum(verdict.result == "equal" for verdict in verdicts[name]) >= {"pydicom": 95, "pydicom-data": 66, "deid-data": 15, "nibabel": 12}[name]


@pytest.mark.parametrize("name", corpora.NAMES)
def test_what_is_refused_is_refused_for_the_stated_reason(verdicts: dict[str, list[Verdict]], name: str) -> None:
    held_against_the_table(name, verdicts[name])


def test_the_table_is_current(verdicts: dict[str, list[Verdict]]) -> None:
    assert (corpora.ROOT / "docs" / "conformance.md").read_text() == conformance.page(verdicts), "run Tests/corpora/conformance.py"


@pytest.mark.skipif("TERN_CORPUS" not in os.environ, reason="TERN_CORPUS names no further folder")
def test_no_file_of_a_further_folder_is_read_wrongly() -> None:
    for folder in os.environ["TERN_CORPUS"].split(":"):
        found = conformance.compare_files(corpora.files_below(Path(folder)))
        wrong = [f"{verdict.file}: {verdict.detail}" for verdict in found if verdict.result in ("wrong", "unreferenced")]
        assert found and not wrong, "\n".join(wrong)
