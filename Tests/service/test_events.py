"""What happened to the service itself: /v1/events, the status, and standard error."""

import fcntl
import os
import signal
import subprocess

import pytest
from harness import follow, follow_events, png


@pytest.fixture
def small_disk(tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    if os.geteuid() != 0 or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", disk], capture_output=True).returncode != 0:
        pytest.skip("a file system of its own needs the right to mount one")
    yield disk
    subprocess.run(["umount", "-l", disk], check=True)


def test_a_service_without_events_has_none(start):
    server = start()
    assert server.ask("GET", "/v1/events").body == b"" and server.status()["events"] == []
    assert server.ask("HEAD", "/v1/events?follow=1").status == 200
    answer = server.ask("GET", "/v1/events?after=1")
    assert answer.status == 400 and answer.json()["code"] == "sequence_ahead"
    assert server.ask("POST", "/v1/events").status == 405
    assert server.ask("GET", "/v1/events?before=1").status == 400
    connection, next_line = follow(server, "/v1/events?follow=1")
    assert server.stop() == 0 and next_line() is None
    connection.close()


def test_events_name_the_run_they_are_of(start):
    runs = set()
    for _ in range(2):
        server = start()
        connection, next_line = follow(server, "/v1/events?follow=1")
        server.process.send_signal(signal.SIGHUP)
        event = next_line()
        assert event["event"] == 1 and event["run"] == server.status()["run"]
        runs.add(event["run"])
        answer = server.ask("GET", "/v1/events?after=9")
        assert answer.status == 400 and "run" in answer.json()["message"]
        connection.close()
        assert server.stop() == 0
    assert len(runs) == 2


def test_a_full_disk_is_an_event_and_so_is_its_end(start, small_disk):
    server = start(state=small_disk / "state")
    try:
        connection, next_line = follow(server, "/v1/events?follow=1")
        filler = small_disk / "filler"
        filler.write_bytes(bytes(7 << 20))
        # Nobody waits, and nobody restarts it.
        for _ in range(3):
            answer = server.post(png(), wait=False)
            assert answer.status == 507 and answer.json()["code"] == "disk_full"
        event = next_line()
        assert event["code"] == "disk_full" and event["level"] == "error" and event["event"] == 1
        assert server.status()["disk"]["full"] and server.status()["events"][-1] == event
        filler.unlink()
        assert next_line()["code"] == "disk_recovered"
        assert server.post(png(), wait=False).status == 202
        assert not server.status()["disk"]["full"]
        assert [line["code"] for line in server.ask("GET", "/v1/events").lines()] == ["disk_full", "disk_recovered"]
        assert [line["event"] for line in server.ask("GET", "/v1/events?after=1").lines()] == [2]
        connection.close()
    finally:
        server.stop()
    assert any(message.startswith("ternd: event disk_full") for message in server.messages)


def test_nobody_who_reads_messages_holds_up_the_service(start):
    readable, writable = os.pipe()
    # A pipe takes a message while one of its pages is free.
    fcntl.fcntl(writable, fcntl.F_SETPIPE_SZ, 16384)
    server = start(ready=False, preexec=lambda: os.dup2(writable, 2))
    # Its own open file: the service's stays one that waits.
    full = os.open(f"/proc/self/fd/{writable}", os.O_WRONLY | os.O_NONBLOCK)
    os.close(writable)
    said = b""
    while b"ternd: ready: " not in said:
        said += os.read(readable, 4096)
    event = follow_events(server)
    with pytest.raises(BlockingIOError):
        while True:
            os.write(full, b"x")
    for _ in range(3):
        server.process.send_signal(signal.SIGHUP)
        assert event()["code"] == "model_unchanged"
    os.set_blocking(readable, False)
    with pytest.raises(BlockingIOError):
        while True:
            os.read(readable, 4096)
    os.set_blocking(readable, True)
    server.process.send_signal(signal.SIGHUP)
    said = b""
    while said.count(b"\n") < 2:
        said += os.read(readable, 4096)
    assert said == b"ternd: 3 messages were lost: nobody read standard error\nternd: event model_unchanged\n"
    os.close(readable)
    os.close(full)
    assert server.stop() == 0
