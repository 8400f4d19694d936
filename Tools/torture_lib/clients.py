"""64 clients at once, half of which misbehave. The others are served, and nothing is left of any."""

import http.client
import random
import signal
import socket
import struct
import threading
import time

HEAD = b"POST /v1/studies?wait=1 HTTP/1.1\r\nHost: tern\r\nContent-Type: image/png\r\n"

# What is being received at once may come to four times the largest study and a MiB; here that is 17 MiB. Most of the rest is the program itself, its
# results in memory and what an allocator keeps.
BODY_LIMIT, LIMIT_RESIDENT = 4 << 20, 96 << 20


def _send_slowly(channel, data, until, interval):
    for byte in data:
        if time.monotonic() > until:
            return
        channel.sendall(bytes([byte]))
        time.sleep(interval)


def one_byte_a_second(channel, body, choose, until):
    _send_slowly(channel, HEAD + b"Content-Length: %d\r\n\r\n" % len(body) + body, until, 1)


def half_a_request(channel, body, choose, until):
    whole = HEAD + b"Content-Length: %d\r\n\r\n" % len(body) + body
    channel.sendall(whole[:choose.randrange(1, len(whole))])
    channel.recv(4096)


def never_reads(channel, body, choose, until):
    channel.sendall(b"GET /v1/findings?follow=1 HTTP/1.1\r\nHost: tern\r\n\r\n")
    time.sleep(max(0, min(until - time.monotonic(), 8)))


def asks_and_never_reads(channel, body, choose, until):
    while time.monotonic() < until:
        channel.sendall(b"GET /v1/model HTTP/1.1\r\nHost: tern\r\n\r\n" * 50)


def wrong_length(channel, body, choose, until):
    length = choose.choice([b"0", b"1", b"%d" % (len(body) - 1), b"%d" % (len(body) + 1), b"-1", b"18446744073709551616", b"12abc", b"", b"+5", b"0x10", b"99999999999"])
    channel.sendall(HEAD + b"Content-Length: " + length + b"\r\n\r\n" + body)
    channel.recv(4096)


def two_lengths(channel, body, choose, until):
    channel.sendall(HEAD + b"Content-Length: 3\r\nContent-Length: %d\r\nTransfer-Encoding: chunked\r\n\r\n" % len(body) + body)
    channel.recv(4096)


def bad_chunks(channel, body, choose, until):
    size = choose.choice([b"zz", b"-5", b"ffffffffffffffffff", b"5", b""])
    channel.sendall(HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + size + b"\r\n" + body[:100] + b"\r\n0\r\n\r\n")
    channel.recv(4096)


def garbage(channel, body, choose, until):
    channel.sendall(choose.randbytes(choose.randrange(1, 20_000)))
    channel.recv(4096)


def pipelining(channel, body, choose, until):
    study = b"POST /v1/studies HTTP/1.1\r\nContent-Type: image/png\r\nContent-Length: %d\r\n\r\n" % len(body) + body
    channel.sendall((b"GET /healthz HTTP/1.1\r\n\r\n" + study) * 20)
    received = b""
    while received.count(b"HTTP/1.1 ") < 40 and (part := channel.recv(65536)):
        received += part


def thousands_of_headers(channel, body, choose, until):
    channel.sendall(b"GET /v1/status HTTP/1.1\r\n" + b"".join(b"X-%d: y\r\n" % index for index in range(5000)) + b"\r\n")
    channel.recv(4096)


def a_header_without_end(channel, body, choose, until):
    channel.sendall(b"GET /v1/status HTTP/1.1\r\nX: ")
    while time.monotonic() < until:
        channel.sendall(b"y" * 4096)


def a_long_target(channel, body, choose, until):
    channel.sendall(b"GET /v1/findings?after=" + b"9" * choose.choice([30, 3000, 70_000]) + b" HTTP/1.1\r\n\r\n")
    channel.recv(4096)


def resets(channel, body, choose, until):
    """Leaves with its answer unread: the other side's write finds a closed socket."""
    channel.sendall(HEAD + b"Content-Length: %d\r\n\r\n" % len(body) + body)
    channel.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def says_nothing(channel, body, choose, until):
    channel.recv(1)


def shuts_its_half(channel, body, choose, until):
    channel.sendall(HEAD + b"Content-Length: %d\r\n\r\n" % len(body) + body)
    channel.shutdown(socket.SHUT_WR)
    channel.recv(65536)


MISBEHAVIOUR = [one_byte_a_second, half_a_request, never_reads, asks_and_never_reads, wrong_length, two_lengths, bad_chunks, garbage, pipelining,
                thousands_of_headers, a_header_without_end, a_long_target, resets, says_nothing, shuts_its_half]


