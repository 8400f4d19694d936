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
    assert done.returncode in (0, 65, 66), done.stderr
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
