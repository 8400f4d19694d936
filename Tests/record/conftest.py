"""Results of the real program in every form: TERND names the program."""
import io
import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "Tests/service"))
import tiny_model  # noqa: E402

MODELS = ROOT / "Models"
SHIPPED = ("pneumonia28", "breast28", "retina28", "cxr224", "cells")
FORMS = {"json": [], "en": ["--words", "en"], "zh": ["--words", "zh"], "fhir": ["--form", "fhir"], "hl7": ["--form", "hl7"]}
# A label that would be a segment, a component, a tag and the end of a string if it were not escaped.
HOSTILE = 'a|b^c&d~e\\f<i>"g'


def infer(model, files, form, *more):
    """What the program writes for each file, as text."""
    program = [*shlex.split(os.environ.get("TERND_RUNNER", "")), os.environ.get("TERND", str(ROOT / "build/x86_64/ternd"))]
    key = ["--trust", MODELS / "signing-key.pub"] if MODELS in Path(model).parents else ["--allow-unsigned"]
    command = [*program, "infer", "--model", model, *key, *FORMS[form], *more, *files]
    done = subprocess.run([str(part) for part in command], capture_output=True)
    assert done.returncode in (0, 65), done.stderr
    text = done.stdout.decode()
    parts = {"en": "---\n", "zh": "---\n", "hl7": "\r\n"}.get(form)
    found = text.split(parts) if parts else text.splitlines()
    if form == "hl7":
        assert found.pop() == ""
        found = [message + "\r" for message in found]
    assert len(found) == len(files)
    return found


def png(values):
    out = io.BytesIO()
    Image.fromarray(np.asarray(values, np.uint8)).save(out, "PNG")
    return out.getvalue()


def dicom(**attributes):
    import harness

    return harness.dicom(StudyInstanceUID="2.25.77", SeriesInstanceUID="2.25.78", **attributes)


class Case:
    """One file in all forms. Each form is a run of its own, so the results' names and times differ; `text` gives those of the JSON to all."""

    def __init__(self, name, forms):
        self.name = name
        self.result = json.loads(forms["json"])
        self.forms = forms

    def text(self, form):
        text = self.forms[form]
        names = dict.fromkeys(re.findall(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}", text))
        assert len(names) == 1
        for name in names:
            text = text.replace(name, self.result["id"])
        return re.sub(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z", self.result["time"], text)

    @property
    def answer(self):
        return self.result["answer"]["value"]


@pytest.fixture(scope="session")
def cases(tmp_path_factory):
    folder = tmp_path_factory.mktemp("records")
    sets = []
    for name in SHIPPED:
        samples = sorted((MODELS / name / "samples").glob("*.png"))[::3]
        sets.append((name, MODELS / name / f"{name}.tern", samples, []))
    tiny = lambda name: folder / f"{name}.tern"
    tiny_model.measured_model(tiny("measured"))
    tiny_model.mean_model(tiny("features"), labels=False)
    tiny_model.tiered_model(tiny("tiered"))
    tiny_model.measured_model(tiny("unconfirmed"), confirmed=False)
    original = tiny_model.label
    tiny_model.label = lambda name, *more, **options: original(HOSTILE if name == "white" else name, *more, **options)
    tiny_model.measured_model(tiny("hostile"))
    tiny_model.label = original
    files = {
        "flagged.png": png(np.indices((8, 8)).sum(0) % 2 * 255),  # far from every image of the mean model
        "white.png": png(np.full((8, 8), 150)),
        "damaged.png": png(np.full((8, 8), 150))[:-30],
        "near.png": png(np.full((8, 8), 128)),
        "one.dcm": dicom(value=150, ViewPosition="PA", ImageLaterality="R", BurnedInAnnotation="NO", ImagerPixelSpacing=[0.25, 0.5]),
        "cine.dcm": dicom(frames=[120, 136, 200], FrameTime="40"),
        "window.dcm": dicom(value=150, WindowCenter="120.5", WindowWidth="200"),
        "named.dcm": dicom(value=150, ViewPosition="DOE^JANE"),
    }
    for name, content in files.items():
        (folder / name).write_bytes(content)
    tinies = [folder / name for name in files]
    sets += [("measured", tiny("measured"), tinies, []), ("features", tiny("features"), tinies[1:2], []), ("hostile", tiny("hostile"), tinies[1:2], []),
             ("tiered", tiny("tiered"), tinies[1:2], []), ("unconfirmed", tiny("unconfirmed"), tinies[1:2], []),
             ("some", tiny("measured"), [folder / "cine.dcm"], ["--frames", "1-3:2"])]
    found = []
    for title, model, inputs, more in sets:
        written = {form: infer(model, inputs, form, *more) for form in FORMS}
        for index, path in enumerate(inputs):
            found.append(Case(f"{title}/{path.name}", {form: written[form][index] for form in FORMS}))
    return found
