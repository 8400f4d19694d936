"""Accepted means durable: what was answered with 202 has exactly one result, whatever happens to the process."""

import hashlib
import http.client
import io
import json
import os
import random
import resource
import shutil
import signal
import struct
import subprocess
import threading
import uuid

import numpy as np
import pytest
from PIL import Image
from harness import LIMIT, dicom, png

KINDS = {"application/dicom": 1, "image/jpeg": 2, "image/png": 3, "application/nifti": 4}


def entry(folder, number, body, kind="image/png", frames=(1, 0, 1), identifier=None):
    """Writes an accepted study as JournalEntry.swift describes it."""
    identifier = identifier or str(uuid.UUID(int=number, version=4))
    head = b"TERNQUEU" + struct.pack("<IIQ", 2, KINDS[kind], number) + identifier.encode() + struct.pack("<IIIQ", *frames, len(body))
    head += bytes(16) + struct.pack("<4Q", 1, os.getuid() + 1, os.getpid() + 1, 0) + hashlib.blake2b(body, digest_size=32).digest()
    head += hashlib.blake2b(head, digest_size=32).digest()
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{number:019}-{identifier}.study"
    path.write_bytes(head + body)
    return path, identifier


def results(server):
    return [json.loads(line) for line in (server.state / "findings.jsonl").read_bytes().split(b"\n")[:-1]]


def answered(server, count):
    server.wait_for(lambda status: status["results"]["last_sequence"] >= count and status["queue"]["pending"] == 0)
    found = results(server)
    assert [line["sequence"] for line in found] == list(range(1, len(found) + 1)) and len(found) == count
    assert list((server.state / "queue").iterdir()) == []
    return found


def held(server):
    """An accepted study by its file; the model is slow, so that it still waits."""
    return sorted((server.state / "queue").glob("*.study"))


def test_accepted_is_on_the_disk(start):
    server = start(model="slow.tern")
    body = png(value=77)
    server.post(png(), wait=False)
    identifier = server.post(body, wait=False).json()["id"]
    folder = server.state / "queue"
    path = folder / f"{2:019}-{identifier}.study"
    written = path.read_bytes()
    assert written[192:] == body and path.stat().st_mode & 0o777 == 0o600 and folder.stat().st_mode & 0o777 == 0o700
    copy, _ = entry(server.state.parent / "copy", 2, body, identifier=identifier)
    assert copy.read_bytes() == written
    answered(server, 2)


class Client(threading.Thread):
    """Sends studies one after another until the server is gone."""

    def __init__(self, server, seed, bodies):
        super().__init__()
        self.server, self.random, self.bodies = server, random.Random(seed), bodies
        self.accepted, self.seen = [], {}

    def run(self):
        try:
            connection = self.server.connect()
            while True:
                waits = self.random.random() < 0.2
                connection.request("POST", "/v1/studies" + "?wait=1" * waits, self.random.choice(self.bodies), {"Content-Type": "image/png"})
                answer = connection.getresponse()
                content = answer.read()
                assert answer.status in (200, 202, 503), content
                if answer.status == 200:
                    self.seen[json.loads(content)["id"]] = content
                elif answer.status == 202:
                    self.accepted.append(json.loads(content)["id"])
        except (OSError, http.client.HTTPException, ValueError):
            pass


