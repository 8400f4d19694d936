#!/usr/bin/env python3
"""Test figures of a model folder: the shipped files in the engine, the float student, the teacher, baselines, seeds, the gate.

Example:
    python3 Tools/train/evaluate.py --model Models/breast28 --data breastmnist.npz --engine .build/release/tern \\
        --runs build/train/breast28 --ternd build/x86_64/ternd --other pneumonia28=pneumoniamnist.npz --other cells=build/data/cells.npz --write

Prints figures.json. With --write it goes into the folder with card.md, reliability.svg, scores-test-*.json and the metrics of
the descriptions, and the model files are made again from them (`tern sign` them afterwards); a file whose identity stays the
same is left alone. Nothing is chosen here: thresholds and temperatures come from validation, the test split is only read.
What a file states beside its thresholds (sensitivity, specificity, false-alarm rate) and of its scores' distribution is the engine's on the test split.
With --same-outputs only the engine is asked, and what else the figures say is kept: for files that differ in what they say of their scores, not in the scores. It is
an error when an output, a score or a gate score is not the committed one.
What --runs and --other would give is kept from the figures.json of the same checkpoints when they are left out.
"""
from __future__ import annotations

import argparse
import copy
import hashlib
import json
import os
import sys
import tempfile
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).resolve().parent))

import baselines  # noqa: E402
import card  # noqa: E402
import data  # noqa: E402
import engine  # noqa: E402
import export  # noqa: E402
import figures  # noqa: E402
import metrics  # noqa: E402
import reference  # noqa: E402
import scores  # noqa: E402
from progress import Log  # noqa: E402
from training import predict  # noqa: E402

KINDS = ("ternary", "int8")
GATE_TOLERANCE = 1e-3  # of the engine's gate score, computed in binary32, against the one in binary64


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, required=True, help="folder with checkpoint/ and description-*.json")
    parser.add_argument("--data", type=Path, required=True, help="archive with the three splits")
    parser.add_argument("--engine", type=Path, required=True, help="the command tern, for example .build/release/tern")
    parser.add_argument("--ternd", type=Path, help="the program ternd, to measure milliseconds on this machine")
    parser.add_argument("--config", type=Path, help="settings of the training run (default: NAME.json beside this script)")
    parser.add_argument("--runs", type=Path, help="output folder of train.py, for the rows of teacher and seeds")
    parser.add_argument("--other", action="append", default=[], metavar="NAME=ARCHIVE",
                        help="archive of another model whose test images the gate should flag; may be given again")
    parser.add_argument("--same-outputs", action="store_true", help="keep every figure that the engine does not give; outputs must be the committed ones")
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1, help="CPU threads (default: all)")
    parser.add_argument("--write", action="store_true", help="write all files into the folder")
    return parser.parse_args()


def main() -> int:
    options = arguments()
    torch.set_num_threads(options.threads)
    descriptions = {kind: json.loads((options.model / f"description-{kind}.json").read_text()) for kind in KINDS}
    name = descriptions["ternary"]["name"]
    config = json.loads((options.config or Path(__file__).with_name(f"{name}.json")).read_text())
    splits = data.load(options.data)
    data.check_labels(splits, config["labels"])
    models = {kind: export.load(descriptions[kind], options.model / "checkpoint" / engine.CHECKPOINTS[kind]) for kind in KINDS}
    export.check_snapped(models["ternary"])
    place = tempfile.TemporaryDirectory()
    folder = Path(place.name)
    (folder / "checkpoint").symlink_to((options.model / "checkpoint").resolve())
    result = {"name": name, "version": descriptions["ternary"]["version"],
              "split": {part: len(split.labels) for part, split in splits.items()},
              "checkpoints": {kind: digest(options.model / "checkpoint" / engine.CHECKPOINTS[kind]) for kind in KINDS}}
    found, answers = {}, {}
    for kind in KINDS:
        trained = trained_seeds(options.runs, config) if options.runs else descriptions[kind]["card"]["seeds"]
        descriptions[kind]["card"] = export.card_of(config, kind) | {"seeds": trained}
        # Metrics are part of the file: the first one is made only to measure them.
        for metrics_known in (False, True):
            if metrics_known:
                descriptions[kind]["card"]["metrics"] = card.metrics_of(found[kind], len(splits["test"].labels))
                state(descriptions[kind], found[kind])
                distribute(descriptions[kind], answers[kind])
            write_description(folder, kind, descriptions[kind])
            file = engine.convert(options.engine, folder, kind, name)
            found[kind], answers[kind] = engine.evaluate(options.engine, file, options.data, "test", options.threads)
    if options.same_outputs:
        result = kept(options.model, result, found, answers, folder)
        return finish(folder, result, answers, splits, descriptions, models, options)
    result |= {"imagesSeen": seen(config), "tableNotes": config["card"].get("tableNotes", [])}
    if "shortfall" in config["card"]:
        result["shortfall"] = config["card"]["shortfall"]
    result |= {"engine": found} | measured_here(folder, descriptions, models, splits, answers, options)
    result |= rows(models["int8"], splits, config, options)
    result["gate"] = gate(folder, descriptions, answers, result, options)
    keep(result, options.model / "figures.json", options)
    return finish(folder, result, answers, splits, descriptions, models, options)


