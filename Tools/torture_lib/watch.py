"""A watched folder under load, kills and faults: every file ends in done/ or failed/ with its one result beside it."""

import json
import os
import signal
import threading

from . import images
from .context import Skipped
from .promises import parsed, read_findings


class Dropper(threading.Thread):
    """Puts files into the folder in the ways that programs do. Names are its own; contents come again now and then."""

    def __init__(self, folder, files, choose, count, ledger):
        super().__init__(daemon=True)
        self.folder, self.files, self.random, self.count, self.ledger = folder, files, choose, count, ledger
        self.names = {}

    def run(self):
        for index in range(self.count):
            kind, body = self.random.choice(self.files)
            if kind == "image/png" and self.random.random() < 0.7:
                body = images.noise(40, index)
            name = f"file-{index:05}.{'png' if kind == 'image/png' else 'dcm'}"
            way = self.random.choice(["renamed", "written", "moved"])
            self.names[name] = images.digest(body)
            self.ledger.bodies.add(images.digest(body))
            if way == "written":
                with open(self.folder / name, "wb", buffering=0) as file:
                    half = len(body) // 2
                    file.write(body[:half])
                    threading.Event().wait(self.random.uniform(0, 0.01))
                    file.write(body[half:])
            else:
                before = (self.folder if way == "renamed" else self.folder.parent) / f"{name}.part"
                before.write_bytes(body)
                os.rename(before, self.folder / name)
            threading.Event().wait(self.random.uniform(0, 0.02))


def run(context):
    context.learn("pneumonia28")
    state, folder, ledger = context.folder / "state", context.folder / "watched", context.ledger()
    folder.mkdir()
    ledger.may_lose_head = True
    choose, count = context.random, context.count or 400
    dropper = Dropper(folder, context.files, choose, count, ledger)
    dropper.start()
    kills = 0
    try:
        context.library()
        rules = [f"write+fsync+fdatasync {state} EIO p=0.1", f"rename {context.folder} EIO p=0.2", f"open {context.folder} EMFILE p=0.1",
                 f"rename {context.folder} KILL nth=7", f"fdatasync {state} KILL nth=5", f"unlink {context.folder} EIO p=0.3"]
    except Skipped as reason:
        context.findings.leave_out(f"no faults: {reason}")
        rules = []
    while dropper.is_alive() or kills < 10:
        context.progress(len(dropper.names) / count, f"{len(dropper.names)} of {count} files, {kills} kills")
        torn = context.tail(state)
        environment, control = context.faults(choose.choice(rules)) if rules and choose.random() < 0.4 else (None, None)
        service = context.start(state, "--watch", folder, environment=environment)
        context.check_cut(service, *torn)
        if control:
            control.arm()
        senders = context.senders(service, ledger, 2, pause=0.01)
        context.wait(choose.uniform(0.02, 0.6))
        service.end(choose.choice([signal.SIGKILL, signal.SIGKILL, signal.SIGTERM]) if service.is_alive else signal.SIGKILL)
        kills += 1
        context.stop_senders(senders)
        if context.seconds and context.elapsed > context.seconds:
            break
    dropper.join(60)
    service = context.start(state, "--watch", folder)
    left = _settle(context, service, folder)
    context.check("once", not left, f"left in the folder: {left[:10]}")
    code = service.end(signal.SIGTERM)
    context.check("stops", code == 0, f"exit code {code}")
    _compare(context, state, folder, dropper, ledger)
    context.figures |= {"files": len(dropper.names), "kills and stops": kills}
    # Removals that fail are among the rules, and kills.
    ledger.verify(state, context.references, may_fail=("QUEUE-DAMAGED",), may_return=bool(rules))


def _settle(context, service, folder, limit=120):
    """Waits until the folder is empty. Gives what is left when it does not become so."""
    for _ in range(limit * 20):
        left = [path.name for path in folder.iterdir() if path.is_file()] + [path.name for path in (folder / "processing").iterdir()]
        if not left and service.status()["queue"]["pending"] == 0:
            return []
        context.wait(0.05)
    return left or ["a study without a result"]


def _compare(context, state, folder, dropper, ledger):
    check = context.check
    found = {value["id"]: line for line in read_findings(state) if (value := parsed(line))}
    for name, digest in dropper.names.items():
        places = [part for part in ("done", "failed") if (folder / part / name).exists()]
        if not check("once", len(places) == 1, f"{name} is in {places}"):
            continue
        path = folder / places[0] / name
        check("right", images.digest(path.read_bytes()) == digest, f"{name} is not as it was")
        beside = path.with_name(name + ".json")
        if not check("agrees", beside.exists(), f"{name} has no result beside it"):
            continue
        value = json.loads(beside.read_bytes())
        if value.get("schema") != "tern.result/1":
            check("agrees", places[0] == "failed", f"{name} is done without a result: {value}")
            continue
        ledger.accepted.add(value["id"])
        check("agrees", found.get(value["id"], b"").strip() == beside.read_bytes().strip(), f"{name}: beside it {value['id']}, and in the findings {found.get(value['id'])}")
        check("agrees", value["input"]["sha256"] in (digest, None), f"{name}: the result is of other content")
        check("agrees", (places[0] == "done") == (value["status"] in ("succeeded", "partially_succeeded")), f"{name} is in {places[0]} with {value['status']}")
