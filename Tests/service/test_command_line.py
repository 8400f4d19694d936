import hashlib
import json
import os
import re
import struct
import subprocess
from pathlib import Path

import pytest
import tiny_model
from harness import CONTRACT, bare_dicom, dicom, jpeg, png, program, ternd

UNSIGNED = "--allow-unsigned"
# An instruction set of the other architecture.
OTHER_SET = "avx2" if "aarch64" in os.environ.get("TERND_RUNNER", "") else "neon"


def infer(models, *files, model="mean.tern", more=()):
    return ternd("infer", "--model", models / model, UNSIGNED, *more, *files)


def results(done):
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    for line in lines:
        CONTRACT.validate({"$ref": "#/components/schemas/Result"}, line)
    return lines


def write(folder, name, data):
    (folder / name).write_bytes(data)
    return folder / name


def test_infer_reads_three_kinds(models, tmp_path):
    files = [write(tmp_path, "a", png()), write(tmp_path, "b", jpeg()), write(tmp_path, "c", dicom(value=10))]
    done = infer(models, *files)
    assert done.returncode == 0, done.stderr
    lines = results(done)
    assert [line["input"]["kind"] for line in lines] == ["png", "jpeg", "dicom"]
    assert [line["sequence"] for line in lines] == [1, 2, 3]
    assert [line["input"]["sha256"] for line in lines] == [hashlib.sha256(file.read_bytes()).hexdigest() for file in files]
    assert lines[2]["input"]["sopInstanceUID"] == "2.25.1234"
    assert "Doe" not in done.stdout and "4711" not in done.stdout
    assert done.stderr == ""


def test_infer_reads_a_data_set_without_a_preamble(models, tmp_path):
    part10, bare = results(infer(models, write(tmp_path, "a", dicom(value=10)), write(tmp_path, "b", bare_dicom(value=10))))
    assert bare["status"] == "succeeded" and bare["input"]["kind"] == "dicom"
    assert bare["digest"] == part10["digest"]


def test_a_preamble_does_not_hide_dicom(models, tmp_path):
    disguised = b"\xff\xd8\xff" + dicom()[3:]
    (line,) = results(infer(models, write(tmp_path, "a", disguised)))
    assert (line["status"], line["input"]["kind"]) == ("succeeded", "dicom")


def test_scores_and_digest_are_those_computed_by_hand(models, tmp_path):
    white, black = results(infer(models, write(tmp_path, "w", png(255)), write(tmp_path, "b", png(0))))
    # Outputs 127 and -127: the sigmoid is 1 in binary32, and the digest is that of the raw bits.
    assert white["digest"] == hashlib.sha256(struct.pack("<2f", 127, -127)).hexdigest()
    assert black["digest"] == hashlib.sha256(struct.pack("<2f", -128, 128)).hexdigest()
    assert [f["score"] for f in white["findings"]][0] == 1
    assert white["findings"][0] | {"score": 0} == {
        "label": "white", "code": {"scheme": "99TEST", "value": "W", "meaning": "White"}, "score": 0, "calibrated": False,
        "operatingPoint": "even", "threshold": 0.5, "operatingPointConfirmed": True, "call": "positive", "tier": "high"}
    assert (white["findings"][1]["call"], white["findings"][1]["tier"]) == ("review", "review")
    assert black["findings"][0]["call"] == "negative"


def reported():
    """The kernel tables that the program under test finds on this CPU; when it does not run at all, the tests themselves say so."""
    try:
        return re.search("^instruction sets available: (.*)$", ternd("info").stdout, re.MULTILINE)[1].split()
    except (pytest.fail.Exception, OSError, TypeError, subprocess.SubprocessError):
        return ["scalar"]


@pytest.mark.parametrize("isa", reported())
def test_every_instruction_set_gives_the_same_digest(models, tmp_path, isa):
    done = infer(models, write(tmp_path, "w", png(255)), more=("--isa", isa))
    assert done.returncode == 0, done.stderr
    assert results(done)[0]["digest"] == hashlib.sha256(struct.pack("<2f", 127, -127)).hexdigest()


