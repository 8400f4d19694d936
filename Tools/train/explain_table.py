#!/usr/bin/env python3
"""The table of docs/maps.md: how far the maps of each shipped model can be trusted, from Models/*/explain.json.

Example:
    python3 Tools/train/explain_table.py --write
"""
from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from explain_card import named  # noqa: E402

ROOT = Path(__file__).resolve().parents[2]
NAMES = ("pneumonia28", "breast28", "retina28", "cxr224", "cells")
METHODS = ("the model's map", "random order", "attention rollout", "input-gradient", "gradient times input")
BEGIN, END = "<!-- figures: Tools/train/explain_table.py --write -->", "<!-- end of figures -->"


def part(found: dict) -> dict:
    """The test split's figures where they are known, else the samples'."""
    return found["test"] if found.get("test") else found["samples"]


def table(models: Path) -> str:
    lines = ["| model | images | " + " | ".join(METHODS) + " | map better than random: deletion / insertion | all weights shuffled | float student: ternary / INT8 |",
             "|---" * (len(METHODS) + 5) + "|"]
    for name in NAMES:
        found = json.loads((models / name / "explain.json").read_text())
        ternary, twin = part(found)["ternary"], part(found)["int8"]
        areas = [named(ternary, method) for method in METHODS]
        best = [pick(one[key]["value"] for one in areas) for key, pick in (("deletion", min), ("insertion", max))]
        cells = [" / ".join(f"**{one[key]['value']:.3f}**" if one[key]["value"] == limit else f"{one[key]['value']:.3f}"
                            for key, limit in zip(("deletion", "insertion"), best)) for one in areas]
        own, last = areas[0], ternary["shuffled"]["stages"][-1]
        plain = [named(one, "float student")["rankCorrelation"]["value"] for one in (ternary, twin)]
        lines.append(f"| [{name}](../Models/{name}/card.md) | {ternary['images']} | {' | '.join(cells)} | {own['deletionBetter']['value'] * 100:.0f} % / "
                     f"{own['insertionBetter']['value'] * 100:.0f} % | {last['magnitude']['value']:.2f} | {plain[0]:.2f} / {plain[1]:.2f} |")
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", type=Path, default=ROOT / "Models", help="folder of the models (default: Models)")
    parser.add_argument("--page", type=Path, default=ROOT / "docs/maps.md", help="page with the table (default: docs/maps.md)")
    parser.add_argument("--write", action="store_true", help="put the table into the page")
    options = parser.parse_args()
    found = table(options.models)
    print(found)
    if options.write:
        text = options.page.read_text()
        before, _, rest = text.partition(BEGIN)
        _, _, after = rest.partition(END)
        options.page.write_text(f"{before}{BEGIN}\n{found}\n{END}{after}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
