"""The real binary over its real socket. TERND names the binary, TERND_RUNNER the emulator that runs it, if any (Tests/arm); nothing here
sleeps: every wait is for an event, with a limit."""

import http.client
import io
import json
import os
import pathlib
import queue
import shlex
import signal
import socket
import struct
import subprocess
import threading

import jsonschema
import numpy as np
import pytest
import yaml
from PIL import Image


ROOT = pathlib.Path(__file__).resolve().parents[2]
LIMIT = 60


def binary():
    path = pathlib.Path(os.environ.get("TERND", ROOT / "build/x86_64/ternd"))
    if not path.exists():
        pytest.fail(f"{path} does not exist; Tools/build-device makes it, or TERND names another")
    return str(path)


def program():
    """The words a command starts with."""
    return [*shlex.split(os.environ.get("TERND_RUNNER", "")), binary()]


def png(value=255, side=8):
    out = io.BytesIO()
    Image.fromarray(np.full((side, side), value, np.uint8)).save(out, "PNG")
    return out.getvalue()


def jpeg(value=255, side=64):
    out = io.BytesIO()
    Image.fromarray(np.full((side, side), value, np.uint8)).save(out, "JPEG", quality=95)
    return out.getvalue()


def dicom(pixels=True, modality="DX", side=16, value=200, frames=None, syntax=None, **more):
    """`frames`: the value of each frame of a cine. `more`: attributes that are added or replaced."""
    from pydicom.dataset import FileDataset, FileMetaDataset
    from pydicom.uid import ExplicitVRLittleEndian

    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.7"
    meta.MediaStorageSOPInstanceUID = "2.25.1234"
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    data = FileDataset("x", {}, file_meta=meta, preamble=bytes(128))
    data.SOPClassUID, data.SOPInstanceUID, data.Modality = meta.MediaStorageSOPClassUID, "2.25.1234", modality
    data.PatientName, data.PatientID = "Doe^Jane", "ID-4711"
    if pixels:
        data.Rows = data.Columns = side
        data.SamplesPerPixel, data.PhotometricInterpretation = 1, "MONOCHROME2"
        data.BitsAllocated = data.BitsStored = 8
        data.HighBit, data.PixelRepresentation = 7, 0
        data.PixelData = bytes([value]) * (side * side)
        if frames:
            data.NumberOfFrames = len(frames)
            data.PixelData = b"".join(bytes([value]) * (side * side) for value in frames)
    for name, content in more.items():
        setattr(data, name, content)
    if syntax:
        from pydicom.encaps import encapsulate

        meta.TransferSyntaxUID = syntax
        data.PixelData = encapsulate([b"\0" * 64])
        data["PixelData"].is_undefined_length = True
    out = io.BytesIO()
    data.save_as(out, enforce_file_format=True)
    return out.getvalue()


def bare_dicom(**more):
    """The same data set in implicit VR little endian, without preamble and file meta information."""
    from pydicom import dcmread, dcmwrite

    data = dcmread(io.BytesIO(dicom(**more)))
    del data.file_meta
    data.preamble = None
    out = io.BytesIO()
    dcmwrite(out, data, implicit_vr=True, little_endian=True)
    return out.getvalue()


def nifti(volume, pair=False, spacing=(1.5, 2, 3)):
    """NIfTI-1, little endian, of an array [slice, row, column]: rows to the left, columns to posterior, slices to superior. A pair is two."""
    codes = {"uint8": 2, "int16": 4, "float32": 16}
    depth, height, width = volume.shape
    head = bytearray(348)
    struct.pack_into("<i", head, 0, 348)
    struct.pack_into("<8h", head, 40, 3, width, height, depth, 1, 1, 1, 1)
    struct.pack_into("<hh", head, 70, codes[str(volume.dtype)], volume.itemsize * 8)
    struct.pack_into("<8f", head, 76, 1, *spacing, 0, 0, 0, 0)
    struct.pack_into("<f", head, 108, 0 if pair else 352)
    struct.pack_into("<hh", head, 252, 0, 1)
    struct.pack_into("<12f", head, 280, -spacing[0], 0, 0, 0, 0, -spacing[1], 0, 0, 0, 0, spacing[2], 0)
    struct.pack_into("<80s", head, 148, b"Doe Jane")
    head[344:348] = b"ni1\0" if pair else b"n+1\0"
    data = volume.tobytes()
    return (bytes(head), data) if pair else bytes(head) + bytes(4) + data


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path, timeout=LIMIT):
        super().__init__("tern", timeout=timeout)
        self.path = str(path)

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.connect(self.path)
        self.sock.settimeout(self.timeout)


