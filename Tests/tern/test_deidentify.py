"""`tern deidentify`: nothing in the header that tells who a patient is survives, and its options do what they say."""
import datetime
import importlib
import io
import json
import re
import stat
from pathlib import Path

import pydicom
import pytest
from pydicom.datadict import DicomDictionary
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.tag import Tag
from pydicom.uid import DeflatedExplicitVRLittleEndian, ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian

from deidentified import CT, MARK, NEEDS_TERN, grey, key, lenient, one, picture, tern, written  # noqa: F401

pytestmark = NEEDS_TERN


# What a value of each representation looks like that carries a mark.
TEXT = {"AE", "LO", "LT", "PN", "SH", "ST", "UC", "UT", "UR", "CS", "AS", "DA", "TM", "DT", "IS", "DS"}


def mark(tag: int, representation: str) -> str:
    return f"{MARK}{tag:08X}" if representation != "PN" else f"{MARK}{tag:08X}^{MARK}"


# Bytes that are numbers and stay: lookup tables, surfaces, waveforms, spectra. Identifiers of classes and coding schemes stay as well.
NUMBERS = re.compile("002812|00281408|00283006|0066|006A0011|0070(1808)|003A032E|0064|0080001|54001|540001|5600|00221531|00181638|300A066")
CLASSES = {0x00080016, 0x0008001A, 0x0008001B, 0x00080062, 0x0008010C, 0x0008010D, 0x00080117, 0x00080118, 0x00081150, 0x0008115A}

# The sequence that each level lies in, from the innermost: kept, replaced by dummies, references, kept, of codes.
NESTING = [None, 0x00082218, 0x0040A730, 0x00081140, 0x00081250, 0x00400260]


def marked(depth: int) -> Dataset:
    """Every attribute of the dictionary, filled; sequences hold items of the same down to `depth`."""
    dataset = Dataset()
    for tag, (representation, *_) in DicomDictionary.items():
        group = tag >> 16
        if group < 8 or group >= 0xFFF0 or group == 0x7FE0 or group % 2 or tag == 0x00080005:
            continue
        if representation in TEXT:
            value = mark(tag, representation).encode()
            value += b" " * (len(value) % 2)
            dataset[tag] = RawDataElement(Tag(tag), representation, len(value), value, 0, False, True)
        elif representation == "UI" and tag not in CLASSES:
            dataset.add_new(tag, "UI", f"1.9.8765.4321.{tag}")
        elif representation in ("OB", "UN", "OW", "OB or OW") and not NUMBERS.match(f"{tag:08X}"):
            dataset.add_new(tag, "OB", mark(tag, "OB").ljust(12).encode())
        elif tag == NESTING[depth]:
            dataset.add_new(tag, "SQ", Sequence([marked(depth - 1)]))
    private = dataset.private_block(0x0009, MARK + "CREATOR", create=True)
    private.add_new(0x01, "LO", MARK + "PRIVATELO")
    private.add_new(0x02, "UN", (MARK + "PRIVATEUN").encode())
    inner = Dataset()
    inner.PatientName = MARK + "PRIVATESQ"
    private.add_new(0x03, "SQ", Sequence([inner]))
    # Standard and unknown attributes that a system passed on without knowing them, overlays and curves, an attribute that nobody knows.
    for tag, text in [(0x00104000, "UNKNOWN "), (0x00280030, "SPACING "), (0x00280106, "SMALLEST ")]:
        dataset[tag] = RawDataElement(Tag(tag), "UN", len(MARK + text), (MARK + text).encode(), 0, False, True)
    dataset.add_new(0x60003000, "OW", (MARK + "OVERLAYS").encode())
    dataset.add_new(0x60004000, "LT", MARK + "OVERLAY COMMENT")
    dataset.add_new(0x60000022, "LO", MARK + "OVERLAY")
    dataset.add_new(0x50003000, "OW", (MARK + "CURVE").encode())
    dataset.add_new(0x00187FFE, "LO", MARK + "NOBODY KNOWS")
    dataset.add_new(0xFFFCFFFC, "OB", (MARK + "PADDING").encode())
    return dataset


