"""The bundle of FHIR R4 as others read it: fhirclient (R4, strict) and fhir.resources (R4B, which these resources do not differ from)."""
import base64
import json
import re
import uuid
import xml.etree.ElementTree as tree

import pytest
from written_forms import HOSTILE, MODELS, SHIPPED, infer

CALLS = {("positive", "high"): "POS", ("positive", "medium"): "POS", ("positive", "review"): "POS", ("negative", "high"): "NEG",
         ("negative", "medium"): "NEG", ("negative", "review"): "IND", ("review", "review"): "IND"}
TEXTS = {"POS": "positive", "NEG": "negative", "IND": "review"}


def bundle(case):
    return json.loads(case.text("fhir"))


def resources(document, kind):
    return [entry["resource"] for entry in document["entry"] if entry["resource"]["resourceType"] == kind]


def component(observation, code):
    for part in observation["component"]:
        if part["code"]["coding"][0]["code"] == code:
            return next(value for key, value in part.items() if key.startswith(("value", "dataAbsent")))
    return None


def test_fhirclient_reads_every_bundle(cases):
    from fhirclient.models.bundle import Bundle

    for case in cases:
        document = bundle(case)
        read = Bundle(document, strict=True)
        assert read.as_json() == document, case.name


def test_fhir_resources_reads_every_bundle(cases):
    from fhir.resources.R4B.bundle import Bundle

    for case in cases:
        read = Bundle.model_validate_json(case.text("fhir"))
        kinds = [entry.resource.__resource_type__ for entry in read.entry]
        assert kinds[:2] == ["DiagnosticReport", "Device"] and set(kinds[2:]) <= {"Observation"}, case.name


def test_a_wrong_bundle_is_refused(cases):
    """The readers are no rubber stamps."""
    from fhir.resources.R4B.bundle import Bundle
    from fhirclient.models.bundle import Bundle as Client
    from fhirclient.models.fhirabstractbase import FHIRValidationError

    document = bundle(cases[0])
    for damage in (lambda report: report.pop("code"), lambda report: report.update(status=7), lambda report: report.update(findings=[])):
        broken = json.loads(json.dumps(document))
        damage(broken["entry"][0]["resource"])
        with pytest.raises(ValueError):
            Bundle.model_validate(broken)
        with pytest.raises(FHIRValidationError):
            Client(broken, strict=True)


def test_references_lead_to_entries(cases):
    for case in cases:
        document = bundle(case)
        addresses = [entry["fullUrl"] for entry in document["entry"]]
        assert len(set(addresses)) == len(addresses)
        for entry in document["entry"]:
            name = entry["fullUrl"].removeprefix("urn:uuid:")
            assert str(uuid.UUID(name)) == name == entry["resource"]["id"] and uuid.UUID(name).version == 8
            assert entry["request"] == {"method": "PUT", "url": f"{entry['resource']['resourceType']}/{name}"}
        found = re.findall(r'"reference":"([^"]*)"', case.text("fhir"))
        assert set(found) <= set(addresses), case.name


def test_observations_are_the_findings(cases):
    seen = set()
    for case in cases:
        document = bundle(case)
        report, = resources(document, "DiagnosticReport")
        told = [observation for observation in resources(document, "Observation") if observation["code"].get("text")]
        assert [observation["code"]["text"] for observation in told] == [finding["label"] for finding in case.result["findings"]], case.name
        assert len(report.get("result", [])) == len(resources(document, "Observation"))
        for observation, finding in zip(told, case.result["findings"]):
            assert observation["status"] == "preliminary"
            assert observation["valueQuantity"]["value"] == finding["score"]
            interpretation, = observation["interpretation"]
            code = interpretation["coding"][0]["code"]
            assert code == CALLS[finding["call"], finding["tier"]] and interpretation["text"] == TEXTS[code], case.name
            seen.add((finding["call"], finding["tier"], component(observation, "out-of-distribution"), finding["operatingPointConfirmed"]))
            if finding["threshold"] is None:
                assert "referenceRange" not in observation
            else:
                assert observation["referenceRange"][0]["high"]["value"] == finding["threshold"]
                assert finding["operatingPoint"] in observation["referenceRange"][0]["text"]
            if finding["code"]:
                assert observation["code"]["coding"][0]["code"] == finding["code"]["value"]
            assert component(observation, "tier")["coding"][0]["code"] == finding["tier"]
            assert component(observation, "calibrated") is finding["calibrated"]
            assert component(observation, "operating-point-confirmed") is finding["operatingPointConfirmed"]
            assert component(observation, "frame") == finding.get("frame")
    assert {pair[:2] for pair in seen} >= {("positive", "high"), ("negative", "high"), ("negative", "review"), ("review", "review")}
    assert {("review", "review", True, True), ("review", "review", False, False)} <= seen


