"""A screening that is stopped, killed, starved of disk or robbed of its folder goes on, and does nothing twice."""

import os
import re
import resource
import shutil

import pytest
from harness import png
from screening import Terminal, agree, command, lines, report, screen, stable


COUNT = 60


@pytest.fixture
def many(tmp_path):
    folder = tmp_path / "many"
    folder.mkdir()
    for index in range(COUNT):
        (folder / f"{index:03}.png").write_bytes(png(index, side=64))
    return folder


def slow(models, out, folder):
    """By the slowest kernels, so that a machine with other work does not read all before a key arrives; what goes on takes the fastest, and the bits are the same."""
    return command(models, out, folder, "--threads", 1, "--isa", "scalar", model="slow.tern")


def test_after_a_kill_nothing_is_done_twice(models, many, tmp_path):
    out = tmp_path / "out"
    run = Terminal(slow(models, out, many))
    run.wait_for(rf" [1-9]\d* of {COUNT}, ")
    code, _ = run.kill()
    assert code == -9
    before = lines(out)
    assert 0 < len(before) < COUNT
    done = screen(models, out, many, model="slow.tern")
    assert done.returncode == 0 and f"{len(before)} of them done before" in done.stderr, done.stderr
    after = agree(out)
    assert after[:len(before)] == before
    assert [line["path"] for line in after] == [f"{index:03}.png" for index in range(COUNT)]
    # Once more: nothing is left to do.
    again = screen(models, out, many, model="slow.tern")
    assert again.returncode == 0 and "at a time" not in again.stderr and lines(out) == after


def test_control_c_stops_after_the_images_at_hand(models, many, tmp_path):
    out = tmp_path / "out"
    run = Terminal(slow(models, out, many))
    run.wait_for(rf" [1-9]\d* of {COUNT}, ")
    run.press_control_c()
    code, output = run.end()
    assert code == 75 and "stopping after the images that are being read" in run.seen and "the same command goes on" in run.seen
    before = agree(out)
    assert 0 < len(before) < COUNT and f"{len(before)} images: " in output
    assert report(out)["files"] == COUNT
    assert screen(models, out, many, model="slow.tern").returncode == 0
    after = agree(out)
    assert after[:len(before)] == before and len(after) == COUNT


def test_a_folder_that_goes_away_is_no_row(models, many, tmp_path):
    out = tmp_path / "out"
    run = Terminal(slow(models, out, many))
    run.wait_for(f"{COUNT} images")
    many.rename(tmp_path / "elsewhere")
    code, _ = run.end()
    assert code == 66 and "no longer there" in run.seen, run.seen
    (tmp_path / "elsewhere").rename(many)
    assert all(line["status"] == "succeeded" for line in lines(out))
    assert screen(models, out, many, model="slow.tern").returncode == 0
    assert len(agree(out)) == COUNT


def test_what_is_finished_when_the_folder_goes_away_is_kept(models, many, tmp_path):
    """The outbox has a file for each image that was read: as many are recorded, and no image is read twice."""
    out, outbox = tmp_path / "out", tmp_path / "outbox"
    more = ["--outbox", outbox, "--outbox-forms", "json"]
    run = Terminal(command(models, out, many, "--threads", 2, *more, model="slow.tern"))
    run.wait_for(rf" [1-9]\d* of {COUNT}, ")
    many.rename(tmp_path / "elsewhere")
    code, _ = run.end()
    assert code == 66 and "What is done is kept" in run.seen, run.seen
    (tmp_path / "elsewhere").rename(many)
    before = agree(out)
    assert 0 < len(before) < COUNT and len(list(outbox.iterdir())) == len(before)
    assert screen(models, out, many, *more, model="slow.tern").returncode == 0
    after = agree(out)
    assert after[:len(before)] == before and len(after) == COUNT == len(list(outbox.iterdir()))