def survivors(data: bytes) -> set[str]:
    """Every mark that the bytes hold, in any of the encodings that text could have, also inside what can be unpacked."""
    found = set()
    for text in (data.decode("latin-1"), data.decode("utf-16-le", "replace"), data[1:].decode("utf-16-le", "replace"),
                 data.decode("utf-16-be", "replace"), data[1:].decode("utf-16-be", "replace")):
        found |= {match[0] for match in re.finditer(f"{MARK}[ -~]{{0,9}}", text, re.I)}
    found |= {match[0].decode() for match in re.finditer(rb"1\.9\.8765\.4321[.0-9]*", data)}
    return found


@pytest.mark.parametrize("syntax", [ImplicitVRLittleEndian, ExplicitVRLittleEndian, ExplicitVRBigEndian, DeflatedExplicitVRLittleEndian])
@pytest.mark.parametrize("options", [[], ["--remove-device"], ["--remove-device", "--remove-dates", "--keep-pixels"]])
def test_no_mark_survives(tmp_path: Path, key: Path, syntax: str, options: list[str]) -> None:
    dataset = picture(marked(depth=5), grey())
    dataset.Modality = "CT"
    # Behind the pixels of the last frame, inside Pixel Data.
    if syntax == ExplicitVRBigEndian:
        dataset.PixelData = grey().byteswap().tobytes()
    dataset.PixelData += (MARK + "BEHIND PIXELS ").encode()
    data = written(dataset, syntax, preamble=(MARK + "PREAMBLE").encode().ljust(128, b"\0"))
    assert len(survivors(data)) > 1_000 or syntax == DeflatedExplicitVRLittleEndian
    if syntax != DeflatedExplicitVRLittleEndian:
        data += (MARK + "BEHIND THE DATA SET").encode()
    output, report = one(tmp_path, data, key, *options)
    left = survivors(output)
    if "--remove-device" in options:
        assert left == set()
    else:
        rows = [line.split("\t") for line in tern("--show-actions").stdout.splitlines()]
        device = {row[0] for row in rows if row[3] == "K"} | {"00080070", "00081090", "00181016", "00181018", "00181019", "00181020"}
        assert {word.upper()[3:11] if word[:3].upper() == MARK.upper() else f"{int(word.split('.')[-1]):08X}" for word in left} <= device
    read = pydicom.dcmread(io.BytesIO(output))
    assert all(element.tag.group % 2 == 0 for element in read.iterall())
    assert (read.pixel_array == grey()[0]).all()
    assert read.PatientIdentityRemoved == "YES" and read.preamble == bytes(128)
    assert report["actions"]["removed"] > 200 and report["actions"]["removedPrivate"] > 2
    # Five levels down nothing but what the rules leave.
    item = read
    for tag in reversed(NESTING[1:]):
        item = item[tag][0]
    assert item.SOPInstanceUID.startswith("2.25.") and item.CodeMeaning == "REMOVED"


def test_values_that_are_kept_by_form_carry_no_text(tmp_path: Path, key: Path) -> None:
    """Marks that are legal where they stand: letters and blanks in code strings, digits in identifiers, bytes in numbers."""
    dataset = Dataset()
    for tag, (representation, *_) in DicomDictionary.items():
        group = tag >> 16
        if group < 8 or group >= 0xFFF0 or group == 0x7FE0 or group % 2 or tag in (0x00080005, 0x00080016, 0x00080018, 0x00080060):
            continue
        value = {"CS": b"QZX DOE JOHN", "UI": b"1.2.840.10008.424242.19700101\0", "FD": b"DOEJOHN1QZX DOES", "AT": b"DOE^JOHNQZX DOE^", "AS": b"QZX1",
                 "DS": b"555-1234", "IS": b"555-1234", "DA": b"QZXDOEJO", "TM": b"QZXDOE", "DT": b"QZXDOEJOHN"}.get(representation)
        if value is None:
            continue
        if representation == "FD" or representation == "AT":
            value = value[:8] if representation == "FD" else value[:4]
        dataset[tag] = RawDataElement(Tag(tag), representation, len(value), value, 0, False, True)
    dataset = picture(dataset, grey())
    dataset.ImageType = ["ORIGINAL", "PRIMARY", "DOE JOHN"]
    dataset.StudyInstanceUID = "1.2.840.10008.19700101.123456789"
    reference = Dataset()
    reference.ReferencedSOPClassUID, reference.ReferencedSOPInstanceUID = "1.19700101.424242", "1.2.3"
    dataset.ReferencedImageSequence = Sequence([reference])
    data = written(dataset)
    assert data.count(b"JOHN") > 1_000
    output, report = one(tmp_path, data, key, "--remove-device")
    for text in (b"JOHN", b"QZX", b"DOE", b"424242", b"19700101", b"555-12"):
        assert text not in output, text
    read = pydicom.dcmread(io.BytesIO(output))
    assert list(read.ImageType) == ["ORIGINAL", "PRIMARY", "REMOVED"] and read.BodyPartExamined == "REMOVED"
    assert read.StudyInstanceUID.startswith("2.25.") and report["actions"]["unknownTerms"] > 500


