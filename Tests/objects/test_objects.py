"""What `ternd infer --outbox` writes, judged by programs that are not ours: dciodvfy, dsrdump, dcm2pnm, pydicom, highdicom."""

import json
import shutil
import subprocess
import warnings

import highdicom
import numpy as np
import pytest
from PIL import Image
from pydicom import dcmread
from pydicom.sr.codedict import codes

import object_images as images
from object_run import infer, ternd

ANALYSED = ["plain", "latin", "chinese", "unicode", "implicit", "cine", "deidentified", "negative", "undecided"]
REFUSED = {"dark": "TOO-DARK", "syntax": "DICOM-SYNTAX", "other": "MODALITY-OTHER"}
PRESENT, ABSENT, UNDETERMINED = ("SCT", "52101004"), ("SCT", "272519000"), ("SCT", "373068000")
NEEDS_HUMAN = ("99TERN", "NEEDS-HUMAN")


def coded(concept):
    return (concept.CodingSchemeDesignator, concept.CodeValue)


def presence(finding):
    """What CID 240 has for a finding: absent only where nobody has to look."""
    if finding["call"] == "positive":
        return PRESENT
    return ABSENT if finding["call"] == "negative" and finding["tier"] != "review" else UNDETERMINED


def evaluations(report):
    """The items of "Qualitative Evaluations": name to value, and the items below each."""
    for item in report.ContentSequence:
        if item.ConceptNameCodeSequence[0].CodeValue == "C0034375":
            return {part.ConceptNameCodeSequence[0].CodeValue: part for part in item.ContentSequence}
    raise AssertionError("no evaluations")


def value(item):
    return item.ConceptCodeSequence[0].CodeValue


def below(item, code):
    return [part for part in item.get("ContentSequence", []) if part.ConceptNameCodeSequence[0].CodeValue == code]


@pytest.mark.parametrize("name", [*ANALYSED, *REFUSED])
def test_validators_find_no_error(run, name):
    files = run.made[name].files
    for suffix in ["sr.dcm"] + (["sc.dcm"] if name not in ("syntax", "other") else []):
        done = subprocess.run(["dciodvfy", files[suffix]], capture_output=True, text=True, errors="replace")
        assert "Error" not in done.stderr + done.stdout and ("Comprehensive3DSR" if suffix == "sr.dcm" else "SCImage") in done.stderr + done.stdout
    done = subprocess.run(["dsrdump", "--print-template-id", files["sr.dcm"]], capture_output=True, text=True, errors="replace")
    assert done.returncode == 0 and "E: " not in done.stderr and "TID 1500 (DCMR)" in done.stdout
    assert "Verification Flag   : UNVERIFIED" in done.stdout


@pytest.mark.parametrize("name", ANALYSED)
def test_another_reader_finds_the_same_findings(run, name):
    made = run.made[name]
    result = made.result
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        report = highdicom.sr.srread(made.files["sr.dcm"])
    assert isinstance(report, highdicom.sr.Comprehensive3DSR)
    source = dcmread(run.paths[name], stop_before_pixels=True)
    content = report.content
    groups = all_groups = content.get_image_measurement_groups()
    if name != "cine":  # whose frames are measured one by one
        quality, *groups = groups
        assert quality.finding_type == codes.DCM.ImageQuality
        measures = {item.name.meaning: item.value for item in quality.get_measurements()}
        assert measures == {key: pytest.approx(result["quality"][key], rel=1e-6) for key in measures} and len(measures) == 6
    assert [group.tracking_identifier for group in groups] == [finding["label"] for finding in result["findings"]]
    regions = content.get_planar_roi_measurement_groups()
    assert len({group.tracking_uid for group in [*all_groups, *regions]}) == len(all_groups) + len(regions)
    for group, finding in zip(groups, result["findings"], strict=True):
        label, expected = (finding["code"]["scheme"], finding["code"]["value"]), presence(finding)
        # A label that was not found is no Finding: who knows no codes of ours takes it for one.
        assert (group.finding_type and coded(group.finding_type)) == (label if expected == PRESENT else None)
        assert [coded(item.value) for item in group.get_qualitative_evaluations() if coded(item.name) == label] == [expected]
        numbers = {item.name.value: (item.value, item.unit.value) for item in group.get_measurements()}
        assert numbers["SCORE"] == (finding["score"], "1") and numbers["THRESHOLD"] == (finding["threshold"], "1")
        assert numbers.get("111012") == ((pytest.approx(100 * finding["score"], rel=1e-6), "%") if expected == PRESENT else None)
        assert {coded(item.value) for item in group.get_qualitative_evaluations() if item.name.value == "CALL"} == {
            NEEDS_HUMAN if expected == UNDETERMINED else expected}
        image, = group.source_images
        assert image.referenced_sop_instance_uid == source.SOPInstanceUID and image.referenced_sop_class_uid == source.SOPClassUID
        assert (image.referenced_frame_numbers or [None])[0] == finding.get("frame")
    found = [(finding, box) for finding in result["findings"] if finding["call"] != "negative" for box in finding["location"]["regions"]]
    assert len(regions) == len(found) and (found or name in ("negative", "undecided"))
    for group, (finding, box) in zip(regions, found, strict=True):
        label = (finding["code"]["scheme"], finding["code"]["value"])
        assert (group.finding_type and coded(group.finding_type)) == (label if finding["call"] == "positive" else None)
        assert [coded(item.value) for item in group.get_qualitative_evaluations() if coded(item.name) == label] == [presence(finding)]
        left, top, right, bottom = box["x"], box["y"], box["x"] + box["width"], box["y"] + box["height"]
        assert group.roi.value.tolist() == [[left, top], [right, top], [right, bottom], [left, bottom], [left, top]]
        share, = group.get_measurements()
        assert share.value == round(100 * box["share"], 1)
    observer, = content.get_observer_contexts()
    assert observer.observer_type == codes.DCM.Device


