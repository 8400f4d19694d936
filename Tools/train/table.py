#!/usr/bin/env python3
"""The table of Models/README.md, from every model's figures.json: what is shipped against what it must beat.

Example:
    python3 Tools/train/table.py            # prints it
    python3 Tools/train/table.py --write    # puts it between the marks in Models/README.md
"""
from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BEGIN, END = "<!-- figures: Tools/train/table.py --write -->", "<!-- end of figures -->"
ORDER = ("pneumonia28", "breast28", "retina28", "cxr224", "cells")


def cell(found: dict | None) -> str:
    """Accuracy in percent and AUC of a row of the engine or of torch."""
    if not found:
        return "-"
    accuracy, auc = (value["value"] if isinstance(value, dict) else value for value in (found["accuracy"], found["auc"]))
    return f"{accuracy * 100:.1f} / " + ("-" if auc is None else f"{auc:.3f}")


def line(folder: str, figures: dict) -> str:
    """One model. Published cells name nothing: the card does."""
    published = "<br>".join(f"{entry['model'].split(',')[0]} {cell(entry)}" for entry in figures["published"]) or "-"
    kilobytes = [f"{figures['bytes'][kind] / 1000:.0f}" for kind in ("ternary", "int8")]
    times = figures.get("milliseconds", {})
    milliseconds = " / ".join(f"{times[kind]['median']:.2f}" for kind in ("ternary", "int8")) if times else "-"
    ternary = figures["engine"]["ternary"]
    more = f"<br>quadratic kappa {ternary['quadraticKappa']['value']:.3f}" if len(ternary["perClass"]) > 3 else ""
    cells = [f"[{folder}]({folder}/card.md)", cell(figures["baselines"]["majority"]), cell(figures["baselines"]["logistic"]), published,
             cell(figures.get("teacher")), cell(figures["float"]), cell(figures["engine"]["int8"]), f"**{cell(ternary)}**{more}",
             " / ".join(kilobytes), milliseconds]
    return f"| {' | '.join(cells)} |"


def table(models: Path) -> str:
    """The table over all folders of `models` that hold figures of this form."""
    rows, isas, seen, limits = [], set(), [], []
    names = sorted((path.parent.name for path in models.glob("*/figures.json")), key=lambda name: (ORDER.index(name) if name in ORDER else 99, name))
    for name in names:
        figures = json.loads((models / name / "figures.json").read_text())
        if "engine" not in figures:
            continue
        rows.append(line(name, figures))
        if "imagesSeen" in figures:
            seen.append(f"{name} {figures['imagesSeen']['float'] / 1000:g} against {figures['imagesSeen']['ternary'] / 1000:g}")
        limits += [f"{name}: {text}" for text in figures.get("tableNotes", [])]
        isas |= {f"{found['isa']}, {found.get('cpu', 'unknown processor')}" for found in figures.get("milliseconds", {}).values()}
    if not rows:
        raise SystemExit(f"{models} holds no figures.json; run Tools/train/evaluate.py --write for each model first")
    head = ["| model | majority class | logistic regression on pixels | published | teacher, float | student, float | student, INT8 | student, ternary "
            "| kB: ternary / INT8 | ms: ternary / INT8 |", "|---" * 10 + "|"]
    note = ("\nEach cell is accuracy of the largest score in percent / AUC (several classes: mean of one against rest) on the test split. INT8 and ternary are "
            "what `tern eval` prints for the shipped files. The float student (and INT8, made from it) is the warm-up of the ternary one and saw fewer images: "
            + ", ".join(seen) + " thousand. What ternary weights cost at the same count is in [docs/models.md](../docs/models.md). Intervals, seeds, "
            "operating points and sources are in the cards."
            + (f" Milliseconds are the median of one image on one thread ({'; '.join(sorted(isas))})." if isas else "")
            + "".join(f" {text}" for text in limits))
    return "\n".join(head + rows) + "\n" + note + "\n"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", type=Path, default=ROOT / "Models", help="folder of the models (default: Models)")
    parser.add_argument("--write", action="store_true", help="put the table into README.md of the folder")
    options = parser.parse_args()
    text = table(options.models)
    if not options.write:
        print(text, end="")
        return 0
    page = options.models / "README.md"
    before, begin, rest = page.read_text().partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise SystemExit(f"{page} holds no place for the table: add the lines {BEGIN} and {END}")
    page.write_text(f"{before}{BEGIN}\n{text}{END}{after}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
