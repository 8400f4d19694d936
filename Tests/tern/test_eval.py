"""`tern eval` as a person uses it: archives, folders, figures, the page. $TERN names the command."""
import csv
import html.parser
import json
import math
import re
import shlex
import shutil
import statistics
import subprocess
import xml.etree.ElementTree as tree
from pathlib import Path

import numpy
import pytest
from PIL import Image
from safetensors.numpy import load_file, save_file

from test_cli import TERN, convert, tern

ROOT = Path(__file__).resolve().parents[2]
SHIPPED = ROOT / "Models/pneumonia28/pneumonia28.tern"
pytestmark = pytest.mark.skipif(not TERN, reason="TERN does not name the command tern")


def write_archive(path: Path, images: numpy.ndarray, labels: numpy.ndarray, compressed: bool = True, split: str = "test") -> Path:
    save = numpy.savez_compressed if compressed else numpy.savez
    save(path, **{f"{split}_images": images, f"{split}_labels": labels})
    return path


def write_folder(folder: Path, images: numpy.ndarray, labels: numpy.ndarray) -> Path:
    folder.mkdir()
    for index, image in enumerate(images):
        Image.fromarray(image).save(folder / f"{index}.png")
    rows = "".join(f"{index}.png,{label}\n" for index, label in enumerate(labels.reshape(-1)))
    (folder / "labels.csv").write_text("file,label\n" + rows)
    return folder


def noise(count: int, shape: tuple, classes: int, seed: int = 3) -> tuple[numpy.ndarray, numpy.ndarray]:
    generator = numpy.random.default_rng(seed)
    labels = numpy.arange(count) % classes
    images = generator.integers(0, 256, (count, *shape)) // 2 + labels.reshape(-1, *([1] * len(shape))) * 40
    return images.astype(numpy.uint8), labels


def values(path: Path) -> list[list[str]]:
    """The lines of a scores file without the names of the images."""
    return [row[1:] for row in csv.reader(path.open())]


@pytest.mark.parametrize("compressed", [True, False], ids=["deflated", "stored"])
@pytest.mark.parametrize("shape", [(28, 28), (40, 33, 3)], ids=["grey", "colour"])
def test_an_archive_gives_what_its_images_as_png_give(tmp_path: Path, shape: tuple, compressed: bool) -> None:
    images, labels = noise(30, shape, 2)
    archive = write_archive(tmp_path / "set.npz", images, labels[:, None].astype(numpy.uint8), compressed)
    folder = write_folder(tmp_path / "png", images, labels)
    found = tmp_path / "archive.csv", tmp_path / "folder.csv"
    first = json.loads(tern("eval", SHIPPED, "--data", archive, "--split", "test", "--scores", found[0], "--resamples", 100, "--json").stdout)
    second = json.loads(tern("eval", SHIPPED, "--data", folder, "--scores", found[1], "--resamples", 100, "--json").stdout)
    assert values(found[0]) == values(found[1]) and len(values(found[0])) == 31
    assert first.pop("data") == "set.npz, test" and second.pop("data") == "png"
    assert first == second


def test_threads_change_nothing(tmp_path: Path) -> None:
    images, labels = noise(40, (28, 28), 2)
    archive = write_archive(tmp_path / "set.npz", images, labels)
    texts = []
    for threads in (1, 2, 7):
        tern("eval", SHIPPED, "--data", archive, "--split", "test", "--threads", threads, "--scores", tmp_path / "s.csv", "--resamples", 0)
        texts.append((tmp_path / "s.csv").read_text())
    assert len(set(texts)) == 1


def test_folders_of_labels_and_splits(tmp_path: Path) -> None:
    images, labels = noise(12, (28, 28), 2)
    for index, (image, label) in enumerate(zip(images, labels)):
        folder = tmp_path / "data" / ("test" if index < 8 else "val") / ("normal", "pneumonia")[label]
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(folder / f"{index}.png")
    report = json.loads(tern("eval", SHIPPED, "--data", tmp_path / "data", "--split", "test", "--resamples", 0, "--json").stdout)
    assert report["images"] == 8 and [one["count"] for one in report["perClass"]] == [4, 4]
    assert "--split" in tern("eval", SHIPPED, "--data", tmp_path / "data", code=65).stderr


