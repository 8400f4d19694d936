"""`tern deidentify`, the command named in $TERN: nothing that tells who a patient is survives, and what is written is good DICOM."""
import collections
import datetime
import importlib
import io
import json
import os
import re
import shutil
import stat
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy
import pydicom
import pytest
from pydicom import config
from pydicom.datadict import DicomDictionary
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate, generate_frames
from pydicom.sequence import Sequence
from pydicom.tag import Tag
from pydicom.uid import (DeflatedExplicitVRLittleEndian, ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian,
                         JPEG2000Lossless, JPEGBaseline8Bit, RLELossless)

TERN = os.environ.get("TERN", "")
pytestmark = pytest.mark.skipif(not TERN, reason="TERN does not name the command tern")
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "corpora"))
SECONDARY_CAPTURE, ULTRASOUND, CT = "1.2.840.10008.5.1.4.1.1.7", "1.2.840.10008.5.1.4.1.1.6.1", "1.2.840.10008.5.1.4.1.1.2"
KEY = "00112233445566778899aabbccddeeff" * 2
MARK = "qZx"


def tern(*arguments, code: int = 0) -> subprocess.CompletedProcess:
    done = subprocess.run([TERN, "deidentify", *map(str, arguments)], capture_output=True, text=True)
    assert done.returncode == code, done.stderr
    return done


@pytest.fixture(autouse=True)
def lenient():
    """Files that break rules are the subject here: pydicom writes and reads them without a word."""
    before = config.settings.reading_validation_mode, config.settings.writing_validation_mode
    config.settings.reading_validation_mode = config.settings.writing_validation_mode = config.IGNORE
    yield
    config.settings.reading_validation_mode, config.settings.writing_validation_mode = before


@pytest.fixture
def key(tmp_path: Path) -> Path:
    (tmp_path / "key").write_text(KEY)
    return tmp_path / "key"


def one(tmp_path: Path, data: bytes, key: Path, *options) -> tuple[bytes, dict]:
    """The output for one file, and its report."""
    source, target, report = tmp_path / "in.dcm", tmp_path / "out.dcm", tmp_path / "report.json"
    source.write_bytes(data)
    tern(source, target, "--key", key, "--report", report, "--overwrite", *options)
    return target.read_bytes(), json.loads(report.read_text())["files"][0]["report"]


def written(dataset: Dataset, syntax: str = ExplicitVRLittleEndian, preamble: bytes = bytes(128)) -> bytes:
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = dataset.get("SOPClassUID", SECONDARY_CAPTURE)
    meta.MediaStorageSOPInstanceUID = dataset.get("SOPInstanceUID", "1.2.3")
    meta.TransferSyntaxUID = syntax
    meta.ImplementationClassUID = "1.9.8765.4321.1"
    meta.SourceApplicationEntityTitle = MARK + "AE"
    meta.ImplementationVersionName = MARK + "VERSION"
    meta.PrivateInformationCreatorUID = "1.9.8765.4321.2"
    meta.PrivateInformation = (MARK + "PRIVATE").encode()
    dataset.file_meta, dataset.preamble = meta, preamble
    out = io.BytesIO()
    dataset.save_as(out, enforce_file_format=True)
    return out.getvalue()


def picture(dataset: Dataset, pixels: numpy.ndarray, modality: str = "CT", sop_class: str = CT) -> Dataset:
    """Fills in an image of one or more frames: [frames, rows, columns(, 3)]."""
    dataset.SOPClassUID, dataset.SOPInstanceUID, dataset.Modality = sop_class, "1.9.8765.4321.3", modality
    dataset.StudyInstanceUID, dataset.SeriesInstanceUID, dataset.FrameOfReferenceUID = "1.9.8765.4321.4", "1.9.8765.4321.5", "1.9.8765.4321.6"
    colour = pixels.ndim == 4
    dataset.NumberOfFrames, dataset.Rows, dataset.Columns = pixels.shape[0], pixels.shape[1], pixels.shape[2]
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = (3, "RGB") if colour else (1, "MONOCHROME2")
    if colour:
        dataset.PlanarConfiguration = 0
    bits = 8 * pixels.itemsize
    dataset.BitsAllocated = dataset.BitsStored = bits
    dataset.HighBit, dataset.PixelRepresentation = bits - 1, 0
    dataset.PixelData = pixels.tobytes() + (b"\0" if pixels.nbytes % 2 else b"")
    dataset["PixelData"].VR = "OW" if bits > 8 else "OB"
    return dataset


