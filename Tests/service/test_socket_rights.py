"""Who may connect, who may change something, and what happens to a socket that is there already. The kernel says who asks (SO_PEERCRED)."""

import grp
import http.client
import json
import os
import pathlib
import socket
import subprocess

import pytest
from harness import CONTRACT, LIMIT, Answer, png, program

OTHER = 65534
needs_root = pytest.mark.skipif(os.getuid() != 0, reason="only the superuser becomes another user")


def ask_as(user, group, server, method, target, body=None):
    """Status and body that another user gets; None when it cannot connect. A fork, not a program: the interpreter may lie where others cannot read."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        answer = None
        try:
            os.setgroups([])
            os.setgid(group)
            os.setuid(user)
            connection = server.connect()
            connection.request(method, target, body=body, headers={"Content-Type": "image/png"})
            response = connection.getresponse()
            answer = [response.status, response.read().decode()]
        except PermissionError:
            pass
        finally:
            os.write(writing, json.dumps(answer).encode())
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as file:
        content = file.read()
    os.waitpid(child, 0)
    return json.loads(content)


@pytest.fixture
def reachable(tmp_path):
    """A folder that other users can enter; the parents of tmp_path are for one alone."""
    folder = pathlib.Path("/tmp") / f"tern-{os.getpid()}-{tmp_path.name[-8:]}"
    folder.mkdir(mode=0o755)
    yield folder
    for path in folder.iterdir():
        path.unlink()
    folder.rmdir()


@needs_root
def test_the_group_of_the_socket_may_connect_and_nobody_else(start, reachable):
    server = start("--socket-group", OTHER, socket_path=reachable / "s")
    found = server.socket_path.stat()
    assert (found.st_mode & 0o777, found.st_uid, found.st_gid) == (0o660, 0, OTHER)
    status, content = ask_as(OTHER, OTHER, server, "POST", "/v1/studies?wait=1", png())
    assert status == 200 and json.loads(content)["status"] == "succeeded"
    assert ask_as(OTHER, 12345, server, "GET", "/v1/status") is None
    assert server.stop() == 0 and not server.socket_path.exists()


@needs_root
def test_a_group_has_a_name(start):
    entry = next(entry for entry in grp.getgrall() if entry.gr_gid not in (0, os.getgid()))
    assert start("--socket-group", entry.gr_name).socket_path.stat().st_gid == entry.gr_gid


@pytest.mark.parametrize("name", ["no-such-group", "-1", "4294967295", ""])
def test_a_group_that_is_none(start, name):
    server = start(f"--socket-group={name}", ready=False)
    assert server.process.wait(timeout=LIMIT) == 64 and "--socket-group" in server.stop_messages()
    assert not server.socket_path.exists()


@pytest.mark.skipif(os.getuid() == 0, reason="the superuser may give a socket to every group")
def test_a_group_that_one_is_not_in(start):
    server = start("--socket-group", "0", ready=False)
    assert server.process.wait(timeout=LIMIT) == 77 and not server.socket_path.exists()


@needs_root
def test_a_user_who_is_not_named_may_read_and_change_nothing(start, reachable):
    server = start("--socket-group", OTHER, "--allow-user", "root,1234", socket_path=reachable / "s")
    status, content = ask_as(OTHER, OTHER, server, "POST", "/v1/studies?wait=1", png())
    problem = json.loads(content)
    assert status == 403 and problem["code"] == "user_not_allowed"
    CONTRACT.validate({"$ref": "#/components/schemas/Problem"}, problem)
    assert ask_as(OTHER, OTHER, server, "GET", "/v1/status")[0] == 200
    assert ask_as(1234, OTHER, server, "POST", "/v1/studies?wait=1", png())[0] == 200
    assert server.post(png()).status == 200
    assert 'tern_requests_refused_total{status="403",code="user_not_allowed"} 1' in server.ask("GET", "/metrics").body.decode()
    assert server.status()["results"]["last_sequence"] == 2


def test_who_may_only_read_has_nothing_removed(start):
    server = start()
    for number in range(3):
        assert server.post(png(value=number), wait=False).status == 202
    server.wait_for(lambda status: status["results"]["last_sequence"] == 3)
    server.stop()
    for user, through in ((os.getuid() + 1, 0), (os.getuid(), 2)):
        server = start("--allow-user", str(user))
        assert len(server.ask("GET", "/v1/findings?after=2").body.splitlines()) == 1
        assert server.status()["results"]["read_through"] == through
        server.stop()


def test_the_own_user_can_be_left_out(start):
    server = start("--allow-user", str(os.getuid() + 1))
    assert server.post(png()).json()["code"] == "user_not_allowed"
    assert server.ask("GET", "/v1/nothing").status == 404 and server.ask("POST", "/v1/status").status == 405


@pytest.mark.parametrize("names", ["no-such-user", "1000,", "", "-5"])
def test_users_that_are_none(start, names):
    server = start(f"--allow-user={names}", ready=False)
    assert server.process.wait(timeout=LIMIT) == 64 and "--allow-user" in server.stop_messages()


@needs_root
def test_who_sent_a_study_is_in_the_queue(start, reachable):
    """The identity is of the kernel, so nothing that a client sends changes it."""
    server = start("--socket-group", OTHER, model="slow.tern", socket_path=reachable / "s")
    server.post(png(), wait=False)
    status, content = ask_as(OTHER, OTHER, server, "POST", "/v1/studies", png(value=9))
    assert status == 202
    identifier = json.loads(content)["id"]
    path = next((server.state / "queue").glob(f"*-{identifier}.study"))
    assert int.from_bytes(path.read_bytes()[104:112], "little") == OTHER + 1  # JournalEntry.swift


def test_a_socket_of_the_manager_keeps_its_mode_and_stays(start, models, tmp_path):
    """Activation: neither mode nor group nor path are the service's to change."""
    path = tmp_path / "given.sock"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        path.chmod(0o600)
        listener.listen()
        before = path.stat()
        process = subprocess.Popen(
            ["sh", "-c", 'export LISTEN_PID=$$ LISTEN_FDS=1; exec "$@"', "sh", *program(), "serve", "--model", str(models / "mean.tern"), "--allow-unsigned",
             "--state", str(tmp_path / "state")], pass_fds=[3], stderr=subprocess.PIPE, text=True, preexec_fn=lambda: os.dup2(listener.fileno(), 3))
        try:
            assert any(line.startswith("ternd: ready: socket of the service manager") for line in process.stderr)
            connection = http.client.HTTPConnection("tern", timeout=LIMIT)
            connection.sock = socket.socket(socket.AF_UNIX)
            connection.sock.connect(str(path))
            connection.request("POST", "/v1/studies?wait=1", png(), {"Content-Type": "image/png"})
            assert Answer(connection.getresponse()).status == 200
            connection.close()
            process.terminate()
            assert process.wait(timeout=LIMIT) == 0
        finally:
            process.kill()
            process.wait()
            process.stderr.close()
    after = path.stat()
    assert (after.st_mode, after.st_ino, after.st_gid) == (before.st_mode, before.st_ino, before.st_gid)
