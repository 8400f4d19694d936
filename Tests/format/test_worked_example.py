"""Reads the worked hex dump of Models/FORMAT.md with nothing of ours: digests by hashlib, the signature by the formulas of RFC 8032.

Needs the standard library and pytest.
"""
import hashlib
import math
import pathlib
import struct

import pytest

PAGE = pathlib.Path(__file__).resolve().parents[2] / "Models" / "FORMAT.md"


def parse_dump(text):
    data, previous, starred = bytearray(), b"", False
    for line in text.splitlines():
        if line == "*":
            starred = True
            continue
        fields = line.split(";")[0].split()
        offset = int(fields[0], 16)
        while starred and len(data) < offset:
            data += previous
        assert len(data) == offset, line
        previous, starred = bytes(int(field, 16) for field in fields[1:]), False
        data += previous
    return bytes(data)


@pytest.fixture(scope="module")
def file():
    blocks = PAGE.read_text().split("```")
    (dump,) = [block for block in blocks if block.startswith("text\n00000000  89 54")]
    return parse_dump(dump[len("text\n"):])


@pytest.fixture(scope="module")
def sections(file):
    count = struct.unpack_from("<I", file, 32)[0]
    records = [struct.unpack_from("<IIQQ32s", file, 256 + 64 * index) for index in range(count)]
    assert [record[0] for record in records] == [1, 2, 3, 4, 5, 6, 7]
    return {kind: (file[offset:offset + size], digest) for kind, _, offset, size, digest in records}


def test_a_score_reference():
    blocks = PAGE.read_text().split("```")
    (dump,) = [block for block in blocks if block.startswith("text\n0000b000")]
    data = parse_dump("00000000" + dump[len("text\n0000b000"):].replace("\n0000b", "\n00000"))
    assert len(data) == 64 + 128
    assert struct.unpack_from("<I12x32sI", data) == (1, b"test".ljust(32, b"\0"), 624) and not any(data[52:64])
    label, bins = struct.unpack_from("<II", data, 64)
    counts, edges = struct.unpack_from(f"<{bins}I", data, 72), struct.unpack_from(f"<{bins - 1}f", data, 132)
    assert (label, bins, counts, edges) == (1, 3, (200, 24, 400), (0.25, 0.75)) and sum(counts) == 624
    assert not any(data[72 + 4 * bins:132]) and not any(data[132 + 4 * (bins - 1):])


def test_reading_rules():
    (dump,) = [block for block in PAGE.read_text(encoding="utf-8").split("```") if block.startswith("text\n0000c000")]
    data = parse_dump("00000000" + dump[len("text\n0000c000"):].replace("\n0000c", "\n00000"))
    assert len(data) == 256 + 2 * 256
    assert struct.unpack_from("<IIfI", data) == (2, 1, 0.875, 0) and data[16:48] == bytes(range(32))
    texts = [data[start:end].rstrip(b"\0").decode("ascii") for start, end in ((48, 80), (80, 112), (112, 144), (144, 160), (160, 192), (192, 256))]
    assert texts == ["validation", "test", "chest", "SCT", "816094009", "Chest"]
    normal, pneumonia = data[256:512], data[512:]
    assert normal[32:96].rstrip(b"\0").decode() == "正常" and pneumonia[32:96].rstrip(b"\0").decode() == "肺炎"
    assert not any(normal[:32]) and not any(normal[96:164]) and struct.unpack_from("<fII", normal, 164) == (0, 234, 210)
    assert pneumonia[:32].rstrip(b"\0") == b"lungs" and struct.unpack_from("<I4f", pneumonia, 96) == (1, 0.0625, 0.25, 0.625, 2)
    assert struct.unpack_from("<12I", pneumonia, 116) == (40, 39, 90, 88, 20, 15, 30, 24, 8, 4, 9, 5)
    assert struct.unpack_from("<fII", pneumonia, 164) == (0.125, 390, 350) and not any(normal[176:]) and not any(pneumonia[176:])


def blake2b256(data):
    return hashlib.blake2b(data, digest_size=32).digest()


def test_header(file):
    assert file[:8] == b"\x89TERN\r\n\x1a"
    assert struct.unpack_from("<HHIQ", file, 8) == (1, 0, 0, len(file))


def test_digests(file, sections):
    for data, digest in sections.values():
        assert blake2b256(data) == digest
    assert blake2b256(file[:3840]) == file[3840:3872]


def test_tensors_are_aligned_and_end_the_section(sections):
    table, weights = sections[1][0], sections[7][0]
    end = 0
    for start in range(0, len(table), 128):
        offset, size = struct.unpack_from("<QQ", table, start + 72)
        assert offset == (end + 63) // 64 * 64
        assert not any(weights[end:offset])
        end = offset + size
    assert end == len(weights)


def test_golden_output_follows_from_the_packed_weights(sections):
    """N-02, N-03 in exact arithmetic, rounded to binary32 once at the end; the true result differs by less than one unit."""
    weights, golden = sections[7][0], sections[6][0]
    scale, = struct.unpack_from("<f", weights, 256)
    bias = struct.unpack_from("<2f", weights, 320)
    x = struct.unpack_from("<4f", golden, 16)
    expected = struct.unpack_from("<2f", golden, 32)
    largest = max(abs(value) for value in x)
    codes = [round(value * 127 / largest) for value in x]  # Python rounds halves to even
    assert codes == [127, 64, -32, 0]
    for row in range(2):
        digits = [(weights[4 * row + k] & 3) - 1 for k in range(4)]
        result = sum(code * digit for code, digit in zip(codes, digits)) * (largest / 127) * scale + bias[row]
        assert math.isclose(result, expected[row], rel_tol=2**-22)


# Ed25519, RFC 8032 section 5.1, on Python's integers: slow, and only ever used on public data.
P = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, -1, P) % P


def add(left, right):
    (x1, y1), (x2, y2) = left, right
    product = D * x1 * x2 * y1 * y2
    return (x1 * y2 + x2 * y1) * pow(1 + product, -1, P) % P, (y1 * y2 + x1 * x2) * pow(1 - product, -1, P) % P


def multiply(point, factor):
    result = (0, 1)
    while factor:
        if factor & 1:
            result = add(result, point)
        point, factor = add(point, point), factor >> 1
    return result


def decode(data):
    number = int.from_bytes(data, "little")
    y, sign = number & (2**255 - 1), number >> 255
    square = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    x = pow(square, (P + 3) // 8, P)
    if x * x % P != square:
        x = x * pow(2, (P - 1) // 4, P) % P
    assert x * x % P == square
    return (P - x if x & 1 != sign else x), y


def test_signature(file):
    kind, = struct.unpack_from("<I", file, 3872)
    assert kind == 1
    key, signature = file[3904:3936], file[3936:4000]
    message = b"tern-model-file-v1\n" + file[3840:3872]
    assert len(message) == 51
    base = decode((4 * pow(5, -1, P) % P).to_bytes(32, "little"))
    scalar = int.from_bytes(signature[32:], "little")
    assert scalar < ORDER
    challenge = int.from_bytes(hashlib.sha512(signature[:32] + key + message).digest(), "little") % ORDER
    assert multiply(base, scalar) == add(decode(signature[:32]), multiply(decode(key), challenge))
