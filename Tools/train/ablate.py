#!/usr/bin/env python3
"""Trains the variants of an ablation on one teaching set and prints them as a table: what each step of the recipe brings.

Example:
    python3 Tools/train/ablate.py --config Tools/train/ablation.json --data pneumoniamnist.npz --pool build/train/pneumonia28 --out build/ablation

The configuration names a base (a model's configuration with changes) and variants, each a list of changes PATH=VALUE to the
base. A finished variant is read from --out. Figures are those of the fake-quantised student on validation and test, mean and
standard deviation over the seeds; nothing is selected by them.
"""
from __future__ import annotations

import argparse
import copy
import json
import os
import sys
import time
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).resolve().parent))

import data  # noqa: E402
import pool  # noqa: E402
import student  # noqa: E402
from progress import Log  # noqa: E402
from training import predict, summary  # noqa: E402


def changed(config: dict, changes: dict) -> dict:
    """A copy of `config` with each dotted path of `changes` set; `phases.*.key` sets it in every phase."""
    result = copy.deepcopy(config)
    for path, value in changes.items():
        places, (*inner, last) = [result], path.split(".")
        for key in inner:
            places = [child for place in places for child in (place.values() if key == "*" else [place[key]])]
        for place in places:
            place[last] = value
    for name in [name for name, phase in result["phases"].items() if phase is None]:
        del result["phases"][name]
    return result


def measure(name: str, seed: int, config: dict, splits: dict[str, data.Split], teaching: pool.Pool, out: Path, log: Log) -> dict:
    """Figures of one variant and seed; kept in `out`."""
    path = out / f"{name}-{seed}.json"
    if not path.is_file():
        folder = out / f"{name}-{seed}"
        folder.mkdir(parents=True, exist_ok=True)
        begin = time.monotonic()
        students = student.build(seed, splits, teaching, config, folder, torch.device("cpu"), log)
        *_, last = students
        model = students[last]
        found = {split: summary(predict(model, splits[split].images, config["input"]), splits[split].labels) for split in ("val", "test")}
        found |= {"parameters": sum(p.numel() for p in model.parameters()), "seconds": round(time.monotonic() - begin, 1),
                  "multiplications": multiplications(config["architecture"])}
        path.write_text(json.dumps(found) + "\n")
    return json.loads(path.read_text())


def multiplications(a: dict) -> int:
    """Multiply-accumulates of one inference: linear layers and the two products of attention."""
    tokens, width = (a["image"] // a["patch"]) ** 2, a["width"]
    keys = width * (a.get("kv_heads") or a["heads"]) // a["heads"]
    block = width * (width + 2 * keys) + width * width + 2 * width * width * a["mlp_ratio"]
    embed = tokens * a["channels"] * a["patch"] ** 2 * width
    return embed + a["depth"] * ((tokens + 1) * block + 2 * (tokens + 1) ** 2 * width) + width * a["classes"]


def table(rows: dict[str, list[dict]], titles: dict[str, str]) -> str:
    """Markdown: a row a variant."""
    lines = ["| variant | parameters | MMAC | validation log loss | validation AUC | test AUC | test accuracy |", "|---|---|---|---|---|---|---|"]

    def cell(found: list[dict], split: str, key: str, digits: int) -> str:
        values = torch.tensor([one[split][key] for one in found], dtype=torch.float64)
        spread = f" ± {float(values.std()):.{digits}f}" if len(values) > 1 else ""
        return f"{float(values.mean()):.{digits}f}{spread}"

    for name, found in rows.items():
        lines.append(f"| {titles[name]} | {found[0]['parameters']:,} | {found[0]['multiplications'] / 1e6:.1f} | "
                     + " | ".join(cell(found, *column) for column in (("val", "nll", 3), ("val", "auc", 4), ("test", "auc", 4), ("test", "accuracy", 3))) + " |")
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--config", type=Path, required=True, help="base and variants, for example Tools/train/ablation.json")
    parser.add_argument("--data", type=Path, required=True, help="archive with the three splits")
    parser.add_argument("--pool", type=Path, required=True, help="output folder of train.py that holds pool.pt")
    parser.add_argument("--out", type=Path, required=True, help="folder for the figures of each variant")
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1, help="CPU threads (default: all)")
    parser.add_argument("--seed", type=int, help="this seed only (for parallel runs)")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    options.out.mkdir(parents=True, exist_ok=True)
    settings = json.loads(options.config.read_text())
    base = changed(json.loads((options.config.parent / settings["model"]).read_text()), settings["base"])
    splits = data.load(options.data)
    if not (options.pool / "pool.pt").is_file():
        raise SystemExit(f"{options.pool} holds no pool.pt: run train.py --until pool first")
    teaching = pool.Pool(**torch.load(options.pool / "pool.pt", weights_only=True, mmap=True))
    log = Log(options.out / "ablation-log.txt")
    rows = {}
    for name, variant in settings["variants"].items():
        seeds = settings["seeds"] if options.seed is None else [options.seed]
        rows[name] = [measure(name, seed, changed(base, variant["changes"]), splits, teaching, options.out, log) for seed in seeds]
    text = table(rows, {name: variant["title"] for name, variant in settings["variants"].items()})
    (options.out / "ablation.md").write_text(text + "\n")
    print(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
