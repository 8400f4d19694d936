#!/usr/bin/env python3
"""Puts a report together from the page's source and data, as the program does: for work on the page, and for its tests.

    Tests/page/assemble.py DATA.json REPORT.html
    Tests/page/assemble.py --write-hash           # after a change of a script
"""
import base64
import hashlib
import json
import pathlib
import re
import sys

SOURCES = pathlib.Path(__file__).resolve().parents[2] / "Sources/CTernPage"


def parts():
    """The files of head and tail, in the order of cternpage.c."""
    source = (SOURCES / "cternpage.c").read_text()
    head, tail = source.split("static const uint8_t tail[]")
    return [[SOURCES / name for name in re.findall(r'#embed "([^"]+)"', part)] for part in (head, tail)]


def script_hash():
    script = b"".join(path.read_bytes() for path in parts()[1] if path.suffix == ".js")
    return base64.b64encode(hashlib.sha256(script).digest()).decode()


def assemble(data):
    head, tail = (b"".join(path.read_bytes() for path in files) for files in parts())
    return head + json.dumps(data, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c").encode() + tail


if __name__ == "__main__":
    if sys.argv[1:] == ["--write-hash"]:
        (SOURCES / "page/script.sha256").write_text(script_hash())
    elif len(sys.argv) == 3:
        pathlib.Path(sys.argv[2]).write_bytes(assemble(json.loads(pathlib.Path(sys.argv[1]).read_text())))
    else:
        sys.exit(__doc__)
