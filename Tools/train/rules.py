#!/usr/bin/env python3
"""The reading rules of a model: tiers and conformal sets chosen on validation, measured on the test split, and the confirmation of its thresholds.

Example:
    python3 Tools/train/rules.py --model Models/breast28 --data breastmnist.npz --engine .build/release/tern --write

Scores are the engine's, of the model files as they are made from checkpoint and description. Images that the out-of-distribution gate flags do not count: they have
neither tier nor set. With t the default threshold of a label:

- tiers: positive calls on validation are gone through from the surest to the least sure. The bound of `high` is the least score such that of the calls at or
  above it the lower end of Wilson's 95 % interval of the share of right ones is at least 0.90, before that share falls below 0.90 among the last 20. That of
  `medium` is found in the same way among the rest, with 0.70. Where no score gives that, there is no such bound. Negative calls likewise, downwards. Then calls are
  counted on the test split.
- conformal sets (split conformal, one rule a class: Vovk 2012): with n validation images of the class and j = floor((n + 1)(1 - level)), the class is in
  the set from the j-th least of their scores on; from 0 where j is 0. On images like the validation ones the set then holds the class of at least
  `level` of the class's images, whatever the model; on the test split it is counted.

The confirmation is what `tern inspect` computes of the file whose scores were measured here; a file that decides by anything else is not confirmed by it.
Prints rules.json. With --write it goes into the folder, and the rules into both descriptions; `evaluate.py --write` then makes the files and the card.
"""
from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent))

import data  # noqa: E402
import engine  # noqa: E402
import metrics  # noqa: E402

KINDS = ("ternary", "int8")
AIMS = {"high": 0.90, "medium": 0.70}
WINDOW = 20
TIERS = ("high", "medium", "review")


def printed(value: np.float32) -> float:
    """The number that reads back as the same binary32 value."""
    return float(str(np.float32(value)))


def bound(scores: np.ndarray, right: np.ndarray, aim: float) -> np.float32 | None:
    """The least of `scores` [N] such that of those at or above it the lower end of the interval of the share `right` is at least `aim`; not beyond the place
    where the share among the last WINDOW falls below it."""
    found, order = None, np.argsort(-scores, kind="stable")
    for score in np.unique(scores)[::-1]:
        chosen = right[order][: int((scores >= score).sum())]
        if len(chosen) >= WINDOW and chosen[-WINDOW:].mean() < aim:
            break
        if metrics.wilson(float(chosen.mean()), len(chosen))[0] >= aim:
            found = score
    return found


def bounds(scores: np.ndarray, right: np.ndarray) -> dict[str, np.float32 | None]:
    """Of `high` and `medium`, where larger scores are surer ones."""
    high = bound(scores, right, AIMS["high"])
    rest = scores < high if high is not None else np.ones(len(scores), bool)
    medium = bound(scores[rest], right[rest], AIMS["medium"])
    return {"high": high, "medium": high if medium is None else medium}


def tiers(scores: np.ndarray, threshold: np.float32, found: dict) -> np.ndarray:
    """The tier of each score, as an index of TIERS; `found` has the bounds of a description."""
    def none(key: str, value: float) -> np.float32:
        return np.float32(value if found[key] is None else found[key])
    positive = np.where(scores >= none("positiveHigh", 2), 0, np.where(scores >= none("positiveMedium", 2), 1, 2))
    negative = np.where(scores <= none("negativeHigh", -1), 0, np.where(scores <= none("negativeMedium", -1), 1, 2))
    return np.where(scores >= threshold, positive, negative)


def counted(scores: np.ndarray, truth: np.ndarray, threshold: np.float32, found: dict) -> dict:
    """Right calls and all calls of each tier."""
    called, tier = scores >= threshold, tiers(scores, threshold, found)
    return {name: {side: [int((truth == wanted)[(tier == index) & (called == wanted)].sum()), int(((tier == index) & (called == wanted)).sum())]
                   for side, wanted in (("positive", True), ("negative", False))} for index, name in enumerate(TIERS)}


def chosen_tiers(scores: np.ndarray, truth: np.ndarray, threshold: np.float32) -> dict:
    """The bounds of a description, from validation."""
    called = scores >= threshold
    up, down = bounds(scores[called], truth[called]), bounds(-scores[~called], ~truth[~called])
    return {"negativeHigh": None if down["high"] is None else printed(-down["high"]), "negativeMedium": None if down["medium"] is None else printed(-down["medium"]),
            "positiveMedium": None if up["medium"] is None else printed(up["medium"]), "positiveHigh": None if up["high"] is None else printed(up["high"])}


