"""Runs the engines in turn on the same cores and keeps what each turn took."""
import json
import os
import re
import signal
import statistics
import struct
import subprocess
import sys
import time
import zlib
from pathlib import Path

PIPE_FILLING = 150  # result lines of half a kilobyte or more, past the 64 KiB that a pipe holds
HERE = Path(__file__).resolve().parent.parent


class EngineFailed(Exception):
    """The engine does not run here; the text says why."""


def last_line(text):
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "it ended without a word"


class Context:
    """What every measurement shares: programs, cores, environment."""

    def __init__(self, cache, ternd, tern, cores, isa):
        self.cache, self.ternd, self.tern, self.cores = cache, ternd, tern, cores
        self.environment = {**os.environ, "PYTHONPATH": str(HERE), "PYTHONWARNINGS": "ignore", "TOKENIZERS_PARALLELISM": "false"}
        # What the caller's shell says about instruction sets must not decide what is compared.
        for name in ("TERN_ISA", "ONEDNN_MAX_CPU_ISA"):
            self.environment.pop(name, None)
        if isa:
            self.environment |= {"TERN_ISA": isa, "ONEDNN_MAX_CPU_ISA": isa.upper()}

    def pinned(self, threads, command):
        """`command` on the first cores, and its environment: pools that look at OMP_NUM_THREADS get `threads`."""
        cores = ",".join(map(str, self.cores[:threads]))
        return ["taskset", "--cpu-list", cores, *map(str, command)], {**self.environment, "OMP_NUM_THREADS": str(threads)}

    def worker(self, engine, model, threads, *more):
        return self.pinned(threads, [sys.executable, "-m", "peers.worker", engine.name, self.cache / model, threads, *more])


class Peer:
    """A long-lived process of one peer, stopped except in its turn."""

    def __init__(self, context, engine, model, threads):
        self.engine = engine
        self.log = open(context.cache / model / f"{engine.name}.log", "w+")
        command, environment = context.worker(engine, model, threads)
        self.process = subprocess.Popen(command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.log, text=True)
        self.kernels = self._answer()["kernels"]
        self._stop()

    def _answer(self):
        line = self.process.stdout.readline()
        if not line:
            self.process.wait()
            self.log.seek(0)
            raise EngineFailed(last_line(self.log.read()))
        return json.loads(line)

    def _stop(self):
        self.process.send_signal(signal.SIGSTOP)

    def turn(self, warm, count):
        """Nanoseconds of `count` inferences after `warm` that are not counted."""
        self.process.send_signal(signal.SIGCONT)
        self.process.stdin.write(f"{warm} {count}\n")
        self.process.stdin.flush()
        times = self._answer()
        self._stop()
        return statistics.median(times), min(times)

    def close(self):
        self.process.kill()
        self.process.wait()
        self.log.close()


class Tern:
    """`ternd bench` once a turn: it proves the golden vectors, warms up with three inferences and then times `count`."""

    def __init__(self, context, engine, model, threads):
        self.engine, self.kernels = engine, []
        self.command, self.environment = context.pinned(threads, [
            context.ternd, "bench", "--model", context.cache / model / engine.files[0], "--allow-unsigned", "--threads", threads, "--repeat"])
        self.last = {}

    def turn(self, warm, count):
        answer = subprocess.run([*self.command, str(count)], env=self.environment, capture_output=True, text=True)
        if answer.returncode != 0:
            raise EngineFailed(last_line(answer.stderr))
        self.last = json.loads(answer.stdout)
        self.kernels = [self.last["isa"]]
        return self.last["median_ms"] * 1e6, self.last["min_ms"] * 1e6

    def close(self):
        pass


def rounds(context, engines, model, threads, count, per_turn, progress):
    """Times every engine in each round, one after the other in an order that turns by one a round. Gives {name: result} and {name: reason}."""
    runners, failed, turns = [], {}, {}
    try:
        for engine in engines:
            try:
                runners.append((Tern if engine.is_tern else Peer)(context, engine, model, threads))
                turns[engine.name] = []
            except EngineFailed as error:
                failed[engine.name] = str(error)
        for index in range(count if runners else 0):
            for runner in runners[index % len(runners):] + runners[:index % len(runners)]:
                progress(f"DeiT-{model}, {threads} thread(s), round {index + 1} of {count}, {runner.engine.label}")
                name = runner.engine.name
                if name in failed:
                    continue
                try:
                    turns[name].append(runner.turn(3, per_turn))
                except (EngineFailed, BrokenPipeError) as error:
                    failed[name] = str(error)
    finally:
        for runner in runners:
            runner.close()
    results = {}
    for runner in runners:
        name = runner.engine.name
        if name in failed:
            continue
        results[name] = {
            "median_ms": statistics.median(median for median, _ in turns[name]) / 1e6, "min_ms": min(least for _, least in turns[name]) / 1e6,
            "round_medians_ms": [median / 1e6 for median, _ in turns[name]], "kernels": runner.kernels,
        }
        if isinstance(runner, Tern):
            keep = ("gmac", "isa_peak_gmac_per_s", "arena_bytes", "allocations_per_inference")
            results[name] |= {key: runner.last[key] for key in keep}
    return results, failed


