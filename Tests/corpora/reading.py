"""What readers that are not ours say of a file, and what `tern decode` says of it.

Native, RLE, JPEG lossless and JPEG 2000 pixels: pydicom with its plug-ins. Lossy JPEG: libjpeg-turbo through Pillow on the frame's own bytes. NIfTI: nibabel.
A second reader where it reads the file: dcmtk (dcmdrle, dcmdjpeg for compressed stored values, dcm2pnm for what is shown).
"""
import hashlib
import io
import json
import os
import subprocess
import tempfile
import warnings
from dataclasses import dataclass, field
from pathlib import Path

import nibabel
import numpy as np
import pydicom
from PIL import Image
from pydicom.encaps import generate_frames
from pydicom.pixels import apply_color_lut, apply_modality_lut, apply_voi_lut, pixel_array
from pydicom.uid import ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian

warnings.simplefilter("ignore")
TERN = os.environ.get("TERN", "")
LOSSY_JPEG = {"1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.4.51"}


@dataclass
class Verdict:
    """How one file fared."""
    file: str
    kind: str = ""
    syntax: str = ""
    photometric: str = ""
    bits: str = ""
    frames: int = 0
    # equal, refused, wrong, unreferenced (read here, by no reader we know)
    result: str = ""
    detail: str = ""
    references: list[str] = field(default_factory=list)


def digest(frame: np.ndarray) -> str:
    """SHA-256 of the samples, row by row, channels interleaved, little endian."""
    return hashlib.sha256(np.ascontiguousarray(frame, frame.dtype.newbyteorder("<")).tobytes()).hexdigest()


def decode(path: Path, *options: str) -> tuple[dict | None, dict | None]:
    """The description of a file that is read, or the reason of one that is not."""
    done = subprocess.run([TERN, "decode", path, *options], capture_output=True, text=True, timeout=300)
    if done.returncode == 66:
        return None, {"value": "NOT-OPENED", "message": done.stderr}
    if done.returncode not in (0, 65):
        raise RuntimeError(f"tern decode {path}: exit {done.returncode}: {done.stderr}")
    document = json.loads(done.stdout)
    return (document, None) if done.returncode == 0 else (None, document["reason"])


def dataset(path: Path) -> pydicom.Dataset:
    ds = pydicom.dcmread(path, force=True)
    if "TransferSyntaxUID" not in ds.file_meta:
        ds.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian if ds.original_encoding[0] else ExplicitVRLittleEndian
    return ds


def libjpeg_frames(ds: pydicom.Dataset) -> list[np.ndarray]:
    count = int(ds.get("NumberOfFrames", 1) or 1)
    if ds.PhotometricInterpretation == "RGB":
        # Not transformed before compression: what libjpeg gives when it transforms nothing, which pydicom asks Pillow for.
        pixels = pixel_array(ds, decoding_plugin="pillow")
        return list(pixels) if count > 1 else [pixels]
    return [np.asarray(Image.open(io.BytesIO(data))) for data in generate_frames(ds.PixelData, number_of_frames=count)]


def dicom_frames(path: Path) -> list[np.ndarray]:
    """The stored values of every frame; colour as RGB, palettes applied."""
    ds = dataset(path)
    syntax, photometric = ds.file_meta.TransferSyntaxUID, ds.get("PhotometricInterpretation", "")
    if syntax in LOSSY_JPEG:
        return libjpeg_frames(ds)
    pixels = pixel_array(ds)
    if photometric == "PALETTE COLOR":
        if syntax == ExplicitVRBigEndian:
            # pydicom 3 takes the words of a palette for little endian; dcm2pnm renders the same picture from both forms of such a file.
            for element in ds:
                if element.keyword in ("RedPaletteColorLookupTableData", "GreenPaletteColorLookupTableData", "BluePaletteColorLookupTableData"):
                    element.value = np.frombuffer(element.value, ">u2").astype("<u2").tobytes()
        pixels = apply_color_lut(pixels, ds)
    return list(pixels) if int(ds.get("NumberOfFrames", 1) or 1) > 1 else [pixels]


def nifti_frames(path: Path) -> list[np.ndarray]:
    """Slices by volume in the axes of DICOM: columns to the left, rows to the back, slices to the head; the scaled values as binary32."""
    image = nibabel.as_closest_canonical(nibabel.load(path))
    if image.dataobj.dtype.names:
        values = np.asarray(image.dataobj)
        values = np.stack([values[name] for name in ("R", "G", "B")], axis=-1)
        color = True
    else:
        values, color = np.asarray(image.get_fdata(dtype=np.float64)), False
    # Right-anterior-superior to left-posterior-superior.
    values = values[::-1, ::-1]
    rank = values.ndim - (1 if color else 0)
    while rank < 4:
        values = values[..., None, :] if color else values[..., None]
        rank += 1
    frames = []
    for volume in range(values.shape[3]):
        for slice_index in range(values.shape[2]):
            frame = values[:, :, slice_index, volume]
            frame = frame.transpose(1, 0, 2) if color else frame.T
            frames.append(np.ascontiguousarray(frame if color else frame.astype(np.float32)))
    return frames


