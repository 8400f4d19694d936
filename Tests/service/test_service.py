import hashlib
import http.client
import json
import os
import resource
import signal
import socket
import struct
import subprocess
import threading

import pytest
from conftest import CONTRACT, LIMIT, dicom, jpeg, png, ternd


def huge_jpeg():
    data = jpeg()
    at = data.index(b"\xff\xc0")
    return data[: at + 5] + struct.pack(">HH", 60000, 60000) + data[at + 9:]


def huge_png():
    import zlib

    head = struct.pack(">IIBBBBB", 60000, 60000, 8, 0, 0, 0, 0)
    data = png()
    return data[:16] + head + struct.pack(">I", zlib.crc32(b"IHDR" + head)) + data[33:]


def test_a_study_is_answered_and_recorded(start):
    server = start()
    body = png()
    answer = server.post(body)
    result = answer.json()
    assert answer.status == 200 and result["status"] == "succeeded" and result["sequence"] == 1
    assert result["input"] == {"kind": "png", "sha256": hashlib.sha256(body).hexdigest()}
    assert result["model"]["signature"] == "unsigned"
    assert result["findings"][0]["call"] == "positive"
    assert (server.state / "findings.jsonl").read_bytes() == answer.body
    assert server.ask("GET", "/v1/findings/" + result["id"]).body == answer.body
    assert server.ask("GET", "/v1/findings").body == answer.body


def test_a_study_without_waiting(start):
    server = start()
    answer = server.post(png(), wait=False)
    assert answer.status == 202
    identifier = answer.json()["id"]
    server.wait_for(lambda status: status["results"]["last_sequence"] == 1)
    assert server.ask("GET", "/v1/findings/" + identifier).json()["id"] == identifier


def test_dicom_and_jpeg(start):
    server = start()
    assert server.post(jpeg(), "image/jpeg; q=1").json()["input"]["kind"] == "jpeg"
    answer = server.post(dicom(), "Application/DICOM").json()
    assert answer["input"]["sopInstanceUID"] == "2.25.1234" and answer["input"]["frame"] == 1
    assert b"Doe" not in (server.state / "findings.jsonl").read_bytes()


@pytest.mark.parametrize(
    "body, kind, status, code",
    [
        (b"", "image/png", 400, "empty_input"),
        (b"a text file\n", "text/plain", 415, "unknown_kind"),
        (b"a text file\n", "image/jpeg", 415, "kind_mismatch"),
        (png(), "image/jpeg", 415, "kind_mismatch"),
        (png(), "application/nifti", 415, "unknown_kind"),
    ])
def test_refused_at_the_door(start, body, kind, status, code):
    server = start()
    answer = server.post(body, kind)
    assert (answer.status, answer.json()["code"]) == (status, code)
    assert server.status()["results"]["last_sequence"] == 0
    assert server.post(png()).status == 200


@pytest.mark.parametrize(
    "body, kind, status, code, value",
    [
        (jpeg()[:300], "image/jpeg", 400, "unreadable", "JPEG-TRUNCATED"),
        (huge_jpeg(), "image/jpeg", 413, "too_large", "IMAGE-TOO-LARGE"),
        (huge_png(), "image/png", 413, "too_large", "IMAGE-TOO-LARGE"),
        (png()[:40], "image/png", 400, "unreadable", "PNG-TRUNCATED"),
        (dicom(pixels=False), "application/dicom", 422, "unfit", "DICOM-NO-PIXELS"),
        (dicom()[:-50], "application/dicom", 400, "unreadable", "DICOM-TRUNCATED"),
    ])
def test_unreadable_input_is_a_failed_result(start, body, kind, status, code, value):
    server = start()
    answer = server.post(body, kind)
    assert (answer.status, answer.json()["code"], answer.json()["reason"]["value"]) == (status, code, value)
    (line,) = server.ask("GET", "/v1/findings").lines()
    assert (line["status"], line["sequence"], line["id"]) == ("failed", answer.json()["sequence"], answer.json()["id"])
    assert server.post(png()).json()["sequence"] == 2


def test_modality_that_does_not_fit(start):
    answer = start(model="dx.tern").post(dicom(modality="US"), "application/dicom")
    assert answer.status == 422


