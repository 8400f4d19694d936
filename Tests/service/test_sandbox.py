"""What a running service cannot do, by the kernel's own answers: system calls are made in the name of each of its threads."""

import os
import pathlib
import re
import signal
import socket
import subprocess

import pytest
from harness import LIMIT, ROOT, png, program, ternd
from traced import CALLABLE, stopped, working_threads

EPERM, EACCES, ENOSYS = 1, 13, 38
AT_FDCWD, O_WRONLY, O_CREAT, O_DIRECTORY = -100, 1, 0o100, 0o200000
PROT_READ, PROT_WRITE, PROT_EXEC, MAP_PRIVATE, MAP_ANONYMOUS = 1, 2, 4, 2, 0x20
EMULATED = bool(os.environ.get("TERND_RUNNER"))
needs_kernel = pytest.mark.skipif(EMULATED, reason="an emulator has neither filters nor Landlock")
needs_calls = pytest.mark.skipif(EMULATED or not CALLABLE, reason="calls are made with registers of x86-64")

# A name, the call, its arguments.
REFUSED = [
    ("an IPv4 socket", "socket", (socket.AF_INET, socket.SOCK_STREAM, 0)),
    ("an IPv6 socket", "socket", (socket.AF_INET6, socket.SOCK_DGRAM, 0)),
    ("a packet socket", "socket", (17, socket.SOCK_RAW, 0)),
    ("a netlink socket", "socket", (16, socket.SOCK_RAW, 0)),
    ("a Unix socket", "socket", (socket.AF_UNIX, socket.SOCK_STREAM, 0)),
    ("connect", "connect", (0, 0, 0)),
    ("bind", "bind", (0, 0, 0)),
    ("listen", "listen", (0, 1)),
    ("a message to an address", "sendmsg", (0, 0, 0)),
    ("execve", "execve", ("text:0", 0, 0)),
    ("execveat", "execveat", (AT_FDCWD, "text:0", 0, 0, 0)),
    ("fork", "fork", ()),
    ("vfork", "vfork", ()),
    ("clone of a process", "clone", (int(signal.SIGCHLD), 0, 0, 0, 0)),
    ("a thread in a network of its own", "clone", (0x40000000 | 0x10F00, 0, 0, 0, 0)),
    ("unshare", "unshare", (0x10000000,)),
    ("ptrace", "ptrace", (0x4206, 1, 0, 0)),
    ("reading another's memory", "process_vm_readv", (1, 0, 0, 0, 0, 0)),
    ("a signal to another", "kill", (1, 0)),
    ("bpf", "bpf", (0, 0, 0)),
    ("io_uring", "io_uring_setup", (1, 0)),
    ("perf events", "perf_event_open", (0, 0, -1, -1, 0)),
    ("userfaultfd", "userfaultfd", (0,)),
    ("mount", "mount", (0, 0, 0, 0, 0)),
    ("another user", "setuid", (0,)),
    ("a module", "init_module", (0, 0, 0)),
    ("a file without a name", "memfd_create", ("text:0", 0)),
    ("executable memory", "mmap", (0, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)),
    ("writable executable memory", "mmap", (0, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)),
    ("memory made executable", "mprotect", (0, 4096, PROT_READ | PROT_EXEC)),
    ("memory made executable with a key", "pkey_mprotect", (0, 4096, PROT_READ | PROT_EXEC, -1)),
]


@needs_calls
def test_the_kernel_refuses_every_thread_of_the_running_service(start):
    server = start()
    names = working_threads(server)
    assert {"ternd", "tern-writer", "tern-worker"} <= set(names)
    numbers = [number for group in names.values() for number in group]
    for number in numbers:
        with stopped(number) as thread:
            assert thread.call("getpid") == (server.process.pid, [])
            # The list is gone through on the worker, where images are read; the others answer for the filter.
            for what, name, arguments in REFUSED if number == names["tern-worker"][0] else REFUSED[:1]:
                answer, raised = thread.call(name, *arguments, text=["/bin/true"])
                assert (answer, raised) == (-EPERM, [signal.SIGSYS]), f"{what}: {answer} {raised}"
            assert thread.call("clone3", 0, 0) == (-ENOSYS, [])
    status = server.status()["sandbox"]
    assert status["refused_calls"] == len(REFUSED) + len(numbers) - 1 and status["last_refused_call"]
    assert f"tern_system_calls_refused_total {status['refused_calls']}\n" in server.ask("GET", "/metrics").body.decode()
    # Nothing is broken by it.
    assert server.post(png()).status == 200 and server.stop() == 0


