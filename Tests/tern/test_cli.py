"""The command `tern` named in $TERN, as a person uses it."""
import json
import os
import random
import struct
import subprocess
import zlib
from pathlib import Path

import pydicom
import pytest
from PIL import Image

VECTORS = Path(__file__).resolve().parents[1] / "Vectors" / "TernConvert"
TERN = os.environ.get("TERN", "")
pytestmark = pytest.mark.skipif(not TERN, reason="TERN does not name the command tern")


def tern(*arguments, code: int = 0) -> subprocess.CompletedProcess:
    done = subprocess.run([TERN, *map(str, arguments)], capture_output=True, text=True)
    assert done.returncode == code, done.stderr
    return done


def convert(folder: Path, name: str = "vit", weights: str = "int8") -> Path:
    model = folder / f"{name}.tern"
    tern("convert", VECTORS / f"{name}.safetensors", "-o", model, "--weights", weights)
    return model


def write_png(path: Path, pixels: bytes, side: int) -> None:
    """8-bit RGB without filters."""
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    rows = b"".join(b"\0" + pixels[3 * side * y:3 * side * (y + 1)] for y in range(side))
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0))
                     + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))


@pytest.fixture
def images(tmp_path: Path) -> Path:
    folder, source = tmp_path / "images", random.Random(5)
    folder.mkdir()
    lines = ["file,label"]
    for index in range(40):
        write_png(folder / f"{index}.png", bytes(source.randrange(256) for _ in range(3 * 16 * 16)), 16)
        lines.append(f"{index}.png,{'first' if index % 3 == 0 else 1 + index % 2}")
    (folder / "labels.csv").write_text("\n".join(lines) + "\n")
    return folder


@pytest.mark.parametrize(
    "verb", ["convert", "inspect", "compare", "eval", "quality", "run", "decode", "series", "audit", "replay", "sign", "verify", "keygen"])
def test_help_has_an_example(verb: str) -> None:
    text = tern(verb, "--help").stdout
    assert "Example:" in text and f"tern {verb}" in text


def test_signs_and_verifies(tmp_path: Path) -> None:
    model = convert(tmp_path)
    before = json.loads(tern("inspect", model, "--json").stdout)
    assert "not signed" in tern("verify", model, code=65).stderr
    key, other = tmp_path / "a.key", tmp_path / "b.key"
    tern("keygen", key), tern("keygen", other)
    assert key.stat().st_mode & 0o077 == 0
    assert "not overwritten" in tern("keygen", key, code=65).stderr
    tern("sign", model, "--key", key)
    tern("verify", model, "--key", f"{key}.pub")
    assert "not by the given key" in tern("verify", model, "--key", f"{other}.pub", code=65).stderr
    after = json.loads(tern("inspect", model, "--json").stdout)
    assert after["identity"] == before["identity"] and after["signature"] == Path(f"{key}.pub").read_text().strip()
    damaged = bytearray(model.read_bytes())
    damaged[-1] ^= 1
    model.write_bytes(damaged)
    assert "not a valid model file" in tern("verify", model, code=65).stderr


def measured(folder: Path) -> tuple[Path, Path]:
    """The checkpoint vit with statistics of a feature of 32 values, and its description with those and with operating points."""
    raw = (VECTORS / "vit.safetensors").read_bytes()
    length, = struct.unpack_from("<Q", raw)
    header, data = json.loads(raw[8:8 + length]), raw[8 + length:]
    basis = [[1.0 if column == row else 0.0 for column in range(32)] for row in range(2)]
    for name, shape, values in [("mean", [32], [0.5] * 32), ("precision", [2], [0.5, 2]), ("basis", [2, 32], sum(basis, []))]:
        more = struct.pack(f"<{len(values)}f", *values)
        header[f"feature_statistics.{name}"] = {"dtype": "F32", "shape": shape, "data_offsets": [len(data), len(data) + len(more)]}
        data += more
    text = json.dumps(header).encode()
    (folder / "measured.safetensors").write_bytes(struct.pack("<Q", len(text)) + text + data)
    description = json.loads((VECTORS / "vit.json").read_text())
    share = {"value": 0.75, "low": 0.5, "high": 0.875}
    points = [{"name": name, "threshold": threshold, "sensitivity": share, "specificity": share, "positives": 40, "negatives": 60}
              for name, threshold in [("specificity-first", 0.75), ("balanced", 0.5)]]
    description["labels"] = [{"name": "first", "index": 0, "operatingPoint": "balanced", "operatingPoints": points}]
    description["operatingPointsMeasuredOn"] = "validation"
    description["outOfDistribution"] = {"threshold": 1.75, "residualPrecision": 12.5, "falseAlarmRate": 0.01}
    (folder / "measured.json").write_text(json.dumps(description))
    return folder / "measured.safetensors", folder / "measured.json"


