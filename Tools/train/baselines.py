"""What a model must beat: the most frequent class, and logistic regression on the pixels."""
from __future__ import annotations

import warnings

import numpy as np
import torch
import torch.nn.functional as F

import data
import metrics

LARGEST_SIDE = 32  # larger images are averaged down, so that pixels do not outnumber images by a hundred
STRENGTHS = (1e-3, 1e-2, 1e-1, 1.0, 10.0)


def majority(splits: dict[str, data.Split]) -> dict:
    """The most frequent training class, called for every test image."""
    call = int(torch.bincount(splits["train"].labels).argmax())
    accuracy = float((splits["test"].labels == call).double().mean())
    return {"class": call, "accuracy": round(accuracy, 4), "accuracyInterval": metrics.wilson(accuracy, len(splits["test"].labels)),
            "auc": 0.5}


def pixels(images: torch.Tensor) -> np.ndarray:
    """Rows [N, values] in 0 ... 1 of uint8 images [N, C, H, W], averaged over whole blocks until no side exceeds 32."""
    block = -(-max(images.shape[2:]) // LARGEST_SIDE)
    return F.avg_pool2d(images.float() / 255, block, ceil_mode=True).flatten(1).numpy().astype(np.float64)


def logistic(splits: dict[str, data.Split]) -> tuple[dict[str, torch.Tensor], float]:
    """Logits on validation and test of the logistic regression on pixels whose strength C has the lowest validation loss, and C."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    rows = {name: pixels(split.images) for name, split in splits.items()}
    mean = rows["train"].mean(0)
    best = None
    for strength in STRENGTHS:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            found = LogisticRegression(C=strength, max_iter=300).fit(rows["train"] - mean, splits["train"].labels.numpy())
        logits = {}
        for name in ("val", "test"):
            margin = torch.from_numpy(found.decision_function(rows[name] - mean)).float().reshape(len(rows[name]), -1)
            logits[name] = margin if margin.shape[1] > 1 else torch.cat([-margin / 2, margin / 2], dim=1)
        loss = metrics.nll(logits["val"], splits["val"].labels)
        if best is None or loss < best[0]:
            best = loss, strength, logits
    return best[2], best[1]