def test_figures_follow_from_the_scores(tmp_path: Path) -> None:
    images, labels = noise(60, (28, 28), 2)
    archive, scores = write_archive(tmp_path / "set.npz", images, labels), tmp_path / "s.csv"
    report = json.loads(tern("eval", SHIPPED, "--data", archive, "--split", "test", "--scores", scores, "--resamples", 200, "--json").stdout)
    rows = list(csv.DictReader(scores.open()))
    found = numpy.array([[float(row["score0"]), float(row["score1"])] for row in rows])
    plain = numpy.array([[float(row["output0"]), float(row["output1"])] for row in rows])
    plain = numpy.exp(plain - plain.max(axis=1, keepdims=True))
    plain /= plain.sum(axis=1, keepdims=True)
    truth = labels == 1
    assert report["brier"]["positive"] == pytest.approx(((found[:, 1] - truth) ** 2).mean())
    assert report["brier"]["positiveBefore"] == pytest.approx(((plain[:, 1] - truth) ** 2).mean(), rel=1e-5)
    counts = [[int(((labels == row) & (found.argmax(axis=1) == column)).sum()) for column in (0, 1)] for row in (0, 1)]
    assert report["confusion"]["counts"] == counts
    right = (counts[0][0] + counts[1][1]) / 60
    z = statistics.NormalDist().inv_cdf(0.975)
    centre, half = right + z * z / 120, z * math.sqrt(right * (1 - right) / 60 + z * z / 14400)
    wilson = {"value": right, "low": (centre - half) / (1 + z * z / 60), "high": (centre + half) / (1 + z * z / 60)}
    assert report["accuracy"] == pytest.approx(wilson)
    label = report["labels"][0]
    assert report["aucMethod"] == "delong" and report["auc"] == label["auc"]
    for point in label["operatingPoints"]:
        called = found[:, 1] >= numpy.float32(point["threshold"])
        assert point["sensitivity"]["value"] == pytest.approx((called & truth).sum() / truth.sum())
        assert point["specificity"]["value"] == pytest.approx((~called & ~truth).sum() / (~truth).sum())
        assert point["truePositives"] + point["falseNegatives"] == truth.sum()
        assert point["sensitivity"]["low"] <= point["sensitivity"]["value"] <= point["sensitivity"]["high"]
    chosen = [point for point in label["operatingPoints"] if point["default"]]
    assert len(chosen) == 1 and chosen[0]["sensitivity"]["value"] == label["sensitivity"] and chosen[0]["accuracy"] == label["accuracy"]
    assert label["operatingPoints"][-1]["name"] == "0.5"


def test_without_resamples_figures_have_no_bootstrap(tmp_path: Path) -> None:
    model, page = convert(tmp_path), tmp_path / "page.html"
    outputs = json.loads(tern("inspect", model, "--json").stdout)["outputs"]
    folder = write_folder(tmp_path / "png", *noise(45, (16, 16, 3), outputs))
    arguments = ("eval", model, "--data", folder, "--ordinal")
    with_it = json.loads(tern(*arguments, "--resamples", 100, "--json").stdout)
    without = json.loads(tern(*arguments, "--resamples", 0, "--report", page, "--json").stdout)
    assert with_it["aucMethod"] == "bootstrap" and without["aucMethod"] is None and without["resamples"] == 0
    for found, bare in [(with_it[key], without[key]) for key in ("auc", "macroF1", "kappa", "quadraticKappa")] + [
            (with_it["ordinal"]["meanAbsoluteError"], without["ordinal"]["meanAbsoluteError"])]:
        assert found["low"] <= found["value"] <= found["high"] and bare == {"value": found["value"], "low": None, "high": None}
    for key in ("accuracy", "perClass", "confusion", "labels"):
        assert with_it[key] == without[key]
    assert page.read_text().count("interval not computed") >= 5
    assert "95 % interval not computed" in tern(*arguments, "--resamples", 0).stdout


