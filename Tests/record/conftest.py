"""Results in every form, for all tests of this folder."""
import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))
from written_forms import FORMS, HOSTILE, MODELS, SHIPPED, Case, dicom, infer, png, tiny_model  # noqa: E402


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
             ("maps", MODELS / "cxr224/cxr224.tern", [MODELS / "cxr224/samples/test-0098-pneumonia.png", MODELS / "cxr224/samples/test-0000-no-finding.png"],
              ["--maps", folder / "maps"]),
             ("some", tiny("measured"), [folder / "cine.dcm"], ["--frames", "1-3:2"])]
    found = []
    for title, model, inputs, more in sets:
        written = {form: infer(model, inputs, form, *more) for form in FORMS}
        for index, path in enumerate(inputs):
            found.append(Case(f"{title}/{path.name}", {form: written[form][index] for form in FORMS}))
    return found
