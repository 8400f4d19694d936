"""Calls that fail: each kind alone, kinds together, once and often, at the start and under load."""

import os
import signal

from .service import Hung

# Rules, where {state} is the state directory; what the fault may turn a result into; whether it may end the process.
# libevent and the C library take memory under locks and in callbacks; Swift ends the process when there is none: that is a kill, and the next
# start answers everything (docs/torture.md).
LOAD = [
    ("write {state} ENOSPC p=0.3",), ("write {state} EIO p=0.3",), ("write {state} SHORT p=0.5",), ("write {state} TORN p=0.3",),
    ("write {state} EDQUOT p=0.3",), ("write {state} EINTR p=0.5",), ("fsync {state} EIO p=0.3",), ("fsync {state} ENOSPC p=0.3",),
    ("fsync {state} DELAY p=0.2",), ("fdatasync {state} EIO p=0.3",), ("fdatasync {state} ENOSPC p=0.3",), ("fdatasync {state} DELAY p=0.2",),
    ("rename {state} EIO p=0.3",), ("rename {state} ENOSPC p=0.3",), ("open {state} EMFILE p=0.3",), ("open {state} ENOSPC p=0.3",),
    ("unlink {state} EIO p=0.3",), ("write {state} TORN p=0.3; ftruncate {state} EIO p=0.5",),
    ("fdatasync {state} EIO p=0.3; ftruncate {state} EIO p=0.5",),
    ("fsync {state} EIO p=0.3; unlink {state} EIO p=0.5; rename {state} EIO p=0.2",),
    ("write+fsync+fdatasync+rename+open+ftruncate+unlink {state} EIO p=0.1",), ("write+fsync+fdatasync+rename+open {state} ENOSPC p=0.5",),
    ("write {state} ENOSPC times=1",), ("fsync {state} EIO times=1",), ("fdatasync {state} EIO times=1",), ("rename {state} EIO times=1",),
    ("open {state} EMFILE times=1",), ("ftruncate {state} EIO times=1; write {state} TORN times=1",), ("writev socket EAGAIN p=0.3",),
    ("write+fsync+fdatasync+rename+open {state} ENOSPC",),
]
MEMORY = ["malloc * ENOMEM p=0.00005 over=1", "malloc * ENOMEM p=0.3 over=65536", "malloc * ENOMEM times=1 over=4096", "mmap * ENOMEM p=0.5",
          "malloc * ENOMEM times=1 from=500"]
DAMAGED = ("PNG-DAMAGED", "JPEG-DAMAGED", "DICOM-DAMAGED")
BACK = ["open {state}/queue EMFILE times=5", "read+pread {state}/queue EIO times=5", "open {state}/queue ENOMEM p=0.3", "read+pread {state}/queue EIO p=0.1"]
START = [("open", "{folder}", ("EMFILE", "EACCES", "ENOMEM")), ("mmap", "{model}", ("ENOMEM",)), ("fsync", "{state}", ("EIO",)),
         ("fdatasync", "{state}", ("EIO", "ENOSPC")), ("mkdir", "{folder}", ("EACCES", "ENOSPC")), ("write", "{state}", ("EIO",)),
         ("ftruncate", "{state}", ("EIO",)), ("unlink", "{state}", ("EIO",)), ("read+pread", "{state}", ("EIO", "SHORT")), ("rename", "{state}", ("EIO",))]


def run(context):
    context.learn()
    context.library()
    cases = [("load", rules) for (rules,) in LOAD] + [("memory", rules) for rules in MEMORY] + [("start", entry) for entry in START]
    cases += [("back", rules) for rules in BACK] + [("random", None)] * 12
    context.random.shuffle(cases)
    cases = cases[:context.count] if context.count else cases
    context.figures |= {"cases": 0, "faults injected": 0, "faults injected under load": 0, "processes ended by a lack of memory": 0, "starts refused": 0}
    for index, (kind, what) in enumerate(cases):
        context.progress(index / len(cases), f"{what}")
        if context.seconds and context.elapsed > context.seconds:
            context.note(f"stopped after {index} of {len(cases)} cases: --seconds")
            break
        folder = context.folder / f"case-{index}"
        folder.mkdir()
        if kind == "start":
            _start(context, folder, *what)
        elif kind == "back":
            _back(context, folder, what)
        else:
            _load(context, folder, what or _random(context.random), kind == "memory")
        context.figures["cases"] += 1
    if not context.figures["faults injected under load"] and any(kind in ("load", "random") for kind, _ in cases[:context.figures["cases"]]):
        raise RuntimeError("no fault was injected under load: the library does not reach the calls of the service")


def _random(choose):
    rules = []
    for _ in range(choose.randint(2, 4)):
        call = choose.choice(["write", "fsync", "fdatasync", "rename", "open", "ftruncate", "unlink"])
        how = choose.choice(["p=0.05", "p=0.2", "p=0.6", "times=1", f"nth={choose.randint(1, 30)}", f"from={choose.randint(1, 30)} times=5"])
        error = choose.choice(["EIO", "ENOSPC"] + ["SHORT", "TORN", "KILL"] * (call == "write"))
        rules.append(f"{call} {{state}} {error} {how} seed={choose.randrange(1 << 30)}")
    return "; ".join(rules)


