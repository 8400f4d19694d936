"""Starts, stops and measures one service."""
import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent


class Running:
    """A service that is stopped (SIGSTOP) except in its turn, pinned to one core; its clients have another."""

    def __init__(self, name, command, socket_path, cores, sample):
        self.name, self.socket_path, self.cores, self.sample = name, str(socket_path), cores, sample
        began = time.perf_counter()
        environment = {**os.environ, "OMP_NUM_THREADS": "1"}
        self.process = subprocess.Popen(["taskset", "--cpu-list", str(cores[0]), *map(str, command)], stdout=subprocess.DEVNULL,
                                        stderr=subprocess.PIPE, text=True, env=environment)
        self.first = self._first_answer(began)
        self.cold_milliseconds = (time.perf_counter() - began) * 1e3
        self.resident_at_start = self.memory("VmRSS")
        self.process.send_signal(signal.SIGSTOP)

    def _first_answer(self, began):
        while time.perf_counter() - began < 60:
            if self.process.poll() is not None:
                raise SystemExit(f"{self.name} ended: {self.process.stderr.read()[-2000:]}")
            try:
                return self.ask(self.sample)
            except (FileNotFoundError, ConnectionRefusedError):
                time.sleep(0.001)
        raise SystemExit(f"{self.name} does not answer")

    def ask(self, path):
        connection = http.client.HTTPConnection("tern")
        connection.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        connection.sock.connect(self.socket_path)
        connection.request("POST", "/v1/studies?wait=1", Path(path).read_bytes(), {"Content-Type": "image/png"})
        answer = connection.getresponse()
        content = json.loads(answer.read())
        connection.close()
        return content

    def memory(self, key):
        line = next(line for line in open(f"/proc/{self.process.pid}/status") if line.startswith(key))
        return int(line.split()[1]) * 1024

    def turn(self, clients, seconds, files):
        self.process.send_signal(signal.SIGCONT)
        done = subprocess.run(["taskset", "--cpu-list", str(self.cores[-1]), sys.executable, "-I", HERE / "load.py", self.socket_path,
                               str(clients), str(seconds), *files], capture_output=True, text=True)
        self.process.send_signal(signal.SIGSTOP)
        if done.returncode != 0:
            raise SystemExit(f"{self.name}: {done.stderr[-2000:]}")
        return json.loads(done.stdout)

    def scores(self, files):
        self.process.send_signal(signal.SIGCONT)
        found = [[finding["score"] for finding in self.ask(file)["findings"]] for file in files]
        self.process.send_signal(signal.SIGSTOP)
        return found

    def close(self):
        self.process.send_signal(signal.SIGCONT)
        self.process.kill()
        self.process.wait()
        self.process.stderr.close()


def installed_bytes(environment):
    """Of the packages of a virtual environment without pip and setuptools, and without what was compiled at the first start."""
    folder = next(Path(environment).glob("lib/python3*/site-packages"))
    left = ("pip", "setuptools", "_distutils_hack", "pkg_resources", "onnx-", "onnx", "ml_dtypes")
    return sum(file.stat().st_size for entry in folder.iterdir() if not entry.name.split("-")[0] in left
               for file in ([entry] if entry.is_file() else entry.rglob("*")) if file.is_file() and "__pycache__" not in file.parts)


def fresh(folder):
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder
