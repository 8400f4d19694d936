"""Starts ternd on a socket, sends it every sample image and prints the findings; then screens the folder of samples into a report.

    python3 Tools/lib/demo.py --ternd build/x86_64/ternd --model Models/cxr224/cxr224.tern \
        --samples Models/cxr224/samples --out build/demo

Standard library only.
"""
import argparse
import http.client
import json
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

KINDS = {".png": "image/png", ".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".dcm": "application/dicom"}


class UnixConnection(http.client.HTTPConnection):
    """HTTP over a Unix socket."""

    def __init__(self, path):
        super().__init__("tern", timeout=30)
        self.path = str(path)

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


def request(path, method, target, body=None, kind=None):
    connection = UnixConnection(path)
    connection.request(method, target, body, {"Content-Type": kind} if kind else {})
    answer = connection.getresponse()
    status, data = answer.status, answer.read()
    connection.close()
    return status, data


def wait_until_ready(process, path, seconds=20):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if process.poll() is not None:
            sys.exit(f"ternd ended with exit code {process.returncode} before it was ready; its message is above")
        try:
            if request(path, "GET", "/healthz")[0] == 200:
                return
        except OSError:
            time.sleep(0.01)
    process.kill()
    sys.exit(f"ternd was not ready after {seconds} s")


def summary(result):
    """One readable line of a result."""
    if result["status"] != "succeeded":
        reason = result.get("reason") or {}
        return f"not analysed: {reason.get('meaning', result['status'])}"
    parts = [f"{f['label']} {f['score']:.3f} ({f['call']}, tier {f['tier']})" for f in result["findings"]]
    return "; ".join(parts) or "no findings in this model"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("ternd", "model", "samples", "out"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    arguments = parser.parse_args()
    samples = sorted(p for p in arguments.samples.iterdir() if p.suffix.lower() in KINDS)
    if not samples:
        sys.exit(f"no sample images in {arguments.samples}")

    work = Path(tempfile.mkdtemp(prefix="tern-demo-"))
    path = work / "tern.sock"
    started = time.monotonic()
    process = subprocess.Popen([arguments.ternd, "serve", "--model", arguments.model, "--socket", path, "--state", work / "state"])
    try:
        wait_until_ready(process, path)
        cold = None
        for sample in samples:
            kind = KINDS[sample.suffix.lower()]
            status, data = request(path, "POST", "/v1/studies?wait=1", sample.read_bytes(), kind)
            if cold is None:
                cold = time.monotonic() - started
            if status != 200:
                sys.exit(f"{sample.name}: the service answered {status}: {data.decode(errors='replace')}")
            print(f"{sample.name:28} {summary(json.loads(data))}")
        print(f"{cold * 1000:.0f} ms from process start to the first finding")
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()
        shutil.rmtree(work, ignore_errors=True)
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    subprocess.run([arguments.ternd, "screen", "--model", arguments.model, "--out", arguments.out, arguments.samples], check=True)
    print(f"3/3 report: {arguments.out / 'report.html'}; where the samples come from: {arguments.samples / 'ATTRIBUTION.md'}")


if __name__ == "__main__":
    main()
