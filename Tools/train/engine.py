"""What the engine says: `tern convert` and `tern eval`, called on archives, with every score's bits."""
from __future__ import annotations

import csv
import json
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image

import data

OPTIONS = {"ternary": ["--weights", "ternary"], "int8": ["--weights", "int8", "--no-rotate"]}
CHECKPOINTS = {"ternary": "ternary.safetensors", "int8": "float.safetensors"}
IDENTITY = slice(3840, 3872)  # of a model file, Models/FORMAT.md section 1


@dataclass
class Answers:
    """Of every image in order: `outputs` and `scores` [N, C] binary32, `gate` [N]; `texts` are the lines' values as printed."""

    outputs: torch.Tensor
    scores: torch.Tensor
    gate: torch.Tensor
    texts: list[list[str]]


def file_name(name: str, kind: str) -> str:
    return f"{name}-int8.tern" if kind == "int8" else f"{name}.tern"


def run(*command) -> str:
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True)
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(str(part) for part in command)} failed:\n{done.stderr.strip()}")
    return done.stdout


def convert(tern: Path, folder: Path, kind: str, name: str) -> Path:
    """Makes `folder`/NAME.tern of kind from the folder's checkpoint and description; returns its path."""
    made = folder / file_name(name, kind)
    run(tern, "convert", folder / "checkpoint" / CHECKPOINTS[kind], "--config", folder / f"description-{kind}.json", *OPTIONS[kind], "-o", made)
    return made


def ship(made: Path, folder: Path) -> bool:
    """Puts the file `made` into `folder`, unless the one there has the same identity and perhaps a signature. True when it was put."""
    target = folder / made.name
    if target.is_file() and target.read_bytes()[IDENTITY] == made.read_bytes()[IDENTITY]:
        return False
    target.write_bytes(made.read_bytes())
    return True


def evaluate(tern: Path, model: Path, archive: Path, split: str, threads: int, resamples: int | None = None) -> tuple[dict, Answers]:
    """What `tern eval MODEL --data ARCHIVE --split SPLIT --json` prints, and every image's values. With `resamples` 0 it spares the bootstrap."""
    with tempfile.TemporaryDirectory() as place:
        table = Path(place) / "scores.csv"
        printed = run(tern, "eval", model, "--data", archive, "--split", split, "--json", "--scores", table, "--threads", threads,
                      *([] if resamples is None else ["--resamples", resamples]))
        with table.open() as lines:
            head, *rows = csv.reader(lines)
    classes = sum(column.startswith("output") for column in head)
    values = torch.tensor([[float(value) for value in row[2:]] for row in rows], dtype=torch.float64).float()
    return json.loads(printed), Answers(values[:, :classes], values[:, classes:2 * classes], values[:, 2 * classes:].reshape(-1),
                                        [row[2:] for row in rows])


def brought(images: torch.Tensor, config_input: dict) -> torch.Tensor:
    """Images [N, C, H, W] uint8 of another model's set as this model's recipe makes them: the centre square, bicubic in Pillow."""
    mode = "RGB" if config_input["channels"] == 3 else "L"
    side = config_input["width"]
    result = []
    for image in images:
        picture = Image.fromarray(image.permute(1, 2, 0).squeeze(2).numpy()).convert(mode)
        edge = min(picture.size)
        left, top = (picture.width - edge) // 2, (picture.height - edge) // 2
        picture = picture.crop((left, top, left + edge, top + edge)).resize((side, side), Image.Resampling.BICUBIC)
        result.append(torch.from_numpy(np.array(picture).reshape(side, side, -1)).permute(2, 0, 1))
    return torch.stack(result)


def gate_scores(tern: Path, model: Path, images: torch.Tensor, threads: int) -> torch.Tensor:
    """The gate's score [N] of images [N, C, H, W] uint8 that are of the model's size already."""
    with tempfile.TemporaryDirectory() as place:
        archive = Path(place) / "other.npz"
        write_archive(archive, {"test": data.Split(images, torch.zeros(len(images), dtype=torch.int64))})
        return evaluate(tern, model, archive, "test", threads, resamples=0)[1].gate


def write_archive(path: Path, splits: dict[str, data.Split]) -> None:
    """`splits` in MedMNIST's form."""
    arrays = {}
    for name, split in splits.items():
        images = split.images.permute(0, 2, 3, 1).numpy()
        arrays[f"{name}_images"] = images[..., 0] if images.shape[-1] == 1 else images
        arrays[f"{name}_labels"] = split.labels.numpy().astype(np.uint8)[:, None]
    np.savez(path, **arrays)


def milliseconds(ternd: Path, model: Path) -> dict:
    """The median time of one inference on one thread of this machine, the kernel table that ran, and the machine's processor."""
    report = json.loads(run(ternd, "bench", "--model", model, "--allow-unsigned", "--threads", 1, "--repeat", 200))
    return {"median": round(report["median_ms"], 4), "least": round(report["min_ms"], 4), "isa": report["isa"], "cpu": processor()}


def processor(path: Path = Path("/proc/cpuinfo")) -> str:
    """The processor's name as Linux gives it, `unknown` where it gives none."""
    fields = [line.partition(":") for line in path.read_text().splitlines()] if path.is_file() else []
    names = [value.strip() for key, _, value in fields if key.strip() == "model name"]
    return names[0] if names else "unknown"
