"""The card's chapter on maps, written from the folder's explain.json."""
from __future__ import annotations

import json
from pathlib import Path

ABSENCES = {"mean": "the image's own mean", "blur": "the image blurred by a patch's side", "zero": "the grey of the training images' mean"}
WAYS = {"patch-shares": "the exact share of each patch in the label's output less the mean of all others', on which its score hangs (N-16 of `Models/NUMERICS.md`)",
        "token-relevance": "attention and value norms through the layers (N-17 of `Models/NUMERICS.md`)"}


def decimal(value: float, digits: int) -> str:
    """A number that is not written as -0."""
    return f"{round(value, digits) + 0.0:.{digits}f}"


def figure(found: dict | None, digits: int = 3) -> str:
    """A figure with its interval."""
    if found is None:
        return "-"
    if found["low"] is None:
        return decimal(found["value"], digits)
    return f"{decimal(found['value'], digits)} ({decimal(found['low'], digits)} to {decimal(found['high'], digits)})"


def better(found: dict | None) -> str:
    return "-" if found is None else f"{found['value'] * 100:.0f} %"


def counted(found: dict) -> str:
    """How many images, and of how many."""
    of = found.get("splitImages", found["images"])
    return f"{found['images']} images" if of == found["images"] else f"the first {found['images']} of its {of} images"


def classes(found: dict, folder: Path) -> str:
    """How many images of every class, where not all of the split were taken."""
    if found.get("splitImages", found["images"]) == found["images"]:
        return ""
    names = [label["name"] for label in sorted(json.loads((folder / "description-ternary.json").read_text())["labels"], key=lambda label: label["index"])]
    return " (" + ", ".join(f"{count} {name}" for name, count in zip(names, found["classes"])) + ")"


def named(found: dict, name: str) -> dict | None:
    return next((method for method in found["methods"] if method["name"] == name), None)


def chapter(folder: Path) -> str:
    """How far the maps can be trusted; nothing without explain.json."""
    path = folder / "explain.json"
    if not path.is_file():
        return ""
    found = json.loads(path.read_text())
    sets = {name: found[key]["ternary"] for key, name in (("test", "test split"), ("samples", "samples")) if "ternary" in found.get(key, {})}
    (title, main), *rest = sets.items()
    own, points = main["methods"][0], len(main["shares"]) - 1
    steps = "one patch a step" if points == main["columns"] * main["rows"] else f"{points} steps a curve"
    scores = "; ".join(f"{title}: {one['scores']['image']:.3f}, {one['scores']['deleted']:.3f} with everything deleted, {one['scores']['beforeInsertion']:.3f} before insertion"
                       for title, one in sets.items())
    lines = ["", "## Where it looks", "",
             f"`tern explain` and the service give each label a map of {main['columns']} x {main['rows']} patches: {WAYS[main['method']]}. A map says which patches made this",
             "output. It outlines no lesion, and a plausible map does not make a wrong output right; [docs/maps.md](../../docs/maps.md) says how the figures are made.", "",
             f"Patches are taken away in the order of a map and become {ABSENCES[main['deletionTo']]} (deletion: a small area under the score is good), or are put back into",
             f"{ABSENCES[main['insertionFrom']]} (insertion: a large area is good). The score is that of the label with the largest one; 95 % intervals by a bootstrap over images.",
             f"Mean score, {scores}.", "",
             f"Ternary file, {title}, {counted(main)}{classes(main, folder)}, {steps}:", "",
             "| order of the patches | deletion area | less random order | better on | insertion area | less random order | better on | rank correlation with the map |",
             "|---" * 8 + "|"]
    for method in main["methods"]:
        name = f"**{method['name']}**" if method is own else method["name"]
        areas = [cell for key in ("deletion", "insertion") for cell in (figure(method[key]), figure(method[f"{key}LessRandom"]), better(method[f"{key}Better"]))]
        lines.append(f"| {name} | {' | '.join(areas)} | {figure(method['rankCorrelation'], 2)} |")
    for title, one in rest:
        lines += ["", f"The {one['images']} {title}:", "", "| order of the patches | deletion area | insertion area |", "|---|---|---|"]
        lines += [f"| {method['name']} | {figure(method['deletion'])} | {figure(method['insertion'])} |" for method in one["methods"]]
    lines += shuffled(main) + int8_twin(found) + float_student(found, json.loads((folder / "seeds.json").read_text())["shipped"])
    if main["largestGap"] is not None and main["method"] == "patch-shares":
        lines += ["", f"Shares and base add up to that difference of outputs within {max(one['largestGap'] for one in sets.values()):.0e} on every image."]
    return "\n".join(lines) + "\n"


def shuffled(main: dict) -> list[str]:
    """The check with shuffled weights."""
    found = main["shuffled"]
    verdict = (f"passes: with all weights shuffled the magnitude stays below {found['limit']:g}" if found["passes"]
               else f"FAILS the limit of {found['limit']:g} for the magnitude with all weights shuffled: these maps show the image more than the model")
    lines = ["", "Shuffled weights (Adebayo et al. 2018): rank correlation with the map of the same model whose weights were brought into a random order, from the output backwards,",
             f"three times each. The map {verdict}.", "", "| shuffled | correlation | magnitude |", "|---|---|---|"]
    return lines + [f"| {stage['name']} | {figure(stage['rankCorrelation'], 2)} | {figure(stage['magnitude'], 2)} |" for stage in found["stages"]]


def int8_twin(found: dict) -> list[str]:
    """The twin's own areas: its maps are another network's than the ternary file's, and may be worse than chance."""
    one = found.get("test", found.get("samples", {})).get("int8")
    if one is None or not one.get("shuffled"):
        return []
    own = one["methods"][0]
    worse = [way for way, key, sign in (("deletion", "deletionLessRandom", 1), ("insertion", "insertionLessRandom", -1)) if min(sign * own[key]["low"], sign * own[key]["high"]) > 0]
    verdict = f" **By {' and '.join(worse)} the twin's map is worse than a random order.**" if worse else ""
    return ["", f"INT8 twin, {one['images']} images: deletion area {figure(own['deletion'])}, less random order {figure(own['deletionLessRandom'])}, better on {better(own['deletionBetter'])}; "
            f"insertion area {figure(own['insertion'])},",
            f"less random order {figure(own['insertionLessRandom'])}, better on {better(own['insertionBetter'])}. With all weights shuffled the magnitude is "
            f"{figure(one['shuffled']['stages'][-1]['magnitude'], 2)}.{verdict}"]


def float_student(found: dict, seeds: dict) -> list[str]:
    """Ternary and INT8 against the float student; `seeds` are those that are shipped."""
    key = "test" if found.get("test") else "samples"
    parts = {kind: named(found[key][kind], "float student") for kind in ("ternary", "int8") if kind in found[key]}
    if not all(parts.values()) or "int8" not in parts:
        return []
    origin = ("went on learning from these weights" if seeds["ternary"] == seeds["float"]
              else f"has another origin (seed {seeds['ternary']} against seed {seeds['float']}) and went on learning in ternary")
    return ["", f"Rank correlation of the maps with those of the float student, {found[key]['ternary']['images']} images: ternary {figure(parts['ternary']['rankCorrelation'])}, "
            f"INT8 twin {figure(parts['int8']['rankCorrelation'])}. The twin",
            f"has the float student's weights, so its figure is what rounding does to a map. The ternary student {origin}, so its figure says how far two networks of like accuracy",
            "look at other places."]
