"""Bills of materials and manual pages: made by the real tools, judged by public validators."""

import hashlib
import json
import os
import pathlib
import re
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
MODELS = sorted(ROOT.glob("Models/*/*.tern"))


@pytest.fixture(scope="module")
def bills():
    """The two files beside the program that the device build has made."""
    folder = ROOT / "build/x86_64"
    assert (folder / "ternd.map").exists(), "run Tools/build-device"
    return folder / "ternd.spdx.json", folder / "ternd.cdx.json"


def test_spdx_is_valid(bills):
    from spdx_tools.spdx.parser.parse_anything import parse_file
    from spdx_tools.spdx.validation.document_validator import validate_full_spdx_document

    messages = validate_full_spdx_document(parse_file(str(bills[0])))
    assert messages == [], [message.validation_message for message in messages]


def test_cyclonedx_is_valid(bills):
    from cyclonedx.schema import SchemaVersion
    from cyclonedx.validation.json import JsonStrictValidator

    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(bills[1].read_text()) is None


def test_both_name_the_program_every_archive_and_every_model(bills):
    spdx, cyclonedx = (json.loads(path.read_text()) for path in bills)
    program = hashlib.sha256((ROOT / "build/x86_64/ternd").read_bytes()).hexdigest()
    assert cyclonedx["metadata"]["component"]["hashes"][0]["content"] == program
    assert spdx["packages"][0]["checksums"][0]["checksumValue"] == program
    # The linker's map, read once more by other means: every archive outside the package has its package in both.
    archives = set(re.findall(r"([\w+.-]+\.a)\(", (ROOT / "build/x86_64/ternd.map").read_text(errors="replace")))
    listed = {name for part in cyclonedx["components"] for entry in part.get("properties", []) if entry["name"] == "tern:archives" for name in entry["value"].split(", ")}
    commented = {name for package in spdx["packages"] if "comment" in package for name in package["comment"].removeprefix("Archives: ").split(", ")}
    assert archives <= listed and archives <= commented, archives - listed
    assert {"libsodium.a", "libevent_core.a", "libc.a"} <= archives
    digests = {hashlib.sha256(path.read_bytes()).hexdigest() for path in MODELS}
    assert digests and digests == {part["hashes"][0]["content"] for part in cyclonedx["components"] if part["type"] == "machine-learning-model"}
    assert digests <= {package["checksums"][0]["checksumValue"] for package in spdx["packages"] if "checksums" in package}


def test_the_notices_have_the_licence_text_of_every_library(bills):
    text = (ROOT / "build/x86_64/NOTICES").read_text()
    for part in json.loads(bills[1].read_text())["components"]:
        if part["type"] == "library":
            assert f"\n{part['name']} {part['version']}: {part['licenses'][0]['expression']}\n" in text, part["name"]
    # A sentence of each text: its authors wrote it, and it is long enough to be of no other.
    for sentence in ("This software is based in part on the work of the Independent JPEG Group", "Communications and Remote Sensing Lab", "PNG Reference Library",
                     "Jean-loup Gailly", "Niels Provos", "Frank Denis", "libseccomp", "GNU LESSER GENERAL PUBLIC LICENSE", "GCC RUNTIME LIBRARY EXCEPTION",
                     "Runtime Library Exception to the Apache 2.0 License"):
        assert sentence.lower() in re.sub(r"\s+", " ", text).lower(), sentence


def test_an_archive_that_nobody_owns_is_an_error(tmp_path):
    import importlib.machinery
    import importlib.util

    loader = importlib.machinery.SourceFileLoader("sbom", str(ROOT / "Tools/sbom"))
    sbom = importlib.util.module_from_spec(importlib.util.spec_from_loader("sbom", loader))
    loader.exec_module(sbom)
    (tmp_path / "libstray.a").write_bytes(b"!<arch>\n")
    (tmp_path / "ternd.map").write_text(f"{tmp_path}/libstray.a(member.o)\n")
    with pytest.raises(sbom.Failure, match="libstray.a: no package"):
        sbom.components("x86_64", tmp_path / "ternd.map")


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    folder = tmp_path_factory.mktemp("man")
    subprocess.run([ROOT / "Tools/man", "--ternd", os.environ["TERND"], "--tern", os.environ["TERN"], "--out", folder], check=True, capture_output=True)
    return folder


