"""The teaching set: augmented training images with the teacher's answers, made once and read by every student phase.

Version v of training image i lies at row v * N + i. Mixing (mixup) happens before the teacher looks, so that it judges
exactly what the student will see.
"""
from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import torch
import torch.nn as nn

import data
from progress import progress
from training import seed_everything, soft_labels


@dataclass
class Pool:
    """`images` [V * N, 1, 28, 28] uint8; `labels` [V * N, 2] mixed one-hot; `features` [V * N, F] mixed feature targets,
    F = 0 without a feature teacher; `answers` logits [V * N, 2] of each teacher member by index. `versions` is V."""

    images: torch.Tensor
    labels: torch.Tensor
    features: torch.Tensor
    versions: int
    answers: dict[int, torch.Tensor] = field(default_factory=dict)

    def teacher(self, rows: torch.Tensor, members: list[int]) -> torch.Tensor:
        """Mean logits [B, 2] of the teacher `members` for `rows` [B]."""
        return torch.stack([self.answers[index][rows] for index in members]).mean(dim=0)

    def rows(self, epoch: int, chosen: torch.Tensor) -> torch.Tensor:
        """Rows of the training images `chosen` in the version of this epoch (each image starts at another version)."""
        count = len(self.images) // self.versions
        return ((epoch + chosen * 7) % self.versions) * count + chosen


@torch.no_grad()
def build(split: data.Split, members: dict[int, nn.Module], targets: torch.Tensor | None, config: dict, out: Path,
          device: torch.device) -> Pool:
    """Makes the images and each member's answers from the training split, or reads those kept in `out`."""
    path = out / "pool.pt"
    if path.is_file():
        pool = Pool(**torch.load(path, weights_only=True))
    else:
        pool = _draw(split, targets, config, device)
        torch.save({"images": pool.images, "labels": pool.labels, "features": pool.features, "versions": pool.versions}, path)
    for index, member in members.items():
        path = out / f"answers-{index}.pt"
        if not path.is_file():
            torch.save(_ask(pool, member, index, config, device), path)
        pool.answers[index] = torch.load(path, weights_only=True)
    return pool


def _draw(split: data.Split, targets: torch.Tensor | None, config: dict, device: torch.device) -> Pool:
    seed_everything(config["seed"] + 50)
    augment = data.Augmentation(**config["augmentation"])
    features = torch.zeros(len(split.labels), 0) if targets is None else targets
    parts: dict[str, list[torch.Tensor]] = {"images": [], "labels": [], "features": []}
    split = split.to(device)
    for _ in progress(range(config["pool"]["versions"]), "teaching set"):
        images, partner, share = augment.mix(augment(split.images))
        own = share[:, None]
        labels = soft_labels(split.labels, 0.0)
        parts["images"].append(images.round().clamp(0, 255).to(torch.uint8).cpu())
        parts["labels"].append((labels * own + labels[partner] * (1 - own)).cpu())
        parts["features"].append((features * own.cpu() + features[partner.cpu()] * (1 - own.cpu())).half())
    return Pool(**{name: torch.cat(value) for name, value in parts.items()}, versions=config["pool"]["versions"])


def _ask(pool: Pool, member: nn.Module, index: int, config: dict, device: torch.device) -> torch.Tensor:
    mean, std = config["input"]["mean"], config["input"]["std"]
    member = member.to(device).eval()
    answers = []
    for block in progress(pool.images.split(256), f"answers of teacher {index}"):
        with torch.autocast(device.type, dtype=torch.bfloat16, enabled=config["bfloat16"]):
            answers.append(member(data.normalise(block.to(device), mean, std)).float().cpu())
    return torch.cat(answers)
