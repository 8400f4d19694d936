#!/usr/bin/env python3
"""Trains a ternary Vision Transformer: teacher, teaching set, float student, ternary student, export, figures.

Example:
    python3 Tools/train/train.py --config Tools/train/pneumonia28.json --data DIR --out build/train

Every stage leaves its result in --out; run the same command again and finished stages are read, not repeated.
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
    parser.add_argument("--data", type=Path, required=True, help="folder that holds pneumoniamnist.npz")
    parser.add_argument("--out", type=Path, required=True, help="folder for checkpoints, log and exported files")
    parser.add_argument("--until", choices=STAGES, default="export", help="last stage to run (default: export)")
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1, help="CPU threads (default: all)")
    parser.add_argument("--member", type=int, help="train this teacher member only, then stop (for parallel starts)")
    return parser.parse_args()


def main() -> int:
    options = arguments()
    config = json.loads(options.config.read_text())
    torch.set_num_threads(options.threads)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    options.out.mkdir(parents=True, exist_ok=True)
    log = Log(options.out / "training-log.txt")
    splits = data.load(options.data)
    run(splits, config, options.out, device, options, log)
    return 0


def run(splits: dict[str, data.Split], config: dict, out: Path, device: torch.device, options: argparse.Namespace,
        log: Log) -> None:
    """All stages on `splits`; stops after `options.until`."""
    log(f"{config['name']} {config['version']}: seed {config['seed']}, torch {torch.__version__}, {device.type}, "
        f"{options.threads} threads, training data sha256 {data.fingerprint(splits['train'])[:16]}")
    if options.member is not None:
        settings, targets = config["teacher"], None
        if settings["features"] and options.member in settings["feature_members"]:
            targets = teacher.feature_targets(splits, out, settings["feature_count"], options.threads, log)
        member = teacher.train_member(options.member, splits, config, targets, device, log)
        torch.save(member.state_dict(), out / f"teacher-{options.member}.pt")
        return
    ensemble, targets = teacher.build(splits, config, out, device, options.threads, log)
    if options.until == "teacher":
        return
    members = dict(zip(config["teacher"]["members"], ensemble.members))
    teaching = pool.build(splits["train"], members, targets, config, out, device)
    log(f"teaching set: {teaching.versions} versions of {len(splits['train'].labels)} images")
    if options.until == "pool":
        return
    students = student.build(splits, teaching, config, out, device, log)
    if options.until == "student":
        return
    import export

    export.everything(students, ensemble, splits, config, out, log)


if __name__ == "__main__":
    sys.exit(main())
