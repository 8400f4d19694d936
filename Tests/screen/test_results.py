"""What a screening writes of a folder as it comes from a clinic."""

import subprocess

import pytest
from harness import CONTRACT, LIMIT, dicom, jpeg, png, program
from screening import COLUMNS, agree, report, rows, screen, stable

IMAGES = 17


@pytest.fixture(scope="module")
def done(models, clinic, tmp_path_factory):
    out = tmp_path_factory.mktemp("done") / "out"
    run = screen(models, out, clinic, "--threads", 2)
    assert run.returncode == 65, run.stderr
    return out, run


@pytest.fixture(scope="module")
def by_path(done):
    return {line["path"]: line for line in agree(done[0])}


def test_every_image_is_a_line_a_row_and_an_item(done, by_path):
    assert len(by_path) == IMAGES
    for line in by_path.values():
        line = dict(line)
        del line["path"]
        CONTRACT.validate({"$ref": "#/components/schemas/Result"}, line)
    assert f"{IMAGES} images: " in done[1].stdout and "left out: 3 other files, 2 hidden ones, 2 links" in done[1].stdout
    assert report(done[0])["skipped"] == {"hidden": 2, "links": 2, "others": 3, "unreadable": 0, "tooDeep": 0}


def test_messages_name_no_file(done, clinic):
    run = done[1]
    for name in ("white", "broken", "Doe", "4711", str(clinic)):
        assert name not in run.stderr + run.stdout


def test_a_bad_file_is_a_row_with_a_reason(by_path):
    reasons = {path: line["answer"]["reason"]["value"] for path, line in by_path.items() if line["status"] == "failed"}
    assert reasons.pop("broken.jpg").startswith("JPEG")
    assert reasons == {"empty.png": "EMPTY", "noise.dcm": "KIND-UNKNOWN"}


def test_all_kinds_are_read(by_path):
    kinds = {path: line["input"]["kind"] for path, line in by_path.items() if line["status"] == "succeeded"}
    assert kinds["a/2"] == "dicom" and kinds["black.PNG"] == "png" and kinds["a/grey.jpg"] == "jpeg"
    assert kinds["a/b/pair.hdr"] == "nifti" and "a/b/pair.img" not in by_path
    assert len(by_path["a/b/cine.dcm"]["frames"]) == 3 and len(by_path["a/b/volume.nii"]["frames"]) == 2


def test_results_are_those_of_infer(models, clinic, by_path):
    names = [path for path in by_path if "\\" not in path]
    run = subprocess.run(
        [*program(), "infer", "--model", models / "mean.tern", "--allow-unsigned", "--", *(clinic / name for name in names)],
        capture_output=True, text=True, timeout=LIMIT)
    import json

    for name, line in zip(names, run.stdout.splitlines(), strict=True):
        single, folder = stable(json.loads(line)), stable(by_path[name])
        del folder["path"]
        assert single == folder, name


@pytest.mark.parametrize("threads", [1, 5])
def test_the_number_of_threads_changes_nothing(models, clinic, tmp_path, by_path, threads):
    screen(models, tmp_path / "out", clinic, "--threads", threads)
    found = agree(tmp_path / "out")
    assert [stable(line) for line in found] == [stable(line) for line in by_path.values()]


def test_names_are_shown_whole_and_computed_by_no_spreadsheet(done, by_path):
    assert {"胸片.png", 'quote",\n</script><b>.png', "latin-\\xE4.png", "=HYPERLINK(1).png"} <= set(by_path)
    paths = [row["path"] for row in rows(done[0])]
    assert {"'=HYPERLINK(1).png", "'-1+cmd.png", "胸片.png"} <= set(paths)
    for row in rows(done[0]):
        for cell in row.values():
            assert not cell.startswith(("=", "+", "-", "@", "\t", "\r"))


def test_the_table_has_the_same_columns_for_every_file(done, by_path):
    table = rows(done[0])
    assert list(table[0]) == COLUMNS + ["score: white", "call: white", "score: black", "call: black"]
    row = next(row for row in table if row["path"] == "white.png")
    line = by_path["white.png"]
    assert (row["answer"], row["label"], row["call"], row["frames"]) == ("finding", "white", "positive", "1")
    assert float(row["score: white"]) == line["findings"][0]["score"] and row["call: black"] == line["findings"][1]["call"]


def test_files_of_a_study_stand_together_and_in_it_those_of_a_series(done):
    studies = [(row["study_instance_uid"], row["series_instance_uid"]) for row in rows(done[0])]
    assert [pair for pair in studies if pair[0] == "2.25.1"] == [("2.25.1", "2.25.1.1")] * 2 + [("2.25.1", "2.25.1.2")]
    first = studies.index(("2.25.1", "2.25.1.1"))
    assert [study for study, _ in studies[first:first + 4]] == ["2.25.1"] * 3 + ["2.25.2"]
    items = report(done[0])["items"]
    assert [(item["study"] or "", item["series"] or "") for item in items] == studies


