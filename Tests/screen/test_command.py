"""Refusals, rights and what a person sees while it runs."""

import fcntl
import os
import pathlib
import re
import shutil
import subprocess
import tempfile

import pytest
from harness import LIMIT, binary, png, ternd
from screening import Terminal, agree, command, lines, screen


def folder_of(tmp_path, count=3):
    folder = tmp_path / "in"
    folder.mkdir()
    for index in range(count):
        (folder / f"{index}.png").write_bytes(png(index * 30))
    return folder


def test_a_folder_that_is_none_is_refused(models, tmp_path):
    out = tmp_path / "out"
    done = screen(models, out, tmp_path / "missing")
    assert done.returncode == 66 and "no such file or directory" in done.stderr
    (tmp_path / "file.png").write_bytes(png())
    done = screen(models, out, tmp_path / "file.png")
    assert done.returncode == 66 and "not a directory" in done.stderr
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty/notes.txt").write_text("x")
    done = screen(models, out, tmp_path / "empty")
    assert done.returncode == 66 and "no image files; left out: 1 other file" in done.stderr
    assert not out.exists()


@pytest.mark.parametrize("place", ["in", "in/out", "in/../in/x", "link/out"])
def test_results_inside_the_folder_are_refused(models, tmp_path, place):
    folder_of(tmp_path)
    (tmp_path / "link").symlink_to(tmp_path / "in")
    done = screen(models, tmp_path / place, tmp_path / "in")
    assert done.returncode == 64 and "--out lies in the folder" in done.stderr
    assert sorted(path.name for path in (tmp_path / "in").iterdir()) == ["0.png", "1.png", "2.png"]


def test_places_for_results_that_are_none_are_refused(models, tmp_path):
    folder = folder_of(tmp_path)
    done = screen(models, tmp_path / "missing/out", folder)
    assert done.returncode == 66 and "--out: no such file or directory" in done.stderr
    (tmp_path / "file").write_text("")
    assert "--out: not a directory" in screen(models, tmp_path / "file", folder).stderr
    (tmp_path / "other").mkdir()
    (tmp_path / "other/findings.csv").write_text("mine")
    done = screen(models, tmp_path / "other", folder)
    assert done.returncode == 64 and "findings.csv that is no screening's" in done.stderr
    assert (tmp_path / "other/findings.csv").read_text() == "mine"


@pytest.mark.parametrize("options", [["--outbox-forms", "sr"], ["--outbox", "outbox", "--outbox-forms", "sr,pdf"]])
def test_a_mistake_in_the_options_leaves_nothing_behind(models, tmp_path, options):
    """What it left would bind the command that is right."""
    folder, out = folder_of(tmp_path), tmp_path / "out"
    done = screen(models, out, folder, *options, cwd=tmp_path)
    assert done.returncode == 64 and "--outbox-forms" in done.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in"]
    assert screen(models, out, folder).returncode == 0


def test_a_start_that_recorded_nothing_does_not_bind(models, tmp_path):
    folder, out = folder_of(tmp_path), tmp_path / "out"
    (tmp_path / "file").write_text("")
    done = screen(models, out, folder, "--outbox", tmp_path / "file", "--outbox-forms", "json")
    assert done.returncode != 0 and "outbox: " in done.stderr and (out / "state/settings").exists()
    assert screen(models, out, folder).returncode == 0
    assert len(agree(out)) == 3


@pytest.mark.parametrize("outbox", ["out", "out/", "in/../out", "link/out", "dangling"])
def test_an_outbox_that_is_the_folder_of_results_is_refused(models, tmp_path, outbox):
    folder, out = folder_of(tmp_path), tmp_path / "out"
    (tmp_path / "link").symlink_to(tmp_path)
    (tmp_path / "dangling").symlink_to(out)
    for _ in range(2):
        done = screen(models, out, folder, "--outbox", f"{tmp_path}/{outbox}")
        assert done.returncode == 64 and "--outbox is the folder of --out" in done.stderr, done.stderr
        out.mkdir(exist_ok=True)
    assert screen(models, out, folder, "--outbox", out / "outbox", "--outbox-forms", "json").returncode == 0
    assert len(list((out / "outbox").iterdir())) == 3


