"""The watched folder: every file put into it ends in done/ or failed/ with its one result beside it, whatever happens to the process."""

import errno
import hashlib
import io
import json
import os
import re
import random
import shutil
import signal
import threading
import time

import numpy as np
import pytest
from PIL import Image
from harness import LIMIT, dicom, jpeg, nifti, png, ternd

MANY = int(os.environ.get("TERN_WATCH_FILES", "400"))
KILLS = int(os.environ.get("TERN_WATCH_KILLS", "5"))
OURS = {"processing", "done", "failed"}


def image(number, side=8):
    """A picture of its own for each number."""
    out = io.BytesIO()
    Image.fromarray(np.random.default_rng(number).integers(0, 255, (side, side), np.uint8)).save(out, "PNG", compress_level=1)
    return out.getvalue()


@pytest.fixture
def folder(tmp_path):
    path = tmp_path / "in"
    path.mkdir()
    return path


@pytest.fixture
def watch(start, folder):
    def run(*more, path=folder, **options):
        return start("--watch", path, *more, **options)

    return run


def put(folder, name, body):
    """As a careful sender does: written under another name, then renamed."""
    name = os.fsencode(name)
    path = os.path.join(os.fsencode(folder), b"." + name[:100])
    with open(path, "wb") as file:
        file.write(body)
    os.rename(path, os.path.join(os.fsencode(folder), name))


def results(server):
    found = [json.loads(line) for line in (server.state / "findings.jsonl").read_bytes().split(b"\n")[:-1]]
    assert [line["sequence"] for line in found] == list(range(1, len(found) + 1))
    assert len({line["id"] for line in found}) == len(found), "a study has two results"
    return found


def unhurried(property_of_the_end):
    """Asked again only after a moment: what holds in the end needs no processor until then."""
    moment = threading.Event()
    return lambda status: property_of_the_end(status) or moment.wait(0.02)


def ended(server, done, failed=0):
    server.wait_for(unhurried(
        lambda status: status["watch"]["done"] >= done and status["watch"]["failed"] >= failed and status["watch"]["in_queue"] == 0))


def settled(server, folder, expected):
    """Until each file has its place; gives the answers of done/ and failed/ by name."""
    def is_over(status):
        inside = [name for name in os.listdir(folder) if name not in OURS]
        return not inside and not os.listdir(folder / "processing") and status["watch"]["in_queue"] == 0
    server.wait_for(unhurried(is_over))
    answers = []
    for place in ("done", "failed"):
        path = folder / place
        names = set(os.listdir(os.fsencode(path)))
        files = {name for name in names if not (name.endswith(b".json") and name[:-5] in names)}
        assert {name + b".json" for name in files} == names - files, f"{place}: {sorted(names)[:9]}"
        answers.append({name: json.loads(open(os.path.join(os.fsencode(path), name + b".json"), "rb").read()) for name in files})
    assert len(answers[0]) + len(answers[1]) == expected
    return answers


def exactly_once(server, folder, files):
    """Every file of `files` (name to bytes) has one result, which lies beside it."""
    done, failed = settled(server, folder, len(files))
    assert failed == {}
    found = {line["id"]: line for line in results(server)}
    assert len(found) == len(files)
    for name, body in files.items():
        answer = done[os.fsencode(name)]
        assert found[answer["id"]] == answer and answer["input"]["sha256"] == hashlib.sha256(body).hexdigest()
        assert open(os.path.join(os.fsencode(folder / "done"), os.fsencode(name)), "rb").read() == body
    assert list((server.state / "queue").iterdir()) == []


def test_files_of_all_kinds(watch, folder):
    kinds = {
        "a.png": png(), "b.jpeg": jpeg(), "c.dcm": dicom(), "d": png(value=3), "e.nii": nifti(np.full((2, 8, 8), 7, np.uint8)),
        "with space ü.png": png(value=4), "-rf": png(value=5)}
    (folder / "there.png").write_bytes(png(value=77))
    server = watch()
    for name, body in kinds.items():
        if name == "b.jpeg":
            (folder / name).write_bytes(body)
        else:
            put(folder, name, body)
    exactly_once(server, folder, {**kinds, "there.png": png(value=77)})
    answer = folder / "done" / "a.png.json"
    assert server.ask("GET", "/v1/findings/" + json.loads(answer.read_bytes())["id"]).body == answer.read_bytes()
    assert answer.stat().st_mode & 0o777 == 0o640 and (folder / "done").stat().st_mode & 0o777 == 0o750
    status = server.status()
    assert status["watch"]["state"] == "watching" and [event["code"] for event in status["events"]] == ["watch_started"]
    metrics = server.ask("GET", "/metrics").body.decode()
    assert 'tern_watch_files_total{end="done"} 8' in metrics and re.search(r"^tern_watch_waiting [0-9]+$", metrics, re.M)
    # No name of a file is in what the service says or keeps.
    kept = "".join(server.messages) + (server.state / "findings.jsonl").read_text()
    assert not any(name in kept for name in (*kinds, "there") if len(name) > 3)