def grey(frames: int = 1, rows: int = 24, columns: int = 32, kind=numpy.uint16) -> numpy.ndarray:
    return numpy.random.default_rng(4).integers(0, 200, (frames, rows, columns)).astype(kind)


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


# MARK: compressed frames

# Legal in a code string, as bytes that no decoder needs.
PLANTED = b"QZX PLANTED"


def segment(marker: int, payload: bytes = PLANTED) -> bytes:
    return bytes([0xFF, marker]) + (len(payload) + 2).to_bytes(2, "big") + payload


def jpeg() -> bytes:
    from PIL import Image
    file = io.BytesIO()
    Image.fromarray(grey(kind=numpy.uint8)[0]).save(file, "JPEG", quality=90)
    return file.getvalue()


def jpeg2000(boxed: bool = False) -> bytes:
    from PIL import Image
    file = io.BytesIO()
    Image.fromarray(grey(kind=numpy.uint8)[0]).save(file, "JPEG2000", no_jp2=not boxed, comment="QZX")
    return file.getvalue()


def run_lengths(header: bytes = b"", tail: bytes = b"") -> bytes:
    rows = b"".join(bytes([31]) + row.tobytes() for row in grey(kind=numpy.uint8)[0])
    return (1).to_bytes(4, "little") + (64).to_bytes(4, "little") + header.ljust(56, b"\0") + rows + tail


def planted() -> dict[str, tuple[str, list[bytes], bytes]]:
    """By name: transfer syntax, fragments, basic offset table."""
    first, second = jpeg(), jpeg2000()
    size = second.index(b"\xff\x52")
    boxed = jpeg2000(boxed=True)
    code = boxed.index(b"jp2c") - 4
    baseline = {f"marker {number:02X}": [first[:2] + segment(number) + first[2:]] for number in [0x02, 0x30, 0xBF, 0xC8, *range(0xDE, 0xFF)]}
    comment = first[:2] + segment(0xFE, PLANTED * 10) + first[2:]
    baseline |= {
        "APP8 of HP": [first[:2] + segment(0xE8, b"mrfx" + PLANTED) + first[2:]],
        "JFIF": [first[:2] + segment(0xE0, b"JFIF\0\1\1\0\0\1\0\1\0\0" + PLANTED) + first[20:]],
        "Adobe": [first[:2] + segment(0xEE, b"Adobe\0d\0\0\0\0\0" + PLANTED) + first[2:]],
        "between segments": [first[:2] + PLANTED + first[2:]],
        "between later segments": [first[:20] + PLANTED + first[20:]],
        "behind the end": [first + PLANTED],
        "behind the end, an end again": [first + PLANTED + b"\xff\xd9"],
        "a second picture": [first + comment],
        "fill before the start": [b"\xff" + comment],
        "a comment over two fragments": [comment[:60], comment[60:]],
        "two fragments": [first[:100], first[100:] + PLANTED],
        "three fragments": [first[:100], first[100:], PLANTED],
        "a fragment more": [first, PLANTED * 3],
        "behind a table": [first[:2] + segment(0xDB, b"\0" + bytes(range(1, 65)) + PLANTED) + first[2:]],
        "a table that nothing uses": [first[:2] + segment(0xDB, b"\3" + (PLANTED * 6)[:64]) + first[2:]],
    }
    result = {name: (JPEGBaseline8Bit, fragments, b"") for name, fragments in baseline.items()}
    result["offset table"] = JPEGBaseline8Bit, [first], PLANTED + b"1"
    for name, frame in {
        "comment of JPEG 2000": second[:size] + segment(0x64, b"\0\1" + PLANTED) + second[size:],
        "unknown segment of JPEG 2000": second[:size] + segment(0x6A) + second[size:],
        "capabilities of JPEG 2000": second[:size] + segment(0x50) + second[size:],
        "behind JPEG 2000": second + PLANTED,
        "behind JPEG 2000, an end again": second + PLANTED + b"\xff\xd9",
        "box of JP2": boxed[:code] + (8 + len(PLANTED)).to_bytes(4, "big") + b"xml " + PLANTED + boxed[code:],
    }.items():
        result[name] = JPEG2000Lossless, [frame], b""
    result["header of RLE"] = RLELossless, [run_lengths(header=PLANTED)], b""
    result["behind RLE"] = RLELossless, [run_lengths(tail=PLANTED * 2)], b""
    result["fragment behind RLE"] = RLELossless, [run_lengths(), PLANTED], b""
    result["video"] = "1.2.840.10008.1.2.4.102", [b"\0\0\0\x1cftypmp42" + PLANTED * 4], b""
    return result