@pytest.mark.parametrize(
    "method, target, status",
    [
        ("GET", "/", 404), ("GET", "/v1/nothing", 404), ("GET", "/v1/findings/1", 404), ("GET", "/v1/studies", 405),
        ("DELETE", "/v1/findings", 405), ("POST", "/v1/status", 405), ("PUT", "/healthz", 405), ("GET", "/v1/findings?after=x", 400),
        ("GET", "/v1/findings?after=-1", 400), ("GET", "/v1/findings?after=99999999999999999999", 400), ("GET", "/v1/findings?after=1", 400),
        ("GET", "/v1/findings?follow=yes", 400), ("GET", "/v1/findings?after=0&after=0", 400), ("GET", "/v1/status?x=1", 400),
        ("GET", "/v1/findings/00000000-0000-4000-8000-000000000000", 404), ("GET", "/v1/findings/ID/map.jpg", 404),
        ("POST", "/v1/findings/00000000-0000-4000-8000-000000000000/review", 404),
    ])
def test_problems(start, method, target, status):
    answer = start().ask(method, target)
    assert answer.status == status
    assert answer.json()["status"] == status
    assert (answer.headers["Allow"] is not None) == (status == 405)


def test_status_model_health_metrics(start):
    server = start()
    server.post(png())
    assert server.status()["state"] == "ready"
    model = server.ask("GET", "/v1/model").json()
    assert model["card"] == '{"purpose":"tests"}' and model["labels"][0]["threshold"] == 0.5
    assert server.ask("GET", "/healthz").body == b"ok\n"
    metrics = server.ask("GET", "/metrics").body.decode()
    assert 'tern_results_total{status="succeeded"} 1\n' in metrics
    for line in metrics.splitlines():
        assert line.startswith("#") or len(line.rsplit(" ", 1)) == 2


def test_one_connection_carries_many_requests(start):
    server = start()
    connection = server.connect()
    for index in range(20):
        connection.request("POST", "/v1/studies?wait=1", png(), {"Content-Type": "image/png"})
        assert json.loads(connection.getresponse().read())["sequence"] == index + 1
    connection.close()


def test_curl_speaks_to_it(start, tmp_path):
    server = start()
    (tmp_path / "image").write_bytes(png())
    done = subprocess.run(
        ["curl", "-sS", "--fail", "--unix-socket", server.socket_path, "-H", "Content-Type: image/png", "--data-binary",
         f"@{tmp_path / 'image'}", "http://tern/v1/studies?wait=1"], capture_output=True, timeout=LIMIT)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["sequence"] == 1


# --- the stream


def follow(server, target):
    connection = server.connect()
    connection.request("GET", target)
    response = connection.getresponse()
    assert response.status == 200 and response.headers["Content-Type"] == "application/jsonl"

    def next_line():
        while True:
            line = response.readline()
            if line.strip():
                CONTRACT.validate({"$ref": "#/components/schemas/Result"}, json.loads(line))
                return json.loads(line)
            if not line:
                return None

    return connection, next_line


def test_follow_and_resume(start):
    server = start()
    for _ in range(3):
        server.post(png())
    connection, next_line = follow(server, "/v1/findings?after=1&follow=1")
    assert [next_line()["sequence"] for _ in range(2)] == [2, 3]
    server.post(png())
    assert next_line()["sequence"] == 4
    connection.close()
    server.post(png())
    connection, next_line = follow(server, "/v1/findings?after=4&follow=1")
    assert next_line()["sequence"] == 5
    assert [line["sequence"] for line in server.ask("GET", "/v1/findings?after=3").lines()] == [4, 5]
    assert server.ask("GET", "/v1/findings?after=5").body == b""
    connection.close()


def test_a_result_is_on_the_disk_before_it_is_on_the_stream(start):
    server = start()
    connection, next_line = follow(server, "/v1/findings?follow=1")
    for index in range(10):
        server.post(png(), wait=False)
        line = next_line()
        assert json.loads((server.state / "findings.jsonl").read_text().splitlines()[index]) == line
    connection.close()


def test_results_no_longer_kept_are_gone_and_say_so(start):
    server = start("--keep", "3")
    for _ in range(5):
        server.post(png())
    answer = server.ask("GET", "/v1/findings?after=1")
    assert answer.status == 410 and answer.json()["oldest"] == 3 and answer.json()["newest"] == 5
    assert [line["sequence"] for line in server.ask("GET", "/v1/findings").lines()] == [3, 4, 5]
    assert [line["sequence"] for line in server.ask("GET", "/v1/findings?after=2").lines()] == [3, 4, 5]


