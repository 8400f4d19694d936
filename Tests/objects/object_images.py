"""DICOM images for the tests, made of a sample that lies beside a model: what a scanner sends, with patients that do not exist."""

import pathlib

import numpy as np
from PIL import Image
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian, JPEGLSLossless

ROOT = pathlib.Path(__file__).resolve().parents[2]
MODEL = ROOT / "Models/cxr224/cxr224-int8.tern"
KEY = ROOT / "Models/signing-key.pub"
SAMPLE = ROOT / "Models/cxr224/samples/test-0098-pneumonia.png"


def chest(number, pixels=None, syntax=ExplicitVRLittleEndian, frames=1, **more):
    """A digital radiograph; `more` replaces attributes, None removes one."""
    pixels = np.asarray(Image.open(SAMPLE).convert("L")) if pixels is None else pixels
    data = Dataset()
    data.file_meta = FileMetaDataset()
    data.SOPClassUID, data.SOPInstanceUID = "1.2.840.10008.5.1.4.1.1.1.1", f"1.2.826.0.1.3680043.8.498.{number}.3"
    data.file_meta.MediaStorageSOPClassUID, data.file_meta.MediaStorageSOPInstanceUID = data.SOPClassUID, data.SOPInstanceUID
    data.file_meta.TransferSyntaxUID = syntax
    data.StudyInstanceUID, data.SeriesInstanceUID = f"1.2.826.0.1.3680043.8.498.{number}.1", f"1.2.826.0.1.3680043.8.498.{number}.2"
    data.PatientName, data.PatientID, data.PatientBirthDate, data.PatientSex = "Doe^Jane", f"ID-{number}", "19700102", "F"
    data.StudyDate, data.StudyTime, data.StudyID, data.AccessionNumber = "20260102", "030405", "S1", f"A{number}"
    data.ReferringPhysicianName, data.StudyDescription, data.PatientAge = "Roe^Richard", "Chest", "055Y"
    data.Modality, data.InstanceNumber, data.ViewPosition, data.PatientOrientation = "DX", 7, "PA", ["L", "F"]
    data.Rows, data.Columns = pixels.shape
    data.SamplesPerPixel, data.PhotometricInterpretation = 1, "MONOCHROME2"
    data.BitsAllocated = data.BitsStored = 8
    data.HighBit, data.PixelRepresentation, data.PixelSpacing = 7, 0, [0.2, 0.2]
    if frames > 1:
        data.NumberOfFrames = frames
    data.PixelData = pixels.astype(np.uint8).tobytes() * frames
    if syntax.is_encapsulated:
        data.PixelData = encapsulate([b"\0" * 64])
        data["PixelData"].is_undefined_length = True
    for name, value in more.items():
        if value is None:
            delattr(data, name)
        else:
            setattr(data, name, value)
    return data


def sample(name):
    return np.asarray(Image.open(SAMPLE.with_name(name + ".png")).convert("L"))


def write_all(folder):
    """The images by name: the path of each, in the order in which they are read."""
    dark = (np.asarray(Image.open(SAMPLE).convert("L")) * 0.42).astype(np.uint8)
    images = {
        "plain": chest(1),
        "latin": chest(2, SpecificCharacterSet="ISO_IR 100", PatientName="M\u00fcller^J\u00f6rg"),
        "chinese": chest(3, SpecificCharacterSet="GB18030", PatientName="\u738b\u5c0f\u6771"),
        "unicode": chest(4, SpecificCharacterSet="ISO_IR 192", PatientName="\u738b\u5c0f\u6771", AccessionNumber=None),
        "implicit": chest(5, syntax=ImplicitVRLittleEndian),
        "cine": chest(6, frames=3, SOPClassUID="1.2.840.10008.5.1.4.1.1.12.1", ViewPosition="PA"),
        "dark": chest(7, pixels=dark),
        "syntax": chest(8, syntax=JPEGLSLossless),
        "other": chest(9, Modality="MG"),
        "deidentified": chest(10, PatientName="", PatientID="", PatientIdentityRemoved="YES", StudyDate=None, StudyTime=None),
        "negative": chest(12, pixels=sample("test-0000-no-finding")),
        "undecided": chest(13, pixels=sample("test-0002-no-finding")),
        "unnamed": chest(11, StudyInstanceUID=None),
    }
    paths = {}
    for name, data in images.items():
        paths[name] = folder / f"{name}.dcm"
        data.save_as(paths[name], enforce_file_format=True)
    return paths
