"""Figures of merit in plain torch: areas, rates, intervals, operating points, temperature, calibration error."""
from __future__ import annotations

import math

import torch
import torch.nn.functional as F


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


def mean_auc(scores: torch.Tensor, labels: torch.Tensor) -> float:
    """Of logits [N, C]: the area of class 1 against 0 for two classes (by the difference of the columns), else the mean
    of each class that has cases against the rest, by its softmax score."""
    if scores.shape[1] == 2:
        return auc(scores[:, 1].double() - scores[:, 0].double(), labels)
    scores = torch.softmax(scores.double(), dim=1)
    return sum(auc(scores[:, k], (labels == k).long()) for k in labels.unique().tolist()) / len(labels.unique())


def kappa(calls: torch.Tensor, labels: torch.Tensor, classes: int, quadratic: bool = False) -> float | None:
    """Cohen's kappa of calls [N] and labels [N] (Cohen 1960), with quadratic weights for ordered classes (Cohen 1968). None where
    chance alone agrees always, as with one class only."""
    table = torch.zeros(classes, classes, dtype=torch.float64)
    table.index_put_((labels, calls), torch.ones(len(labels), dtype=torch.float64), accumulate=True)
    place = torch.arange(classes, dtype=torch.float64)
    weight = (place[:, None] - place) ** 2 if quadratic else (place[:, None] != place).double()
    chance = table.sum(1)[:, None] * table.sum(0) / table.sum()
    expected = float((weight * chance).sum())
    return 1 - float((weight * table).sum()) / expected if expected > 0 else None


def rates(scores: torch.Tensor, positive: torch.Tensor, threshold: float) -> dict[str, float]:
    """Accuracy, sensitivity and specificity at score >= threshold; `positive` [N] is a mask."""
    hit = (scores >= threshold) == positive
    return {"accuracy": float(hit.double().mean()), "sensitivity": float(hit[positive].double().mean()),
            "specificity": float(hit[~positive].double().mean())}


def wilson(value: float, count: int) -> list[float]:
    """95 % interval of a share `value` of `count` cases (Wilson 1927)."""
    z = 1.959964
    centre = (value + z * z / (2 * count)) / (1 + z * z / count)
    half = z * math.sqrt(value * (1 - value) / count + z * z / (4 * count * count)) / (1 + z * z / count)
    return [round(max(0.0, centre - half), 4), round(min(1.0, centre + half), 4)]


