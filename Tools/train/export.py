"""Export: the best student snapped to ternary codes, its float twin, calibration, operating points, gate, descriptions, samples."""
from __future__ import annotations

import copy
import json
from pathlib import Path

import torch

import data
import gate
import metrics
import reference
from model import Architecture, VisionTransformer
from progress import Log
from training import predict, show, summary

LEVELS = {"ternary": 63, "int8": 127}
PAGES_ONLY = ("shortfall", "tableNotes")  # keys of the settings' card that only the pages show
GATE_IMAGES = 1500  # training images the gate's statistics are taken from, at most


def snap(model: VisionTransformer) -> VisionTransformer:
    """A copy whose linear weights hold only -g, 0, +g in each output row, g the row's scale in binary32."""
    result = copy.deepcopy(model)
    with torch.no_grad():
        for name, layer in result.linears().items():
            codes, scale = layer.parts()
            if (codes.abs().amax(dim=1) != 1).any():
                raise ValueError(f"{name}: an output row holds no weight")
            layer.weight.copy_((codes * scale[:, None]).reshape(layer.weight.shape))
    return result.set_mode("ternary", LEVELS["ternary"], snapped=True)


def check_snapped(model: VisionTransformer) -> float:
    """Raises unless every row of every linear layer is exactly ternary; returns the share of zero codes."""
    zeros = total = 0
    for name, layer in model.linears().items():
        rows = layer.weight.detach().flatten(1)
        largest = rows.abs().amax(dim=1, keepdim=True)
        if not ((rows == 0) | (rows == largest) | (rows == -largest)).all():
            raise ValueError(f"{name}: a row is not ternary")
        zeros += int((rows == 0).sum())
        total += rows.numel()
    return zeros / total


def tensors(model: VisionTransformer) -> dict[str, torch.Tensor]:
    """All parameters as contiguous binary32 tensors under their timm names."""
    return {name: value.detach().float().cpu().contiguous() for name, value in model.state_dict().items()}


def load(description: dict, path: Path) -> VisionTransformer:
    """The model of a checkpoint with the shape in `description`; switched to the mode its weights are made for."""
    from safetensors.torch import load_file

    state = {name: value for name, value in load_file(str(path)).items() if not name.startswith("feature_statistics.")}
    a = description["architecture"]
    width = state["cls_token"].shape[-1]
    depth = 1 + max(int(name.split(".")[1]) for name in state if name.startswith("blocks."))
    model = VisionTransformer(Architecture(
        image=a["image"], patch=a["patch"], channels=a["channels"], width=width, depth=depth, heads=a["heads"], kv_heads=a["kvHeads"],
        mlp_ratio=state["blocks.0.mlp.fc1.weight"].shape[0] // width, classes=state["head.weight"].shape[0],
        epsilon=a["layerNormEpsilon"], pool=a["pool"]))
    model.load_state_dict(state)
    return model.eval()


def statistics(description: dict, path: Path) -> gate.Statistics:
    """The gate of a checkpoint and its description."""
    from safetensors.torch import load_file

    state, settings = load_file(str(path)), description["outOfDistribution"]
    return gate.Statistics(*(state[f"feature_statistics.{name}"] for name in ("mean", "precision", "basis")),
                           residual_precision=settings["residualPrecision"], threshold=settings["threshold"])


def describe(config: dict, weights: str, calibration: dict) -> dict:
    """The model description for the converter; `weights` is `ternary` or `int8`, `calibration` what `calibrate` found."""
    a, mean, std = config["architecture"], config["input"]["mean"], config["input"]["std"]
    labels = []
    for index, label in enumerate(config["labels"]):
        points = calibration["points"].get(index)
        labels.append({"name": label["name"], "index": index, "report": label["report"]}
                      | ({"code": label["code"]} if "code" in label else {})
                      | ({"operatingPoint": "balanced", "operatingPoints": points} if points else {}))
    return {
        "name": config["name"], "version": config["version"],
        "architecture": {"heads": a["heads"], "kvHeads": a.get("kv_heads") or a["heads"], "layerNormEpsilon": a["epsilon"], "pool": a["pool"],
                         "activationLevels": LEVELS[weights], "image": a["image"], "patch": a["patch"],
                         "channels": a["channels"]},
        "input": {"modality": config["modality"], "width": a["image"], "height": a["image"], "channels": a["channels"],
                  "crop": "centerSquare", "filter": "bicubic", "mean": mean, "std": std},
        "output": {"activation": "softmax", "temperature": calibration["temperature"], "calibrated": not config["balanced"]},
        "labels": labels,
        "operatingPointsMeasuredOn": "validation",
        "outOfDistribution": calibration["outOfDistribution"],
        "card": card_of(config, weights),
    }


def card_of(config: dict, weights: str) -> dict:
    """What the model file says about itself, its metrics still empty; with the models that training started from."""
    told = {key: value for key, value in config["card"].items() if key not in PAGES_ONLY}
    found = told | {"clinicalUse": False, "seeds": config["seeds"], "weights": weights, "metrics": {}}
    for name, parts in starts(config).items():
        origin = json.loads(Path(__file__).with_name(f"{name}.json").read_text())
        found["trainingData"] += f" Training of {' and '.join(parts)} started from the weights of {origin['name']}: {origin['card']['trainingData']}"
        found["attribution"] += f" Of {origin['name']}, from which training started: {origin['card']['attribution']}"
    return found


def starts(config: dict) -> dict[str, list[str]]:
    """The models whose weights training starts from, each with what starts there: the student, the teacher."""
    found: dict[str, list[str]] = {}
    for part, settings in (("the student", config), ("the teacher", config["teacher"])):
        if "start" in settings:
            name = settings["start"]["model"] if part == "the student" else settings["start"]
            found.setdefault(name, []).append(part)
    return found


