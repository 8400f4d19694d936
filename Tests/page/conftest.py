"""One browser for all tests of the page, and reports made of the shipped samples."""

import copy
import io
import json
import pathlib

import pytest
from PIL import Image, ImageFilter

import assemble
import samples
from browser import Browser

MODEL = samples.ROOT / "Models/cxr224/cxr224.tern"


@pytest.fixture(scope="session")
def browser(tmp_path_factory):
    browser = Browser(tmp_path_factory.mktemp("downloads"))
    yield browser
    browser.quit()


@pytest.fixture(scope="session")
def data(tmp_path_factory):
    """A screening with each of the four answers: samples, one turned upside down, one blurred, and files that are no image."""
    folder = tmp_path_factory.mktemp("screening") / "ward"
    folder.mkdir()
    files = sorted((samples.ROOT / "Models/cxr224/samples").glob("*.png"))
    with Image.open(files[4]) as image:
        image.convert("L").rotate(180).save(folder / "upside-down.png")
    with Image.open(files[5]) as image:
        image.filter(ImageFilter.GaussianBlur(6)).save(folder / "blurred.png")
    (folder / "notes.txt").write_text("no image\n")
    (folder / "half.png").write_bytes(files[0].read_bytes()[:5000])
    made = [folder / name for name in ("upside-down.png", "blurred.png", "notes.txt", "half.png")]
    result = samples.screening(samples.program(), str(MODEL), [str(path) for path in [*files, *made]], folder="ward 2")
    for item in result["items"]:
        item["words"] = {"en": f"Summary\nA person decides about {item['path']}.", "zh": f"小结\n由人判断：{item['path']}。"}
    return result


@pytest.fixture
def show(browser, tmp_path):
    """Opens a report of the data in the browser, with nothing stored from the test before."""

    def run(data, width=1280, height=800, language="en", dark=False, prepare=None, name="report.html"):
        path = tmp_path / name
        path.write_bytes(assemble.assemble(data))
        browser.shape(width, height, dark)
        browser.open(path, language=language, prepare=prepare)
        return path

    yield run
    browser.close_page()


@pytest.fixture(scope="session")
def many(data):
    """Five hundred images."""
    result = {**data, "items": []}
    for index in range(500):
        item = copy.deepcopy(data["items"][index % len(data["items"])])
        item.update(index=index + 1, path=f"site-{index % 7}/image-{index:04}.png")
        item["result"]["id"] = f"{index:08x}-0000-4000-8000-000000000000"
        result["items"].append(item)
    return result
