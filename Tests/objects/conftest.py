"""One run of the real program over all images; the tests look at what it wrote."""

import types

import pytest

import object_images as images
from object_run import infer


@pytest.fixture(scope="session")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("objects")
    paths = images.write_all(folder)
    png = folder / "sample.png"
    png.write_bytes(images.SAMPLE.read_bytes())
    made, said = infer(folder / "outbox", "sr,sc,json,fhir,hl7,txt", *paths.values(), png, code=65)
    names = [*paths, "png"]
    return types.SimpleNamespace(folder=folder, paths=paths, made=dict(zip(names, made)), said=said, outbox=folder / "outbox")
