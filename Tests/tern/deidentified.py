"""What the tests of `tern deidentify` share: the command named in $TERN, data sets to write, and where the corpora lie."""
import importlib
import io
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy
import pydicom
import pytest
from pydicom import config
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "corpora"))
TERN = os.environ.get("TERN", "")
NEEDS_TERN = pytest.mark.skipif(not TERN, reason="TERN does not name the command tern")
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


def corpus(name: str) -> Path:
    if name == "pydicom":
        return Path(pydicom.__file__).parent / "data" / "test_files"
    return Path(importlib.import_module("corpora").folder(name))
