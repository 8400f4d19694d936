"""The teaching set: augmented training images with the teacher's answers, made once and read by every student phase.

Version v of training image i lies at row v * N + i. Mixing (mixup) happens before the teacher looks, so that it judges
exactly what the student will see.
"""
from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path

import torch
import torch.nn as nn

import data
from progress import progress
from training import seed_everything, soft_labels


@dataclass
class Pool:
    """`images` [V * N, 1, 28, 28] uint8; `labels` [V * N, 2] mixed one-hot; `teacher` [V * N, 2] logits;
    `features` [V * N, F] mixed feature targets, F = 0 without a feature teacher. `versions` is V."""

    images: torch.Tensor
    labels: torch.Tensor
    teacher: torch.Tensor
    features: torch.Tensor
    versions: int

    def rows(self, epoch: int, chosen: torch.Tensor) -> torch.Tensor:
        """Rows of the training images `chosen` in the version of this epoch (each image starts at another version)."""
        count = len(self.images) // self.versions
        return ((epoch + chosen * 7) % self.versions) * count + chosen


@torch.no_grad()
def build(split: data.Split, teacher: nn.Module, targets: torch.Tensor | None, config: dict, out: Path,
          device: torch.device) -> Pool:
    """Makes the pool from the training split, or reads the one kept in `out`."""
    path = out / "pool.pt"
    if path.is_file():
        return Pool(**torch.load(path, weights_only=True))
    seed_everything(config["seed"] + 50)
    augment = data.Augmentation(**config["augmentation"])
    mean, std = config["input"]["mean"], config["input"]["std"]
    features = torch.zeros(len(split.labels), 0) if targets is None else targets
    parts: dict[str, list[torch.Tensor]] = {"images": [], "labels": [], "teacher": [], "features": []}
    split = split.to(device)
    for _ in progress(range(config["pool"]["versions"]), "teaching set"):
        images, partner, share = augment.mix(augment(split.images))
        images = images.round().clamp(0, 255).to(torch.uint8)
        own = share[:, None]
        labels = soft_labels(split.labels, 0.0)
        with torch.autocast(device.type, dtype=torch.bfloat16, enabled=config["bfloat16"]):
            answers = [teacher(data.normalise(block, mean, std)).float() for block in images.split(256)]
        parts["images"].append(images.cpu())
        parts["labels"].append((labels * own + labels[partner] * (1 - own)).cpu())
        parts["teacher"].append(torch.cat(answers).cpu())
        mixed = features * own.cpu() + features[partner.cpu()] * (1 - own.cpu())
        parts["features"].append(mixed.half())
    pool = Pool(**{name: torch.cat(value) for name, value in parts.items()}, versions=config["pool"]["versions"])
    torch.save({field.name: getattr(pool, field.name) for field in fields(Pool)}, path)
    return pool
