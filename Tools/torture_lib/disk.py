"""A file system of twelve megabytes that runs full under load, again and again, with kills between."""

import os
import shutil
import signal
import subprocess

from .context import Skipped

SIZE = 12 << 20


def run(context):
    disk = context.folder / "disk"
    disk.mkdir()
    if os.geteuid() != 0:
        raise Skipped("a file system of its own needs root to mount it")
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", disk], capture_output=True, text=True)
    if done.returncode != 0:
        raise Skipped(f"a file system of its own cannot be mounted: {done.stderr.strip()}")
    try:
        context.learn("pneumonia28")
        _rounds(context, disk)
    finally:
        for service in context.services:
            service.end()
        try:
            shutil.copytree(disk / "state", context.folder / "state", dirs_exist_ok=True)
        finally:
            subprocess.run(["umount", "-l", disk], check=True)


def _rounds(context, disk):
    state, ledger = disk / "state", context.ledger()
    ledger.may_lose_head = True
    count = context.count or 12
    service = context.start(state)
    refusals = 0
    for number in range(count):
        context.progress(number / count, f"full {number} times")
        senders = context.senders(service, ledger, 4, pause=0.002)
        context.wait(0.1)
        _fill(context, disk, leave=context.random.choice([0, 0, 4096, 100_000, 3 << 20]))
        context.wait(0.3)
        kind, body = context.files[0]
        status, content = service.ask("POST", "/v1/studies", body, kind)
        ledger.answer(ledger.new_order(), False, status, content, body)
        context.check("recovers", status in (507, 503), f"a study is answered with {status} on a full disk: {content[:200]!r}")
        kills = context.random.random() < 0.4
        if kills:
            service.end()
            context.stop_senders(senders)
            torn = context.tail(state)
            service = context.start(state, ready=False)
            if service.ready():
                context.check_cut(service, *torn)
                senders = context.senders(service, ledger, 2, pause=0.002)
                context.wait(0.1)
            else:
                # The record of a start needs room: without any it ends and says so, and a service manager tries again.
                context.check_refusal(service, service.end())
                refusals += 1
        os.unlink(disk / "filler")
        if not service.is_alive:
            torn = context.tail(state)
            service = context.start(state)
            context.check_cut(service, *torn)
        service.wait_for(lambda status: status["results"]["recording"] and status["queue"]["pending"] <= 8)
        context.stop_senders(senders)
        status, content = _patient(service, body, kind)
        ledger.answer(ledger.new_order(), False, status, content, body)
        context.check("recovers", status == 202, f"{status} with room on the disk: {content[:200]!r}")
    context.figures |= {"times full": count, "starts refused without room": refusals, "studies refused with 507": ledger.statuses.get(507, 0), "statuses": dict(sorted(ledger.statuses.items()))}
    service.wait_for(lambda status: status["queue"]["pending"] == 0)
    code = service.end(signal.SIGTERM)
    context.check("stops", code == 0, f"exit code {code}")
    ledger.verify(state, context.references)


def _patient(service, body, kind):
    """As a client is told to behave: asks again while the queue is full."""
    service.wait_for(lambda status: status["queue"]["pending"] == 0)
    return service.ask("POST", "/v1/studies", body, kind)


def _fill(context, disk, leave):
    with open(disk / "filler", "wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(1 << 16))
        except OSError:
            pass
        size = file.tell()
        if leave and size > leave:
            file.truncate(size - leave)
