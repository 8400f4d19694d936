#!/usr/bin/env python3
"""The quality gate of a model: thresholds from training images, false refusals on the test split, refusals of spoiled images.

Example:
    python3 Tools/train/quality.py --model Models/breast28 --data breastmnist.npz --engine .build/release/tern --text-images busi-224/ --write

Everything is measured by `tern quality`, that is by the code that runs on the device. A threshold is chosen on the training split alone: the 0.1 %
quantile on the side where the rule refuses (the most extreme image where there are fewer than a thousand), moved away from the median by a quarter
of its distance to it, rounded away from it to three digits. Not chosen that way, because an archive cannot say it: the short side is the input's own;
at most 2 % of coloured pixels where grey is needed (the archives are grey) and at most 30 % of saturated ones (the archives hardly have any, and an ordinary
window clips more) are the least limits. --text-images names grey images of the size people work at, for the share of text: the even ones in order of
their names choose, the odd ones count. --others NAME=FOLDER counts refusals on images of the same kind from elsewhere.

Prints quality.json. With --write it goes into the folder, and the rules into both descriptions; `evaluate.py --write` then makes the files and the card.
"""
from __future__ import annotations

import argparse
import csv
import json
import math
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

QUANTILE, MARGIN = 0.001, 0.25
LEAST = {"contrast", "brightness", "leastColour", "shortSide"}
MEASURE = {"mostColour": "colour", "leastColour": "colour"}
# No threshold is tighter than these.
FLOOR = {"mostColour": 0.02, "saturation": 0.3, "text": 0.02}
ORDER = ["viewPosition", "burnedInAnnotation", "lossyCompression", "shortSide", "mostColour", "leastColour", "contrast", "brightness", "saturation", "blur", "text"]
SEED = 5


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, required=True, help="folder with NAME.tern and description-*.json")
    parser.add_argument("--data", type=Path, required=True, help="archive with the three splits")
    parser.add_argument("--engine", type=Path, required=True, help="the command tern, for example .build/release/tern")
    parser.add_argument("--text-images", type=Path, help="folder of images for the share of text")
    parser.add_argument("--others", action="append", default=[], metavar="NAME=FOLDER", help="images of the same kind from elsewhere; may be given again")
    parser.add_argument("--write", action="store_true", help="write quality.json and the descriptions")
    return parser.parse_args()


def single(value: float) -> np.float32:
    return np.float32(value)


def measured(options: argparse.Namespace, *source: object, text: bool = False) -> list[dict]:
    """Measures of every image, by name; None where something is not measured."""
    name = options.model.name
    with tempfile.TemporaryDirectory() as place:
        table = Path(place) / "measures.csv"
        command = [options.engine, "quality", options.model / f"{name}.tern", *source, "--measures", table, *(["--text"] if text else [])]
        subprocess.run([str(part) for part in command], check=True, stdout=subprocess.DEVNULL)
        with table.open() as lines:
            rows = list(csv.DictReader(lines))
    # A threshold from a part of the images would be another one.
    unread = [f"{row['file']} {row['refusal']}" for row in rows if row["shortSide"] == ""]
    if unread:
        raise SystemExit(f"{len(unread)} images are not measured: {', '.join(unread[:5])}")
    return [{key: None if value == "" else single(value) for key, value in row.items() if key not in ("file", "frame", "refusal")} | {"file": row["file"]}
            for row in rows]


def column(rows: list[dict], criterion: str) -> np.ndarray:
    return np.array([row[MEASURE.get(criterion, criterion)] for row in rows], dtype=np.float32)


def threshold(values: np.ndarray, criterion: str) -> float:
    """The rule of the page's head."""
    values = np.sort(values.astype(float))
    rank = max(math.ceil(QUANTILE * len(values)) - 1, 0)
    extreme, median = (values if criterion in LEAST else values[::-1])[rank], float(np.median(values))
    found = extreme + MARGIN * (extreme - median)
    step = 10.0 ** (math.floor(math.log10(abs(found))) - 2) if found else 1.0
    found = (math.floor if criterion in LEAST else math.ceil)(found / step) * step
    limit = {"contrast": 127.5, "brightness": 255.0}.get(criterion, 1.0)
    return float(f"{min(max(found, FLOOR.get(criterion, 0.0)), limit):.6g}")


def refuses(rule: dict, rows: list[dict]) -> np.ndarray:
    """Which images a rule refuses, in binary32 as the device compares."""
    if "threshold" not in rule:
        return np.zeros(len(rows), dtype=bool)
    values, limit = column(rows, rule["criterion"]), single(rule["threshold"])
    return ~(values >= limit) if rule["criterion"] in LEAST else ~(values <= limit)


def any_refuses(rules: list[dict], rows: list[dict]) -> np.ndarray:
    return np.logical_or.reduce([refuses(rule, rows) for rule in rules])


def blurred(images: np.ndarray, sigma: float) -> np.ndarray:
    """A Gaussian of `sigma` pixels, cut at four of them, the edge mirrored; [N, H, W] or [N, H, W, 3]."""
    reach = math.ceil(4 * sigma)
    weights = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2)
    weights /= weights.sum()
    result = images.astype(np.float32)
    for axis in (1, 2):
        pad = [(0, 0)] * result.ndim
        pad[axis] = (reach, reach)
        wide, count = np.pad(result, pad, mode="symmetric"), result.shape[axis]
        result = sum(np.float32(w) * np.take(wide, np.arange(i, i + count), axis=axis) for i, w in enumerate(weights))
    return np.clip(np.rint(result), 0, 255).astype(np.uint8)


