#!/usr/bin/env python3
"""Makes the archives of the sets that MedMNIST does not have, in MedMNIST's form: NAME.npz with {train,val,test}_{images,labels}.

Example:
    python3 Tools/train/prepare.py cxr224 --source nih-cxr-224 --out build/data/cxr224.npz
    python3 Tools/train/prepare.py cells --source bccd-cells --out build/data/cells.npz

cxr224: folders `No_findings` (label 0) and `Pneumonia` (label 1) of PATIENT_VISIT.jpg; no patient is in two splits.
cells: `JPEGImages` and `Annotations` of BCCD; each box is a square crop of 64 x 64, no smear is in two splits.
The split of a patient or smear is a function of its name alone, so the archives are the same on every machine.
"""
from __future__ import annotations

import argparse
import hashlib
import math
import sys
import xml.etree.ElementTree as ElementTree
import zipfile
from pathlib import Path

import numpy as np
from PIL import Image

sys.path.insert(0, str(Path(__file__).resolve().parent))

from progress import progress  # noqa: E402

SHARES = (("train", 0.60), ("val", 0.15), ("test", 0.25))
CELLS = ("RBC", "WBC", "Platelets")
CELL_SIDE = 64
CELL_MARGIN = 0.15  # of the longer side of the box, on each side


def split_of(name: str) -> str:
    """train, val or test for a patient or smear, from the first 8 bytes of SHA-256 of its name."""
    place = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big") / 2 ** 64
    for split, share in SHARES:
        if place < share:
            return split
        place -= share
    return SHARES[-1][0]


def cxr224(source: Path) -> dict[str, tuple[list[np.ndarray], list[int]]]:
    """Grey images [224, 224] by split, with labels."""
    found = {split: ([], []) for split, _ in SHARES}
    files = [(path, label) for label, folder in enumerate(("No_findings", "Pneumonia"))
             for path in sorted((source / folder).glob("*.jpg"))]
    for path, label in progress(files, "cxr224"):
        images, labels = found[split_of(path.name.split("_")[0])]
        images.append(np.asarray(Image.open(path).convert("L")))
        labels.append(label)
    return found


def cells(source: Path) -> dict[str, tuple[list[np.ndarray], list[int]]]:
    """Colour crops [64, 64, 3] by split, with labels 0 red, 1 white, 2 platelet; boxes of no area are left out."""
    found = {split: ([], []) for split, _ in SHARES}
    for path in progress(sorted((source / "Annotations").glob("*.xml")), "cells"):
        images, labels = found[split_of(path.stem)]
        smear = Image.open(source / "JPEGImages" / f"{path.stem}.jpg").convert("RGB")
        for entry in ElementTree.parse(path).getroot().iter("object"):
            box = [int(entry.find(f"bndbox/{key}").text) for key in ("xmin", "ymin", "xmax", "ymax")]
            if box[2] > box[0] and box[3] > box[1]:
                images.append(crop(smear, box))
                labels.append(CELLS.index(entry.find("name").text))
    return found


def crop(smear: Image.Image, box: list[int]) -> np.ndarray:
    """The square about the centre of `box` with its margin, its edge repeated where it leaves the smear, at 64 x 64."""
    left, top, right, bottom = box
    side = math.ceil(max(right - left, bottom - top) * (1 + 2 * CELL_MARGIN))
    x, y = (left + right - side) // 2, (top + bottom - side) // 2
    pixels = np.asarray(smear)
    rows = np.clip(np.arange(y, y + side), 0, pixels.shape[0] - 1)
    columns = np.clip(np.arange(x, x + side), 0, pixels.shape[1] - 1)
    return np.asarray(Image.fromarray(pixels[rows[:, None], columns]).resize((CELL_SIDE, CELL_SIDE), Image.Resampling.BICUBIC))


def save(found: dict[str, tuple[list[np.ndarray], list[int]]], out: Path) -> None:
    """Writes the archive with fixed times, so that equal content is an equal file."""
    out.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for split, (images, labels) in found.items():
            for kind, values in (("images", np.stack(images)), ("labels", np.array(labels, np.uint8)[:, None])):
                entry = zipfile.ZipInfo(f"{split}_{kind}.npy", (1980, 1, 1, 0, 0, 0))
                entry.compress_type = zipfile.ZIP_DEFLATED
                with archive.open(entry, "w") as file:
                    np.lib.format.write_array(file, np.ascontiguousarray(values), version=(1, 0))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("set", choices=("cxr224", "cells"))
    parser.add_argument("--source", type=Path, required=True, help="folder of the original set")
    parser.add_argument("--out", type=Path, required=True, help="archive to write, for example build/data/cxr224.npz")
    options = parser.parse_args()
    if not options.source.is_dir():
        raise SystemExit(f"{options.source} is no folder: give the folder of the original set as --source")
    found = {"cxr224": cxr224, "cells": cells}[options.set](options.source)
    if not all(labels for _, labels in found.values()):
        raise SystemExit(f"{options.source} does not hold the set {options.set}: a split would be empty")
    save(found, options.out)
    for split, (images, labels) in found.items():
        print(f"{split}: {len(labels)} images of {images[0].shape}, by label {np.bincount(labels).tolist()}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