def test_grades(tmp_path: Path) -> None:
    model = convert(tmp_path)
    outputs = json.loads(tern("inspect", model, "--json").stdout)["outputs"]
    images, labels = noise(30, (16, 16, 3), outputs)
    archive = write_archive(tmp_path / "set.npz", images, labels)
    report = json.loads(tern("eval", model, "--data", archive, "--split", "test", "--ordinal", "--resamples", 0, "--json").stdout)
    counts = numpy.array(report["confusion"]["counts"])
    grades = numpy.arange(outputs)
    off = (numpy.abs(grades[:, None] - grades) * counts).sum() / counts.sum()
    assert report["ordinal"]["meanAbsoluteError"]["value"] == pytest.approx(off)
    assert "quadratic kappa" in tern("eval", model, "--data", archive, "--split", "test", "--ordinal", "--resamples", 0).stdout


@pytest.mark.parametrize("arguments,code,says", [
    (["--data", "missing.npz", "--split", "test"], 66, "no file or folder"),
    (["--data", "set.npz"], 65, "test"),
    (["--data", "set.npz", "--split", "train"], 65, 'no split "train"'),
    (["--data", "float.npz", "--split", "test"], 65, 'test_images.npy has elements "<f4"'),
    (["--data", "range.npz", "--split", "test"], 65, "test_labels.npy[2] is 2"),
    (["--data", "text.npz", "--split", "test"], 65, "not an .npz file"),
    (["--data", "cut.npz", "--split", "test"], 65, "not an .npz file"),
    (["--data", "set.npz", "--split", "test", "--threads", 0], 64, "--threads"),
    (["--data", "set.npz", "--split", "test", "--resamples", 99], 64, "--resamples"),
    (["--data", "set.npz", "--split", "test", "--report", "/nowhere/r.html"], 74, "cannot write"),
])
def test_errors_name_file_array_and_rule(tmp_path: Path, monkeypatch, arguments: list, code: int, says: str) -> None:
    monkeypatch.chdir(tmp_path)
    images, labels = noise(4, (28, 28), 2)
    write_archive(tmp_path / "set.npz", images, labels)
    write_archive(tmp_path / "float.npz", images.astype(numpy.float32), labels)
    write_archive(tmp_path / "range.npz", images, numpy.array([0, 1, 2, 0]))
    (tmp_path / "text.npz").write_text("no archive")
    (tmp_path / "cut.npz").write_bytes((tmp_path / "set.npz").read_bytes()[:-30])
    assert says in tern("eval", SHIPPED, *arguments, code=code).stderr


def test_an_archive_of_too_many_cases_is_refused(tmp_path: Path) -> None:
    """Such an archive has a few kilobytes; what it unpacks to would take gigabytes as cases."""
    images = numpy.zeros((2_000_001, 1, 1), numpy.uint8)
    for labels, says in ((numpy.zeros(2_000_001, numpy.uint8), "test_labels.npy has 2000001 cases"),
                         (numpy.zeros(2_100_000, numpy.int64), "test_labels.npy unpacks to")):
        archive = write_archive(tmp_path / "many.npz", images, labels)
        assert says in tern("eval", SHIPPED, "--data", archive, "--split", "test", code=65).stderr


def with_points(folder: Path, threshold: float) -> Path:
    """The shipped model with three operating points and a gate."""
    source = ROOT / "Models/pneumonia28"
    description = json.loads((source / "description-ternary.json").read_text())
    tensors = {name: value for name, value in load_file(source / "checkpoint/ternary.safetensors").items()}
    columns, rank = tensors["head.weight"].shape[1], 4
    generator = numpy.random.default_rng(7)
    tensors |= {"feature_statistics.mean": numpy.zeros(columns, numpy.float32), "feature_statistics.precision": numpy.full(rank, 0.5, numpy.float32),
                "feature_statistics.basis": numpy.linalg.qr(generator.normal(size=(columns, rank)))[0].T.astype(numpy.float32).copy()}
    save_file(tensors, folder / "points.safetensors")
    description["outOfDistribution"] = {"threshold": threshold, "residualPrecision": 1.0, "falseAlarmRate": 0.01}
    share = {"value": 0.9, "low": 0.85, "high": 0.95}
    description["operatingPointsMeasuredOn"] = "validation"
    description["labels"][1] |= {"operatingPoint": "balanced", "threshold": 0.3, "operatingPoints": [
        {"name": name, "threshold": point, "sensitivity": share, "specificity": share, "positives": 389, "negatives": 135}
        for name, point in (("sensitivity-first", 0.1), ("balanced", 0.3), ("specificity-first", 0.7))]}
    (folder / "points.json").write_text(json.dumps(description))
    tern("convert", folder / "points.safetensors", "--config", folder / "points.json", "--weights", "ternary", "-o", folder / "points.tern")
    return folder / "points.tern"


