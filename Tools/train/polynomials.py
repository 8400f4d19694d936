"""The polynomials of Models/NUMERICS.md, lowest power first: N-07, N-08, and the weights of attention in N-06."""
from __future__ import annotations

import torch

GELU = [float.fromhex(text) for text in (
    "-0x1.ff635ep-2", "0x1.8acc10p-2", "0x1.a6bd58p-5", "-0x1.2cb186p-3",
    "0x1.edde8ap-5", "-0x1.569628p-7", "0x1.66828cp-11")]
GELU_END = 3.90625
EXP2 = [float.fromhex(text) for text in (
    "0x1.000002p+0", "0x1.62e428p-1", "0x1.ebf918p-3", "0x1.c6b6e6p-5", "0x1.3d0c52p-7", "0x1.5c08e0p-10")]
WEIGHTS = [float.fromhex(text) for text in ("0x1.fdf69cp+7", "0x1.619026p+7", "0x1.eeed3cp+5", "0x1.c2335ap+3")]


def value(x: torch.Tensor, coefficients: list[float]) -> torch.Tensor:
    """The polynomial at x, rounded after every product and sum."""
    result = torch.full_like(x, coefficients[-1])
    for coefficient in reversed(coefficients[:-1]):
        result = result * x + coefficient
    return result
