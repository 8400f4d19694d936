"""The example clients of docs/integrators-guide.md against the real program."""

import hashlib
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys

import pytest
from harness import LIMIT, dicom, follow, png
from test_retention import SMALL, wait_for_event

ROOT = pathlib.Path(__file__).resolve().parents[2]
CLIENTS = ROOT / "Examples/clients"


@pytest.fixture(scope="module", params=["c", "python", "shell"])
def client(request, tmp_path_factory):
    """A command, and how it names the kind of a file."""
    if request.param == "c":
        program = tmp_path_factory.mktemp("client") / "tern_client"
        subprocess.run(["gcc", "-O2", "-Wall", "-Wextra", "-Werror", "-o", program, CLIENTS / "tern_client.c"], check=True)
        return [str(program)], True
    if request.param == "python":
        return [sys.executable, str(CLIENTS / "tern_client.py")], False
    assert shutil.which("curl")
    return ["sh", str(CLIENTS / "tern_client.sh")], True


def submit(client, server, path, kind):
    command, names_kind = client
    return subprocess.run(
        [*command, str(server.socket_path), "submit", *([kind] if names_kind else []), str(path)], capture_output=True, text=True, timeout=LIMIT)


def test_a_study_is_answered(client, start, tmp_path):
    server = start()
    (tmp_path / "a.png").write_bytes(png())
    (tmp_path / "b.dcm").write_bytes(dicom())
    for sequence, (name, kind) in enumerate([("a.png", "image/png"), ("b.dcm", "application/dicom")], 1):
        done = submit(client, server, tmp_path / name, kind)
        assert done.returncode == 0, done.stderr
        result = json.loads(done.stdout)
        assert result["status"] == "succeeded" and result["sequence"] == sequence
    (tmp_path / "bad.png").write_bytes(png()[:-20])
    done = submit(client, server, tmp_path / "bad.png", "image/png")
    assert done.returncode == 1 and json.loads(done.stdout)["status"] in (400, 422)
    assert server.stop() == 0
    assert submit(client, server, tmp_path / "a.png", "image/png").returncode == 2


def test_a_study_is_sent_once_when_the_service_stops(client, start, tmp_path):
    server = start("--queue", "100", model="slow.tern")
    (tmp_path / "a.png").write_bytes(png(value=177))
    # One is being read, and the turn of the last does not come.
    before = 60
    for value in range(before):
        server.post(png(value=value), wait=False)
    command, names_kind = client
    sender = subprocess.Popen(
        [*command, str(server.socket_path), "submit", *(["image/png"] if names_kind else []), str(tmp_path / "a.png")], stdout=subprocess.PIPE, text=True,
        start_new_session=True)
    try:
        server.wait_for(lambda status: status["queue"]["pending"] + status["results"]["last_sequence"] == before + 1)
        assert server.status()["queue"]["waiting"] > 2
        assert server.stop() == 0
        server = start("--queue", "100", model="slow.tern")
        output, _ = sender.communicate(timeout=LIMIT)
    finally:
        if sender.poll() is None:
            stop(sender)
    assert sender.returncode == 0 and json.loads(output)["status"] == "succeeded"
    server.wait_for(lambda status: status["queue"]["pending"] == 0)
    found = server.ask("GET", "/v1/findings?after=0").lines()
    digest = hashlib.sha256(png(value=177)).hexdigest()
    assert [line["sequence"] for line in found if line["input"]["sha256"] == digest] == [json.loads(output)["sequence"]]
    assert len(found) == before + 1


def test_following_goes_on_after_the_service_and_the_client_ended(client, start, tmp_path):
    position = tmp_path / "position.txt"
    command = [*client[0], str(tmp_path / "tern.sock"), "follow", str(position)]
    server = start()
    for _ in range(3):
        assert server.post(png()).status == 200
    reader = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True)
    try:
        assert [json.loads(reader.stdout.readline())["sequence"] for _ in range(3)] == [1, 2, 3]
        server.process.kill()
        server.process.wait()
        server = start()
        assert server.post(png()).status == 200
        # The same client goes on by itself.
        assert json.loads(reader.stdout.readline())["sequence"] == 4
    finally:
        stop(reader)
    assert server.post(png()).status == 200
    known = int(position.read_text())
    assert known in (3, 4), "a result is printed before its number is remembered"
    reader = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True)
    try:
        assert json.loads(reader.stdout.readline())["sequence"] == known + 1
    finally:
        stop(reader)


def test_what_was_followed_may_be_removed(client, start, tmp_path):
    server = start(*SMALL, "--retain-bytes", "6000", "--queue", "200")
    connection, next_line = follow(server, "/v1/events?follow=1")
    reader = subprocess.Popen(
        [*client[0], str(server.socket_path), "follow", str(tmp_path / "position.txt")], stdout=subprocess.PIPE, text=True, start_new_session=True)
    try:
        # Nobody waits for an answer: only who follows has the results.
        for value in range(120):
            server.post(png(value=value), wait=False)
        assert [json.loads(reader.stdout.readline())["sequence"] for _ in range(120)] == list(range(1, 121))
        assert wait_for_event(next_line, "findings_removed")["first"] == 1
        assert server.status()["results"]["read_through"] >= 100
    finally:
        stop(reader)
        connection.close()


def test_who_comes_too_late_is_told_what_is_gone(client, start, tmp_path):
    server = start(*SMALL, "--retain-bytes", "6000")
    connection, next_line = follow(server, "/v1/events?follow=1")
    for value in range(20):
        server.post(png(value=value))
    wait_for_event(next_line, "findings_removed")
    server.wait_for(lambda status: status["results"]["disk_bytes"] <= 6000)
    oldest = server.ask("GET", "/v1/findings?after=0").json()["oldest"]
    reader = subprocess.Popen(
        [*client[0], str(server.socket_path), "follow", str(tmp_path / "position.txt")], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        start_new_session=True)
    try:
        assert [json.loads(reader.stdout.readline())["sequence"] for _ in range(21 - oldest)] == list(range(oldest, 21))
        assert reader.stderr.readline() == f"results 1 to {oldest - 1} were removed before they were read here\n"
    finally:
        stop(reader)
        reader.stderr.close()
        connection.close()


def test_an_answer_that_is_no_json_is_shown(client, tmp_path):
    """As one of the HTTP library: the client neither fails nor waits."""
    (tmp_path / "a.png").write_bytes(png())
    page = b"<html>no</html>"
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        listener.bind(str(tmp_path / "tern.sock"))
        listener.listen()
        command, names_kind = client
        sender = subprocess.Popen(
            [*command, str(tmp_path / "tern.sock"), "submit", *(["image/png"] if names_kind else []), str(tmp_path / "a.png")], stdout=subprocess.PIPE,
            text=True)
        with listener.accept()[0] as channel:
            received = b""
            while not received.endswith(png()):
                received += channel.recv(65536)
            channel.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Type: text/html\r\nConnection: close\r\n\r\n" + page)
        output, _ = sender.communicate(timeout=LIMIT)
    assert sender.returncode == 1 and page.decode() in output


def stop(process):
    """Ends a client with everything it started."""
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    process.stdout.close()