def dcmtk_frames(path: Path) -> list[np.ndarray] | None:
    """Stored values of a compressed file that dcmtk decompresses; None when it does not."""
    ds = dataset(path)
    tool = "dcmdrle" if ds.file_meta.TransferSyntaxUID == "1.2.840.10008.1.2.5" else "dcmdjpeg"
    with tempfile.TemporaryDirectory() as folder:
        plain = Path(folder) / "plain.dcm"
        if subprocess.run([tool, path, plain], capture_output=True).returncode != 0:
            return None
        other = dataset(plain)
        if other.get("PhotometricInterpretation") == "PALETTE COLOR":
            return None
        pixels = pixel_array(other)
        return list(pixels) if int(other.get("NumberOfFrames", 1) or 1) > 1 else [pixels]


def shown_by_pydicom(ds: pydicom.Dataset, stored: np.ndarray) -> np.ndarray | None:
    """The grey values 0 ... 255 of a frame by the steps of PS3.3 C.11; None where pydicom has no output range for them."""
    rescaled = apply_modality_lut(stored, ds)
    if "VOILUTSequence" in ds and len(ds.VOILUTSequence):
        item = ds.VOILUTSequence[0]
        values = apply_voi_lut(rescaled.astype(np.int64), ds, prefer_lut=True).astype(np.float64) / (2 ** int(item.LUTDescriptor[2]) - 1)
    elif "WindowCenter" in ds and ds.WindowCenter not in ("", None):
        values = apply_voi_lut(rescaled, ds, prefer_lut=False)
        bits = int(ds.BitsStored)
        signed = ds.PixelRepresentation == 1
        low, high = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if signed else (0, 2 ** bits - 1)
        if "ModalityLUTSequence" in ds:
            low, high = 0, 2 ** int(ds.ModalityLUTSequence[0].LUTDescriptor[2]) - 1
        elif "RescaleSlope" in ds:
            ends = low * float(ds.RescaleSlope) + float(ds.RescaleIntercept), high * float(ds.RescaleSlope) + float(ds.RescaleIntercept)
            low, high = min(ends), max(ends)
        values = (values.astype(np.float64) - low) / (high - low)
    else:
        return None
    values = np.clip(values, 0, 1) * 255
    return 255 - values if ds.PhotometricInterpretation == "MONOCHROME1" else values


def as_single(ds: pydicom.Dataset, frame: int) -> pydicom.Dataset:
    """What an enhanced data set says of one frame, as a classic one says it: the frame's own groups before the shared ones before the top level."""
    single = pydicom.Dataset(ds)
    for groups, item in (("SharedFunctionalGroupsSequence", 0), ("PerFrameFunctionalGroupsSequence", frame)):
        for group in ("PixelValueTransformationSequence", "FrameVOILUTSequence"):
            found = ds[groups].value[item].get(group) if groups in ds and len(ds[groups].value) > item else None
            if not found:
                continue
            keys = ("RescaleSlope", "RescaleIntercept") if group.startswith("Pixel") else ("WindowCenter", "WindowWidth", "VOILUTFunction")
            for key in keys:
                if key in single:
                    del single[key]
                if key in found[0]:
                    setattr(single, key, found[0].get(key))
    return single


def shown_by_dcmtk(path: Path) -> np.ndarray | None:
    """The first frame as dcm2pnm renders it through the first window of the file; None when it does not."""
    with tempfile.TemporaryDirectory() as folder:
        picture = Path(folder) / "picture.pgm"
        if subprocess.run(["dcm2pnm", "-O", "+F", "1", "+Wi", "1", "+opb", path, picture], capture_output=True).returncode != 0:
            return None
        image = Image.open(picture)
        return np.asarray(image).astype(np.float64) if image.mode == "L" else None


