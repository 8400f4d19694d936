"""Student: float warm-up, ternary quantisation-aware training, recovery. Every phase distils from the teaching set."""
from __future__ import annotations

import math
from pathlib import Path

import torch
import torch.nn as nn
import torch.nn.functional as F

import data
from model import Architecture, VisionTransformer
from pool import Pool
from progress import Log, progress, put
from training import MovingAverage, classification_loss, cosine, groups, predict, prior_of, seed_everything, show, summary

CHECKPOINTS = 8  # an interrupted phase goes on from the last eighth it finished


def distillation_loss(logits: torch.Tensor, pool: Pool, rows: torch.Tensor, phase: dict, prior: torch.Tensor) -> torch.Tensor:
    """share * T^2 * KL(teacher || student) at temperature T + (1 - share) * cross entropy with the labels."""
    device = logits.device
    temperature, share = phase["temperature"], phase["teacher_share"]
    labels = pool.labels[rows].to(device)
    labels = labels * (1 - phase["smoothing"]) + phase["smoothing"] / labels.shape[1]
    teacher = F.log_softmax(pool.answers[rows].to(device) / temperature, dim=1)
    student = F.log_softmax(logits / temperature, dim=1)
    divergence = F.kl_div(student, teacher, reduction="batchmean", log_target=True) * temperature ** 2
    return share * divergence + (1 - share) * classification_loss(logits, labels, prior)


class Optimisers:
    """Muon for the matrices of the blocks (unless their rate is 0), AdamW for everything else, under one schedule.

    Muon moves a matrix by its momentum with all singular values made equal (Jordan et al. 2024; torch.optim.Muon).
    """

    def __init__(self, model: VisionTransformer, guide: nn.Module | None, phase: dict):
        matrices = {p for name, p in model.named_parameters()
                    if phase["matrix_rate"] > 0 and name.startswith("blocks.") and p.ndim == 2}
        extra = [{"params": list(guide.parameters()), "weight_decay": 0.0}] if guide is not None else []
        decay = phase["weight_decay"]
        self.all = [(torch.optim.AdamW(groups(model, decay, without=matrices) + extra, lr=phase["rate"], betas=(0.9, 0.98)), phase["rate"])]
        if matrices:
            muon = torch.optim.Muon([p for p in model.parameters() if p in matrices], lr=phase["matrix_rate"], momentum=0.95,
                                    weight_decay=decay)
            self.all.append((muon, phase["matrix_rate"]))

    def step(self, factor: float) -> None:
        for optimiser, rate in self.all:
            for group in optimiser.param_groups:
                group["lr"] = rate * factor
            optimiser.step()
            optimiser.zero_grad(set_to_none=True)

    def state(self) -> list[dict]:
        return [optimiser.state_dict() for optimiser, _ in self.all]

    def load(self, states: list[dict]) -> None:
        for (optimiser, _), state in zip(self.all, states):
            optimiser.load_state_dict(state)


def row_order(seed: int, first: int, count: int, rows: int) -> torch.Tensor:
    """Places first ..< first + count of an endless walk through `rows` rows, each pass in an order of its own."""
    parts = []
    while count > 0:
        passed, offset = divmod(first, rows)
        order = torch.randperm(rows, generator=torch.Generator().manual_seed(seed * 1000 + passed))[offset:offset + count]
        parts.append(order)
        first, count = first + len(order), count - len(order)
    return torch.cat(parts)


