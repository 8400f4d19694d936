"""The card's chapter on maps, written from the folder's explain.json."""
from __future__ import annotations

import json
from pathlib import Path

ABSENCES = {"mean": "the image's own mean", "blur": "the image blurred by a patch's side", "zero": "the grey of the training images' mean"}
WAYS = {"patch-shares": "the exact share of each patch in the output (N-16 of `Models/NUMERICS.md`)",
        "token-relevance": "attention and value norms through the layers (N-17 of `Models/NUMERICS.md`)"}


def figure(found: dict | None, digits: int = 3) -> str:
    """A figure with its interval."""
    if found is None:
        return "-"
    if found["low"] is None:
        return f"{found['value']:.{digits}f}"
    return f"{found['value']:.{digits}f} ({found['low']:.{digits}f} - {found['high']:.{digits}f})"


def better(found: dict | None) -> str:
    return "-" if found is None else f"{found['value'] * 100:.0f} %"


def named(found: dict, name: str) -> dict | None:
    return next((method for method in found["methods"] if method["name"] == name), None)


def chapter(folder: Path) -> str:
    """How far the maps can be trusted; nothing without explain.json."""
    path = folder / "explain.json"
    if not path.is_file():
        return ""
    found = json.loads(path.read_text())
    sets = {name: found[key]["ternary"] for key, name in (("samples", "samples"), ("test", "test split")) if "ternary" in found.get(key, {})}
    main = list(sets.values())[-1]
    lines = ["", "## Where it looks", "",
             f"`tern explain` and the service give each label a map of {main['columns']} x {main['rows']} patches: {WAYS[main['method']]}. A map says which patches made this",
             "output. It outlines no lesion, and a plausible map does not make a wrong output right (`docs/maps.md` says how to read the figures).", "",
             f"Patches are taken away in the order of the map and become {ABSENCES[main['deletionTo']]} (deletion: a small area under the score is good), and are put back into",
             f"{ABSENCES[main['insertionFrom']]} (insertion: a large one is good), after Petsiuk et al. 2018; of the label with the largest score. 95 % intervals by a bootstrap over images.",
             "The mean score is " + "; ".join(
                 f"{scores['image']:.3f} on the {name}, {scores['deleted']:.3f} with everything deleted and {scores['beforeInsertion']:.3f} before insertion"
                 for name, scores in ((name, one["scores"]) for name, one in sets.items())) + ".", "",
             "| order of the patches, ternary file | " + " | ".join(f"{name} ({one['images']}): deletion | insertion" for name, one in sets.items())
             + " | better than random order: deletion | insertion | rank correlation with the map |",
             "|---" * (4 + 2 * len(sets)) + "|"]
    for method in main["methods"]:
        areas = [figure((named(one, method["name"]) or {}).get(key)) for one in sets.values() for key in ("deletion", "insertion")]
        name = f"**{method['name']}**" if method is main["methods"][0] else method["name"]
        lines.append(f"| {name} | {' | '.join(areas)} | {better(method['deletionBetter'])} | {better(method['insertionBetter'])} | "
                     f"{figure(method['rankCorrelation'], 2)} |")
    random = named(main, "random order")
    if random:
        lines += ["", "Less random order on the same images: " + "; ".join(
            f"{method['name']} {figure(method['deletionLessRandom'])} of deletion, {figure(method['insertionLessRandom'])} of insertion"
            for method in main["methods"] if method["deletionLessRandom"]) + "."]
    lines += shuffled(main) + float_student(found)
    if main["largestGap"] is not None and main["method"] == "patch-shares":
        lines += ["", f"Shares and base add up to the output within {max(one['largestGap'] for one in sets.values()):.1g} on every image."]
    return "\n".join(lines) + "\n"


def shuffled(main: dict) -> list[str]:
    """The check with shuffled weights."""
    found = main["shuffled"]
    verdict = (f"passes: with all weights shuffled the magnitude stays below {found['limit']:g}" if found["passes"]
               else f"FAILS the limit of {found['limit']:g} for the magnitude with all weights shuffled: these maps show the image more than the model")
    lines = ["", "Shuffled weights (Adebayo et al. 2018): rank correlation with the map of the same model whose weights were brought into a random order, from the output backwards,",
             f"three times each. The map {verdict}.", "", "| shuffled | correlation | magnitude |", "|---|---|---|"]
    return lines + [f"| {stage['name']} | {figure(stage['rankCorrelation'], 2)} | {figure(stage['magnitude'], 2)} |" for stage in found["stages"]]


def float_student(found: dict) -> list[str]:
    """Ternary and INT8 against the float student."""
    key = "test" if found.get("test") else "samples"
    parts = {kind: named(found[key][kind], "float student") for kind in ("ternary", "int8") if kind in found[key]}
    if not all(parts.values()) or "int8" not in parts:
        return []
    return ["", f"Rank correlation of the maps with those of the float student, {found[key]['ternary']['images']} images: ternary {figure(parts['ternary']['rankCorrelation'], 2)}, "
            f"INT8 twin {figure(parts['int8']['rankCorrelation'], 2)}. The twin",
            "has the float student's weights, so its figure is what rounding does to a map; the ternary student went on learning from them, so its figure is mostly what it learnt."]
