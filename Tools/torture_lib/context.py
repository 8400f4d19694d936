"""What a scenario has: a folder, chance from a seed, the program, models, inputs, the library of faults."""

import mmap
import pathlib
import random
import re
import shutil
import struct
import subprocess
import sys
import threading
import time

from . import images
from .ledger import Ledger, Sender
from .promises import Findings, essence, parsed
from .service import Service

ROOT = pathlib.Path(__file__).resolve().parents[2]
MODELS = ("pneumonia28", "cxr224")


class Skipped(Exception):
    """A scenario cannot run here; the text says why."""


class Control:
    """The file over which a running service's faults are armed and its time of day is shifted."""

    def __init__(self, path):
        path.write_bytes(bytes(1024))
        self.path, self.file = path, open(path, "r+b")
        self.map = mmap.mmap(self.file.fileno(), 1024)

    def arm(self, holds=True):
        struct.pack_into("<i", self.map, 0, int(holds))

    def shift(self, seconds):
        struct.pack_into("<q", self.map, 8, int(seconds * 1e9))

    def counts(self):
        """Of each rule how often it met a call and how often it acted."""
        return [struct.unpack_from("<QQ", self.map, 16 + 16 * rule) for rule in range(32)]

    @property
    def acted(self):
        return sum(acted for _, acted in self.counts())

    def close(self):
        self.map.close()
        self.file.close()


class Context:
    def __init__(self, name, folder, ternd, seconds, seed, count=None, quiet=False):
        self.name, self.folder, self.ternd, self.seconds, self.seed, self.count = name, folder, ternd, seconds, seed, count
        self.random = random.Random(f"{seed}/{name}")
        self.findings = Findings()
        self.check, self.note, self.figures = self.findings.check, self.findings.note, self.findings.figures
        self.shown = sys.stderr.isatty() and not quiet
        self.services, self.controls = [], []
        self.started = time.monotonic()
        folder.mkdir(parents=True, exist_ok=True)
        self.files = images.mixture(ROOT / "Models/pneumonia28/samples")
        self.references = {}

    # Time and progress

    @property
    def elapsed(self):
        return time.monotonic() - self.started

    def progress(self, share, text):
        if self.shown:
            filled = min(24, int(24 * share))
            print(f"\r\x1b[K[{'#' * filled}{'.' * (24 - filled)}] {self.name}: {text}", end="", file=sys.stderr, flush=True)

    def close(self):
        if self.shown:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)
        for service in self.services:
            if service.is_alive:
                service.process.kill()
            service.process.wait()
        for control in self.controls:
            control.close()

    # Services

    def start(self, state, *options, model=MODELS[0], environment=None, ready=True):
        if environment and "LD_PRELOAD" in environment:
            # The library asks the kernel for the paths of descriptors and kills its own process: calls that the sandbox refuses.
            options = (*options, "--no-sandbox")
        service = Service(
            self.ternd, ROOT / f"Models/{model}/{model}.tern", ROOT / "Models/signing-key.pub", state, *options, environment=environment)
        self.services = [one for one in self.services if one.is_alive] + [service]
        if ready and not service.ready():
            raise RuntimeError(f"did not start: {service.messages}")
        return service

    def faults(self, rules, armed=False):
        """The environment of a service with these faults, and their control."""
        control = Control(self.folder / f"control-{len(self.controls)}")
        self.controls.append(control)
        control.arm(armed)
        return {"LD_PRELOAD": str(self.library()), "TERN_FAULTS": rules, "TERN_FAULTS_CONTROL": str(control.path)}, control

    def library(self):
        library, source = ROOT / "build/torture/faults.so", ROOT / "Tests/faults/faults.c"
        if not library.exists() or library.stat().st_mtime < source.stat().st_mtime:
            if not shutil.which("cc"):
                raise Skipped("there is no C compiler for Tests/faults/faults.c")
            library.parent.mkdir(parents=True, exist_ok=True)
            fresh = library.with_suffix(f".{self.name}.new")
            subprocess.run(["cc", "-O2", "-Wall", "-shared", "-fPIC", "-o", fresh, source], check=True)
            fresh.rename(library)
        head = pathlib.Path(self.ternd).read_bytes()
        if b"ld-linux" not in head[:8192] and b"ld-linux" not in head:
            raise Skipped("the program is static: a library cannot be loaded into it (name an ordinary build with --ternd)")
        return library

    # Load

    def ledger(self):
        return Ledger(self.findings)

    def learn(self, *models):
        """What an undisturbed run says of every file; nothing is compared without it."""
        for model in models or MODELS:
            state = self.folder / f"calm-{model}" / "state"
            state.parent.mkdir()
            service = self.start(state, model=model)
            for kind, body in self.files:
                status, content = service.ask("POST", "/v1/studies?wait=1", body, kind)
                result = parsed(content)
                if status == 200:
                    self.references[result["model"]["digest"], images.digest(body)] = essence(result)
            service.end()
            for line in (state / "findings.jsonl").read_bytes().splitlines(keepends=True):
                result = parsed(line)
                self.references.setdefault((result["model"]["digest"], result["input"]["sha256"]), essence(result))

    def senders(self, service, ledger, clients, **more):
        senders = [Sender(service, ledger, self.files, self.random.random(), **more) for _ in range(clients)]
        for sender in senders:
            sender.start()
        return senders

    def stop_senders(self, senders, limit=60):
        for sender in senders:
            sender.stopping.set()
        for sender in senders:
            sender.join(limit)
            self.check("answered", not sender.is_alive(), f"a client still waits after {limit} s")

    def wait(self, seconds):
        threading.Event().wait(seconds)

    # After a kill

    def tail(self, state):
        """Bytes behind the last whole line of the findings, and of studies that were being written."""
        path = state / "findings.jsonl"
        torn = 0
        if path.exists():
            content = path.read_bytes()
            torn = len(content) - (content.rfind(b"\n") + 1)
        queue = state / "queue"
        unfinished = sum(path.stat().st_size for path in queue.glob("*.study.tmp")) if queue.exists() else 0
        return torn, unfinished

    def check_cut(self, service, torn, unfinished):
        """The start that came after says what it cut."""
        said = service.said(r"findings\.jsonl: cut ([\d,]+) bytes"), service.said(r"queue: cut ([\d,]+) bytes")
        self.check("torn", said == (torn, unfinished), f"there were {torn} and {unfinished} bytes, said {said}: {service.messages}")
        if torn or unfinished:
            self.figures["torn tails"] = self.figures.get("torn tails", 0) + 1

    def check_refusal(self, service, code):
        words = [line for line in service.messages if re.match(r"(<\d>)?ternd: ", line)]
        self.check("refuses", code in (64, 65, 66, 69, 70, 74, 75, 77) and bool(words), f"exit code {code}, {service.messages}")