def test_operating_points_and_statistics_come_into_the_file_and_are_shown(tmp_path: Path, images: Path) -> None:
    source, _ = measured(tmp_path)
    model = tmp_path / "measured.tern"
    tern("convert", source, "-o", model, "--weights", "int8")
    assert struct.unpack_from("<HHI", model.read_bytes(), 8) == (1, 3, 0)
    report = json.loads(tern("inspect", model, "--json").stdout)
    (label,) = report["labels"]["labels"]
    assert (label["threshold"], label["operatingPoint"]) == (0.5, "balanced")
    assert [(point["name"], point["threshold"]) for point in label["operatingPoints"]] == [("balanced", 0.5), ("specificity-first", 0.75)]
    assert label["operatingPoints"][0]["sensitivity"] == {"value": 0.75, "low": 0.5, "high": 0.875}
    assert report["operatingPointsMeasuredOn"] == "validation"
    assert report["outOfDistribution"] == {
        "threshold": 1.75, "residualPrecision": 12.5, "falseAlarmRate": 0.01, "values": 32, "directions": 2}
    text = tern("inspect", model).stdout
    assert "balanced: positive from 0.5, sensitivity 0.75 (0.5 to 0.875) of 40, specificity 0.75 (0.5 to 0.875) of 60, validation" in text
    assert "gate        out of distribution above 1.75, false alarms 0.01; 32 values, 2 directions" in text
    tern("compare", model, "--reference", source, images / "0.png")


def test_statistics_without_their_key_and_the_other_way_round(tmp_path: Path) -> None:
    source, config = measured(tmp_path)
    description = json.loads(config.read_text())
    refused = tern("convert", VECTORS / "vit.safetensors", "--config", config, "-o", tmp_path / "a.tern", "--weights", "int8", code=65)
    assert "the checkpoint has no tensor feature_statistics.mean" in refused.stderr
    del description["outOfDistribution"]
    config.write_text(json.dumps(description))
    refused = tern("convert", source, "-o", tmp_path / "a.tern", "--weights", "int8", code=65)
    assert "the description has no \"outOfDistribution\"" in refused.stderr


def test_inspect_lists_everything(tmp_path: Path) -> None:
    report = json.loads(tern("inspect", convert(tmp_path, "deit"), "--json").stdout)
    assert [operation["name"] for operation in report["operations"]][-2:] == ["head", "head_dist"]
    assert report["goldenVectors"] == 2 and report["card"]["conversion"]["weights"] == "int8"
    assert "blocks.1.attn.kv" in tern("inspect", tmp_path / "deit.tern").stdout


def test_compare_names_the_worst_operation(tmp_path: Path, images: Path) -> None:
    source = VECTORS / "vit.safetensors"
    model = convert(tmp_path)
    report = json.loads(tern("compare", model, images, "--reference", source, "--limit", 4, "--json").stdout)
    names = [operation["name"] for operation in json.loads(tern("inspect", model, "--json").stdout)["operations"]]
    assert [operation["name"] for operation in report["operations"]] == names
    assert min(operation["cosine"] for operation in report["operations"]) == report["worst"]["cosine"] > 0.98
    assert "was not made from" in tern("compare", model, images, "--reference", VECTORS / "vit-mqa.safetensors", code=65).stderr