def fragments_of(parts: list[bytes], table: bytes) -> bytes:
    result = b""
    for part in [table, *parts]:
        part += b"\0" * (len(part) % 2)
        result += b"\xfe\xff\x00\xe0" + len(part).to_bytes(4, "little") + part
    return result


@pytest.mark.parametrize("name", list(planted()))
def test_compressed_frames_carry_no_text(tmp_path: Path, key: Path, name: str) -> None:
    """What cannot be followed is refused or decoded; what is written holds no text and shows the same picture."""
    syntax, parts, table = planted()[name]
    dataset = picture(Dataset(), grey(kind=numpy.uint8))
    dataset.PixelData = fragments_of(parts, table)
    dataset["PixelData"].is_undefined_length = True
    source, target = tmp_path / "in.dcm", tmp_path / "out.dcm"
    data = written(dataset, syntax)
    assert b"QZX" in data
    source.write_bytes(data)
    done = subprocess.run([TERN, "deidentify", source, target, "--key", key, "--report", tmp_path / "r.json"], capture_output=True, text=True)
    entry = json.loads((tmp_path / "r.json").read_text())["files"][0]
    walkable = re.fullmatch("marker (E.|FE)", name) or not re.search("marker|between|behind a table|unknown|capabilities|video", name)
    if done.returncode != 0:
        assert entry["reason"] == "FRAMES-NOT-CLEANED" and not target.exists() and not walkable
        # Pixels that a person has looked at are not what is wrong here.
        tern(source, target, "--key", key, "--keep-pixels", code=65)
        return
    output = target.read_bytes()
    assert b"QZX" not in output and b"PLANTED" not in output
    assert entry["report"]["actions"]["codeStreamSegmentsDropped"] > 0 or name in ("offset table", "two fragments") or "fragment" in name
    read = pydicom.dcmread(target)
    assert read.file_meta.TransferSyntaxUID == syntax and not entry["report"]["pixels"]["wasDecompressed"]
    plain = picture(Dataset(), grey(kind=numpy.uint8))
    plain.PixelData = encapsulate([{JPEGBaseline8Bit: jpeg, JPEG2000Lossless: jpeg2000, RLELossless: run_lengths}[syntax]()])
    assert len(list(generate_frames(read.PixelData))) == 1
    if name != "behind a table":
        assert (read.pixel_array == pydicom.dcmread(io.BytesIO(written(plain, syntax))).pixel_array).all()


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