def compare(path: Path, name: str) -> Verdict:
    verdict = Verdict(name)
    ours, reason = decode(path)
    if ours is not None and ours["kind"] == "nifti":
        ours, reason = decode(path, "--stage", "rescaled")
    describe(verdict, path, ours)
    if reason is not None:
        verdict.result, verdict.detail = "refused", f"{reason['value']}: {reason['message']}"
        return verdict
    try:
        theirs = nifti_frames(path) if ours["kind"] == "nifti" else image_frames(path) if ours["kind"] != "dicom" else dicom_frames(path)
        verdict.references.append({"nifti": "nibabel", "dicom": "pydicom"}.get(ours["kind"], "Pillow"))
        if verdict.syntax in LOSSY_JPEG:
            verdict.references[-1] = "libjpeg-turbo"
    except Exception as error:
        verdict.result, verdict.detail = "unreferenced", f"{type(error).__name__}: {error}"
        return verdict
    verdict.frames = len(ours["frames"])
    digests = [frame["sha256"] for frame in ours["frames"]]
    if len(theirs) != len(digests):
        verdict.result, verdict.detail = "wrong", f"{len(digests)} frames, {len(theirs)} expected"
        return verdict
    for index, (mine, frame) in enumerate(zip(digests, theirs)):
        if mine != digest(frame.astype(ours["type"])):
            verdict.result, verdict.detail = "wrong", f"frame {index + 1} differs from {verdict.references[-1]}"
            return verdict
    verdict.result = "equal"
    if ours["kind"] == "dicom":
        second_readers(verdict, path, digests, ours, theirs)
    return verdict


def second_readers(verdict: Verdict, path: Path, digests: list[str], ours: dict, theirs: list[np.ndarray]) -> None:
    ds = dataset(path)
    syntax = ds.file_meta.TransferSyntaxUID
    if syntax.is_compressed and syntax not in LOSSY_JPEG and syntax != pydicom.uid.DeflatedExplicitVRLittleEndian:
        frames = dcmtk_frames(path)
        if frames is not None and frames[0].shape == theirs[0].shape:
            if digests != [digest(frame.astype(ours["type"])) for frame in frames]:
                verdict.result, verdict.detail = "wrong", "differs from dcmtk"
                return
            verdict.references.append("dcmtk")
    if not ds.get("PhotometricInterpretation", "").startswith("MONOCHROME"):
        return
    every = read_shown(path)
    shown = every[0].astype(np.float64)
    compared = 0
    for index, stored in enumerate(theirs):
        expected = shown_by_pydicom(as_single(ds, index), stored)
        if expected is None:
            continue
        difference = float(np.abs(every[index] - expected).max())
        if difference > 2e-3:
            verdict.result, verdict.detail = "wrong", f"shown values of frame {index + 1} differ by {difference:.4f} of 255 from pydicom"
            return
        compared += 1
    if compared == len(theirs):
        verdict.references.append("pydicom shown")
    elif compared:
        verdict.references.append(f"pydicom shown ({compared} frames)")
    picture = shown_by_dcmtk(path) if ours.get("greyscale", {}).get("voi") == "window" else None
    if picture is not None and picture.shape == shown.shape:
        difference = float(np.abs(shown - picture).max())
        # dcm2pnm cuts the picture to whole numbers, and before it the rescaled values.
        if difference > 1 + 255 / max(ours["greyscale"]["width"] - 1, 1):
            verdict.result, verdict.detail = "wrong", f"shown values differ by {difference:.2f} of 255 from dcmtk"
            return
        verdict.references.append("dcmtk shown")


def read_shown(path: Path) -> np.ndarray:
    """The grey values 0 ... 255 of every frame, [frames, rows, columns]."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "shown.npy"
        document, reason = decode(path, "--stage", "shown", "-o", str(out))
        assert document is not None, reason
        return np.load(out)


def image_frames(path: Path) -> list[np.ndarray]:
    from PIL import ImageOps
    return [np.asarray(ImageOps.exif_transpose(Image.open(path)))]


def describe(verdict: Verdict, path: Path, ours: dict | None) -> None:
    """What pydicom or nibabel says of the file, whether we read it or not."""
    verdict.kind = ours["kind"] if ours else ""
    try:
        ds = dataset(path) if pydicom.misc.is_dicom(path) or (ours and ours["kind"] == "dicom") else None
        if ds is not None:
            verdict.kind = "dicom"
            verdict.syntax = str(ds.file_meta.get("TransferSyntaxUID", ""))
            verdict.photometric = str(ds.get("PhotometricInterpretation", ""))
            if "BitsAllocated" in ds:
                verdict.bits = f"{ds.get('BitsStored')}/{ds.BitsAllocated}{' signed' if ds.get('PixelRepresentation') else ''}"
            verdict.frames = int(str(ds.get("NumberOfFrames", 1) or 1)) if str(ds.get("NumberOfFrames", 1) or 1).isdigit() else 0
            return
        image = nibabel.load(path)
        verdict.kind, verdict.bits = "nifti", str(image.get_data_dtype())
    except Exception:
        pass
