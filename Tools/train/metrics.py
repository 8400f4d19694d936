"""Figures of merit in plain torch: AUC, accuracy, bootstrap intervals, operating point, temperature."""
from __future__ import annotations

import math

import torch
import torch.nn.functional as F

RESAMPLES = 2000
BOOTSTRAP_SEED = 1


def auc(scores: torch.Tensor, labels: torch.Tensor) -> float:
    """Area under the ROC curve of scores [N] against labels [N] in {0, 1}; ties count one half."""
    scores = scores.double().contiguous()
    ordered, _ = scores.sort()
    below = torch.searchsorted(ordered, scores, right=False)
    upto = torch.searchsorted(ordered, scores, right=True)
    ranks = (below + upto + 1).double() / 2
    positive = labels == 1
    count, other = int(positive.sum()), int((~positive).sum())
    return float((ranks[positive].sum() - count * (count + 1) / 2) / (count * other))


def rates(scores: torch.Tensor, labels: torch.Tensor, threshold: float) -> dict[str, float]:
    """Accuracy, sensitivity, specificity and balanced accuracy at score >= threshold."""
    hit = (scores >= threshold) == (labels == 1)
    sensitivity, specificity = float(hit[labels == 1].double().mean()), float(hit[labels == 0].double().mean())
    return {"accuracy": float(hit.double().mean()), "sensitivity": sensitivity, "specificity": specificity,
            "balancedAccuracy": (sensitivity + specificity) / 2}


def with_intervals(scores: torch.Tensor, labels: torch.Tensor, threshold: float) -> dict:
    """Accuracy and AUC with 95 % percentile intervals over 2000 bootstrap resamples of the images, fixed seed."""
    generator = torch.Generator().manual_seed(BOOTSTRAP_SEED)
    hit = ((scores >= threshold) == (labels == 1)).double()
    accuracies, areas = [], []
    while len(areas) < RESAMPLES:
        rows = torch.randint(len(labels), (len(labels),), generator=generator)
        if labels[rows].min() == labels[rows].max():
            continue
        accuracies.append(float(hit[rows].mean()))
        areas.append(auc(scores[rows], labels[rows]))
    result = {key: round(value, 4) for key, value in rates(scores, labels, threshold).items()}
    result["accuracyInterval"] = _interval(accuracies)
    result["auc"] = round(auc(scores, labels), 4)
    result["aucInterval"] = _interval(areas)
    result["threshold"] = threshold
    return result


def _interval(values: list[float]) -> list[float]:
    quantiles = torch.tensor(values, dtype=torch.float64).quantile(torch.tensor([0.025, 0.975], dtype=torch.float64))
    return [round(float(value), 4) for value in quantiles]


def operating_point(scores: torch.Tensor, labels: torch.Tensor) -> float:
    """Threshold for scores [N] of the validation split: balanced accuracy, smoothed, one-standard-error rule.

    Balanced accuracy is taken over smoothed rates (each image's logit is a normal bump). The curve is flat near its
    top, so among thresholds within one standard error of the best the highest is taken: the model is known to call
    the frequent class too often, and the plateau says that this costs nothing measurable on validation.
    """
    z = torch.logit(scores.double().clamp(1e-9, 1 - 1e-9))
    positive, negative = z[labels == 1], z[labels == 0]
    width = 0.25 * float(torch.cat([positive - positive.mean(), negative - negative.mean()]).std())
    grid = torch.linspace(float(z.min()), float(z.max()), 2001, dtype=torch.float64)
    normal = torch.special.ndtr
    sensitivity = normal((positive[None] - grid[:, None]) / width).mean(dim=1)
    specificity = normal((grid[:, None] - negative[None]) / width).mean(dim=1)
    balanced = (sensitivity + specificity) / 2
    best = int(balanced.argmax())
    error = 0.5 * math.sqrt(float(sensitivity[best] * (1 - sensitivity[best])) / len(positive)
                            + float(specificity[best] * (1 - specificity[best])) / len(negative))
    chosen = int(torch.nonzero(balanced >= balanced[best] - error).max())
    return round(float(torch.sigmoid(grid[chosen])), 4)


def balanced_nll(logits: torch.Tensor, labels: torch.Tensor) -> float:
    """Negative log likelihood, each class weighing one half."""
    loss = F.cross_entropy(logits.double(), labels, reduction="none")
    return float((loss[labels == 1].mean() + loss[labels == 0].mean()) / 2)


def fit_temperature(logits: torch.Tensor, labels: torch.Tensor) -> float:
    """The temperature (of a fine grid in 0.2 ... 5) with the lowest class-balanced likelihood loss on validation."""
    grid = [0.2 * 25 ** (index / 400) for index in range(401)]
    return round(min(grid, key=lambda t: balanced_nll(logits / t, labels)), 3)


def calibration_error(scores: torch.Tensor, labels: torch.Tensor, bins: int = 15) -> float:
    """Expected calibration error of the positive score over equal-width bins."""
    which = (scores * bins).long().clamp_max(bins - 1)
    total = 0.0
    for index in range(bins):
        inside = which == index
        if inside.any():
            gap = scores[inside].double().mean() - (labels[inside] == 1).double().mean()
            total += float(gap.abs()) * int(inside.sum()) / len(labels)
    return total
