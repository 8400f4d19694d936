"""Packaging/systemd: judged by systemd's own tools, and held against what ternd really does when it starts."""

import contextlib
import os
import re
import shutil
import subprocess
import threading

import pytest
from harness import LIMIT, ROOT, binary, png, program

UNITS = ROOT / "Packaging/systemd"
MOST_EXPOSURE = 1.5


def analyze(*words):
    assert shutil.which("systemd-analyze"), "systemd is among the packages of the tests (Tools/lib/setup.sh)"
    return subprocess.run(["systemd-analyze", *map(str, words)], capture_output=True, text=True, timeout=LIMIT)


def setting(name):
    return re.findall(rf"^{name}=(.*)$", (UNITS / "ternd.service").read_text(), re.M)


def test_the_exposure_is_small():
    done = analyze("security", "--offline=true", f"--threshold={int(MOST_EXPOSURE * 10)}", "--no-pager", UNITS / "ternd.service")
    found = re.search(r"Overall exposure level for ternd.service: ([0-9.]+)", done.stdout)
    assert done.returncode == 0 and float(found[1]) <= MOST_EXPOSURE, done.stdout + done.stderr


def test_the_units_hold(tmp_path):
    for name in ("ternd.service", "ternd.socket"):
        # Where ternd and its manual are installed is not looked at.
        (tmp_path / name).write_text((UNITS / name).read_text().replace("/usr/local/bin/ternd serve", "/bin/true serve"))
    done = analyze("verify", "--man=no", tmp_path / "ternd.service", tmp_path / "ternd.socket")
    assert (done.returncode, done.stderr.strip()) == (0, "")


def test_what_the_issue_asks_of_the_service():
    assert setting("Type") == ["notify"] and setting("PrivateNetwork") == ["yes"] and int(setting("WatchdogSec")[0]) > 0
    assert setting("RestrictAddressFamilies") == ["AF_UNIX"] and setting("NoNewPrivileges") == ["yes"] and setting("MemoryDenyWriteExecute") == ["yes"]


def test_a_cause_that_lasts_never_ends_the_restarts():
    """A full disk refuses one start after another; the service is back when there is room."""
    text = (UNITS / "ternd.service").read_text()
    # systemd reads the limit of starts in [Unit] alone, and passes over it elsewhere.
    head, body = text.split("[Service]")
    assert re.findall(r"^StartLimitIntervalSec=(.*)$", head, re.M) == ["0"] and "StartLimit" not in body
    assert setting("Restart") == ["on-failure"] and int(setting("RestartSec")[0]) >= 5
    assert not {"74", "75"} & set(setting("RestartPreventExitStatus")[0].split())


def test_the_groups_can_read_what_is_meant_for_them(start, tmp_path):
    """With the unit's umask: results in the watched folder and the state directory, and nothing of what holds pixels or the audit log."""
    folder = tmp_path / "in"
    folder.mkdir()
    folder.chmod(0o2770)
    server = start("--watch", folder, "--queue", "8", model="slow.tern", preexec=lambda: os.umask(int(setting("UMask")[0], 8)))
    (folder / ".a").write_bytes(png())
    (folder / ".a").rename(folder / "a.png")
    server.wait_for(lambda status: status["watch"]["done"] == 1)
    for value in range(3):
        server.post(png(value=value), wait=False)
    modes = {}
    for path in (folder, server.state, *folder.rglob("*"), *server.state.rglob("*")):
        with contextlib.suppress(FileNotFoundError):
            modes[path] = path.stat().st_mode & 0o7777
    assert server.stop() == 0
    assert modes[folder / "done"] == 0o2750 and modes[folder / "done/a.png.json"] == 0o640
    assert (folder / "done/a.png.json").stat().st_gid == folder.stat().st_gid
    assert modes[server.state] == 0o750 == int(setting("StateDirectoryMode")[0], 8) and modes[server.state / "findings.jsonl"] == 0o640
    assert modes[server.state / "queue"] == 0o700 == modes[server.state / "audit"]
    waiting = [mode for path, mode in modes.items() if path.suffix == ".study"]
    assert waiting and set(waiting) == {0o600}
    # The file itself is its sender's.
    assert not [path for path, mode in modes.items() if mode & 0o007 and path.name not in ("model-trial", "a.png")]


def test_what_may_pass_is_tried_again():
    # Without memory or threads (69), and after a fault of ours (70), the next start may do.
    assert setting("RestartPreventExitStatus") == ["64 65 66 77"]


def test_the_command_of_the_unit_is_one(tmp_path):
    """Every option of ExecStart is one of `ternd serve`."""
    words = setting("ExecStart")[0].split()[1:]
    page = subprocess.run([*program(), "serve", "--help"], capture_output=True, text=True, timeout=LIMIT).stdout
    assert words[0] == "serve" and all(f"  {word}" in page for word in words if word.startswith("--"))


def filtered_calls():
    """The calls that the unit's SystemCallFilter lets pass, by systemd's own sets."""
    sets, current = {}, None
    for line in analyze("syscall-filter").stdout.splitlines():
        word = re.sub(r"\x1b\[[0-9;]*m", "", line).split("#")[0].strip()
        if re.sub(r"\x1b\[[0-9;]*m", "", line).startswith("@"):
            current = sets.setdefault(word, set())
        elif current is not None and word:
            current.add(word)

    def members(name):
        if not name.startswith("@"):
            return {name}
        return set().union(*(members(inner) for inner in sets[name]))

    allowed = members("@default")
    for value in setting("SystemCallFilter"):
        names = set().union(*(members(name) for name in value.lstrip("~").split()))
        allowed = allowed - names if value.startswith("~") else allowed | names
    return allowed


def test_the_filter_of_the_unit_lets_ternd_work(start, tmp_path, monkeypatch):
    """Under strace: the unit's filter has every call that ternd makes on its way to being ready, at work and at its end."""
    if len(program()) > 1:
        pytest.skip("an emulator makes calls of its own")
    log, traced = tmp_path / "calls", tmp_path / "traced"
    os.mkfifo(log)
    # -D: what is started stays our child, and strace is its child.
    traced.write_text(f'#!/bin/sh\nexec strace -D -f -qq -o {log} -e signal=none {binary()} "$@"\n')
    traced.chmod(0o755)
    monkeypatch.setenv("TERND", str(traced))
    lines = []
    # Ends when strace does.
    reader = threading.Thread(target=lambda: lines.append(log.read_text()), daemon=True)
    reader.start()
    server = start()
    assert server.post(png()).status == 200
    assert server.stop() == 0
    reader.join(timeout=LIMIT)
    made = set(re.findall(r"^\d+ +(?:<\.\.\. )?(\w+)(?:\(| resumed)", lines[0], re.M))
    assert {"seccomp", "landlock_restrict_self", "openat", "epoll_wait"} <= made
    assert made <= filtered_calls()


def test_users_groups_and_folders():
    users = (UNITS / "tern.sysusers.conf").read_text()
    assert re.search(r"^u tern ", users, re.M) and re.search(r"^g tern-clients ", users, re.M)
    socket = (UNITS / "ternd.socket").read_text()
    assert "SocketMode=0660" in socket and "SocketGroup=tern-clients" in socket and "ListenStream=/run/tern/tern.sock" in socket
    assert setting("User") == ["tern"]
    folders = re.findall(r"^d (\S+)", (UNITS / "tern.tmpfiles.conf").read_text(), re.M)
    assert "/run/tern" in folders and "/etc/tern" in folders
