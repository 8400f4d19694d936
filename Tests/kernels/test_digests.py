"""Every operation of every kernel table on random and extreme shapes (digest.c), on this machine and on emulated CPUs of two architectures: one
digest an operation. A table that ran nowhere is skipped by name, and fails when TERN_REQUIRE_ISA names it."""
import concurrent.futures
import os
import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "Tools/lib"))
from machines import MACHINES, TABLES, TABLES_OF, required  # noqa: E402

OPERATIONS = ["quantise", "linear-s8", "linear-t2", "linear-t5", "linear-f32", "attention", "layer-norm", "feature", "resize", "resize-u8",
              "relevance", "shares-s8", "shares-t2", "shares-t5", "shares-f32"]
LIMIT = 300


def build(architecture, folder):
    program = folder / f"digest-{architecture}"
    sources = [ROOT / "Tests/kernels/digest.c", ROOT / "Tests/VNNIEmulation/vnniemulation.c", *sorted((ROOT / "Sources/CTernKernels").glob("*.c"))]
    words = ["clang", f"--target={architecture}-linux-gnu", "-O2", "-Wall", "-Wextra", "-Werror", "-ffp-contract=off", "-fno-math-errno", "-static"]
    if architecture == "aarch64":
        sysroot = os.environ.get("TERN_AARCH64_SYSROOT", ROOT / "build/sysroot/aarch64")
        words += ["-fuse-ld=lld", f"--sysroot={sysroot}"]
    words += [f"-I{ROOT / headers}" for headers in ("Sources/CTernKernels/include", "Tests/VNNIEmulation/include")]
    subprocess.run([*words, *sources, "-lm", "-o", program], check=True, timeout=LIMIT)
    return program


def run(machine, program):
    """{(table, operation): digest} of the tables that the CPU has."""
    # qemu 7.2 reads the lanes of vmaskmovps that are masked off; a CPU does not.
    options = ["--unguarded"] if machine.runner and machine.architecture == "x86_64" else [] if machine.runner else ["--emulate"]
    done = subprocess.run(machine.command(program, *options), capture_output=True, text=True, timeout=LIMIT)
    assert done.returncode == 0, f"{machine.name}: {done.stderr}"
    words = [line.split() for line in done.stdout.splitlines()]
    assert {line[0] for line in words} == set(TABLES)
    return {(line[0], line[1]): line[2] for line in words if line[1:] != ["not", "run"]}


@pytest.fixture(scope="module")
def digests(tmp_path_factory):
    """{machine name: {(table, operation): digest}} of the machines that can run."""
    folder = tmp_path_factory.mktemp("kernels")
    machines = [machine for machine in MACHINES if not machine.lacking]
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        architectures = sorted({machine.architecture for machine in machines})
        programs = dict(zip(architectures, pool.map(lambda architecture: build(architecture, folder), architectures)))
        found = pool.map(lambda machine: run(machine, programs[machine.architecture]), machines)
        return dict(zip((machine.name for machine in machines), found))


@pytest.mark.parametrize("table", TABLES)
def test_a_table_gives_the_bits_of_scalar_everywhere(digests, table):
    expected = {operation: digests["this machine"]["scalar", operation] for operation in OPERATIONS}
    ran = [machine for machine, found in digests.items() if (table, "quantise") in found]
    if not ran and table not in required():
        pytest.skip(f"{table} not run: neither this CPU nor an emulated one has it")
    assert ran, f"{table} is required and did not run"
    for machine in ran:
        assert {operation: digests[machine][table, operation] for operation in OPERATIONS} == expected, machine


@pytest.mark.parametrize("machine", MACHINES[1:], ids=lambda machine: machine.name)
def test_an_emulated_cpu_runs_exactly_its_tables(digests, machine):
    if machine.lacking:
        pytest.skip(f"{machine.name}: {machine.lacking}")
    assert {table for table, _ in digests[machine.name]} == set(TABLES_OF[machine.name])
