"""Cine, volumes and what files say of their pictures, over the socket and on the command line."""

import gzip
import hashlib
import json
import os
import struct

import numpy as np
import pytest
from harness import CONTRACT, dicom, nifti, png, ternd


def digest(*values):
    """The mean model answers v - 128 and 128 - v for a picture of one value."""
    return hashlib.sha256(b"".join(struct.pack("<2f", value - 128, 128 - value) for value in values)).hexdigest()


def volume(*values, kind="uint8", side=8):
    return np.stack([np.full((side, side), value, kind) for value in values])


def infer(models, *words, model="mean.tern"):
    done = ternd("infer", "--model", models / model, "--allow-unsigned", *words)
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    for line in lines:
        CONTRACT.validate({"$ref": "#/components/schemas/Result"}, line)
    return done, lines


CINE = [10, 128, 255, 200, 0, 255]


def test_a_cine_is_one_result(start):
    server = start()
    answer = server.post(dicom(frames=CINE, FrameTime="40"), "application/dicom")
    result = answer.json()
    assert answer.status == 200 and result["status"] == "succeeded"
    assert (server.state / "findings.jsonl").read_bytes() == answer.body and answer.body.count(b"\n") == 1
    assert result["input"]["frames"] == {"count": 6, "first": 1, "last": 6, "stride": 1, "analysed": 6, "frameTimeMilliseconds": 40.0}
    assert "frame" not in result["input"]
    assert [frame["frame"] for frame in result["frames"]] == [1, 2, 3, 4, 5, 6]
    assert [frame["timeMilliseconds"] for frame in result["frames"]] == [0, 40, 80, 120, 160, 200]
    assert [frame["digest"] for frame in result["frames"]] == [digest(value) for value in CINE]
    assert result["digest"] == digest(*CINE)
    # The first of those with the highest score: of 118 and 128 the sigmoid is 1 in binary32.
    assert [(finding["label"], finding["frame"]) for finding in result["findings"]] == [("white", 3), ("black", 1)]
    assert result["outOfDistribution"] is None
    assert server.ask("GET", "/v1/findings/" + result["id"]).body == answer.body


@pytest.mark.parametrize("text, numbers", [("2-6:2", [2, 4, 6]), ("4-", [4, 5, 6]), ("5", [5]), ("1-6%3A5", [1, 6])])
def test_frames_can_be_chosen(start, text, numbers):
    server = start()
    answer = server.ask("POST", "/v1/studies?wait=1&frames=" + text, dicom(frames=CINE), {"Content-Type": "application/dicom"})
    result = answer.json()
    assert [frame["frame"] for frame in result["frames"]] == numbers
    assert result["input"]["frames"]["analysed"] == len(numbers)
    assert result["digest"] == digest(*(CINE[number - 1] for number in numbers))


def test_frames_of_the_command_line_are_those_of_the_socket(models, start, tmp_path):
    (tmp_path / "cine").write_bytes(dicom(frames=CINE))
    done, (line,) = infer(models, "--frames", "1-5:4", tmp_path / "cine")
    assert done.returncode == 0 and [frame["frame"] for frame in line["frames"]] == [1, 5]
    assert line["digest"] == digest(10, 0)
    for text in ["0", "5-1", "x", "1-2-3"]:
        assert infer(models, "--frames", text, tmp_path / "cine")[0].returncode == 64
    (tmp_path / "one").write_bytes(png(10))
    done, (line,) = infer(models, "--frames", "1", tmp_path / "one")
    assert line["status"] == "succeeded" and "frames" not in line


@pytest.mark.parametrize("text, value", [("7", "NO-SUCH-FRAME"), ("1-7", "NO-SUCH-FRAME")])
def test_frames_that_are_not_there(start, text, value):
    server = start()
    answer = server.ask("POST", "/v1/studies?wait=1&frames=" + text, dicom(frames=CINE), {"Content-Type": "application/dicom"})
    assert (answer.status, answer.json()["reason"]["value"]) == (422, value)
    assert "it has 6" in answer.json()["message"]


@pytest.mark.parametrize("text", ["0", "x", "2-1", ""])
def test_a_selection_that_is_none(start, text):
    answer = start().ask("POST", "/v1/studies?frames=" + text, png(), {"Content-Type": "image/png"})
    assert (answer.status, answer.json()["code"]) == (400, "bad_query")