def test_two_runs_at_once_are_refused(models, tmp_path):
    folder, out = folder_of(tmp_path), tmp_path / "out"
    screen(models, out, folder)
    with open(out / "state/lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = screen(models, out, folder)
        assert done.returncode == 75 and "another ternd screen" in done.stderr
    assert screen(models, out, folder).returncode == 0


@pytest.fixture
def open_to_all():
    """A folder that another user reaches, too: those of pytest are closed."""
    with tempfile.TemporaryDirectory() as name:
        os.chmod(name, 0o777)
        yield pathlib.Path(name)


def test_what_may_not_be_read_is_said(models, open_to_all):
    folder, out = folder_of(open_to_all), open_to_all / "out"
    (folder / "closed").mkdir()
    (folder / "closed").chmod(0)
    (folder / "1.png").chmod(0)
    shutil.copy(models / "mean.tern", open_to_all)
    # The superuser may read everything: it runs a copy of the program as nobody.
    user = (lambda: os.setuid(65534)) if os.getuid() == 0 else None
    words = command(open_to_all, out, folder)
    place = words.index(binary())
    words[place] = shutil.copy(words[place], open_to_all)

    def run():
        return subprocess.run(words, capture_output=True, text=True, timeout=LIMIT, preexec_fn=user)

    done = run()
    assert done.returncode == 65 and "1 folder or file could not be looked at" in done.stderr, done.stderr
    found = {line["path"]: line for line in lines(out)}
    assert found["1.png"]["answer"]["reason"]["value"] == "NOT-OPENED" and found["2.png"]["status"] == "succeeded"
    (open_to_all / "locked").mkdir()
    (open_to_all / "locked").chmod(0o555)
    words[words.index(str(out))] = str(open_to_all / "locked/out")
    done = run()
    assert done.returncode == 77 and "--out: permission denied" in done.stderr, done.stderr
    (folder / "closed").chmod(0o755)
    folder.chmod(0)
    done = run()
    assert done.returncode in (66, 77) and "the folder: " in done.stderr, done.stderr
    folder.chmod(0o755)


@pytest.mark.parametrize("columns", [40, 100])
def test_a_terminal_shows_a_bar_with_rate_and_time_left(models, tmp_path, columns):
    folder, out = folder_of(tmp_path, 8), tmp_path / "out"
    run = Terminal(command(models, out, folder, "--threads", "1", model="slow.tern"), columns=columns)
    code, output = run.end()
    assert code == 0 and "8 images: " in output
    bars = [bar for bar in re.findall(r"\r([^\r\n\x1b]+)\x1b\[K", run.seen)]
    assert bars and all(len(bar) < columns for bar in bars), run.seen
    assert re.fullmatch(r"\[#+\] 8 of 8, [\d.]+ images/s", bars[-1]), bars[-1]


def test_a_file_gets_plain_lines(models, tmp_path):
    done = screen(models, tmp_path / "out", folder_of(tmp_path))
    assert done.returncode == 0 and "\r" not in done.stderr and "\x1b" not in done.stderr
    assert re.search(r"^ternd: screen: 3 of 3, [\d.]+ images/s$", done.stderr, re.M), done.stderr


def test_the_help_names_every_option():
    words = ternd("screen", "--help").stdout
    for option in ("--out", "--model", "--threads", "--operating-point", "--frames", "--modality", "--no-pictures", "--trust"):
        assert option in words
    assert ternd("screen").returncode == 64 and ternd("screen", "a", "b", "--out", "x").returncode == 64
    assert "screen" in ternd("--help").stdout


def test_a_start_that_is_stopped_early_leaves_all_to_the_next(models, tmp_path):
    """A stop while the first start writes its state leaves nothing that the next one trips over."""
    folder, out = folder_of(tmp_path), tmp_path / "out"
    (out / "state").mkdir(parents=True)
    (out / "report.html.tmp").write_text("half")
    (out / "findings.csv.tmp").write_text("half")
    (out / "state/journal").write_bytes(b"")
    assert screen(models, out, folder).returncode == 0
    assert len(agree(out)) == 3 and not list(pathlib.Path(out).glob("*.tmp"))
