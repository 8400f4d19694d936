import http.client
import json
import os
import resource
import signal
import socket
import subprocess
import threading

import pytest
from harness import LIMIT, Server, follow, png, program


def test_a_full_queue_says_so(start):
    server = start("--queue", "1", model="slow.tern")
    # Two have a place; a busy machine may read some before the queue is full.
    accepted = 0
    while (answer := server.post(png(), wait=False)).status == 202:
        accepted += 1
        assert accepted < 50
    assert accepted >= 2 and answer.status == 503 and answer.json()["code"] == "queue_full" and answer.headers["Retry-After"] == "1"
    # The loop answers while the worker works.
    assert server.status()["queue"]["pending"] <= 2
    server.wait_for(lambda status: status["results"]["last_sequence"] == accepted)
    assert server.post(png()).json()["sequence"] == accepted + 1


def test_a_pending_study_is_202(start):
    server = start(model="slow.tern")
    identifier = server.post(png(), wait=False).json()["id"]
    assert server.ask("GET", "/v1/findings/" + identifier).status == 202


def test_a_waiting_client_that_leaves_does_not_lose_the_study(start):
    server = start(model="slow.tern")
    body = png()
    with server.raw() as channel:
        channel.sendall(b"POST /v1/studies?wait=1 HTTP/1.1\r\nContent-Type: image/png\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        server.wait_for(lambda status: status["queue"]["pending"] == 1)
    server.wait_for(lambda status: status["results"]["last_sequence"] == 1)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_it_cleanly(start, number):
    server = start()
    server.post(png())
    assert server.stop(number) == 0
    # A disk that is slow to flush may keep a thread past the end, which is said behind it.
    assert server.messages[-1].startswith("ternd: stopped")
    assert not server.socket_path.exists()


def test_stopping_finishes_the_study_that_is_read(start):
    server = start(model="slow.tern")
    connection = server.connect()
    connection.request("POST", "/v1/studies?wait=1", png(), {"Content-Type": "image/png"})
    server.wait_for(lambda status: status["queue"]["pending"] == 1 and status["queue"]["waiting"] == 0)
    queued = [server.post(png(), wait=False).json()["id"] for _ in range(2)]
    waiting = server.connect()
    waiting.request("POST", "/v1/studies?wait=1", png(), {"Content-Type": "image/png"})
    server.wait_for(lambda status: status["queue"]["waiting"] == 3)
    stream, next_line = follow(server, "/v1/findings?follow=1")
    server.process.send_signal(signal.SIGTERM)
    assert json.loads(connection.getresponse().read())["status"] == "succeeded"
    answer = waiting.getresponse()
    problem = json.loads(answer.read())
    assert answer.status == 503 and problem["code"] == "stopping" and problem["id"] and answer.headers["Retry-After"] is None
    assert next_line()["status"] == "succeeded" and next_line() is None
    assert server.process.wait(timeout=LIMIT) == 0
    # Those that waited are answered by the next one, in order.
    server = start(model="slow.tern")
    assert "ternd: queue: 3 accepted studies wait for their result" in server.messages
    server.wait_for(lambda status: status["results"]["last_sequence"] == 4)
    lines = server.ask("GET", "/v1/findings?after=1").lines()
    assert [(line["status"], line["id"]) for line in lines] == [("succeeded", identifier) for identifier in [*queued, problem["id"]]]


def test_kill_and_restart_go_on_counting(start):
    server = start()
    for _ in range(3):
        server.post(png())
    before = server.ask("GET", "/v1/findings").body
    server.stop(signal.SIGKILL)
    server = start()
    assert any("replaced a socket" in message for message in server.messages)
    assert server.ask("GET", "/v1/findings").body == before
    assert server.post(png()).json()["sequence"] == 4
    assert [line["sequence"] for line in server.ask("GET", "/v1/findings?after=2").lines()] == [3, 4]


def test_kill_at_any_moment_leaves_a_readable_file(start):
    sequence = 0
    for _ in range(5):
        server = start()
        stop = threading.Event()
        seen = []

        def load():
            connection = server.connect()
            try:
                while not stop.is_set():
                    connection.request("POST", "/v1/studies?wait=1", png(), {"Content-Type": "image/png"})
                    seen.append(json.loads(connection.getresponse().read())["sequence"])
            except (OSError, http.client.HTTPException, ValueError):
                pass

        thread = threading.Thread(target=load)
        thread.start()
        server.wait_for(lambda status: status["results"]["last_sequence"] >= sequence + 20)
        server.process.kill()
        server.process.wait()
        stop.set()
        thread.join()
        lines = (server.state / "findings.jsonl").read_bytes().split(b"\n")
        sequences = [json.loads(line)["sequence"] for line in lines[:-1]]
        assert sequences == list(range(1, len(sequences) + 1))
        assert not seen or seen[-1] <= sequences[-1]
        sequence = sequences[-1]


def test_a_torn_line_is_cut_and_reported(start):
    server = start()
    server.post(png())
    server.stop(signal.SIGKILL)
    path = server.state / "findings.jsonl"
    whole = path.read_bytes()
    for torn in (whole[:100], b"\0" * 512, b"\0" * 511 + b"\n"):
        path.write_bytes(whole + torn)
        server = start()
        assert f"ternd: findings.jsonl: cut {len(torn)} bytes of an unfinished last line" in server.messages
        assert server.status()["results"]["cut_bytes_at_start"] == len(torn)
        assert path.read_bytes() == whole
        server.stop(signal.SIGKILL)


def test_a_file_that_is_not_ours_is_left_alone(start):
    server = start()
    server.post(png())
    server.stop()
    path = server.state / "findings.jsonl"
    whole = path.read_bytes()
    for contents in (b"something\nelse\n", b"one line\n", whole + b"a note\n", whole + whole):
        path.write_bytes(contents)
        server = start(ready=False)
        assert server.process.wait(timeout=LIMIT) == 74
        assert "move the file away" in server.stop_messages()
        assert path.read_bytes() == contents


def test_a_disk_that_takes_no_more(start):
    def small_files():
        resource.setrlimit(resource.RLIMIT_FSIZE, (3000, 3000))

    server = start(preexec=small_files)
    statuses = [server.post(png()).status for _ in range(8)]
    taken = statuses.index(507)
    assert statuses == [200] * taken + [507] * (8 - taken) and taken >= 1
    assert server.post(png(), wait=False).status == 507
    assert server.status()["results"]["recording"] is False
    lines = (server.state / "findings.jsonl").read_text().splitlines()
    assert [json.loads(line)["sequence"] for line in lines] == list(range(1, taken + 1))
    assert [line["sequence"] for line in server.ask("GET", "/v1/findings").lines()] == list(range(1, taken + 1))


def test_the_state_directory_may_be_a_link_and_nothing_inside_it(start, tmp_path):
    (tmp_path / "private").mkdir()
    linked = tmp_path / "linked"
    linked.symlink_to("private")
    server = start("--watch", tmp_path / "in", state=linked)
    assert server.post(png()).status == 200 and server.stop() == 0
    assert (tmp_path / "private" / "findings.jsonl").read_text().count("\n") == 1
    for name in ("queue", "findings", "audit"):
        folder = tmp_path / "private" / name
        folder.rename(tmp_path / name)
        folder.symlink_to(tmp_path / name)
        assert start(state=linked, ready=False).process.wait(timeout=LIMIT) not in (0, None), name
        folder.unlink()
        (tmp_path / name).rename(folder)


def test_what_a_kill_left_of_a_file_is_removed(start, tmp_path):
    assert start().stop() == 0
    state = tmp_path / "state"
    ours = [state / "model-trial.12.0.tmp", state / "audit" / "head.345.99.tmp"]
    others = [state / "model-trial.old.tmp", state / "audit" / "head.tmp.1", state / "other.1.0.tmp"]
    for path in ours + others:
        path.write_text("x")
    assert start().stop() == 0
    assert [path.exists() for path in ours + others] == [False] * 2 + [True] * 3


def test_a_second_server_is_refused(start, tmp_path):
    first = start()
    same_state = start(ready=False)
    assert same_state.process.wait(timeout=LIMIT) == 75 and "state directory: another ternd" in same_state.stop_messages()
    same_socket = start(ready=False, state=tmp_path / "other")
    assert same_socket.process.wait(timeout=LIMIT) == 75 and "another server answers" in same_socket.stop_messages()
    assert first.post(png()).status == 200


def test_stopping_leaves_the_socket_of_another_server(start, tmp_path):
    first = start()
    first.socket_path.unlink()
    second = start(state=tmp_path / "other")
    assert first.stop() == 0
    assert second.post(png()).status == 200
    assert second.stop() == 0 and not second.socket_path.exists()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["other", "state"]


def test_of_servers_that_start_together_one_listens(start, tmp_path):
    start().stop(signal.SIGKILL)  # leaves a socket that nobody listens on
    servers = [start(ready=False, state=tmp_path / f"state{index}") for index in range(6)]
    ready = []
    for server in servers:
        try:
            ready.append(server.wait_until_ready())
        except AssertionError:
            assert server.process.wait(timeout=LIMIT) == 75, server.messages
    assert len(ready) == 1
    assert ready[0].post(png()).status == 200
    assert not (tmp_path / "tern.sock.lock").exists()


def test_a_file_that_bears_the_name_of_the_lock_stays(start, tmp_path):
    (tmp_path / "tern.sock.lock").write_text("mine")
    assert start().stop() == 0
    assert (tmp_path / "tern.sock.lock").read_text() == "mine"


def test_a_socket_path_that_is_a_file(start, tmp_path):
    (tmp_path / "file").write_text("mine")
    server = start(ready=False, socket_path=tmp_path / "file")
    assert server.process.wait(timeout=LIMIT) == 66 and "not a socket" in server.stop_messages()
    assert (tmp_path / "file").read_text() == "mine"


def test_a_socket_path_that_is_too_long(start, tmp_path):
    server = start(ready=False, socket_path=tmp_path / ("x" * 120))
    assert server.process.wait(timeout=LIMIT) == 64


def test_the_socket_is_for_owner_and_group(start):
    assert oct(start().socket_path.stat().st_mode & 0o777) == "0o660"


def test_a_model_that_is_none(start, tmp_path):
    (tmp_path / "text").write_text("not a model\n" * 1000)
    server = start(ready=False, model=tmp_path / "text")
    assert server.process.wait(timeout=LIMIT) == 65 and "F-01" in server.stop_messages()
    assert not server.socket_path.exists()


def test_an_unsigned_model_needs_the_flag(start):
    server = start(ready=False, unsigned=False)
    assert server.process.wait(timeout=LIMIT) == 65
    signed = start(model="signed.tern", unsigned=False)
    assert signed.post(png()).json()["model"]["signature"] == "valid"


def test_golden_vectors_that_differ_keep_it_from_starting(start):
    server = start(ready=False, model="wrong.tern")
    assert server.process.wait(timeout=LIMIT) == 70 and "golden vector 0" in server.stop_messages()
    assert not server.socket_path.exists()


def test_it_tells_the_service_manager(start, tmp_path):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.settimeout(LIMIT)
        server = start(environment={"NOTIFY_SOCKET": str(tmp_path / "notify")})
        assert manager.recv(100) == b"READY=1"
        assert server.stop() == 0
        assert manager.recv(100) == b"STOPPING=1"


def test_a_socket_from_the_service_manager(models, tmp_path):
    path = tmp_path / "given.sock"
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        listener.bind(str(path))
        listener.listen()
        command = [*program(), "serve", "--model", str(models / "mean.tern"), "--state", str(tmp_path / "state"), "--allow-unsigned"]
        # The shell knows its process number, and becomes ternd under it.
        process = subprocess.Popen(
            ["sh", "-c", 'export LISTEN_PID=$$ LISTEN_FDS=1; exec "$@"', "sh", *command], pass_fds=[3], stderr=subprocess.PIPE, text=True,
            preexec_fn=lambda: os.dup2(listener.fileno(), 3))
        try:
            assert any("ready" in line for line in process.stderr)
            server = Server.__new__(Server)
            server.socket_path = path
            assert server.post(png()).status == 200
            process.terminate()
            assert process.wait(timeout=LIMIT) == 0
        finally:
            process.kill()
            process.wait()
            process.stderr.close()
    assert path.exists(), "the path belongs to the manager"