def cold(context, engine, model, repeats):
    """Process start to first output in fresh processes, and the peak resident memory of one. The files are in the page cache."""
    if engine.is_tern:
        picture = context.cache / "picture.png"
        if not picture.exists():
            write_picture(picture)
        path = context.cache / model / engine.files[0]
        times = [tern_first_output(context, path, [picture])[0] for _ in range(repeats)]
        _, peak = tern_first_output(context, path, [picture] * PIPE_FILLING)
        return {"cold_ms": statistics.median(times), "cold_without_interpreter_ms": None, "peak_resident_bytes": peak}
    command, environment = context.worker(engine, model, 1, "cold")
    answers = []
    for _ in range(repeats):
        started = time.perf_counter()
        process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        line = process.stdout.readline()
        elapsed = time.perf_counter() - started
        _, errors = process.communicate()
        if not line:
            raise EngineFailed(last_line(errors))
        answers.append((elapsed * 1e3, json.loads(line)))
    return {
        "cold_ms": statistics.median(elapsed for elapsed, _ in answers),
        "cold_without_interpreter_ms": statistics.median(answer["script_ns"] for _, answer in answers) / 1e6,
        "peak_resident_bytes": max(answer["peak_resident_bytes"] for _, answer in answers),
    }


def tern_first_output(context, model, pictures):
    """Milliseconds to the first result line; with enough pictures to fill the pipe also the peak of the program, which then waits to be read."""
    command, environment = context.pinned(1, [context.ternd, "infer", "--model", model, "--allow-unsigned", *pictures])
    started = time.perf_counter()
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    line = process.stdout.readline()
    elapsed = time.perf_counter() - started
    if not line or json.loads(line)["status"] != "succeeded":
        raise EngineFailed(last_line(process.communicate()[1].decode()) if not line else f"no result: {line.decode()}")
    peak = None
    if len(pictures) > 1:
        # A program that sleeps has filled the pipe. The usage that a parent gets on exit would hold the parent's own memory from before the exec.
        while "\nState:\tS" not in (status := Path(f"/proc/{process.pid}/status").read_text()):
            if "\nState:\tZ" in status:
                raise EngineFailed(last_line(process.communicate()[1].decode()))
            time.sleep(0.01)
        peak = int(re.search(r"VmHWM:\s+(\d+) kB", status).group(1)) * 1024
    process.communicate()
    return elapsed * 1e3, peak


def write_picture(path):
    """A seeded RGB picture of 224 x 224 as PNG."""
    state, rows = 1, bytearray()
    for _ in range(224):
        rows.append(0)
        for _ in range(224 * 3):
            state = (state * 1103515245 + 12345) % (1 << 31)
            rows.append(96 + (state >> 25))

    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 224, 224, 8, 2, 0, 0, 0)) + chunk(b"IDAT", zlib.compress(bytes(rows)))
                     + chunk(b"IEND", b""))


def cosine(context, engine, model):
    """Of the engine's output and PyTorch's in FP32, for the weights the engine was given."""
    import numpy as np

    folder = context.cache / model
    output = folder / f"output-{engine.name}.f32"
    if engine.is_tern:
        answer = subprocess.run([context.tern, "run", folder / engine.files[0], "--input", folder / "image.f32", "--output", output],
                                env=context.environment, capture_output=True, text=True)
        if answer.returncode != 0:
            raise EngineFailed(last_line(answer.stderr))
    found = np.fromfile(output, np.float32).astype(float)
    expected = np.fromfile(folder / engine.expected, np.float32).astype(float)
    return float(found @ expected / (np.linalg.norm(found) * np.linalg.norm(expected)))


def runtime_bytes(context, engine):
    """Size on disk of the runtime: the static program, or every file of the installed package without what it depends on."""
    if engine.is_tern:
        return context.ternd.stat().st_size
    from importlib.metadata import distribution

    files = {Path(file.locate()).resolve() for file in distribution(engine.package).files or []}
    return sum(file.stat().st_size for file in files if file.is_file() and "__pycache__" not in file.parts)