def test_eval_agrees_with_its_own_scores(tmp_path: Path, images: Path) -> None:
    scores = tmp_path / "scores.csv"
    report = json.loads(tern("eval", convert(tmp_path), "--data", images, "--scores", scores, "--resamples", 200, "--json").stdout)
    head, *rows = [line.split(",") for line in scores.read_text().splitlines()]
    at = head.index("score0")
    cases = [(int(row[1]), [float(value) for value in row[at:]]) for row in rows]
    right = sum(values.index(max(values)) == truth for truth, values in cases)
    assert report["images"] == 40 and report["accuracy"]["value"] == pytest.approx(right / 40)
    positive = [values[0] for truth, values in cases if truth == 0]
    negative = [values[0] for truth, values in cases if truth != 0]
    wins = sum((p > n) + (p == n) / 2 for p in positive for n in negative)
    auc = report["labels"][0]["auc"]
    assert auc["value"] == pytest.approx(wins / (len(positive) * len(negative)))
    assert auc["low"] <= auc["value"] <= auc["high"]


@pytest.mark.parametrize("arguments,code,says", [
    (["convert", "model.pth", "-o", "x.tern", "--weights", "int8"], 66, "no file or folder"),
    (["convert", VECTORS / "generate.py", "-o", "x.tern", "--weights", "int8"], 65, "save_file"),
    (["convert", VECTORS / "vit.safetensors", "-o", "x.tern", "--weights", "ternary"], 65, "quantisation-aware training"),
    (["convert", VECTORS / "vit.safetensors", "--config", VECTORS / "deit.json", "-o", "x.tern", "--weights", "int8"], 65, "dist_token"),
    (["convert", VECTORS / "vit.expected.safetensors", "-o", "x.tern", "--weights", "int8"], 66, "--config"),
    (["convert", VECTORS / "vit.safetensors", "-o", "/nowhere/x.tern", "--weights", "int8"], 74, "cannot write"),
    (["inspect", VECTORS / "vit.json"], 65, "Models/FORMAT.md"),
    (["convert"], 64, "Usage"),
])
def test_errors_say_what_to_do(arguments, code: int, says: str, tmp_path: Path) -> None:
    assert says in tern(*arguments, code=code).stderr


def test_refusals_are_in_words(tmp_path: Path) -> None:
    text = tmp_path / "text.tern"
    text.write_text("no model")
    refused = tern("inspect", text, code=65).stderr
    assert "F-01" in refused and "notAModelFile" not in refused
    assert "No such file" in tern("inspect", tmp_path / "missing.tern", code=66).stderr
    assert "not a regular file" in tern("inspect", tmp_path, code=66).stderr


def test_series_sorts_slices_and_names_faults(tmp_path: Path) -> None:
    vectors = VECTORS.parent / "TernDICOM"
    for name in ("functional_groups_implicit.dcm", "attributes.dcm", "refused_jpeg_ls.dcm", "vector.json"):
        (tmp_path / name).write_bytes((vectors / name).read_bytes())
    report = json.loads(tern("series", tmp_path, "--json").stdout)
    single, volume = report["series"]
    assert single["seriesInstanceUID"] == "1.2.3.4" and single["spacing"] is None and len(single["slices"]) == 1
    assert volume["spacing"] == 5 and volume["regular"] and volume["state"] == "regular"
    assert [(s["frame"], s["distance"]) for s in volume["slices"]] == [(1, 0), (2, 5), (3, 10)]
    assert [r["file"] for r in report["refused"]] == ["refused_jpeg_ls.dcm"] and "JPEG-LS" in report["refused"][0]["reason"]
    (tmp_path / "again.dcm").write_bytes((vectors / "functional_groups_explicit.dcm").read_bytes())
    assert "3 duplicates" in tern("series", tmp_path).stdout
    (tmp_path / "empty").mkdir()
    assert "no DICOM image" in tern("series", tmp_path / "empty", code=65).stderr


