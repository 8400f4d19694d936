"""The engine's arithmetic in torch: Models/NUMERICS.md step by step, integers held exactly in binary32.

Sums of products stay below 2^24, so a binary32 matrix product of integer codes is exact in any order. `fma` is computed
in binary64, and what lies exactly between two binary32 numbers there is moved to the side of its rounding error first.
"""
from __future__ import annotations

import math

import torch

from model import VisionTransformer, patches
from polynomials import EXP2, GELU, GELU_END, WEIGHTS
from quantise import Linear

LARGEST_EXACT = 1 << 24
TIE_MASK, TIE = (1 << 29) - 1, 1 << 28  # the bits of a binary64 number that binary32 drops, and their middle


def fma(a: torch.Tensor, b, c) -> torch.Tensor:
    """a * b + c with one rounding; binary32 in and out, broadcasting. `b` and `c` are tensors or binary32 numbers."""
    product = a.double() * (b.double() if isinstance(b, torch.Tensor) else b)  # exact: 24 + 24 bits
    c = c.double() if isinstance(c, torch.Tensor) else torch.tensor(c, dtype=torch.float64)
    total = product + c
    between = (total.view(torch.int64) & TIE_MASK) == TIE
    if between.any():
        # The error of the binary64 sum (Knuth's TwoSum) says on which side of the middle the true sum lies.
        product, c, middle = product.expand_as(total)[between], c.expand_as(total)[between], total[between]
        back = middle - product
        error = (product - (middle - back)) + (c - back)
        aside = torch.nextafter(middle, torch.copysign(torch.full_like(middle, math.inf), error))
        total[between] = torch.where(error != 0, aside, middle)
    return total.float()


def sum16(x: torch.Tensor, factor: torch.Tensor | None = None) -> torch.Tensor:
    """N-01 over the last dimension: of x, or of fma(x, factor) when `factor` is given. Drops that dimension."""
    count = x.shape[-1]
    pad = -count % 16
    x = torch.nn.functional.pad(x, (0, pad))
    factor = None if factor is None else torch.nn.functional.pad(factor, (0, pad))
    lanes = torch.zeros(*x.shape[:-1], 16)
    for start in range(0, count, 16):
        part = x[..., start:start + 16]
        lanes = lanes + part if factor is None else fma(part, factor[..., start:start + 16], lanes)
    for half in (8, 4, 2, 1):
        lanes = lanes[..., :half] + lanes[..., half:2 * half]
    return lanes[..., 0]


def quantise_rows(x: torch.Tensor, levels: int, dim: int = -1) -> tuple[torch.Tensor, torch.Tensor]:
    """N-02 along `dim`: integer codes (as binary32, shape of x) and scales (that dimension kept, of extent 1)."""
    a = x.abs().amax(dim=dim, keepdim=True)
    if not torch.isfinite(a).all():
        raise ValueError("N-02: an activation is not finite")
    tiny = a < 2.0 ** -100
    # Tensor by tensor: torch computes number / tensor as a reciprocal and a product, which rounds twice.
    rate = torch.where(tiny, 0.0, torch.full_like(a, float(levels)) / a)
    return torch.round(x * rate), torch.where(tiny, 0.0, a / float(levels))


def linear(x: torch.Tensor, layer: Linear) -> torch.Tensor:
    """N-02 and N-03: [.., K] -> [.., N] in the layer's integer mode."""
    codes, scale = layer.parts()
    bound = layer.levels * int(codes.abs().max()) * codes.shape[1]
    if bound >= LARGEST_EXACT:
        raise ValueError(f"the sum may reach {bound}, which binary32 does not hold exactly")
    q, s = quantise_rows(x, layer.levels)
    return fma(q @ codes.t(), s * scale, layer.bias)