def test_every_accepted_study_has_one_result_after_thirty_kills(start):
    choose = random.Random(20260101)
    noise = np.random.default_rng(1)
    bodies = []
    for side in (8, 64, 300):
        out = io.BytesIO()
        Image.fromarray(noise.integers(0, 255, (side, side), np.uint8)).save(out, "PNG")
        bodies.append(out.getvalue())
    orders, seen, moment = [], {}, threading.Event()
    in_flight = 0
    for kill in range(30):
        server = start("--queue", str(choose.choice([2, 8, 40])), model="slow.tern" if kill % 5 == 4 else "mean.tern")
        clients = [Client(server, kill * 10 + index, bodies) for index in range(3)]
        for client in clients:
            client.start()
        moment.wait(choose.uniform(0, 0.15))
        server.stop(signal.SIGKILL)
        for client in clients:
            client.join()
            orders.append(client.accepted)
            seen.update(client.seen)
        in_flight += len(clients)
    server = start()
    server.wait_for(lambda status: status["queue"]["pending"] == 0)
    lines = (server.state / "findings.jsonl").read_bytes().splitlines(keepends=True)
    found = [json.loads(line) for line in lines]
    assert [line["sequence"] for line in found] == list(range(1, len(found) + 1))
    place = {line["id"]: index for index, line in enumerate(found)}
    assert len(place) == len(found), "a study has two results"
    accepted = [identifier for order in orders for identifier in order]
    assert len(accepted) > 30 and all(line["status"] == "succeeded" for line in found)
    assert [identifier for identifier in accepted if identifier not in place] == []
    assert all(lines[place[identifier]] == content for identifier, content in seen.items())
    # The rest was on the disk, and killed before its client was told.
    assert len(place) <= len(set(accepted) | set(seen)) + in_flight
    for order in orders:
        assert [place[identifier] for identifier in order] == sorted(place[identifier] for identifier in order)
    assert list((server.state / "queue").iterdir()) == []


def test_the_rest_is_answered_in_order_of_acceptance(start):
    server = start(model="slow.tern")
    identifiers = [server.post(png(value=index), wait=False).json()["id"] for index in range(6)]
    server.stop(signal.SIGKILL)
    assert len(held(server)) >= 5
    # Fewer places than studies: none is dropped, and no new one taken before there is room.
    server = start("--queue", "1", model="slow.tern")
    queue = server.status()["queue"]
    assert queue["recovered"] >= 5 and queue["pending"] >= 4 and queue["pending_bytes"] >= 4 * 60
    assert server.ask("GET", "/v1/findings/" + identifiers[5]).status == 202
    assert server.post(png(), wait=False).status == 503
    assert [line["id"] for line in answered(server, 6)] == identifiers
    assert server.post(png()).json()["sequence"] == 7


def test_frames_and_kind_come_back(start, tmp_path):
    folder = tmp_path / "state" / "queue"
    cine = dicom(frames=[0, 50, 100, 150, 200, 250])
    entry(folder, 3, cine, "application/dicom", (2, 0, 2))
    entry(folder, 7, b"nothing that is read", "image/jpeg")
    (tmp_path / "state" / "queue").chmod(0o700)
    server = start()
    first, second = answered(server, 2)
    assert first["input"]["kind"] == "dicom" and [frame["frame"] for frame in first["frames"]] == [2, 4, 6]
    assert first["input"]["sha256"] == hashlib.sha256(cine).hexdigest()
    assert second["status"] == "failed" and second["input"]["kind"] == "jpeg"
    # Numbers go on behind those that were there.
    server.stop()
    assert start().post(png()).json()["sequence"] == 3


def test_damaged_studies_are_answered(start, tmp_path):
    folder = tmp_path / "state" / "queue"
    body = png()
    names = []
    for number in range(1, 10):
        path, identifier = entry(folder, number, body)
        names.append(identifier)
        whole = path.read_bytes()
        damage = {
            1: whole[:-1], 2: whole + b"\0", 3: whole[:159], 4: b"", 5: whole[:170] + bytes([whole[170] ^ 1]) + whole[171:],
            6: whole[:13] + b"\1" + whole[14:], 7: b"\0" * len(whole), 8: whole[:16] + whole[17:]}
        path.write_bytes(damage.get(number, whole))
    # A whole study under the name of another is damaged too.
    path, _ = entry(folder, 12, body)
    path.rename(folder / path.name.replace("0012-", "0011-"))
    server = start()
    found = answered(server, 10)
    assert [line["id"] for line in found[:9]] == names
    assert [line["status"] for line in found] == ["failed"] * 8 + ["succeeded", "failed"]
    assert {line["reason"]["value"] for line in found if line["reason"]} == {"QUEUE-DAMAGED"}
    assert server.status()["queue"]["damaged"] == 9
    assert [line["id"] for line in server.ask("GET", "/v1/findings").lines()] == [line["id"] for line in found]
    assert server.ask("GET", "/v1/findings/" + names[0]).json()["status"] == "failed"