def _load(context, folder, rules, memory):
    """Calm, faults under load, calm again without a restart, stop, start, and nothing is missing."""
    state = folder / "state"
    ledger, before = context.ledger(), context.findings.broken()
    ledger.may_lose_head = True
    # Sockets are known to the library as what /proc calls them.
    environment, control = context.faults(rules.replace("{state}", str(state)).replace(" socket ", " socket: "))
    # An answer that the HTTP library could not put together, for want of memory, ends with its connection, after this time.
    service = context.start(state, "--client-timeout", "5", environment=environment)
    may_end = memory or "KILL" in rules
    senders = context.senders(service, ledger, 4, pause=0.002, limit=20)
    context.wait(0.1)
    control.arm()
    context.wait(0.6)
    control.arm(False)
    context.figures["faults injected"] += control.acted
    context.figures["faults injected under load"] += control.acted
    alive = service.is_alive
    context.check("alive", alive or may_end, lambda: f"{rules}: ended with {service.process.poll()}: {service.messages}")
    if alive:
        context.wait(0.05)
    context.stop_senders(senders, 30)
    if service.is_alive:
        _recovers(context, service, ledger, rules)
        _stops(context, service, rules)
    else:
        code = service.end()
        if memory:
            context.figures["processes ended by a lack of memory"] += 1
            context.check("alive", code < 0, f"{rules}: exit code {code}: {service.messages}")
    torn = context.tail(state)
    service = context.start(state)
    context.check_cut(service, *torn)
    service.wait_for(lambda status: status["queue"]["pending"] == 0)
    service.end(signal.SIGTERM)
    # A decoder that gets no memory calls the file damaged; no other study may fail.
    may_fail = ("QUEUE-DAMAGED", "INTERNAL", *(DAMAGED if memory else ()))
    ledger.verify(state, context.references, may_fail, may_return=not alive and "unlink" in rules)
    if context.findings.broken() != before:
        context.note(f"{folder.name}: {rules}: broken {context.findings.broken()}")


def _back(context, folder, rules):
    """What an earlier run accepted is read back in spite of faults: none of it is called damaged."""
    state, ledger = folder / "state", context.ledger()
    ledger.may_lose_head = True
    service = context.start(state, "--queue", "40", model="cxr224")
    senders = context.senders(service, ledger, 3, count=12, share_waiting=0)
    context.wait(0.2)
    service.end()
    context.stop_senders(senders)
    environment, control = context.faults(rules.replace("{state}", str(state)))
    service = context.start(state, model="cxr224", environment=environment)
    control.arm()
    service.wait_for(lambda status: status["queue"]["pending"] == 0, 120)
    context.figures["faults injected"] += control.acted
    service.end(signal.SIGTERM)
    results = ledger.verify(state, context.references)
    for value, _ in results:
        reason = (value["reason"] or {}).get("value")
        context.check("right", reason != "QUEUE-DAMAGED", f"{rules}: {value['id']} was called damaged")


def _recovers(context, service, ledger, rules):
    kind, body = context.files[0]
    try:
        service.wait_for(lambda status: status["queue"]["pending"] == 0, 20)
        status, content = service.ask("POST", "/v1/studies", body, kind)
        ledger.answer(ledger.new_order(), False, status, content, body)
        context.check("recovers", status == 202, f"{rules}: {status} {content[:300]!r}")
        service.wait_for(lambda status: status["queue"]["pending"] == 0 and status["results"]["recording"], 20)
    except (Hung, OSError) as error:
        context.check("recovers", False, f"{rules}: {error!r}")


def _stops(context, service, rules):
    try:
        code = service.end(signal.SIGTERM, 10)
        context.check("stops", code == 0, f"{rules}: exit code {code}: {service.messages[-5:]}")
    except Hung as error:
        context.check("stops", False, f"{rules}: {error}")


def _start(context, folder, call, prefix, errors):
    """The Nth call of a start fails, for every N there is; then the start without the fault answers what the one before accepted."""
    state = folder / "state"
    ledger = context.ledger()
    ledger.may_lose_head = True
    service = context.start(state, model="cxr224")
    senders = context.senders(service, ledger, 2, count=20, share_waiting=0)
    context.wait(0.15)
    service.end()
    context.stop_senders(senders)
    places = {"folder": folder, "state": state, "model": os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + "/../Models"}
    prefix = os.path.realpath(prefix.format(**places))
    for error in errors:
        for nth in range(1, 12):
            environment, control = context.faults(f"{call} {prefix} {error} nth={nth}", armed=True)
            try:
                service = context.start(state, model="cxr224", environment=environment, ready=False)
                if service.ready():
                    # A fault that a start can do without, or that it has not come to.
                    service.end()
                else:
                    code = service.end()
                    context.figures["starts refused"] += 1
                    context.check("refuses", control.acted > 0, f"{call} {error} {nth}: ended with {code} and no fault: {service.messages}")
                    context.check_refusal(service, code)
            except Hung as hung:
                context.check("answered", False, f"{call} {error} {nth}: {hung}")
                service.end()
            acted = control.acted
            context.figures["faults injected"] += acted
            control.close()
            context.controls.remove(control)
            if not acted:
                break
    service = context.start(state, model="cxr224")
    service.wait_for(lambda status: status["queue"]["pending"] == 0)
    service.end(signal.SIGTERM)
    ledger.verify(state, context.references, may_fail=("QUEUE-DAMAGED",))
