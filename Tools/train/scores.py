"""How scores are distributed: the reference that a model file carries (Models/FORMAT.md section 10), and how far other scores are from it."""
from __future__ import annotations

import numpy as np

BINS = 10


def edges(scores: np.ndarray, bins: int = BINS) -> np.ndarray:
    """Where the bins begin that hold as equal shares of `scores` [N] binary32 as its repetitions allow: ascending, fewer than `bins`. Every bin that
    they bound holds a score, for each edge is one and the first is above the least."""
    ordered = np.sort(scores.astype(np.float32))
    picked = np.unique(ordered[[min(-(-part * len(ordered) // bins), len(ordered) - 1) for part in range(1, bins)]])
    return picked[picked > ordered[0]]


def counts(scores: np.ndarray, bounds: np.ndarray) -> np.ndarray:
    """Scores in each bin: bin k holds those that k of `bounds` do not exceed."""
    return np.bincount(np.searchsorted(bounds, scores.astype(np.float32), side="right"), minlength=len(bounds) + 1)


def reference(description: dict, scores: np.ndarray, measured_on: str) -> dict | None:
    """The key `scoreReference` of a description, from `scores` [N, C]. A label of which nine tenths have the least score has no
    distribution; None when no label has."""
    found = []
    for label in description["labels"]:
        column = scores[:, label["index"]]
        bounds = edges(column)
        if label.get("report", True) and len(bounds):
            found.append({"name": label["name"], "edges": [float(str(edge)) for edge in bounds], "counts": counts(column, bounds).tolist()})
    return {"measuredOn": measured_on, "cases": len(scores), "labels": found} if found else None


def stability(expected: np.ndarray, seen: np.ndarray) -> float:
    """The population stability index of `seen` counts against `expected` ones, both [B]: the sum of (q - p) ln(q / p) with p the expected shares and q
    the seen ones, half a case added to each bin, for an empty one would make it infinite. Siddiqi 2006, Credit Risk Scorecards."""
    p, q = expected / expected.sum(), (seen + 0.5) / (seen.sum() + len(seen) / 2)
    return float(((q - p) * np.log(q / p)).sum())


def apart(reference: dict, description: dict, scores: np.ndarray) -> list[dict]:
    """Of each label of `reference`: the index of `scores` [N, C] against it, and the one that chance alone gives on average, by Yurdakul 2018."""
    column = {label["name"]: label["index"] for label in description["labels"]}
    found = []
    for label in reference["labels"]:
        seen = counts(scores[:, column[label["name"]]], np.array(label["edges"], dtype=np.float32))
        chance = (len(seen) - 1) * (1 / reference["cases"] + 1 / len(scores))
        found.append({"name": label["name"], "images": len(scores), "index": round(stability(np.array(label["counts"]), seen), 4), "chance": round(chance, 4)})
    return found
