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
# Seconds for an accepted study to get its result, over starts of the service.
PATIENCE = 600
# A reader says so often what it has: results, and seconds.
CONFIRM_RESULTS, CONFIRM_SECONDS = 100, 60


class Connection(http.client.HTTPConnection):
    """HTTP over a Unix socket."""

    def __init__(self, path, timeout):
        super().__init__("tern", timeout=timeout)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


def ask(socket_path, method, target, body=None, headers={}):
    """One request: status, Retry-After in seconds or None, and the JSON object of the answer."""
    connection = Connection(socket_path, timeout=120)
    try:
        try:
            connection.request(method, target, body, headers)
        except BrokenPipeError:
            # A body that is too large is answered before it has arrived whole.
            pass
        answer = connection.getresponse()
        content = answer.read()
    finally:
        connection.close()
    try:
        document = json.loads(content)
    except ValueError:
        document = {"status": answer.status, "code": "no_json", "message": content.decode(errors="replace")}
    return answer.status, answer.headers.get("Retry-After"), document


def submit(socket_path, file):
    """Sends one study and gives the answer: its status and its JSON object. Waits while the queue is full."""
    kind = KINDS.get(pathlib.Path(file).suffix.lower(), "application/dicom")
    body = pathlib.Path(file).read_bytes()
    while True:
        status, wait, document = ask(socket_path, "POST", "/v1/studies?wait=1", body, {"Content-Type": kind})
        if status in (503, 504) and "id" in document:
            return accepted(socket_path, document["id"])
        if status == 503 and wait:
            time.sleep(int(wait))
            continue
        return status, document


def accepted(socket_path, identifier):
    """The result of a study that is accepted: it comes under this id, if need be after the next start, and the study is not to be sent again."""
    end = time.monotonic() + PATIENCE
    while True:
        try:
            status, _, document = ask(socket_path, "GET", f"/v1/findings/{identifier}")
            if status not in (202, 503):
                return status, document
        except (OSError, http.client.HTTPException):
            pass
        if time.monotonic() >= end:
            raise TimeoutError(f"the study is accepted as {identifier} and has no result yet")
        time.sleep(1)


def results(socket_path, after):
    """Every result after a number, in order, for ever; goes on by itself when the connection or ternd ends.

    Whoever asks for the next result has the one before for good: ternd hears so now and then, and may remove those.
    """
    while True:
        try:
            # An empty line comes every 15 seconds.
            connection = Connection(socket_path, timeout=60)
            connection.request("GET", f"/v1/findings?after={after}&follow=1")
            answer = connection.getresponse()
            if answer.status == 410:
                oldest = json.loads(answer.read())["oldest"]
                print(f"results {after + 1} to {oldest - 1} were removed before they were read here", file=sys.stderr, flush=True)
                after = oldest - 1
                continue
            if answer.status not in (200, 503):
                raise SystemExit(f"ternd answers {answer.status}: {answer.read().decode(errors='replace')}")
            confirmed, confirmed_at = after, time.monotonic()
            while answer.status == 200 and (line := answer.readline()):
                if line.strip():
                    result = json.loads(line)
                    yield result
                    after = result["sequence"]
                if after - confirmed >= CONFIRM_RESULTS or after > confirmed and time.monotonic() - confirmed_at >= CONFIRM_SECONDS:
                    confirm(socket_path, after)
                    confirmed, confirmed_at = after, time.monotonic()
        except (OSError, http.client.HTTPException):
            pass
        time.sleep(1)


def confirm(socket_path, after):
    """Says that every result up to a number is safe here. The question says it, so that the answer is not read."""
    connection = Connection(socket_path, timeout=60)
    connection.request("GET", f"/v1/findings?after={after}")
    connection.getresponse()
    connection.close()


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
        return 0 if status == 200 and answer.get("status") not in ("failed", "not_attempted") else 1
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
