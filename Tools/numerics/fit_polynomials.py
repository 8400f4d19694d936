#!/usr/bin/env python3
"""Fits the polynomials of Models/NUMERICS.md (N-06 weights of attention, N-07 GELU, N-08 exp2) and prints their coefficients.

Weighted minimax by Lawson's iteration (Lawson 1961) in a Chebyshev basis, rounded to binary32, then the
largest error over a dense grid with every operation rounded as the engine rounds it.

    python3 Tools/numerics/fit_polynomials.py

Needs numpy and scipy.
"""
import numpy as np
from numpy.polynomial import Polynomial, chebyshev
from scipy.special import erf

CLAMP = 3.90625      # GELU: its distance from max(x, 0) is taken as constant past this
GELU_DEGREE = 6
EXP2_DEGREE = 5
WEIGHT_DEGREE = 3
WEIGHT_LEVELS = 255  # attention rounds to this many


def lawson(target, weight, degree, nodes=20000, rounds=80):
    """The degree-`degree` polynomial in u on [-1, 1] with the smallest largest weighted error, monomial basis."""
    u = np.cos(np.pi * (np.arange(nodes) + 0.5) / nodes)
    basis, wanted, scale = chebyshev.chebvander(u, degree), target(u), weight(u)
    mass = np.ones(nodes) / nodes
    for _ in range(rounds):
        row = np.sqrt(mass) * scale
        coefficients = np.linalg.lstsq(basis * row[:, None], wanted * row, rcond=None)[0]
        error = np.abs((basis @ coefficients - wanted) * scale)
        mass *= error / error.max() + 1e-12
        mass /= mass.sum()
    return chebyshev.cheb2poly(coefficients).astype(np.float32)


def fma(a, b, c):
    return (np.float64(a) * np.float64(b) + np.float64(c)).astype(np.float32)


def horner(coefficients, u):
    value = np.full_like(u, coefficients[-1])
    for c in coefficients[-2::-1]:
        value = fma(value, u, c)
    return value


def show(name, coefficients):
    print(name)
    for power, c in enumerate(coefficients):
        print(f"  c{power:<2} {float(c).hex():>24}  {float(c): .9e}")


def gelu_dip(a):
    """GELU(x) - max(x, 0) for a = |x|: even, and zero far out."""
    return -0.5 * a * (1 - erf(a / np.sqrt(2)))


def fit_gelu():
    """P of degree GELU_DEGREE with a P(a) near the dip on [0, CLAMP], absolute error; Lawson's iteration on the product."""
    nodes = 20000
    u = np.cos(np.pi * (np.arange(nodes) + 0.5) / nodes)
    a = (u + 1) / 2 * CLAMP
    basis, mass, best = chebyshev.chebvander(u, GELU_DEGREE) * a[:, None], np.ones(nodes) / nodes, None
    for _ in range(400):
        row = np.sqrt(mass)
        coefficients = np.linalg.lstsq(basis * row[:, None], gelu_dip(a) * row, rcond=None)[0]
        error = np.abs(basis @ coefficients - gelu_dip(a))
        if best is None or error.max() < best[0]:
            best = error.max(), coefficients
        mass *= error / error.max() + 1e-9
        mass /= mass.sum()
    return Polynomial(chebyshev.cheb2poly(best[1]))(Polynomial([-1, 2 / CLAMP])).coef.astype(np.float32)


def fit_exp2(degree):
    """2^f for f in [-0.5, 0.5], relative error."""
    fitted = lawson(lambda u: np.exp2(u / 2), lambda u: np.exp2(-u / 2), degree)
    return fitted.astype(np.float64) * 2.0 ** np.arange(degree + 1)  # u = 2f


def main():
    gelu = fit_gelu()
    show(f"GELU: P(a), a = min(|x|, {CLAMP}), y = max(x, 0) + a*P(a)", gelu)
    x = np.linspace(-8, 8, 4_000_001).astype(np.float32)
    a = np.minimum(np.abs(x), np.float32(CLAMP))
    y = fma(a, horner(gelu, a), np.maximum(x, np.float32(0)))
    exact = 0.5 * x.astype(np.float64) * (1 + erf(x.astype(np.float64) / np.sqrt(2)))
    print(f"  largest absolute error on [-8, 8]: {np.abs(y - exact).max():.3e}")

    f = np.linspace(-0.5, 0.5, 2_000_001).astype(np.float32)
    exact = np.exp2(f.astype(np.float64))
    exp2 = fit_exp2(EXP2_DEGREE).astype(np.float32)
    show("exp2: P(f), f in [-0.5, 0.5]", exp2)
    print(f"  largest relative error: {np.abs(horner(exp2, f) / exact - 1).max():.3e}")
    weights = (fit_exp2(WEIGHT_DEGREE) * WEIGHT_LEVELS).astype(np.float32)
    show(f"weights of attention: {WEIGHT_LEVELS} * 2^f, f in [-0.5, 0.5]", weights)
    print(f"  largest error before rounding: {np.abs(horner(weights, f) - WEIGHT_LEVELS * exact).max():.3f} of a step")


if __name__ == "__main__":
    main()