def run_phase(name: str, seed: int, model: VisionTransformer, guide: nn.Linear | None, pool: Pool, splits: dict[str, data.Split],
              config: dict, out: Path, device: torch.device, log: Log) -> VisionTransformer:
    """Trains `model` through the phase `name` on phase["images"] rows of the teaching set; returns its moving average.

    `guide` maps the student's patch tokens to the teacher's features; it is trained along and never exported. What is
    finished is kept in `out`; an interrupted phase goes on from there, with the same result as an uninterrupted one.
    """
    phase, val = config["phases"][name], splits["val"].to(device)
    prior = prior_of(splits["train"].labels, config).to(device)
    average = MovingAverage(model, phase["ema"])
    optimisers = Optimisers(model, guide, phase)
    batch = phase["batch"]
    total = max(CHECKPOINTS, phase["images"] // batch)
    warmup = int(total * phase["warmup"])
    model.set_drop(phase["drop_path"])
    parameters = list(model.parameters()) + (list(guide.parameters()) if guide is not None else [])
    kept, first = out / f"unfinished-{name}-{seed}.pt", 0
    if kept.is_file():
        state = torch.load(kept, map_location=device, weights_only=True)
        model.load_state_dict(state["model"])
        average.model.load_state_dict(state["average"])
        optimisers.load(state["optimisers"])
        if guide is not None:
            guide.load_state_dict(state["guide"])
        average.count, first = state["step"], state["part"]
        log(f"seed {seed} {name}: goes on after part {first} of {CHECKPOINTS}")
    for part in range(first, CHECKPOINTS):
        seed_everything(config["seed"] + 7919 * seed + 101 * phase["seed"] + part)
        steps = range(total * part // CHECKPOINTS, total * (part + 1) // CHECKPOINTS)
        order = row_order(config["seed"] + 31 * seed + phase["seed"], steps.start * batch, len(steps) * batch, len(pool.images))
        model.train()
        running = 0.0
        for step, rows in zip(progress(steps, f"seed {seed} {name} {part + 1}/{CHECKPOINTS}"), order.split(batch)):
            if phase["mode"] != "float":
                model.set_mode(phase["mode"], phase["levels"], share=min(1.0, step / (total * phase["blend"])) if phase["blend"] else 1.0)
            images = data.normalise(pool.images[rows].to(device), config["input"])
            with torch.autocast(device.type, dtype=torch.bfloat16, enabled=config["bfloat16"] and phase["bfloat16"]):
                tokens = model.tokens(images)
                loss = distillation_loss(model.head(model.pooled(tokens)).float(), pool, rows, phase, prior)
                if guide is not None:
                    goal = pool.features[rows].float().to(device)
                    loss = loss + phase["feature_weight"] * F.mse_loss(guide(tokens[:, 1:]).float(), goal)
            loss.backward()
            nn.utils.clip_grad_norm_(parameters, 1.0)
            optimisers.step(cosine(step, total, warmup))
            average.update(model)
            running += loss.item() / len(steps)
        if not math.isfinite(running):
            raise SystemExit(f"seed {seed} {name}: the loss is not finite in part {part + 1}; lower its rates")
        if phase["mode"] != "float":
            average.model.set_mode(phase["mode"], phase["levels"])
        log(f"seed {seed} {name} {part + 1}/{CHECKPOINTS}: loss {running:.4f} validation "
            f"{show(summary(predict(average.model, val.images, config['input']), val.labels))}")
        state = {"model": model.state_dict(), "average": average.model.state_dict(), "optimisers": optimisers.state(),
                 "step": average.count, "part": part + 1}
        state |= {"guide": guide.state_dict()} if guide is not None else {}
        put(kept, lambda path: torch.save(state, path))
    if guide is not None:
        put(out / f"guide-{name}-{seed}.pt", lambda path: torch.save(guide.state_dict(), path))
    put(out / f"student-{name}-{seed}.pt", lambda path: torch.save(average.model.state_dict(), path))
    kept.unlink()
    return average.model


def new_model(config: dict) -> VisionTransformer:
    model = VisionTransformer(Architecture(**config["architecture"]))
    for layer in model.linears().values():
        layer.per_tensor = config.get("scale_per_tensor", False)
    return model


def adopt(model: VisionTransformer, seed: int, config: dict, out: Path) -> None:
    """Starts from the student of the same seed of another model, config["start"], trained into a folder beside `out`."""
    start = config["start"]
    path = out.parent / start["model"] / f"student-{start['phase']}-{seed}.pt"
    if not path.is_file():
        raise SystemExit(f"{config['name']} starts from {start['model']}: train that first, into a folder beside {out}, so that {path} is there")
    model.adopt(torch.load(path, map_location=next(model.parameters()).device, weights_only=True), start["patch"])


def build(seed: int, splits: dict[str, data.Split], pool: Pool, config: dict, out: Path, device: torch.device,
          log: Log) -> dict[str, VisionTransformer]:
    """Runs the phases of one seed in their order; each begins with the weights of the one named `from`. Finished ones are read."""
    val = splits["val"].to(device)
    finished: dict[str, VisionTransformer] = {}
    for name, phase in config["phases"].items():
        seed_everything(config["seed"] + 7919 * seed)
        path = out / f"student-{name}-{seed}.pt"
        model = new_model(config).to(device)
        width = pool.features.shape[-1]
        guide = nn.Linear(config["architecture"]["width"], width).to(device) if width else None
        if path.is_file():
            model.load_state_dict(torch.load(path, map_location=device, weights_only=True))
        else:
            if not phase["from"] and "start" in config:
                adopt(model, seed, config, out)
            if phase["from"]:
                model.load_state_dict(finished[phase["from"]].state_dict())
                if guide is not None:
                    guide.load_state_dict(torch.load(out / f"guide-{phase['from']}-{seed}.pt", map_location=device, weights_only=True))
            model = run_phase(name, seed, model, guide, pool, splits, config, out, device, log)
        model.set_drop(0.0)
        finished[name] = model.set_mode(phase["mode"], phase["levels"]).eval()
        log(f"seed {seed} {name}: validation {show(summary(predict(model, val.images, config['input']), val.labels))}")
    return finished