def test_a_feature_model_has_a_digest_and_no_findings(models, tmp_path):
    (line,) = results(infer(models, write(tmp_path, "w", png()), model="features.tern"))
    assert line["status"] == "succeeded" and line["findings"] == [] and line["digest"]


def test_every_failure_has_a_line(models, tmp_path):
    huge = jpeg()
    at = huge.index(b"\xff\xc0")
    huge = huge[: at + 5] + struct.pack(">HH", 60000, 60000) + huge[at + 9:]
    files = [
        write(tmp_path, "doe-a", b""), write(tmp_path, "doe-b", b"a text file\n" * 30), write(tmp_path, "doe-c", jpeg()[:300]),
        write(tmp_path, "doe-d", huge), write(tmp_path, "doe-e", dicom(pixels=False)), tmp_path / "doe-f", tmp_path,
        write(tmp_path, "doe-g", png()),
    ]
    done = infer(models, *files)
    lines = results(done)
    assert [line["status"] for line in lines] == ["failed"] * 7 + ["succeeded"]
    assert [line["reason"]["value"] for line in lines[:3]] == ["EMPTY", "KIND-UNKNOWN", "JPEG-TRUNCATED"]
    assert lines[3]["reason"]["value"] == "IMAGE-TOO-LARGE"
    assert lines[4]["reason"]["value"] == "DICOM-NO-PIXELS"
    assert [line["reason"]["value"] for line in lines[5:7]] == ["NOT-OPENED"] * 2
    assert done.returncode == 65
    # Inputs by their numbers, never by name or place.
    assert [line.split(": ")[1] for line in done.stderr.splitlines()] == [f"input {number}" for number in range(1, 8)]
    assert str(tmp_path) not in done.stderr and tmp_path.name not in done.stderr
    assert not [file.name for file in files if file.name in done.stderr]


def test_only_files_that_cannot_be_opened_are_66(models, tmp_path):
    assert infer(models, tmp_path / "missing").returncode == 66


def test_modality_must_fit(models, tmp_path):
    (line,) = results(infer(models, write(tmp_path, "us", dicom(modality="US")), model="dx.tern"))
    assert line["status"] == "failed" and line["reason"]["scheme"] == "99TERN"
    assert line["input"]["modality"] == {"value": "US", "source": "file", "checked": True}


@pytest.mark.parametrize("model, words, kind, said, fits", [
    ("dx.tern", (), "png", (None, None, False), True), ("dx.tern", ("--modality", "CR"), "png", ("CR", "caller", True), True),
    ("dx.tern", ("--modality", "MR"), "png", ("MR", "caller", True), False), ("mean.tern", ("--modality", "MR"), "png", ("MR", "caller", False), True),
    ("dx.tern", (), "dcm", ("DX", "file", True), True), ("dx.tern", ("--modality", "MR"), "dcm", ("DX", "file", True), True),
    ("mean.tern", (), "name", (None, "file", False), True),
])
def test_results_say_whether_the_modality_was_checked(models, tmp_path, model, words, kind, said, fits):
    body = {"png": png, "dcm": dicom, "name": lambda: dicom(modality="DOE JOHN")}[kind]()
    (line,) = results(infer(models, *words, write(tmp_path, "image", body), model=model))
    assert line["input"]["modality"] == dict(zip(("value", "source", "checked"), said))
    assert line["status"] == ("succeeded" if fits else "failed")
    assert (line["reason"] or {}).get("value") == (None if fits else "MODALITY-OTHER")