def test_the_table_is_that_of_the_standard() -> None:
    """Against an extract of PS3.15 table E.1-1 that is not ours."""
    other = importlib.import_module("dicomanonymizer.dicom_anonymization_databases.dicomfields_2026c")
    names = {"X": "X_TAGS", "Z": "Z_TAGS", "D": "D_TAGS", "U": "U_TAGS", "Z/D": "Z_D_TAGS", "X/Z": "X_Z_TAGS", "X/D": "X_D_TAGS",
             "X/Z/D": "X_Z_D_TAGS", "X/Z/U": "X_Z_U_STAR_TAGS"}
    expected = {"%08X" % (tag[0] << 16 | tag[1]): action for action, name in names.items() for tag in getattr(other, name)
                if len(tag) == 2 and tag[0] >= 8 and tag[0] < 0xFFF0 and (tag[0] << 16 | tag[1]) in DicomDictionary}
    rows = {line.split("\t")[0]: line.split("\t")[1] for line in tern("--show-actions").stdout.splitlines()}
    assert rows == expected and len(rows) > 600


def test_options_say_what_they_did(tmp_path: Path, key: Path) -> None:
    dataset = picture(Dataset(), grey())
    dataset.PatientID, dataset.PatientName, dataset.PatientBirthDate = "4711", "Doe^Jane", "19601231"
    dataset.StudyDate, dataset.StudyTime, dataset.AcquisitionDateTime = "20200229", "120000", "20200301093000.5+0100"
    dataset.StationName, dataset.Manufacturer, dataset.InstitutionName = "CT1", "Maker", "Clinic"
    data = written(dataset)

    output, report = one(tmp_path, data, key)
    read = pydicom.dcmread(io.BytesIO(output))
    assert report["methodCodes"] == ["113100", "113107", "113109"]
    assert [(code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning) for code in read.DeidentificationMethodCodeSequence] == [
        ("113100", "DCM", "Basic Application Confidentiality Profile"),
        ("113107", "DCM", "Retain Longitudinal Temporal Information Modified Dates Option"),
        ("113109", "DCM", "Retain Device Identity Option")]
    assert read.LongitudinalTemporalInformationModified == "MODIFIED"
    assert (read.StationName, read.Manufacturer, read.InstitutionName) == ("CT1", "Maker", "REMOVED")
    assert read.PatientBirthDate == "" and read.PatientName == read.PatientID and read.PatientID.startswith("TERN-")
    assert read.StudyTime == "120000" and read.AcquisitionDateTime.endswith("093000.5+0100")
    moved = datetime.date(2020, 2, 29) - datetime.datetime.strptime(read.StudyDate, "%Y%m%d").date()
    assert 1 <= moved.days <= 3652
    assert datetime.datetime.strptime(read.AcquisitionDateTime[:8], "%Y%m%d").date() + moved == datetime.date(2020, 3, 1)
    assert read.file_meta.ImplementationClassUID.startswith("2.25.") and "BurnedInAnnotation" not in read

    output, report = one(tmp_path, data, key, "--remove-dates", "--remove-device")
    read = pydicom.dcmread(io.BytesIO(output))
    assert report["methodCodes"] == ["113100"] and report["actions"]["datesShifted"] == report["actions"]["deviceRetained"] == 0
    assert read.LongitudinalTemporalInformationModified == "REMOVED"
    assert (read.StudyDate, read.StudyTime, read.StationName, read.Manufacturer) == ("", "", "REMOVED", "REMOVED")