def text_picture(rows: int = 120, columns: int = 320, colour: bool = False) -> numpy.ndarray:
    from PIL import Image, ImageDraw, ImageFont
    image = Image.new("L", (columns, rows), 0)
    ImageDraw.Draw(image).text((10, 8), "DOE, JANE 4711", fill=255, font=ImageFont.load_default(20))
    values = numpy.asarray(image).copy()
    smooth = 60 + 40 * numpy.sin(numpy.arange(columns) / 40)[None, :] * numpy.cos(numpy.arange(rows - 50) / 30)[:, None]
    values[50:] = smooth.astype(numpy.uint8)
    return numpy.stack([values] * 3, -1) if colour else values


@pytest.mark.parametrize("kind", ["grey", "inverted", "16 bit", "RGB", "planar", "YBR_FULL", "YBR_FULL_422", "big endian", "JPEG", "RLE"])
def test_burned_in_text_is_cleaned_in_every_frame(tmp_path: Path, key: Path, kind: str) -> None:
    plane = text_picture(colour=kind in ("RGB", "planar", "YBR_FULL", "YBR_FULL_422"))
    if kind == "inverted":
        plane = 255 - plane
    if kind in ("16 bit", "big endian"):
        plane = plane.astype(numpy.uint16) * 16
    dataset = picture(Dataset(), numpy.stack([plane, plane]), "US", ULTRASOUND)
    dataset.BurnedInAnnotation = "YES"
    syntax = ExplicitVRLittleEndian
    if kind == "inverted":
        dataset.PhotometricInterpretation = "MONOCHROME1"
    elif kind == "planar":
        dataset.PlanarConfiguration = 1
        dataset.PixelData = numpy.stack([plane.transpose(2, 0, 1)] * 2).tobytes()
    elif kind.startswith("YBR"):
        dataset.PhotometricInterpretation = kind
        frame = plane.copy()
        frame[..., 1:] = 128
        if kind == "YBR_FULL_422":
            frame = numpy.stack([plane[:, 0::2, 0], plane[:, 1::2, 0], numpy.full_like(plane[:, 0::2, 0], 128), numpy.full_like(plane[:, 0::2, 0], 128)], -1)
        dataset.PixelData = numpy.stack([frame] * 2).tobytes()
    elif kind == "big endian":
        syntax = ExplicitVRBigEndian
        dataset.PixelData = numpy.stack([plane] * 2).byteswap().tobytes()
    elif kind == "JPEG":
        from PIL import Image
        file = io.BytesIO()
        Image.fromarray(plane).save(file, "JPEG", quality=95)
        dataset.PixelData = encapsulate([file.getvalue()] * 2)
        syntax = JPEGBaseline8Bit
    elif kind == "RLE":
        dataset.file_meta = FileMetaDataset()
        dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        dataset.compress(pydicom.uid.RLELossless, generate_instance_uid=False)
        syntax = pydicom.uid.RLELossless
    output, report = one(tmp_path, written(dataset, syntax), key)
    assert report["pixels"]["status"] == "cleaned" and report["methodCodes"][:2] == ["113100", "113101"]
    assert {rectangle["cause"] for rectangle in report["pixels"]["rectangles"]} == {"text"}
    read = pydicom.dcmread(io.BytesIO(output))
    assert read.file_meta.TransferSyntaxUID == ExplicitVRLittleEndian and read.BurnedInAnnotation == "NO"
    if kind.startswith("YBR"):
        # Brightness alone: the colour differences are those of grey.
        values = numpy.frombuffer(read.PixelData, numpy.uint8)
        values = values.reshape(2, 120, 160, 4)[..., :2].reshape(2, 120, 320) if kind == "YBR_FULL_422" else values.reshape(2, 120, 320, 3)[..., 0]
    else:
        values = read.pixel_array
        values = values[..., 0] if values.ndim == 4 else values
    first = plane[..., 0] if plane.ndim == 3 else plane
    black = first.max() if kind == "inverted" else 0
    for frame in values:
        # What a lossy frame shows beside a letter is its ringing.
        assert abs(frame[:45].astype(int) - black).max() <= (12 if kind == "JPEG" else 0)
        assert abs(frame[50:].astype(int) - first[50:]).max() <= (6 if kind == "JPEG" else 0)
    output, report = one(tmp_path, written(dataset, syntax), key, "--keep-pixels")
    assert report["pixels"]["status"] == "notAsked" and "113101" not in report["methodCodes"]
    assert pydicom.dcmread(io.BytesIO(output)).BurnedInAnnotation == "YES"


