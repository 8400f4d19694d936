"""Labelled images: loading, input normalisation and augmentation.

An archive is MedMNIST's form, NAME.npz with {train,val,test}_images [N, H, W] or [N, H, W, 3] uint8 and _labels [N, 1].
"""
from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

SPLITS = ("train", "val", "test")


@dataclass
class Split:
    """One split. `images` [N, C, H, W] uint8, `labels` [N] int64."""

    images: torch.Tensor
    labels: torch.Tensor

    def to(self, device: torch.device) -> "Split":
        return Split(self.images.to(device), self.labels.to(device))


def load(path: Path) -> dict[str, Split]:
    """The three splits of the archive `path`."""
    if not Path(path).is_file():
        raise SystemExit(f"{path} is missing: the MedMNIST archives are fetched from its release, cxr224.npz and cells.npz "
                         "are made by Tools/train/prepare.py")
    result = {}
    with np.load(path, allow_pickle=False) as archive:
        for name in SPLITS:
            images = torch.from_numpy(archive[f"{name}_images"])
            if images.dtype != torch.uint8 or images.ndim not in (3, 4):
                raise SystemExit(f"{path}: {name}_images is {images.dtype} {tuple(images.shape)}, wanted uint8 [N, H, W] or [N, H, W, 3]")
            images = images[:, None] if images.ndim == 3 else images.permute(0, 3, 1, 2)
            labels = torch.from_numpy(archive[f"{name}_labels"].astype(np.int64)).reshape(-1)
            result[name] = Split(images.contiguous(), labels)
    return result


