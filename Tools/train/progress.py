"""Progress bar on a terminal, files that are whole or missing, and the run's log."""
from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import Callable, Iterable, Iterator, TextIO


def progress(items: Iterable, label: str) -> Iterator:
    """Yields `items`; draws a bar on standard error when that is a terminal, and stays silent otherwise."""
    total = len(items)
    shown = sys.stderr.isatty()
    begin = time.monotonic()
    for index, item in enumerate(items):
        yield item
        if shown:
            done = (index + 1) / total
            left = (time.monotonic() - begin) * (1 / done - 1)
            bar = "#" * int(30 * done)
            sys.stderr.write(f"\r{label:28.28} [{bar:30}] {index + 1}/{total} {left:5.0f} s left ")
            sys.stderr.flush()
    if shown:
        sys.stderr.write("\r" + " " * 90 + "\r")


def put(path: Path, save: Callable[[Path], None]) -> None:
    """Makes `path` with `save`, whole or not at all: an interrupted run leaves PATH.tmp, which nobody reads."""
    beside = path.with_name(path.name + ".tmp")
    save(beside)
    os.replace(beside, path)


class Log:
    """Appends lines to a file and prints them on `stream`; times are seconds since the run began."""

    def __init__(self, path: Path, stream: TextIO | None = None):
        self.path = path
        self.stream = stream
        self.begin = time.monotonic()

    def __call__(self, text: str) -> None:
        line = f"{time.monotonic() - self.begin:8.1f}  {text}"
        print(line, file=self.stream, flush=True)
        with self.path.open("a") as file:
            file.write(line + "\n")