def test_a_kill_at_any_byte_of_the_journal_is_mended(models, clinic, tmp_path):
    whole = tmp_path / "whole"
    screen(models, whole, clinic)
    expected = [stable(line) for line in lines(whole)]
    size = (whole / "state/journal").stat().st_size
    marks = [match.start() for match in re.finditer(rb"\n[0-9a-f]{16} \d ", (whole / "state/journal").read_bytes())]
    for cut in (0, 100, marks[3], marks[3] + 1, marks[3] + 40, size - 1):
        out = tmp_path / f"cut{cut}"
        shutil.copytree(whole, out)
        os.truncate(out / "state/journal", cut)
        # The other files may be behind or ahead of it.
        os.truncate(out / "findings.jsonl", cut // 3)
        assert screen(models, out, clinic).returncode == 65
        assert [stable(line) for line in agree(out)] == expected, cut
        shutil.rmtree(out)


def test_damage_in_the_journal_is_found(models, clinic, tmp_path):
    out = tmp_path / "out"
    screen(models, out, clinic)
    expected = [stable(line) for line in lines(out)]
    data = bytearray((out / "state/journal").read_bytes())
    data[len(data) // 2] ^= 1
    (out / "state/journal").write_bytes(data)
    done = screen(models, out, clinic)
    assert "are done again" in done.stderr
    assert [stable(line) for line in agree(out)] == expected


def test_new_files_are_added_and_changed_ones_are_said(models, tmp_path):
    folder, out = tmp_path / "in", tmp_path / "out"
    folder.mkdir()
    (folder / "b.png").write_bytes(png(255))
    screen(models, out, folder)
    (folder / "a.png").write_bytes(png(0))
    (folder / "b.png").write_bytes(png(0, side=9))
    done = screen(models, out, folder)
    assert "1 file changed since" in done.stderr
    assert [line["path"] for line in agree(out)] == ["b.png", "a.png"]


def test_a_full_disk_loses_nothing(models, clinic, tmp_path):
    out = tmp_path / "out"
    done = screen(models, out, clinic, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (40_000, 40_000)))
    assert done.returncode == 74 and "What is done is kept" in done.stderr, done.stderr
    assert screen(models, out, clinic).returncode == 65
    assert len(agree(out)) == 17


@pytest.mark.parametrize("options, word", [
    (["--frames", "1"], "--frames"), (["--modality", "CR"], "--modality"), (["--no-pictures"], "--no-pictures"),
    (["--operating-point", "even"], "--operating-point"),
])
def test_other_settings_are_refused(models, clinic, tmp_path, options, word):
    out = tmp_path / "out"
    screen(models, out, clinic / "a", "--operating-point", "sensitive", model="measured.tern")
    before = (out / "findings.jsonl").read_bytes()
    options = options if "--operating-point" in options else [*options, "--operating-point", "sensitive"]
    done = screen(models, out, clinic / "a", *options, model="measured.tern")
    assert done.returncode == 64 and word in done.stderr and "give another --out" in done.stderr
    assert (out / "findings.jsonl").read_bytes() == before


def test_another_model_or_folder_is_refused(models, clinic, tmp_path):
    out = tmp_path / "out"
    screen(models, out, clinic / "a")
    done = screen(models, out, clinic / "a", model="other.tern")
    assert done.returncode == 64 and "another model" in done.stderr
    done = screen(models, out, clinic)
    assert done.returncode == 64 and "another folder" in done.stderr
    # A link to the same folder is the same folder.
    (tmp_path / "link").symlink_to(clinic / "a")
    assert screen(models, out, tmp_path / "link").returncode == 0


def test_another_outbox_is_refused(models, clinic, tmp_path):
    """The results of what is done lie in the first one."""
    out = tmp_path / "out"
    words = ["--outbox", tmp_path / "first", "--outbox-forms", "json"]
    assert screen(models, out, clinic / "a", *words).returncode == 0
    for other in (["--outbox", tmp_path / "second", "--outbox-forms", "json"], []):
        done = screen(models, out, clinic / "a", *other)
        assert done.returncode == 64 and "the --outbox of the start" in done.stderr, done.stderr
    assert not (tmp_path / "second").exists()
    (tmp_path / "link").symlink_to(tmp_path / "first")
    assert screen(models, out, clinic / "a", "--outbox", tmp_path / "link", "--outbox-forms", "json").returncode == 0


def test_another_version_is_refused(models, clinic, tmp_path):
    out = tmp_path / "out"
    screen(models, out, clinic / "a")
    settings = out / "state/settings"
    settings.write_text(re.sub("program = .*", "program = 0.0.1", settings.read_text()))
    done = screen(models, out, clinic / "a")
    assert done.returncode == 64 and "another version of ternd" in done.stderr and "give another --out" in done.stderr
