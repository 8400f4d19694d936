#!/usr/bin/env python3
"""Writes the golden vectors of TernEvaluation: figures by scikit-learn and SciPy, DeLong's interval by the formula of the paper itself, archives by NumPy.

    python3 Tests/Vectors/TernEvaluation/generate.py        # writes beside itself

Needs requirements.txt. Synthetic numbers only, seeds in the code.
"""
import io
import json
import zipfile
from pathlib import Path

import numpy as np
from scipy.stats import binomtest, norm
from sklearn import metrics

HERE = Path(__file__).resolve().parent


def de_long(scores: np.ndarray, positive: np.ndarray) -> dict:
    """DeLong et al. 1988, equations 2 to 5, by all pairs."""
    x, y = scores[positive].astype(float), scores[~positive].astype(float)
    psi = (x[:, None] > y[None, :]) + 0.5 * (x[:, None] == y[None, :])
    area = psi.mean()
    v10, v01 = psi.mean(axis=1), psi.mean(axis=0)
    s10 = ((v10 - area) ** 2).sum() / (len(x) - 1)
    s01 = ((v01 - area) ** 2).sum() / (len(y) - 1)
    error = np.sqrt(s10 / len(x) + s01 / len(y))
    z = norm.ppf(0.975)
    return {"value": area, "low": max(0.0, area - z * error), "high": min(1.0, area + z * error)}


def expected_calibration_error(scores: np.ndarray, true: np.ndarray) -> float:
    """Guo et al. 2017, equation 3, 15 equal bins."""
    bins = np.clip((scores * np.float32(15)).astype(np.float32).astype(int), 0, 14)
    total = 0.0
    for index in range(15):
        chosen = bins == index
        if chosen.any():
            total += chosen.sum() / len(scores) * abs(scores[chosen].astype(float).mean() - true[chosen].mean())
    return total


def wilson(successes: int, count: int) -> dict:
    found = binomtest(int(successes), int(count)).proportion_ci(method="wilson")
    return {"value": successes / count, "low": float(found.low), "high": float(found.high)}


def case(name: str, count: int, classes: int, seed: int, digits: int | None) -> dict:
    """Scores of `classes` classes; rounded to `digits`, so that there are ties."""
    generator = np.random.default_rng(seed)
    truth = generator.integers(0, classes, count)
    logits = generator.normal(size=(count, classes))
    logits[np.arange(count), truth] += 1.2
    scores = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    if digits is not None and classes == 2:
        scores[:, 1] = scores[:, 1].round(digits)
        scores[:, 0] = 1 - scores[:, 1]
    scores = scores.astype(np.float32)
    call = scores.argmax(axis=1)
    expected = {
        "accuracy": wilson(metrics.accuracy_score(truth, call, normalize=False), count), "macroF1": metrics.f1_score(truth, call, average="macro"),
        "kappa": metrics.cohen_kappa_score(truth, call), "quadraticKappa": metrics.cohen_kappa_score(truth, call, weights="quadratic"),
        "confusion": metrics.confusion_matrix(truth, call, labels=range(classes)).tolist(),
        "brier": float(((scores.astype(float) - np.eye(classes)[truth]) ** 2).sum(axis=1).mean()),
        "calibrationError": expected_calibration_error(scores.max(axis=1), call == truth),
        "perClass": [],
    }
    for index in range(classes):
        positive = truth == index
        threshold = np.float32(0.5)
        called = scores[:, index] >= threshold
        tn, fp, fn, tp = (int(value) for value in metrics.confusion_matrix(positive, called).ravel())
        expected["perClass"].append({
            "auc": de_long(scores[:, index], positive), "rocAUC": metrics.roc_auc_score(positive, scores[:, index]),
            "brier": metrics.brier_score_loss(positive, np.clip(scores[:, index].astype(float), 0, 1)),
            "calibrationError": expected_calibration_error(scores[:, index], positive),
            "accuracy": wilson(tp + tn, count), "sensitivity": wilson(tp, tp + fn), "specificity": wilson(tn, tn + fp), "ppv": wilson(tp, tp + fp), "npv": wilson(tn, tn + fn),
            "f1": metrics.f1_score(positive, called)})
    return {"name": name, "truth": truth.tolist(), "scores": scores.astype(float).tolist(), "expected": expected}


def archives() -> None:
    """Archives of the kinds that are read: both compressions, all header versions, grey and colour, label types."""
    generator = np.random.default_rng(5)
    grey = generator.integers(0, 256, (3, 4, 5), dtype=np.uint8)
    colour = generator.integers(0, 256, (2, 4, 5, 3), dtype=np.uint8)
    labels = np.array([0, 1, 1])

    def write(name: str, arrays: dict, compressed: bool = True, version: tuple = (1, 0)) -> None:
        with zipfile.ZipFile(HERE / name, "w", zipfile.ZIP_DEFLATED if compressed else zipfile.ZIP_STORED) as archive:
            for key, value in arrays.items():
                buffer = io.BytesIO()
                np.lib.format.write_array(buffer, value, version=version)
                archive.writestr(zipfile.ZipInfo(key + ".npy"), buffer.getvalue(), zipfile.ZIP_DEFLATED if compressed else zipfile.ZIP_STORED)

    write("grey-deflated.npz", {"test_images": grey, "test_labels": labels[:, None].astype(np.uint8), "val_images": grey[:1], "val_labels": labels[:1]})
    write("grey-stored.npz", {"test_images": grey, "test_labels": labels.astype(">i8")}, compressed=False)
    write("colour-v2.npz", {"test_images": colour, "test_labels": labels[:2].astype(np.int32)}, version=(2, 0))
    write("colour-v3.npz", {"test_images": colour, "test_labels": labels[:2].astype(np.uint16)}, version=(3, 0))
    write("float.npz", {"test_images": grey.astype(np.float32), "test_labels": labels})
    write("multi-label.npz", {"test_images": grey, "test_labels": np.zeros((3, 14), np.uint8)})
    write("by-columns.npz", {"test_images": np.asfortranarray(grey), "test_labels": labels})
    write("counts.npz", {"test_images": grey, "test_labels": labels[:2]})
    write("range.npz", {"test_images": grey, "test_labels": np.array([0, 1, 7])})
    write("no-labels.npz", {"test_images": grey})
    with zipfile.ZipFile(HERE / "many.npz", "w") as archive:
        for key, shape in (("test_images", (2_000_001, 1, 1)), ("test_labels", (2_000_001,))):
            buffer = io.BytesIO()
            np.lib.format.write_array_header_1_0(buffer, {"descr": "|u1", "fortran_order": False, "shape": shape})
            archive.writestr(zipfile.ZipInfo(key + ".npy"), buffer.getvalue())
    (HERE / "archives.json").write_text(json.dumps({"grey": grey.tolist(), "colour": colour.tolist(), "labels": labels.tolist()}) + "\n")


def main() -> None:
    cases = [case("two classes", 60, 2, 1, None), case("two classes, ties", 80, 2, 2, 1), case("four classes", 70, 4, 3, None),
             case("few", 9, 2, 4, 1)]
    shares = [{"successes": s, "count": n, "interval": wilson(s, n)} for s, n in [(0, 5), (5, 5), (1, 1), (3, 10), (362, 390), (199, 234), (9999, 10000)]]
    (HERE / "figures.json").write_text(json.dumps({"cases": cases, "shares": shares}) + "\n")
    archives()


if __name__ == "__main__":
    main()