def test_the_images_have_a_label_of_every_kind(run):
    kinds = {"plain": PRESENT, "negative": ABSENT, "undecided": UNDETERMINED}
    assert {name: presence(run.made[name].result["findings"][0]) for name in kinds} == kinds


def test_algorithm_and_equipment_are_identified(run):
    plain, cine = (dcmread(run.made[name].files["sr.dcm"]) for name in ("plain", "cine"))
    model = run.made["plain"].result["model"]
    equipment = plain.ContributingEquipmentSequence[0]
    assert equipment.ManufacturerModelName == model["name"] and equipment.SoftwareVersions == model["version"]
    # It names the model's file, not the image.
    assert equipment.DeviceUID == cine.ContributingEquipmentSequence[0].DeviceUID and equipment.DeviceUID.startswith("2.25.")
    status = evaluations(plain)["111065"]
    texts = {item.ConceptNameCodeSequence[0].CodeValue: item.TextValue for item in status.ContentSequence if item.ValueType == "TEXT"}
    assert (texts["111001"], texts["111003"]) == (model["name"], model["version"])
    assert value(below(status, "111000")[0]) == "123110"
    assert plain.file_meta.ImplementationVersionName == "TERN"


@pytest.mark.parametrize("name", ANALYSED)
def test_patient_and_study_are_those_of_the_image(run, name):
    source = dcmread(run.paths[name], stop_before_pixels=True)
    for suffix in ("sr.dcm", "sc.dcm"):
        made = dcmread(run.made[name].files[suffix])
        for keyword in ("PatientName", "PatientID", "PatientBirthDate", "PatientSex", "PatientAge", "StudyInstanceUID", "StudyDate", "StudyTime", "StudyID",
                        "ReferringPhysicianName", "StudyDescription"):
            assert made.get(keyword, "") == source.get(keyword, ""), keyword
        assert made.get("AccessionNumber", "") == source.get("AccessionNumber", "")
        assert made.get("SpecificCharacterSet") == source.get("SpecificCharacterSet", "ISO_IR 192")
        assert made.SeriesInstanceUID != source.SeriesInstanceUID and made.SOPInstanceUID.startswith("2.25.")
        assert (made.ContentDate, made.ContentTime) == (source.get("StudyDate", "19000101"), source.get("StudyTime", "000000"))
    evidence = dcmread(run.made[name].files["sr.dcm"]).CurrentRequestedProcedureEvidenceSequence[0]
    series = evidence.ReferencedSeriesSequence[0]
    assert (evidence.StudyInstanceUID, series.SeriesInstanceUID, series.ReferencedSOPSequence[0].ReferencedSOPInstanceUID) == (
        source.StudyInstanceUID, source.SeriesInstanceUID, source.SOPInstanceUID)


@pytest.mark.parametrize("name", REFUSED)
def test_a_refusal_is_coded_and_finds_nothing(run, name):
    made = run.made[name]
    report = dcmread(made.files["sr.dcm"])
    assert made.result["reason"]["value"] == REFUSED[name] and report.CompletionFlag == "PARTIAL"
    said = evaluations(report)
    assert value(said["111065"]) == "111224" and value(below(said["111065"], "REASON")[0]) == REFUSED[name]
    assert value(said["ANSWER"]) == "NOT-ANALYSED" and value(said["111017"]) == "111245"
    groups = highdicom.sr.srread(made.files["sr.dcm"]).content.get_image_measurement_groups()
    # The picture that was too dark was measured before.
    assert [group.tracking_identifier for group in groups] == (["image quality"] if name == "dark" else [])
    if name == "dark":
        found = {item.name.value: item.value.value for item in groups[0].get_qualitative_evaluations()}
        assert found["111050"] == "111236" and found["111052"] == "TOO-DARK"


