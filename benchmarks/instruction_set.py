"""The instruction sets that a benchmark's libraries see: those of the CPU, or AVX2 alone on a CPU that has more.

Libraries choose their kernels by the CPUID instruction. `hidden_beyond_avx2` runs Python in a process whose CPUID
answers are those of a CPU with AVX2 only (`instruction_set.c`, preloaded): XNNPACK, oneDNN, numpy and ONNX Runtime
then take their AVX2 kernels, at this CPU's clock and caches. It needs Linux on x86-64, gcc, and a CPU whose CPUID can
be made to fault (`cpuid_fault` in /proc/cpuinfo).
"""

from __future__ import annotations

import ctypes
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

SOURCE = Path(__file__).with_suffix(".c")
# glibc asks CPUID before a preloaded library can answer, to choose its memcpy and its string functions.
GLIBC_TUNABLES = "glibc.cpu.hwcaps=" + ",".join(
    f"-{name}" for name in ("AVX512F", "AVX512VL", "AVX512BW", "AVX512CD", "AVX512DQ")
)
COMPILE_TIMEOUT_S = 60
CPUINFO = Path("/proc/cpuinfo")
# Linux's names of the features that decide how fast integer products are, the fastest first.
CPU_FLAGS = {
    "avx512_vnni": "AVX-512 VNNI", "avx_vnni": "AVX-VNNI", "avx512f": "AVX-512", "avx2": "AVX2",
    "i8mm": "Arm i8mm", "asimddp": "Arm dotprod", "asimd": "Arm NEON",
}  # fmt: skip
# Where CPUID has the x86 ones: leaf 7's subleaf, register (EAX, EBX, ECX, EDX) and bit.
CPUID_BITS = {"avx512_vnni": (0, 2, 11), "avx_vnni": (1, 0, 4), "avx512f": (0, 1, 16), "avx2": (0, 1, 5)}


def instruction_set(cpuinfo: Path = CPUINFO) -> str:
    """The widest instruction set that int8 kernels ask for, such as AVX-512 VNNI, as libraries of this process see it.

    Where some is hidden from them, both are named.
    """
    if platform.system() == "Darwin" and platform.machine() == "arm64":
        return "Arm dotprod"  # every Apple M chip
    text = cpuinfo.read_text(encoding="utf-8", errors="replace") if cpuinfo.is_file() else ""
    has = _widest(cpu_flags(text))
    seen = _seen()
    if seen is None:
        return has
    return f"{_widest(seen)} only (CPUID masked on a CPU with {has})"


def cpu_flags(cpuinfo: str) -> set[str]:
    """The feature names in the text of /proc/cpuinfo."""
    lines = [line for line in cpuinfo.splitlines() if line.lower().startswith(("flags", "features"))]
    return {flag for line in lines for flag in line.split()}


def _widest(flags: set[str]) -> str:
    return next((name for flag, name in CPU_FLAGS.items() if flag in flags), "unknown instruction set")


def _seen() -> set[str] | None:
    """The features that CPUID names in this process; None where nothing is preloaded that could hide some."""
    ask = getattr(ctypes.CDLL(None), "edgekit_cpuid", None) if sys.platform == "linux" else None
    if ask is None:
        return None
    answers = []
    for subleaf in (0, 1):
        registers = (ctypes.c_uint * 4)()
        ask(7, subleaf, registers)
        answers.append(list(registers))
    return {name for name, (leaf, register, bit) in CPUID_BITS.items() if answers[leaf][register] >> bit & 1}


def missing(cpuinfo: Path = CPUINFO) -> str:
    """The reason why nothing can be hidden from libraries here; empty if it can."""
    if (sys.platform, platform.machine()) != ("linux", "x86_64"):
        return "CPUID can be masked on Linux on x86-64 only"
    if "cpuid_fault" not in cpu_flags(cpuinfo.read_text(encoding="utf-8", errors="replace")):
        return "this CPU, or the machine it is lent by, cannot make CPUID fault (no cpuid_fault in /proc/cpuinfo)"
    if shutil.which("gcc") is None:
        return "gcc is not installed (Debian: apt install gcc libc6-dev)"
    return ""


def is_hidden() -> bool:
    """Whether this process was started by `hidden_beyond_avx2`."""
    return _seen() is not None


def hidden_beyond_avx2(python: Sequence[str]) -> int:
    """Run Python in a process that sees AVX2 at most, where nothing is `missing`. Returns its exit code."""
    with tempfile.TemporaryDirectory(prefix="edgekit-") as folder:
        library = Path(folder) / "instruction_set.so"
        # initfirst: before the constructors of other libraries, which ask CPUID too.
        options = ["-O2", "-shared", "-fPIC", "-Wl,-z,initfirst", "-o", str(library), str(SOURCE)]
        subprocess.run(["gcc", *options], check=True, timeout=COMPILE_TIMEOUT_S)
        environment = {**os.environ, "LD_PRELOAD": str(library), "GLIBC_TUNABLES": GLIBC_TUNABLES}
        return subprocess.run([sys.executable, *python], env=environment, check=False).returncode
