"""The CPUs on which results are compared: this machine and the emulated ones that stand for levels it may not have. Standard library only."""
import os
import platform
import shutil
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TABLES = ["scalar", "avx2", "avxvnni", "avx512vnni", "avx512vbmi", "neon", "neondot", "neoni8mm"]


@dataclass(frozen=True)
class Machine:
    name: str
    architecture: str
    runner: tuple[str, ...]

    @property
    def lacking(self):
        """Why nothing can run there, or None."""
        if not self.runner:
            return None if platform.machine() == self.architecture else f"this machine is {platform.machine()}"
        return None if shutil.which(self.runner[0]) else f"{self.runner[0]} is not installed"

    def command(self, program, *arguments):
        return [*self.runner, str(program), *map(str, arguments)]


def emulated(architecture, model):
    return Machine(f"qemu {model}", architecture, (f"qemu-{architecture}-static", "-cpu", model))


# Each emulated CPU by the tables that it must have. qemu's own processors have no AVX-512.
TABLES_OF = {
    "qemu Nehalem": ["scalar"],
    "qemu Haswell": ["scalar", "avx2"],
    "qemu cortex-a53": ["scalar", "neon"],
    "qemu cortex-a76": ["scalar", "neon", "neondot"],
    "qemu max": ["scalar", "neon", "neondot", "neoni8mm"],
}
MACHINES = [
    Machine("this machine", "x86_64", ()),
    emulated("x86_64", "Nehalem"),
    emulated("x86_64", "Haswell"),
    emulated("aarch64", "cortex-a53"),
    emulated("aarch64", "cortex-a76"),
    emulated("aarch64", "max"),
]


# Tables whose instructions past those of the CPU the tests of kernels emulate (Tests/VNNIEmulation); ternd runs them on a CPU that has them and nowhere else.
EMULATED_FOR_KERNELS = ["avxvnni"]


def required_of_programs():
    """The tables of TERN_REQUIRE_ISA that ternd must have run: those not left to the tests of kernels."""
    return [name for name in required() if name not in EMULATED_FOR_KERNELS]


def required():
    """The tables of TERN_REQUIRE_ISA, without which a run of the tests of kernels is no pass."""
    names = [name for name in os.environ.get("TERN_REQUIRE_ISA", "scalar").split(",") if name]
    unknown = [name for name in names if name not in TABLES]
    if unknown:
        raise ValueError(f"TERN_REQUIRE_ISA names no table: {', '.join(unknown)}")
    return names