def test_a_series_whose_directions_are_rounded_does_not_end_the_report(tmp_path: Path) -> None:
    folder = tmp_path / "study"
    folder.mkdir()
    for series, cosines in (("1.2.1", "1\\0\\0\\0\\0.98796\\-0.15152"), ("1.2.2", "1\\0\\0\\0\\0.988\\-0.152"), ("1.2.3", "1\\0\\0\\0\\2\\0"),
                            ("1.2.4", "1\\0\\0\\0\\1\\0")):
        for number in range(3):
            data = pydicom.dcmread(VECTORS.parent / "TernDICOM" / "attributes.dcm")
            data.SeriesInstanceUID, data.ImageOrientationPatient = series, cosines.split("\\")
            data.ImagePositionPatient, data.Modality = [0, 0, 4 * number], "MR"
            data.save_as(folder / f"{series}.{number}.dcm")
    report = {entry["seriesInstanceUID"]: entry for entry in json.loads(tern("series", folder, "--json").stdout)["series"]}
    assert [report[f"1.2.{number}"]["state"] for number in (3, 4)] == ["no positions", "regular"]
    for number in (1, 2):
        assert len(report[f"1.2.{number}"]["slices"]) == 3 and report[f"1.2.{number}"]["spacing"] == pytest.approx(3.954, abs=1e-3)


def test_text_in_the_place_of_a_modality_is_not_printed(tmp_path: Path) -> None:
    for text, said in (("DOE JOHN", None), ("MR", "MR")):
        data = pydicom.dcmread(VECTORS.parent / "TernDICOM" / "attributes.dcm")
        data.Modality = text
        data.save_as(tmp_path / "image.dcm")
        assert json.loads(tern("decode", tmp_path / "image.dcm").stdout).get("modality") == said
        assert json.loads(tern("series", tmp_path, "--json").stdout)["series"][0]["modality"] == said
        assert "DOE" not in tern("series", tmp_path).stdout


def test_decode_says_the_grey_scale_of_each_frame(tmp_path: Path) -> None:
    found = json.loads(tern("decode", VECTORS.parent / "TernDICOM" / "functional_groups_explicit.dcm").stdout)
    assert (found["greyscale"]["slope"], found["greyscale"]["centre"]) == (2, 40)
    first, second, third = found["frames"]
    assert "greyscale" not in first
    assert (second["greyscale"]["slope"], second["greyscale"]["intercept"], second["greyscale"]["centre"]) == (0.5, 7, 40)
    assert (third["greyscale"]["slope"], third["greyscale"]["centre"], third["greyscale"]["function"]) == (2, 1, "linearExact")


def test_what_the_gate_cannot_measure_is_counted(tmp_path: Path) -> None:
    description = json.loads((VECTORS / "vit.json").read_text())
    description["input"]["modality"] = "US"
    (tmp_path / "us.json").write_text(json.dumps(description))
    model, folder = tmp_path / "us.tern", tmp_path / "images"
    tern("convert", VECTORS / "vit.safetensors", "--config", tmp_path / "us.json", "-o", model, "--weights", "int8")
    folder.mkdir()
    Image.new("L", (9, 9), 80).save(folder / "grey.png")
    (folder / "text.png").write_bytes(b"no picture")
    vectors = VECTORS.parent / "TernDICOM"
    (folder / "other.dcm").write_bytes((vectors / "attributes.dcm").read_bytes())
    cine = pydicom.dcmread(vectors / "frame_time.dcm")
    cine.Modality = "US"
    cine.save_as(folder / "cine.dcm")
    report = json.loads(tern("quality", model, folder, "--measures", tmp_path / "measures.csv", "--json").stdout)
    assert (report["images"], report["notMeasured"]) == (4, {"KIND-UNKNOWN": 1, "MODALITY-OTHER": 1})
    rows = [line.split(",") for line in (tmp_path / "measures.csv").read_text().splitlines()[1:]]
    assert [(Path(row[0]).stem, row[1], row[-1]) for row in rows] == [
        ("cine", "1", ""), ("cine", "2", ""), ("cine", "3", ""), ("grey", "", ""), ("other", "", "MODALITY-OTHER"), ("text", "", "KIND-UNKNOWN")]
    assert tern("quality", model, folder).stdout.startswith("4 images; not measured: KIND-UNKNOWN 1, MODALITY-OTHER 1\n")


