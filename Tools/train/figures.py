"""Figures of models that run in torch: one row for each of teacher, float student and baselines, and what the seeds span."""
from __future__ import annotations

from pathlib import Path

import torch

import data
import metrics
import pool
import reference
import student
import teacher
from progress import Log, progress
from training import predict

KEPT_DIGITS = 4


def rounded(values: list[float]) -> list[float]:
    return [round(value, KEPT_DIGITS) for value in values]


def row(test: torch.Tensor, test_labels: torch.Tensor, val: torch.Tensor, val_labels: torch.Tensor, config: dict) -> dict:
    """Figures of logits [N, C] on the test split; temperature and balanced thresholds come from the validation logits [M, C].

    Accuracy is that of the largest score, with a Wilson interval; AUC is that of the scores after temperature, its interval
    DeLong's for two classes, else a bootstrap's. `labels` has accuracy, sensitivity and specificity of each reported label at its balanced threshold.
    """
    classes = len(config["labels"])
    temperature = metrics.fit_temperature(val, val_labels, config["balanced"])
    scores, held = (reference.softmax(logits.float(), temperature) for logits in (test, val))
    call = test.argmax(1)
    accuracy = float((call == test_labels).double().mean())
    kappas = {"kappa": metrics.kappa(call, test_labels, classes), "quadraticKappa": metrics.kappa(call, test_labels, classes, quadratic=True)}
    found = {
        "accuracy": round(accuracy, KEPT_DIGITS), "accuracyInterval": metrics.wilson(accuracy, len(test_labels)),
        "auc": round(metrics.mean_auc(test / temperature, test_labels), KEPT_DIGITS),
        "aucInterval": rounded(metrics.delong(test[:, 1] - test[:, 0], test_labels == 1) if classes == 2
                               else metrics.bootstrap_auc(test / temperature, test_labels)),
        "macroF1": round(metrics.macro_f1(call, test_labels, classes), KEPT_DIGITS),
    } | {key: None if value is None else round(value, KEPT_DIGITS) for key, value in kappas.items()} | {
        "temperature": temperature,
        "calibrationErrorBefore": round(metrics.calibration_error(reference.softmax(test.float(), 1.0), test_labels), KEPT_DIGITS),
        "calibrationError": round(metrics.calibration_error(scores, test_labels), KEPT_DIGITS),
        "labels": [],
    }
    for index, label in enumerate(config["labels"]):
        if label["report"]:
            points = metrics.operating_points(held[:, index], val_labels == index, config["balanced"])
            threshold = next(point["threshold"] for point in points if point["name"] == "balanced")
            at = metrics.rates(scores[:, index], test_labels == index, threshold)
            found["labels"].append({"name": label["name"], "threshold": threshold} | {key: round(at[key], KEPT_DIGITS) for key in at})
    return found


def teacher_logits(splits: dict[str, data.Split], config: dict, runs: Path, threads: int, log: Log) -> dict[str, torch.Tensor]:
    """Logits of the teacher kept in `runs` on validation and test images."""
    wanted = {name: splits[name] for name in ("val", "test")}
    needed = (["pool.pt", "features-pool.npz"] if config["teacher"]["kind"] == "probe"
              else [f"teacher-{index}.pt" for index in config["teacher"]["members"]])
    missing = [name for name in needed if not (runs / name).is_file()]
    if missing:
        raise SystemExit(f"{runs} holds no trained teacher: {', '.join(missing)} missing; run train.py with --out {runs} first")
    if config["teacher"]["kind"] == "probe":
        probe = teacher.Probe(splits, config, runs, threads, log)
        kept = pool.build(splits, probe, config, runs, torch.device("cpu"))
        probe.fit(kept.images, kept.labels)
        return {name: probe.judge(split.images, name) for name, split in wanted.items()}
    ensemble = teacher.members(splits, config, runs, torch.device("cpu"), log)
    with torch.no_grad():
        return {name: predict(ensemble, split.images, config["input"]) for name, split in wanted.items()}


def seeds(splits: dict[str, data.Split], config: dict, runs: Path) -> dict:
    """Test accuracy and AUC of every seed's float and last student, fake-quantised in torch, with mean and deviation."""
    *_, last = config["phases"]
    val, test, result = splits["val"], splits["test"], {}
    for name, phase in (("float", "float"), ("ternary", last)):
        found = []
        for seed in progress(config["seeds"], f"seeds {name}"):
            path = runs / f"student-{phase}-{seed}.pt"
            if path.is_file():
                model = student.new_model(config)
                model.load_state_dict(torch.load(path, map_location="cpu", weights_only=True))
                model.set_mode(config["phases"][phase]["mode"], config["phases"][phase]["levels"])
                logits = predict(model, test.images, config["input"])
                temperature = metrics.fit_temperature(predict(model, val.images, config["input"]), val.labels, config["balanced"])
                found.append({"seed": seed, "accuracy": round(float((logits.argmax(1) == test.labels).double().mean()), KEPT_DIGITS),
                              "auc": round(metrics.mean_auc(logits / temperature, test.labels), KEPT_DIGITS)})
        if found:
            result[name] = {"each": found} | {key: spread([entry[key] for entry in found]) for key in ("accuracy", "auc")}
    return result


def spread(values: list[float]) -> dict[str, float]:
    """Mean and standard deviation (n - 1; 0 for one value)."""
    values = torch.tensor(values, dtype=torch.float64)
    return {"mean": round(float(values.mean()), KEPT_DIGITS),
            "deviation": round(float(values.std()) if len(values) > 1 else 0.0, KEPT_DIGITS)}