def layer_norm(x: torch.Tensor, norm: torch.nn.LayerNorm) -> torch.Tensor:
    """N-05 over the last dimension."""
    channels = torch.tensor(float(x.shape[-1]))
    mean = sum16(x) / channels
    d = x - mean[..., None]
    variance = sum16(d, d) / channels
    # Through binary64: torch's binary32 square root is not always the nearest one.
    t = 1.0 / torch.sqrt((variance + torch.tensor(norm.eps, dtype=torch.float32)).double()).float()
    return fma(d * t[..., None], norm.weight, norm.bias)


def gelu(x: torch.Tensor) -> torch.Tensor:
    """N-07."""
    a = x.abs().clamp_max(GELU_END)
    p = torch.full_like(x, GELU[-1])
    for coefficient in reversed(GELU[:-1]):
        p = fma(p, a, coefficient)
    return fma(a, p, x.clamp_min(0.0))


def exp2(x: torch.Tensor, coefficients: list[float] = EXP2) -> torch.Tensor:
    """N-08 for x <= 0; with WEIGHTS the E of N-06."""
    x = x.clamp_min(-125.0)
    n = torch.round(x)
    f = x - n
    p = torch.full_like(x, coefficients[-1])
    for coefficient in reversed(coefficients[:-1]):
        p = fma(p, f, coefficient)
    return torch.ldexp(p, n.to(torch.int32))


def attention(q: torch.Tensor, k: torch.Tensor, v: torch.Tensor) -> torch.Tensor:
    """N-06 on [B, heads, T, D]."""
    c = torch.tensor(math.log2(math.e) / math.sqrt(q.shape[-1]), dtype=torch.float32)
    q, sq = quantise_rows(q, 127)
    k, sk = quantise_rows(k, 127)
    v, sv = quantise_rows(v, 127, dim=-2)
    t = (q @ k.transpose(-2, -1)) * sk.transpose(-2, -1)
    m = t.amax(dim=-1, keepdim=True)
    u = torch.round(exp2((t - m) * (sq * c), WEIGHTS))
    return ((u @ v) * sv) * (1.0 / u.sum(dim=-1, keepdim=True))


@torch.no_grad()
def infer(model: VisionTransformer, images: torch.Tensor, batch: int = 64) -> tuple[torch.Tensor, torch.Tensor]:
    """Logits [N, classes] of normalised images [N, C, H, W] as the engine computes them, and the feature [N, width] of N-13,
    the row that the last layer norm reads."""
    pooled = torch.cat([_pooled(model, part) for part in images.split(batch)])
    norm = model.fc_norm if model.architecture.pool == "mean" else model.norm
    return linear(layer_norm(pooled, norm), model.head), pooled


def _pooled(model: VisionTransformer, images: torch.Tensor) -> torch.Tensor:
    a = model.architecture
    x = linear(patches(images, a.patch), model.patch_embed.proj) + model.pos_embed[:, 1:]
    prefix = (model.cls_token + model.pos_embed[:, :1]).expand(len(images), -1, -1)
    x = torch.cat([prefix, x], dim=1)
    b, t, c = x.shape
    for block in model.blocks:
        y = linear(layer_norm(x, block.norm1), block.attn.qkv)
        q, k, v = y.reshape(b, t, 3, a.heads, c // a.heads).permute(2, 0, 3, 1, 4)
        y = attention(q, k, v).transpose(1, 2).reshape(b, t, c)
        x = linear(y, block.attn.proj) + x
        y = gelu(linear(layer_norm(x, block.norm2), block.mlp.fc1))
        x = linear(y, block.mlp.fc2) + x
    if a.pool == "mean":
        total = torch.zeros(b, c)
        for row in range(1, t):
            total = total + x[:, row]
        return total / torch.tensor(float(t - 1))
    return x[:, 0]


def softmax(z: torch.Tensor, temperature: float) -> torch.Tensor:
    """N-11: scores [N, classes] of logits [N, classes]."""
    z = z / torch.tensor(temperature, dtype=torch.float32)
    e = exp2((z - z.amax(dim=1, keepdim=True)) * float.fromhex("0x1.715476p+0"))
    total = torch.zeros(len(z))
    for column in range(z.shape[1]):
        total = total + e[:, column]
    return e / total[:, None]