def integer(model: VisionTransformer, weights: str, images: torch.Tensor, config_input: dict) -> tuple[torch.Tensor, torch.Tensor]:
    """Logits [N, C] and features [N, width] (N-13) of uint8 images in the engine's arithmetic; `model` float for `int8`, snapped for `ternary`."""
    model = copy.deepcopy(model).cpu().eval().set_mode(weights, LEVELS[weights], snapped=weights == "ternary")
    return reference.infer(model, data.normalise(images.cpu(), config_input))


def calibrate(model: VisionTransformer, weights: str, splits: dict[str, data.Split], config: dict, log: Log) -> tuple[dict, gate.Statistics]:
    """Temperature, operating points and gate of `model`, from training and validation images in the engine's arithmetic."""
    val, train = splits["val"], splits["train"]
    logits, vectors = integer(model, weights, val.images, config["input"])
    labels = val.labels.cpu()
    temperature = metrics.fit_temperature(logits, labels, config["balanced"])
    scores = reference.softmax(logits, temperature)
    points = {index: metrics.operating_points(scores[:, index], labels == index, config["balanced"])
              for index, label in enumerate(config["labels"]) if label["report"]}
    chosen = torch.randperm(len(train.labels), generator=torch.Generator().manual_seed(config["seed"]))[:GATE_IMAGES]
    _, training = integer(model, weights, train.images[chosen], config["input"])
    found = gate.fit(training, vectors)
    alarms = float((found.score(vectors) > found.threshold).double().mean())
    log(f"export {weights}: temperature {temperature}{metrics.at_the_end(temperature)}, validation {show(summary(logits, labels))}, calibration error "
        f"{metrics.calibration_error(reference.softmax(logits, 1.0), labels):.4f} -> {metrics.calibration_error(scores, labels):.4f}, "
        f"gate rank {len(found.precision)} threshold {found.threshold} false alarms {alarms:.4f}")
    return {"temperature": temperature, "points": points,
            "outOfDistribution": {"threshold": found.threshold, "residualPrecision": found.residual_precision,
                                  "falseAlarmRate": round(alarms, 4)}}, found


def best_seed(students: dict[int, dict[str, VisionTransformer]], phase: str, val: data.Split, config: dict, log: Log) -> int:
    """The seed whose student of `phase` has the lowest class-balanced log loss on validation."""
    found = {seed: summary(predict(models[phase], val.images, config["input"]), val.labels) for seed, models in students.items()}
    chosen = min(found, key=lambda seed: found[seed]["nll"])
    for key in ("auc", "accuracy"):
        values = torch.tensor([figures[key] for figures in found.values()], dtype=torch.float64)
        spread = float(values.std()) if len(values) > 1 else 0.0
        log(f"export {phase}: validation {key} {float(values.mean()):.4f} +- {spread:.4f} over seeds {sorted(found)}")
    log(f"export {phase}: seed {chosen} has the lowest validation loss, {found[chosen]['nll']:.4f}")
    return chosen


def everything(students: dict[int, dict[str, VisionTransformer]], splits: dict[str, data.Split], config: dict, out: Path,
               log: Log) -> None:
    """Writes `out`/export: checkpoint/, description-*.json, seeds.json, samples/. Looks at training and validation data only."""
    from safetensors.torch import save_file

    folder = out / "export"
    (folder / "checkpoint").mkdir(parents=True, exist_ok=True)
    *_, last = config["phases"]
    students = {seed: {phase: model.cpu() for phase, model in models.items()} for seed, models in students.items()}
    seeds = {"float": best_seed(students, "float", splits["val"], config, log), last: best_seed(students, last, splits["val"], config, log)}
    ternary, plain = snap(students[seeds[last]][last]), students[seeds["float"]]["float"]
    log(f"export: ternary from phase {last}, share of zero codes {check_snapped(ternary):.3f}")
    for weights, model, name in (("ternary", ternary, "ternary"), ("int8", plain, "float")):
        calibration, found = calibrate(model, weights, splits, config, log)
        path = folder / "checkpoint" / f"{name}.safetensors"
        save_file(tensors(model) | found.tensors(), str(path))
        path.chmod(0o644)
        (folder / f"description-{weights}.json").write_text(json.dumps(describe(config, weights, calibration), indent=2) + "\n")
    (folder / "seeds.json").write_text(json.dumps({"shipped": {"float": seeds["float"], "ternary": seeds[last]}}, indent=2) + "\n")
    samples(splits["test"], config, folder / "samples")


def samples(test: data.Split, config: dict, folder: Path, each: int = 4) -> None:
    """The first `each` images of every label of the test split as PNG, labels.csv, and their attribution."""
    from PIL import Image

    folder.mkdir(parents=True, exist_ok=True)
    lines, rows = [], []
    for label, entry in enumerate(config["labels"]):
        for index in torch.nonzero(test.labels == label).flatten()[:each].tolist():
            name = f"test-{index:04d}-{entry['name'].replace(' ', '-')}.png"
            Image.fromarray(test.images[index].permute(1, 2, 0).squeeze(2).numpy()).save(folder / name, optimize=True)
            lines.append(f"- `{name}`: image {index} of the test split, label {entry['name']}")
            rows.append(f"{name},{entry['name']}")
    (folder / "labels.csv").write_text("\n".join(["file,label", *sorted(rows)]) + "\n")
    (folder / "ATTRIBUTION.md").write_text(
        "# Attribution of the sample images\n\n" + "\n".join(sorted(lines)) + f"\n\n{config['card']['attribution']}\n\nNot for clinical use.\n")