class Contract:
    """Sources/TernService/openapi.yaml."""

    def __init__(self):
        self.document = yaml.safe_load((ROOT / "Sources/TernService/openapi.yaml").read_text())

    def check(self, method, target, answer):
        path = target.split("?")[0]
        if path.startswith("/v1/findings/"):
            path = "/v1/findings/{id}" + next((end for end in ("/review", "/map.jpg") if path.endswith(end)), "")
        operation = self.document["paths"].get(path, {}).get({"HEAD": "get"}.get(method, method.lower()))
        if operation is None:
            assert answer.status in (404, 405), f"{method} {target} is not in openapi.yaml but answers {answer.status}"
            return
        entry = operation["responses"].get(str(answer.status))
        assert entry, f"{method} {target}: {answer.status} is not in openapi.yaml"
        if "$ref" in entry:
            entry = self.document["components"]["responses"][entry["$ref"].split("/")[-1]]
        for name, header in entry.get("headers", {}).items():
            assert answer.headers.get(name) is not None or not header["required"], f"{answer.status} without {name}"
        kind = answer.headers.get("Content-Type", "").split(";")[0]
        kinds = {name.split(";")[0]: value for name, value in entry["content"].items()}
        assert kind in kinds, f"{method} {target}: {answer.status} as {kind}"
        if method == "HEAD":
            assert answer.body == b""
        elif kind.endswith("json"):
            self.validate(kinds[kind]["schema"], answer.json())
        elif kind == "application/jsonl":
            schema = "Event" if path == "/v1/events" else "Result"
            for line in answer.lines():
                self.validate({"$ref": "#/components/schemas/" + schema}, line)

    def validate(self, schema, value):
        whole = {"components": self.document["components"], **schema}
        jsonschema.Draft202012Validator(whole, format_checker=jsonschema.FormatChecker()).validate(value)


CONTRACT = Contract()


class Answer:
    def __init__(self, response):
        self.status, self.headers, self.body = response.status, response.headers, response.read()

    def json(self):
        return json.loads(self.body)

    def lines(self):
        return [json.loads(line) for line in self.body.splitlines() if line]


class Server:
    def __init__(self, arguments, socket_path, state, environment=None, preexec=None):
        self.socket_path, self.state = socket_path, state
        command = [*program(), "serve", *map(str, arguments)]
        self.process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ, **(environment or {})}, preexec_fn=preexec)
        self.messages, self.lines = [], queue.Queue()
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def read(self):
        for line in self.process.stderr:
            self.messages.append(line.rstrip("\n"))
            self.lines.put(line)
        self.lines.put(None)

    def wait_until_ready(self):
        while True:
            line = self.lines.get(timeout=LIMIT)
            assert line is not None, f"ended with {self.process.wait()}: {self.messages}"
            if line.startswith("ternd: ready: "):
                return self

    def connect(self, timeout=LIMIT):
        return UnixConnection(self.socket_path, timeout)

    def ask(self, method, target, body=None, headers=None, check=True):
        connection = self.connect()
        try:
            connection.request(method, target, body=body, headers=headers or {})
            answer = Answer(connection.getresponse())
        finally:
            connection.close()
        if check:
            CONTRACT.check(method, target, answer)
        return answer

    def post(self, body, kind="image/png", wait=True, check=True):
        return self.ask("POST", "/v1/studies" + ("?wait=1" if wait else ""), body, {"Content-Type": kind}, check)

    def status(self):
        return self.ask("GET", "/v1/status").json()

    def wait_for(self, what):
        """Until a property of the status holds; each question is answered by the server's own loop."""
        import time

        end = time.monotonic() + LIMIT
        while time.monotonic() < end:
            status = self.status()
            if what(status):
                return status
        raise AssertionError(f"not within {LIMIT} s: {status}")

    def raw(self):
        channel = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        # Without a time limit a connection waits for its turn when the server's backlog is full.
        channel.connect(str(self.socket_path))
        channel.settimeout(LIMIT)
        return channel

    def stop_messages(self):
        """What it said, once it has ended."""
        self.reader.join(timeout=LIMIT)
        return "\n".join(self.messages)

    def stop(self, number=signal.SIGTERM):
        self.process.send_signal(number)
        code = self.process.wait(timeout=LIMIT)
        self.reader.join(timeout=LIMIT)
        return code


def ternd(*arguments, environment=None, **more):
    return subprocess.run(
        [*program(), *map(str, arguments)], capture_output=True, text=True, timeout=LIMIT, env={**os.environ, **(environment or {})}, **more)


def follow(server, target):
    connection = server.connect()
    connection.request("GET", target)
    response = connection.getresponse()
    assert response.status == 200 and response.headers["Content-Type"] == "application/jsonl"

    def next_line():
        while True:
            line = response.readline()
            if line.strip():
                schema = "Event" if target.startswith("/v1/events") else "Result"
                CONTRACT.validate({"$ref": "#/components/schemas/" + schema}, json.loads(line))
                return json.loads(line)
            if not line:
                return None

    return connection, next_line


def follow_events(server):
    """Gives the events of the service one by one, from now on."""
    newest = [line["event"] for line in server.ask("GET", "/v1/events", check=False).lines()][-1:] or [0]
    connection = server.connect()
    connection.request("GET", f"/v1/events?after={newest[0]}&follow=1")
    response = connection.getresponse()
    assert response.status == 200

    def next_event():
        connection  # it stays open as long as this
        while True:
            line = response.readline()
            assert line, "the stream ended"
            if line.strip():
                return json.loads(line)

    return next_event
