"""Runs the real program: TERND names it."""

import json
import os
import pathlib
import subprocess
import types

import pytest

import object_images as images


def ternd():
    path = pathlib.Path(os.environ.get("TERND", images.ROOT / "build/x86_64/ternd"))
    if not path.exists():
        pytest.fail(f"{path} does not exist; Tools/build-device makes it, or TERND names another")
    return path


def infer(folder, forms, *paths, code=None):
    """The results, and the files of each: suffix to path."""
    done = subprocess.run(
        [ternd(), "infer", "--model", images.MODEL, "--trust", images.KEY, "--outbox", folder, "--outbox-forms", forms, *paths],
        capture_output=True, text=True, timeout=300)
    assert code is None or done.returncode == code, done.stderr
    results = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(results) == len(paths), done.stderr
    files = [{".".join(path.name.split(".")[1:]): path for path in folder.iterdir() if path.name.startswith(result["input"]["sha256"][:16])}
             for result in results]
    return [types.SimpleNamespace(result=result, files=found) for result, found in zip(results, files)], done.stderr