def kept(model: Path, result: dict, found: dict, answers: dict[str, engine.Answers], folder: Path) -> dict:
    """The figures of `model` with what the engine says of its new files, whose values must be the old ones."""
    old = json.loads((model / "figures.json").read_text())
    if old["checkpoints"] != result["checkpoints"]:
        raise SystemExit(f"{model}/figures.json is of other checkpoints: leave out --same-outputs")
    for kind in KINDS:
        images = json.loads((model / f"scores-test-{kind}.json").read_text())["images"]
        values = torch.tensor([[*image["outputs"], *image["scores"], image["outOfDistribution"]] for image in images], dtype=torch.float64).float()
        if not torch.equal(values, torch.cat([answers[kind].outputs, answers[kind].scores, answers[kind].gate[:, None]], 1)):
            raise SystemExit(f"{kind}: the values of the test images are not those of {model}: leave out --same-outputs")
    files = {kind: (folder / engine.file_name(result["name"], kind)).stat().st_size for kind in KINDS}
    return old | result | {"engine": found, "bytes": files}


def finish(folder: Path, result: dict, answers: dict[str, engine.Answers], splits: dict[str, data.Split], descriptions: dict, models: dict,
           options: argparse.Namespace) -> int:
    print(json.dumps(result, indent=2))
    if options.write:
        for kind in KINDS:
            write_description(options.model, kind, descriptions[kind])
            engine.ship(folder / engine.file_name(result["name"], kind), options.model)
        write(options.model, result, answers, splits["test"], descriptions, models["ternary"])
    return 0


def trained_seeds(runs: Path, config: dict) -> list[int]:
    *_, last = config["phases"]
    return [seed for seed in config["seeds"] if (runs / f"student-{last}-{seed}.pt").is_file()]


def seen(config: dict) -> dict[str, int]:
    """Images of the teaching set that the float student and the ternary one saw, the latter with those of the phases it goes on from."""
    phases, (*_, name) = config["phases"], config["phases"]
    count = 0
    while name:
        count, name = count + phases[name]["images"], phases[name]["from"]
    return {"float": phases["float"]["images"], "ternary": count}


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def state(description: dict, found: dict) -> None:
    """Puts what the engine measured on the test split beside each threshold of `description`, in the place of what export measured on
    the validation images that the thresholds were taken from. `found` is what `tern eval` printed."""
    measured = {label["name"]: {point["name"]: point for point in label["operatingPoints"]} for label in found["labels"]}
    for label in description["labels"]:
        for point in label.get("operatingPoints", []):
            test = measured[label["name"]][point["name"]]
            point |= {"positives": test["truePositives"] + test["falseNegatives"], "negatives": test["trueNegatives"] + test["falsePositives"]}
            if not point["positives"] or not point["negatives"]:
                raise SystemExit(f"the test split holds {point['positives']} images of {label['name']} and {point['negatives']} others; both must be there")
            for key in ("sensitivity", "specificity"):
                point[key] = {part: round(test[key][part], 4) for part in ("value", "low", "high")}
    description["operatingPointsMeasuredOn"] = "test"
    description["outOfDistribution"]["falseAlarmRate"] = round(found["outOfDistribution"]["share"]["value"], 4)


def distribute(description: dict, answers: engine.Answers) -> None:
    """Puts the distribution of the test split's scores into `description`."""
    told = description.pop("card")
    description.pop("scoreReference", None)
    if found := scores.reference(description, answers.scores.numpy(), "test"):
        description["scoreReference"] = found
    description["card"] = told


