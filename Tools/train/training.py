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
        torch._foreach_lerp_(list(self.model.parameters()), list(model.parameters()), 1 - decay)
        for mine, other in zip(self.model.buffers(), model.buffers()):
            mine.copy_(other)


def groups(model: nn.Module, decay: float, without: set[nn.Parameter] = frozenset()) -> list[dict]:
    """Parameter groups for AdamW: vectors, class token and positions are not decayed; those in `without` are left out."""
    decayed, plain = [], []
    for name, parameter in model.named_parameters():
        if parameter.requires_grad and parameter not in without:
            flat = parameter.ndim <= 1 or name.endswith(("cls_token", "pos_embed"))
            (plain if flat else decayed).append(parameter)
    return [{"params": decayed, "weight_decay": decay}, {"params": plain, "weight_decay": 0.0}]


def prior_of(labels: torch.Tensor, config: dict) -> torch.Tensor:
    """Class shares [C] of the training labels with `balanced` set, else equal shares, which change no loss."""
    classes = config["architecture"]["classes"]
    if not config["balanced"]:
        return torch.full((classes,), 1 / classes, device=labels.device)
    return torch.bincount(labels, minlength=classes).float() / len(labels)


def classification_loss(logits: torch.Tensor, targets: torch.Tensor, prior: torch.Tensor) -> torch.Tensor:
    """Cross entropy of prior-shifted logits [B, C] with soft targets [B, C].

    Adding log prior in training only makes the plain logits those of a class-balanced problem (Menon et al. 2021,
    arXiv:2007.07314), which counters the over-calling of the frequent class.
    """
    return -(targets * F.log_softmax(logits + prior.log(), dim=1)).sum(1).mean()


def soft_labels(labels: torch.Tensor, smoothing: float, classes: int) -> torch.Tensor:
    """One-hot [B, C] with `smoothing` spread evenly."""
    return F.one_hot(labels, classes).float() * (1 - smoothing) + smoothing / classes


@torch.no_grad()
def predict(model: nn.Module, images: torch.Tensor, config_input: dict, batch: int = 128) -> torch.Tensor:
    """Logits [N, C] of uint8 images [N, C, H, W] in evaluation mode."""
    model.eval()
    return torch.cat([model(data.normalise(part, config_input)) for part in images.split(batch)]).float()


def summary(logits: torch.Tensor, labels: torch.Tensor) -> dict[str, float]:
    """AUC (mean one-against-rest), accuracy of the largest logit, mean of the classes' recalls, class-balanced log loss."""
    logits, labels = logits.cpu(), labels.cpu()
    call = logits.argmax(1)
    present = labels.unique()
    recall = torch.stack([(call[labels == k] == k).double().mean() for k in present])
    return {"auc": metrics.mean_auc(logits, labels), "accuracy": float((call == labels).double().mean()),
            "balanced": float(recall.mean()), "nll": metrics.balanced_nll(logits, labels)}


def show(figures: dict[str, float]) -> str:
    return " ".join(f"{key} {value:.4f}" for key, value in figures.items())
