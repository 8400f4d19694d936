"""Results for other programs: in the outbox before they are recorded, and no study lost while it takes none."""

import json
import signal

from harness import dicom, follow_events, png, ternd

STUDY = {"StudyInstanceUID": "2.25.7", "SeriesInstanceUID": "2.25.8", "StudyDate": "20260102", "StudyTime": "030405"}


def names(folder):
    return sorted(path.name.split(".", 1)[1] for path in folder.iterdir())


def test_a_result_that_is_seen_lies_in_the_outbox(start, tmp_path):
    outbox = tmp_path / "outbox"
    server = start("--outbox", outbox, "--outbox-forms", "sr,sc,json,txt")
    line = server.post(dicom(**STUDY), "application/dicom").json()
    assert names(outbox) == ["en.txt", "json", "sc.dcm", "sr.dcm", "zh.txt"]
    stem, = {path.name.split(".")[0] for path in outbox.iterdir()}
    assert stem.startswith(line["input"]["sha256"][:16])
    assert json.loads((outbox / f"{stem}.json").read_bytes()) == line and line["sequence"] == 1
    # The same image again replaces the files: objects are the same bytes.
    before = (outbox / f"{stem}.sr.dcm").read_bytes()
    second = server.post(dicom(**STUDY), "application/dicom").json()
    assert (outbox / f"{stem}.sr.dcm").read_bytes() == before and json.loads((outbox / f"{stem}.json").read_bytes())["id"] == second["id"]
    # Refused ones too; a picture without a patient becomes no object.
    server.post(dicom(**STUDY, value=7, modality="DX"), "application/dicom")
    server.post(png(3))
    assert names(outbox).count("json") == 3 and names(outbox).count("sr.dcm") == 2


def test_the_outbox_is_not_the_watched_folder(tmp_path, models):
    folder = tmp_path / "in"
    folder.mkdir()
    (tmp_path / "link").symlink_to(folder)
    serve = ["serve", "--allow-unsigned", "--model", models / "mean.tern", "--socket", tmp_path / "s", "--state", tmp_path / "state"]
    for more in [[], ["--check"]]:
        run = ternd(*serve, "--watch", folder, "--outbox", tmp_path / "link", *more)
        assert run.returncode == 64 and "--watch" in run.stderr + run.stdout


def test_while_the_outbox_is_away_a_study_stays_accepted(start, tmp_path):
    outbox, away = tmp_path / "outbox", tmp_path / "away"
    server = start("--outbox", outbox, "--outbox-forms", "json")
    event = follow_events(server)
    outbox.rename(away)
    answer = server.post(png(1), wait=False)
    assert answer.status == 202
    failing = event()
    while failing["code"] != "outbox_failing":
        failing = event()
    assert failing["level"] == "error" and failing["errno"] == 2
    identifier = answer.json()["id"]
    assert server.ask("GET", f"/v1/findings/{identifier}").status == 202
    # Killed meanwhile, it is answered by the next start.
    server.stop(signal.SIGKILL)
    away.rename(outbox)
    server = start("--outbox", outbox, "--outbox-forms", "json")
    server.wait_for(lambda status: status["queue"]["pending"] == 0)
    path, = outbox.iterdir()
    assert json.loads(path.read_bytes())["id"] == identifier
    assert server.ask("GET", f"/v1/findings/{identifier}").json() == json.loads(path.read_bytes())


def test_it_goes_on_when_the_outbox_is_back(start, tmp_path):
    outbox, away = tmp_path / "outbox", tmp_path / "away"
    server = start("--outbox", outbox, "--outbox-forms", "json")
    event = follow_events(server)
    outbox.rename(away)
    accepted = [server.post(png(1), wait=False).json()["id"]]
    while event()["code"] != "outbox_failing":
        pass
    # The next ones are refused as soon as the worker waits.
    while (answer := server.post(png(len(accepted) + 1), wait=False)).status == 202:
        accepted.append(answer.json()["id"])
    assert (answer.status, answer.json()["code"]) == (507, "disk_full")
    away.rename(outbox)
    while event()["code"] != "outbox_recovered":
        pass
    server.wait_for(lambda status: status["queue"]["pending"] == 0)
    found = [json.loads(path.read_bytes()) for path in outbox.iterdir()]
    assert {line["id"]: line["sequence"] for line in found} == {identifier: index + 1 for index, identifier in enumerate(accepted)}


def test_a_client_that_waits_hears_that_its_study_was_not_taken(start, tmp_path):
    outbox, away = tmp_path / "outbox", tmp_path / "away"
    server = start("--outbox", outbox, "--outbox-forms", "json")
    outbox.rename(away)
    answer = server.post(png(1))
    assert answer.status == 500 and answer.json()["code"] == "not_recorded"
    away.rename(outbox)
    assert server.post(png(1)).status == 200 and names(outbox) == ["json"]


def test_a_watched_copy_of_a_file_is_not_written_again(start, tmp_path):
    folder, outbox = tmp_path / "watched", tmp_path / "outbox"
    folder.mkdir()
    server = start("--outbox", outbox, "--outbox-forms", "json", "--watch", folder)
    for name in ("a.png", "b.png"):
        (tmp_path / name).write_bytes(png(5))
        (tmp_path / name).rename(folder / name)
    server.wait_for(lambda status: status["results"]["last_sequence"] == 2)
    path, = outbox.iterdir()
    first = json.loads((server.state / "findings.jsonl").read_bytes().splitlines()[0])
    assert json.loads(path.read_bytes())["id"] == first["id"]


def test_the_check_looks_at_the_outbox(models, tmp_path):
    def said(*options):
        done = ternd("serve", "--check", "--model", models / "mean.tern", "--allow-unsigned", "--socket", tmp_path / "s", "--state", tmp_path / "state", *options)
        return done.returncode, [line for line in done.stdout.splitlines() if line.startswith("outbox")]

    outbox = tmp_path / "outbox"
    assert said("--outbox", outbox) == (0, [f"outbox: ok: {outbox}, which the start makes"]) and not outbox.exists()
    outbox.mkdir()
    assert said("--outbox", outbox) == (0, [f"outbox: ok: {outbox}"])
    assert said("--outbox", outbox / "a" / "b")[0] == 66
    code, lines = said("--outbox", outbox, "--outbox-forms", "pdf")
    assert code == 64 and lines[0].startswith("outbox: FAILED: serve: --outbox-forms is a list")
