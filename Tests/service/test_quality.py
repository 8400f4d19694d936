"""The quality gate of a model, over the socket and on the command line. The gated model wants views AP and PA, 8 pixels a side and a contrast of 4."""

import io
import json

import numpy as np
import pytest
from harness import CONTRACT, dicom, nifti, png, ternd
from PIL import Image

STRIPES = np.tile(np.array([0, 200], np.uint8), (8, 4))


def picture(pixels):
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "PNG")
    return out.getvalue()


def stripes(**more):
    return dicom(side=8, PixelData=STRIPES.tobytes(), **more)


def test_a_fit_image_has_its_measures(start):
    result = start(model="gated.tern").post(picture(STRIPES)).json()
    assert result["status"] == "succeeded" and result["findings"]
    quality = result["quality"]
    assert quality["assessed"] is True and (quality["width"], quality["shortSide"]) == (8, 8)
    assert quality["brightness"] == pytest.approx(100) and quality["contrast"] == pytest.approx(100)
    # 8 x 8 is too small for the blur effect.
    assert quality["saturation"] == 0 and quality["colour"] == 0 and quality["blur"] is None and "text" not in quality


@pytest.mark.parametrize(
    "body, kind, value",
    [
        (png(200), "image/png", "CONSTANT"), (picture(STRIPES[:4]), "image/png", "IMAGE-TOO-SMALL"),
        (stripes(ViewPosition="LL"), "application/dicom", "VIEW-OTHER"),
    ])
def test_an_unfit_image_is_refused_with_its_reason(start, body, kind, value):
    server = start(model="gated.tern")
    answer = server.post(body, kind)
    assert (answer.status, answer.json()["code"], answer.json()["reason"]["value"]) == (422, "unfit", value)
    (line,) = server.ask("GET", "/v1/findings").lines()
    assert (line["status"], line["reason"]["value"], line["findings"], line["digest"]) == ("failed", value, [], None)
    assert line["quality"]["assessed"] is True
    assert server.post(stripes(ViewPosition="PA"), "application/dicom").status == 200


def test_the_gate_judges_each_frame(models, tmp_path):
    frames = np.stack([STRIPES, np.full((8, 8), 90, np.uint8), STRIPES // 2])
    (tmp_path / "v.nii").write_bytes(nifti(frames))
    done = ternd("infer", "--model", models / "gated.tern", "--allow-unsigned", tmp_path / "v.nii")
    line = json.loads(done.stdout)
    CONTRACT.validate({"$ref": "#/components/schemas/Result"}, line)
    assert done.returncode == 65 and line["status"] == "partially_succeeded"
    assert [frame["status"] for frame in line["frames"]] == ["succeeded", "failed", "succeeded"]
    assert line["frames"][1]["reason"]["value"] == "CONSTANT" and line["frames"][1]["quality"]["contrast"] == 0
    assert [frame["quality"]["assessed"] for frame in line["frames"]] == [True] * 3
    # Sizes stand beside the whole, measures with each frame.
    assert line["quality"] == {"assessed": False, "width": 8, "height": 8, "channels": 1, "bitsStored": 8}


def test_a_model_without_a_gate_measures_nothing(start):
    assert start().post(png(200)).json()["quality"] == {"assessed": False, "width": 8, "height": 8, "channels": 1, "bitsStored": 8}