def test_more_frames_than_a_study_may_have(start):
    server = start()
    body = dicom(frames=[index % 256 for index in range(300)], side=4)
    answer = server.post(body, "application/dicom")
    assert (answer.status, answer.json()["reason"]["value"]) == (422, "FRAMES-LIMIT")
    assert "--frames" in answer.json()["message"] and "?frames=" in answer.json()["message"]
    chosen = server.ask("POST", "/v1/studies?wait=1&frames=1-300:2", body, {"Content-Type": "application/dicom"}).json()
    assert len(chosen["frames"]) == 150 and chosen["status"] == "succeeded"


@pytest.mark.parametrize("packed", [False, True])
def test_a_volume(start, packed):
    server = start()
    body = nifti(volume(30, 20, 255))
    body = gzip.compress(body, mtime=0) if packed else body
    result = server.post(body, "application/nifti").json()
    assert result["status"] == "succeeded" and result["input"]["sha256"] == hashlib.sha256(body).hexdigest()
    assert result["input"]["kind"] == "nifti" and "sopInstanceUID" not in result["input"]
    assert result["input"]["image"] == {"pixelSpacing": [2.0, 1.5], "orientation": "sform", "lossy": False}
    assert result["digest"] == digest(30, 20, 255)
    assert "timeMilliseconds" not in result["frames"][0]
    assert b"Doe" not in (server.state / "findings.jsonl").read_bytes()


def test_one_slice_is_one_image(start):
    result = start().post(nifti(volume(77)), "application/nifti").json()
    assert result["digest"] == digest(77) and "frames" not in result and "frames" not in result["input"]


def test_a_pair_is_read_from_either_file(models, start, tmp_path):
    header, data = nifti(volume(30, 20), pair=True)
    (tmp_path / "v.hdr").write_bytes(header)
    (tmp_path / "v.img").write_bytes(data)
    (tmp_path / "w.hdr.gz").write_bytes(gzip.compress(header))
    (tmp_path / "w.img.gz").write_bytes(gzip.compress(data))
    (tmp_path / "alone.hdr").write_bytes(header)
    done, lines = infer(models, *(tmp_path / name for name in ["v.hdr", "v.img", "w.hdr.gz", "w.img.gz", "alone.hdr"]))
    assert [line["digest"] for line in lines] == [digest(30, 20)] * 4 + [None]
    assert lines[0]["input"]["sha256"] == lines[1]["input"]["sha256"] == hashlib.sha256(header + data).hexdigest()
    assert lines[4]["reason"]["value"] == "NIFTI-PAIR" and done.returncode == 65
    answer = start().post(header, "application/nifti")
    assert (answer.status, answer.json()["reason"]["value"]) == (422, "NIFTI-PAIR")


def test_a_refused_frame_does_not_take_the_others_with_it(models, start, tmp_path):
    values = volume(0, 5, 9, kind="float32")
    values[:, 0, 0] = 255
    values[1, 3, 4] = np.nan
    server = start()
    answer = server.post(nifti(values), "application/nifti")
    result = answer.json()
    assert answer.status == 200 and result["status"] == "partially_succeeded" and result["reason"]["value"] == "FRAMES-REFUSED"
    assert [frame["status"] for frame in result["frames"]] == ["succeeded", "failed", "succeeded"]
    assert result["frames"][1]["reason"]["value"] == "NIFTI-NOT-FINITE" and result["frames"][1]["findings"] == []
    assert result["input"]["frames"]["analysed"] == 2 and result["findings"] and result["digest"]
    assert result["input"]["voi"] == {"kind": "window", "function": "linear_exact", "centre": 127.5, "width": 255.0, "source": "frame"}
    assert result["frames"][2]["voi"]["width"] == 246.0
    (tmp_path / "v.nii").write_bytes(nifti(values))
    done, (line,) = infer(models, tmp_path / "v.nii")
    assert done.returncode == 65 and done.stderr == "ternd: input 1: 1 of 3 frames were not analysed\n"
    assert line["digest"] == result["digest"]
    values[:, 3, 4] = np.nan
    answer = server.post(nifti(values), "application/nifti")
    assert (answer.status, answer.json()["reason"]["value"]) == (422, "NIFTI-NOT-FINITE")
    failed = server.ask("GET", "/v1/findings/" + answer.json()["id"]).json()
    assert failed["status"] == "failed" and len(failed["frames"]) == 3 and failed["findings"] == [] and failed["digest"] is None
    assert 'tern_results_total{status="succeeded"} 1\n' in server.ask("GET", "/metrics").body.decode()


