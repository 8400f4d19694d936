"""`tern deidentify`: text that is burned into a picture is filled in every frame, or the file is refused."""
import io
import json
from pathlib import Path

import numpy
import pydicom
import pytest
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.sequence import Sequence
from pydicom.uid import ExplicitVRBigEndian, ExplicitVRLittleEndian, JPEGBaseline8Bit

from deidentified import NEEDS_TERN, ULTRASOUND, corpus, grey, key, lenient, one, picture, tern, written  # noqa: F401

pytestmark = NEEDS_TERN


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