def test_rules_of_the_user(tmp_path: Path, key: Path) -> None:
    frames = grey(2, 24, 32, numpy.uint8) + 1
    dataset = picture(Dataset(), frames, "XA", "1.2.840.10008.5.1.4.1.1.12.1")
    dataset.Manufacturer = "ACME Imaging"
    rules = tmp_path / "rules.json"
    rule = {"modality": ["XA"], "manufacturer": "acme", "rows": 24, "columns": 32, "rectangles": [[4, 0, 50, 3]]}
    rules.write_text(json.dumps({"rules": [rule, rule | {"rows": 25, "rectangles": [[0, 0, 32, 24]]}]}))
    output, report = one(tmp_path, written(dataset), key, "--rules", rules)
    assert [rectangle | {"cause": ""} for rectangle in report["pixels"]["rectangles"]] == [{"x": 4, "y": 0, "width": 28, "height": 3, "cause": ""}]
    expected = frames.copy()
    expected[:, :3, 4:] = frames.min()
    assert (pydicom.dcmread(io.BytesIO(output)).pixel_array == expected).all()
    assert json.loads(tern("--show-rules").stdout)["rules"]
    rules.write_text('{"rules": [{"rectangles": [[1, 2, 3]]}]}')
    assert "[x, y, width, height]" in tern(tmp_path / "in.dcm", tmp_path / "x.dcm", "--rules", rules, code=65).stderr


def test_pixels_that_cannot_be_cleaned_are_refused(tmp_path: Path, key: Path) -> None:
    dataset = picture(Dataset(), grey(kind=numpy.uint8), "US", ULTRASOUND)
    dataset.PixelData = encapsulate([b"\xff\xd8 no picture \xff\xd9"])
    (tmp_path / "in.dcm").write_bytes(written(dataset, "1.2.840.10008.1.2.4.80"))
    done = tern(tmp_path / "in.dcm", tmp_path / "out.dcm", "--key", key, "--report", tmp_path / "r.json", code=65)
    assert "1.2.840.10008.1.2.4.80" in done.stderr and not (tmp_path / "out.dcm").exists()
    assert json.loads((tmp_path / "r.json").read_text())["files"][0]["reason"] == "PIXELS-NOT-CLEANED"
    # Nor can it be followed to its end, so it is not copied either.
    tern(tmp_path / "in.dcm", tmp_path / "out.dcm", "--key", key, "--keep-pixels", "--report", tmp_path / "r.json", code=65)
    assert json.loads((tmp_path / "r.json").read_text())["files"][0]["reason"] == "FRAMES-NOT-CLEANED"
    # Burned-in text that was not found.
    dataset = picture(Dataset(), grey(kind=numpy.uint8))
    dataset.BurnedInAnnotation = "YES"
    data = written(dataset)
    (tmp_path / "in.dcm").write_bytes(data)
    assert "no text was found" in tern(tmp_path / "in.dcm", tmp_path / "out.dcm", "--key", key, code=65).stderr
    assert "no text was found" in tern(tmp_path / "in.dcm", tmp_path / "out.dcm", "--key", key, "--detect", "never", code=65).stderr
    output, report = one(tmp_path, data, key, "--keep-pixels")
    assert "113101" not in report["methodCodes"] and pydicom.dcmread(io.BytesIO(output)).BurnedInAnnotation == "YES"
    (tmp_path / "rules.json").write_text('{"rules": [{"modality": ["CT"], "rectangles": []}]}')
    assert one(tmp_path, data, key, "--rules", tmp_path / "rules.json")[1]["pixels"]["status"] == "searched"
    # More regions than any device declares.
    region = Dataset()
    region.RegionLocationMinX0 = region.RegionLocationMinY0 = 0
    region.RegionLocationMaxX1 = region.RegionLocationMaxY1 = 1
    dataset = picture(Dataset(), grey(kind=numpy.uint8), "US", ULTRASOUND)
    dataset.SequenceOfUltrasoundRegions = Sequence([region] * 20_000)
    (tmp_path / "in.dcm").write_bytes(written(dataset))
    assert "more than 256 ultrasound regions" in tern(tmp_path / "in.dcm", tmp_path / "out.dcm", "--key", key, code=65).stderr


