"""The real program and its real socket, without anything beside Python."""

import http.client
import json
import os
import queue
import re
import signal
import socket
import subprocess
import threading
import time

LIMIT = 30


class Hung(Exception):
    """Something did not end within its limit."""


class Connection(http.client.HTTPConnection):
    def __init__(self, path, timeout=LIMIT):
        super().__init__("tern", timeout=timeout)
        self.path = str(path)

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.connect(self.path)
        self.sock.settimeout(self.timeout)


class Service:
    """One run of `ternd serve`. `environment` adds to that of this process."""

    def __init__(self, ternd, model, trust, state, *options, environment=None):
        self.state, self.socket = state, state.parent / "tern.sock"
        keys = ["--trust", trust] if trust else ["--allow-unsigned"]
        command = [ternd, "serve", "--model", model, *keys, "--socket", self.socket, "--state", state, *options]
        self.process = subprocess.Popen(
            [str(word) for word in command], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, errors="replace",
            env={**os.environ, "SWIFT_BACKTRACE": "enable=no", **(environment or {})})
        self.messages, self.lines = [], queue.Queue()
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self):
        for line in self.process.stderr:
            self.messages.append(line.rstrip("\n"))
            self.lines.put(line)
        self.lines.put(None)

    def ready(self, limit=LIMIT):
        """True when it serves, False when it has ended instead."""
        end = time.monotonic() + limit
        while True:
            try:
                line = self.lines.get(timeout=max(0.001, end - time.monotonic()))
            except queue.Empty:
                raise Hung(f"not ready and not ended within {limit} s: {self.messages[-3:]}") from None
            if line is None:
                self.process.wait()
                return False
            if "ternd: ready: " in line:
                return True

    @property
    def is_alive(self):
        return self.process.poll() is None

    def connect(self, timeout=LIMIT):
        return Connection(self.socket, timeout)

    def raw(self, timeout=LIMIT):
        channel = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        channel.settimeout(timeout)
        channel.connect(str(self.socket))
        return channel

    def ask(self, method, target, body=None, kind=None):
        connection = self.connect()
        try:
            connection.request(method, target, body=body, headers={"Content-Type": kind} if kind else {})
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def status(self):
        return json.loads(self.ask("GET", "/v1/status")[1])

    def wait_for(self, holds, limit=LIMIT):
        """The status once it has a property; each question is answered by the service's own loop."""
        end = time.monotonic() + limit
        while True:
            status = self.status()
            if holds(status):
                return status
            if time.monotonic() > end:
                raise Hung(f"not within {limit} s: {json.dumps(status)}")
            time.sleep(0.01)

    def end(self, number=signal.SIGKILL, limit=LIMIT):
        """The exit code, negative for a signal."""
        if self.is_alive:
            self.process.send_signal(number)
        try:
            code = self.process.wait(limit)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise Hung(f"did not end within {limit} s of signal {number}") from None
        self.reader.join(limit)
        self.process.stderr.close()
        return code

    def said(self, pattern):
        """The first group of the first message that fits, as a number; 0 when none does."""
        for line in self.messages:
            if found := re.search(pattern, line):
                return int(found.group(1).replace(",", ""))
        return 0

    def memory(self):
        """Resident bytes, open descriptors, threads."""
        folder = f"/proc/{self.process.pid}"
        with open(folder + "/status") as file:
            values = dict(line.split(":", 1) for line in file if ":" in line)
        return int(values["VmRSS"].split()[0]) * 1024, len(os.listdir(folder + "/fd")), int(values["Threads"])
