"""Threads of a running program, stopped one by one, and system calls made in their name: what the kernel answers them, not what the program says of itself."""

import contextlib
import ctypes
import os
import pathlib
import platform
import re
import signal
import struct
import time

PTRACE_PEEKTEXT, PTRACE_POKETEXT, PTRACE_CONT, PTRACE_GETREGS, PTRACE_SETREGS = 1, 4, 7, 12, 13
PTRACE_DETACH, PTRACE_SEIZE, PTRACE_INTERRUPT = 17, 0x4206, 0x4207
WALL = 0x40000000
# user_regs_struct of x86-64, in words.
R10, R9, R8, RAX, RDX, RSI, RDI, ORIG_RAX, RIP, RSP = 7, 8, 9, 10, 12, 13, 14, 15, 16, 19
REGISTERS = 27
CALL_AND_STOP = bytes.fromhex("0f05cc")  # syscall; int3
AT_ENTRY = 9

LIBC = ctypes.CDLL(None, use_errno=True)
LIBC.ptrace.restype = ctypes.c_long
LIBC.ptrace.argtypes = [ctypes.c_long, ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p]

# By name, of x86-64.
CALLS = {
    "read": 0, "open": 2, "mmap": 9, "mprotect": 10, "getpid": 39, "socket": 41, "connect": 42, "sendmsg": 46, "bind": 49, "listen": 50, "clone": 56, "fork": 57,
    "vfork": 58, "execve": 59, "kill": 62, "ptrace": 101, "setuid": 105, "mount": 165, "init_module": 175, "openat": 257, "unlinkat": 263, "unshare": 272,
    "perf_event_open": 298, "process_vm_readv": 310, "memfd_create": 319, "bpf": 321, "execveat": 322, "userfaultfd": 323, "pkey_mprotect": 329,
    "io_uring_setup": 425, "clone3": 435, "renameat": 264,
}
CALLABLE = platform.machine() == "x86_64"


def threads(process):
    """The numbers of its threads by their names, several of one name in order."""
    found = {}
    for task in sorted(pathlib.Path(f"/proc/{process}/task").iterdir(), key=lambda task: int(task.name)):
        found.setdefault((task / "comm").read_text().strip(), []).append(int(task.name))
    return found


def working_threads(server):
    """The same of a service, once each thread has begun and named itself; the questions are answered by its loop."""
    for _ in range(100_000):
        found = threads(server.process.pid)
        if {"tern-writer", "tern-worker"} <= set(found):
            return found
        server.status()
    raise AssertionError(f"only {found}")


def trace(request, thread, address=0, data=0):
    ctypes.set_errno(0)
    result = LIBC.ptrace(request, thread, ctypes.c_void_p(address), data)
    if ctypes.get_errno():
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result


@contextlib.contextmanager
def stopped(thread):
    """Stops one thread of a process; the others run on."""
    wait_until_begun(thread)
    trace(PTRACE_SEIZE, thread)
    trace(PTRACE_INTERRUPT, thread)
    os.waitpid(thread, WALL)
    try:
        yield Thread(thread)
    finally:
        try:
            trace(PTRACE_DETACH, thread)
        except OSError:
            # Its process was killed, and is not over before whoever traces it has seen that.
            with contextlib.suppress(ChildProcessError):
                os.waitpid(thread, WALL)


def wait_until_begun(thread):
    """A new thread has every signal blocked until it comes to its own code; one that is refused a call there is ended by the signal."""
    status, end = pathlib.Path(f"/proc/{thread}/status"), time.monotonic() + 20
    while int(re.search(r"^SigBlk:\s*(\w+)", status.read_text(), re.M)[1], 16) >> signal.SIGSYS - 1 & 1:
        assert time.monotonic() < end, "the thread keeps the signal of refused calls from itself"
        os.sched_yield()


class Thread:
    def __init__(self, number):
        self.number = number

    def entry(self):
        """Where the program began: code that no thread runs any more."""
        words = struct.iter_unpack("<QQ", pathlib.Path(f"/proc/{self.number}/auxv").read_bytes())
        return dict(words)[AT_ENTRY]

    def registers(self):
        values = (ctypes.c_ulonglong * REGISTERS)()
        trace(PTRACE_GETREGS, self.number, 0, ctypes.addressof(values))
        return values

    def set(self, values):
        trace(PTRACE_SETREGS, self.number, 0, ctypes.addressof(values))

    def resume_until_trap(self):
        """Lets it run to the breakpoint. What the call raises reaches the program, as it would without us."""
        raised, number = [], 0
        while True:
            trace(PTRACE_CONT, self.number, 0, number)
            _, status = os.waitpid(self.number, WALL)
            if not os.WIFSTOPPED(status):
                raise AssertionError(f"the thread ended: {status:#x}")
            number = os.WSTOPSIG(status)
            if number == signal.SIGTRAP and not status >> 16:
                return raised
            if status >> 16:
                number = 0
            else:
                raised.append(number)

    def call(self, name, *arguments, text=None):
        """The kernel's answer to a system call, and the signals it raised. `text`: strings placed below the stack, `arguments` name them by `text:N`."""
        before = self.registers()
        place = self.entry()
        stack = before[RSP] - 8192 & ~15
        addresses = []
        for string in text or []:
            addresses.append(stack)
            stack = self.write(stack, string.encode() + b"\0")
        saved = struct.pack("<q", trace(PTRACE_PEEKTEXT, self.number, place))
        try:
            trace(PTRACE_POKETEXT, self.number, place, struct.unpack("<q", CALL_AND_STOP + saved[3:])[0])
            now = (ctypes.c_ulonglong * REGISTERS)(*before)
            values = [addresses[int(word[5:])] if isinstance(word, str) else word & (2**64 - 1) for word in arguments]
            values += [0] * (6 - len(values))
            for index, value in zip((RDI, RSI, RDX, R10, R8, R9), values):
                now[index] = value
            # No call was interrupted, so none is begun again in its place.
            now[RAX], now[ORIG_RAX], now[RIP] = CALLS[name], 2**64 - 1, place
            self.set(now)
            raised = self.resume_until_trap()
            return ctypes.c_longlong(self.registers()[RAX]).value, raised
        finally:
            trace(PTRACE_POKETEXT, self.number, place, struct.unpack("<q", saved)[0])
            self.set(before)

    def write(self, place, content):
        content += bytes(-len(content) % 8)
        for offset in range(0, len(content), 8):
            trace(PTRACE_POKETEXT, self.number, place + offset, struct.unpack("<q", content[offset : offset + 8])[0])
        return place + len(content) + 8