def test_text_of_one_frame_and_beside_a_bright_pixel(tmp_path: Path, key: Path) -> None:
    plane = text_picture()
    blank = plane.copy()
    blank[:50] = 0
    frames = numpy.stack([plane if index == 1 else blank for index in range(30)])
    output, report = one(tmp_path, written(picture(Dataset(), frames, "US", ULTRASOUND)), key)
    assert report["pixels"]["searchedFrameCount"] == 30 and report["pixels"]["status"] == "cleaned"
    assert pydicom.dcmread(io.BytesIO(output)).pixel_array[:, :45].max() == 0
    hot = plane.astype(numpy.uint16) * 16
    hot[110, 300] = 65_535
    dataset = picture(Dataset(), hot[None], "XA", "1.2.840.10008.5.1.4.1.1.12.1")
    dataset.BurnedInAnnotation = "YES"
    for window in (False, True):
        if window:
            dataset.WindowCenter, dataset.WindowWidth = 2_048, 4_096
        output, report = one(tmp_path, written(dataset), key)
        read = pydicom.dcmread(io.BytesIO(output))
        assert report["pixels"]["status"] == "cleaned" and read.pixel_array[:45].max() == 0 and read.BurnedInAnnotation == "NO"


def test_colour_doppler_is_no_text(tmp_path: Path, key: Path) -> None:
    """The signal beside the letters of a public file stays."""
    path = next(Path(corpus("pydicom-data")).rglob("US1_UNCR.dcm"))
    output, report = one(tmp_path, path.read_bytes(), key)
    before, after = pydicom.dcmread(path).pixel_array, pydicom.dcmread(io.BytesIO(output)).pixel_array
    changed = (before != after).any(-1)
    # Letters are in the margins; of the signal in the middle 94 % and more stay.
    signal = (before.max(-1).astype(int) - before.min(-1) > 64)[130:330, 100:540]
    assert changed[130:330, 100:540][signal].mean() < 0.06 and changed[:90, :200].sum() > 1_000


# MARK: the corpora

def corpus(name: str) -> Path:
    if name == "pydicom":
        return Path(pydicom.__file__).parent / "data" / "test_files"
    return Path(importlib.import_module("corpora").folder(name))


def errors(path: Path) -> collections.Counter:
    """What dciodvfy holds against a file, without its values."""
    done = subprocess.run(["dciodvfy", str(path)], capture_output=True, text=True, errors="replace")
    lines = [line for line in (done.stdout + done.stderr).splitlines() if line.startswith("Error")]
    return collections.Counter(re.sub(r"UID <?[0-9.]+>?", "UID", line) for line in lines)


# What table E.1-1 removes although a module wants it: the responsible persons of an animal.
DEMANDED_BY_THE_TABLE = re.compile("<(ResponsiblePerson|ResponsibleOrganization)>")