def write_description(folder: Path, kind: str, description: dict) -> None:
    (folder / f"description-{kind}.json").write_text(json.dumps(description, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def measured_here(folder: Path, descriptions: dict, models: dict, splits: dict[str, data.Split], answers: dict[str, engine.Answers],
                  options: argparse.Namespace) -> dict:
    """Validation figures of the files, counts of positive labels, bins of the reliability diagram, agreement with torch, bytes, and times when asked for."""
    result = {"validation": {}, "positives": {}, "reliability": {}, "scores": {}, "agreement": {}, "bytes": {}}
    test = splits["test"]
    for kind in KINDS:
        description = descriptions[kind]
        file = folder / engine.file_name(description["name"], kind)
        validation, validated = engine.evaluate(options.engine, file, options.data, "val", options.threads, resamples=0)
        result["validation"][kind] = {"accuracy": validation["accuracy"]["value"], "auc": validation["auc"]["value"],
                                      "calibrationErrorBefore": validation["calibrationErrorBefore"],
                                      "calibrationError": validation["calibrationError"],
                                      "falseAlarms": validation["outOfDistribution"]["share"]["value"],
                                      "labels": [{"name": label["name"], "operatingPoints": [
                                          {key: point[key] for key in ("name", "threshold", "sensitivity", "specificity")}
                                          for point in label["operatingPoints"]]} for label in validation["labels"]]}
        if "scoreReference" in description:
            result["scores"][kind] = scores.apart(description["scoreReference"], description, validated.scores.numpy())
        plain = reference.softmax(answers[kind].outputs, 1.0)
        result["positives"][kind] = positives(description, answers[kind].scores)
        result["reliability"][kind] = {"before": metrics.reliability(plain, test.labels),
                                       "after": metrics.reliability(answers[kind].scores, test.labels)}
        result["agreement"][kind] = agreement(models[kind], kind, test.images, description, answers[kind],
                                              folder / "checkpoint" / engine.CHECKPOINTS[kind])
        result["bytes"][kind] = file.stat().st_size
        if options.ternd:
            result.setdefault("milliseconds", {})[kind] = engine.milliseconds(options.ternd, file)
    return result


def positives(description: dict, scores: torch.Tensor) -> list[int]:
    """Test images with 0, 1, ... reported labels at or above their default thresholds; the gate does not count. `scores` [N, C]."""
    called = torch.zeros(len(scores), dtype=torch.int64)
    reported = [label for label in description["labels"] if label.get("operatingPoints")]
    for label in reported:
        threshold = next(point["threshold"] for point in label["operatingPoints"] if point["name"] == label["operatingPoint"])
        called += scores[:, label["index"]] >= torch.tensor(threshold, dtype=torch.float32)
    return torch.bincount(called, minlength=len(reported) + 1).tolist()


def agreement(model: torch.nn.Module, kind: str, images: torch.Tensor, description: dict, answers: engine.Answers, checkpoint: Path) -> dict:
    """The engine against the fake-quantised student of torch and against the engine's rules written in torch; the gate's difference is relative."""
    fake = copy.deepcopy(model).set_mode(kind, export.LEVELS[kind], snapped=kind == "ternary")
    scores = reference.softmax(predict(fake, images, description["input"]), description["output"]["temperature"])
    exact, vectors = export.integer(model, kind, images, description["input"])
    gate_scores = export.statistics(description, checkpoint).score(vectors)
    apart = float(((gate_scores - answers.gate) / gate_scores).abs().max())
    if apart > GATE_TOLERANCE:
        print(f"{kind}: the engine's gate scores are up to {apart:.1%} beside those that training fitted; is {checkpoint} of this version?", file=sys.stderr)
    expected = reference.softmax(exact, description["output"]["temperature"])
    same = (exact == answers.outputs).all(1) & (expected == answers.scores).all(1)
    return {"images": len(images), "sameClass": round(float((scores.argmax(1) == answers.outputs.argmax(1)).double().mean()), 6),
            "largestScoreDifference": round(float((scores - answers.scores).abs().max()), 6), "sameInEveryBit": int(same.sum()),
            "gateLargestDifference": round(apart, 6)}


def rows(plain: torch.nn.Module, splits: dict[str, data.Split], config: dict, options: argparse.Namespace) -> dict:
    """The rows that are computed in torch and scikit-learn, and the published ones."""
    val, test = splits["val"], splits["test"]

    def row(logits: dict[str, torch.Tensor]) -> dict:
        return figures.row(logits["test"], test.labels, logits["val"], val.labels, config)

    result = {"float": row({name: predict(plain, splits[name].images, config["input"]) for name in ("val", "test")}),
              "published": json.loads(Path(__file__).with_name("published.json").read_text()).get(config["name"], [])}
    fingerprint = {name: data.fingerprint(split) for name, split in splits.items()}
    kept = json.loads((options.model / "figures.json").read_text()) if (options.model / "figures.json").is_file() else {}
    if kept.get("data") == fingerprint:
        result["baselines"] = kept["baselines"]
    else:
        logistic, strength = baselines.logistic(splits)
        result["baselines"] = {"majority": baselines.majority(splits), "logistic": row(logistic) | {"strength": strength}}
    result["data"] = fingerprint
    if options.runs:
        log = Log(options.runs / "evaluate-log.txt", sys.stderr)
        result["teacher"] = row(figures.teacher_logits(splits, config, options.runs, options.threads, log))
        shipped = json.loads((options.model / "seeds.json").read_text())["shipped"]
        result["seeds"] = {"shipped": shipped} | figures.seeds(splits, config, options.runs)
    return result


def gate(folder: Path, descriptions: dict, answers: dict[str, engine.Answers], known: dict, options: argparse.Namespace) -> dict:
    """By kind: share of the validation and test splits that is flagged; of every other set the area under the ROC curve of the gate's
    score and the share that is flagged. Scores are the engine's; `known` has its figures of both splits."""
    import gate as statistics

    others = {}
    for entry in options.other:
        name, equals, path = entry.partition("=")
        if not equals:
            raise SystemExit(f"--other {entry}: write it as NAME=ARCHIVE, for example cells=build/data/cells.npz")
        others[name] = engine.brought(data.load(Path(path))["test"].images, descriptions["ternary"]["input"])
    result = {}
    for kind in KINDS:
        settings = descriptions[kind]["outOfDistribution"]
        file = folder / engine.file_name(descriptions[kind]["name"], kind)
        result[kind] = {"threshold": settings["threshold"], "falseAlarmsValidation": known["validation"][kind]["falseAlarms"],
                        "falseAlarmsTest": known["engine"][kind]["outOfDistribution"]["share"]["value"], "others": {}}
        for name, images in others.items():
            scores = engine.gate_scores(options.engine, file, images, options.threads)
            result[kind]["others"][name] = {"images": len(images), "auroc": round(statistics.separation(answers[kind].gate, scores), 4),
                                            "flagged": round(float((scores > settings["threshold"]).double().mean()), 4)}
    return result


def keep(result: dict, path: Path, options: argparse.Namespace) -> None:
    """Adds what was not measured this time from the figures of the same checkpoints in `path`; of the gate, where its threshold is the same."""
    if not path.is_file():
        return
    old = json.loads(path.read_text())
    if old.get("checkpoints") == result["checkpoints"]:
        for key in ("teacher", "seeds", "milliseconds"):
            if key in old and key not in result:
                result[key] = old[key]
        for kind in KINDS if not options.other else ():
            if old["gate"][kind]["threshold"] == result["gate"][kind]["threshold"]:
                result["gate"][kind]["others"] = old["gate"][kind]["others"]


def write(folder: Path, result: dict, answers: dict[str, engine.Answers], test: data.Split, descriptions: dict, model) -> None:
    """Leaves figures, every image's scores and the card in the model folder."""
    (folder / "figures.json").write_text(json.dumps(result, indent=2) + "\n")
    for kind in KINDS:
        classes = answers[kind].outputs.shape[1]
        lines = []
        for index, (label, texts) in enumerate(zip(test.labels.tolist(), answers[kind].texts)):
            lines.append(f'{{"index": {index}, "label": {label}, "outputs": [{", ".join(texts[:classes])}], '
                         f'"scores": [{", ".join(texts[classes:2 * classes])}], "outOfDistribution": {texts[2 * classes]}}}')
        (folder / f"scores-test-{kind}.json").write_text(
            f'{{"identity": "{result["engine"][kind]["identity"]}", "images": [\n' + ",\n".join(lines) + "\n]}\n")
    card.write(folder, result, descriptions["ternary"], model)


if __name__ == "__main__":
    sys.exit(main())
