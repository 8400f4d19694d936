"""One browser for all tests of the page, and reports made of the shipped samples."""

import copy

import pytest

import assemble
import samples
from browser import Browser


@pytest.fixture(scope="session")
def browser(tmp_path_factory):
    browser = Browser(tmp_path_factory.mktemp("downloads"))
    yield browser
    browser.quit()


@pytest.fixture(scope="session")
def screened(tmp_path_factory):
    """The report of a screening with each of the four answers, as the program wrote it."""
    folder = tmp_path_factory.mktemp("screening")
    samples.make_folder(folder / "2026-11-22")
    return samples.screen(folder / "2026-11-22", folder / "results")


@pytest.fixture(scope="session")
def data(screened):
    return samples.data_of(screened)


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