def test_followers_are_bounded(start):
    server = start()
    followers = [follow(server, "/v1/findings?follow=1")[0] for _ in range(16)]
    answer = server.ask("GET", "/v1/findings?follow=1")
    assert answer.status == 503 and answer.json()["code"] == "too_many_streams"
    for connection in followers:
        connection.close()


# --- clients that misbehave


def test_a_client_that_sends_one_byte_and_waits(start):
    server = start("--client-timeout", "1")
    with server.raw() as channel:
        channel.sendall(b"P")
        assert server.post(png()).status == 200
        answer = channel.recv(4096)
        assert answer.startswith(b"HTTP/1.1 408 ") and b"request_timeout" in answer
        assert channel.recv(1) == b""
    assert server.wait_for(lambda status: status["clients"]["slow_senders"] == 1)


def test_a_client_that_trickles_does_not_last(start):
    server = start("--client-timeout", "1")
    with server.raw() as channel:
        channel.sendall(b"POST /v1/studies HTTP/1.1\r\nContent-Length: 1000000\r\n\r\n")
        channel.settimeout(0.05)
        answer = b""
        for _ in range(1000):
            try:
                channel.sendall(b"x")
                answer += channel.recv(4096)
            except TimeoutError:
                continue
            except (BrokenPipeError, ConnectionResetError):
                pass
            if answer:
                break
        assert answer.startswith(b"HTTP/1.1 408 ")
    assert server.post(png()).status == 200


def test_a_client_that_connects_and_says_nothing_is_closed(start):
    server = start("--client-timeout", "1")
    with server.raw() as channel:
        assert channel.recv(1) == b""


def test_a_client_that_never_reads_is_dropped(start):
    server = start("--client-timeout", "1", "--keep", "100000")
    with server.raw() as channel:
        channel.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        channel.sendall(b"GET /v1/findings?follow=1 HTTP/1.1\r\nHost: tern\r\n\r\n")
        server.wait_for(lambda status: status["clients"]["streams"] == 1)
        connection = server.connect()
        status = server.status()
        for _ in range(5000):
            connection.request("POST", "/v1/studies?wait=1", png(), {"Content-Type": "image/png"})
            assert connection.getresponse().read()
            if _ % 100 == 0 and server.status()["clients"]["slow_readers"]:
                break
        status = server.wait_for(lambda status: status["clients"]["slow_readers"] == 1)
        assert status["clients"]["streams"] == 0
        connection.close()
    assert server.post(png()).status == 200


def test_a_follower_that_falls_behind_is_dropped(start):
    server = start("--client-timeout", "3600", "--keep", "5")
    with server.raw() as channel:
        channel.sendall(b"GET /v1/findings?follow=1 HTTP/1.1\r\nHost: tern\r\n\r\n")
        server.wait_for(lambda status: status["clients"]["streams"] == 1)
        connection = server.connect()
        for _ in range(3000):
            connection.request("POST", "/v1/studies?wait=1", png(), {"Content-Type": "image/png"})
            assert connection.getresponse().read()
        # Its socket is full. As it begins to take what it has, the server finds it too far behind.
        lines = b""
        while chunk := channel.recv(65536):
            lines += chunk
        assert b"tern.result/1" in lines
        assert server.wait_for(lambda status: status["clients"]["lagging_streams"] == 1)["clients"]["streams"] == 0
        connection.close()