@pytest.mark.parametrize("name", ["pydicom", "pydicom-data", "deid-data"])
def test_corpora(tmp_path: Path, key: Path, name: str) -> None:
    if shutil.which("dciodvfy") is None:
        pytest.skip("dciodvfy (dicom3tools) is not installed")
    source = tmp_path / "in"
    shutil.copytree(corpus(name), source)
    for archive in list(source.rglob("*.zip")):
        zipfile.ZipFile(archive).extractall(archive.with_suffix(""))
    done = subprocess.run([TERN, "deidentify", source, tmp_path / "out", "--key", key, "--report", tmp_path / "r.json"], capture_output=True, text=True)
    assert done.returncode in (0, 65), done.stderr
    files = sorted((path for path in source.rglob("*") if not path.is_dir()), key=lambda path: str(path.relative_to(source)))
    entries = json.loads((tmp_path / "r.json").read_text())["files"]
    assert len(files) == len(entries)
    assert {entry["reason"] for entry in entries if entry["status"] == "refused"} <= {"STRUCTURE", "NO-SOP-CLASS", "PIXELS-NOT-CLEANED", "FRAMES-NOT-CLEANED"}
    cleaned, compared, decoded = 0, 0, 0
    for path, entry in zip(files, entries):
        if entry["status"] != "written":
            continue
        output = tmp_path / "out" / entry["output"]
        before, after = pydicom.dcmread(path, force=True), pydicom.dcmread(output)
        names = [str(before.get(attribute, "")) for attribute in ("PatientName", "PatientBirthDate", "ReferringPhysicianName", "InstitutionName")]
        data = output.read_bytes()
        for value in names + [str(before.get("SOPInstanceUID", "")), str(before.get("StudyInstanceUID", ""))]:
            # A phantom may name its maker as the institution, and the device stays.
            assert len(value) < 6 or value in str(before.get("Manufacturer", "")) or value.encode() not in data, (path.name, value)
        assert not any(element.tag.is_private for element in after.iterall())
        cleaned += entry["report"]["pixels"]["status"] == "cleaned"
        syntax = before.file_meta.get("TransferSyntaxUID") if hasattr(before, "file_meta") else None
        if "PixelData" in before and syntax is not None and not syntax.is_compressed and before.original_encoding[1] \
                and entry["report"]["pixels"]["status"] != "cleaned":
            compared += 1
            assert before.PixelData[:len(after.PixelData) - 1] == after.PixelData[:-1], path.name
        if "PixelData" in before and syntax is not None and syntax.is_encapsulated and entry["report"]["pixels"]["status"] != "cleaned":
            pictures = []
            for dataset in (before, after):
                try:
                    pictures.append(dataset.pixel_array)
                except (AttributeError, RuntimeError, ValueError):
                    pictures.append(None)
            assert (pictures[0] is None) == (pictures[1] is None), path.name
            assert pictures[0] is None or (pictures[0] == pictures[1]).all(), path.name
            decoded += pictures[0] is not None
        # A file without a class is checked against no module, a deflated one is not read.
        if "SOPClassUID" in before and syntax != DeflatedExplicitVRLittleEndian:
            new = {line for line in errors(output) - errors(path) if not DEMANDED_BY_THE_TABLE.search(line)}
            assert not new, (path.name, new)
    assert compared > 0 and (decoded >= 10 or name != "pydicom") and (cleaned >= 5 or name != "deid-data")


def test_banner_of_an_ultrasound_cine(tmp_path: Path, key: Path) -> None:
    """The names of the corpus stand in a banner above the image and as a note inside it."""
    archive = next(Path(corpus("deid-data")).rglob("RGB_CINE.zip"))
    data = zipfile.ZipFile(archive).read("RGB_CINE.dcm")
    output, report = one(tmp_path, data, key)
    read = pydicom.dcmread(io.BytesIO(output))
    frames = read.pixel_array
    assert read.BurnedInAnnotation == "NO" and report["methodCodes"][1] == "113101"
    assert frames[:, :62].max() == 0 and frames[:, :, 710:].max() == 0
    assert frames[:, 619:647, 169:537].max() == 0
    # The picture beside them is as it was.
    before = pydicom.dcmread(io.BytesIO(data))
    assert before.PhotometricInterpretation == read.PhotometricInterpretation
    assert (before.pixel_array[:, 62:600, 160:710] == frames[:, 62:600, 160:710]).all()
