#!/usr/bin/env python3
"""Test figures of an exported model folder: float student, INT8 twin and ternary student, in the engine's arithmetic.

Example:
    python3 Tools/train/evaluate.py --model Models/pneumonia28 --data DIR
    python3 Tools/train/evaluate.py --model Models/pneumonia28 --data DIR --teacher build/train --engine .build/release/tern --write

Prints JSON: accuracy at the threshold of validation and AUC, each with a 95 % bootstrap interval (2000 resamples of
the test images, fixed seed). Needs torch and safetensors only; --teacher needs what training needs. With --engine the rows of the ternary and
the INT8 model are what `tern eval` prints for the model files in the folder, and their outputs must be PyTorch's in every bit.
"""
from __future__ import annotations

import argparse
import csv
import hashlib
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import torch
from PIL import Image

sys.path.insert(0, str(Path(__file__).resolve().parent))

import card  # noqa: E402
import data  # noqa: E402
import export  # noqa: E402
import metrics  # noqa: E402
import reference  # noqa: E402


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, required=True, help="folder with checkpoint/ and description-*.json")
    parser.add_argument("--data", type=Path, required=True, help="folder that holds pneumoniamnist.npz")
    parser.add_argument("--teacher", type=Path, help="output folder of train.py with teacher-*.pt, for the teacher's row")
    parser.add_argument("--engine", type=Path, help="the command tern: take the quantised rows from the shipped files in the engine")
    parser.add_argument("--split", choices=data.SPLITS, default="test", help="split to judge (default: test)")
    parser.add_argument("--write", action="store_true",
                        help="write figures.json, scores-test-*.json, card.md and the descriptions' metrics into the folder")
    return parser.parse_args()


def plain_logits(model: torch.nn.Module, images: torch.Tensor, config_input: dict) -> torch.Tensor:
    """Float logits [N, 2] of uint8 images [N, 1, H, W]."""
    with torch.no_grad():
        return torch.cat([model(data.normalise(part, config_input["mean"], config_input["std"]))
                          for part in images.split(128)])


def teacher_logits(folder: Path, splits: dict[str, data.Split], config_input: dict) -> dict[str, torch.Tensor]:
    import teacher

    members = []
    for path in sorted(folder.glob("teacher-*.pt")):
        members.append(teacher.member_from(torch.load(path, map_location="cpu", weights_only=True)).eval())
    ensemble = teacher.Ensemble(members).eval()
    return {name: plain_logits(ensemble, splits[name].images, config_input) for name in splits}


def judge(found: dict[str, torch.Tensor], splits: dict[str, data.Split], split: str, temperature: float,
          threshold: float | None) -> tuple[dict, torch.Tensor]:
    """Figures on `split` and its scores [N]; without `threshold` one is taken from the validation scores."""
    if threshold is None:
        threshold = metrics.operating_point(reference.softmax(found["val"], temperature)[:, 1], splits["val"].labels)
    scores = reference.softmax(found[split], temperature)[:, 1]
    figures = metrics.with_intervals(scores, splits[split].labels, threshold)
    figures["calibrationError"] = round(metrics.calibration_error(scores, splits[split].labels), 4)
    return figures, scores


