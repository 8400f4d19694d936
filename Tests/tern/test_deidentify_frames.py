"""`tern deidentify`: compressed frames are written anew from what decoding needs, and carry no text."""
import io
import json
import re
import subprocess
from pathlib import Path

import numpy
import pydicom
import pytest
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate, generate_frames
from pydicom.uid import JPEG2000Lossless, JPEGBaseline8Bit, RLELossless

from deidentified import NEEDS_TERN, TERN, grey, key, lenient, picture, tern, written  # noqa: F401

pytestmark = NEEDS_TERN


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
