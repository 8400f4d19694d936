"""kill -9 at random moments under load: from outside, in the middle of a write, and while it starts."""

import signal

from .context import Skipped
from .ledger import Reviewer
from .service import Hung

# Small enough that findings are closed and opened anew all the time.
SEGMENTS = ("--segment-bytes", "65536")
# Half of a write and then SIGKILL, or SIGKILL at the door of a call.
MOMENTS = ("write", "fsync", "fdatasync", "rename", "unlink", "open", "ftruncate")


def run(context):
    choose = context.random
    count = context.count or 200
    context.learn()
    state = context.folder / "state"
    ledger = context.ledger()
    figures = context.figures
    figures |= {"kills": 0, "kills while starting": 0, "kills inside a call": 0, "studies sent": 0}
    try:
        context.library()
        can_preload = True
    except Skipped as reason:
        can_preload = False
        context.findings.leave_out(f"no kills inside calls: {reason}")
    while figures["kills"] < count and (not context.seconds or context.elapsed < context.seconds):
        context.progress(figures["kills"] / count, f"{figures['kills']} of {count} kills")
        _one(context, choose, state, ledger, can_preload)
        if figures["kills"] % 25 == 0:
            ledger.verify(state, context.references, ends=False)
    if can_preload and figures["kills"] >= 30 and not figures["kills inside a call"]:
        raise RuntimeError("no kill inside a call: the library does not reach the calls of the service")
    torn = context.tail(state)
    service = context.start(state, "--queue", "8")
    context.check_cut(service, *torn)
    service.wait_for(lambda status: status["queue"]["pending"] == 0, 120)
    code = service.end(signal.SIGTERM)
    context.check("stops", code == 0, f"exit code {code}: {service.messages[-3:]}")
    ledger.verify(state, context.references)
    figures["reviews stored"] = len(ledger.reviews)
    figures["accepted with 202"] = len(ledger.accepted)
    figures["answered while waiting"] = len(ledger.seen)
    figures["answers by status"] = {str(status): many for status, many in sorted(ledger.statuses.items())}


def _one(context, choose, state, ledger, can_preload):
    figures = context.figures
    environment, control = None, None
    way = choose.choice(["outside", "outside", "inside", "starting"]) if can_preload else choose.choice(["outside", "outside", "starting"])
    if way == "inside":
        call = choose.choice(MOMENTS)
        environment, control = context.faults(f"{call} {state} KILL nth={choose.randint(1, 40)}", armed=choose.random() < 0.3)
    torn = context.tail(state)
    model = "cxr224" if choose.random() < 0.25 else "pneumonia28"
    options = ["--queue", str(choose.choice([2, 8, 40])), *SEGMENTS]
    service = context.start(state, *options, model=model, environment=environment, ready=False)
    if way == "starting":
        context.wait(choose.uniform(0, 0.06))
        service.end()
        figures["kills"] += 1
        figures["kills while starting"] += 1
        return
    try:
        if not service.ready():
            # The armed rule met a call of the start.
            code = service.end()
            context.check("alive", way == "inside" and code == -9, f"ended with {code}: {service.messages}")
            figures["kills"] += 1
            figures["kills inside a call"] += 1
            return
    except Hung as error:
        context.check("answered", False, str(error))
        service.end()
        return
    context.check_cut(service, *torn)
    if control:
        control.arm()
    senders = context.senders(service, ledger, choose.choice([1, 3, 5])) + [Reviewer(service, ledger, choose.random())]
    senders[-1].start()
    context.wait(choose.uniform(0.0, 0.35))
    context.check("alive", service.is_alive or bool(control), lambda: f"ended by itself: {service.messages}")
    if not service.is_alive:
        figures["kills inside a call"] += 1
    service.end()
    figures["kills"] += 1
    context.stop_senders(senders)
    figures["studies sent"] += sum(sender.sent for sender in senders[:-1])
    if choose.random() < 0.25:
        _tear(choose, state)
    if control:
        control.close()
        context.controls.remove(control)


def _tear(choose, state):
    """What a power cut leaves: the beginning of a line, or of a study, or a last block that never reached the disk."""
    path = state / "findings.jsonl"
    if choose.random() < 0.5 and path.exists():
        content = path.read_bytes()
        if content.endswith(b"\n") and content.count(b"\n") > 1:
            last = content.splitlines(keepends=True)[-1]
            piece = last[:choose.randrange(1, len(last) - 1)]
            with open(path, "ab") as file:
                file.write(piece if choose.random() < 0.7 else bytes(len(piece)))
    elif (state / "queue").exists():
        name = f"{choose.randrange(1 << 40, 1 << 41):019}-{choose.randrange(1 << 31):08x}-1111-4111-8111-111111111111.study.tmp"
        (state / "queue" / name).write_bytes(choose.randbytes(choose.randrange(1, 5000)))