def operating_points(scores: torch.Tensor, positive: torch.Tensor, upper: bool) -> list[dict]:
    """Three thresholds for scores [N] of the validation split, with what was measured at them, sensitivity falling.

    Rates are smoothed (each image's logit is a normal bump). `balanced` has the largest mean of sensitivity and
    specificity (the middle one of equals); with `upper` the highest threshold within one standard error of it, for a model that is known to call a
    class too often: the plateau says that this costs nothing measurable. `sensitivity-first` is the highest threshold
    with a smoothed sensitivity of 0.95, `specificity-first` the lowest with a specificity of 0.95, neither beyond `balanced`.
    Raises ValueError unless at least two cases are positive and two negative.
    """
    if min(int(positive.sum()), int((~positive).sum())) < 2:
        raise ValueError(f"{int(positive.sum())} positive and {int((~positive).sum())} negative cases are too few for thresholds; two of each are needed")
    z = torch.logit(scores.double().clamp(1e-9, 1 - 1e-9))
    yes, no = z[positive], z[~positive]
    width = 0.25 * float(torch.cat([yes - yes.mean(), no - no.mean()]).std())
    grid = torch.linspace(float(z.min()) - 3 * width, float(z.max()) + 3 * width, 2001, dtype=torch.float64)
    sensitivity = torch.special.ndtr((yes[None] - grid[:, None]) / width).mean(dim=1)
    specificity = torch.special.ndtr((grid[:, None] - no[None]) / width).mean(dim=1)
    mean = (sensitivity + specificity) / 2
    plateau = torch.nonzero(mean >= mean.max() - 1e-6).flatten()
    best = int(plateau[len(plateau) // 2])
    if upper:
        error = 0.5 * math.sqrt(float(sensitivity[best] * (1 - sensitivity[best])) / len(yes)
                                + float(specificity[best] * (1 - specificity[best])) / len(no))
        best = int(torch.nonzero(mean >= mean[best] - error).max())
    places = {"sensitivity-first": min(best, int(torch.nonzero(sensitivity >= 0.95).max())), "balanced": best,
              "specificity-first": max(best, int(torch.nonzero(specificity >= 0.95).min()))}
    found = []
    for name, place in places.items():
        threshold = min(0.9999, max(0.0001, round(float(torch.sigmoid(grid[place])), 4)))
        measured = rates(scores, positive, threshold)
        entry = {"name": name, "threshold": threshold, "positives": int(positive.sum()), "negatives": int((~positive).sum())}
        for key, count in (("sensitivity", entry["positives"]), ("specificity", entry["negatives"])):
            low, high = wilson(measured[key], count)
            entry[key] = {"value": round(measured[key], 4), "low": low, "high": high}
        found.append(entry)
    return found


def nll(logits: torch.Tensor, labels: torch.Tensor) -> float:
    """Mean negative log likelihood."""
    return float(F.cross_entropy(logits.double(), labels))


def balanced_nll(logits: torch.Tensor, labels: torch.Tensor) -> float:
    """Negative log likelihood, the classes that occur weighing the same."""
    loss = F.cross_entropy(logits.double(), labels, reduction="none")
    return float(torch.stack([loss[labels == k].mean() for k in labels.unique()]).mean())


TEMPERATURES = (0.2, 5.0)


def at_the_end(temperature: float) -> str:
    """A remark for the log where `fit_temperature` found an end of its grid, empty otherwise."""
    return " (an end of its grid: the best may lie beyond)" if temperature in TEMPERATURES else ""


def fit_temperature(logits: torch.Tensor, labels: torch.Tensor, balanced: bool) -> float:
    """The temperature (of a fine grid in 0.2 ... 5) with the lowest loss on validation (Guo et al. 2017, arXiv:1706.04599).

    The true class of n images has the target (n + 1) / (n + 2), the others share the rest (Platt 1999): a validation split
    without an error does not make the scores certain. With `balanced` the classes that occur weigh the same.
    """
    counts = torch.bincount(labels, minlength=logits.shape[1]).double()
    own = ((counts + 1) / (counts + 2))[labels]
    targets = ((1 - own) / (logits.shape[1] - 1))[:, None].repeat(1, logits.shape[1])
    targets[torch.arange(len(labels)), labels] = own
    weights = 1 / counts[labels] if balanced else torch.ones(len(labels), dtype=torch.float64)

    def loss(temperature: float) -> float:
        return float(-(weights * (targets * F.log_softmax(logits.double() / temperature, dim=1)).sum(1)).sum())

    return round(min((TEMPERATURES[0] * (TEMPERATURES[1] / TEMPERATURES[0]) ** (index / 400) for index in range(401)), key=loss), 3)


def calibration_error(scores: torch.Tensor, labels: torch.Tensor, bins: int = 15) -> float:
    """Expected calibration error of the largest of the scores [N, C] over equal-width bins (Guo et al. 2017)."""
    confidence, call = scores.max(1)
    which = (confidence * bins).long().clamp_max(bins - 1)
    gap = torch.zeros(bins, dtype=torch.float64).index_add_(0, which, confidence.double() - (call == labels).double())
    return float(gap.abs().sum() / len(labels))


def reliability(scores: torch.Tensor, labels: torch.Tensor, bins: int = 15) -> list[dict]:
    """The bins of `calibration_error` that hold cases: count, mean largest score, share that is right."""
    confidence, call = scores.double().max(1)
    which = (confidence * bins).long().clamp_max(bins - 1)
    found = []
    for index in which.unique().tolist():
        inside = which == index
        found.append({"count": int(inside.sum()), "score": round(float(confidence[inside].mean()), 4),
                      "right": round(float((call == labels)[inside].double().mean()), 4)})
    return found


def macro_f1(calls: torch.Tensor, labels: torch.Tensor, classes: int) -> float:
    """Mean over the classes of 2 TP / (2 TP + FP + FN); 0 for a class that is neither called nor there."""
    found = []
    for k in range(classes):
        both = int(((calls == k) & (labels == k)).sum())
        found.append(2 * both / max(1, int((calls == k).sum()) + int((labels == k).sum())))
    return sum(found) / classes


def delong(scores: torch.Tensor, positive: torch.Tensor) -> list[float]:
    """95 % interval of the area under the ROC curve (DeLong, DeLong & Clarke-Pearson 1988), cut to 0 ... 1."""
    yes, no = scores[positive].double(), scores[~positive].double()
    above = (yes[:, None] > no).double() + 0.5 * (yes[:, None] == no).double()
    error = math.sqrt(float(above.mean(1).var()) / len(yes) + float(above.mean(0).var()) / len(no))
    value = float(above.mean())
    return [max(0.0, value - 1.959964 * error), min(1.0, value + 1.959964 * error)]


def bootstrap_auc(logits: torch.Tensor, labels: torch.Tensor, resamples: int = 1000) -> list[float]:
    """95 % percentile interval of `mean_auc`; every resample keeps the count of each class. The same in every run."""
    generator = torch.Generator().manual_seed(20261121)
    groups = [torch.nonzero(labels == k).flatten() for k in labels.unique()]
    found = []
    for _ in range(resamples):
        rows = torch.cat([group[torch.randint(len(group), (len(group),), generator=generator)] for group in groups])
        found.append(mean_auc(logits[rows], labels[rows]))
    return torch.tensor(found, dtype=torch.float64).quantile(torch.tensor([0.025, 0.975], dtype=torch.float64)).tolist()
