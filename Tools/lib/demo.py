"""Starts ternd on a socket, sends it every sample image, prints the findings and writes an HTML report.

    python3 Tools/lib/demo.py --ternd build/x86_64/ternd --model Models/pneumonia28/pneumonia28.tern \
        --samples Models/pneumonia28/samples --out build/demo

Standard library only.
"""
import argparse
import base64
import html
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


STYLE = """body{font:16px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:60rem;padding:0 1rem;color:#1a1a1a;background:#fff}
table{border-collapse:collapse;width:100%}th,td{padding:.5rem;border-bottom:1px solid #ddd;text-align:left;vertical-align:middle}
img{width:112px;height:112px;image-rendering:pixelated;border:1px solid #888}
.positive{background:#fbe3e0}.review{background:#fff3cd}.bar{background:#ddd;width:10rem;height:.7rem}.bar div{background:#345;height:100%}
.note{border-left:.3rem solid #b00;padding:.5rem 1rem;background:#f6f6f6}code{font-size:.85em;word-break:break-all}
@media(prefers-color-scheme:dark){body{color:#eee;background:#181818}th,td{border-color:#444}.positive{background:#4a1f1b}
.review{background:#4a3d10}.note{background:#252525}.bar{background:#444}.bar div{background:#9bd}}"""


def report(rows, model, binary_bytes, cold_seconds):
    body = []
    for path, kind, result in rows:
        picture = base64.b64encode(path.read_bytes()).decode()
        image = f'<img alt="{html.escape(path.name)}" src="data:{kind};base64,{picture}">' if kind != "application/dicom" else ""
        for finding in result.get("findings") or [None]:
            if finding:
                call = finding["call"]
                score = (f'<div class="bar"><div style="width:{finding["score"] * 100:.1f}%"></div></div>{finding["score"]:.3f}, '
                         f'threshold {finding["threshold"]:.3f}')
                text = f'{html.escape(finding["label"])}: <b>{call}</b>, tier {finding["tier"]}'
            else:
                call, score, text = "review", "", html.escape(summary(result))
            body.append(f'<tr class="{call}"><td>{image}</td><td>{html.escape(path.name)}</td><td>{text}</td><td>{score}</td>'
                        f'<td>{result["timing"]["total_us"] / 1000:.1f} ms</td></tr>')
    return f"""<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<title>Tern demo</title><style>{STYLE}</style>
<h1>Tern demo</h1>
<p class="note">Research software. Not a medical device, not for clinical use.</p>
<p>Model <b>{html.escape(model["name"])}</b> {html.escape(model["version"])}, digest <code>{html.escape(model["digest"])}</code>.
A static binary of {binary_bytes / 1e6:.2f} MB; {cold_seconds * 1000:.0f} ms from process start to the first finding.</p>
<table><thead><tr><th>Image<th>File<th>Finding<th>Score<th>Time</tr></thead><tbody>{"".join(body)}</tbody></table>
<p>Sample images: MedMNIST v2 (Yang et al., Scientific Data 2023), CC BY 4.0. The file name carries the data set's own label.</p></html>"""


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("ternd", "model", "samples", "out"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    arguments = parser.parse_args()
    samples = sorted(p for p in arguments.samples.iterdir() if p.suffix.lower() in KINDS)
    if not samples:
        sys.exit(f"no sample images in {arguments.samples}")
    arguments.out.mkdir(parents=True, exist_ok=True)

    work = Path(tempfile.mkdtemp(prefix="tern-demo-"))
    path = work / "tern.sock"
    started = time.monotonic()
    process = subprocess.Popen([arguments.ternd, "serve", "--model", arguments.model, "--socket", path, "--state", work / "state"])
    try:
        wait_until_ready(process, path)
        rows, cold = [], 0.0
        for sample in samples:
            kind = KINDS[sample.suffix.lower()]
            status, data = request(path, "POST", "/v1/studies?wait=1", sample.read_bytes(), kind)
            if not rows:
                cold = time.monotonic() - started
            if status != 200:
                sys.exit(f"{sample.name}: the service answered {status}: {data.decode(errors='replace')}")
            result = json.loads(data)
            rows.append((sample, kind, result))
            print(f"{sample.name:28} {summary(result)}")
        page = arguments.out / "report.html"
        page.write_text(report(rows, rows[0][2]["model"], arguments.ternd.stat().st_size, cold), encoding="utf-8")
        print(f"{cold * 1000:.0f} ms from process start to the first finding")
        print(f"3/3 report: {page}")
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()
        shutil.rmtree(work, ignore_errors=True)


if __name__ == "__main__":
    main()
