"""What a small file may cost: one of a few KB less than 100 MB and less than a second, in ternd and in tern, whatever it claims."""

import gzip
import io
import json
import os
import shlex
import struct
import subprocess
import sys
import zlib

import numpy as np
import pytest
from PIL import Image
from pydicom.encaps import encapsulate

from harness import ROOT, dicom, program

LIMIT_KIB = 100_000
LIMIT_SECONDS = 1.0
# Of processor time, which other load does not stretch.
LIMIT_FILE = 16_384
VECTORS = ROOT / "Tests" / "Vectors"
# The peak of a process counts what its parent had when it was started: a small parent runs the program.
METER = """
import json, os, resource, sys
sink = os.open(os.devnull, os.O_WRONLY)
child = os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ, file_actions=[(os.POSIX_SPAWN_DUP2, sink, 1), (os.POSIX_SPAWN_DUP2, sink, 2)])
status = os.waitstatus_to_exitcode(os.wait4(child, 0)[1])
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(json.dumps([status, used.ru_maxrss, used.ru_utime + used.ru_stime]))
"""
DEFLATED = "1.2.840.10008.1.2.1.99"


def explicit(group, element, representation, value):
    value += b"\0" * (len(value) % 2)
    head = struct.pack("<HH2s", group, element, representation.encode())
    if representation in ("OB", "OW", "SQ", "UN"):
        return head + struct.pack("<HI", 0, len(value)) + value
    return head + struct.pack("<H", len(value)) + value


def short(group, element, value):
    return explicit(group, element, "US", struct.pack("<H", value))


def part10(syntax, body):
    meta = explicit(2, 0x10, "UI", syntax.encode())
    if syntax == DEFLATED:
        packer = zlib.compressobj(9, zlib.DEFLATED, -15)
        body = packer.compress(body) + packer.flush()
    return bytes(128) + b"DICM" + meta + body


def data_set(pixels, rows=1, columns=1, bits=8, frames=1, before=b"", groups=b"", element=None):
    body = explicit(8, 0x60, "CS", b"DX") + before + short(0x28, 2, 1) + explicit(0x28, 4, "CS", b"MONOCHROME2")
    body += explicit(0x28, 8, "IS", str(frames).encode()) + short(0x28, 0x10, rows) + short(0x28, 0x11, columns)
    body += short(0x28, 0x100, bits) + short(0x28, 0x101, bits) + short(0x28, 0x102, bits - 1) + short(0x28, 0x103, 0)
    return body + groups + (element or explicit(0x7FE0, 0x10, "OW" if bits > 8 else "OB", pixels))


def item(content=b""):
    return struct.pack("<HHI", 0xFFFE, 0xE000, len(content)) + content


def deflated(*arguments, **more):
    return part10(DEFLATED, data_set(*arguments, **more))


def group_of_a_frame(number):
    """Plane Position of one frame: every one another."""
    position = explicit(0x20, 0x32, "DS", f"0\\0\\{number}".encode())
    return item(explicit(0x20, 0x9113, "SQ", item(position)))


def nifti(shape, samples=b"", datatype=2, bits=8):
    header = bytearray(352)
    struct.pack_into("<i", header, 0, 348)
    struct.pack_into("<8h", header, 40, len(shape), *shape, *[1] * (7 - len(shape)))
    struct.pack_into("<hh", header, 70, datatype, bits)
    struct.pack_into("<8f", header, 76, *[1.0] * 8)
    struct.pack_into("<f", header, 108, 352)
    header[344:348] = b"n+1\0"
    return gzip.compress(bytes(header) + samples, 9, mtime=0)


def jpeg2000(stream, rows, columns, bits, channels=1):
    more = dict(Rows=rows, Columns=columns, BitsAllocated=bits, BitsStored=bits, HighBit=bits - 1)
    if channels == 3:
        more |= dict(SamplesPerPixel=3, PhotometricInterpretation="YBR_RCT", PlanarConfiguration=0)
    data = dicom(syntax="1.2.840.10008.1.2.4.90", **more)
    pixels = encapsulate([b"\0" * 64])
    assert data.count(pixels) == 1
    return data.replace(pixels, encapsulate([stream]))


def black(name):
    return (VECTORS / "TernJPEG2000" / f"{name}.j2k").read_bytes()


def small_blocks(side):
    out = io.BytesIO()
    Image.fromarray(np.zeros((side, side), np.uint8)).save(out, "JPEG2000", no_jp2=True, codeblock_size=(8, 8), num_resolutions=6)
    return out.getvalue()


def large_jpeg(progressive):
    """An image of 8,192 x 8,192 by its header."""
    out = io.BytesIO()
    Image.fromarray(np.zeros((64, 64), np.uint8)).save(out, "JPEG", progressive=progressive)
    data = bytearray(out.getvalue())
    place = data.index(b"\xff\xc2" if progressive else b"\xff\xc0")
    struct.pack_into(">HH", data, place + 5, 8_192, 8_192)
    return bytes(data)


def large_png():
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 8_192, 4_096, 16, 0, 0, 0, 0))
            + chunk(b"IDAT", zlib.compress(bytes(1 << 20), 9)) + chunk(b"IEND", b""))


