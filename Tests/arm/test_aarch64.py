"""The real aarch64 binary under qemu-user on the CPUs that have each level of the instruction set, and the x86-64 one on CPUs that lack what this
machine has: the same results, to the last bit. The service tests run against this binary too (Tools/test --filter arm)."""
import json
import pathlib
import re
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "Tools/lib"))
from machines import MACHINES, TABLES_OF, required_of_programs  # noqa: E402

MODELS = ["pneumonia28.tern", "pneumonia28-int8.tern"]
FOLDER = ROOT / "Models/pneumonia28"
SAMPLES = sorted((FOLDER / "samples").glob("*.png"))
NATIVE, EMULATED = MACHINES[0], MACHINES[1:]
LIMIT = 300


def ternd(machine, *arguments):
    program = ROOT / f"build/{machine.architecture}/ternd"
    if machine.lacking:
        pytest.fail(f"{machine.name}: {machine.lacking}")
    done = subprocess.run(machine.command(program, *arguments), capture_output=True, text=True, timeout=LIMIT)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("machine", EMULATED, ids=lambda machine: machine.name)
def test_a_cpu_offers_exactly_its_tables(machine):
    line = re.search(r"instruction sets available: (.*)", ternd(machine, "info"))
    assert line[1].split() == TABLES_OF[machine.name]


@pytest.mark.parametrize("machine", EMULATED, ids=lambda machine: machine.name)
def test_selftest_agrees_on_every_table(machine):
    lines = ternd(machine, "selftest").splitlines()
    assert lines == [f"{table}: built-in values agree with scalar in every bit" for table in TABLES_OF[machine.name]]
    for model in MODELS:
        lines = ternd(machine, "selftest", "--trust", ROOT / "Models/signing-key.pub", "--model", FOLDER / model).splitlines()
        assert [line.split(":")[0] for line in lines] == TABLES_OF[machine.name]
        assert all(line.endswith("golden vectors agree in every bit") for line in lines)


@pytest.mark.parametrize("machine", EMULATED, ids=lambda machine: machine.name)
def test_results_are_those_of_this_machine(machine):
    def results(where):
        lines = ternd(where, "infer", "--trust", ROOT / "Models/signing-key.pub", "--model", FOLDER / MODELS[0], *SAMPLES).splitlines()
        answers = [json.loads(line) for line in lines]
        for answer in answers:
            assert answer["status"] == "succeeded"
            for name in ("id", "time", "timing"):
                del answer[name]
        return answers

    assert len(SAMPLES) == 8
    assert results(machine) == results(NATIVE)


def test_bench_on_aarch64_allocates_nothing():
    machine = next(machine for machine in MACHINES if machine.name == "qemu cortex-a76")
    report = json.loads(ternd(machine, "bench", "--model", FOLDER / MODELS[0], "--repeat", "2", "--threads", "2"))
    assert report["isa"] == "neondot" and report["threads"] == 2
    assert report["allocations_per_inference"] == 0, "null: this binary was not linked with the counting wrappers"


def test_every_table_thread_count_and_architecture_gives_the_same_digest():
    done = subprocess.run([sys.executable, ROOT / "Tools/identity", "--images", *SAMPLES[:4]], capture_output=True, text=True, timeout=LIMIT)
    print(done.stdout, done.stderr)
    assert done.returncode == 0, done.stdout + done.stderr
    for table in required_of_programs():
        assert re.search(rf"^(this machine|qemu \S+) +{table} +[12] +[0-9a-f]{{16}} +[0-9a-f]{{16}}$", done.stdout, re.MULTILINE)
