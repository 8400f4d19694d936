"""The example clients of docs/integrators-guide.md against the real program."""

import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys

import pytest
from harness import LIMIT, dicom, png

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


def stop(process):
    """Ends a client with everything it started."""
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    process.stdout.close()
