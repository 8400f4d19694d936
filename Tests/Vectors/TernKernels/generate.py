#!/usr/bin/env python3
"""Writes features.f32, features.json and vector.json: scores of the out-of-distribution gate (Models/NUMERICS.md N-13), computed in two ways that are not ours.

    python3 Tests/Vectors/TernKernels/generate.py

`distance` is the Mahalanobis distance over the root of the count in binary64, by solving with the whole covariance matrix; `bits` is what the rule's
order of sums gives in binary32, by Tests/oracle/numerics.py. Needs the package of requirements.txt.
"""
import hashlib
import json
import platform
import sys
from pathlib import Path

import numpy as np

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1] / "oracle"))
import numerics  # noqa: E402

SEED = 13
SHAPES = [(1, 0), (1, 1), (5, 0), (15, 3), (16, 4), (17, 17), (31, 7), (48, 8), (128, 32), (192, 1)]
# Ordinary features, far ones along the first direction and across all, and the mean itself.
KINDS = ["ordinary", "along", "across", "mean"]


def main() -> None:
    generator = np.random.default_rng(SEED)
    values, cases = [], []
    for count, rank in SHAPES:
        basis = np.linalg.qr(generator.normal(size=(count, count)))[0].T[:rank].astype(np.float32)
        variances = np.sort(generator.uniform(0.5, 40, rank))[::-1]
        residual = np.float32(1 / 0.09)
        mean = generator.normal(size=count).astype(np.float32)
        precisions = (1 / variances).astype(np.float32)
        covariance = (basis.T.astype(np.float64) / precisions.astype(np.float64)) @ basis.astype(np.float64)
        covariance += (np.eye(count) - basis.T.astype(np.float64) @ basis.astype(np.float64)) / float(residual)
        for kind in KINDS:
            noise = generator.normal(size=count) * 0.3 + basis.T.astype(np.float64) @ (generator.normal(size=rank) * np.sqrt(variances))
            if kind == "along" and rank:
                noise = noise + 100 * basis[0]
            if kind == "across":
                noise = noise * 20 + 3
            feature = mean if kind == "mean" else (mean + noise).astype(np.float32)
            d = feature.astype(np.float64) - mean.astype(np.float64)
            # Where the directions span everything the residual is nothing but rounding.
            full = np.linalg.solve(covariance, d) if rank < count else basis.T.astype(np.float64) @ (precisions * (basis.astype(np.float64) @ d))
            bits = numerics.feature_score(feature, mean, precisions, basis, residual).view(np.uint32)
            cases.append({
                "name": f"{count}-{rank}-{kind}", "count": count, "rank": rank, "residualPrecision": float(residual), "offset": len(values),
                "distance": float(np.sqrt(max(d @ full, 0) / count)), "bits": int(bits)})
            values += [*feature, *mean, *precisions, *basis.reshape(-1)]
    np.array(values, "<f4").tofile(HERE / "features.f32")
    (HERE / "features.json").write_text(json.dumps(cases, indent=1) + "\n")
    files = [{"file": name, "sha256": hashlib.sha256((HERE / name).read_bytes()).hexdigest()} for name in ("features.f32", "features.json")]
    about = {
        "generator": "Tests/Vectors/TernKernels/generate.py", "seed": SEED, "source": "synthetic", "licence": "Apache-2.0",
        "tolerance": "bits: 0; distance: 1e-4 of the larger of it and 1, for sums in binary32",
        "versions": {"python": platform.python_version(), "numpy": np.__version__}, "cases": files}
    (HERE / "vector.json").write_text(json.dumps(about, indent=1) + "\n")


if __name__ == "__main__":
    main()
