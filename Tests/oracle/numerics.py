#!/usr/bin/env python3
"""Models/NUMERICS.md in NumPy, written from its text alone, and a reader of Models/FORMAT.md that runs a file's plan with it.

    python3 Tests/oracle/numerics.py MODEL.tern                         checks the golden vectors in the file, bit for bit
    python3 Tests/oracle/numerics.py MODEL.tern --input X --output Y    runs binary32 inputs, writes binary32 outputs

It shares no code with the engine, and computes the same function by other means: whole arrays in the order of the rules, fused multiply-adds
by binary64 with rounding to odd. It is slow and wants small models. Needs the package of Tests/requirements.txt.
"""
from __future__ import annotations

import argparse
import struct
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np

F = np.float32
LANES = 16


# ---- Arithmetic -----------------------------------------------------------------------------------------------------------------------

def fma(a, b, c) -> np.ndarray:
    """a * b + c rounded once to binary32.

    The product of two binary32 values is exact in binary64. The sum is rounded to odd there (TwoSum gives its error), after which rounding to
    binary32 is the correct rounding of the exact value, because binary64 has more than two bits to spare.
    """
    a, b, c = np.broadcast_arrays(np.asarray(a, F), np.asarray(b, F), np.asarray(c, F))
    product = a.astype(np.float64) * b.astype(np.float64)
    addend = c.astype(np.float64)
    total = product + addend
    share = total - product
    error = (product - (total - share)) + (addend - share)
    even = (total.view(np.int64) & 1) == 0
    toward = np.where(error > 0, np.inf, -np.inf)
    odd = np.where((error != 0) & even, np.nextafter(total, toward), total)
    return odd.astype(F)


def tree(lanes: np.ndarray) -> np.ndarray:
    """N-01: the sixteen lanes of the last axis to one value."""
    for half in (8, 4, 2, 1):
        lanes = lanes[..., :half] + lanes[..., half:2 * half]
    return lanes[..., 0]


def sum16(x: np.ndarray) -> np.ndarray:
    """N-01 over the last axis."""
    lanes = np.zeros(x.shape[:-1] + (LANES,), F)
    for i in range(x.shape[-1]):
        lanes[..., i % LANES] = lanes[..., i % LANES] + x[..., i]
    return tree(lanes)