@pytest.mark.parametrize("name", ["ternd", "tern"])
def test_a_manual_page_has_no_warnings_and_says_all_that_help_says(pages, name):
    done = subprocess.run(["groff", "-man", "-ww", "-K", "utf8", "-T", "utf8", pages / f"{name}.1"], capture_output=True, text=True)
    assert done.returncode == 0 and done.stderr == ""
    page = re.sub(r"\x1b\[[0-9;]*m|.\x08", "", done.stdout).replace("‐\n", "-").replace("−", "-").replace("‐", "-")
    program = os.environ[name.upper()]
    overview = subprocess.run([program, "--help"], capture_output=True, text=True, check=True).stdout
    verbs = re.findall(r"^ {2}([a-z]+)(?: \(default\))? {2,}", overview, re.M)
    assert len(verbs) >= 5
    for verb in verbs:
        text = subprocess.run([program, verb, "--help"], capture_output=True, text=True).stdout
        if usage := re.search(r"^usage:.*\n(?: +.*\n)*", text, re.M):
            for line in usage[0].splitlines():
                assert " ".join(line.removeprefix("usage:").split()) in " ".join(page.split()), f"{name} {verb}: {line}"
        for option in re.findall(r"^ {2,}(?:-\w, )?(--[a-z-]+)", text, re.M):
            assert option in ("--help", "--version") or option in page, f"{name} {verb}: {option}"


def test_the_threat_model_names_what_exists_for_every_row():
    text = (ROOT / "docs/threat-model.md").read_text()
    rows = [line for line in text.splitlines() if re.match(r"\| [STRIDE]\d", line)]
    assert {row[2] for row in rows} == set("STRIDE")
    for row in rows:
        shown = row.split("|")[-2]
        names = re.findall(r"`([^`]+)`", shown)
        assert names or shown.strip() == "-" and f"{row[2:4]}," in text.split("## What is left")[1], row
        for name in names:
            path = ROOT / name.split("::")[0]
            assert path.exists(), name
            if "::" in name:
                assert f"def {name.split('::')[1]}(" in path.read_text(), name


def codes_in(folder, pattern):
    return {code for path in (ROOT / "Sources" / folder).glob("*.swift") for code in re.findall(pattern, path.read_text())}


def rows_of(page):
    """The codes of a page's tables: what stands in backquotes in the first two cells of each row."""
    rows = [line.split("|")[1:3] for line in (ROOT / page).read_text().splitlines() if line.startswith("|")]
    return {code for row in rows for cell in row for code in re.findall(r"`([a-z_]+)`", cell)}


def test_every_event_has_a_row():
    noted = codes_in("TernService", r'\bnote\(\s*"([a-z_]+)"') | codes_in("ternd", r'\bnote\(\s*"([a-z_]+)"')
    assert {"disk_full", "no_progress", "audit_records_missing", "watch_stuck", "findings_removed", "model_refused"} <= noted
    assert noted <= rows_of("docs/operations.md"), noted - rows_of("docs/operations.md")


def test_every_code_of_a_problem_has_a_row():
    answered = codes_in("TernService", r'status: \d+,\s*code: "([a-z_]+)"')
    assert {"queue_full", "bad_review", "no_such_label", "findings_gone", "method_not_allowed"} <= answered
    # The last three are answers of the watched folder, which operations.md has.
    known = rows_of("docs/socket.md") | {"nifti_pair", "still_written", "unreadable_file"}
    assert answered <= known, answered - known
    assert all(f"`{code}`" in (ROOT / "docs/operations.md").read_text() for code in ("nifti_pair", "still_written", "unreadable_file"))


@pytest.mark.parametrize("page", sorted(path.relative_to(ROOT).as_posix() for folder in ("", "docs", "docs/adr", "Models") for path in (ROOT / folder).glob("*.md")))
def test_links_lead_somewhere(page):
    """Files, and headings inside them as the forge names them."""

    def anchors(text):
        text = re.sub(r"```.*?```", "", text, flags=re.S)
        return {re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-") for heading in re.findall(r"^#+ (.*)$", text, re.M)}

    text = re.sub(r"```.*?```", "", (ROOT / page).read_text(), flags=re.S)
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, anchor = target.partition("#")
        path = (ROOT / page).parent / name if name else ROOT / page
        assert path.exists(), f"{page}: {target}"
        if anchor and path.suffix == ".md":
            assert anchor in anchors(path.read_text()), f"{page}: {target}"
