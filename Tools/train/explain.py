#!/usr/bin/env python3
"""How far the maps of a shipped model can be trusted: insertion and deletion areas against other methods, shuffled weights, ternary against float.

Example:
    python3 Tools/train/explain.py --model Models/breast28 --data breastmnist.npz --engine .build/release/tern --write

For the ternary file on the samples and on the test split: `tern explain --evaluate` with the maps of explain_baselines.py; for the INT8 twin, whose maps are to be
those of the float student, with that student alone. Prints explain.json; with --write it goes into the folder, and the card is written anew with it. Nothing else
of the card or the files changes.
Without --data the samples alone are measured, and what is known of the test split is kept for the same checkpoints.
"""
from __future__ import annotations

import argparse
import hashlib
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).resolve().parent))

import card  # noqa: E402
import data  # noqa: E402
import engine  # noqa: E402
import explain_baselines  # noqa: E402
import export  # noqa: E402

KINDS = explain_baselines.KINDS
ONLY = {"int8": ("float student",)}
LESS = {"int8": ("--random", "1", "--shuffles", "1")}
DIGITS = 4


def measured(options: argparse.Namespace, kind: str, source: Path, split: str | None, *more) -> dict:
    """What `tern explain --evaluate --json` prints for the file of `kind`, with the other methods' maps made in between."""
    file = options.model / engine.file_name(options.model.name, kind)
    where = ["--data", source, *(["--split", split] if split else [])]
    with tempfile.TemporaryDirectory() as place:
        inputs, archive = Path(place) / "inputs.f32", Path(place) / "baselines.npz"
        engine.run(options.engine, "explain", "--evaluate", file, *where, "--prepared", inputs)
        model, plain = explain_baselines.students(options.model, kind)
        maps = explain_baselines.baselines(model, plain, explain_baselines.prepared(inputs, model), ONLY.get(kind))
        explain_baselines.np.savez(archive, **maps)
        command = [options.engine, "explain", "--evaluate", file, *where, "--baselines", archive, "--threads", options.threads, "--json", *LESS.get(kind, ()), *more]
        done = subprocess.run([str(part) for part in command], capture_output=True, text=True)
    # 65 with figures: the maps failed the check, which is a figure too.
    if done.returncode != 0 and not done.stdout.startswith("{"):
        raise SystemExit(f"{' '.join(str(part) for part in command)} failed:\n{done.stderr.strip()}")
    return rounded(json.loads(done.stdout))


def first(archive: Path, images: int | None, place: Path) -> tuple[Path, dict]:
    """The archive, or one of the same name in `place` with the first `images` of its test split; and how many the split has, with the images taken by class."""
    test = data.load(archive)["test"]
    about = {"splitImages": len(test.labels), "classes": torch.bincount(test.labels[:images]).tolist()}
    if images is None or images >= len(test.labels):
        return archive, about
    engine.write_archive(place / archive.name, {"test": data.Split(test.images[:images], test.labels[:images])})
    return place / archive.name, about


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def rounded(value):
    """Figures with as many digits as mean something. Left out: the machine's kernel table, for every one gives the same bits, and version and identity of
    the file, which change with its card; the checkpoint's digest stands for the weights."""
    if isinstance(value, float):
        return float(f"{value:.3g}") if 0 < abs(value) < 10 ** -DIGITS else round(value, DIGITS)
    if isinstance(value, list):
        return [rounded(part) for part in value]
    if isinstance(value, dict):
        return {key: rounded(part) for key, part in value.items() if key not in ("isa", "version", "identity")}
    return value


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, required=True, help="folder with the files, checkpoint/, samples/ and description-*.json")
    parser.add_argument("--data", type=Path, help="archive whose test split is measured")
    parser.add_argument("--engine", type=Path, required=True, help="the command tern, for example .build/release/tern")
    parser.add_argument("--steps", type=int, default=64, help="points of a curve on the test split, at most one a patch (default: 64)")
    parser.add_argument("--images", type=int, help="only the first images of the test split, for a set that takes too long")
    parser.add_argument("--threads", type=int, default=1, help="CPU threads (default: 1)")
    parser.add_argument("--write", action="store_true", help="write explain.json and card.md into the folder")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    path = options.model / "explain.json"
    kept = json.loads(path.read_text()) if path.is_file() else {}
    result: dict = {"checkpoints": {kind: digest(options.model / "checkpoint" / engine.CHECKPOINTS[kind]) for kind in KINDS}, "samples": {}, "test": {}}
    for kind in KINDS:
        result["samples"][kind] = measured(options, kind, options.model / "samples", None)
        if options.data:
            with tempfile.TemporaryDirectory() as place:
                whole, about = first(options.data, options.images, Path(place))
                result["test"][kind] = measured(options, kind, whole, "test", "--steps", options.steps) | about
        elif kind in kept.get("test", {}) and kept["checkpoints"] == result["checkpoints"]:
            result["test"][kind] = kept["test"][kind]
    print(json.dumps(result))
    if options.write:
        path.write_text(compact(result))
        write_card(options.model)
    return 0


def compact(value, depth: int = 0) -> str:
    """JSON with one line for each method and stage, and for each list of numbers."""
    inline = depth > 4 or not isinstance(value, (dict, list)) or isinstance(value, list) and not any(isinstance(one, dict) for one in value)
    if inline:
        return json.dumps(value)
    indent = "\n" + "  " * (depth + 1)
    if isinstance(value, dict):
        parts, ends = [f"{json.dumps(key)}: {compact(one, depth + 1)}" for key, one in value.items()], "{}"
    else:
        parts, ends = [json.dumps(one) for one in value], "[]"
    return ends[0] + indent + f",{indent}".join(parts) + "\n" + "  " * depth + ends[1] + ("\n" if depth == 0 else "")


def write_card(folder: Path) -> None:
    """The card anew from the figures that lie in the folder."""
    description = json.loads((folder / "description-ternary.json").read_text())
    model = export.load(description, folder / "checkpoint" / engine.CHECKPOINTS["ternary"])
    card.write(folder, json.loads((folder / "figures.json").read_text()), description, model)


if __name__ == "__main__":
    sys.exit(main())