def sum16_fma(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """N-01, sum of fma(a, b), over the last axis with broadcasting of the others."""
    shape = np.broadcast_shapes(a.shape, b.shape)
    lanes = np.zeros(shape[:-1] + (LANES,), F)
    for i in range(shape[-1]):
        lanes[..., i % LANES] = fma(a[..., i], b[..., i], lanes[..., i % LANES])
    return tree(lanes)


def quantise(x: np.ndarray, levels: int) -> tuple[np.ndarray, np.ndarray]:
    """N-02 over the last axis: codes (int64) and scales."""
    a = np.abs(x).max(axis=-1)
    if not np.isfinite(a).all():
        raise ValueError("N-02: not finite")
    small = a < F(2.0 ** -100)
    safe = np.where(small, F(1), a)
    rate = F(levels) / safe
    codes = np.rint(x * rate[..., None]).astype(np.int64)
    codes[small] = 0
    return codes, np.where(small, F(0), a / F(levels)).astype(F)


GELU = [float.fromhex(h) for h in (
    "-0x1.ff635ep-2 0x1.8acc10p-2 0x1.a6bd58p-5 -0x1.2cb186p-3 "
    "0x1.edde8ap-5 -0x1.569628p-7 0x1.66828cp-11").split()]
EXP2 = [float.fromhex(h) for h in "0x1.000002p+0 0x1.62e428p-1 0x1.ebf918p-3 0x1.c6b6e6p-5 0x1.3d0c52p-7 0x1.5c08e0p-10".split()]
WEIGHTS = [float.fromhex(h) for h in "0x1.fdf69cp+7 0x1.619026p+7 0x1.eeed3cp+5 0x1.c2335ap+3".split()]


def horner(coefficients: list[float], u: np.ndarray) -> np.ndarray:
    value = np.full_like(u, F(coefficients[-1]))
    for coefficient in reversed(coefficients[:-1]):
        value = fma(value, u, F(coefficient))
    return value


def gelu(x: np.ndarray) -> np.ndarray:
    """N-07."""
    a = np.minimum(np.abs(x), F(3.90625))
    return fma(a, horner(GELU, a), np.where(x < 0, F(0), x))


def exp2(x: np.ndarray, coefficients: list[float] = EXP2) -> np.ndarray:
    """N-08; with WEIGHTS the E of N-06."""
    x = np.maximum(x, F(-125))
    n = np.rint(x).astype(np.int32)
    p = horner(coefficients, x - n.astype(F))
    return (p.view(np.int32) + (n << 23)).view(F)


def linear(x, weights, scale, bias, levels: int, use_gelu: bool, residual) -> np.ndarray:
    """N-02 to N-04: integer codes with a scale, or binary32 weights when `scale` is None."""
    if scale is None:
        y = sum16_fma(x[:, None, :], weights[None, :, :]) + (bias if bias is not None else F(0))
    else:
        codes, s = quantise(x, levels)
        sums = codes @ weights.T.astype(np.int64)
        y = fma(sums.astype(F), s[:, None] * scale[None, :], bias if bias is not None else F(0))
    y = y.astype(F)
    if use_gelu:
        y = gelu(y)
    return y if residual is None else y + residual


def layer_norm(x, gamma, beta, epsilon) -> np.ndarray:
    """N-05."""
    channels = F(x.shape[-1])
    d = x - (sum16(x) / channels)[:, None]
    v = sum16_fma(d, d) / channels
    t = F(1) / np.sqrt(v + F(epsilon))
    return fma(d * t[:, None], gamma, beta)


def attention(q, k, v, heads: int, kv_heads: int, width: int, c, kept: list | None = None) -> np.ndarray:
    """N-06; what N-17 reads of each head, u, 1 / Z and norms of values, goes to `kept`."""
    output = np.zeros((q.shape[0], heads * width), F)
    for head in range(heads):
        group = head * kv_heads // heads
        columns, shared = slice(head * width, (head + 1) * width), slice(group * width, (group + 1) * width)
        q_codes, q_scales = quantise(q[:, columns], 127)
        k_codes, k_scales = quantise(k[:, shared], 127)
        v_codes, v_scales = quantise(v[:, shared].T, 127)
        t = (q_codes @ k_codes.T).astype(F) * k_scales[None, :]
        m = t.max(axis=1)
        u = np.rint(exp2((t - m[:, None]) * (q_scales * F(c))[:, None], WEIGHTS)).astype(np.int64)
        z = u.sum(axis=1)
        if kept is not None:
            kept.append((u, F(1) / z.astype(F), np.sqrt(sum16(v[:, shared] * v[:, shared]))))
        sums = (u @ v_codes.T).astype(F) * v_scales[None, :]
        output[:, columns] = sums * (F(1) / z.astype(F))[:, None]
    return output


def feature_score(feature, mean, precisions, directions, residual_precision) -> np.float32:
    """N-13: [C], [C], [r], [r, C]."""
    d = feature - mean
    s = a = F(0)
    for w, p in zip(precisions, directions):
        q = np.square(sum16(d * p))
        s = s + q
        a = a + w * q
    e = sum16(d * d) - s
    return np.sqrt((a + F(residual_precision) * (F(0) if e < 0 else e)) / F(d.size))


def mean_pool(x) -> np.ndarray:
    """N-09."""
    a = np.zeros(x.shape[1], F)
    for row in x:
        a = a + row
    return a / F(x.shape[0])


def patches(image, patch: int) -> np.ndarray:
    """N-10."""
    channels, height, width = image.shape
    rows = [image[:, y:y + patch, x:x + patch].reshape(-1)
            for y in range(0, height - patch + 1, patch) for x in range(0, width - patch + 1, patch)]
    return np.stack(rows)


def shares(x, mean, weights, gamma, epsilon, beta, output) -> tuple[np.ndarray, np.float32]:
    """N-16: [P, C] that the mean [C] was taken of, w * g [C], the norms' values or None: the shares and the base."""
    count, u, t = F(mean.size), weights, F(1)
    if gamma is not None:
        u = u * gamma
        d = mean - sum16(mean) / count
        t = F(1) / np.sqrt(sum16(d * d) / count + F(epsilon))
        u = u - sum16(u) / count
    o = sum16(beta * u) if beta is not None else F(0)
    return (sum16(x * u) - o) * (t / F(len(x))), output - (sum16(mean * u) - o) * t


def relevance(layers: list[list], tokens: int, read: int) -> np.ndarray:
    """N-17: of each attention in order what its heads kept; r of all tokens before the first."""
    r = np.where(np.arange(tokens) < read, F(1) / F(read), F(0)).astype(F)
    for heads in reversed(layers):
        queries = len(heads[0][0])
        total = np.zeros(queries, F)
        for u, inverse, norms in heads:
            total = total + inverse * sum16(u.astype(F) * norms)
        e = np.where(total > 0, F(0.5) * r[:queries] / np.where(total > 0, total, F(1)), F(0)).astype(F)
        before = np.where(np.arange(tokens) < queries, F(0.5) * r, F(0)).astype(F)
        for u, inverse, norms in heads:
            a, s = e * inverse, np.zeros(tokens, F)
            for i in range(queries):
                s = s + a[i] * u[i].astype(F)
            before = before + norms * s
        r = before
    return r


# ---- The file -------------------------------------------------------------------------------------------------------------------------

@dataclass
class Tensor:
    name: str
    values: np.ndarray


@dataclass
class Operation:
    kind: int
    flags: int
    m: int
    n: int
    k: int
    levels: int
    regions: list[tuple[int, int]]
    tensors: tuple[int, int, int, int]
    heads: int
    kv_heads: int
    width: int
    parameter: float
    name: str


def text(raw: bytes) -> str:
    return raw.split(b"\0", 1)[0].decode("ascii")


def unpack(raw: np.ndarray, kind: int, rows: int, columns: int) -> np.ndarray:
    """Section 2, packing panel64x4: integer codes [rows, columns]."""
    groups_a_block = {2: 1, 3: 4, 4: 5}[kind]
    panels = -(-rows // 64)
    blocks = -(-columns // (4 * groups_a_block))
    data = raw.reshape(panels, blocks, 64, 4)
    if kind == 2:
        codes = data.view(np.int8).astype(np.int64)[:, :, None]
    elif kind == 3:
        codes = np.stack([((data >> (2 * j)) & 3).astype(np.int64) - 1 for j in range(4)], axis=2)
    else:
        x, digits = data.astype(np.int64), []
        for _ in range(5):
            x = 3 * x
            digits.append((x >> 8) - 1)
            x = x & 255
        codes = np.stack(digits, axis=2)
    # [panel, block, group, channel, k mod 4] to [panel, channel, block, group, k mod 4]
    codes = codes.transpose(0, 3, 1, 2, 4).reshape(panels * 64, blocks * groups_a_block * 4)
    return codes[:rows, :columns]


def generated(seed: int, count: int) -> np.ndarray:
    """The golden input of a seed, FORMAT.md section 6."""
    z = np.uint64(seed) + np.arange(1, count + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    z ^= z >> np.uint64(31)
    return ((z >> np.uint64(40)).astype(np.float64) / 2.0 ** 22 - 2).astype(F)


class Model:
    """The parts of a model file that its plan needs. Assumes a valid file."""

    def __init__(self, path: Path) -> None:
        data = np.fromfile(path, np.uint8)
        raw = data.tobytes()
        if raw[:8] != bytes.fromhex("895445524E0D0A1A"):
            raise ValueError(f"{path} is not a model file")
        self.arena_bytes, = struct.unpack_from("<Q", raw, 24)
        sections, tensors, operations, self.outputs = struct.unpack_from("<4I", raw, 32)
        self.shape = struct.unpack_from("<3I", raw, 48)
        self.input_offset, self.output_offset = struct.unpack_from("<2Q", raw, 64)
        place = {}
        for index in range(sections):
            kind, _, offset, count = struct.unpack_from("<IIQQ", raw, 256 + 64 * index)
            place[kind] = (offset, count)
        self.tensors = [self._tensor(data, raw, place[1][0] + 128 * i, place[7][0]) for i in range(tensors)]
        self.operations = [self._operation(raw, place[2][0] + 192 * i) for i in range(operations)]
        self.features, = struct.unpack_from("<I", raw, 12)
        self.golden = self._golden(raw, place[6][0])

    @staticmethod
    def _tensor(data: np.ndarray, raw: bytes, at: int, weights: int) -> Tensor:
        kind, rank = raw[at + 48], raw[at + 49]
        dimensions = struct.unpack_from("<4I", raw, at + 56)[:rank]
        offset, count = struct.unpack_from("<QQ", raw, at + 72)
        part = data[weights + offset:weights + offset + count]
        if kind in (1, 5):
            values = part.view("<f4" if kind == 1 else "<f2").astype(F).reshape(dimensions)
        else:
            values = unpack(part, kind, *dimensions)
        return Tensor(text(raw[at:at + 48]), values)

    @staticmethod
    def _operation(raw: bytes, at: int) -> Operation:
        kind, flags, m, n, k, levels = struct.unpack_from("<6I", raw, at)
        regions = [struct.unpack_from("<QI", raw, at + 24 + 16 * i) for i in range(4)]
        tensors = struct.unpack_from("<4I", raw, at + 88)
        heads, kv_heads, width = struct.unpack_from("<3I", raw, at + 104)
        parameter, = struct.unpack_from("<f", raw, at + 116)
        return Operation(kind, flags, m, n, k, levels, regions, tensors, heads, kv_heads, width, parameter, text(raw[at + 120:at + 152]))

    def _golden(self, raw: bytes, at: int) -> list[tuple[np.ndarray, np.ndarray]]:
        count, inputs, outputs, _ = struct.unpack_from("<4I", raw, at)
        if self.features & 1:
            starts = [at + 16 + index * (8 + 4 * outputs) for index in range(count)]
            return [(generated(struct.unpack_from("<Q", raw, start)[0], inputs), np.frombuffer(raw, "<f4", outputs, start + 8)) for start in starts]
        values = np.frombuffer(raw, "<f4", count * (inputs + outputs), at + 16).reshape(count, inputs + outputs)
        return [(row[:inputs], row[inputs:]) for row in values]

    def run(self, image: np.ndarray) -> np.ndarray:
        """The plan over one arena, operation by operation."""
        arena = np.zeros(self.arena_bytes // 4, F)
        self.steps, self.kept = [], []
        start = self.input_offset // 4
        arena[start:start + image.size] = image.reshape(-1)

        def matrix(region: tuple[int, int], rows: int, columns: int) -> np.ndarray:
            offset, stride = region
            return np.lib.stride_tricks.as_strided(arena[offset // 4:], (rows, columns), (4 * stride, 4))

        for op in self.operations:
            source, second, target, residual = op.regions
            weights, scale, bias, added = op.tensors
            if op.kind == 1:
                begin = source[0] // 4
                pixels = arena[begin:begin + int(np.prod(self.shape))].reshape(self.shape)
                result = patches(pixels, op.n)
                columns = op.k
            elif op.kind == 2:
                result, columns = self.tensors[weights].values, op.n
            elif op.kind == 3:
                result = layer_norm(matrix(source, op.m, op.n).copy(), self.tensors[weights].values, self.tensors[bias].values, op.parameter)
                columns = op.n
            elif op.kind == 4:
                result = self._linear(op, matrix(source, op.m, op.k).copy(), lambda: matrix(residual, op.m, op.n).copy())
                columns = op.n
            elif op.kind == 5:
                shared = op.kv_heads * op.width
                keys = matrix(second, op.m, 2 * shared).copy()
                self.kept.append([])
                result = attention(matrix(source, op.k, op.n).copy(), keys[:, :shared], keys[:, shared:], op.heads, op.kv_heads, op.width,
                                   op.parameter, self.kept[-1])
                columns = op.n
            else:
                result, columns = mean_pool(matrix(source, op.m, op.n).copy())[None], op.n
            matrix(target, result.shape[0], columns)[...] = result
            read = matrix(source, op.m, op.n).copy() if op.kind == 6 else None
            self.steps.append((op, read, result))
        begin = self.output_offset // 4
        return arena[begin:begin + self.outputs].copy()

    def steps_of_patches(self) -> int:
        """Patches of the plan."""
        return next(op.m for op in self.operations if op.kind == 1)

    def shares(self, output: int, is_contrast: bool = False) -> tuple[np.ndarray, np.float32]:
        """N-16 of the last image, of an output or of that less the mean of the others."""
        kinds = [op.kind for op, _, _ in self.steps]
        at = kinds.index(6)
        (pool, x, mean), (head, _, z) = self.steps[at], self.steps[-1]
        assert kinds[at:] in ([6, 4], [6, 3, 4])
        before, behind = self.operations[at - 1], self.operations[at + 1]
        gamma = self.tensors[behind.tensors[0]].values if behind.kind == 3 else None
        beta = self.tensors[before.tensors[2]].values if before.kind == 3 else None
        scales = np.broadcast_to(self.tensors[head.tensors[1]].values, (head.n,)) if head.levels else np.ones(head.n, F)
        rows, z = self.tensors[head.tensors[0]].values.astype(F) * scales[:, None], z[0]
        weights, value = rows[output], z[output]
        if is_contrast:
            part, others, rest = F(1) / F(head.n - 1), np.zeros(head.k, F), F(0)
            for other in range(head.n):
                if other != output:
                    others, rest = others + rows[other], rest + z[other]
            weights, value = weights - others * part, value - rest * part
        return shares(x, mean[0], weights, gamma, behind.parameter, beta, value)

    def relevance(self, first: int) -> tuple[np.ndarray, np.float32]:
        """N-17 of the last image, whose patches start at token `first`."""
        norm = next(op for op, _, _ in reversed(self.steps) if op.kind == 3)
        tokens = self.kept[0][0][0].shape[1]
        r = relevance(self.kept, tokens, norm.m)
        patches, base = self.steps_of_patches(), F(0)
        for value in np.delete(r, slice(first, first + patches)):
            base = base + value
        return r[first:first + patches], base

    def _linear(self, op: Operation, x: np.ndarray, arena_residual) -> np.ndarray:
        weights, scale, bias, added = op.tensors
        matrix = self.tensors[weights].values
        scales = None
        if op.levels:
            scales = np.broadcast_to(self.tensors[scale].values, (op.n,))
        residual = arena_residual() if op.flags & 2 else self.tensors[added].values if op.flags & 4 else None
        return linear(x, matrix, scales, self.tensors[bias].values if op.flags & 8 else None, op.levels, bool(op.flags & 1), residual)


def check_golden(path: Path) -> bool:
    """Whether the oracle computes every golden output of the file, bit for bit."""
    model = Model(path)
    good = True
    for index, (image, expected) in enumerate(model.golden):
        found = model.run(image)
        different = np.flatnonzero(found.view(np.uint32) != expected.view(np.uint32))
        good &= different.size == 0
        print(f"{path.name}: vector {index}: " + ("all bits equal" if different.size == 0 else
              f"{different.size} of {expected.size} outputs differ, first {different[0]}: file {expected[different[0]]!r}, "
              f"oracle {found[different[0]]!r}"))
    return good


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", type=Path, nargs="+")
    parser.add_argument("--input", type=Path)
    parser.add_argument("--output", type=Path)
    arguments = parser.parse_args()
    if arguments.input is None:
        sys.exit(0 if all([check_golden(path) for path in arguments.models]) else 1)
    model = Model(arguments.models[0])
    images = np.fromfile(arguments.input, "<f4").reshape(-1, int(np.prod(model.shape)))
    np.stack([model.run(image) for image in images]).tofile(arguments.output)


if __name__ == "__main__":
    main()
