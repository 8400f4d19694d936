"""The teaching set: augmented training images with the teacher's answers, made once and read by every student.

Version v of training image i lies at row v * N + i. Mixing (mixup) happens before the teacher looks, so that it judges
exactly what the student will see.
"""
from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn as nn

import data
from progress import progress, put
from training import seed_everything, soft_labels


@dataclass
class Pool:
    """`images` [R, C, H, W] uint8, `labels` [R, classes] mixed one-hot, `answers` [R, classes] logits of the teacher,
    `features` [R, cells, F] the teacher's features on the student's grid, empty without them."""

    images: torch.Tensor
    labels: torch.Tensor
    answers: torch.Tensor
    features: torch.Tensor


def build(splits: dict[str, data.Split], teacher, config: dict, out: Path, device: torch.device) -> Pool:
    """Makes the teaching set of the training split, or reads the one kept in `out`. `teacher` is an Ensemble or a Probe."""
    path = out / "pool.pt"
    if not path.is_file():
        images, labels = _draw(splits["train"], config, device)
        if isinstance(teacher, nn.Module):
            answers, found = _ask(images, teacher, config, device), torch.zeros(len(images), 0, 0)
        else:
            answers, found = teacher.answer(images, labels)
        put(path, lambda place: torch.save({"images": images, "labels": labels, "answers": answers, "features": found}, place))
    return Pool(**torch.load(path, weights_only=True, mmap=True))


def _draw(split: data.Split, config: dict, device: torch.device) -> tuple[torch.Tensor, torch.Tensor]:
    seed_everything(config["seed"] + 50)
    augment = data.Augmentation(**config["augmentation"])
    images, labels = [], []
    split = split.to(device)
    for _ in progress(range(config["pool"]["versions"]), "teaching set"):
        mixed, partner, share = augment.mix(augment(split.images))
        own = share[:, None]
        known = soft_labels(split.labels, 0.0, config["architecture"]["classes"])
        images.append(mixed.round().clamp(0, 255).to(torch.uint8).cpu())
        labels.append((known * own + known[partner] * (1 - own)).cpu())
    return torch.cat(images), torch.cat(labels)


@torch.no_grad()
def _ask(images: torch.Tensor, teacher: nn.Module, config: dict, device: torch.device) -> torch.Tensor:
    answers = []
    for block in progress(images.split(256), "teacher's answers"):
        with torch.autocast(device.type, dtype=torch.bfloat16, enabled=config["bfloat16"]):
            answers.append(teacher(data.normalise(block.to(device), config["input"])).float().cpu())
    return torch.cat(answers)
