"""The instruction set is named as libraries see it, and a masked CPUID changes which kernels run and no result."""

from __future__ import annotations

import json
import os
import platform
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from benchmarks import int8
from benchmarks.instruction_set import (
    CPUINFO,
    GLIBC_TUNABLES,
    cpu_flags,
    hidden_beyond_avx2,
    instruction_set,
    is_hidden,
    missing,
)
from tests.support.tiny_tflite import LAYER_RANGES, X, layer

# XGETBV 1: the parts of the register file that are in use, by bit. The kernel gives every new program a fresh one, and
# only an instruction of AVX-512 makes use of its masks (5), wider halves (6) or further registers (7).
IN_USE = """
unsigned in_use(void) {
  unsigned low, high;
  __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(1));
  return low;
}
"""
AVX512_STATE = 0b111 << 5
RUN = """
import ctypes, json, sys
from pathlib import Path
import numpy as np
from benchmarks.instruction_set import instruction_set
from edgekit.runtimes.litert import LiteRT
found = {}
for path in map(Path, sys.argv[2:]):
    outputs = LiteRT(path, threads=1).run({"image": np.load(path.with_suffix(".npy"))})
    found[path.stem] = [value.tolist() for value in outputs.values()]
numpy_found = np._core._multiarray_umath.__cpu_features__
print(json.dumps({
    "in_use": ctypes.CDLL(sys.argv[1]).in_use(),
    "outputs": found,
    "numpy": sorted(name for name, has in numpy_found.items() if has),
    "set": instruction_set(),
}))
"""


@pytest.mark.parametrize(
    ("cpuinfo", "named"),
    [
        ("model name: X\nflags\t\t: fpu avx avx2 fma\n", "AVX2"),
        ("flags : fpu avx2 avx512f avx512_vnni\n", "AVX-512 VNNI"),
        ("flags : avx2 avx512f\n", "AVX-512"),
        ("Features\t: fp asimd asimddp\n", "Arm dotprod"),
        ("flags : sse2\nbugs : avx2\n", "unknown instruction set"),
    ],
)
def test_the_instruction_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cpuinfo: str, named: str
) -> None:
    monkeypatch.setattr(platform, "system", lambda: "Linux")
    (tmp_path / "cpuinfo").write_text(cpuinfo)
    assert instruction_set(tmp_path / "cpuinfo") == named
    assert instruction_set(tmp_path / "missing") == "unknown instruction set"


def test_a_machine_that_cannot_mask_says_so_in_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "cpuinfo").write_text("flags : fpu avx2 avx512f\n")
    if (sys.platform, platform.machine()) == ("linux", "x86_64"):
        assert "cannot make CPUID fault" in missing(tmp_path / "cpuinfo")
    monkeypatch.setattr(int8, "missing", lambda: "there is no CPUID")
    folders = [f"--{name}=x" for name in ("calibration", "images", "labels")]
    monkeypatch.setattr(sys, "argv", ["int8.py", *folders, "--instruction-set", "avx2"])
    with pytest.raises(SystemExit) as stop:
        int8.main()
    assert stop.value.code == 2
    assert capsys.readouterr().err.endswith("error: AVX2 alone cannot be measured here: there is no CPUID.\n")


@pytest.mark.slow
def test_masked_libraries_run_other_kernels_with_the_same_result(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """By the registers that the process used: nothing of AVX-512 once it is masked, and some where it is not."""
    if reason := missing():
        pytest.skip(reason)
    if "avx512f" not in cpu_flags(CPUINFO.read_text()):
        pytest.skip("this CPU has nothing beyond AVX2 to mask")
    (tmp_path / "in_use.c").write_text(IN_USE)
    library = tmp_path / "in_use.so"
    subprocess.run(["gcc", "-shared", "-fPIC", "-o", library, tmp_path / "in_use.c"], check=True)
    arguments = ["-c", RUN, str(library), *(str(path) for path in written_models(tmp_path))]
    # glibc's own AVX-512 stays out of both.
    environment = {**os.environ, "GLIBC_TUNABLES": GLIBC_TUNABLES}
    plain = subprocess.run([sys.executable, *arguments], env=environment, capture_output=True, check=True)
    assert hidden_beyond_avx2(arguments) == 0
    with_all, masked = json.loads(plain.stdout), json.loads(capfd.readouterr().out)

    assert with_all["in_use"] & AVX512_STATE and not masked["in_use"] & AVX512_STATE
    assert "AVX512F" in with_all["numpy"] and not any("512" in name for name in masked["numpy"])
    assert "AVX2" in masked["numpy"]
    assert masked["set"] == f"AVX2 only (CPUID masked on a CPU with {with_all['set']})"
    assert masked["outputs"]["int8"] == with_all["outputs"]["int8"]
    np.testing.assert_allclose(masked["outputs"]["float"], with_all["outputs"]["float"], rtol=1e-5)
    assert not is_hidden() and instruction_set() == with_all["set"]  # this process sees all


def written_models(folder: Path) -> list[Path]:
    """One convolution in float and in int8, with an input beside each."""
    from converters.tflite_int8 import quantized
    from edgekit.recipes import Recipe

    weights = np.array([[1.0, 0.5, -0.5], [0.25, 1.0, 0.75], [0.1, -0.2, 0.3]], np.float32)
    plain = layer("CONV_2D", weights, source="image")
    ranges = {**LAYER_RANGES, "image": LAYER_RANGES["x"]}
    models = {"float": plain, "int8": quantized(plain, Recipe("all", mode="w8a8", observer="minmax"), ranges)}
    paths = []
    for name, data in models.items():
        np.save(folder / f"{name}.npy", X.reshape(1, 1, 1, 3))
        paths.append(folder / f"{name}.tflite")
        paths[-1].write_bytes(data)
    return paths


def test_other_faults_still_end_a_masked_process(capfd: pytest.CaptureFixture[str]) -> None:
    if reason := missing():
        pytest.skip(reason)
    assert hidden_beyond_avx2(["-c", "import ctypes; ctypes.string_at(1)"]) == -signal.SIGSEGV
    assert hidden_beyond_avx2(["-c", "print('well')"]) == 0
    assert capfd.readouterr().out == "well\n"
