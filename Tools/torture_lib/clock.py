"""The time of day jumps by seconds, hours and years, forth and back. Only time stamps may show it."""

import json
import signal
import threading
import time

JUMPS = [0, 3600, -3600, 5 * 3600, -7 * 3600, 86_400 * 400, -86_400 * 400, 1, -1, -0.5, 86_400 * 365 * 20, 0]


def run(context):
    context.learn("pneumonia28")
    state, ledger = context.folder / "state", context.ledger()
    environment, control = context.faults("")
    service = context.start(state, "--client-timeout", "5", environment=environment)
    connection = service.connect()
    connection.request("GET", "/v1/findings?follow=1")
    stream = connection.getresponse()
    read = []
    follower = threading.Thread(target=lambda: read.extend(json.loads(line) for line in stream if line.strip()), daemon=True)
    follower.start()
    senders = context.senders(service, ledger, 3, pause=0.002)
    idle = service.raw()
    idle.sendall(b"POST /v1/studies HTTP/1.1\r\nContent-Le")
    began, jumps = time.monotonic(), 0
    rounds = context.count or 4
    for number in range(rounds):
        for jump in JUMPS:
            control.shift(jump)
            jumps += 1
            before = time.monotonic()
            status = service.status()
            context.check("clock", status["state"] == "ready" and status["uptime_s"] <= time.monotonic() - began + 5, f"after {jump} s: {status['uptime_s']} s up")
            context.check("clock", time.monotonic() - before < 5, f"after {jump} s an answer took {time.monotonic() - before:.1f} s")
            context.wait(context.random.uniform(0.02, 0.1))
        context.progress(number / rounds, f"{jumps} jumps")
    # The slow sender has its five seconds, whatever the time of day did.
    idle.settimeout(20)
    answer = idle.recv(4096)
    took = time.monotonic() - began
    context.check("clock", answer.startswith(b"HTTP/1.1 408 ") and 4 < took < 4 + 20, f"a slow sender had {took:.1f} s: {answer[:60]!r}")
    context.check("alive", service.is_alive, lambda: str(service.messages))
    context.stop_senders(senders)
    service.wait_for(lambda status: status["queue"]["pending"] == 0)
    control.shift(-86_400 * 30)
    began = time.monotonic()
    code = service.end(signal.SIGTERM)
    context.check("stops", code == 0 and time.monotonic() - began < 10, f"exit code {code}")
    follower.join(20)
    results = ledger.verify(state, context.references)
    context.check("clock", [line["sequence"] for line in read] == [value["sequence"] for value, _ in results], "a follower missed results")
    times = [value["time"] for value, _ in results]
    context.check("clock", times != sorted(times), "the jumps did not reach the service: its time stamps go up alone")
    control.shift(-86_400 * 3000)
    service = context.start(state, environment=environment)
    context.check("clock", service.status()["results"]["last_sequence"] == len(results), "a start years before the last result")
    service.end(signal.SIGTERM)
    context.figures |= {"jumps": jumps, "studies sent": sum(sender.sent for sender in senders)}