@needs_calls
def test_files_outside_are_out_of_reach(start, tmp_path, models):
    outside = tmp_path.parent / (tmp_path.name + "-outside")
    outside.mkdir()
    (outside / "secret").write_text("x")
    server = start()
    number = working_threads(server)["tern-worker"][0]

    def answer(name, path, flags, mode=0o600):
        with stopped(number) as thread:
            result = thread.call(name, AT_FDCWD, "text:0", flags, mode, text=[str(path)])[0]
            if result >= 0:
                assert thread.call("read", result, 0, 0)[0] <= 0
            return result

    for path, flags in [
        (outside / "new", O_WRONLY | O_CREAT), (outside / "secret", O_WRONLY), (outside / "secret", 0), ("/etc/passwd", 0), ("/dev/null", O_WRONLY),
        (outside, O_DIRECTORY), ("/", O_DIRECTORY), (models / "mean.tern", O_WRONLY), (models / "new", O_WRONLY | O_CREAT), ("/proc/self/mem", O_WRONLY),
    ]:
        assert answer("openat", path, flags) == -EACCES, path
    with stopped(number) as thread:
        assert thread.call("unlinkat", AT_FDCWD, "text:0", 0, text=[str(outside / "secret")])[0] == -EACCES
        assert thread.call("renameat", AT_FDCWD, "text:0", AT_FDCWD, "text:1", text=[str(models / "mean.tern"), str(models / "other")])[0] == -EACCES
    assert sorted(path.name for path in outside.iterdir()) == ["secret"] and not (models / "new").exists()
    # What it works with is in reach: the state directory for writing, the model's folder for reading.
    assert answer("openat", server.state / "made", O_WRONLY | O_CREAT) >= 0
    assert answer("openat", models / "signed.tern", 0) >= 0
    assert server.status()["sandbox"]["refused_calls"] == 0


@needs_kernel
def test_status_and_message_say_what_is_enforced(start):
    server = start()
    assert any(
        re.fullmatch(r"ternd: sandbox: seccomp enforced, Landlock enforced \(version \d+\), no new privileges enforced, no writable code enforced", line)
        for line in server.messages
    ), server.messages
    status = server.status()["sandbox"]
    abi = status["landlock"].pop("abi")
    assert abi >= 2 and status == {
        "seccomp": "enforced", "landlock": {"state": "enforced"}, "no_new_privileges": "enforced", "write_execute": "enforced", "refused_calls": 0,
        "last_refused_call": None,
    }
    # What the kernel says of each thread: filters (2), and no new privileges.
    for task in pathlib.Path(f"/proc/{server.process.pid}/task").iterdir():
        kernel = dict(line.split(":\t", 1) for line in (task / "status").read_text().splitlines())
        assert (kernel["Seccomp"], kernel["NoNewPrivs"]) == ("2", "1"), task.name


def test_without_a_sandbox_it_says_so(start):
    server = start("--no-sandbox")
    assert any(line.startswith("ternd: sandbox: off (--no-sandbox)") for line in server.messages)
    status = server.status()["sandbox"]
    assert (status["seccomp"], status["landlock"]) == ("off", {"state": "off", "abi": None})


def test_the_two_options_exclude_each_other(start):
    server = start("--no-sandbox", "--require-sandbox", ready=False)
    assert server.process.wait(timeout=LIMIT) == 64


@needs_kernel
def test_a_sandbox_that_must_be_whole(start):
    assert start("--require-sandbox").post(png()).status == 200


@pytest.mark.skipif(not EMULATED, reason="this kernel has a sandbox; the part arm-service runs without")
def test_an_emulator_has_no_sandbox_and_it_is_said(start):
    server = start()
    assert server.status()["sandbox"]["seccomp"] == "unavailable" and any("seccomp unavailable" in line for line in server.messages)
    refused = start("--require-sandbox", ready=False, state=server.state.parent / "other", socket_path=server.state.parent / "other.sock")
    assert refused.process.wait(timeout=LIMIT) == 69


@needs_kernel
def test_users_can_try_it():
    done = ternd("selftest", "--sandbox")
    lines = done.stdout.splitlines()
    assert done.returncode == 0 and done.stderr == "" and len(lines) >= 29
    assert all(re.fullmatch(r"[\w ]+: refused by (seccomp|Landlock): permission denied", line) for line in lines), done.stdout


@needs_kernel
def test_an_ordinary_user_has_the_same_sandbox(tmp_path):
    command = [*program(), "selftest", "--sandbox"]
    if os.getuid() == 0:
        copy = pathlib.Path("/tmp") / f"ternd-{os.getpid()}"
        copy.write_bytes(pathlib.Path(command[0]).read_bytes())
        copy.chmod(0o755)
        try:
            done = subprocess.run([str(copy), *command[1:]], capture_output=True, text=True, timeout=LIMIT, user=65534, group=65534, extra_groups=[])
        finally:
            copy.unlink()
    else:
        done = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_call_that_is_allowed_has_its_reason():
    code = (ROOT / "Sources/CTernPlatform/seccomp.c").read_text()
    allowed = set(re.findall(r"SCMP_SYS\((\w+)\)", code)) - {"clone3"}
    page = (ROOT / "docs/sandbox.md").read_text()
    table = page.split("## The system calls")[1].split("\n## ")[0]
    explained = [name for row in re.findall(r"^\| (`[^|]+) \| \S", table, re.M) for name in re.findall(r"`(\w+)`", row)]
    assert sorted(explained) == sorted(allowed)