def spoiled(images: np.ndarray) -> dict[str, tuple[str, np.ndarray]]:
    """Test images made unfit, each with what should refuse them."""
    random, side = np.random.default_rng(SEED), images.shape[1]
    values = images.astype(np.float32)

    def bytes_of(found: np.ndarray) -> np.ndarray:
        return np.clip(np.rint(found), 0, 255).astype(np.uint8)

    result = {
        "black": ("contrast", np.zeros_like(images)),
        "one grey and noise of one level": ("contrast", bytes_of(128 + random.standard_normal(images.shape))),
        "a twentieth of the exposure": ("contrast or brightness", bytes_of(values / 20)),
        "four times the exposure": ("saturation", bytes_of(values * 4)),
        "half the side": ("shortSide", images[:, ::2, ::2]),
    }
    for part in (56, 28, 14):
        result[f"blurred, sigma {side / part:.3g} px of {side}"] = ("blur", blurred(images, side / part))
    if images.ndim == 3:
        coloured = np.stack([images, images // 2, images // 4], axis=-1)
        result["tinted"] = ("mostColour", coloured)
    else:
        grey = bytes_of(values @ np.array([0.299, 0.587, 0.114], dtype=np.float32))
        result["without colour"] = ("leastColour", np.stack([grey] * 3, axis=-1))
    return result


def lettered(paths: list[Path], folder: Path) -> None:
    """Copies of images with four lines of a patient's name and number drawn over them."""
    from PIL import Image, ImageDraw, ImageFont

    for path in paths:
        image = Image.open(path).convert("L")
        pen, height = ImageDraw.Draw(image), max(image.height // 14, 11)
        for line in range(4):
            pen.text((image.width // 20, image.height // 10 + 2 * height * line), ("DOE^JANE 1951-08-29", "ID 00079241539", "Adv Breast MI 0.6", "03/02/2017 05:24")[line],
                     fill=235, font=ImageFont.load_default(height))
        image.save(folder / f"{path.stem}.png")


def text_rule(options: argparse.Namespace) -> tuple[dict, dict]:
    """The rule for text from images of the size people work at, and what is known of it."""
    rows = sorted(measured(options, options.text_images, text=True), key=lambda row: row["file"])
    choose, count = rows[::2], rows[1::2]
    rule = {"criterion": "text", "threshold": threshold(column(choose, "text"), "text"), "cases": len(count)}
    rule["refused"] = int(refuses(rule, count).sum())
    with tempfile.TemporaryDirectory() as place:
        lettered([Path(row["file"]) for row in count[:200]], Path(place))
        drawn = measured(options, place, text=True)
    return rule, {"images": len(drawn), "refused": int(refuses(rule, drawn).sum()), "by": int(refuses(rule, drawn).sum()), "rule": "text"}


def main() -> int:
    options = arguments()
    name = options.model.name
    settings = json.loads(Path(__file__).with_name("quality.json").read_text())[name]
    archive = np.load(options.data)
    wants_text = "text" in settings["criteria"]
    train, test = (measured(options, "--data", options.data, "--split", split, text=wants_text) for split in ("train", "test"))
    rules, spoils = [], {}
    if "views" in settings:
        rules.append({"criterion": "viewPosition", "allowed": settings["views"], "cases": 0, "refused": 0})
    rules += [{"criterion": criterion, "cases": 0, "refused": 0} for criterion in settings.get("declared", [])]
    for criterion in settings["criteria"]:
        if criterion == "text" and options.text_images:
            rule, spoils["four lines of text drawn over it"] = text_rule(options)
        else:
            limit = float(archive["train_images"].shape[1]) if criterion == "shortSide" else threshold(column(train, criterion), criterion)
            rule = {"criterion": criterion, "threshold": limit, "cases": len(test)}
            rule["refused"] = int(refuses(rule, test).sum())
        rules.append(rule)
    rules.sort(key=lambda rule: ORDER.index(rule["criterion"]))
    refused = any_refuses(rules, test)
    for title, (expected, images) in spoiled(archive["test_images"]).items():
        with tempfile.TemporaryDirectory() as place:
            path = Path(place) / "spoiled.npz"
            np.savez(path, test_images=images, test_labels=archive["test_labels"])
            rows = measured(options, "--data", path, "--split", "test", text=wants_text)
        known = [rule for rule in rules if rule["criterion"] in expected.split(" or ")]
        spoils[title] = {"images": len(rows), "refused": int(any_refuses(rules, rows).sum()),
                         "by": int(any_refuses(known, rows).sum()) if known else None, "rule": expected}
    others = {}
    for entry in options.others:
        title, _, folder = entry.partition("=")
        rows = measured(options, folder, text=wants_text)
        others[title] = {"images": len(rows), "refused": int(any_refuses(rules, rows).sum()),
                         "each": {rule["criterion"]: int(refuses(rule, rows).sum()) for rule in rules if refuses(rule, rows).any()}}
    gate = {"measuredOn": "test", "cases": len(test), "refused": int(refused.sum()), "rules": rules}
    result = {"gate": gate, "train": {rule["criterion"]: int(refuses(rule, train).sum()) for rule in rules if "threshold" in rule},
              "trainImages": len(train), "spoiled": spoils, "others": others}
    print(json.dumps(result, indent=2))
    if options.write:
        (options.model / "quality.json").write_text(json.dumps(result, indent=2) + "\n")
        for kind in ("ternary", "int8"):
            path = options.model / f"description-{kind}.json"
            description = json.loads(path.read_text())
            card = description.pop("card")
            path.write_text(json.dumps(description | {"qualityGate": gate, "card": card}, indent=2) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