def test_quality_is_an_observation(cases):
    measured = 0
    for case in cases:
        found = [observation for observation in resources(bundle(case), "Observation") if observation["code"].get("coding", [{}])[0].get("code") == "111101"]
        quality, distance = case.result["quality"], case.result["outOfDistribution"]
        assert len(found) == (quality["assessed"] or distance is not None), case.name
        if distance:
            assert component(found[0], "distance")["value"] == distance["score"]
        for name, value in quality.items() if quality["assessed"] else ():
            if name not in ("assessed", "width", "height", "channels", "bitsStored"):
                assert component(found[0], name)["value"] == value
                measured += 1
    assert measured


def test_the_report_is_never_final(cases):
    for case in cases:
        report, = resources(bundle(case), "DiagnosticReport")
        expected = "cancelled" if case.answer == "not_analysed" else "partial" if case.result["status"] == "partially_succeeded" else "preliminary"
        assert report["status"] == expected
        codes = [code["coding"][0]["code"] for code in report["conclusionCode"] if "coding" in code]
        assert codes[0] == case.answer
        assert "subject" not in report
        if case.result["answer"]["reason"]:
            assert codes[1] == case.result["answer"]["reason"]["value"]


def lasting(text):
    """The lines of a text without that of the time and the name of its run."""
    return [line for line in text.split("\n") if line and not line.startswith(("Read at: ", "分析时间："))]


def test_the_report_has_the_words(cases):
    for case in cases:
        report, = resources(bundle(case), "DiagnosticReport")
        forms = {form["language"]: base64.b64decode(form["data"], validate=True).decode() for form in report["presentedForm"]}
        assert list(forms) == ["en", "zh"]
        assert all(lasting(text) == lasting(case.text(language)) for language, text in forms.items()), case.name
        paragraphs = "\n".join("".join(part.itertext()) for part in tree.fromstring(report["text"]["div"]))
        assert lasting(paragraphs) == lasting(case.text("en")), case.name
        assert report["conclusion"] == " ".join(forms["en"].split("CONCLUSION\n")[1].split("\n\n")[0].split("\n"))


def test_hostile_names_stay_names(cases):
    case = next(case for case in cases if case.name.startswith("hostile"))
    told = [observation["code"]["text"] for observation in resources(bundle(case), "Observation") if observation["code"].get("text")]
    assert told[0] == HOSTILE
    tree.fromstring(resources(bundle(case), "DiagnosticReport")[0]["text"]["div"])


def test_places_are_extensions(cases):
    case = next(case for case in cases if case.name.startswith("maps"))
    observation = resources(bundle(case), "Observation")[0]
    members = observation["extension"][0]["extension"]
    plain = lambda parts: {part["url"]: next(value for key, value in part.items() if key.startswith("value")) for part in parts}
    told = [plain(part["extension"]) for part in members if part["url"] == "region"]
    assert told == case.result["findings"][0]["location"]["regions"]
    area, = [plain(part["extension"]) for part in members if part["url"] == "map"]
    values = [int(number) * area["values"]["factor"] for number in area["values"]["data"].split(" ")]
    assert len(values) == area["columns"] * area["rows"] and area["values"]["dimensions"] == area["columns"]
    assert area["width"] <= case.result["quality"]["width"] and max(values) > 0


def test_dicom_reports_refer_to_study_and_instance(cases):
    for case in cases:
        report, = resources(bundle(case), "DiagnosticReport")
        if case.name.endswith(".dcm"):
            assert report["imagingStudy"] == [{"type": "ImagingStudy", "identifier": {"system": "urn:dicom:uid", "value": "urn:oid:2.25.77"},
                                              "display": "DICOM instance 2.25.1234"}]
        else:
            assert "imagingStudy" not in report


def test_the_same_content_gives_the_same_identifiers(cases, tmp_path):
    name = SHIPPED[0]
    sample = sorted((MODELS / name / "samples").glob("*.png"))[0]
    model = MODELS / name / f"{name}.tern"
    first, again = (json.loads(infer(model, [sample], "fhir")[0]) for _ in range(2))
    strict, = infer(model, [sample], "fhir", "--operating-point", "sensitivity-first")
    names = lambda document: [entry["fullUrl"] for entry in document["entry"]]
    assert names(first) == names(again) == names(bundle(next(case for case in cases if case.name == f"{name}/{sample.name}")))
    # Another threshold is another report by the same device.
    assert [left == right for left, right in zip(names(first), names(json.loads(strict)))][:2] == [False, True]