def gate_distances(model: Path, archive: Path, scores: Path) -> tuple[list[float], dict]:
    done = tern("eval", model, "--data", archive, "--split", "test", "--scores", scores, "--resamples", 0, "--json")
    return [float(row["outOfDistribution"]) for row in csv.DictReader(scores.open())], json.loads(done.stdout)


@pytest.fixture(scope="module")
def gated(tmp_path_factory) -> tuple[Path, float]:
    """A model whose gate stands at the middle of the distances of noise, whatever the shipped model is, and that threshold."""
    folder = tmp_path_factory.mktemp("gated")
    distances, _ = gate_distances(with_points(folder, 1.0), write_archive(folder / "set.npz", *noise(40, (28, 28), 2)), folder / "s.csv")
    threshold = sorted(distances)[20]
    return with_points(folder, threshold), threshold


def test_points_of_the_file_are_measured_and_what_it_states_is_kept(gated, tmp_path: Path) -> None:
    model, archive = gated[0], write_archive(tmp_path / "set.npz", *noise(40, (28, 28), 2))
    report = json.loads(tern("eval", model, "--data", archive, "--split", "test", "--resamples", 0, "--json").stdout)
    points = report["labels"][0]["operatingPoints"]
    assert [(point["name"], point["default"]) for point in points] == [
        ("sensitivity-first", False), ("balanced", True), ("specificity-first", False), ("0.5", False)]
    assert report["operatingPointsMeasuredOn"] == "validation" and points[3]["stated"] is None
    assert points[0]["stated"] == {"sensitivity": {"value": 0.9, "low": 0.85, "high": 0.95}, "specificity": {"value": 0.9, "low": 0.85, "high": 0.95},
                                   "positives": 389, "negatives": 135}


def test_the_gate_flags_what_is_above_its_threshold(gated, tmp_path: Path) -> None:
    model, threshold = gated
    distances, report = gate_distances(model, write_archive(tmp_path / "set.npz", *noise(40, (28, 28), 2)), tmp_path / "s.csv")
    gate = report["outOfDistribution"]
    assert gate["flagged"] == sum(distance > threshold for distance in distances) and gate["share"]["value"] == gate["flagged"] / 40
    assert gate["scores"]["largest"] == max(distances) and gate["threshold"] == threshold and 0 < gate["flagged"] < 40
    folder = write_folder(tmp_path / "small", *noise(6, (16, 16, 3), 2))
    assert json.loads(tern("eval", convert(tmp_path), "--data", folder, "--resamples", 0, "--json").stdout)["outOfDistribution"] is None


@pytest.fixture(params=["two classes", "several classes"])
def page(request, gated, tmp_path: Path) -> tuple[Path, dict]:
    """A report and the JSON of the same evaluation; names that would break markup are in the images' names."""
    target = tmp_path / "report.html"
    if request.param == "two classes":
        model, (images, labels) = shutil.copy(gated[0], tmp_path / "points.tern"), noise(60, (28, 28), 2)
        folder = write_folder(tmp_path / "png & <more> it's $HOME", images, labels)
        (folder / '<b>"&.png').write_bytes((folder / "0.png").read_bytes())
        with (folder / "labels.csv").open("a") as rows:
            rows.write('"<b>""&.png",1\n')
    else:
        model = convert(tmp_path)
        outputs = json.loads(tern("inspect", model, "--json").stdout)["outputs"]
        folder = write_folder(tmp_path / "png", *noise(45, (16, 16, 3), outputs))
    found = json.loads(tern("eval", model, "--data", folder, "--ordinal", "--resamples", 100, "--report", target, "--json").stdout)
    return target, found