@pytest.mark.parametrize(
    "body, value",
    [
        (nifti(volume(1, 2))[:-1], "NIFTI-TRUNCATED"), (gzip.compress(nifti(volume(1, 2)))[:-9], "NIFTI-TRUNCATED"),
        (gzip.compress(b"a text file"), "NIFTI-DAMAGED"), (gzip.compress(nifti(volume(1)) + bytes(1 << 20)), "NIFTI-DAMAGED"),
    ])
def test_damaged_volumes(start, body, value):
    answer = start().post(body, "application/nifti")
    assert (answer.status, answer.json()["code"], answer.json()["reason"]["value"]) == (400, "unreadable", value)


@pytest.mark.parametrize("side", [1_000, 8_000])
def test_a_small_file_costs_little_memory(models, tmp_path, side):
    """A thousandth of what it unpacks to, or of what its header claims, in 64 MiB of address space."""
    import resource

    head = bytearray(nifti(volume(0)))
    struct.pack_into("<3h", head, 42, side, side, 1)
    file = tmp_path / "bomb.nii.gz"
    file.write_bytes(gzip.compress(bytes(head[:352]) + bytes(1_000_000)))
    assert file.stat().st_size < 1_500
    limit = 64 << 20 if "TERND_RUNNER" not in os.environ else resource.RLIM_INFINITY  # an emulator needs its own
    done = ternd(
        "infer", "--model", models / "mean.tern", "--allow-unsigned", file,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (limit, limit)))
    line = json.loads(done.stdout)
    assert (line["status"], line["reason"] and line["reason"]["value"]) == (
        ("succeeded", None) if side == 1_000 else ("failed", "NIFTI-TRUNCATED"))


def test_a_transfer_syntax_that_is_not_read_is_named(start):
    answer = start().post(dicom(syntax="1.2.840.10008.1.2.4.80"), "application/dicom")
    assert (answer.status, answer.json()["code"], answer.json()["reason"]["value"]) == (422, "unfit", "DICOM-SYNTAX")
    assert "1.2.840.10008.1.2.4.80" in answer.json()["message"] and "JPEG-LS" in answer.json()["message"]


def test_luminance_and_colour_differences(start):
    side = 16
    body = dicom(
        side=side, SamplesPerPixel=3, PhotometricInterpretation="YBR_FULL", PlanarConfiguration=0, PixelData=bytes([90, 128, 128]) * side * side)
    result = start().post(body, "application/dicom").json()
    assert result["digest"] == digest(90) and result["quality"]["channels"] == 3
    assert result["input"]["image"]["photometricInterpretation"] == "YBR_FULL" and "voi" not in result["input"]


def test_what_the_file_says_of_its_picture(start):
    server = start()
    body = dicom(
        PixelSpacing=["0.2", "0.1"], ImagerPixelSpacing=["0.25", "0.125"], ImageLaterality="L", ViewPosition="PA", BurnedInAnnotation="NO",
        LossyImageCompression="01", WindowCenter=["100", "50"], WindowWidth=["120", "10"])
    result = server.post(body, "application/dicom").json()
    assert result["input"]["image"] == {
        "photometricInterpretation": "MONOCHROME2", "pixelSpacing": [0.2, 0.1], "imagerPixelSpacing": [0.25, 0.125], "laterality": "L",
        "viewPosition": "PA", "burnedInAnnotation": False, "lossy": True}
    assert result["input"]["voi"] == {
        "kind": "window", "function": "linear", "centre": 100.0, "width": 120.0, "source": "file", "index": 1, "of": 2}
    assert server.post(dicom(), "application/dicom").json()["input"]["voi"] == {"kind": "full"}


def test_words_of_a_file_that_are_no_terms_stay_in_the_file(start):
    server = start()
    body = dicom(ViewPosition="DOE JANE", Laterality="DOE", StudyDescription="Doe Jane", PatientComments="Doe")
    result = server.post(body, "application/dicom").json()
    assert "viewPosition" not in result["input"]["image"] and "laterality" not in result["input"]["image"]
    assert b"DOE" not in (server.state / "findings.jsonl").read_bytes().upper()