@pytest.mark.parametrize(
    "arguments, code",
    [
        ([], 64), (["frobnicate"], 64), (["infer"], 64), (["serve", "--nonsense"], 64), (["infer", "--model"], 64),
        (["infer", "--model", "x", "--model", "y", "z"], 64), (["infer", "--model", "x", "--modality", "MRI", "z"], 64), (["infer", "--model", "/nonexistent", "x"], 66), (["info", "stray"], 64),
        (["bench", "--model", "x", "--repeat", "0"], 64),
        (["bench", "--model", "x", "--profile", "--format", "csv"], 64), (["bench", "--model", "x", "--format", "table"], 64),
        (["info", "--isa", "mmx"], 64), (["info", "--isa", OTHER_SET], 69),
        (["screen"], 64), (["--help"], 0), (["--version"], 0), (["info"], 0), (["selftest"], 0),
    ])
def test_exit_codes(arguments, code):
    done = ternd(*arguments)
    assert done.returncode == code, done.stderr
    assert (len(done.stderr.splitlines()) == 1) == (code != 0)


@pytest.mark.parametrize("name", ["-DOE^JANE-1931.png", "--DOE=x", "-doe-jane-born-nineteen-thirty-one", "-jane1931", "-j\u00e4ne"])
def test_a_file_name_that_looks_like_an_option_is_not_repeated(name):
    done = ternd("infer", "--model", "m", "a.png", name)
    assert done.returncode == 64
    assert done.stderr == "ternd: infer: unknown option at word 5; see ternd infer --help\n"


def test_an_unknown_option_is_named():
    assert "serve: unknown option --sockets at word 4;" in ternd("serve", "--state", "x", "--sockets=y").stderr


@pytest.mark.parametrize("verb", ["infer", "serve", "info", "selftest", "bench", "model"])
def test_help_has_an_example(verb):
    done = ternd(verb, "--help")
    assert done.returncode == 0 and f"example: ternd {verb}" in done.stdout


def test_forced_instruction_set():
    assert "chosen: scalar (TERN_ISA asks for it)" in ternd("info", environment={"TERN_ISA": "scalar"}).stdout
    assert ternd("info", environment={"TERN_ISA": "altivec"}).returncode == 64


def test_a_card_does_not_steer_the_terminal(tmp_path):
    card = '{"purpose":\t"\x1b]0;gone\x07\x1b[2J\x7f\u009b1m \u00e9"}\r\n'
    tiny_model.mean_model(tmp_path / "card.tern", card=card.encode())
    done = subprocess.run([*program(), "info", "--model", tmp_path / "card.tern", UNSIGNED], capture_output=True, timeout=60)
    assert done.returncode == 0
    assert '{"purpose":\t"?]0;gone??[2J???1m \u00e9"}?\n'.encode() in done.stdout


def test_a_file_that_is_no_model(models, tmp_path):
    done = infer(models, "x", model=write(tmp_path, "text", b"not a model\n" * 1000))
    assert done.returncode == 65 and "F-01" in done.stderr
    assert infer(models, "x", model=write(tmp_path, "empty", b"")).returncode == 65


def test_signatures(models, tmp_path):
    image = write(tmp_path, "w", png())
    refused = ternd("infer", "--model", models / "mean.tern", image)
    assert refused.returncode == 65 and "F-10" in refused.stderr
    (line,) = results(infer(models, image))
    assert line["model"]["signature"] == "unsigned" and line["model"]["keyId"] is None
    signed = ternd("infer", "--model", models / "signed.tern", image)
    (line,) = results(signed)
    assert signed.returncode == 0
    assert line["model"]["signature"] == "valid" and line["model"]["keyId"] == (models / "key.txt").read_text().strip()
    assert ternd("infer", "--model", models / "signed.tern", "--trust", models / "key.txt", image).returncode == 0
    assert ternd("infer", "--model", models / "signed.tern", "--trust", models / "other-key.txt", image).returncode == 65
    assert ternd("infer", "--model", models / "mean.tern", UNSIGNED, "--trust", models / "key.txt", image).returncode == 65
    assert ternd("infer", "--model", models / "signed.tern", "--trust", image, image).returncode == 65


