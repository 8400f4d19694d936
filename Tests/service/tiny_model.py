"""Writes small model files by Models/FORMAT.md, independently of the Swift writer. Their arithmetic is exact: weights are multiples of a power
of two and inputs are whole numbers, so that the golden outputs can be computed here."""

import hashlib
import struct

import numpy as np

MAGIC = bytes.fromhex("895445524e0d0a1a")
PAGE = 4096


def text(value, size):
    encoded = value.encode("ascii")
    assert len(encoded) < size
    return encoded.ljust(size, b"\0")


def blake(data):
    return hashlib.blake2b(data, digest_size=32).digest()


def padded(data, unit):
    return data + b"\0" * (-len(data) % unit)


class Draft:
    def __init__(self, name, version="1"):
        self.name, self.version = name, version
        self.records, self.weights, self.operations = [], b"", []

    def tensor(self, name, values):
        values = np.asarray(values, dtype="<f4")
        self.weights = padded(self.weights, 64)
        dims = list(values.shape) + [1] * (4 - values.ndim)
        data = values.tobytes()
        self.records.append(
            text(name, 48) + struct.pack("<BBBBI4IQQ", 1, values.ndim, 0, 0, 0, *dims, len(self.weights), len(data)) + bytes(40))
        self.weights += data
        return len(self.records) - 1

    def operation(self, name, kind, flags=0, m=0, n=0, k=0, levels=0, source=(0, 0), second=(0, 0), target=(0, 0), residual=(0, 0),
                  tensors=(0, 0, 0, 0), heads=(0, 0, 0), parameter=0.0):
        body = struct.pack("<6I", kind, flags, m, n, k, levels)
        for offset, stride in (source, second, target, residual):
            body += struct.pack("<QII", offset, stride, 0)
        body += struct.pack("<4I3If", *tensors, *heads, parameter) + text(name, 32) + bytes(40)
        assert len(body) == 192
        self.operations.append(body)

    @staticmethod
    def minor(kinds):
        """The first minor version that has sections of these kinds."""
        return max([{8: 3, 9: 3, 10: 4, 11: 5, 12: 6}[kind] for kind in kinds], default=0)

    def write(self, path, shape, arena, input_offset, output_offset, outputs, labels, golden, modality="", activation=0, key=None,
              card=b'{"purpose":"tests"}', more=(), rules=None):
        """`more` are sections behind the required ones: pairs of kind and bytes. `rules` makes the reading rules of the file's confirmation."""
        channels, height, width = shape
        recipe = text(modality, 16) + struct.pack("<3I2II2f", channels, height, width, 0, 2, 0, 0.0, 0.0)
        recipe += struct.pack("<4f4f", *([1.0] * channels + [0.0] * (4 - channels)), 0, 0, 0, 0)
        head = struct.pack("<IIfI", len(labels), activation, 1.0, 0).ljust(64, b"\0")
        golden_bytes = struct.pack("<4I", len(golden), channels * height * width, outputs, 0)
        for source, expected in golden:
            golden_bytes += np.asarray(source, "<f4").tobytes() + np.asarray(expected, "<f4").tobytes()
        sections = [
            b"".join(self.records), b"".join(self.operations), recipe.ljust(256, b"\0"), head + b"".join(labels), card, golden_bytes,
            self.weights,
        ]
        header = MAGIC + struct.pack("<HHI", 1, self.minor([kind for kind, _ in more]), 0)
        places = struct.pack("<QQ", input_offset, output_offset)
        counts = struct.pack("<3I3II", len(self.records), len(self.operations), outputs, channels, height, width, 0)
        if rules is not None:
            told = [(kind, data) for kind, data in [*enumerate(sections, 1), *more] if kind in (1, 2, 3, 4, 7, 8, 9, 10)]
            stated = b"".join(struct.pack("<I", kind) + blake(data) for kind, data in told)
            more = [*more, (12, rules(blake(b"tern-confirmation-v1\n" + counts + places + stated)))]
            header = MAGIC + struct.pack("<HHI", 1, 6, 0)
        offset, records, body = PAGE, b"", b""
        sections = [(kind, 1, data) for kind, data in enumerate(sections, 1)] + [(kind, 0, data) for kind, data in more]
        for index, (kind, flags, data) in enumerate(sections, 1):
            records += struct.pack("<IIQQ", kind, flags, offset, len(data)) + blake(data) + bytes(8)
            whole = padded(data, PAGE) if index < len(sections) else data
            body += whole
            offset += len(whole)
        header += struct.pack("<QQI", PAGE + len(body), arena, len(sections)) + counts + places + text(self.name, 64) + text(self.version, 32)
        header = (header.ljust(256, b"\0") + records).ljust(3840, b"\0")
        identity = blake(header)
        signature = bytes(4 + 28 + 32 + 64)
        if key is not None:
            public = key.public_key().public_bytes_raw()
            signature = struct.pack("<I", 1) + bytes(28) + public + key.sign(b"tern-model-file-v1\n" + identity)
        page = (header + identity + signature).ljust(PAGE, b"\0")
        with open(path, "wb") as file:
            file.write(page + body)
        return identity.hex()


