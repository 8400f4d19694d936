"""The out-of-distribution gate: a low-rank Gaussian of the pooled feature before the last norm (N-13 of Models/NUMERICS.md).

Under a covariance of rank r plus an isotropic rest (probabilistic PCA, Tipping & Bishop 1999) the squared Mahalanobis
distance is the distance within the leading components and the squared norm of the residual over the rest's variance.
"""
from __future__ import annotations

from dataclasses import dataclass

import torch

EXPLAINED = 0.999    # share of the variance that the leading components carry
LARGEST_RANK = 32
QUANTILE = 2.326     # standard deviations of the log score on validation: one false alarm in a hundred if it is normal


@dataclass
class Statistics:
    """`mean` [C], `precision` [r] inverse variances, `basis` [r, C] unit rows, `residual_precision`, `threshold`."""

    mean: torch.Tensor
    precision: torch.Tensor
    basis: torch.Tensor
    residual_precision: float
    threshold: float = 0.0

    def score(self, features: torch.Tensor) -> torch.Tensor:
        """Scores [N] of features [N, C]; about 1 for images like those of training."""
        d = features.double() - self.mean.double()
        along = d @ self.basis.double().T
        rest = ((d * d).sum(1) - (along * along).sum(1)).clamp_min(0)
        return ((along * along * self.precision.double()).sum(1) + self.residual_precision * rest).div(d.shape[1]).sqrt()

    def tensors(self) -> dict[str, torch.Tensor]:
        """As the converter reads them from the checkpoint."""
        return {f"feature_statistics.{name}": getattr(self, name).float().contiguous() for name in ("mean", "precision", "basis")}


def fit(training: torch.Tensor, validation: torch.Tensor) -> Statistics:
    """Statistics of training features [N, C]; the threshold is fitted on validation features, which the fit did not see."""
    x = training.double()
    mean = x.mean(0)
    values, basis = torch.linalg.eigh((x - mean).T @ (x - mean) / len(x))
    values, basis = values.flip(0).clamp_min(1e-12), basis.flip(1).T
    shares = values.cumsum(0) / values.sum()
    rank = min(LARGEST_RANK, len(values) - 1, len(x) // 4, int((shares < EXPLAINED).sum()) + 1)
    rest = float(values[rank:].mean().clamp_min(1e-9))
    found = Statistics(mean.float(), (1 / values[:rank]).float(), basis[:rank].float(), float(torch.tensor(1 / rest)))
    logs = found.score(validation).log()
    found.threshold = round(float((logs.mean() + QUANTILE * logs.std()).exp()), 4)
    return found


def separation(own: torch.Tensor, other: torch.Tensor) -> float:
    """Area under the ROC curve of the gate's score, `other` images [M] against `own` [N]."""
    import metrics

    return metrics.auc(torch.cat([own, other]), torch.cat([torch.zeros(len(own)), torch.ones(len(other))]).long())