def run_lengths():
    """One frame of 8,192 x 8,192, of the longest runs that there are."""
    runs = struct.pack("<16I", 1, 64, *[0] * 14) + b"\x81\0" * 500
    element = explicit(0x7FE0, 0x10, "OB", b"")[:-4] + b"\xff" * 4 + item() + item(runs) + struct.pack("<HHI", 0xFFFE, 0xE0DD, 0)
    return part10("1.2.840.10008.1.2.5", data_set(b"", 8_192, 8_192, element=element))


def files():
    million = 1 << 20
    empty = struct.pack("<HH2sHI", 0x5200, 0x9230, b"SQ", 0, 8 * million) + item() * million
    groups = b"".join(group_of_a_frame(number) for number in range(1_000))
    times = b"\\".join([b"20"] * 5_000)
    return {
        "a million frames of one bit": deflated(bytes(million // 8), bits=1, frames=million),
        "a million frames of a byte": deflated(bytes(million), frames=million),
        "a million silent groups": deflated(bytes(million), frames=million, groups=empty),
        "a million silent groups of one frame": deflated(b"\0", groups=empty),
        "a thousand frames and groups": deflated(bytes(1_000), frames=1_000, groups=explicit(0x5200, 0x9230, "SQ", groups)),
        "eight MB of nothing": deflated(bytes(4), 2, 2, before=explicit(0x9, 0x1001, "UN", bytes(8 << 20))),
        "times of frames": deflated(bytes(10), frames=10, before=explicit(0x18, 0x1065, "DS", times)),
        "four MB of pixels": deflated(bytes(4 << 20), 1_024, 2_048, bits=16),
        "more pixels than bytes": part10("1.2.840.10008.1.2.1", data_set(b"\0" * 64, 8_192, 8_192)),
        "run lengths": run_lengths(),
        "black 2,048": jpeg2000(black("black_2048"), 2_048, 2_048, 8),
        "black 2,048, 16 bits": jpeg2000(black("black_2048_16"), 2_048, 2_048, 16),
        "black 1,920, colour": jpeg2000(black("black_1920_rgb"), 1_080, 1_920, 8, 3),
        "small blocks": jpeg2000(small_blocks(2_048), 2_048, 2_048, 8),
        "progressive JPEG": large_jpeg(True),
        "baseline JPEG": large_jpeg(False),
        "PNG": large_png(),
        "half a GB of NIfTI": nifti((512, 512, 1_000), bytes(1 << 20), 4, 16),
        "a million frames of NIfTI": nifti((1, 1, 32_000, 32), bytes(32 * 32_000)),
        "a MB of NIfTI": nifti((1_024, 1_024, 1), bytes(1 << 20)),
        "four thousand frames of NIfTI": nifti((1, 1, 4_000), bytes(4_000)),
    }


FILES = files()


def cost(arguments):
    done = subprocess.run([sys.executable, "-I", "-S", "-c", METER, *map(str, arguments)], capture_output=True, text=True, timeout=60, check=True)
    return json.loads(done.stdout)


def check(arguments):
    status, peak, seconds = cost(arguments)
    assert status in (0, 65)
    assert peak < LIMIT_KIB and seconds < LIMIT_SECONDS, f"{peak} KiB, {seconds:.2f} s"


@pytest.mark.parametrize("name", FILES)
def test_small_files_cost_the_device_little(tmp_path, models, name):
    assert len(FILES[name]) < LIMIT_FILE
    path = tmp_path / "file"
    path.write_bytes(FILES[name])
    check([*program(), "infer", "--model", models / "mean.tern", "--allow-unsigned", path])
    check([*program(), "infer", "--model", models / "mean.tern", "--allow-unsigned", "--frames", 1, path])


@pytest.mark.skipif(not os.environ.get("TERN"), reason="TERN does not name the command tern")
@pytest.mark.parametrize("name", FILES)
def test_small_files_cost_the_workstation_little(tmp_path, name):
    path = tmp_path / "file"
    path.write_bytes(FILES[name])
    check([*shlex.split(os.environ["TERN"]), "decode", path])


@pytest.mark.parametrize("name", ["black 2,048", "black 2,048, 16 bits", "black 1,920, colour", "small blocks"])
def test_black_frames_are_read(tmp_path, models, name):
    path = tmp_path / "file"
    path.write_bytes(FILES[name])
    assert cost([*program(), "infer", "--model", models / "mean.tern", "--allow-unsigned", path])[0] == 0


@pytest.mark.parametrize("padding, status", [(0, 0), (512, 0), (65_536, 0), (65_537, 65)])
def test_zeros_behind_gzip_are_padding(tmp_path, models, padding, status):
    path = tmp_path / "file.nii.gz"
    path.write_bytes(nifti((8, 8, 1), bytes(64)) + bytes(padding))
    assert cost([*program(), "infer", "--model", models / "mean.tern", "--allow-unsigned", path])[0] == status
    path.write_bytes(nifti((8, 8, 1), bytes(64)) + bytes(padding) + b"\1")
    assert cost([*program(), "infer", "--model", models / "mean.tern", "--allow-unsigned", path])[0] == 65


def test_a_deflated_bomb_is_refused_before_it_takes_memory(tmp_path, models):
    path = tmp_path / "bomb.dcm"
    path.write_bytes(deflated(bytes(4), 2, 2, before=explicit(0x9, 0x1001, "UN", bytes(200 << 20))))
    status, peak, seconds = cost([*program(), "infer", "--model", models / "mean.tern", "--allow-unsigned", path])
    assert status == 65 and peak < 20_000 and seconds < LIMIT_SECONDS