def label(name, index, threshold=None, code=None, point="", reported=True):
    scheme, value, meaning = code or ("", "", "")
    flags = (1 if reported else 0) | (2 if code else 0) | (4 if threshold is not None else 0)
    return (text(name, 48) + text(scheme, 16) + text(value, 32) + text(meaning, 96)
            + struct.pack("<IIf", flags, index, threshold or 0.0) + text(point, 32)).ljust(256, b"\0")


def operating_points(points, measured_on="validation"):
    """Section 8; `points` are label, name, threshold."""
    data = (struct.pack("<I", len(points)) + bytes(12) + text(measured_on, 32)).ljust(64, b"\0")
    for index, name, threshold in points:
        record = text(name, 32) + struct.pack("<If6fII", index, threshold, 0.75, 0.5, 0.875, 0.5, 0.25, 0.625, 40, 60)
        data += record.ljust(128, b"\0")
    return data


def feature_statistics(threshold, residual_precision, false_alarms, mean, precisions, basis):
    """Section 9."""
    head = struct.pack("<IIfff", len(mean), len(precisions), threshold, residual_precision, false_alarms).ljust(64, b"\0")
    return head + b"".join(np.asarray(part, "<f4").tobytes() for part in (mean, precisions, basis))


def quality_gate(rules, cases, refused, measured_on="test"):
    """Section 10; `rules` are criterion, threshold, cases, refused, text."""
    data = (struct.pack("<I", len(rules)) + bytes(12) + text(measured_on, 32) + struct.pack("<II", cases, refused)).ljust(64, b"\0")
    for criterion, threshold, tried, counted, words in rules:
        data += struct.pack("<IfII", criterion, threshold, tried, counted) + text(words, 48)
    return data


def score_reference(distributions, cases, measured_on="test"):
    """Section 11; `distributions` are label, edges, counts."""
    data = (struct.pack("<I", len(distributions)) + bytes(12) + text(measured_on, 32) + struct.pack("<I", cases)).ljust(64, b"\0")
    for index, edges, counts in distributions:
        record = struct.pack("<II", index, len(counts)) + np.asarray(counts, "<u4").tobytes().ljust(60, b"\0") + np.asarray(edges, "<f4").tobytes()
        data += record.ljust(128, b"\0")
    return data


def reading_rules(confirmation, labels, level=None, region="chest", chosen_on="validation", measured_on="test"):
    """Section 12; `labels` are dictionaries with any of structure, chinese, tiers (four bounds and six pairs of calls and right ones), set (least, cases, covered)."""
    data = struct.pack("<IIfI", len(labels), level is not None, level or 0.0, 0) + confirmation
    data += text(chosen_on, 32) + text(measured_on, 32) + text(region, 32) + bytes(112)
    for label in labels:
        bounds, counts = label.get("tiers", ((0.0,) * 4, ((0, 0),) * 6))
        data += text(label.get("structure", ""), 32) + label.get("chinese", "").encode().ljust(64, b"\0")
        data += struct.pack("<I4f12I", "tiers" in label, *bounds, *(number for pair in counts for number in pair))
        data += struct.pack("<fII", *label.get("set", (0.0, 0, 0))) + bytes(80)
    return data


# A grey value g has the score 1 / (1 + exp(128 - g)) for white: tenths of the images have g = 119, 121 ... 137.
DRIFT_VALUES = list(range(119, 138, 2))


