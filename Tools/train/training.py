"""Pieces that teacher and student training share: schedule, moving average, losses, scores."""
from __future__ import annotations

import copy
import math
import random

import torch
import torch.nn as nn
import torch.nn.functional as F

import data
import metrics


def seed_everything(seed: int) -> None:
    """Fixes every generator in use. On a CPU with a fixed thread count a run then repeats itself."""
    random.seed(seed)
    torch.manual_seed(seed)


def cosine(step: int, total: int, warmup: int, floor: float = 0.02) -> float:
    """Learning-rate factor: linear over `warmup` steps, then a half cosine down to `floor`."""
    if step < warmup:
        return (step + 1) / warmup
    done = (step - warmup) / max(1, total - warmup)
    return floor + (1 - floor) * 0.5 * (1 + math.cos(math.pi * min(1.0, done)))


class MovingAverage:
    """Exponential moving average of parameters; buffers are copied. The young average forgets faster."""

    def __init__(self, model: nn.Module, decay: float):
        self.model = copy.deepcopy(model).eval()
        self.decay = decay
        self.count = 0
        for parameter in self.model.parameters():
            parameter.requires_grad_(False)

    @torch.no_grad()
    def update(self, model: nn.Module) -> None:
        self.count += 1
        decay = min(self.decay, (1 + self.count) / (10 + self.count))
        for mine, other in zip(self.model.parameters(), model.parameters()):
            mine.lerp_(other, 1 - decay)
        for mine, other in zip(self.model.buffers(), model.buffers()):
            mine.copy_(other)


def optimiser(model: nn.Module, rate: float, decay: float) -> torch.optim.Optimizer:
    """AdamW; vectors, class token and positions are not decayed."""
    decayed, plain = [], []
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            flat = parameter.ndim <= 1 or name in ("cls_token", "pos_embed")
            (plain if flat else decayed).append(parameter)
    groups = [{"params": decayed, "weight_decay": decay}, {"params": plain, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=rate, betas=(0.9, 0.98))


def balanced_targets_loss(logits: torch.Tensor, targets: torch.Tensor, prior: torch.Tensor) -> torch.Tensor:
    """Cross entropy of prior-shifted logits [B, C] with soft targets [B, C].

    Adding log prior in training only makes the plain logits those of a class-balanced problem (Menon et al. 2021,
    arXiv:2007.07314), which counters the over-calling of the frequent class.
    """
    return -(targets * F.log_softmax(logits + prior.log(), dim=1)).sum(1).mean()


def soft_labels(labels: torch.Tensor, smoothing: float, classes: int = 2) -> torch.Tensor:
    """One-hot [B, C] with `smoothing` spread evenly."""
    return F.one_hot(labels, classes).float() * (1 - smoothing) + smoothing / classes


@torch.no_grad()
def predict(model: nn.Module, images: torch.Tensor, mean: float, std: float, batch: int = 128) -> torch.Tensor:
    """Logits [N, C] of uint8 images [N, 1, H, W] in evaluation mode."""
    model.eval()
    return torch.cat([model(data.normalise(part, mean, std)) for part in images.split(batch)]).float()


def positive_score(logits: torch.Tensor) -> torch.Tensor:
    """Softmax probability of class 1, [N] float64 on the CPU."""
    return torch.softmax(logits.double(), dim=1)[:, 1].cpu()


def summary(logits: torch.Tensor, labels: torch.Tensor) -> dict[str, float]:
    """AUC, balanced accuracy and accuracy at 0.5, and class-balanced negative log likelihood."""
    logits, labels = logits.cpu(), labels.cpu()
    score = positive_score(logits)
    found = metrics.rates(score, labels, 0.5)
    return {"auc": metrics.auc(score, labels), "balanced": found["balancedAccuracy"], "accuracy": found["accuracy"],
            "nll": metrics.balanced_nll(logits, labels)}


def show(figures: dict[str, float]) -> str:
    return " ".join(f"{key} {value:.4f}" for key, value in figures.items())