def test_the_report_has_words_pictures_and_the_model(done):
    import base64
    import io

    from PIL import Image

    page = report(done[0])
    assert page["schema"] == "tern.screening/1" and page["files"] == IMAGES and page["folder"].endswith("/in")
    assert [label["name"] for label in page["model"]["labels"]] == ["white", "black"]
    items = {item["path"]: item for item in page["items"]}
    assert items["empty.png"]["pictures"] is None and items["empty.png"]["words"]["en"] and items["empty.png"]["words"]["zh"]
    pictures = items["a/grey.jpg"]["pictures"]
    assert (pictures["width"], pictures["height"]) == (64, 64)
    for name in ("thumbnail", "full"):
        kind, data = pictures[name].split(",")
        image = Image.open(io.BytesIO(base64.b64decode(data, validate=True)))
        assert kind == "data:image/jpeg;base64" and image.size == (64, 64) and abs(image.getpixel((5, 5)) - 128) <= 2


def test_without_pictures_the_report_has_none(models, clinic, tmp_path):
    screen(models, tmp_path / "out", clinic, "--no-pictures")
    agree(tmp_path / "out")
    assert all(item["pictures"] is None and item["maps"] == [] for item in report(tmp_path / "out")["items"])


def test_only_images_that_were_analysed_give_exit_code_zero(models, clinic, tmp_path):
    run = screen(models, tmp_path / "out", clinic / "a")
    assert run.returncode == 0, run.stderr
    assert len(agree(tmp_path / "out")) == 7


def test_results_for_other_programs_go_to_the_outbox(models, clinic, tmp_path):
    out, outbox = tmp_path / "out", tmp_path / "outbox"
    run = screen(models, out, clinic, "--outbox", outbox, "--outbox-forms", "sr,json")
    assert run.returncode == 65, run.stderr
    found = agree(out)
    read = {line["input"]["sha256"] for line in found if line["input"]["sha256"]}
    assert len(list(outbox.glob("*.json"))) == len(read) and len(list(outbox.glob("*.sr.dcm"))) >= 4
    assert "--outbox-forms" in screen(models, out, clinic, "--outbox", outbox, "--outbox-forms", "json").stderr
    assert screen(models, out, clinic, "--outbox", outbox, "--outbox-forms", "json,sr").returncode == 65
    inside = screen(models, tmp_path / "other", clinic, "--outbox", clinic / "outbox")
    assert inside.returncode == 64 and not (clinic / "outbox").exists()


def test_an_outbox_that_takes_nothing_stops_the_screening(models, clinic, tmp_path):
    out, outbox = tmp_path / "out", tmp_path / "outbox"
    outbox.mkdir()
    # A name of the outbox is taken by something that no file can replace.
    screen(models, tmp_path / "first", clinic, "--outbox", outbox, "--outbox-forms", "json")
    names = sorted(path.name for path in outbox.iterdir())
    (outbox / names[3]).unlink()
    (outbox / names[3]).mkdir()
    run = screen(models, out, clinic, "--outbox", outbox, "--outbox-forms", "json")
    assert run.returncode not in (0, 65) and "outbox" in run.stderr, run.stderr
    (outbox / names[3]).rmdir()
    assert screen(models, out, clinic, "--outbox", outbox, "--outbox-forms", "json").returncode == 65
    assert len(agree(out)) == IMAGES


def test_images_of_which_there_is_no_object_are_counted(models, tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "a.png").write_bytes(png(9))
    done = screen(models, tmp_path / "one", folder, "--outbox", tmp_path / "outbox")
    assert "1 image is no DICOM: no object was written" in done.stderr, done.stderr
    assert not list((tmp_path / "outbox").iterdir())
    (folder / "b.jpg").write_bytes(jpeg(9))
    (folder / "c.dcm").write_bytes(dicom(SOPInstanceUID="2.25.11", StudyInstanceUID="2.25.1", SeriesInstanceUID="2.25.1.1"))
    (folder / "d.dcm").write_bytes(dicom())
    done = screen(models, tmp_path / "two", folder, "--outbox", tmp_path / "outbox")
    assert "2 images are no DICOM: no object was written" in done.stderr, done.stderr
    assert "1 DICOM file without study or instance UID: no object was written" in done.stderr, done.stderr
    assert len(list((tmp_path / "outbox").iterdir())) == 2
    for out, more in (("three", ["--outbox", tmp_path / "more", "--outbox-forms", "json"]), ("four", [])):
        assert "no object" not in screen(models, tmp_path / out, folder, *more).stderr