def main() -> int:
    options = arguments()
    splits = data.load(options.data)
    descriptions = {kind: json.loads((options.model / f"description-{kind}.json").read_text())
                    for kind in ("ternary", "int8")}
    config_input = {key: descriptions["ternary"]["input"][key][0] for key in ("mean", "std")}
    rows, kept = {}, {}
    wanted = {name: splits[name] for name in {"val", options.split}}
    if options.teacher:
        rows["teacher"], _ = judge(teacher_logits(options.teacher, wanted, config_input), splits, options.split, 1.0, None)
    checkpoint = options.model / "checkpoint"
    plain = export.load(descriptions["int8"], checkpoint / "float.safetensors")
    snapped = export.load(descriptions["ternary"], checkpoint / "ternary.safetensors")
    export.check_snapped(snapped)
    found = {name: plain_logits(plain, wanted[name].images, config_input) for name in wanted}
    rows["float"], _ = judge(found, splits, options.split, descriptions["int8"]["output"]["temperature"], None)
    for kind, model in (("int8", plain), ("ternary", snapped)):
        description = descriptions[kind]
        found = {name: export.integer_logits(model, kind, wanted[name].images, config_input) for name in wanted}
        rows[kind], kept[kind] = judge(found, splits, options.split, description["output"]["temperature"],
                                       description["labels"][1]["threshold"])
        kept[kind + "Logits"] = found[options.split]
        if options.engine:
            rows[kind] = engine_row(options, description, splits[options.split], found[options.split])
    result = {"split": options.split, "images": len(splits[options.split].labels), "models": rows}
    print(json.dumps(result, indent=2))
    if options.write:
        if options.split != "test":
            raise SystemExit("--write keeps test figures only")
        write(options.model, result, kept, splits["test"], descriptions)
        card.write(options.model, result, descriptions["ternary"], snapped, descriptions["ternary"]["card"]["featureTeacher"])
    return 0


def engine_row(options: argparse.Namespace, description: dict, split: data.Split, expected: torch.Tensor) -> dict:
    """Figures of the shipped file as `tern eval` prints them; stops when an output of the engine is not `expected` [N, 2] in every bit."""
    file = options.model / (description["name"] + ("-int8" if description["architecture"]["activationLevels"] == 127 else "") + ".tern")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for index, image in enumerate(split.images):
            Image.fromarray(image[0].numpy()).save(folder / f"{index:05}.png")
        rows = "".join(f"{index:05}.png,{label}\n" for index, label in enumerate(split.labels.tolist()))
        (folder / "labels.csv").write_text("file,label\n" + rows)
        scores = folder / "scores.csv"
        command = [options.engine, "eval", file, "--data", folder, "--scores", scores, "--json"]
        answer = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        with scores.open() as lines:
            outputs = torch.tensor([[float(row["output0"]), float(row["output1"])] for row in csv.DictReader(lines)])
    if not torch.equal(outputs, expected):
        raise SystemExit(f"{file}: the engine's outputs are not PyTorch's in every bit")
    label = answer["labels"][0]
    ends = {key: [round(label[key]["low"], 4), round(label[key]["high"], 4)] for key in ("accuracy", "auc")}
    return {"accuracy": round(label["accuracy"]["value"], 4), "sensitivity": round(label["sensitivity"], 4),
            "specificity": round(label["specificity"], 4),
            "balancedAccuracy": round((label["sensitivity"] + label["specificity"]) / 2, 4), "accuracyInterval": ends["accuracy"],
            "auc": round(label["auc"]["value"], 4), "aucInterval": ends["auc"], "threshold": description["labels"][1]["threshold"],
            "calibrationError": round(label["calibrationError"], 4)}


def write(folder: Path, result: dict, kept: dict, test: data.Split, descriptions: dict) -> None:
    """Leaves figures, per-image scores and the descriptions' metrics in the model folder."""
    (folder / "figures.json").write_text(json.dumps(result, indent=2) + "\n")
    for kind in ("ternary", "int8"):
        rows = [{"index": index, "label": label, "logits": [float(z) for z in logits], "score": float(score)}
                for index, (label, logits, score) in enumerate(zip(
                    test.labels.tolist(), kept[kind + "Logits"].tolist(), kept[kind].tolist()))]
        name = {"ternary": "ternary", "int8": "float"}[kind]
        digest = hashlib.sha256((folder / "checkpoint" / f"{name}.safetensors").read_bytes()).hexdigest()
        lines = ",\n".join(json.dumps(row) for row in rows)
        (folder / f"scores-test-{kind}.json").write_text(
            f'{{"checkpointSHA256": "{digest}", "threshold": {result["models"][kind]["threshold"]}, "images": [\n{lines}\n]}}\n')
        descriptions[kind]["card"]["metrics"] = {"split": "official test, 624 images"} | result["models"][kind]
        (folder / f"description-{kind}.json").write_text(json.dumps(descriptions[kind], indent=2) + "\n")


if __name__ == "__main__":
    sys.exit(main())