def test_a_torn_study_is_cut_and_reported(start, tmp_path):
    folder = tmp_path / "state" / "queue"
    path, _ = entry(folder, 1, png())
    torn = folder / (path.name + ".tmp")
    path.rename(torn)
    torn.write_bytes(torn.read_bytes()[:100])
    (folder / "notes.tmp").write_text("mine")
    (folder / "notes.study").write_text("mine")
    server = start()
    assert "ternd: queue: cut 100 bytes of studies that had not been accepted" in server.messages
    assert "ternd: queue: left 2 files alone that are not accepted studies" in server.messages
    queue = server.status()["queue"]
    assert queue["cut_bytes_at_start"] == 100 and queue["recovered"] == 0 and queue["pending"] == 0
    assert sorted(path.name for path in folder.iterdir()) == ["notes.study", "notes.tmp"]
    assert server.status()["results"]["last_sequence"] == 0


def test_what_has_its_result_is_not_read_again(start):
    server = start(model="slow.tern")
    identifier = server.post(png(), wait=False).json()["id"]
    (path,) = held(server)
    kept = path.read_bytes()
    answered(server, 1)
    server.stop(signal.SIGKILL)
    path.write_bytes(kept)  # as if it had been killed after the result and before the removal
    server = start()
    assert "ternd: queue: 1 of the studies there had their result already" in server.messages
    assert not path.exists() and server.status()["queue"]["recovered"] == 0
    assert server.post(png()).json()["sequence"] == 2
    assert [line["id"] for line in results(server)].count(identifier) == 1


def soft_limit(count):
    resource.setrlimit(resource.RLIMIT_FSIZE, (count, resource.RLIM_INFINITY))


def test_a_study_that_does_not_fit_on_the_disk(start):
    server = start(preexec=lambda: soft_limit(5000))
    noise = io.BytesIO()
    Image.fromarray(np.random.default_rng(1).integers(0, 255, (90, 90), np.uint8)).save(noise, "PNG")
    for wait in (False, True):
        answer = server.post(noise.getvalue(), wait=wait)
        assert answer.status == 507 and answer.json()["code"] == "disk_full" and "id" not in answer.json()
    assert list((server.state / "queue").iterdir()) == [] and server.status()["queue"]["pending"] == 0
    assert server.post(png()).json()["sequence"] == 1
    resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (1 << 20, resource.RLIM_INFINITY))
    assert server.post(noise.getvalue()).json()["sequence"] == 2


def blocked(start):
    """A server whose disk takes studies and no more results, and the studies it accepted."""
    server = start(preexec=lambda: soft_limit(3000))
    accepted = []
    for _ in range(20):
        answer = server.post(png(), wait=False)
        if answer.status != 202:
            break
        accepted.append(answer.json()["id"])
    assert answer.status == 507
    status = server.wait_for(lambda status: not status["results"]["recording"])
    assert status["queue"]["pending"] == len(accepted) - status["results"]["last_sequence"] > 0
    assert server.post(png()).status == 507
    return server, accepted


def test_a_result_without_room_waits_for_it(start):
    server, accepted = blocked(start)
    resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (1 << 20, resource.RLIM_INFINITY))
    assert [line["id"] for line in answered(server, len(accepted))] == accepted
    assert server.status()["results"]["recording"] and server.post(png()).status == 200


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_result_without_room_waits_for_the_next_start(start, number):
    server, accepted = blocked(start)
    server.stop(number)
    assert [line["id"] for line in answered(start(), len(accepted))] == accepted


