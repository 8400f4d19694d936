#!/usr/bin/env python3
"""A client of ternd in Python: the standard library and nothing else.

    python3 tern_client.py /run/tern/tern.sock submit image.dcm            # one study; the result on standard output
    python3 tern_client.py /run/tern/tern.sock follow position.txt         # results as lines, from where position.txt says, for ever

Exit codes: 0 a result, 1 the study was refused or failed (the answer is on standard output), 2 ternd cannot be reached or the words are wrong.
"""
import http.client
import json
import os
import pathlib
import socket
import sys
import time

KINDS = {".dcm": "application/dicom", ".dicom": "application/dicom", ".nii": "application/nifti", ".gz": "application/nifti", ".jpg": "image/jpeg",
         ".jpeg": "image/jpeg", ".png": "image/png"}


class Connection(http.client.HTTPConnection):
    """HTTP over a Unix socket."""

    def __init__(self, path, timeout):
        super().__init__("tern", timeout=timeout)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


def submit(socket_path, file):
    """Sends one study and gives the answer: its status and its JSON object. Waits while the queue is full."""
    kind = KINDS.get(pathlib.Path(file).suffix.lower(), "application/dicom")
    body = pathlib.Path(file).read_bytes()
    while True:
        connection = Connection(socket_path, timeout=120)
        connection.request("POST", "/v1/studies?wait=1", body, {"Content-Type": kind})
        answer = connection.getresponse()
        content = answer.read()
        connection.close()
        wait = answer.headers.get("Retry-After")
        if answer.status == 503 and wait:
            time.sleep(int(wait))
            continue
        return answer.status, json.loads(content)


def results(socket_path, after):
    """Every result after a number, in order, for ever; goes on by itself when the connection or ternd ends."""
    while True:
        try:
            # An empty line comes every 15 seconds.
            connection = Connection(socket_path, timeout=60)
            connection.request("GET", f"/v1/findings?after={after}&follow=1")
            answer = connection.getresponse()
            if answer.status not in (200, 503):
                raise SystemExit(f"ternd answers {answer.status}: {answer.read().decode()}")
            while answer.status == 200 and (line := answer.readline()):
                if line.strip():
                    result = json.loads(line)
                    yield result
                    after = result["sequence"]
        except (OSError, http.client.HTTPException):
            pass
        time.sleep(1)


def remember(path, sequence):
    """Written beside, then renamed, so that a power cut leaves the old or the new."""
    beside = path.with_name(path.name + ".new")
    with open(beside, "w") as file:
        file.write(f"{sequence}\n")
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)


def main(words):
    if len(words) == 3 and words[1] == "submit":
        try:
            status, answer = submit(words[0], words[2])
        except (OSError, http.client.HTTPException) as error:
            print(f"ternd cannot be reached, or ended without an answer: {error}", file=sys.stderr)
            return 2
        print(json.dumps(answer))
        return 0 if status == 200 else 1
    if len(words) == 3 and words[1] == "follow":
        position = pathlib.Path(words[2])
        after = int(position.read_text()) if position.exists() else 0
        for result in results(words[0], after):
            print(json.dumps(result), flush=True)
            remember(position, result["sequence"])
    print(__doc__, file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