def drift_model(path, cases=500, **more):
    """The mean model with a gate and with the scores of `cases` images, a tenth of each of DRIFT_VALUES, as the reference of both labels."""
    edges = [1 / (1 + np.exp(float(128 - value))) for value in range(120, 137, 2)]
    reference = score_reference([(label, edges, [cases // 10] * 10) for label in (0, 1)], cases)
    statistics = feature_statistics(1.75, 1 / 256, 0.03125, [128.0] * 64, [1 / 4096], [1 / 8] * 64)
    return mean_model(path, sections=[(9, statistics), (11, reference)], **more)


def gated_model(path, **more):
    """The mean model with a quality gate: views AP and PA, at least 8 pixels a side, a contrast of at least 4."""
    rules = [(1, 0.0, 0, 0, "AP,PA"), (4, 8.0, 624, 0, ""), (7, 4.0, 624, 2, "")]
    return mean_model(path, sections=[(10, quality_gate(rules, 624, 2))], **more)


def measured_model(path, **more):
    """The mean model with operating points for both labels and a gate: with the pixels' distance from 128 in their mean direction a unit of
    64, and 16 in any other, a grey value g has the score |g - 128| / 64. From 1.75 it is flagged."""
    points = [(0, "sensitive", 0.25), (0, "even", 0.5), (0, "specific", 0.75), (1, "sensitive", 0.125), (1, "even", 0.5)]
    statistics = feature_statistics(1.75, 1 / 256, 0.03125, [128.0] * 64, [1 / 4096], [1 / 8] * 64)
    return mean_model(path, sections=[(8, operating_points(points)), (9, statistics)], black=0.5, **more)


def tiered_model(path):
    """The mean model with tiers for white: of its scores, sigmoids of the grey value minus 128, those of at most 124 are surely negative and those of at least 131 surely positive."""
    bounds = tuple(float(np.float32(1 / (1 + np.exp(-step)))) for step in (-3.5, -1.5, 1.5, 2.5))
    counts = ((40, 39), (90, 88), (20, 15), (30, 24), (8, 4), (9, 5))
    return mean_model(path, confirmed=[{"structure": "lungs", "chinese": "白", "tiers": (bounds, counts)}, {}])


def mean_model(path, modality="", key=None, wrong_golden=False, labels=True, card=b'{"purpose":"tests"}', sections=(), black=None, confirmed=True):
    """8 x 8 grey; output 0 is the sum of the pixels over 64 minus 128 (white is positive), output 1 its negative. `confirmed` may be False, or the labels of
    the reading rules."""
    draft = Draft("mean")
    weights = np.stack([np.full(64, 1 / 64), np.full(64, -1 / 64)])
    matrix, bias = draft.tensor("w", weights), draft.tensor("b", [-128.0, 128.0])
    draft.operation("patches", 1, m=1, n=8, k=64, source=(0, 8), target=(256, 64))
    draft.operation("head", 4, flags=8, m=1, n=2, k=64, source=(256, 64), target=(512, 2), tensors=(matrix, 0, bias, 0))
    source = np.arange(64) * 4.0
    mean = source.sum() / 64 - 128
    expected = [mean + (1 if wrong_golden else 0), -mean]
    names = [
        label("white", 0, 0.5, ("99TEST", "W", "White"), "even"),
        label("black", 1, black, point="even" if black else ""),
    ]
    return draft.write(path, (1, 8, 8), 576, 0, 512, 2, names if labels else [], [(source, expected)], modality, 2 if labels else 0, key,
                       card, sections, None if not confirmed or not labels else lambda told: reading_rules(told, [{}, {}] if confirmed is True else confirmed))


def slow_model(path, rounds=24, side=1024):
    """Some tenths of a second an image: products with a matrix of zeros."""
    draft = Draft("slow")
    widen, zeros = draft.tensor("widen", np.zeros((side, 64))), draft.tensor("zeros", np.zeros((side, side)))
    head = draft.tensor("out", np.zeros((1, side)))
    image, rows = 64 * 64 * 4, 64
    first = 2 * image
    second, last = first + rows * side * 4, first + 2 * rows * side * 4
    draft.operation("patches", 1, m=rows, n=8, k=64, source=(0, 64), target=(image, 64))
    draft.operation("widen", 4, m=rows, n=side, k=64, source=(image, 64), target=(first, side), tensors=(widen, 0, 0, 0))
    here, there = first, second
    for index in range(rounds):
        draft.operation(f"round{index}", 4, m=rows, n=side, k=side, source=(here, side), target=(there, side), tensors=(zeros, 0, 0, 0))
        here, there = there, here
    draft.operation("head", 4, m=1, n=1, k=side, source=(here, side), target=(last, 1), tensors=(head, 0, 0, 0))
    return draft.write(path, (1, 64, 64), last + 64, 0, last, 1, [], [(np.zeros(4096), [0.0])])