def synthetic(count: int = 48, seed: int = 0, channels: int = 1, classes: int = 2) -> dict[str, Split]:
    """Small separable splits for the smoke test: class k has a disc k times as bright. Not medical data."""
    generator = torch.Generator().manual_seed(seed)
    y, x = torch.meshgrid(torch.arange(28), torch.arange(28), indexing="ij")
    disc = ((y - 14) ** 2 + (x - 14) ** 2) < 49
    result = {}
    for name in SPLITS:
        labels = torch.arange(count) % classes
        images = torch.randint(60, 140, (count, channels, 28, 28), generator=generator)
        images = images + labels[:, None, None, None] * disc * (70 // (classes - 1))
        result[name] = Split(images.clamp(0, 255).to(torch.uint8), labels)
    return result


def fingerprint(split: Split) -> str:
    """SHA-256 over images and labels, so that a log says exactly which data a run saw."""
    digest = hashlib.sha256(split.images.cpu().numpy().tobytes())
    digest.update(bytes(split.labels.cpu().tolist()))
    return digest.hexdigest()


def normalise(images: torch.Tensor, config_input: dict) -> torch.Tensor:
    """Maps 0 ... 255 to y = fma(v, a, b) with a = 1 / (255 * std), b = -mean / std, as Models/FORMAT.md section 4 has it.

    `mean` and `std` are lists, one number a channel. Product and sum are exact in binary64 for whole v and nearly so for
    others, so the value is rounded once.
    """
    mean, std = config_input["mean"], config_input["std"]
    column = (-1, 1, 1)
    a = torch.tensor([1.0 / (255.0 * s) for s in std], dtype=torch.float32, device=images.device).double().reshape(column)
    b = torch.tensor([-m / s for m, s in zip(mean, std)], dtype=torch.float32, device=images.device).double().reshape(column)
    return (images.double() * a + b).float()


@dataclass
class Augmentation:
    """Strengths of the training augmentation; every image draws its own values, uniform in the ranges given."""

    shift: float = 0.10        # fraction of the image side, both directions
    rotate_degrees: float = 15.0
    scale: float = 0.15        # 1 +- scale, each axis alone
    shear: float = 0.08
    flip: float = 0.5          # probability of a horizontal mirror
    flip_vertical: float = 0.0
    contrast: float = 0.35     # 1 +- contrast about the image's own mean
    brightness: float = 0.15   # fraction of 255
    colour: float = 0.0        # 1 +- colour, each channel alone
    gamma: float = 0.4         # exponent e^(+-gamma)
    noise: float = 0.04        # largest standard deviation, fraction of 255
    blur: float = 0.3          # probability of a 3 x 3 binomial blur
    erase: float = 0.3         # probability of one erased rectangle, sides 1/7 ... 1/3 of the image's
    mixup: float = 0.3         # Beta parameter; 0 switches mixing off
    mixup_probability: float = 0.5

    def __call__(self, images: torch.Tensor) -> torch.Tensor:
        """Returns augmented images [N, C, H, W] float in 0 ... 255 from uint8 or float images of the same shape."""
        x = images.float() / 255.0
        n, channels, height, width = x.shape
        device = x.device

        def uniform(low: float, high: float) -> torch.Tensor:
            return torch.rand(n, device=device) * (high - low) + low

        def signs(probability: float) -> torch.Tensor:
            return torch.where(torch.rand(n, device=device) < probability, -1.0, 1.0)

        def column(values: torch.Tensor) -> torch.Tensor:
            return values[:, None, None, None]

        angle = uniform(-1, 1) * (self.rotate_degrees * math.pi / 180)
        scale_x, scale_y = 1 + uniform(-1, 1) * self.scale, 1 + uniform(-1, 1) * self.scale
        shear, mirror, upset = uniform(-1, 1) * self.shear, signs(self.flip), signs(self.flip_vertical)
        cos, sin = torch.cos(angle), torch.sin(angle)
        theta = torch.zeros(n, 2, 3, device=device)
        theta[:, 0, 0] = cos * scale_x * mirror
        theta[:, 0, 1] = (-sin * scale_y + shear) * upset
        theta[:, 1, 0] = sin * scale_x * mirror
        theta[:, 1, 1] = cos * scale_y * upset
        theta[:, 0, 2] = uniform(-2, 2) * self.shift
        theta[:, 1, 2] = uniform(-2, 2) * self.shift
        grid = F.affine_grid(theta, list(x.shape), align_corners=False)
        x = F.grid_sample(x, grid, mode="bilinear", padding_mode="border", align_corners=False)
        x = x.clamp(0, 1) ** column(torch.exp(uniform(-1, 1) * self.gamma))
        centre = x.mean(dim=(1, 2, 3), keepdim=True)
        x = (x - centre) * column(1 + uniform(-1, 1) * self.contrast) + centre
        x = x + column(uniform(-1, 1) * self.brightness)
        if self.colour > 0:
            x = x * (1 + (torch.rand(n, channels, 1, 1, device=device) * 2 - 1) * self.colour)
        if self.blur > 0:
            kernel = torch.tensor([1.0, 2.0, 1.0], device=device)
            kernel = (kernel[:, None] * kernel[None, :] / 16).expand(channels, 1, 3, 3)
            blurred = F.conv2d(F.pad(x, (1, 1, 1, 1), mode="replicate"), kernel, groups=channels)
            x = torch.where(column(torch.rand(n, device=device) < self.blur), blurred, x)
        x = x + torch.randn_like(x) * column(uniform(0, 1) * self.noise)
        if self.erase > 0:
            rows = torch.arange(height, device=device)[None, :, None]
            columns = torch.arange(width, device=device)[None, None, :]
            top, left = uniform(0, height)[:, None, None], uniform(0, width)[:, None, None]
            tall, wide = (uniform(side / 7, side / 3)[:, None, None] for side in (height, width))
            chosen = (torch.rand(n, device=device) < self.erase)[:, None, None]
            inside = (rows >= top) & (rows < top + tall) & (columns >= left) & (columns < left + wide) & chosen
            x = torch.where(inside[:, None], column(uniform(0, 1)), x)
        return x.clamp(0, 1) * 255.0

    def mix(self, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Mixup: returns mixed images, the partner's index [N] and the own share [N] in 0.5 ... 1 (1: not mixed)."""
        n = images.shape[0]
        share = torch.ones(n, device=images.device)
        partner = torch.randperm(n, device=images.device)
        if self.mixup > 0:
            parameter = torch.tensor(self.mixup)
            drawn = torch.distributions.Beta(parameter, parameter).sample((n,)).to(images.device)
            drawn = torch.maximum(drawn, 1 - drawn)
            share = torch.where(torch.rand(n, device=images.device) < self.mixup_probability, drawn, share)
        weight = share[:, None, None, None]
        return images * weight + images[partner] * (1 - weight), partner, share


def check_labels(splits: dict[str, Split], labels: list[dict]) -> None:
    """Exits unless validation and test hold at least two images of each of the configured `labels` and no other label."""
    for name in ("val", "test"):
        counts = torch.bincount(splits[name].labels.cpu(), minlength=len(labels)).tolist()
        if len(counts) > len(labels):
            raise SystemExit(f"split {name} holds the label {len(counts) - 1}; the settings name {len(labels)} labels, the largest is {len(labels) - 1}")
        for label, count in zip(labels, counts):
            if count < 2:
                raise SystemExit(f"split {name} holds {count} images of {label['name']}; thresholds and figures need at least two")


def batches(count: int, batch: int, device: torch.device) -> list[torch.Tensor]:
    """A fresh random order of 0 ..< count cut into batches; a last batch under half of `batch` joins the one before."""
    order = torch.randperm(count).to(device)
    parts = list(order.split(batch))
    if len(parts) > 1 and parts[-1].numel() * 2 < batch:
        parts[-2:] = [torch.cat(parts[-2:])]
    return parts
