"""Models and folders for the tests of `ternd screen`: the real binary, over real folders and terminals. TERND names it, as for Tests/service."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "service"))

import numpy as np
import pytest
import tiny_model
from harness import dicom, jpeg, nifti, png


@pytest.fixture(scope="session")
def models(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    tiny_model.mean_model(folder / "mean.tern")
    tiny_model.mean_model(folder / "other.tern", black=0.5)
    tiny_model.measured_model(folder / "measured.tern")
    tiny_model.slow_model(folder / "slow.tern", rounds=6)
    return folder


@pytest.fixture(scope="session")
def clinic(tmp_path_factory):
    """A folder as it comes from a clinic: all kinds, two studies, bad files, and what is no image."""
    root = tmp_path_factory.mktemp("clinic") / "in"
    (root / "a/b").mkdir(parents=True)
    (root / ".cache").mkdir()
    (root / "quote\",\n<").mkdir()
    pair = nifti(np.full((1, 8, 8), 240, np.uint8), pair=True)
    files = {
        "white.png": png(255),
        "black.PNG": png(0),
        "a/grey.jpg": jpeg(128),
        # Two studies whose files lie between each other; the second name says nothing.
        "a/1.dcm": dicom(value=250, SOPInstanceUID="2.25.11", StudyInstanceUID="2.25.1", SeriesInstanceUID="2.25.1.1"),
        "a/2": dicom(value=10, SOPInstanceUID="2.25.21", StudyInstanceUID="2.25.2", SeriesInstanceUID="2.25.2.1"),
        "a/3.dcm": dicom(value=240, SOPInstanceUID="2.25.12", StudyInstanceUID="2.25.1", SeriesInstanceUID="2.25.1.2"),
        "a/b/cine.dcm": dicom(frames=[10, 200, 30], SOPInstanceUID="2.25.13", StudyInstanceUID="2.25.1", SeriesInstanceUID="2.25.1.1"),
        "a/b/volume.nii": nifti(np.full((2, 8, 8), 200, np.uint8)),
        "a/b/pair.hdr": pair[0],
        "a/b/pair.img": pair[1],
        # Rows with a reason.
        "broken.jpg": jpeg(9)[:100],
        "empty.png": b"",
        "noise.dcm": b"no image\n",
        # Names that a spreadsheet, a page or a line must not trip over.
        "=HYPERLINK(1).png": png(200),
        "-1+cmd.png": png(200),
        "quote\",\n</script><b>.png": png(200),
        "胸片.png": png(200),
        # Left out: three others, two hidden ones, two links.
        "README.txt": b"hello",
        "labels.csv": b"a,b\n",
        "DICOMDIR": b"\0" * 128 + b"DICM",
        ".hidden.png": png(),
        ".cache/x.png": png(),
    }
    for name, data in files.items():
        (root / name).write_bytes(data)
    with open(bytes(root) + b"/latin-\xe4.png", "wb") as file:
        file.write(png(200))
    (root / "link.png").symlink_to(root / "white.png")
    (root / "a/loop").symlink_to(root)
    return root