def test_every_figure_of_the_page_is_the_figure_of_the_json(page) -> None:
    path, found = page
    figures = list(tree.parse(path).iter("data"))
    assert len(figures) > 60
    for figure in figures:
        value = found
        for key in figure.get("data-key").split("."):
            value = value[int(key) if isinstance(value, list) else key]
        assert float(figure.get("value")) == value, figure.get("data-key")
        text = figure.text
        shown = value * 100 if text.endswith("%") else value
        digits = text.rstrip("%\u202f")
        decimals = len(digits.partition(".")[2])
        assert math.isclose(float(digits), shown, abs_tol=0.5000001 * 10 ** -decimals), figure.get("data-key")
    shown = {figure.get("data-key") for figure in figures}
    for key in ("accuracy.value", "auc.low", "kappa.value", "macroF1.high", "brier.value", "brier.before", "calibrationError", "calibrationErrorBefore",
                "quadraticKappa.value", "ordinal.withinOne.value", "labels.0.auc.value", "labels.0.calibrationError", "perClass.0.count"):
        assert key in shown, key
    assert sum(key.startswith("confusion.counts.") for key in shown) == len(found["confusion"]["classes"]) ** 2


def test_the_page_needs_nothing_else(page) -> None:
    text = page[0].read_text()
    assert not re.search(r"<script|<link|<img|<iframe|@import|url\(|https?:|//[a-z]|\son[a-z]+=|\bsrc=|\bhref=|javascript:", text, re.I)
    assert "/" + str(page[0].parent.name) not in text
    root = tree.parse(page[0]).getroot()
    drawings = list(root.iter("svg"))
    assert len(drawings) >= 8
    for drawing in drawings:
        assert drawing.get("viewBox") and drawing.get("role") == "img" and drawing.get("aria-label")
        for element in drawing.iter():
            for name, value in element.attrib.items():
                assert "nan" not in value.lower() and "inf" not in value.lower() or name in ("aria-label", "class")
    assert {element.tag for element in root.iter() if element.tag in ("h1", "main")} == {"h1", "main"}
    checker = html.parser.HTMLParser()
    checker.feed(text)
    checker.close()


def test_the_command_of_the_page_is_one_for_a_shell(page, tmp_path: Path) -> None:
    text = "".join(next(tree.parse(page[0]).iter("pre")).itertext())
    model = "points.tern" if page[1]["model"] == "pneumonia28" else "vit.tern"
    assert shlex.split(text) == ["tern", "eval", model, "--data", page[1]["data"], "--resamples", "100", "--ordinal"]
    printed = subprocess.run(["sh", "-c", "printf '%s\\n' " + text], capture_output=True, text=True, check=True).stdout
    assert printed.splitlines() == shlex.split(text)


def test_the_same_evaluation_gives_the_same_page(page, tmp_path: Path) -> None:
    first = page[0].read_bytes()
    again = tmp_path / "again.html"
    model = tmp_path / ("points.tern" if page[1]["model"] == "pneumonia28" else "vit.tern")
    tern("eval", model, "--data", tmp_path / page[1]["data"], "--ordinal", "--resamples", 100, "--report", again)
    assert again.read_bytes() == first


CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


@pytest.mark.skipif(not CHROMIUM, reason="no Chromium on this machine")
def test_a_browser_shows_the_page_without_complaint(page, tmp_path: Path) -> None:
    frame = tmp_path / "frame.html"
    # The page in a frame of a telephone's width; the frame's own document says how wide its content came out.
    frame.write_text(f"""<!DOCTYPE html><iframe src="{page[0].name}" width="360" height="800" style="border:0"></iframe><pre id="out"></pre><script>
    onload = () => {{ const d = document.querySelector('iframe').contentDocument;
    document.getElementById('out').textContent = JSON.stringify({{width: d.documentElement.scrollWidth, drawings: [...d.querySelectorAll('figure svg')]
    .every(s => s.getBoundingClientRect().height > 50)}}); }}</script>""")
    done = subprocess.run(
        [CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--allow-file-access-from-files", "--enable-logging=stderr", "--v=0",
         f"--user-data-dir={tmp_path / 'profile'}", "--virtual-time-budget=2000", "--dump-dom", frame.as_uri()],
        capture_output=True, text=True, timeout=120)
    assert "CONSOLE" not in done.stderr, done.stderr
    found = json.loads(re.search(r'<pre id="out">(.*?)</pre>', done.stdout)[1])
    # A scroll bar takes its share of the 360 pixels.
    assert found["width"] <= 360 and found["drawings"]
