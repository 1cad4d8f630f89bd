"""LiteRT's arm64 build under qemu: same answers, and the payload of a phone behind the real adb."""

from __future__ import annotations

import shlex
from pathlib import Path

import numpy as np
import pytest

from edgekit.benchmark.run import bench_on
from edgekit.devices import arm64
from edgekit.devices.adb import Phone
from edgekit.devices.arm64 import Arm64
from edgekit.devices.device import BenchPlan
from edgekit.errors import DeviceError
from tests.devices.conftest import STAND_IN, Plug
from tests.support.tiny_tflite import SHAPE, expected

needs_sysroot = pytest.mark.skipif(bool(arm64.missing()), reason=f"NOT RUN: {arm64.missing()}")


def silent(_: str) -> None:
    """Takes the progress lines of `bench`."""


@pytest.mark.slow
@needs_sysroot
def test_arm64_gives_the_models_answers(tiny: Path) -> None:
    x = np.random.default_rng(3).normal(size=SHAPE).astype(np.float32)
    ((y,),) = Arm64().infer(tiny, [x], threads=1)
    np.testing.assert_allclose(y, expected(x), atol=1e-6)


@pytest.mark.slow
@needs_sysroot
def test_a_bench_of_arm64_is_marked_simulated_and_claims_no_memory(tiny: Path) -> None:
    report = bench_on(Arm64(), [tiny], BenchPlan(runs=20, seconds=0, warmup_runs=1, threads=1), silent)
    assert report.device.simulated and report.device.abi == "arm64-v8a"
    row = report.artifacts[0]
    assert (row.status, row.partitions, row.peak_rss_mb) == ("MEASURED", 1, None)


@needs_sysroot
@pytest.mark.system
def test_adb_then_shell_then_litert_on_arm64(plug: Plug, tiny: Path, tmp_path: Path) -> None:
    """The whole way of a phone run, down to arm64 kernels: push, run, pull, clean."""
    phone = plug()
    program = tmp_path / "benchmark_model.py"
    program.write_text(STAND_IN.read_text())
    runner = tmp_path / "benchmark_model"
    python = shlex.join(arm64._python(arm64.sysroot()))
    runner.write_text(f'#!/bin/sh\nexec {python} {shlex.quote(str(program))} "$@"\n')
    runner.chmod(0o755)
    x = np.random.default_rng(4).normal(size=SHAPE).astype(np.float32)
    ((y,),) = Phone(phone.serial, runner).infer(tiny, [x], threads=1)
    np.testing.assert_allclose(y, expected(x), atol=1e-6)
    assert phone.leftovers() == []


def test_without_a_sysroot_it_says_how_to_make_one(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("EDGEKIT_ARM64_SYSROOT", str(tmp_path))
    monkeypatch.setattr("shutil.which", lambda _: "/usr/bin/qemu-aarch64-static")
    with pytest.raises(DeviceError, match=r"no arm64 sysroot .* tools/install-arm64-sysroot\.sh"):
        Arm64()
    monkeypatch.setattr("shutil.which", lambda _: None)
    with pytest.raises(DeviceError, match="apt install qemu-user-static"):
        Arm64()


@needs_sysroot
def test_an_accelerator_or_a_profile_is_refused(tiny: Path) -> None:
    with pytest.raises(DeviceError, match="no gpu"):
        bench_on(Arm64(), [tiny], BenchPlan(accelerator="gpu"), silent)
    with pytest.raises(DeviceError, match="qemu's"):
        bench_on(Arm64(), [tiny], BenchPlan(profile=True), silent)