def test_the_capture_shows_the_picture_and_says_what_it_is(run, tmp_path):
    path = run.made["dark"].files["sc.dcm"]
    subprocess.run(["dcm2pnm", "--write-raw-pnm", path, tmp_path / "shown.ppm"], check=True)
    shown = np.asarray(Image.open(tmp_path / "shown.ppm"))
    made = dcmread(path)
    assert shown.shape == (made.Rows, made.Columns, 3) and made.Columns == 448 and made.Rows > 448
    assert (shown == made.pixel_array).all()
    picture = dcmread(run.paths["dark"]).pixel_array.repeat(2, axis=0).repeat(2, axis=1)
    assert (shown[:448] == picture[:, :, None]).all()
    # White letters below it, on black.
    assert set(np.unique(shown[448:])) == {0, 255}
    source = made.SourceImageSequence[0]
    assert source.ReferencedSOPInstanceUID == dcmread(run.paths["dark"], stop_before_pixels=True).SOPInstanceUID
    assert made.BodyPartExamined == "CHEST" and "Laterality" not in made
    assert made.ImageType == ["DERIVED", "SECONDARY"] and "verified" in made.SeriesDescription


def test_other_files_become_no_object_and_it_is_said(run):
    for name in ("png", "unnamed"):
        assert set(run.made[name].files) == {"json", "fhir.json", "hl7", "en.txt", "zh.txt"}
    assert run.said.count("no object of DICOM is written") == 2


def test_the_line_is_the_line_of_standard_output(run):
    for made in run.made.values():
        assert json.loads(made.files["json"].read_bytes()) == made.result


def test_writing_again_gives_the_same_objects(run, tmp_path):
    again = tmp_path / "again"
    made, _ = infer(again, "sr,sc", *(run.paths[name] for name in ("cine", "plain", "dark")))
    for name, other in zip(("cine", "plain", "dark"), made, strict=True):
        assert set(other.files) == {"sr.dcm", "sc.dcm"}
        for suffix, path in other.files.items():
            assert path.read_bytes() == run.made[name].files[suffix].read_bytes() and path.name == run.made[name].files[suffix].name


def test_what_tells_of_patients_is_for_owner_and_group(run, tmp_path):
    """Whatever the mask allows: it takes nothing here."""
    folders = {"outbox": tmp_path / "outbox", "maps": tmp_path / "maps"}
    subprocess.run(
        [ternd(), "infer", "--model", images.MODEL, "--trust", images.KEY, "--outbox", folders["outbox"], "--outbox-forms", "sr,sc,json,fhir,hl7,txt",
         "--maps", folders["maps"], run.paths["plain"]], check=True, capture_output=True, umask=0)
    for folder in folders.values():
        assert (folder.stat().st_mode & 0o777) == 0o750
        modes = {path.name: path.stat().st_mode & 0o777 for path in folder.iterdir()}
        assert set(modes.values()) == {0o640} and len(modes) >= 2, modes


def test_another_threshold_is_another_object(run, tmp_path):
    folder = tmp_path / "other"
    subprocess.run(
        [ternd(), "infer", "--model", images.MODEL, "--trust", images.KEY, "--operating-point", "sensitivity-first", "--outbox", folder, "--outbox-forms", "sr",
         run.paths["plain"]], check=True, capture_output=True)
    path, = folder.iterdir()
    standard = run.made["plain"].files["sr.dcm"]
    assert path.name != standard.name and dcmread(path).SOPInstanceUID != dcmread(standard).SOPInstanceUID


def test_what_a_killed_process_left_goes(tmp_path):
    (tmp_path / "0123456789abcdef-01234567.sr.dcm.77.0.tmp").write_bytes(b"half")
    (tmp_path / "mine.tmp").write_bytes(b"mine")
    infer(tmp_path, "json", images.SAMPLE, code=0)
    assert sorted(path.suffix for path in tmp_path.iterdir()) == [".json", ".tmp"] and (tmp_path / "mine.tmp").exists()


@pytest.mark.parametrize("options,said", [
    (["--outbox", "x", "--outbox-forms", "sr,pdf"], "is a list"), (["--outbox-forms", "sr"], "needs --outbox"), (["--outbox", "missing/x"], "outbox"),
])
def test_options_that_cannot_be_are_refused(tmp_path, options, said):
    done = subprocess.run(
        [ternd(), "infer", "--model", images.MODEL, "--trust", images.KEY, *options, images.SAMPLE], capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode in (64, 66) and said in done.stderr and done.stdout == ""


def test_a_full_disk_ends_the_run(tmp_path):
    if not shutil.which("prlimit"):
        pytest.skip("needs prlimit")
    done = subprocess.run(
        ["prlimit", "--fsize=64", ternd(), "infer", "--model", images.MODEL, "--trust", images.KEY, "--outbox", tmp_path / "x", "--outbox-forms", "json",
         images.SAMPLE], capture_output=True, text=True)
    assert done.returncode == 74 and "outbox: file too large" in done.stderr and list((tmp_path / "x").iterdir()) == []