def test_a_full_file_system(start, tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    if os.geteuid() != 0 or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", disk], capture_output=True).returncode != 0:
        pytest.skip("a file system of its own needs the right to mount one")
    try:
        server = start(state=disk / "state")
        assert server.post(png()).status == 200
        # As many bytes as leave less than the reserve of 4 MiB.
        assert server.post(b"\x89PNG\r\n\x1a\n" + bytes(5 << 20)).status == 507
        (disk / "filler").write_bytes(bytes(7 << 20))
        assert server.post(png(), wait=False).status == 507
        (disk / "filler").unlink()
        assert server.post(png()).json()["sequence"] == 2
        assert list((server.state / "queue").iterdir()) == []
        server.stop()
    finally:
        subprocess.run(["umount", "-l", disk], check=True)


def test_studies_are_read_from_the_disk_one_by_one(start, tmp_path):
    folder = tmp_path / "state" / "queue"
    body = b"\x89PNG\r\n\x1a\n" + bytes(16 << 20)
    for number in range(1, 9):
        entry(folder, number, body)
    server = start()
    answered(server, 8)
    peak = int(next(line for line in open(f"/proc/{server.process.pid}/status") if line.startswith("VmHWM:")).split()[1]) * 1024
    assert peak < 64 << 20, f"{peak} bytes for eight studies of 16 MiB"


def test_killed_at_every_call_to_the_disk(start, inject):
    accepted, unsure = [], 0
    writer = [("openat", 1), ("write", 1), ("write", 2), ("fsync", 1), ("renameat", 1), ("fsync", 2), ("openat", 2), ("renameat", 2)]
    worker = [("fdatasync", 1), ("unlinkat", 1), ("fdatasync", 2), ("unlinkat", 2)]
    loop = [("writev", 1), ("writev", 2)]
    for call, when in writer + worker + loop:
        server = start()
        inject(server, call, f"signal=KILL:when={when}")
        try:
            for _ in range(4):
                answer = server.post(png(), wait=False)
                assert answer.status == 202
                accepted.append(answer.json()["id"])
        except (OSError, http.client.HTTPException):
            unsure += 1
        assert server.process.wait(timeout=LIMIT) == -signal.SIGKILL, f"not killed at {call} {when}"
    server = start()
    server.wait_for(lambda status: status["queue"]["pending"] == 0)
    found = results(server)
    identifiers = [line["id"] for line in found]
    assert [line["sequence"] for line in found] == list(range(1, len(found) + 1)) and len(set(identifiers)) == len(identifiers)
    assert accepted and [identifier for identifier in accepted if identifier not in identifiers] == []
    assert len(identifiers) <= len(accepted) + unsure


def test_killed_while_it_starts(start):
    """The next start finds what the one before left of its own start."""
    if "TERND_RUNNER" in os.environ or not shutil.which("strace"):
        pytest.skip("needs strace, and no emulator")
    server = start(model="slow.tern")
    identifiers = [server.post(png(), wait=False).json()["id"] for _ in range(4)]
    server.stop(signal.SIGKILL)
    for call in ("fsync", "fdatasync", "unlinkat", "openat"):
        for when in (1, 2, 3, 4, 5):
            tracer = ["strace", "-f", "-o", "/dev/null", "-e", f"trace={call}", "-e", f"inject={call}:signal=KILL:when={when}"]
            command = [*tracer, *server.process.args]
            # Whatever it does not reach ends it as well: a server that is ready is killed, and its tracer with it.
            process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, start_new_session=True)
            for line in process.stderr:
                if line.startswith("ternd: ready"):
                    os.killpg(process.pid, signal.SIGKILL)
            process.wait(timeout=LIMIT)
            process.stderr.close()
    assert [line["id"] for line in answered(start(model="slow.tern"), 4)] == identifiers


@pytest.mark.parametrize("call, what, status, code", [
    ("renameat", "EIO:when=1", 500, "not_stored"), ("renameat", "ENOSPC:when=1", 507, "disk_full"), ("fsync", "EIO:when=1", 500, "not_stored"),
    ("fsync", "EIO:when=2", 500, "not_stored"), ("openat", "EMFILE:when=1", 500, "not_stored"),
    ("unlinkat", "EIO:when=1", 202, None), ("fdatasync", "EIO:when=1", 202, None), ("fdatasync", "ENOSPC:when=1..4", 202, None)])
def test_a_call_that_fails(start, inject, call, what, status, code):
    server = start()
    before = server.post(png()).json()["id"]
    inject(server, call, "error=" + what)
    answer = server.post(png(), wait=False)
    assert answer.status == status and answer.json().get("code") == code
    server.wait_for(lambda now: now["queue"]["pending"] == 0)
    after = server.post(png()).json()["id"]
    server.stop(signal.SIGKILL)
    # A study that could not be removed is recognised by its result.
    server = start()
    expected = [before, after] if code else [before, answer.json()["id"], after]
    assert [line["id"] for line in answered(server, len(expected))] == expected
