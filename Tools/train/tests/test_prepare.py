"""The archives that prepare.py makes, from small folders made up here."""
import subprocess
import sys
from pathlib import Path

import pytest

np = pytest.importorskip("numpy")
Image = pytest.importorskip("PIL.Image")

import prepare

SCRIPT = Path(__file__).resolve().parents[1] / "prepare.py"
SPLITS = ("train", "val", "test")


def chest_folder(place: Path, patients: int = 40) -> dict[bytes, str]:
    """Three visits a patient; every image has the patient's number as its grey value."""
    for folder in ("No_findings", "Pneumonia"):
        (place / folder).mkdir(parents=True)
    for patient in range(patients):
        for visit in range(3):
            folder = place / ("Pneumonia" if (patient + visit) % 2 else "No_findings")
            Image.new("L", (8, 8), 5 * patient).save(folder / f"{patient:08}_{visit:03}.jpg", quality=100)


def prepared(name: str, source: Path, out: Path) -> dict:
    subprocess.run([sys.executable, SCRIPT, name, "--source", source, "--out", out], check=True, capture_output=True)
    with np.load(out, allow_pickle=False) as archive:
        return dict(archive)


def test_no_patient_is_in_two_splits(tmp_path):
    chest_folder(tmp_path / "source")
    found = prepared("cxr224", tmp_path / "source", tmp_path / "cxr.npz")
    patients = {split: {round(float(image.mean()) / 5) for image in found[f"{split}_images"]} for split in SPLITS}
    assert all(patients.values()) and sum(map(len, patients.values())) == 40 == len(set.union(*patients.values()))
    assert sum(len(found[f"{split}_labels"]) for split in SPLITS) == 120
    assert all(len(found[f"{split}_images"]) == 3 * len(patients[split]) for split in SPLITS), "all visits of a patient stay together"
    assert found["train_images"].dtype == np.uint8 and found["train_labels"].shape[1:] == (1,)
    # A second run writes the same bytes.
    prepared("cxr224", tmp_path / "source", tmp_path / "again.npz")
    assert (tmp_path / "cxr.npz").read_bytes() == (tmp_path / "again.npz").read_bytes()


def test_the_split_is_a_function_of_the_name():
    found = [prepare.split_of(str(name)) for name in range(4000)]
    assert [found.count(split) / 4000 for split in SPLITS] == pytest.approx([0.60, 0.15, 0.25], abs=0.03)
    # The first bytes of SHA-256 say 0.135 for "patient", 0.815 for "smear" and 0.667 for "h".
    assert [prepare.split_of(name) for name in ("patient", "smear", "h")] == ["train", "test", "val"]


def test_cells_are_cut_out_of_their_boxes(tmp_path):
    source = tmp_path / "source"
    (source / "JPEGImages").mkdir(parents=True), (source / "Annotations").mkdir()
    for index in range(24):
        smear = Image.new("RGB", (60, 40), (10 * index, 0, 0))
        smear.paste((10 * index, 255, 0), (20, 10, 40, 30))
        smear.save(source / "JPEGImages" / f"smear{index}.jpg", quality=100, subsampling=0)
        boxes = [("WBC", (20, 10, 40, 30)), ("RBC", (0, 0, 12, 10)), ("Platelets", (5, 5, 5, 9))]
        entries = "".join(f"<object><name>{name}</name><bndbox><xmin>{x0}</xmin><ymin>{y0}</ymin><xmax>{x1}</xmax><ymax>{y1}</ymax></bndbox></object>"
                          for name, (x0, y0, x1, y1) in boxes)
        (source / "Annotations" / f"smear{index}.xml").write_text(f"<annotation>{entries}</annotation>")
    found = prepared("cells", source, tmp_path / "cells.npz")
    images = np.concatenate([found[f"{split}_images"] for split in SPLITS])
    labels = np.concatenate([found[f"{split}_labels"] for split in SPLITS]).ravel()
    assert images.shape == (48, 64, 64, 3) and sorted(labels.tolist()) == [0] * 24 + [1] * 24, "a box of no area is left out"
    white = images[labels == 1]
    assert (white[:, 32, 32, 1] > 230).all() and (white[:, 2, 2, 1] < 30).all(), "the box lies in the middle, its margin around it"
    smears = [set(found[f"{split}_images"][:, 2, 2, 0].tolist()) for split in SPLITS]
    assert not (smears[0] & smears[1] or smears[0] & smears[2] or smears[1] & smears[2])


def test_a_folder_of_something_else_is_refused(tmp_path):
    done = subprocess.run([sys.executable, SCRIPT, "cells", "--source", tmp_path, "--out", tmp_path / "x.npz"], capture_output=True, text=True)
    assert done.returncode != 0 and "does not hold the set cells" in done.stderr and not (tmp_path / "x.npz").exists()