def test_selftest_with_a_model(models):
    good = ternd("selftest", "--model", models / "mean.tern", UNSIGNED)
    assert good.returncode == 0 and good.stdout.startswith("scalar: 1 golden vectors agree in every bit\n")
    wrong = ternd("selftest", "--model", models / "wrong.tern", UNSIGNED)
    assert wrong.returncode == 70 and "FAILED" in wrong.stdout


@pytest.mark.parametrize("verb", ["infer", "bench"])
def test_nothing_comes_from_a_model_whose_golden_vectors_differ(models, tmp_path, verb):
    files = [write(tmp_path, "w", png())] if verb == "infer" else []
    done = ternd(verb, "--model", models / "wrong.tern", UNSIGNED, *files)
    assert done.returncode == 70 and "golden vector 0" in done.stderr
    assert done.stdout == ""


def test_bench_has_every_field_and_allocates_nothing(models):
    done = ternd("bench", "--model", models / "mean.tern", UNSIGNED, "--repeat", "20", "--profile")
    report = json.loads(done.stdout)
    for name in ["median_ms", "min_ms", "p95_ms", "gmac", "gmac_per_s", "isa", "threads", "isa_peak_gmac_per_s", "arena_bytes"]:
        assert name in report
    assert report["min_ms"] <= report["median_ms"] <= report["p95_ms"]
    assert report["gmac"] == 128 / 1e9
    assert [operation["name"] for operation in report["operations"]] == ["patches", "head"]
    assert [operation["kind"] for operation in report["operations"]] == ["patches", "linear"]
    assert report["operations"][1]["ready_us"] >= 0 and "ready_us" not in report["operations"][0]
    # Binary32 throughout: 64 values in and out; then 64 values and 2 x 64 weights in, 2 values out, with 2 biases.
    assert [operation["bytes"] for operation in report["operations"]] == [512, 4 * (64 + 128 + 2 + 2)]
    assert report["allocations_per_inference"] == 0, "null: this binary was not linked with the counting wrappers"


def test_bench_says_what_maps_cost(models):
    shipped = Path(__file__).resolve().parents[2] / "Models/pneumonia28/pneumonia28.tern"
    reports = [json.loads(ternd("bench", "--model", shipped, UNSIGNED, "--repeat", "3", "--maps", *isa).stdout) for isa in ([], ["--isa", "scalar"])]
    assert len({report["map_digest"] for report in reports}) == 1
    assert all(report["maps"] == 1 and report["map_bytes"] > 0 and report["map_allocations"] == 0 for report in reports)
    none = ternd("bench", "--model", models / "mean.tern", UNSIGNED, "--repeat", "20", "--maps")
    assert none.returncode == 65 and "no maps" in none.stderr and none.stdout == ""


def test_bench_prints_a_profile_for_people(models):
    done = ternd("bench", "--model", models / "mean.tern", UNSIGNED, "--repeat", "20", "--profile", "--format", "table")
    tables = done.stdout.split("\n\n")
    assert [table.split()[0] for table in tables[1:]] == ["operation", "layer", "kind"]
    for table in tables[1:]:
        head, *rows = table.rstrip("\n").split("\n")
        assert {len(row) for row in rows} == {len(head)}, "the columns end together"
    kinds = {row[:32].strip(): row[32:].replace(" %", "%").split() for row in tables[3].rstrip("\n").split("\n")[1:]}
    assert list(kinds) == ["patches", "linear", "all"]
    assert kinds["all"][0] == "2" and kinds["all"][2] == "100.0%"


def test_a_closed_output_is_not_a_crash(models, tmp_path):
    read, write_end = os.pipe()
    os.close(read)
    done = subprocess.run([*program(), "info"], stdout=write_end, stderr=subprocess.PIPE, timeout=60)
    os.close(write_end)
    assert done.returncode == 74