def test_a_series_stays_one(tmp_path: Path, key: Path) -> None:
    source = tmp_path / "in"
    source.mkdir()
    for index in range(3):
        dataset = picture(Dataset(), grey())
        dataset.PatientID, dataset.StudyDate = "4711" if index < 2 else "4712", ["20191231", "20200101", "20200102"][index]
        dataset.SOPInstanceUID = f"1.2.3.{index}"
        reference = Dataset()
        reference.ReferencedSOPClassUID, reference.ReferencedSOPInstanceUID = CT, "1.2.3.0"
        dataset.ReferencedImageSequence = Sequence([reference])
        (source / f"{index}.dcm").write_bytes(written(dataset))
    tern(source, tmp_path / "a", "--key", key, "--report", tmp_path / "a.json")
    names = [entry["output"] for entry in json.loads((tmp_path / "a.json").read_text())["files"]]
    read = [pydicom.dcmread(tmp_path / "a" / name) for name in names]
    assert [f"{dataset.SOPInstanceUID}.dcm" for dataset in read] == names and len(set(names)) == 3
    for attribute in ("StudyInstanceUID", "SeriesInstanceUID", "FrameOfReferenceUID"):
        assert len({getattr(dataset, attribute) for dataset in read}) == 1
    assert {dataset.ReferencedImageSequence[0].ReferencedSOPInstanceUID for dataset in read} == {read[0].SOPInstanceUID}
    assert {dataset.ReferencedImageSequence[0].ReferencedSOPClassUID for dataset in read} == {CT}
    days = [datetime.datetime.strptime(dataset.StudyDate, "%Y%m%d") for dataset in read]
    assert (days[1] - days[0]).days == 1 and (days[2] - days[1]).days != 1
    assert read[0].PatientID == read[1].PatientID != read[2].PatientID
    # Another run with the key gives the same bytes, another key other names.
    tern(source, tmp_path / "b", "--key", key)
    assert all((tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes() for name in names)
    tern(source, tmp_path / "c", "--key", tmp_path / "new")
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o600
    assert not set(names) & {path.name for path in (tmp_path / "c").iterdir()}


def test_refusals_and_codes(tmp_path: Path, key: Path) -> None:
    source = tmp_path / "in"
    source.mkdir()
    data = written(picture(Dataset(), grey()))
    (source / "a.dcm").write_bytes(data)
    (source / "readme.txt").write_text("no image")
    assert "1 written, 1 skipped, 0 refused" in tern(source, tmp_path / "out", "--key", key).stdout
    assert "not overwritten" in tern(source, tmp_path / "out", "--key", key, code=65).stderr
    tern(source, tmp_path / "out", "--key", key, "--overwrite")
    (source / "b.dcm").write_bytes(data[:400])
    done = tern(source, tmp_path / "out2", "--key", key, "--report", tmp_path / "r.json", code=65)
    assert f"input 2 of 3 ({source}/b.dcm)" in done.stderr and "1 written, 1 skipped, 1 refused" in done.stdout
    report = (tmp_path / "r.json").read_text()
    assert [entry["status"] for entry in json.loads(report)["files"]] == ["written", "refused", "skipped"]
    assert "a.dcm" not in report and json.loads(report)["files"][1]["reason"] == "STRUCTURE"
    # Two files of one instance are two outputs.
    (source / "b.dcm").write_bytes(data)
    tern(source, tmp_path / "out3", "--key", key)
    assert len(list((tmp_path / "out3").iterdir())) == 2
    assert "OUT lies in IN" in tern(source, source / "out", code=65).stderr
    # The input itself is never replaced, by whatever name.
    (tmp_path / "link.dcm").symlink_to(source / "a.dcm")
    (tmp_path / "hard.dcm").hardlink_to(source / "a.dcm")
    for name in (source / "a.dcm", tmp_path / "link.dcm", tmp_path / "hard.dcm"):
        assert "the input itself" in tern(source / "a.dcm", name, "--key", key, "--overwrite", code=65).stderr
    assert (source / "a.dcm").read_bytes() == data
    line = tern(source / "a.dcm", tmp_path / "kept", "--key", key, "--keep-pixels").stdout
    assert "1 written" in line and "1 left as they are (--keep-pixels); 0 without a picture" in line
    tern(tmp_path / "none", tmp_path / "x", code=66)
    tern(source / "readme.txt", tmp_path / "x.dcm", code=65)
    tern(source, code=64)
    (tmp_path / "bad").write_text("12")
    assert "no key file" in tern(source, tmp_path / "x", "--key", tmp_path / "bad", code=65).stderr
    directory = picture(Dataset(), grey())
    directory.SOPClassUID = "1.2.840.10008.1.3.10"
    (source / "DICOMDIR").write_bytes(written(directory))
    assert "DICOMDIR" in tern(source / "DICOMDIR", tmp_path / "x.dcm", code=65).stderr
    assert "2 written, 2 skipped" in tern(source, tmp_path / "out4", "--key", key).stdout
