"""Fake quantisation with straight-through gradients, after rules N-02, N-03 and N-06 of Models/NUMERICS.md.

In training the values are real numbers that lie on the integer grid, so that gradients pass. The arithmetic of the
engine itself, integers first and one rounding per operation, is in reference.py.
"""
from __future__ import annotations

import math

import torch
import torch.nn as nn
import torch.nn.functional as F

import polynomials

SMALLEST_RANGE = 2.0 ** -100  # N-02: below this a row is all zero
ATTENTION_LEVELS = 127        # N-06: queries, keys and values
PROBABILITY_LEVELS = 255      # N-06: unnormalised probabilities


class _Straight(torch.autograd.Function):
    """Replaces values in the forward pass; the gradient goes to the first argument unchanged."""

    @staticmethod
    def forward(context, original, replacement):
        return replacement

    @staticmethod
    def backward(context, gradient):
        return gradient, None


def straight(original: torch.Tensor, replacement: torch.Tensor) -> torch.Tensor:
    """`replacement` in value, `original` in gradient. Both of one shape."""
    return _Straight.apply(original, replacement)


def fake_symmetric(x: torch.Tensor, levels: int, dim: int = -1) -> torch.Tensor:
    """N-02 along `dim`: codes rne(x * L / a) times a / L, a the largest magnitude along `dim`. Same shape as `x`."""
    with torch.no_grad():
        values = x.float()
        largest = values.abs().amax(dim=dim, keepdim=True)
        rate = torch.where(largest < SMALLEST_RANGE, torch.zeros_like(largest), levels / largest)
        rounded = (values * rate).round_().mul_(largest / levels).to(x.dtype)
    return straight(x, rounded)


def ternary_parts(weight: torch.Tensor, per_tensor: bool = False) -> tuple[torch.Tensor, torch.Tensor]:
    """Codes [N, K] in {-1, 0, 1} and scales g [N] of weight [N, K]: g = mean |W| of the row, code = rne(W / g) clipped.

    Source: Ma et al. 2024, arXiv:2402.17764, section 2, with one scale per output channel unless `per_tensor`.
    """
    scale = weight.abs().mean(dim=1).clamp_min(1e-8)
    if per_tensor:
        scale = scale.mean().expand_as(scale)
    codes = torch.round(weight / scale[:, None]).clamp_(-1, 1)
    return codes, scale


def int8_parts(weight: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Codes [N, K] in -127 ... 127 and scales [N] of weight [N, K]: scale = max |W| of the row / 127."""
    scale = weight.abs().amax(dim=1).clamp_min(1e-8) / 127
    codes = torch.round(weight / scale[:, None]).clamp_(-127, 127)
    return codes, scale


class Linear(nn.Linear):
    """Linear layer [.., K] -> [.., N] in one of the modes `float`, `ternary`, `int8`.

    `levels` is L of N-02 for the input rows. `share` in 0 ... 1 blends float and ternary weights, for a gradual start.
    A layer with `snapped` set holds weights that are ternary already; its scale is the largest magnitude of the row.
    """

    mode = "float"
    levels = 63
    share = 1.0
    snapped = False
    per_tensor = False  # one ternary scale for the whole matrix instead of one per output channel

    def parts(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Codes [N, K] and scales [N] of the present mode."""
        weight = self.weight.detach().flatten(1)
        if self.mode == "int8":
            return int8_parts(weight)
        if self.snapped:
            scale = weight.abs().amax(dim=1).clamp_min(1e-8)
            return torch.round(weight / scale[:, None]), scale
        return ternary_parts(weight, self.per_tensor)

    def effective_weight(self) -> torch.Tensor:
        """The weight [N, K] that the forward pass multiplies with."""
        weight = self.weight.flatten(1)
        if self.mode == "float":
            return weight
        with torch.no_grad():
            codes, scale = self.parts()
            value = codes * scale[:, None]
            if self.share < 1:
                value = weight + (value - weight) * self.share
        return straight(weight, value)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if self.mode != "float":
            x = fake_symmetric(x, self.levels)
        return F.linear(x, self.effective_weight(), self.bias)


def gelu(x: torch.Tensor, quantised: bool, training: bool) -> torch.Tensor:
    """GELU; outside of training a quantised model has the engine's polynomial (N-07), whose derivative is not the function's."""
    if training or not quantised:
        return F.gelu(x)
    a = x.abs().clamp_max(polynomials.GELU_END)
    return a * polynomials.value(a, polynomials.GELU) + x.clamp_min(0.0)


def attention(q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, quantised: bool, training: bool) -> torch.Tensor:
    """Scaled dot-product attention on [B, heads, T, D]; with `quantised` after N-06, outside of training with the engine's
    polynomial in the place of the exponential. Returns [B, heads, T, D]."""
    rate = q.shape[-1] ** -0.5
    if not quantised:
        return torch.softmax((q @ k.transpose(-2, -1)) * rate, dim=-1) @ v
    q = fake_symmetric(q, ATTENTION_LEVELS)
    k = fake_symmetric(k, ATTENTION_LEVELS)
    v = fake_symmetric(v, ATTENTION_LEVELS, dim=-2)
    logits = (q @ k.transpose(-2, -1)) * rate
    logits = logits - logits.detach().amax(dim=-1, keepdim=True)
    if training:
        unnormalised = torch.exp(logits) * PROBABILITY_LEVELS
    else:
        powers = (logits * math.log2(math.e)).clamp_min(-125.0)
        whole = torch.round(powers)
        unnormalised = torch.ldexp(polynomials.value(powers - whole, polynomials.WEIGHTS), whole.to(torch.int32))
    unnormalised = straight(unnormalised, torch.round(unnormalised))
    return (unnormalised @ v) / unnormalised.sum(dim=-1, keepdim=True)
