"""PneumoniaMNIST: loading, input normalisation and augmentation.

Images are 28 x 28 grey, 0 ... 255; labels are 0 (normal) or 1 (pneumonia). Splits are the official ones.
"""
from __future__ import annotations

import ast
import hashlib
import math
import struct
import zipfile
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F

SPLITS = ("train", "val", "test")


@dataclass
class Split:
    """One split. `images` [N, 1, 28, 28] uint8, `labels` [N] int64."""

    images: torch.Tensor
    labels: torch.Tensor

    def to(self, device: torch.device) -> "Split":
        return Split(self.images.to(device), self.labels.to(device))


def load(folder: Path) -> dict[str, Split]:
    """Reads `pneumoniamnist.npz` from `folder` and returns the three official splits."""
    path = Path(folder) / "pneumoniamnist.npz"
    if not path.is_file():
        raise SystemExit(f"{path} is missing: give the folder that holds pneumoniamnist.npz as --data")
    result = {}
    with zipfile.ZipFile(path) as archive:
        for name in SPLITS:
            images = _array(archive.read(f"{name}_images.npy"))
            labels = _array(archive.read(f"{name}_labels.npy"))
            result[name] = Split(images[:, None].contiguous(), labels.reshape(-1).long())
    return result


def _array(blob: bytes) -> torch.Tensor:
    """A uint8 array of NumPy's file format, version 1, C order: magic, header as a literal, values."""
    if blob[:8] != b"\x93NUMPY\x01\x00":
        raise SystemExit("the archive holds an array in an unknown format")
    end = 10 + struct.unpack("<H", blob[8:10])[0]
    header = ast.literal_eval(blob[10:end].decode("latin1"))
    if header["descr"] != "|u1" or header["fortran_order"]:
        raise SystemExit(f"the archive holds {header['descr']}, wanted uint8 in C order")
    return torch.frombuffer(bytearray(blob[end:]), dtype=torch.uint8).reshape(header["shape"])


def synthetic(count: int = 48, seed: int = 0) -> dict[str, Split]:
    """Small separable splits for the smoke test: class 1 has a bright disc. Not medical data."""
    generator = torch.Generator().manual_seed(seed)
    y, x = torch.meshgrid(torch.arange(28), torch.arange(28), indexing="ij")
    disc = ((y - 14) ** 2 + (x - 14) ** 2) < 49
    result = {}
    for name in SPLITS:
        labels = torch.arange(count) % 2
        images = torch.randint(60, 140, (count, 28, 28), generator=generator) + labels[:, None, None] * disc * 70
        result[name] = Split(images.clamp(0, 255).to(torch.uint8)[:, None], labels)
    return result


def fingerprint(split: Split) -> str:
    """SHA-256 over images and labels, so that a log says exactly which data a run saw."""
    digest = hashlib.sha256(bytes(split.images.cpu().flatten().tolist()))
    digest.update(bytes(split.labels.cpu().tolist()))
    return digest.hexdigest()


def normalise(images: torch.Tensor, mean: float, std: float) -> torch.Tensor:
    """Maps 0 ... 255 to y = fma(v, a, b) with a = 1 / (255 * std), b = -mean / std, as Models/FORMAT.md section 4 has it.

    Product and sum are exact in binary64 for whole v and nearly so for others, so the value is rounded once.
    """
    a = torch.tensor(1.0 / (255.0 * std), dtype=torch.float32, device=images.device).double()
    b = torch.tensor(-mean / std, dtype=torch.float32, device=images.device).double()
    return (images.double() * a + b).float()


@dataclass
class Augmentation:
    """Strengths of the training augmentation; every image draws its own values, uniform in the ranges given."""

    shift: float = 0.10        # fraction of the image side, both directions
    rotate_degrees: float = 15.0
    scale: float = 0.15        # 1 +- scale, each axis alone
    shear: float = 0.08
    flip: float = 0.5          # probability of a horizontal mirror
    contrast: float = 0.35     # 1 +- contrast about the image's own mean
    brightness: float = 0.15   # fraction of 255
    gamma: float = 0.4         # exponent e^(+-gamma)
    noise: float = 0.04        # largest standard deviation, fraction of 255
    blur: float = 0.3          # probability of a 3 x 3 binomial blur
    erase: float = 0.3         # probability of one erased rectangle
    mixup: float = 0.3         # Beta parameter; 0 switches mixing off
    mixup_probability: float = 0.5

    def __call__(self, images: torch.Tensor) -> torch.Tensor:
        """Returns augmented images [N, 1, H, W] float in 0 ... 255 from uint8 or float images of the same shape."""
        x = images.float() / 255.0
        n, _, height, width = x.shape
        device = x.device

        def uniform(low: float, high: float) -> torch.Tensor:
            return torch.rand(n, device=device) * (high - low) + low

        angle = uniform(-1, 1) * (self.rotate_degrees * math.pi / 180)
        scale_x, scale_y = 1 + uniform(-1, 1) * self.scale, 1 + uniform(-1, 1) * self.scale
        shear = uniform(-1, 1) * self.shear
        mirror = torch.where(torch.rand(n, device=device) < self.flip, -1.0, 1.0)
        cos, sin = torch.cos(angle), torch.sin(angle)
        theta = torch.zeros(n, 2, 3, device=device)
        theta[:, 0, 0] = cos * scale_x * mirror
        theta[:, 0, 1] = -sin * scale_y + shear
        theta[:, 1, 0] = sin * scale_x * mirror
        theta[:, 1, 1] = cos * scale_y
        theta[:, 0, 2] = uniform(-2, 2) * self.shift
        theta[:, 1, 2] = uniform(-2, 2) * self.shift
        grid = F.affine_grid(theta, list(x.shape), align_corners=False)
        x = F.grid_sample(x, grid, mode="bilinear", padding_mode="border", align_corners=False)

        def column(values: torch.Tensor) -> torch.Tensor:
            return values[:, None, None, None]

        x = x.clamp(0, 1) ** column(torch.exp(uniform(-1, 1) * self.gamma))
        centre = x.mean(dim=(1, 2, 3), keepdim=True)
        x = (x - centre) * column(1 + uniform(-1, 1) * self.contrast) + centre
        x = x + column(uniform(-1, 1) * self.brightness)
        if self.blur > 0:
            kernel = torch.tensor([1.0, 2.0, 1.0], device=device)
            kernel = (kernel[:, None] * kernel[None, :] / 16)[None, None]
            blurred = F.conv2d(F.pad(x, (1, 1, 1, 1), mode="replicate"), kernel)
            x = torch.where(column(torch.rand(n, device=device) < self.blur), blurred, x)
        x = x + torch.randn_like(x) * column(uniform(0, 1) * self.noise)
        if self.erase > 0:
            rows = torch.arange(height, device=device)[None, :, None]
            columns = torch.arange(width, device=device)[None, None, :]
            top, left = uniform(0, height), uniform(0, width)
            tall, wide = uniform(4, 10), uniform(4, 10)
            inside = (
                (rows >= top[:, None, None]) & (rows < (top + tall)[:, None, None])
                & (columns >= left[:, None, None]) & (columns < (left + wide)[:, None, None])
                & (torch.rand(n, device=device) < self.erase)[:, None, None]
            )
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


def batches(count: int, batch: int, device: torch.device) -> list[torch.Tensor]:
    """A fresh random order of 0 ..< count cut into batches; a last batch under half of `batch` joins the one before."""
    order = torch.randperm(count).to(device)
    parts = list(order.split(batch))
    if len(parts) > 1 and parts[-1].numel() * 2 < batch:
        parts[-2:] = [torch.cat(parts[-2:])]
    return parts
