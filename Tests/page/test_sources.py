"""The page's source: what can be seen without a browser."""

import re

import assemble
import samples

PAGE = assemble.SOURCES / "page"
# Codes of problems and of places that no result carries.
NOT_REASONS = re.compile(r"^(R-1|R-4|F-\d|N-\d|BLAKE|SHA|TERN-)")


def table(name, text):
    return re.search(rf"const {name} = {{\n(.*?)\n}};", text, re.S)[1]


def test_the_hash_is_that_of_the_script():
    assert (PAGE / "script.sha256").read_text() == assemble.script_hash(), "run Tests/page/assemble.py --write-hash"


def test_every_file_is_part_of_the_page():
    assert {path for part in assemble.parts() for path in part} == set(PAGE.iterdir())


def test_every_sentence_is_there_in_both_languages():
    entries = re.findall(r"^  (\w+): \[(\".*?\"), (\".*?\")\],$", table("sentences", (PAGE / "words.js").read_text()), re.M)
    assert len(entries) == table("sentences", (PAGE / "words.js").read_text()).count(": [")
    for key, english, chinese in entries:
        assert sorted(re.findall(r"\{\d\}", english)) == sorted(re.findall(r"\{\d\}", chinese)), key
        assert key == "sha256" or re.search("[\u4e00-\u9fff、，。：{]", chinese), key
    known = {key for key, _, _ in entries}
    script = "".join(path.read_text() for path in PAGE.glob("*.js"))
    used = set(re.findall(r"\bsay\(\"(\w+)\"", script))
    assert used <= known, used - known
    built = re.findall(r"say\(`(\w*)\$\{", script)
    unused = {key for key in known if f'"{key}"' not in script and not any(key.startswith(prefix) and prefix for prefix in built)}
    # Named by a variable: the answers, and the hints of decisions.
    assert {key for key in unused if key not in ("finding", "needs_review", "not_analysed", "no_finding") and not key.endswith(("_count", "_hint"))} == set()


def test_every_coded_reason_is_in_plain_words():
    reasons = (PAGE / "reasons.js").read_text()
    known = set(re.findall(r'^  "([A-Z0-9-]+)": \[', reasons, re.M))
    families = [re.compile(pattern) for pattern in re.findall(r"^  \[/(.*?)/, \[", reasons, re.M)]
    codes = set()
    for module in ("TernQuality", "TernPrepare", "TernFindings", "ternd", "TernService"):
        for path in (samples.ROOT / "Sources" / module).glob("*.swift"):
            codes |= set(re.findall(r'"([A-Z][A-Z0-9]*(?:-[A-Z0-9]+)+|CONSTANT|SATURATED|BLURRED|LOSSY|EMPTY)"', path.read_text()))
    codes = {code for code in codes if not NOT_REASONS.match(code)}
    assert len(codes) > 50
    assert {code for code in codes if code not in known and not any(family.search(code) for family in families)} == set()
    for english, chinese, kind in re.findall(r': \["(.*?)", "(.*?)", "(\w+)"\]', reasons):
        assert not english.endswith(".") and english[0].islower() | english.startswith(("ANALYZE", "DICOM")), english
        assert re.search("[\u4e00-\u9fff]", chinese) and f"  {kind}: [" in reasons