def test_decode_ends_its_document_where_a_frame_is_refused(tmp_path: Path) -> None:
    vectors = VECTORS.parent / "TernDICOM"
    whole = json.loads(tern("decode", vectors / "rle_int16.dcm").stdout)
    assert [frame["frame"] for frame in whole["frames"]] == [1, 2] and "reason" not in whole
    data = bytearray((vectors / "rle_int16.dcm").read_bytes())
    # The number of segments of the second frame, behind the item's length.
    heads = [place for place in range(len(data) - 8) if data[place:place + 4] == b"\xfe\xff\x00\xe0"]
    data[heads[-1] + 8] = 9
    (tmp_path / "damaged.dcm").write_bytes(data)
    cut = json.loads(tern("decode", tmp_path / "damaged.dcm", code=65).stdout)
    assert cut["frames"] == whole["frames"][:1] and cut["reason"]["value"] == "DICOM-RLE"
    assert list(json.loads(tern("decode", tmp_path / "damaged.dcm", "--frame", 2, code=65).stdout)) == ["reason"]


def test_a_window_is_refused_where_it_is_used(tmp_path: Path) -> None:
    vectors = VECTORS.parent / "TernDICOM"
    for name, reason in (("width_zero", "DICOM-ATTRIBUTE"), ("no_width", "DICOM-ATTRIBUTE"), ("function", "DICOM-GREYSCALE")):
        path = vectors / f"unusable_window_{name}.dcm"
        for stage in ("stored", "rescaled"):
            assert json.loads(tern("decode", path, "--stage", stage).stdout)["greyscale"]["voi"] == "unusable"
        assert json.loads(tern("decode", path, "--stage", "shown", code=65).stdout)["reason"]["value"] == reason


def test_a_quality_gate_comes_into_the_file_and_images_are_held_against_it(tmp_path: Path) -> None:
    description = json.loads((VECTORS / "vit.json").read_text())
    side = description["input"]["width"]
    rules = [{"criterion": "contrast", "threshold": 12.5, "cases": 40, "refused": 1}, {"criterion": "shortSide", "threshold": side, "cases": 40, "refused": 0},
             {"criterion": "burnedInAnnotation", "cases": 0, "refused": 0}]
    description["qualityGate"] = {"measuredOn": "test", "cases": 40, "refused": 1, "rules": rules}
    (tmp_path / "gated.json").write_text(json.dumps(description))
    model = tmp_path / "gated.tern"
    tern("convert", VECTORS / "vit.safetensors", "--config", tmp_path / "gated.json", "-o", model, "--weights", "int8")
    assert struct.unpack_from("<HHI", model.read_bytes(), 8) == (1, 4, 0)
    gate = json.loads(tern("inspect", model, "--json").stdout)["qualityGate"]
    assert (gate["measuredOn"], gate["cases"], gate["refused"]) == ("test", 40, 1)
    assert [(rule["criterion"], rule["threshold"], rule["refused"]) for rule in gate["rules"]] == [
        ("burnedInAnnotation", None, 0), ("shortSide", side, 0), ("contrast", 12.5, 1)]
    text = tern("inspect", model).stdout
    assert "refuses 1 of 40 ordinary images, test\n" in text and "contrast: at least 12.5, refuses 1 of 40\n" in text
    folder = tmp_path / "images"
    folder.mkdir()
    stripes = Image.new("RGB", (2 * side, 2 * side))
    stripes.paste((255, 255, 255), (0, 0, side, 2 * side))
    for name, image in (("flat", Image.new("RGB", (2 * side, 2 * side), (90, 90, 90))), ("small", stripes.resize((side - 1, side))), ("good", stripes)):
        image.save(folder / f"{name}.png")
    report = json.loads(tern("quality", model, folder, "--measures", tmp_path / "measures.csv", "--json").stdout)
    assert (report["images"], report["notMeasured"], report["refusedByAny"]) == (3, {}, 2)
    assert report["refused"] == {"burnedInAnnotation": 0, "shortSide": 1, "contrast": 1}
    rows = [line.split(",") for line in (tmp_path / "measures.csv").read_text().splitlines()]
    assert rows[0] == ["file", "frame", "shortSide", "colour", "contrast", "brightness", "saturation", "blur", "text", "refusal"]
    assert {Path(row[0]).stem: row[-1] for row in rows[1:]} == {"flat": "CONSTANT", "good": "", "small": "IMAGE-TOO-SMALL"}
    assert "all rules together refuse 2 of 3" in tern("quality", model, folder, "--text").stdout
    assert "one of them" in tern("quality", model, code=64).stderr
    description["qualityGate"]["rules"][0]["threshold"] = 128
    (tmp_path / "gated.json").write_text(json.dumps(description))
    assert "qualityGate.rules[0].threshold" in tern(
        "convert", VECTORS / "vit.safetensors", "--config", tmp_path / "gated.json", "-o", model, "--weights", "int8", code=65).stderr


