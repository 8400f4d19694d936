#!/usr/bin/env python3
"""The table of Models/README.md, from every model's figures.json: what is shipped against what it must beat; and the one of the quality gates in
docs/models.md, from every model's quality.json; and the one of tiers and conformal sets there, from its rules.json.

Example:
    python3 Tools/train/table.py            # prints them
    python3 Tools/train/table.py --write    # puts them between the marks of the pages
"""
from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BEGIN, END = "<!-- figures: Tools/train/table.py --write -->", "<!-- end of figures -->"
TIERS_BEGIN, TIERS_END = "<!-- tiers: Tools/train/table.py --write -->", "<!-- end of tiers -->"
QUALITY_BEGIN, QUALITY_END = "<!-- quality: Tools/train/table.py --write -->", "<!-- end of quality -->"
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


def quality(models: Path) -> str:
    """A row for each model with a quality gate: false refusals, thresholds, and the share of spoiled images that is refused."""
    def share(found: dict, key: str) -> str:
        one = next((value for title, value in found["spoiled"].items() if title.startswith(key)), None)
        return "-" if one is None or one["by"] is None else f"{100 * one['refused'] / one['images']:.0f}"

    head = ["| model | refused, test images | contrast | brightness | saturation | blur | others | black, one grey, a twentieth of the exposure: refused, % "
            "| four times the exposure | blurred by 1/56, 1/28, 1/14 of the side | other colour | text drawn over it |", "|---" * 12 + "|"]
    rows = []
    for name in ORDER:
        path = models / name / "quality.json"
        if not path.is_file():
            continue
        found = json.loads(path.read_text())
        gate = found["gate"]
        limits = {rule["criterion"]: rule for rule in gate["rules"]}
        more = [limits["viewPosition"]["allowed"]] if "viewPosition" in limits else []
        more += ["not (0028,0301) YES"] if "burnedInAnnotation" in limits else []
        more += [f"{words} {limits[key]['threshold']:g}" for key, words in (("mostColour", "colour at most"), ("leastColour", "colour at least"), ("text", "text at most"))
                 if key in limits]
        blur = " / ".join(f"{100 * value['refused'] / value['images']:.0f}" for title, value in found["spoiled"].items() if title.startswith("blurred"))
        first = " / ".join(share(found, key) for key in ("black", "one grey", "a twentieth"))
        colour = share(found, "tinted") if "mostColour" in limits else share(found, "without colour")
        cells = [f"[{name}](../Models/{name}/card.md)", f"{gate['refused']} of {gate['cases']}", *(f"{limits[key]['threshold']:g}" for key in ("contrast", "brightness", "saturation", "blur")),
                 ", ".join(more), first, share(found, "four times"), blur, colour, share(found, "four lines")]
        rows.append(f"| {' | '.join(cells)} |")
    return "\n".join(head + rows) + "\n"


def tiers(models: Path) -> str:
    """A row for each reported label: right calls of all calls of each tier, and the coverage of the conformal sets."""
    def pair(counts: list[int]) -> str:
        return "-" if not counts[1] else f"{counts[0]} of {counts[1]}"

    rows = ["| model | label | positive: high | medium | review | negative: high | medium | review | conformal sets hold |", "|---" * 9 + "|"]
    for name in ORDER:
        path = models / name / "rules.json"
        if not path.is_file():
            continue
        labels = json.loads(path.read_text(encoding="utf-8"))["ternary"]["rules"]["labels"]
        held = "; ".join(f"{label['name']} {100 * label['conformal']['covered'] / max(label['conformal']['cases'], 1):.0f} %" for label in labels)
        for index, label in enumerate([label for label in labels if "tiers" in label]):
            cells = [pair(label["tiers"][tier][side]) for side in ("positive", "negative") for tier in ("high", "medium", "review")]
            rows.append(f"| [{name}](../Models/{name}/card.md) | {label['name']} | {' | '.join(cells)} | {held if index == 0 else ''} |")
    return "\n".join(rows) + "\n"


def put(page: Path, begin_mark: str, end_mark: str, text: str) -> None:
    """Replaces what stands between two marks of a page."""
    before, begin, rest = page.read_text().partition(begin_mark)
    _, end, after = rest.partition(end_mark)
    if not begin or not end:
        raise SystemExit(f"{page} holds no place for the table: add the lines {begin_mark} and {end_mark}")
    page.write_text(f"{before}{begin_mark}\n{text}{end_mark}{after}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", type=Path, default=ROOT / "Models", help="folder of the models (default: Models)")
    parser.add_argument("--write", action="store_true", help="put the tables into README.md of the folder and, for the models of this checkout, docs/models.md")
    options = parser.parse_args()
    text = table(options.models)
    if not options.write:
        print(text + "\n" + quality(options.models) + "\n" + tiers(options.models), end="")
        return 0
    put(options.models / "README.md", BEGIN, END, text)
    if options.models.resolve() == ROOT / "Models":
        put(ROOT / "docs/models.md", QUALITY_BEGIN, QUALITY_END, quality(options.models))
        put(ROOT / "docs/models.md", TIERS_BEGIN, TIERS_END, tiers(options.models))
    return 0


if __name__ == "__main__":
    sys.exit(main())
