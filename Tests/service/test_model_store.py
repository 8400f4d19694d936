"""`ternd model` and `ternd serve --store`: what is chosen, proved, marked good, and what happens when it fails."""

import os
import pathlib
import re
import shutil
import signal
import subprocess

import pytest
import tiny_model
from harness import LIMIT, follow_events, png, program, ternd

UNSIGNED = "--allow-unsigned"


class Store:
    def __init__(self, path, unsigned=True):
        self.path, self.more = path, [UNSIGNED] if unsigned else []

    def run(self, *words, more=()):
        return ternd("model", *words, "--store", self.path, *self.more, *more)

    def ok(self, *words, more=()):
        done = self.run(*words, more=more)
        assert (done.returncode, done.stderr) == (0, ""), done
        return done.stdout

    def add(self, path):
        return self.ok("add", path).split()[0]

    def selection(self):
        lines = (self.path / "selection").read_text().splitlines()
        return dict(line.split(" = ") for line in lines if not line.startswith("#"))

    def files(self):
        return sorted(path.name for path in self.path.rglob("*") if path.is_file())


@pytest.fixture
def made(tmp_path):
    """Three models and a store with them."""
    store = Store(tmp_path / "store")
    digests = []
    for name in "abc":
        digest = tiny_model.mean_model(tmp_path / f"{name}.tern", card=f'{{"purpose":"{name}"}}'.encode())
        assert store.add(tmp_path / f"{name}.tern") == digest
        digests.append(digest)
    return store, digests


def test_a_store_goes_forward_and_back(made, tmp_path):
    store, (a, b, c) = made
    assert store.files() == sorted(["lock", *(f"{digest}.tern" for digest in (a, b, c))])
    assert (store.path / "models" / f"{a}.tern").read_bytes() == (tmp_path / "a.tern").read_bytes()
    assert store.run("mark-good").returncode == 66 and store.run("rollback").returncode == 66, "none is chosen"
    assert store.ok("use", a[:8]) == f"{a} mean 1 (unsigned) is in use from the next start or SIGHUP on\n"
    assert store.run("rollback").returncode == 64
    store.ok("mark-good")
    store.ok("use", b)
    assert store.selection() == {"selection": "2", "current": b, "good": a}
    store.ok("mark-good")
    store.ok("use", c)
    lines = {line.split()[0]: line for line in store.ok("list").splitlines()}
    assert sorted(lines) == sorted([a, b, c])
    assert [lines[digest].partition("(unsigned)")[2] for digest in (a, b, c)] == [", good before", ", marked good", ", in use"]
    assert store.ok("rollback").startswith(b)
    assert store.ok("rollback").startswith(a)
    assert store.selection() == {"selection": "5", "current": a, "good": a}
    assert store.run("rollback").returncode == 64


def test_only_proved_models_come_in(models, tmp_path):
    store = Store(tmp_path / "store", unsigned=False)
    whole = (models / "signed.tern").read_bytes()
    (tmp_path / "cut.tern").write_bytes(whole[:-1])
    trust = ["--trust", models / "key.txt"]
    for path, more, code in [
        (models / "mean.tern", trust, 65), (models / "mean.tern", [], 65), (models / "signed.tern", ["--trust", models / "other-key.txt"], 65),
        (tmp_path / "cut.tern", trust, 65), (models / "wrong.tern", [UNSIGNED], 70), (tmp_path / "none.tern", trust, 66), (tmp_path, trust, 66),
    ]:
        done = store.run("add", path, more=more)
        assert (done.returncode, len(done.stderr.splitlines())) == (code, 1), path
    assert store.files() == ["lock"]
    digest = store.ok("add", models / "signed.tern", more=trust).split()[0]
    # What became of the file since is seen before it is used.
    path = store.path / "models" / f"{digest}.tern"
    path.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    assert store.run("use", digest, more=trust).returncode == 65
    shutil.copy(models / "gated.tern", path)
    assert "another model than its name says" in store.run("use", digest, more=[UNSIGNED]).stderr
    assert "selection" not in store.files()


@pytest.mark.parametrize("words, code", [
    ([], 64), (["frob"], 64), (["add"], 64), (["use"], 64), (["list", "x"], 64), (["use", "0123456"], 64), (["use", "f" * 64], 64), (["use", "../../etc"], 64),
])
def test_wrong_words(made, words, code):
    assert made[0].run(*words).returncode == code


