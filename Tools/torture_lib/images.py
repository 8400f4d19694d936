"""What is sent: files of every outcome, made without an image library."""

import hashlib
import random
import struct
import zlib


def png(side, values):
    """Grey, 8 bits."""
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = b"".join(b"\0" + values[row * side:(row + 1) * side] for row in range(side))
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0))
            + chunk(b"IDAT", zlib.compress(rows, 1)) + chunk(b"IEND", b""))


def noise(side, seed):
    return png(side, random.Random(seed).randbytes(side * side))


def dicom(side, frames, seed, modality=b"DX"):
    """Explicit VR little endian, native, with a patient's name that must not come back."""
    def element(group, number, representation, value):
        value += (b"\0" if representation == b"UI" or representation == b"OB" else b" ") * (len(value) % 2)
        head = struct.pack("<HH2s", group, number, representation)
        return head + (struct.pack("<HI", 0, len(value)) if representation == b"OB" else struct.pack("<H", len(value))) + value

    def number(group, item, value):
        return element(group, item, b"US", struct.pack("<H", value))

    pixels = random.Random(seed).randbytes(side * side * frames)
    body = element(8, 0x18, b"UI", b"2.25.%d" % (seed + 1)) + element(8, 0x60, b"CS", modality) + element(16, 16, b"PN", b"TORTURE^MARKER")
    body += number(0x28, 2, 1) + element(0x28, 4, b"CS", b"MONOCHROME2")
    if frames > 1:
        body += element(0x28, 8, b"IS", b"%d" % frames)
    body += number(0x28, 0x10, side) + number(0x28, 0x11, side) + number(0x28, 0x100, 8) + number(0x28, 0x101, 8)
    body += number(0x28, 0x102, 7) + number(0x28, 0x103, 0) + element(0x7FE0, 0x10, b"OB", pixels)
    meta = element(2, 0x10, b"UI", b"1.2.840.10008.1.2.1")
    return bytes(128) + b"DICM" + element(2, 0, b"UL", struct.pack("<I", len(meta))) + meta + body


def mixture(samples):
    """Pairs of media type and bytes; `samples` are real images of the model's kind."""
    files = [("image/png", path.read_bytes()) for path in sorted(samples.glob("*.png"))[:6]]
    files += [("image/png", noise(side, side)) for side in (8, 40, 64, 300, 700)]
    files += [("application/dicom", dicom(64, 1, 1)), ("application/dicom", dicom(48, 5, 2)), ("application/dicom", dicom(32, 1, 3, b"MR"))]
    whole = noise(90, 5)
    files += [("image/png", whole[:len(whole) // 2]), ("application/dicom", dicom(64, 1, 4)[:2000])]
    return files


def digest(data):
    return hashlib.sha256(data).hexdigest()
