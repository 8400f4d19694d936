"""A client of the socket of frames: memfd, seals and SCM_RIGHTS."""

import array
import contextlib
import fcntl
import json
import os
import pathlib
import socket
import struct

import numpy as np
from harness import CONTRACT, LIMIT, png

KINDS = {"application/dicom": 1, "image/jpeg": 2, "image/png": 3, "application/nifti": 4, "grey8": 16, "grey16": 17, "rgb8": 18}
SEALS = fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_WRITE


def head(kind, byte_count, token=1, flags=0, deadline=0, width=0, height=0, stride=0, bits=0, modality=b"", magic=b"TERNFRAM", version=1, rest=bytes(24)):
    """As FrameHead.swift describes it."""
    return struct.pack("<8sIIIIQQIIII16s24s", magic, version, KINDS.get(kind, kind), flags, deadline, byte_count, token, width, height, stride, bits,
                       modality, rest)


@contextlib.contextmanager
def memory(data, seals=SEALS):
    descriptor = os.memfd_create("frame", os.MFD_ALLOW_SEALING | os.MFD_CLOEXEC)
    try:
        view = memoryview(data)
        while view:
            view = view[os.write(descriptor, view):]
        if seals:
            fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, seals)
        yield descriptor
    finally:
        os.close(descriptor)


class Frames:
    def __init__(self, path):
        self.channel = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.channel.settimeout(LIMIT)
        self.channel.connect(str(path))

    def close(self):
        self.channel.close()

    def send(self, message, descriptors=()):
        control = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", descriptors))] if descriptors else []
        self.channel.sendmsg([message], control)

    def put(self, kind, data, token=1, **fields):
        """Sends a file."""
        with memory(data) as descriptor:
            self.send(head(kind, len(data), token, **fields), [descriptor])

    def picture(self, values, token=1, padding=0, **fields):
        """Sends the rows of an array, `padding` bytes behind each."""
        kind = "rgb8" if values.ndim == 3 else {1: "grey8", 2: "grey16"}[values.itemsize]
        row = values.shape[1] * values.itemsize * (3 if values.ndim == 3 else 1)
        data = b"".join(line.astype(values.dtype.newbyteorder("<")).tobytes() + b"\xaa" * padding for line in values)
        self.put(kind, data, token, width=values.shape[1], height=values.shape[0], stride=row + padding, **fields)

    def answer(self):
        """Token, status and body of the next answer; None when the connection has ended."""
        try:
            text = self.channel.recv(1 << 20)
        except ConnectionResetError:
            return None
        if not text:
            return None
        whole = json.loads(text)
        assert list(whole) == ["token", "status", "body"]
        return whole["token"], whole["status"], whole["body"]


def descriptors(server):
    return len(list(pathlib.Path(f"/proc/{server.process.pid}/fd").iterdir()))


def threads(server):
    return [(task / "comm").read_text().strip() for task in pathlib.Path(f"/proc/{server.process.pid}/task").iterdir()]


def live(server):
    return server.status()["live"]


def score(result, label="white"):
    return next(finding["score"] for finding in result["findings"] if finding["label"] == label)


def refused(frames, code, status=400):
    token, found, body = frames.answer()
    CONTRACT.validate({"$ref": "#/components/schemas/Problem"}, body)
    assert (found, body["status"], body["code"]) == (status, status, code), body
    return token


def noise(*shape, kind=np.uint8):
    return np.random.default_rng(7).integers(0, np.iinfo(kind).max, shape, kind, endpoint=True)


def busy(server, until=1):
    """Until the worker reads a study."""
    server.post(png(side=64), wait=False)
    server.wait_for(lambda status: status["queue"]["pending"] >= until and status["queue"]["waiting"] == 0)