def test_clients_that_vanish(start):
    server = start()
    for text in [b"", b"G", b"GET /v1/findings?follow=1 HTTP/1.1\r\n\r\n", b"POST /v1/studies HTTP/1.1\r\nContent-Length: 100\r\n\r\nabc"]:
        for _ in range(20):
            with server.raw() as channel:
                channel.sendall(text)
    for _ in range(20):
        with server.raw() as channel:
            body = png()
            channel.sendall(b"POST /v1/studies?wait=1 HTTP/1.1\r\nContent-Type: image/png\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
    assert server.post(png()).status == 200
    # Followers and waiting clients that have gone are noticed without a word being sent to them.
    server.wait_for(lambda status: status["clients"]["streams"] == 0 and status["clients"]["connections"] <= 1)
    assert server.process.poll() is None


@pytest.mark.parametrize("text", [b"\x00\x01\x02\r\n\r\n", b"NONSENSE\r\n\r\n", b"GET /" + b"a" * 70000 + b" HTTP/1.1\r\n\r\n", b"BREW /x HTTP/1.1\r\n\r\n"])
def test_what_is_not_http_is_refused(start, text):
    server = start("--client-timeout", "2")
    with server.raw() as channel:
        try:
            channel.sendall(text)
            answer = channel.recv(4096)
        except (BrokenPipeError, ConnectionResetError):
            answer = b""
        assert answer == b"" or answer.startswith(b"HTTP/1.1 4") or answer.startswith(b"HTTP/1.1 501")
    assert server.post(png()).status == 200


def test_a_body_past_the_limit(start):
    server = start("--max-body", "4096")
    for count in (5000, 100_000):
        answer = server.post(png() + bytes(count))
        assert answer.status == 413
    assert server.post(png()).status == 200


def test_a_body_without_end_is_cut(start):
    server = start("--max-body", "4096")
    with server.raw() as channel:
        channel.sendall(b"POST /v1/studies HTTP/1.1\r\nContent-Length: 1000000000\r\nContent-Type: image/png\r\n\r\n")
        sent = 0
        try:
            while sent < 100_000_000:
                sent += channel.send(bytes(65536))
        except (BrokenPipeError, ConnectionResetError):
            pass
        assert sent < 2_000_000
        assert channel.recv(4096).startswith(b"HTTP/1.1 413 ")


# --- the queue


def test_a_full_queue_says_so(start):
    server = start("--queue", "1", model="slow.tern")
    assert [server.post(png(), wait=False).status for _ in range(2)] == [202, 202]
    answer = server.post(png())
    assert answer.status == 503 and answer.json()["code"] == "queue_full" and answer.headers["Retry-After"] == "1"
    # The loop answers while the worker works.
    assert server.status()["queue"]["pending"] == 2
    server.wait_for(lambda status: status["results"]["last_sequence"] == 2)
    assert server.post(png()).json()["sequence"] == 3


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


# --- start and stop


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_it_cleanly(start, number):
    server = start()
    server.post(png())
    assert server.stop(number) == 0
    assert server.messages[-1] == "ternd: stopped"
    assert not server.socket_path.exists()


def test_stopping_finishes_the_study_that_is_read(start):
    server = start(model="slow.tern")
    connection = server.connect()
    connection.request("POST", "/v1/studies?wait=1", png(), {"Content-Type": "image/png"})
    server.wait_for(lambda status: status["queue"]["pending"] == 1 and status["queue"]["waiting"] == 0)
    queued = [server.post(png(), wait=False).json()["id"] for _ in range(2)]
    stream, next_line = follow(server, "/v1/findings?follow=1")
    server.process.send_signal(signal.SIGTERM)
    assert json.loads(connection.getresponse().read())["status"] == "succeeded"
    assert [next_line()["status"] for _ in range(3)] == ["succeeded", "not_attempted", "not_attempted"]
    assert next_line() is None
    assert server.process.wait(timeout=LIMIT) == 0
    lines = [json.loads(line) for line in (server.state / "findings.jsonl").read_text().splitlines()]
    assert [(line["status"], line["sequence"]) for line in lines] == [("succeeded", 1), ("not_attempted", 2), ("not_attempted", 3)]
    assert [line["id"] for line in lines[1:]] == queued


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
    server.stop()
    path = server.state / "findings.jsonl"
    path.write_bytes(b"something\nelse\n")
    server = start(ready=False)
    assert server.process.wait(timeout=LIMIT) == 74
    assert path.read_bytes() == b"something\nelse\n"


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


def test_a_second_server_is_refused(start, tmp_path):
    first = start()
    same_state = start(ready=False)
    assert same_state.process.wait(timeout=LIMIT) == 75 and "state directory: another ternd" in same_state.stop_messages()
    same_socket = start(ready=False, state=tmp_path / "other")
    assert same_socket.process.wait(timeout=LIMIT) == 75 and "another server answers" in same_socket.stop_messages()
    assert first.post(png()).status == 200


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
    from conftest import Server, binary

    path = tmp_path / "given.sock"
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        listener.bind(str(path))
        listener.listen()
        command = [binary(), "serve", "--model", str(models / "mean.tern"), "--state", str(tmp_path / "state"), "--allow-unsigned"]
        # The shell knows its process number, and becomes ternd under it.
        process = subprocess.Popen(
            ["sh", "-c", 'export LISTEN_PID=$$ LISTEN_FDS=1; exec "$@"', "sh", *command], pass_fds=[3], stderr=subprocess.PIPE, text=True,
            preexec_fn=lambda: os.dup2(listener.fileno(), 3))
        try:
            assert "ready" in process.stderr.readline()
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
