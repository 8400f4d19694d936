#!/usr/bin/env python3
"""Writes stability.json: the population stability index by NumPy, the limits of chance by SciPy, natural logarithms by NumPy.

    python3 Tests/Vectors/TernService/generate.py        # writes beside itself

Needs requirements.txt. Synthetic counts only, seed in the code. The formula is that of Siddiqi, Credit Risk Scorecards, 2006, as a relative entropy there and back (scipy's rel_entr),
with half a case added to each bin of what was seen; the limit is that of Yurdakul, Statistical Properties of Population Stability Index, 2018.
"""
import json
from pathlib import Path

import numpy as np
from scipy.special import rel_entr
from scipy.stats import chi2

HERE = Path(__file__).resolve().parent


def index(expected, seen):
    p, q = np.asarray(expected, float), np.asarray(seen, float) + 0.5
    p, q = p / p.sum(), q / q.sum()
    return float(rel_entr(q, p).sum() + rel_entr(p, q).sum())


def main() -> None:
    random = np.random.default_rng(20261122)
    pairs = [([10] * 10, [10] * 10), ([50] * 10, [100, 0, 0, 0, 0, 0, 0, 0, 0, 0]), ([1, 999], [999, 1]), ([7, 3], [0, 0]), ([62] * 9 + [66], [1000] + [0] * 9)]
    for bins in (2, 3, 10, 15):
        for images in (100, 1000):
            pairs.append((random.integers(1, 200, bins).tolist(), random.multinomial(images, random.dirichlet(np.ones(bins))).tolist()))
    cases = [{"expected": expected, "seen": seen, "index": index(expected, seen)} for expected, seen in pairs]
    limits = [{"bins": bins, "cases": cases, "images": images, "limit": float((1 / cases + 1 / images) * chi2.ppf(0.999, bins - 1))}
              for bins in range(2, 16) for cases, images in ((624, 1000), (156, 100))]
    arguments = [1.0, 0.5, 2.0, np.sqrt(2.0), np.nextafter(np.sqrt(2.0), 2), 1 + 2**-52, 1 - 2**-53, 1e-300, 1e300, *random.lognormal(0, 6, 40)]
    logarithms = [{"x": float(x), "ln": float(np.log(x))} for x in arguments]
    parts = {"cases": cases, "limits": limits, "logarithms": logarithms}
    lines = [f'"{name}": [\n' + ",\n".join(json.dumps(one) for one in values) + "\n]" for name, values in parts.items()]
    (HERE / "stability.json").write_text("{\n" + ",\n".join(lines) + "\n}\n")


if __name__ == "__main__":
    main()
