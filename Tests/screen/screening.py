"""What the tests ask of a screening's results."""

import csv
import io
import json
import os
import pty
import re
import select
import signal
import subprocess

from harness import LIMIT, program

COLUMNS = [
    "index", "path", "answer", "reason_code", "reason", "label", "score", "threshold", "call", "tier", "frame", "out_of_distribution", "status", "kind",
    "frames", "study_instance_uid", "series_instance_uid", "sop_instance_uid", "sha256", "id", "time",
]


def command(models, out, folder, *more, model="mean.tern"):
    return [*program(), "screen", "--model", str(models / model), "--allow-unsigned", "--out", str(out), *map(str, more), str(folder)]


def screen(models, out, folder, *more, model="mean.tern", **options):
    return subprocess.run(command(models, out, folder, *more, model=model), capture_output=True, text=True, timeout=LIMIT, **options)


def lines(out):
    return [json.loads(line) for line in (out / "findings.jsonl").read_bytes().splitlines()]


def rows(out):
    data = (out / "findings.csv").read_bytes()
    assert data.startswith(b"\xef\xbb\xbf")
    # Every line break outside of quotes is CR LF (RFC 4180).
    assert b"\n" not in re.sub(rb'"[^"]*"', b"", data).replace(b"\r\n", b"")
    return list(csv.DictReader(io.StringIO(data.decode("utf-8-sig"), newline=""), strict=True))


def report(out):
    page = (out / "report.html").read_text()
    (data,) = re.findall(r'<script type="application/json" id="tern-data">(.*?)</script>', page, re.S)
    assert "<" not in data
    return json.loads(data)


def agree(out):
    """The three results say the same; gives the lines."""
    found = lines(out)
    table, page = rows(out), report(out)
    assert [line["sequence"] for line in found] == list(range(1, len(found) + 1))
    assert len({line["path"] for line in found}) == len(found)
    by_index = {line["sequence"]: line for line in found}
    assert sorted(int(row["index"]) for row in table) == sorted(by_index) == sorted(item["index"] for item in page["items"])
    for row in table:
        line = by_index[int(row["index"])]
        assert row["path"].removeprefix("'") == line["path"] and row["id"] == line["id"]
        assert row["answer"] == line["answer"]["value"] and row["sha256"] == (line["input"]["sha256"] or "")
    for item in page["items"]:
        line = dict(by_index[item["index"]])
        assert item["path"] == line.pop("path") and item["result"] == line
    return found


def stable(line):
    """Without what differs from run to run."""
    return {key: value for key, value in line.items() if key not in ("id", "time", "timing", "sequence")}


class Terminal:
    """A run at a terminal of its own; nothing sleeps: each wait is for what it writes."""

    def __init__(self, words, columns=80, **options):
        import fcntl
        import struct
        import termios

        self.master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        self.process = subprocess.Popen(
            words, stdin=slave, stderr=slave, stdout=subprocess.PIPE, preexec_fn=lambda: (os.setsid(), fcntl.ioctl(0, termios.TIOCSCTTY, 0)), **options)
        os.close(slave)
        self.seen = ""

    def read(self):
        """More of what it writes; false at the end."""
        ready, _, _ = select.select([self.master], [], [], LIMIT)
        assert ready, self.seen
        try:
            data = os.read(self.master, 65536)
        except OSError:
            data = b""
        self.seen += data.decode()
        return bool(data)

    def wait_for(self, pattern):
        while not (found := re.search(pattern, self.seen)):
            assert self.read(), self.seen
        return found

    def press_control_c(self):
        os.write(self.master, b"\x03")

    def end(self):
        while self.read():
            pass
        output = self.process.stdout.read().decode()
        self.process.stdout.close()
        os.close(self.master)
        return self.process.wait(LIMIT), output

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        return self.end()