def test_the_store_is_one_writers(made):
    import fcntl

    with open(made[0].path / "lock") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = made[0].run("list")
        assert done.returncode == 75 and "another ternd model" in done.stderr


def test_a_damaged_selection_is_left_alone(made, start):
    store, (a, _, _) = made
    store.ok("use", a)
    whole = (store.path / "selection").read_bytes()
    for content in (b"", whole[:-10], b"\0" * 100, whole + b"more = 1\n"):
        (store.path / "selection").write_bytes(content)
        assert store.run("use", a).returncode == 74 and store.run("mark-good").returncode == 74
        server = serve(start, store, ready=False)
        assert server.process.wait(timeout=LIMIT) == 74
        assert (store.path / "selection").read_bytes() == content


def kill_at(call, count, *words):
    """Runs a command that is killed when it makes that system call for the `count`th time; gives whether it was."""
    tracer = ["strace", "-f", "-qq", "-o", "/dev/null", "-e", f"trace={call}", "-e", f"inject={call}:signal=KILL:when={count}"]
    done = subprocess.run([*tracer, *program(), *map(str, words)], capture_output=True, timeout=LIMIT)
    assert done.returncode in (0, -9, 137), done
    return done.returncode != 0


@pytest.mark.skipif("TERND_RUNNER" in os.environ or not shutil.which("strace"), reason="needs strace, and no emulator")
@pytest.mark.parametrize("action", ["add", "use", "mark-good", "rollback"])
def test_a_kill_at_any_step_leaves_the_old_or_the_new(made, tmp_path, action):
    store, (a, b, _) = made
    for step in [("use", a), ("mark-good",), ("use", b)]:
        store.ok(*step)
    digest = tiny_model.mean_model(tmp_path / "d.tern", card=b'{"purpose":"d"}')
    words = {"add": ("add", tmp_path / "d.tern"), "use": ("use", a)}.get(action, (action,))
    before, kills, seen = store.selection(), 0, []
    shutil.copytree(store.path, tmp_path / "copy")
    file = store.path / "models" / f"{digest}.tern"
    for call in ("openat", "write", "fsync", "rename"):
        count = 1
        while kill_at(call, count, "model", *words, "--store", store.path, UNSIGNED):
            seen.append((store.selection(), file.exists()))
            assert not file.exists() or file.read_bytes() == (tmp_path / "d.tern").read_bytes()
            store.ok("list")
            assert not [name for name in store.files() if name.endswith(".tmp")], "the next command cleans up"
            shutil.rmtree(store.path)
            shutil.copytree(tmp_path / "copy", store.path)
            count, kills = count + 1, kills + 1
        after = store.selection()
        shutil.rmtree(store.path)
        shutil.copytree(tmp_path / "copy", store.path)
    assert kills >= 8
    assert all(selection in (before, after) for selection, _ in seen)
    # Kills before and after the one step that counts were among them.
    assert {there for _, there in seen} == {False, True} if action == "add" else len({str(selection) for selection, _ in seen}) == 2


def serve(start, store, *more, ready=True, **others):
    return start("--store", store.path, "--state", store.path.parent / "state", "--socket", store.path.parent / "tern.sock", UNSIGNED, *more, bare=True, ready=ready, **others)


