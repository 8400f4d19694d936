#!/usr/bin/env python3
"""Trains a ternary Vision Transformer: teacher, teaching set, students of several seeds, export of the best, figures.

Example:
    python3 Tools/train/train.py --config Tools/train/pneumonia28.json --data pneumoniamnist.npz --out build/train/pneumonia28

Every stage leaves its result in --out; run the same command again and finished stages are read, not repeated. With
--seed N only the students of that seed are trained, so that seeds can run side by side.
"""
from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).resolve().parent))

import data  # noqa: E402
import pool  # noqa: E402
import student  # noqa: E402
import teacher  # noqa: E402
from progress import Log  # noqa: E402

STAGES = ("teacher", "pool", "student", "export")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--config", type=Path, required=True, help="settings, for example Tools/train/pneumonia28.json")
    parser.add_argument("--data", type=Path, required=True, help="archive with the three splits, for example pneumoniamnist.npz")
    parser.add_argument("--out", type=Path, required=True, help="folder for checkpoints, log and exported files")
    parser.add_argument("--until", choices=STAGES, default="export", help="last stage to run (default: export)")
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1, help="CPU threads (default: all)")
    parser.add_argument("--seed", type=int, help="train the students of this seed only, then stop (for parallel runs)")
    return parser.parse_args()


def main() -> int:
    options = arguments()
    config = json.loads(options.config.read_text())
    torch.set_num_threads(options.threads)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    options.out.mkdir(parents=True, exist_ok=True)
    run(data.load(options.data), config, options.out, device, options, Log(options.out / "training-log.txt"))
    return 0


def run(splits: dict[str, data.Split], config: dict, out: Path, device: torch.device, options: argparse.Namespace,
        log: Log) -> None:
    """All stages on `splits`; stops after `options.until`."""
    data.check_labels(splits, config["labels"])
    check_settings(config, out, options)
    log(f"{config['name']} {config['version']}: seed {config['seed']}, torch {torch.__version__}, {device.type}, "
        f"{options.threads} threads, training data sha256 {data.fingerprint(splits['train'])[:16]}")
    if config["teacher"]["kind"] == "probe":
        answering = teacher.Probe(splits, config, out, options.threads, log)
    else:
        answering = teacher.members(splits, config, out, device, log)
    if options.until == "teacher":
        return
    teaching = pool.build(splits, answering, config, out, device)
    log(f"teaching set: {len(teaching.images)} images")
    if options.until == "pool":
        return
    seeds = config["seeds"] if options.seed is None else [options.seed]
    students = {seed: student.build(seed, splits, teaching, config, out, device, log) for seed in seeds}
    if options.until == "student" or options.seed is not None:
        return
    import export

    export.everything(students, splits, config, out, log)


def check_settings(config: dict, out: Path, options: argparse.Namespace) -> None:
    """Exits, before anything is trained, unless the settings can be exported and the files of the models they start from are there."""
    seeds = config["seeds"] if options.seed is None else [options.seed]
    wanted = []
    if "start" in config["teacher"]:
        own = [index for index in config["teacher"]["members"] if not (out / f"teacher-{index}.pt").is_file()]
        wanted += [(config["teacher"]["start"], f"teacher-{index}.pt") for index in own]
    if "start" in config and options.until not in ("teacher", "pool"):
        start = config["start"]
        own = [seed for seed in seeds if not all((out / f"student-{name}-{seed}.pt").is_file() for name, phase in config["phases"].items() if not phase["from"])]
        wanted += [(start["model"], f"student-{start['phase']}-{seed}.pt") for seed in own]
    for name, file in wanted:
        if not (out.parent / name / file).is_file():
            raise SystemExit(f"{config['name']} starts from {name}: train that first, into a folder beside {out}, so that {out.parent / name / file} is there")
    if options.until != "export" or options.seed is not None:
        return
    if config["phases"].get("float", {}).get("mode") != "float":
        raise SystemExit("phases hold no `float` of mode float: the INT8 twin and the float figures are made from its student")
    a = config["architecture"]
    if (a.get("kv_heads") or a["heads"]) != a["heads"]:
        raise SystemExit(f"kv_heads {a['kv_heads']} is not heads {a['heads']}: temperature, thresholds and gate are computed for equal numbers only; "
                         "stop with --until student")


if __name__ == "__main__":
    sys.exit(main())
