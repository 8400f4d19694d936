"""A screening of the shipped samples, and of files that go wrong, by `ternd screen`."""

import json
import os
import pathlib
import shutil
import subprocess

from PIL import Image, ImageFilter

ROOT = pathlib.Path(__file__).resolve().parents[2]
MODEL = ROOT / "Models/cxr224/cxr224.tern"


def make_folder(folder):
    """Chest X-rays, one turned upside down, one blurred, one incomplete, one empty, and a text."""
    files = sorted((ROOT / "Models/cxr224/samples").glob("*.png"))
    (folder / "chest").mkdir(parents=True)
    (folder / "ward").mkdir()
    for path in files:
        shutil.copy(path, folder / "chest" / path.name)
    with Image.open(files[4]) as image:
        image.convert("L").rotate(180).save(folder / "ward/upside-down.png")
    with Image.open(files[5]) as image:
        image.filter(ImageFilter.GaussianBlur(6)).save(folder / "ward/blurred.png")
    (folder / "ward/half.png").write_bytes(files[0].read_bytes()[:5000])
    (folder / "ward/empty.png").write_bytes(b"")
    (folder / "notes.txt").write_text("no image\n")


def screen(folder, out):
    """Screens a folder; the path of its report."""
    program = os.environ.get("TERND", str(ROOT / "build/x86_64/ternd"))
    done = subprocess.run([program, "screen", "--model", MODEL, "--out", out, folder], capture_output=True, text=True)
    # 65: some files could not be analysed.
    assert done.returncode in (0, 65), done.stderr
    return out / "report.html"


def data_of(report):
    text = report.read_text()
    start = text.index('id="tern-data">') + len('id="tern-data">')
    return json.loads(text[start:text.index("</script>", start)])


def named(data, name):
    """The item of a file."""
    return next(item for item in data["items"] if item["path"].endswith(name))
