import io
import json
import os
import re
import socket
import time

import numpy as np
import pytest
from PIL import Image
from harness import png


def test_a_client_that_sends_one_byte_and_waits(start):
    server = start("--client-timeout", "1")
    with server.raw() as channel:
        channel.sendall(b"P")
        assert server.post(png()).status == 200
        answer = b""
        while part := channel.recv(4096):
            answer += part
        assert answer.startswith(b"HTTP/1.1 408 ") and b"request_timeout" in answer
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


def test_a_follower_that_falls_behind_goes_on_from_the_disk(start):
    server = start("--client-timeout", "3600", "--keep", "5")
    with server.raw() as channel:
        channel.sendall(b"GET /v1/findings?follow=1 HTTP/1.1\r\nHost: tern\r\n\r\n")
        server.wait_for(lambda status: status["clients"]["streams"] == 1)
        connection = server.connect()
        for _ in range(1000):
            connection.request("POST", "/v1/studies?wait=1", png(), {"Content-Type": "image/png"})
            assert connection.getresponse().read()
        # Its socket was full for long. It loses nothing.
        lines = b""
        while b'"sequence":1000,' not in lines:
            lines += channel.recv(65536)
        assert [int(number) for number in re.findall(rb'"sequence":(\d+),"id"', lines)] == list(range(1, 1001))
        assert server.status()["clients"]["lagging_streams"] == 0
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
    server.wait_for(lambda status: status["queue"]["pending"] == 0)
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
    # Read whole, and cut.
    for count in (4096 - len(png()) + 1, 5000, 100_000):
        answer = server.post(png() + bytes(count))
        assert answer.status == 413 and answer.json()["code"] == "body_too_large"
    answer = server.ask("POST", "/v1/frames", png() + bytes(5000), {"Content-Type": "image/png"})
    assert answer.status == 413 and answer.json()["code"] == "body_too_large"
    assert 'tern_requests_refused_total{status="413",code="body_too_large"} 4' in server.ask("GET", "/metrics").body.decode()
    assert server.post(png() + bytes(4096 - len(png()))).status == 200
    assert server.stop() == 0
    records = [json.loads(line) for line in (server.state / "audit/audit.jsonl").read_bytes().splitlines()]
    refusals = [record for record in records if record["event"] == "refusal" and record["code"] == "body_too_large"]
    assert sum(record.get("count", 1) for record in refusals) == 4 and {record["uid"] for record in refusals} == {os.getuid()}


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


def test_a_connection_that_is_kept_open_is_as_fast_as_a_new_one(start):
    """Of the requests after the first none may wait for the sweep, which comes five times a second."""
    server = start()
    out = io.BytesIO()
    Image.fromarray(np.random.default_rng(1).integers(0, 256, (512, 512), dtype=np.uint8)).save(out, "PNG")
    body = out.getvalue()
    assert len(body) > 4 * (64 << 10)
    connection = server.connect()
    times = []
    for _ in range(6):
        begun = time.monotonic()
        connection.request("POST", "/v1/studies?wait=1", body, {"Content-Type": "image/png"})
        answer = connection.getresponse()
        answer.read()
        assert answer.status in (200, 422)
        times.append(time.monotonic() - begun)
    assert min(times[1:]) < 0.15, times