def test_a_service_from_a_store(made, start):
    store, (a, b, c) = made
    server = serve(start, store, ready=False)
    assert server.process.wait(timeout=LIMIT) == 66 and "no model is chosen" in server.stop_messages()
    store.ok("use", a)
    server = serve(start, store)
    event = follow_events(server)
    assert server.post(png()).json()["model"]["digest"] == a
    assert server.status()["models"] == {"replaced": 0, "refused": 0, "marked_good": False, "rolled_back": False}
    store.ok("mark-good")
    server.process.send_signal(signal.SIGHUP)
    assert event()["code"] == "model_unchanged"
    assert server.status()["models"]["marked_good"] is True
    store.ok("use", b)
    server.process.send_signal(signal.SIGHUP)
    assert event()["code"] == "model_replaced"
    assert server.post(png()).json()["model"]["digest"] == b
    # A file that is no longer what it was is refused, and the next start goes back by itself.
    store.ok("use", c)
    path = store.path / "models" / f"{c}.tern"
    os.truncate(path, 5000)
    server.process.send_signal(signal.SIGHUP)
    assert event()["code"] == "model_refused"
    assert server.post(png()).json()["model"]["digest"] == b
    assert server.stop() == 0
    server = serve(start, store)
    assert server.status()["models"] == {"replaced": 0, "refused": 0, "marked_good": True, "rolled_back": True}
    assert server.post(png()).json()["model"]["digest"] == a
    assert [line["code"] for line in server.ask("GET", "/v1/events", check=False).lines()] == ["model_rolled_back"]
    assert "tern_model_rolled_back 1\n" in server.ask("GET", "/metrics").body.decode()
    server.stop()
    # So it stays, until a model is chosen again.
    shutil.copy(store.path.parent / "c.tern", path)
    server = serve(start, store)
    assert server.status()["model"]["digest"] == a
    event = follow_events(server)
    store.ok("use", c)
    server.process.send_signal(signal.SIGHUP)
    assert event()["code"] == "model_replaced"
    assert server.status()["models"] == {"replaced": 1, "refused": 0, "marked_good": False, "rolled_back": False}


def trial(store):
    text = (store.path.parent / "state" / "model-trial").read_text()
    return dict(re.findall(r"^(\w+) = (\w+)$", text, re.MULTILINE))


def test_starts_that_die_roll_back(made, start):
    store, (a, b, _) = made
    for step in [("use", a), ("mark-good",), ("use", b)]:
        store.ok(*step)
    for count in (1, 2, 3):
        server = serve(start, store)
        assert server.status()["model"]["digest"] == b and trial(store)["starts"] == str(count)
        server.stop(signal.SIGKILL)
    server = serve(start, store)
    assert server.status()["model"]["digest"] == a and server.status()["models"]["rolled_back"] is True
    server.stop()
    # Chosen again it is tried again; a study that it has read, or a stop in order, ends the count.
    store.ok("use", b)
    for _ in range(5):
        server = serve(start, store)
        assert server.post(png()).json()["model"]["digest"] == b
        server.stop(signal.SIGKILL)
        assert trial(store)["starts"] == "0"
        assert serve(start, store).stop() == 0
    store.ok("mark-good")
    for _ in range(4):
        server = serve(start, store)
        assert server.status()["model"]["digest"] == b
        server.stop(signal.SIGKILL)


def test_what_no_model_reads_proves_none(made, start):
    store, (a, b, _) = made
    for step in [("use", a), ("mark-good",), ("use", b)]:
        store.ok(*step)
    for count in (1, 2, 3):
        server = serve(start, store)
        assert server.post(b"\x89PNG\r\n\x1a\n" + b"no image" * 10).status == 400
        assert trial(store)["starts"] == str(count)
        server.stop(signal.SIGKILL)
    assert serve(start, store).status()["models"]["rolled_back"] is True


def test_without_a_good_model_a_bad_one_ends_the_start(made, start):
    store, (a, _, _) = made
    store.ok("use", a)
    os.truncate(store.path / "models" / f"{a}.tern", 5000)
    for _ in range(2):
        server = serve(start, store, ready=False)
        assert server.process.wait(timeout=LIMIT) == 65
    assert not (pathlib.Path(store.path).parent / "state/model-trial").exists()


def test_a_service_changes_nothing_in_its_store(made, start):
    store, (a, b, _) = made
    for step in [("use", a), ("mark-good",), ("use", b)]:
        store.ok(*step)
    before = {path: path.stat().st_mtime_ns for path in store.path.rglob("*")}
    server = serve(start, store)
    server.post(png())
    server.stop(signal.SIGKILL)
    serve(start, store).stop()
    assert {path: path.stat().st_mtime_ns for path in store.path.rglob("*")} == before


def test_a_model_and_a_store_exclude_each_other(made, models, tmp_path):
    done = ternd("serve", "--store", made[0].path, "--model", models / "mean.tern", "--state", tmp_path / "state", "--socket", tmp_path / "s")
    assert done.returncode == 64 and "one of --model and --store" in done.stderr
