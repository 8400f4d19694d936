"""The message ORU^R01 as others read it: hl7apy, strict, and a plain splitter of our own that knows the escape rules only."""
import re

import pytest
from written_forms import HOSTILE

# What is said in OBX-8 and as the call, by call and tier.
CALLS = {("positive", "high"): ("A", "positive"), ("positive", "medium"): ("A", "positive"), ("positive", "review"): ("A", "positive"),
         ("negative", "high"): ("", "negative"), ("negative", "medium"): ("", "negative"), ("negative", "review"): ("IND", "review"),
         ("review", "review"): ("IND", "review")}
ESCAPES = {"F": "|", "S": "^", "T": "&", "R": "~", "E": "\\", ".br": "\n"}


def plain(text):
    """A field's text: escape sequences undone."""
    return re.sub(r"\\([^\\]*)\\", lambda match: ESCAPES[match[1]], text)


def segments(case):
    """Segments as lists of fields, numbered as in the standard."""
    text = case.text("hl7")
    assert text.endswith("\r") and "\n" not in text
    found = [line.split("|") for line in text[:-1].split("\r")]
    found[0].insert(1, "|")
    return found


def observations(case):
    return [segment + [""] * (20 - len(segment)) for segment in segments(case) if segment[0] == "OBX"]


def test_hl7apy_reads_every_message(cases):
    """hl7apy 1.3.5 takes OBX-5 for a text of 199 characters at most whatever OBX-2 says: read strictly it gets the first words of each formatted text,
    read as it is meant to be used with long ones it gets all."""
    from hl7apy.consts import VALIDATION_LEVEL
    from hl7apy.parser import parse_message

    # One of each kind: it takes its time.
    kinds = {(case.answer, case.result["status"], case.name.split("/")[-1].split(".")[-1], case.name.startswith("hostile")): case for case in cases}
    assert len(kinds) >= 6
    for case in kinds.values():
        text = case.text("hl7")
        short = re.sub(r"(\|FT\|[^|]*\|\|)([^|]*)", lambda match: match[1] + match[2].split("\\.br\\")[0][:120].rsplit(" ", 1)[0], text)
        message = parse_message(short, validation_level=VALIDATION_LEVEL.STRICT)
        assert message.validate() and message.to_er7() == short.rstrip("\r"), case.name
        message = parse_message(text)
        # It knows no \.br\ and escapes its escape signs when it writes.
        assert message.validate() and message.to_er7().replace("\\E\\.br\\E\\", "\\.br\\") == text.rstrip("\r"), case.name
        assert message.msh.msh_9.to_er7() == "ORU^R01^ORU_R01" and message.msh.msh_12.to_er7() == "2.5.1"
        group = message.oru_r01_patient_result.oru_r01_order_observation
        assert len(group.oru_r01_observation) == len(observations(case))


def test_a_wrong_message_is_refused(cases):
    from hl7apy.consts import VALIDATION_LEVEL
    from hl7apy.exceptions import HL7apyException
    from hl7apy.parser import parse_message

    text = cases[0].text("hl7")
    for broken in (text.replace("OBR|1|", "OBZ|1|"), re.sub(r"OBR\|.*?\r", "", text), text.replace("|2.5.1|", "|9.9|"), text.replace("|NM|", "|QQ|")):
        assert broken != text
        with pytest.raises(HL7apyException):
            parse_message(broken, validation_level=VALIDATION_LEVEL.STRICT).validate()


def test_observations_are_the_findings(cases):
    seen = set()
    for case in cases:
        told = observations(case)
        assert [segment[1] for segment in told] == [str(index + 1) for index in range(len(told))]
        named = {segment[3].split("^")[0]: segment for segment in told if not segment[4]}
        assert named["answer"][5].split("^")[0] == case.answer
        assert ("reason" in named) == (case.result["answer"]["reason"] is not None)
        for group, finding in enumerate(case.result["findings"], 1):
            mine = [segment for segment in told if segment[4] == str(group)]
            score = mine[0]
            code = [plain(part) for part in score[3].split("^")]
            assert code[-3:] == [finding["label"], finding["label"], "99TERN"]
            if finding["code"]:
                assert code[:3] == [finding["code"]["value"], finding["code"]["meaning"], finding["code"]["scheme"]]
            assert float(score[5]) == finding["score"] and score[2] == "NM" and score[11] == "P"
            assert score[7] == ("" if finding["threshold"] is None else f"<{finding['threshold']}")
            flag, call = CALLS[finding["call"], finding["tier"]]
            assert score[8] == flag, case.name
            seen.add((finding["call"], finding["tier"]))
            values = {segment[3].split("^")[0]: segment[5] for segment in mine[1:]}
            assert values["call"] == f"{call}^{call}^99TERN" and values["tier"].split("^")[0] == finding["tier"]
            assert values.get("frame", "") == str(finding.get("frame", ""))
        assert not any(segment[4] == str(len(case.result["findings"]) + 1) for segment in told)
    assert seen >= {("positive", "high"), ("negative", "high"), ("negative", "review"), ("review", "review")}


def test_places_are_number_arrays(cases):
    case = next(case for case in cases if case.name.startswith("maps"))
    told = [segment[5] for segment in observations(case) if segment[2] == "NA"]
    regions = case.result["findings"][0]["location"]["regions"]
    assert told == ["^".join(str(region[name]) for name in ("x", "y", "width", "height", "share")) for region in regions]


def test_the_header_says_what_it_is(cases):
    for case in cases:
        header, request = segments(case)[:2]
        assert header[2] == "^~\\&" and header[11] == "T" and header[18] == "UNICODE UTF-8"
        assert re.fullmatch(r"[0-9a-f]{20}", header[10]) and re.fullmatch(r"\d{14}\+0000", header[7])
        assert header[7] == request[22]
        assert request[0] == "OBR" and request[3] == case.result["id"] + "^TERN"
        expected = "X" if case.answer == "not_analysed" else "A" if case.result["status"] == "partially_succeeded" else "P"
        assert request[25] == expected
        assert not any(segment[0] == "PID" for segment in segments(case))


def test_the_words_are_in_it(cases):
    headings = ["121065", "121071", "121077", "121075"]
    for case in cases:
        words = {segment[3].split("^")[0]: plain(segment[5]) for segment in observations(case) if segment[2] == "FT"}
        assert list(words) == headings
        body = "\n".join(words.values())
        for line in case.text("en").split("\n")[2:]:
            if line and not line.isupper() and not line.startswith("Read at"):
                assert line in body, (case.name, line)


def test_hostile_names_stay_names(cases):
    case = next(case for case in cases if case.name.startswith("hostile"))
    score = next(segment for segment in observations(case) if segment[4] == "1")
    assert [plain(part) for part in score[3].split("^")][3] == HOSTILE


def test_identifiers_of_dicom(cases):
    case = next(case for case in cases if case.name == "measured/one.dcm")
    named = {segment[3]: segment[5] for segment in observations(case)}
    assert named["110180^Study Instance UID^DCM"] == "2.25.77" and named["112002^Series Instance UID^DCM"] == "2.25.78"
    assert named["sop-instance-uid^SOP Instance UID^99TERN"] == "2.25.1234"
    assert named["input-digest^SHA-256 of the file^99TERN"] == case.result["input"]["sha256"]