def least(scores: np.ndarray, level: float) -> float:
    """From which score on a class is in the set, by the scores [N] of its validation images."""
    j = int(np.floor((len(scores) + 1) * (1 - level) + 1e-9))
    return printed(np.sort(scores)[j - 1]) if j else 0.0


def rules(description: dict, told: dict, level: float, val: tuple, test: tuple) -> tuple[dict, dict]:
    """The key `readingRules` without its confirmation, and what was seen on validation. `val` and `test` are scores [N, C] binary32 and classes [N]."""
    labels, seen = [], {"tiers": {}, "sets": {}}
    for label in description["labels"]:
        column, entry = label["index"], {"name": label["name"]} | told["labels"][label["name"]]
        if label.get("operatingPoints"):
            threshold = np.float32(next(point["threshold"] for point in label["operatingPoints"] if point["name"] == label["operatingPoint"]))
            found = chosen_tiers(val[0][:, column], val[1] == column, threshold)
            seen["tiers"][label["name"]] = counted(val[0][:, column], val[1] == column, threshold, found)
            entry["tiers"] = found | counted(test[0][:, column], test[1] == column, threshold, found)
        start, own = least(val[0][val[1] == column, column], level), test[0][test[1] == column, column]
        entry["conformal"] = {"least": start, "cases": len(own), "covered": int((own >= np.float32(start)).sum())}
        labels.append(entry)
    inside = np.stack([test[0][:, label["index"]] >= np.float32(entry["conformal"]["least"]) for label, entry in zip(description["labels"], labels)], 1).sum(1)
    seen["sets"] = {"images": len(inside), "sizes": np.bincount(inside, minlength=len(labels) + 1).tolist()}
    return {"chosenOn": "validation", "measuredOn": "test", "region": told["region"], "conformalLevel": level, "labels": labels}, seen


def answers(tern: Path, file: Path, archive: Path, split: data.Split, name: str, threshold: float, threads: int) -> tuple:
    """Scores and classes of the images of a split that the gate does not flag, and how many it does."""
    _, found = engine.evaluate(tern, file, archive, name, threads, resamples=0)
    known = found.gate.numpy() <= np.float32(threshold)
    return found.scores.numpy()[known], split.labels.numpy()[known], int((~known).sum())


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, required=True, help="folder with checkpoint/ and description-*.json")
    parser.add_argument("--data", type=Path, required=True, help="archive with the three splits")
    parser.add_argument("--engine", type=Path, required=True, help="the command tern, for example .build/release/tern")
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1, help="CPU threads (default: all)")
    parser.add_argument("--write", action="store_true", help="write rules.json and the descriptions")
    options = parser.parse_args()
    settings = json.loads(Path(__file__).with_suffix(".json").read_text())
    splits, result = data.load(options.data), {"level": settings["level"], "aims": AIMS, "window": WINDOW}
    for kind in KINDS:
        path = options.model / f"description-{kind}.json"
        description = json.loads(path.read_text())
        description.pop("readingRules", None)
        with tempfile.TemporaryDirectory() as place:
            folder = Path(place)
            (folder / "checkpoint").symlink_to((options.model / "checkpoint").resolve())
            (folder / path.name).write_text(json.dumps(description))
            file = engine.convert(options.engine, folder, kind, description["name"])
            gate = description["outOfDistribution"]["threshold"]
            *val, flagged = answers(options.engine, file, options.data, splits["val"], "val", gate, options.threads)
            *test, flagged_test = answers(options.engine, file, options.data, splits["test"], "test", gate, options.threads)
            confirmation = json.loads(engine.run(options.engine, "inspect", file, "--json"))["confirmation"]["computed"]
        found, seen = rules(description, settings["models"][description["name"]], settings["level"], val, test)
        told = description.pop("card")
        description["readingRules"], description["card"] = {"confirmation": confirmation} | found, told
        result[kind] = {"flagged": {"validation": flagged, "test": flagged_test}, "validation": seen["tiers"], "sets": seen["sets"], "rules": description["readingRules"]}
        if options.write:
            path.write_text(json.dumps(description, indent=2, ensure_ascii=False) + "\n")
    print(json.dumps(result, indent=2, ensure_ascii=False))
    if options.write:
        (options.model / "rules.json").write_text(json.dumps(result, indent=2, ensure_ascii=False) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