def test_names_that_are_not_ready_or_not_meant(watch, folder, tmp_path):
    left = {".hidden.png", "x.part", "y.png.tmp", "link.png", "dangling.png", "folder", "pipe"}
    (tmp_path / "outside.png").write_bytes(png())
    server = watch()
    for name in (".hidden.png", "x.part", "y.png.tmp"):
        (folder / name).write_bytes(png())
    (folder / "folder").mkdir()
    (folder / "folder" / "inside.png").write_bytes(png())
    os.mkfifo(folder / "pipe")
    (folder / "link.png").symlink_to(tmp_path / "outside.png")
    (folder / "dangling.png").symlink_to(tmp_path / "nothing")
    (folder / "later").symlink_to(tmp_path)
    os.rename(folder / "later", folder / "linked-folder")
    put(folder, "good.png", png())
    ended(server, 1)
    (folder / "x.part").rename(folder / "x.png")
    ended(server, 2)
    assert set(os.listdir(folder)) == (left | {"linked-folder"} | OURS) - {"x.part"}
    assert set(os.listdir(folder / "done")) == {"good.png", "good.png.json", "x.png", "x.png.json"}
    assert (tmp_path / "outside.png").exists() and len(results(server)) == 2


def test_a_link_in_the_place_of_our_folders(watch, folder, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (folder / "done").symlink_to(tmp_path / "elsewhere")
    server = watch()
    server.wait_for(lambda status: status["watch"]["state"] == "refused")
    assert [(event["code"], event.get("errno")) for event in server.status()["events"]] == [("watch_refused", errno.ENOTDIR)]
    put(folder, "a.png", png())
    assert server.post(png()).status == 200
    (folder / "done").unlink()
    ended(server, 1)
    assert os.listdir(tmp_path / "elsewhere") == []


def test_names_that_are_not_utf8_or_too_long(watch, folder):
    server = watch()
    files = {b"caf\xe9.png": image(1), b"\xff\xfe": image(2), b"n" * 200: image(3), b"\n\t": image(4)}
    for name, body in files.items():
        put(folder, name, body)
    long = b"l" * 100 + b"m" * 150 + b".png"
    put(folder, long, image(5))
    exactly_once(server, folder, {**files, long[:159] + b"~" + long[-40:]: image(5)})


def test_a_file_is_not_taken_while_it_is_written(watch, folder):
    body = image(1, 100)
    early = open(folder / "early.png", "wb")
    early.write(body[:100])
    early.flush()
    server = watch()
    late = open(folder / "late.png", "wb")
    late.write(body[:50])
    late.flush()
    put(folder, "other.png", image(2))
    ended(server, 1)
    # Renamed while it is written.
    os.rename(folder / "late.png", folder / "renamed.png")
    put(folder, "another.png", image(3))
    ended(server, 2)
    server.wait_for(lambda status: status["watch"]["unsettled"] == 2)
    for file, start in ((early, 100), (late, 50)):
        file.write(body[start:])
        file.close()
    exactly_once(server, folder, {"early.png": body, "renamed.png": body, "other.png": image(2), "another.png": image(3)})


def unprivileged():
    os.setgid(65534)
    os.setuid(65534)


@pytest.fixture
def open_to_all(tmp_path, folder, models):
    """A server of another user reaches what it needs of the test's folders."""
    if os.geteuid() != 0:
        pytest.skip("another user needs the right to become one")
    for path in (folder, tmp_path):
        path.chmod(0o777)
    for path in (tmp_path, models):
        for above in (path, *path.parents):
            if not above.stat().st_mode & 0o001:
                above.chmod(above.stat().st_mode | 0o011)


def test_a_folder_of_other_users(watch, folder, open_to_all):
    """Of a file of another the kernel does not say whether it is written: it is taken when it was closed, or looks the same for two seconds."""
    (folder / "there.png").write_bytes(image(1))
    (folder / "secret.png").write_bytes(image(2))
    (folder / "secret.png").chmod(0o600)
    server = watch(preexec=unprivileged)
    put(folder, "moved.png", image(3))
    (folder / "closed.png").write_bytes(image(4))
    done, failed = settled(server, folder, 4)
    assert sorted(done) == [b"closed.png", b"moved.png", b"there.png"]
    assert failed[b"secret.png"]["code"] == "unreadable_file" and "sequence" not in failed[b"secret.png"]
    assert len(results(server)) == 3


def test_files_that_cannot_be_moved_wait(watch, folder, open_to_all):
    os.chmod(folder, 0o1777)  # others' files cannot be renamed
    server = watch(preexec=unprivileged)
    put(folder, "a.png", image(1))
    server.wait_for(lambda status: status["watch"]["stuck"] == 1)
    assert [event["code"] for event in server.status()["events"]] == ["watch_started", "watch_stuck"]
    assert server.post(png()).status == 200
    os.chmod(folder, 0o777)
    put(folder, "a.png", image(2))
    ended(server, 1)


def test_what_cannot_be_analysed(watch, folder):
    header, samples = nifti(np.full((2, 8, 8), 7, np.uint8), pair=True)
    files = {
        "empty": (b"", "empty_input"), "text.txt": (b"hello", "unknown_kind"), "volume.img": (samples, "nifti_pair"),
        "large.png": (png() + bytes(3000), "body_too_large")}
    server = watch("--max-body", "3000")
    for name, (body, _) in files.items():
        put(folder, name, body)
    put(folder, "volume.hdr", header)
    put(folder, "broken.png", png()[:40])
    done, failed = settled(server, folder, 6)
    assert done == {}
    metrics = server.ask("GET", "/metrics").body.decode()
    assert server.stop() == 0
    records = [json.loads(line) for line in (server.state / "audit/audit.jsonl").read_bytes().splitlines()]
    refused = {record["id"]: record for record in records if record["event"] == "refusal"}
    assert len(refused) == len(files)
    for name, (body, code) in files.items():
        answer = failed[os.fsencode(name)]
        assert answer["code"] == code and answer["status"] >= 400
        assert f'tern_requests_refused_total{{status="{answer["status"]}",code="{code}"}} 1\n' in metrics
        record, digest = refused[answer["id"]], {"sha256": hashlib.sha256(body).hexdigest()}
        assert (record["status"], record["code"], record["count"], record["uid"]) == (answer["status"], code, 1, None)
        assert record["origin"] == {"way": "folder", "uid": None, "pid": None} and record["input"] == (None if code == "body_too_large" else digest)
    assert failed[b"volume.hdr"]["reason"]["value"] == "NIFTI-PAIR" and failed[b"broken.png"]["status"] == "failed"
    assert sorted(line["id"] for line in results(server)) == sorted(failed[name]["id"] for name in (b"volume.hdr", b"broken.png"))


def test_the_same_content_twice_is_answered_from_the_first(watch, folder, models):
    server = watch(model="measured.tern")
    first = server.post(png(value=9)).json()
    put(folder, "a.png", png(value=9))
    ended(server, 1)
    put(folder, "b.png", png(value=9))
    ended(server, 2)
    put(folder, "c.png", png(value=10))
    ended(server, 3)
    answers = {name: json.loads((folder / "done" / f"{name}.png.json").read_bytes()) for name in "abc"}
    for name in "ab":
        assert answers[name]["answeredFrom"] == {"id": first["id"], "sequence": 1}
        own = {"id", "sequence", "time", "answeredFrom"}
        assert {key: value for key, value in answers[name].items() if key not in own} == {key: value for key, value in first.items() if key not in own}
    assert "answeredFrom" not in answers["c"] and len({line["id"] for line in results(server)}) == 4
    assert [line["id"] for line in server.ask("GET", "/v1/findings").lines()] == [line["id"] for line in results(server)]
    assert server.status()["watch"]["answered_from_first"] == 2
    # A client of the socket asks for an analysis and gets one.
    assert "answeredFrom" not in server.post(png(value=9)).json()
    server.stop()
    server = watch(model="measured.tern")
    put(folder, "d.png", png(value=9))
    ended(server, 1)
    assert json.loads((folder / "done/d.png.json").read_bytes())["answeredFrom"]["sequence"] == 1
    server.stop()
    # Another operating point, another model: other results.
    for options in ({"more": ("--operating-point", "sensitive"), "model": "measured.tern"}, {"more": (), "model": "mean.tern"}):
        server = watch(*options["more"], model=options["model"])
        put(folder, "e.png", png(value=9))
        ended(server, 1)
        assert "answeredFrom" not in results(server)[-1]
        server.stop()


def test_a_selection_of_frames_is_not_the_whole_file(watch, folder):
    server = watch()
    cine = dicom(frames=[0, 100, 200])
    part = server.ask("POST", "/v1/studies?wait=1&frames=1-2", cine, {"Content-Type": "application/dicom"}).json()
    stated = server.ask("POST", "/v1/studies?wait=1&modality=MR", png(), {"Content-Type": "image/png"}).json()
    assert len(part["frames"]) == 2 and stated["input"]["modality"]["source"] == "caller"
    for name, body in (("a.dcm", cine), ("b.png", png())):
        put(folder, name, body)
    ended(server, 2)
    assert not any("answeredFrom" in line for line in results(server))
    put(folder, "c.dcm", cine)
    ended(server, 3)
    answer = json.loads((folder / "done/c.dcm.json").read_bytes())
    assert len(answer["frames"]) == 3 and answer["answeredFrom"]["id"] == json.loads((folder / "done/a.dcm.json").read_bytes())["id"]


def test_names_that_are_taken_in_done(watch, folder):
    server = watch()
    for number in (1, 2):
        put(folder, "a.png", image(number))
        ended(server, number)
    (folder / "done" / "b.png.json").write_text("mine")
    put(folder, "b.png", image(3))
    ended(server, 3)
    names = set(os.listdir(folder / "done"))
    second, third = (line["id"] for line in results(server)[1:])
    assert names == {
        "a.png", "a.png.json", f"{second}-a.png", f"{second}-a.png.json", "b.png.json", f"{third}-b.png", f"{third}-b.png.json"}
    assert (folder / "done/a.png").read_bytes() == image(1) and (folder / "done/b.png.json").read_text() == "mine"
    # A file whose name is that of an answer.
    put(folder, "c.png", b"no picture")
    ended(server, 3, 1)
    put(folder, "c.png.json", b"no picture either")
    ended(server, 3, 2)
    assert len(os.listdir(folder / "failed")) == 4 and json.loads((folder / "failed/c.png.json").read_bytes())["code"] == "unknown_kind"


def test_a_folder_that_appears_later(watch, tmp_path):
    path = tmp_path / "deep" / "in"
    path.parent.mkdir()
    server = watch(path=f"{path}/")
    assert server.wait_for(lambda status: status["watch"]["state"] == "missing")["watch"]["done"] == 0
    path.mkdir()
    put(path, "a.png", image(1))
    ended(server, 1)
    # Removed, and made anew.
    shutil.rmtree(path)
    server.wait_for(lambda status: status["watch"]["state"] == "missing")
    path.mkdir()
    put(path, "b.png", image(2))
    ended(server, 2)
    # Moved away, and another in its place.
    path.rename(tmp_path / "old")
    path.mkdir()
    (path / "c.png").write_bytes(image(3))
    ended(server, 3)
    assert set(os.listdir(path / "done")) == {"c.png", "c.png.json"} and set(os.listdir(tmp_path / "old" / "done")) == {"b.png", "b.png.json"}
    # The folders inside are made anew too.
    for name in OURS:
        shutil.rmtree(path / name)
    put(path, "d.png", image(4))
    ended(server, 4)
    assert set(os.listdir(path / "done")) == {"d.png", "d.png.json"}


def test_no_folder_higher_up_is_opened_for_one_that_is_missing(start, tmp_path, models):
    """The rules of the sandbox bind to folders that exist; a mistyped path must not open what lies far above it."""
    path = tmp_path / "missing" / "in"
    server = start("--watch", path, ready=False)
    assert server.process.wait(timeout=LIMIT) == 66
    assert "watch: the folder above the watched one is not there" in server.stop_messages()
    check = ["serve", "--model", models / "mean.tern", "--allow-unsigned", "--state", tmp_path / "state", "--watch", path, "--check"]
    done = ternd(*check)
    assert done.returncode == 66 and "watch: FAILED: watch: the folder above the watched one is not there" in done.stdout
    path.parent.mkdir()
    assert f"watch: ok: {path}, which is not there yet" in ternd(*check).stdout


def test_a_folder_that_goes_takes_its_files_along(watch, folder, tmp_path):
    server = watch("--queue", "40", model="slow.tern")
    for number in range(8):
        put(folder, f"{number}.png", image(number))
    # What was not taken yet would stay there.
    server.wait_for(lambda status: status["watch"]["taken"] == 8 and status["watch"]["in_queue"] > 1)
    folder.rename(tmp_path / "old")
    folder.mkdir()
    put(folder, "new.png", image(100))
    ended(server, 9)
    assert len(os.listdir(tmp_path / "old" / "done")) + len(os.listdir(folder / "done")) == 18
    assert len(results(server)) == 9


def test_two_services_do_not_share_a_folder(watch, folder, tmp_path):
    first = watch(model="slow.tern")
    first.wait_for(lambda status: status["watch"]["state"] == "watching")
    second = watch(state=tmp_path / "other", socket_path=tmp_path / "other.sock")
    second.wait_for(lambda status: status["watch"]["state"] == "busy")
    put(folder, "a.png", image(1))
    ended(first, 1)
    put(folder, "b.png", image(2))
    first.wait_for(lambda status: status["watch"]["taken"] == 2)
    first.stop(signal.SIGKILL)
    second.wait_for(lambda status: status["watch"]["state"] == "watching")
    put(folder, "c.png", image(3))
    settled(second, folder, 3)


def test_many_files_at_once(watch, folder):
    """TERN_WATCH_FILES says how many; the time is printed."""
    bodies = {f"{number:05}.png": image(number) for number in range(MANY)}
    server, body = watch(), png(value=2)
    begin = time.monotonic()
    for name, content in bodies.items():
        (folder / name).write_bytes(content)
    written = time.monotonic() - begin
    # Clients are not kept out meanwhile.
    assert server.post(png(value=1)).status == 200
    while server.ask("GET", "/v1/status", check=False).json()["watch"]["done"] < MANY and time.monotonic() - begin < 600:
        assert server.post(body, check=False).status == 200
    took = time.monotonic() - begin
    peak = int(next(line for line in open(f"/proc/{server.process.pid}/status") if line.startswith("VmHWM:")).split()[1])
    status = server.status()["watch"]
    clients = server.status()["results"]["last_sequence"] - MANY
    print(f"{MANY} files: written in {written:.1f} s, done after {took:.1f} s; {clients} studies of a client meanwhile; peak {peak} KB; {status}")
    done, failed = settled(server, folder, MANY)
    found = {line["id"]: line for line in results(server)}
    assert len(done) == MANY and len(found) == MANY + clients
    assert all(found[done[os.fsencode(name)]["id"]]["input"]["sha256"] == hashlib.sha256(body).hexdigest() for name, body in bodies.items())
    assert peak < 64 << 10


def test_a_full_queue_of_notices(watch, folder):
    """What the kernel could not tell is found by listing the folder."""
    limit = int(open("/proc/sys/fs/inotify/max_queued_events").read())
    if limit > 50_000:
        pytest.skip(f"the queue takes {limit} notices")
    server = watch()
    server.wait_for(lambda status: status["watch"]["scans"] >= 1)
    server.process.send_signal(signal.SIGSTOP)
    for _ in range(limit // 2 + 10):
        for name in (".a", ".b"):
            os.close(os.open(folder / name, os.O_WRONLY | os.O_CREAT))
    put(folder, "lost.png", image(1))
    server.process.send_signal(signal.SIGCONT)
    ended(server, 1)
    assert server.status()["watch"]["overflows"] == 1


def test_a_full_queue_of_studies_drops_nothing(watch, folder):
    files = {f"{number}.png": image(number) for number in range(6)}
    for name, body in files.items():
        put(folder, name, body)
    server = watch("--queue", "1", model="slow.tern")
    server.wait_for(lambda status: status["watch"]["taken"] >= 6)
    status = server.status()
    assert status["watch"]["in_queue"] <= 1 and status["queue"]["pending"] <= 2
    assert server.post(png()).status == 200
    done, failed = settled(server, folder, 6)
    assert len(done) == 6 and len(results(server)) == 7


def test_a_stop_leaves_the_rest_to_the_next_start(watch, folder):
    files = {f"{number}.png": image(number) for number in range(12)}
    for name, body in files.items():
        put(folder, name, body)
    server = watch(model="slow.tern")
    server.wait_for(lambda status: status["watch"]["done"] >= 1)
    assert server.stop() == 0
    assert len(os.listdir(folder / "done")) < 24
    exactly_once(watch(), folder, files)


def test_every_file_has_one_result_after_many_kills(watch, folder):
    choose = random.Random(20260206)
    files, moment = {}, threading.Event()
    for kill in range(KILLS):
        server = watch("--queue", str(choose.choice([1, 2, 8, 40])), model="slow.tern" if kill % 5 == 4 else "mean.tern")
        for _ in range(choose.randint(5, 40)):
            number = len(files)
            name, body = f"{number}.png", image(number)
            files[name] = body
            if choose.random() < 0.5:
                put(folder, name, body)
            else:
                (folder / name).write_bytes(body)
            if choose.random() < 0.2:
                server.post(png(value=choose.randint(0, 255)), wait=False)
        moment.wait(choose.uniform(0, 0.1))
        server.stop(signal.SIGKILL)
    server = watch()
    server.wait_for(lambda status: status["queue"]["pending"] == 0)
    done, failed = settled(server, folder, len(files))
    assert failed == {}
    found = {line["id"]: line for line in results(server)}
    digests = [line["input"]["sha256"] for line in found.values()]
    for name, body in files.items():
        answer = done[os.fsencode(name)]
        assert found[answer["id"]] == answer and digests.count(hashlib.sha256(body).hexdigest()) == 1
        assert (folder / "done" / name).read_bytes() == body


def test_killed_at_every_call_to_the_disk(watch, folder, inject):
    files = {}
    calls = [("renameat2", 1), ("renameat2", 2), ("renameat2", 3), ("renameat2", 4), ("renameat2", 5), ("fsync", 1), ("fsync", 2), ("fsync", 3), ("fsync", 4), ("fsync", 5),
             ("fsync", 6), ("write", 1), ("write", 2), ("renameat", 1), ("fdatasync", 1), ("unlinkat", 1), ("pread64", 1), ("pread64", 2)]
    for call, when in calls:
        server = watch()
        server.wait_for(lambda status: status["watch"]["state"] == "watching" and status["watch"]["in_queue"] == 0 and status["watch"]["waiting"] == 0)
        inject(server, call, f"signal=KILL:when={when}")
        for _ in range(4):
            number = len(files)
            files[f"{number}.png"] = image(number)
            put(folder, f"{number}.png", image(number))
        assert server.process.wait(timeout=LIMIT) == -signal.SIGKILL, f"not killed at {call} {when}"
    exactly_once(watch(), folder, files)


def test_a_result_that_is_no_longer_in_memory_is_found(watch, folder):
    """Killed after the result and before its file was moved; since then many others had theirs."""
    server = watch("--keep", "1")
    put(folder, "a.png", image(1))
    ended(server, 1)
    answer = json.loads((folder / "done/a.png.json").read_bytes())
    for value in range(3):
        server.post(png(value=value))
    server.stop(signal.SIGKILL)
    (folder / "done/a.png").rename(folder / "processing" / f"{answer['id']}-a.png")
    server = watch("--keep", "1")
    done, _ = settled(server, folder, 1)
    assert done[b"a.png"] == answer and len(results(server)) == 4


@pytest.mark.parametrize("call, what", [
    ("renameat2", "error=EIO:when=1"), ("renameat2", "error=ENOSPC:when=2"), ("fsync", "error=EIO:when=1"), ("fsync", "error=ENOSPC:when=2"),
    ("fsync", "error=EIO:when=3..4"), ("openat", "error=EMFILE:when=2"), ("renameat", "error=EIO:when=1"), ("mkdirat", "error=EACCES:when=1")])
def test_a_call_that_fails(watch, folder, inject, call, what):
    server = watch()
    server.wait_for(lambda status: status["watch"]["scans"] >= 1)
    inject(server, call, what)
    put(folder, "a.png", image(1))
    if call == "renameat2" and "when=1" in what:
        server.wait_for(lambda status: status["watch"]["stuck"] == 1)
        put(folder, "a.png", image(1))
    exactly_once(server, folder, {"a.png": image(1)})


def test_a_slow_disk_keeps_nobody_waiting(watch, folder, inject):
    server = watch()
    server.wait_for(lambda status: status["watch"]["scans"] >= 1)
    inject(server, "renameat2", "delay_enter=4000000:when=1")
    put(folder, "a.png", image(1))
    for _ in range(5):
        assert server.post(png()).status == 200
    assert server.status()["watch"]["taken"] == 0
    done, _ = settled(server, folder, 1)
    assert set(done) == {b"a.png"}
