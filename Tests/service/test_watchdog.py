"""The service manager's part: priorities for its journal, and a sign of life that stops when a thread sticks. The manager here is the test."""

import json
import os
import re
import resource
import signal
import socket
import subprocess
import time

import pytest
from harness import LIMIT, Server, png, program
from traced import stopped, working_threads

PERIOD = 0.6


@pytest.fixture
def manager(tmp_path):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as channel:
        channel.bind(str(tmp_path / "notify"))
        channel.settimeout(LIMIT)
        yield channel


def environment(tmp_path):
    return {"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": str(int(PERIOD * 1e6))}


def drain(manager):
    """Takes what was sent already."""
    manager.setblocking(False)
    try:
        while True:
            manager.recv(100)
    except BlockingIOError:
        pass


def test_an_idle_and_a_busy_service_give_signs_of_life(start, manager, tmp_path):
    server = start(model="slow.tern", environment=environment(tmp_path))
    assert manager.recv(100) == b"READY=1"
    # Four signs a period; a machine with other work may delay one by some periods.
    manager.settimeout(10 * PERIOD)
    assert [manager.recv(100) for _ in range(3)] == [b"WATCHDOG=1"] * 3
    for _ in range(4):
        assert server.post(png(), wait=False).status == 202
    while server.status()["results"]["last_sequence"] < 4:
        assert manager.recv(100) == b"WATCHDOG=1"


def test_an_audit_log_without_room_is_waited_for(start, manager, tmp_path):
    """A restart makes no room. Files of results are closed while they are small, so that the log alone is at the limit."""
    server = start("--segment-bytes", "4096", environment=environment(tmp_path))
    assert manager.recv(100) == b"READY=1"
    log, findings = server.state / "audit/audit.jsonl", server.state / "findings.jsonl"
    count = 0
    while log.stat().st_size < findings.stat().st_size + 3000:
        assert server.post(png()).status == 200
        count += 1
    limit = log.stat().st_size + 100
    resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
    answer = server.post(png())
    assert answer.status == 504 and answer.json()["code"] == "result_delayed"
    assert server.post(png()).status == 507 and server.status()["results"]["last_sequence"] == count
    drain(manager)
    manager.settimeout(10 * PERIOD)
    assert [manager.recv(100) for _ in range(8)] == [b"WATCHDOG=1"] * 8
    resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    server.wait_for(lambda status: status["results"]["last_sequence"] == count + 1 and status["queue"]["pending"] == 0)
    assert server.ask("GET", f"/v1/findings/{answer.json()['id']}").json()["sequence"] == count + 1


@pytest.mark.skipif(bool(os.environ.get("TERND_RUNNER")), reason="the threads of an emulator are not the program's own")
def test_a_thread_that_sticks_is_restarted_and_the_study_is_answered_once(start, manager, tmp_path):
    server = start(model="slow.tern", environment=environment(tmp_path))
    assert manager.recv(100) == b"READY=1"
    worker = working_threads(server)["tern-worker"][0]
    with stopped(worker):
        identifier = server.post(png(), wait=False).json()["id"]
        # The loop lives: it answers. What the period before it had left is taken, then nothing comes any more.
        assert server.wait_for(lambda status: status["queue"]["pending"] == 1)["state"] == "ready"
        drain(manager)
        manager.settimeout(PERIOD)
        signs = []
        with pytest.raises(TimeoutError):
            for _ in range(3):
                signs.append(manager.recv(100))
        # The study may have begun after the last look.
        assert len(signs) <= 1
        assert server.status()["queue"]["pending"] == 1
        server.process.send_signal(signal.SIGKILL)
    server.process.wait(timeout=LIMIT)
    manager.settimeout(LIMIT)
    server = start(model="slow.tern", environment=environment(tmp_path))
    assert b"READY=1" in [manager.recv(100) for _ in range(2)]
    server.wait_for(lambda status: status["results"]["last_sequence"] == 1 and status["queue"]["pending"] == 0)
    results = [json.loads(line) for line in (server.state / "findings.jsonl").read_text().splitlines()]
    assert [(line["id"], line["sequence"], line["status"]) for line in results] == [(identifier, 1, "succeeded")]


def test_a_manager_that_reads_nothing_does_not_hold_up_the_service(start, manager, tmp_path):
    server = start(environment=environment(tmp_path))
    assert manager.recv(100) == b"READY=1"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as other:
        other.setblocking(False)
        with pytest.raises(BlockingIOError):
            while True:
                other.sendto(b"full", str(tmp_path / "notify"))
    begun = server.status()["uptime_s"]
    # Several signs of life find no room meanwhile.
    server.wait_for(lambda status: status["uptime_s"] >= begun + 2)
    drain(manager)
    manager.settimeout(LIMIT)
    assert manager.recv(100) == b"WATCHDOG=1"
    assert server.stop() == 0


def test_another_process_s_watchdog_is_not_ours(start, manager, tmp_path):
    start(environment={**environment(tmp_path), "WATCHDOG_PID": "1"})
    assert manager.recv(100) == b"READY=1"
    manager.settimeout(PERIOD)
    with pytest.raises(TimeoutError):
        manager.recv(100)


def test_messages_carry_priorities_in_the_journal_alone(tmp_path, models):
    path = tmp_path / "journal"
    command = [*program(), "serve", "--model", str(models / "mean.tern"), "--allow-unsigned", "--socket", str(tmp_path / "s"), "--state", str(tmp_path / "state")]
    for matches in (True, False):
        with open(path, "w+") as journal:
            found = os.fstat(journal.fileno())
            stream = f"{found.st_dev}:{found.st_ino if matches else found.st_ino + 1}"
            done = subprocess.run([*command, "--queue", "0"], stderr=journal, timeout=LIMIT, env={**os.environ, "JOURNAL_STREAM": stream})
            journal.seek(0)
            assert done.returncode == 64
            assert re.fullmatch(r"<3>ternd: .*\n" if matches else r"ternd: .*\n", journal.read())