def test_thresholds_are_confirmed_by_who_has_measured_them(tmp_path: Path) -> None:
    description = json.loads((VECTORS / "vit.json").read_text())
    name = next(label["name"] for label in description["labels"] if label.get("report", True))
    description["readingRules"] = {"chosenOn": "validation", "measuredOn": "test", "region": {"key": "chest"}, "labels": [{"name": name, "structure": "lungs", "chineseName": "肺炎"}]}
    model, config = tmp_path / "read.tern", tmp_path / "read.json"

    def confirmation(*more):
        config.write_text(json.dumps(description))
        tern("convert", VECTORS / "vit.safetensors", "--config", config, "-o", model, "--weights", "int8", *more)
        assert struct.unpack_from("<HHI", model.read_bytes(), 8) == (1, 6, 0)
        found = json.loads(tern("inspect", model, "--json").stdout)
        assert found["readingRules"]["labels"][0 if description["labels"][0]["name"] == name else 1]["chineseName"] == "肺炎"
        return found["confirmation"]

    first = confirmation()
    assert (first["stated"], first["confirmed"]) == (None, False) and "no, every call is review" in tern("inspect", model).stdout
    confirmed = confirmation("--confirm")
    assert confirmed == {"computed": first["computed"], "stated": first["computed"], "confirmed": True}
    description["readingRules"]["confirmation"] = first["computed"]
    assert confirmation()["confirmed"]
    # Another temperature is another model.
    description["output"]["temperature"] = 1.25
    assert not confirmation()["confirmed"]
    del description["readingRules"]
    config.write_text(json.dumps(description))
    assert "readingRules" in tern("convert", VECTORS / "vit.safetensors", "--config", config, "-o", model, "--weights", "int8", "--confirm", code=65).stderr


def test_the_distribution_of_scores_comes_into_the_file(tmp_path: Path) -> None:
    description = json.loads((VECTORS / "vit.json").read_text())
    name = next(label["name"] for label in description["labels"] if label.get("report", True))
    reference = {"measuredOn": "test", "cases": 624, "labels": [{"name": name, "edges": [0.25, 0.75], "counts": [200, 24, 400]}]}
    description["scoreReference"] = reference
    (tmp_path / "scored.json").write_text(json.dumps(description))
    model = tmp_path / "scored.tern"
    convert = ["convert", VECTORS / "vit.safetensors", "--config", tmp_path / "scored.json", "-o", model, "--weights", "int8"]
    tern(*convert)
    assert struct.unpack_from("<HHI", model.read_bytes(), 8) == (1, 5, 0)
    assert json.loads(tern("inspect", model, "--json").stdout)["scoreReference"] == reference
    text = tern("inspect", model).stdout
    assert "distributions on 624 images, test\n" in text and f"{name}: 3 bins from 0.25 0.75\n" in text
    reference["labels"][0]["counts"] = [200, 24, 401]
    (tmp_path / "scored.json").write_text(json.dumps(description))
    assert "scoreReference.labels[0].counts" in tern(*convert, code=65).stderr
