"""What docs/report-words.md and docs/fhir-hl7.md show is what the program does."""
import json
import re
import subprocess
import sys

from written_forms import ROOT


def test_the_examples_are_the_programs():
    done = subprocess.run([sys.executable, ROOT / "Tools/report-examples", "--check"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_the_functions_add_a_patient(cases):
    from fhirclient.models.bundle import Bundle
    from hl7apy.parser import parse_message

    code, = re.findall(r"```python\n(.*?)```", (ROOT / "docs/fhir-hl7.md").read_text(), re.S)
    functions = {}
    exec(code, functions)
    case = next(case for case in cases if case.answer == "finding")
    named = json.loads(functions["bundle_with_subject"](case.text("fhir"), {"reference": "Patient/4711"}))
    Bundle(named, strict=True)
    assert [entry["resource"].get("subject") is not None for entry in named["entry"]][:3] == [True, False, True]
    message = functions["message_with_patient"](case.text("hl7"), "PID|1||4711^^^CLINIC^MR||DOE^JANE")
    read = parse_message(message)
    assert read.validate() and read.msh.msh_11.to_er7() == "P"
    assert read.oru_r01_patient_result.oru_r01_patient.pid.pid_3.to_er7() == "4711^^^CLINIC^MR"


def test_the_page_names_every_structure():
    """The table of the page against the one in the program."""
    page = (ROOT / "docs/report-words.md").read_text()
    rows = re.findall(r"^    (\w+)\|([\w-]+)\|([^|\n]+)\|([^|\n]+)$", (ROOT / "Sources/TernWords/RegionWords.swift").read_text(), re.M)
    assert len(rows) == 21
    regions = {}
    for region, key, _english, chinese in rows:
        if key != "title":
            regions.setdefault(region, []).append((chinese.split("（")[0], key))
    for region, structures in regions.items():
        line = re.search(rf"^\| `{region}` \| (.*) \|$", page, re.M)[1]
        assert re.findall(r"([\u4e00-\u9fff]+) \(`([\w-]+)`\)", line) == structures


def test_every_reason_has_chinese_words():
    """Each reason that the device can give is in the table of TernWords."""
    table = set(re.findall(r"^    ([A-Z0-9-]+)\|[qmfs]\|", (ROOT / "Sources/TernWords/ReasonWords.swift").read_text(), re.M))
    given = set()
    for folder in ("TernPrepare", "TernQuality", "TernFindings", "TernService", "ternd"):
        for path in (ROOT / "Sources" / folder).glob("*.swift"):
            text = path.read_text()
            given |= set(re.findall(r'\(\s*\.\w+,\s*"([A-Z0-9]+(?:-[A-Z0-9]+)*)",\s*[\w"]', text))  # rows of PrepareError
            given |= set(re.findall(r'ReadFailure\(\d+, "\w+", "([A-Z-]+)"', text)) | set(re.findall(r'self\.init\(\d+, "\w+", "([A-Z-]+)"', text))
            given |= set(re.findall(r'value: "([A-Z-]+)", meaning', text)) | set(re.findall(r'^    case \w+ = "([A-Z-]+)"$', text, re.M))
            given |= set(re.findall(r'^\s*case \.\w+: "([A-Z]+(?:-[A-Z]+)*)"$', text, re.M))
    assert len(given) > 60
    assert given - table == set()