class Bad(threading.Thread):
    def __init__(self, service, body, index, seed, until, ledger):
        super().__init__(daemon=True)
        self.service, self.body, self.index, self.until, self.ledger = service, body, index, until, ledger
        self.random, self.counts = random.Random(seed), {}

    def run(self):
        turn = self.index
        while time.monotonic() < self.until:
            act = MISBEHAVIOUR[turn % len(MISBEHAVIOUR)]
            turn += 1
            for _ in range(20 if act is pipelining else 1):
                self.ledger.lost(self.body)
            if act is wrong_length:
                # What some of the lengths cut off of it; the HTTP library takes "+5" for 5.
                self.ledger.lost(self.body[:-1])
                self.ledger.lost(self.body[:5])
            try:
                with self.service.raw(timeout=8) as channel:
                    act(channel, self.body, self.random, min(self.until, time.monotonic() + 8))
            except OSError:
                pass
            self.counts[act.__name__] = self.counts.get(act.__name__, 0) + 1


class Asker(threading.Thread):
    """A client that behaves and asks for everything but studies."""

    def __init__(self, service, findings, until):
        super().__init__(daemon=True)
        self.service, self.findings, self.until, self.times = service, findings, until, []

    def run(self):
        targets = ["/healthz", "/v1/status", "/v1/model", "/metrics", "/v1/findings?after=0"]
        while time.monotonic() < self.until:
            for target in targets:
                began = time.monotonic()
                try:
                    status, _ = self.service.ask("GET", target)
                except (OSError, http.client.HTTPException) as error:
                    self.findings.check("served", False, f"{target}: {error!r}")
                    continue
                self.times.append(time.monotonic() - began)
                self.findings.check("served", status in (200, 410), f"{target}: {status}")
            time.sleep(0.02)


def run(context):
    seconds = context.seconds or 60
    context.learn("pneumonia28")
    state, ledger = context.folder / "state", context.ledger()
    service = context.start(state, "--client-timeout", "3", "--queue", "64", "--max-body", str(BODY_LIMIT))
    before = service.memory()
    until, peak = time.monotonic() + seconds, before[0]
    good = context.senders(service, ledger, 28, pause=0.05, limit=60)
    askers = [Asker(service, context.findings, until) for _ in range(4)]
    body = context.files[0][1]
    bad = [Bad(service, body, index, context.random.random(), until, ledger) for index in range(32)]
    for thread in [*askers, *bad]:
        thread.start()
    while time.monotonic() < until and service.is_alive:
        context.progress(1 - (until - time.monotonic()) / seconds, f"{sum(sender.sent for sender in good):,} studies")
        peak = max(peak, service.memory()[0])
        context.wait(0.2)
    context.check("alive", service.is_alive, lambda: f"ended with {service.process.poll()}: {service.messages}")
    context.stop_senders(good)
    for thread in [*askers, *bad]:
        thread.join(30)
        context.check("answered", not thread.is_alive(), "a client still waits")
    for sender in good:
        context.check("served", sender.sent >= 3, f"a client that behaves had {sender.sent} answers in {seconds} s")
    times = sorted(time for sender in good for time in sender.times)
    context.check("served", bool(times) and times[int(len(times) * 0.99)] < 10, lambda: f"99 % of studies were answered within {times[int(len(times) * 0.99)]:.1f} s")
    service.wait_for(lambda status: status["queue"]["pending"] == 0 and status["clients"]["connections"] <= 1 and status["clients"]["streams"] == 0)
    after = service.memory()
    context.check("flat", peak < LIMIT_RESIDENT, f"{peak:,} bytes resident")
    context.check("flat", after[1] <= before[1] + 1 and after[2] == before[2], f"descriptors and threads {before[1:]} before, {after[1:]} after")
    clients = service.status()["clients"]
    code = service.end(signal.SIGTERM)
    context.check("stops", code == 0, f"exit code {code}")
    ledger.verify(state, context.references)
    acts = {}
    for one in bad:
        for name, many in one.counts.items():
            acts[name] = acts.get(name, 0) + many
    context.figures |= {
        "seconds": seconds, "studies answered": len(times), "misbehaviour": acts, "slow senders cut": clients["slow_senders"],
        "slow readers dropped": clients["slow_readers"], "resident MB before": round(before[0] / 1e6, 1), "resident MB, most": round(peak / 1e6, 1), "resident MB after": round(after[0] / 1e6, 1),
        "ms of a study, p50, p95, p99": [round(times[int(len(times) * share)] * 1e3, 1) for share in (0.5, 0.95, 0.99)],
        "ms of a question, p50, p99": _shares([time for asker in askers for time in asker.times], (0.5, 0.99))}


def _shares(times, shares):
    times = sorted(times)
    return [round(times[int(len(times) * share)] * 1e3, 1) for share in shares] if times else None
