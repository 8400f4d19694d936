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
from progress import Log, progress
from training import (MovingAverage, balanced_targets_loss, cosine, optimiser, predict, seed_everything, show,
                      summary)


def distillation_loss(logits: torch.Tensor, pool: Pool, rows: torch.Tensor, phase: dict,
                      prior: torch.Tensor) -> torch.Tensor:
    """share * T^2 * KL(teacher || student) at temperature T + (1 - share) * balanced cross entropy with the labels."""
    device = logits.device
    temperature, share = phase["temperature"], phase["teacher_share"]
    labels = pool.labels[rows].to(device)
    labels = labels * (1 - phase["smoothing"]) + phase["smoothing"] / labels.shape[1]
    teacher = F.log_softmax(pool.teacher(rows, phase["members"]).to(device) / temperature, dim=1)
    student = F.log_softmax(logits / temperature, dim=1)
    divergence = F.kl_div(student, teacher, reduction="batchmean", log_target=True) * temperature ** 2
    return share * divergence + (1 - share) * balanced_targets_loss(logits, labels, prior)


def run_phase(name: str, model: VisionTransformer, guide: nn.Linear | None, pool: Pool, val: data.Split, prior: torch.Tensor,
              config: dict, out: Path, device: torch.device, log: Log) -> VisionTransformer:
    """Trains `model` through the phase `name` of the configuration and returns its moving average.

    `guide` maps the student's final vector to the feature targets; it is trained along and never exported. Every fifth
    epoch is kept in `out`; an interrupted phase goes on from there, with the same result as an uninterrupted one.
    """
    phase = config["phases"][name]
    mean, std = config["input"]["mean"], config["input"]["std"]
    seed_everything(config["seed"] + phase["seed"])
    count = len(pool.images) // pool.versions
    whole = nn.ModuleDict({"model": model} | ({"guide": guide} if guide is not None else {}))
    average = MovingAverage(model, phase["ema"])
    adam = optimiser(whole, phase["rate"], phase["weight_decay"])
    steps = len(data.batches(count, phase["batch"], device))
    total, warmup = steps * phase["epochs"], int(steps * phase["warmup_epochs"])
    model.set_drop(phase["drop_path"])
    step = first = 0
    kept = out / f"unfinished-{name}.pt"
    if kept.is_file():
        state = torch.load(kept, map_location=device, weights_only=True)
        whole.load_state_dict(state["whole"])
        average.model.load_state_dict(state["average"])
        adam.load_state_dict(state["adam"])
        average.count = step = state["step"]
        first = step // steps
        log(f"{name}: goes on after epoch {first}")
    for epoch in range(first, phase["epochs"]):
        seed_everything(config["seed"] + 1000 * phase["seed"] + epoch)
        model.train()
        running = 0.0
        for chosen in progress(data.batches(count, phase["batch"], torch.device("cpu")), f"{name} {epoch}"):
            for group in adam.param_groups:
                group["lr"] = phase["rate"] * cosine(step, total, warmup)
            if phase["mode"] != "float":
                model.set_mode(phase["mode"], phase["levels"], share=min(1.0, step / max(1, steps * phase["blend_epochs"])))
            rows = pool.rows(epoch + phase["seed"], chosen)
            images = data.normalise(pool.images[rows].to(device), mean, std)
            with torch.autocast(device.type, dtype=torch.bfloat16, enabled=config["bfloat16"] and phase["bfloat16"]):
                vector = model.features(images)
                logits = model.head(vector).float()
                loss = distillation_loss(logits, pool, rows, phase, prior.to(device))
                if guide is not None and phase["feature_weight"] > 0:
                    goal = pool.features[rows].float().to(device)
                    loss = loss + phase["feature_weight"] * F.mse_loss(guide(vector).float(), goal)
            adam.zero_grad(set_to_none=True)
            loss.backward()
            nn.utils.clip_grad_norm_(whole.parameters(), 1.0)
            adam.step()
            average.update(model)
            running += loss.item() / steps
            step += 1
        if not math.isfinite(running):
            raise SystemExit(f"{name}: the loss is not finite in epoch {epoch + 1}")
        if epoch % 5 == 4 or epoch == phase["epochs"] - 1:
            if phase["mode"] != "float":
                average.model.set_mode(phase["mode"], phase["levels"])
            figures = summary(predict(average.model, val.images, mean, std), val.labels)
            log(f"{name} epoch {epoch + 1}: loss {running:.4f} validation {show(figures)}")
            torch.save({"whole": whole.state_dict(), "average": average.model.state_dict(), "adam": adam.state_dict(),
                        "step": step}, kept)
    kept.unlink(missing_ok=True)
    return average.model


def new_model(config: dict) -> VisionTransformer:
    return VisionTransformer(Architecture(**config["architecture"]))


def build(splits: dict[str, data.Split], pool: Pool, config: dict, out: Path, device: torch.device,
          log: Log) -> dict[str, VisionTransformer]:
    """Runs the phases in their order; each begins with the weights of the one named `from`. Finished ones are read."""
    val, labels = splits["val"].to(device), splits["train"].labels
    prior = torch.bincount(labels, minlength=2).float() / len(labels)
    finished: dict[str, VisionTransformer] = {}
    for name, phase in config["phases"].items():
        seed_everything(config["seed"] + phase["seed"])
        path, guide_path = out / f"student-{name}.pt", out / f"guide-{name}.pt"
        model = new_model(config).to(device)
        width = pool.features.shape[1]
        guide = nn.Linear(config["architecture"]["width"], width).to(device) if width else None
        if path.is_file():
            model.load_state_dict(torch.load(path, map_location=device, weights_only=True))
        else:
            if phase["from"]:
                model.load_state_dict(finished[phase["from"]].state_dict())
                if guide is not None:
                    guide.load_state_dict(torch.load(out / f"guide-{phase['from']}.pt", weights_only=True))
            model = run_phase(name, model, guide, pool, val, prior, config, out, device, log)
            if guide is not None:
                torch.save(guide.state_dict(), guide_path)
            torch.save(model.state_dict(), path)
        model.set_drop(0.0)
        finished[name] = model.set_mode(phase["mode"], phase["levels"]).eval()
        figures = summary(predict(finished[name], val.images, config["input"]["mean"], config["input"]["std"]), val.labels)
        log(f"student {name}: validation {show(figures)}")
    return finished
