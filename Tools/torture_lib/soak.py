"""Mixed load for a long time. Resident memory, descriptors and threads are sampled and must stay flat."""

import http.client
import json
import os
import signal
import statistics
import threading
import time

# Small enough that files are closed, read and removed all the time.
KEPT = ("--segment-bytes", "65536", "--retain-bytes", "131072")
# A page cache of the C library's allocator may grow by this; what leaks a hundred bytes a study does not hide under it in half an hour.
LIMIT_GROWTH_BYTES = 2 << 20


class Follower(threading.Thread):
    """Reads the stream, and comes again after `count` results: that confirms those that it has."""

    def __init__(self, service, ledger, stop, count):
        super().__init__(daemon=True)
        self.service, self.ledger, self.stop, self.count, self.last, self.gaps, self.gone = service, ledger, stop, count, 0, 0, 0

    def run(self):
        while not self.stop.is_set() and self.service.is_alive:
            try:
                connection = self.service.connect()
                connection.request("GET", f"/v1/findings?after={self.last}&follow=1")
                answer = connection.getresponse()
                if answer.status != 200:
                    problem = json.loads(answer.read())
                    if answer.status == 410:
                        # The other follower has confirmed them.
                        self.last, self.gone = problem["oldest"] - 1, self.gone + 1
                    self.stop.wait(0.1)
                    continue
                for _ in range(self.count):
                    line = answer.readline()
                    if not line or self.stop.is_set():
                        break
                    if line.strip():
                        sequence = json.loads(line)["sequence"]
                        self.gaps += sequence != self.last + 1
                        self.ledger.read[sequence] = line
                        self.last = sequence
                connection.close()
            except (OSError, http.client.HTTPException, ValueError):
                self.stop.wait(0.1)


def _others(service, stop):
    """Other requests, and clients that vanish."""
    while not stop.is_set() and service.is_alive:
        try:
            for target in ("/v1/status", "/metrics", "/v1/model", "/healthz", "/v1/findings/00000000-0000-4000-8000-000000000000", "/nowhere"):
                service.ask("GET", target)
            with service.raw() as channel:
                channel.sendall(b"POST /v1/studies HTTP/1.1\r\nContent-Length: 100000\r\n\r\nhalf")
            with service.raw() as channel:
                channel.sendall(b"GET /v1/findings?follow=1 HTTP/1.1\r\n\r\n")
        except (OSError, http.client.HTTPException):
            pass
        stop.wait(0.1)


def run(context, svg=None, samples=None):
    seconds = context.seconds or 1800
    context.learn("pneumonia28")
    state, ledger = context.folder / "state", context.ledger()
    service = context.start(state, "--queue", "16", *KEPT)
    stop = threading.Event()
    # Clients of two kinds: some at their own pace, so that the machine has other work as well; results past those kept in memory.
    senders = context.senders(service, ledger, 4, pause=0.02, limit=60)
    followers = [Follower(service, ledger, stop, count) for count in (50, 2000)]
    others = threading.Thread(target=_others, args=(service, stop), daemon=True)
    for thread in [*followers, others]:
        thread.start()
    began, taken = time.monotonic(), []
    while (now := time.monotonic() - began) < seconds and service.is_alive:
        taken.append((round(now, 1), *service.memory(), sum(sender.sent for sender in senders)))
        context.progress(now / seconds, f"{taken[-1][4]:,} studies, {taken[-1][1] / 1e6:.1f} MB, {taken[-1][2]} descriptors")
        context.wait(max(0.5, seconds / 1800))
    context.check("alive", service.is_alive, lambda: f"ended with {service.process.poll()}: {service.messages}")
    stop.set()
    context.stop_senders(senders)
    service.wait_for(lambda status: status["queue"]["pending"] == 0 and status["clients"]["connections"] <= 3)
    _judge(context, taken)
    code = service.end(signal.SIGTERM)
    context.check("stops", code == 0, f"exit code {code}")
    for follower in followers:
        follower.join(30)
        context.check("agrees", follower.gaps == 0, f"a follower saw {follower.gaps} gaps")
    ledger.verify(state, context.references)
    document = {
        "schema": "tern.soak/1", "date": time.strftime("%Y-%m-%d", time.gmtime()), "seconds": round(taken[-1][0]), "cores": os.cpu_count(),
        "columns": ["seconds", "resident_bytes", "descriptors", "threads", "studies"], "samples": taken, **context.figures}
    if samples:
        thin = max(1, len(taken) // 400)
        samples.write_text(json.dumps({**document, "samples": taken[::thin]}) + "\n")
    if svg:
        from . import plot

        svg.write_text(plot.draw(document))


def _judge(context, taken):
    """Flat: the median of the last fifth is at most `LIMIT_GROWTH_BYTES` above that of the second fifth; the first is for warming up."""
    fifth = max(1, len(taken) // 5)
    early, late = taken[fifth:2 * fifth] or taken, taken[-fifth:]
    growth = statistics.median(sample[1] for sample in late) - statistics.median(sample[1] for sample in early)
    # A run of seconds is warming up for most of it: what it can find is a leak of kilobytes a study.
    limit = LIMIT_GROWTH_BYTES if taken[-1][0] >= 60 else 8 * LIMIT_GROWTH_BYTES
    context.check("flat", growth <= limit, f"resident memory grew by {growth:,.0f} bytes")
    # Connections come and go: with few samples their median moves by some.
    room = 1 if len(taken) >= 60 else 12
    context.check("flat", statistics.median(sample[2] for sample in late) <= statistics.median(sample[2] for sample in early) + room, "descriptors grew")
    context.check("flat", max(sample[2] for sample in taken) <= 64 + 24, f"{max(sample[2] for sample in taken)} descriptors")
    context.check("flat", len({sample[3] for sample in taken}) == 1, f"threads: {sorted({sample[3] for sample in taken})}")
    context.figures |= {
        "studies": taken[-1][4], "resident MB, second fifth": round(statistics.median(sample[1] for sample in early) / 1e6, 2),
        "resident MB, last fifth": round(statistics.median(sample[1] for sample in late) / 1e6, 2),
        "resident MB, most": round(max(sample[1] for sample in taken) / 1e6, 2),
        "descriptors, least and most": [min(sample[2] for sample in taken), max(sample[2] for sample in taken)]}
