"""The genuine adb against a real adbd: what the test double claims, the real daemon does.

Needs tools/build-adbd.sh. The payload is LiteRT's arm64 build under qemu where its sysroot was made
(tools/install-arm64-sysroot.sh), and this machine's LiteRT otherwise.
"""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

from edgekit.benchmark.run import bench_on
from edgekit.devices import adb, arm64
from edgekit.devices.adb import Adb, Phone
from edgekit.devices.device import BenchPlan
from edgekit.devices.registry import open_device
from edgekit.errors import AdbFailed, DeviceError
from edgekit.weights import Checkpoint
from tests.devices.conftest import STAND_IN
from tests.devices.device_suite import device_suite
from tests.devices.phone import PROPERTIES, Behaviour, install_android
from tests.devices.real_adbd import RealPhone, missing, real_phone
from tests.support.conversions import converted
from tests.support.tiny_tflite import SHAPE, expected

pytestmark = [
    pytest.mark.system,
    pytest.mark.skipif(bool(missing()), reason=f"NOT RUN: {missing()}"),
]
QUICK = BenchPlan(runs=3, seconds=0, warmup_runs=1, threads=1, timeout_s=60)


def silent(_: str) -> None:
    """Takes the progress lines of `bench`."""


def program(path: Path, text: str) -> Path:
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


def running(command: str) -> bool:
    """Whether any process of this machine, in whatever namespace, has this command line."""
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            if entry.read_bytes().rstrip(b"\0").replace(b"\0", b" ").decode("utf-8", "replace") == command:
                return True
    return False


@pytest.fixture
def phone(adb_environment: None, tmp_path: Path) -> Iterator[RealPhone]:
    folder = tmp_path / "phone"
    install_android(folder, PROPERTIES, Behaviour())
    with real_phone(folder) as started:
        subprocess.run(["adb", "connect", started.serial], check=True, capture_output=True, timeout=30)
        yield started


@pytest.fixture
def payload(tmp_path: Path) -> Path:
    """benchmark_model's stand-in, on emulated arm64 where that was set up."""
    script = tmp_path / "benchmark_model.py"
    script.write_text(STAND_IN.read_text())
    python = [sys.executable] if arm64.missing() else arm64._python(arm64.sysroot())
    return program(tmp_path / "benchmark_model", f'exec {shlex.join(python)} {shlex.quote(str(script))} "$@"')


def test_push_run_pull_and_nothing_left(phone: RealPhone, payload: Path, tiny: Path) -> None:
    x = np.random.default_rng(6).normal(size=SHAPE).astype(np.float32)
    ((y,),) = Phone(phone.serial, payload).infer(tiny, [x], threads=1)
    np.testing.assert_allclose(y, expected(x), atol=1e-6)
    assert phone.leftovers() == []


def test_a_bench_reads_its_state_and_says_that_it_is_simulated(
    phone: RealPhone, runner: Path, tiny: Path
) -> None:
    report = bench_on(open_device(phone.serial, runner), [tiny], QUICK, silent)
    assert report.device.simulated and report.device.model == "EdgeKit EdgeKit Double"
    assert report.before.battery_percent == 83 and report.before.thermal_status == 0
    (row,) = report.artifacts
    assert row.latency is not None and (row.status, row.latency.n) == ("MEASURED", 3)
    assert phone.leftovers() == []


def test_exit_codes_output_and_a_hostile_argument_come_through(phone: RealPhone) -> None:
    link = Adb(phone.serial)
    ended = link.shell("echo out; echo err >&2; exit 7")
    assert (ended.stdout, ended.stderr.strip(), ended.code) == ("out\n", "err", 7)
    hostile = 'it\'s $(touch pwned); "b"\nc'
    assert link.ask(f"printf %s {shlex.quote(hostile)}") == hostile
    assert phone.leftovers() == []


def test_a_big_file_arrives_whole_and_the_phones_network_is_its_own(phone: RealPhone, tmp_path: Path) -> None:
    noise = tmp_path / "noise.bin"
    noise.write_bytes(np.random.default_rng(7).bytes(9_000_001))
    link = Adb(phone.serial)
    link.push(noise, "/data/local/tmp/noise.bin")
    link.pull("/data/local/tmp/noise.bin", tmp_path / "back.bin")
    assert (tmp_path / "back.bin").read_bytes() == noise.read_bytes()
    inside = link.ask("readlink /proc/self/ns/net").strip()
    assert inside.startswith("net:") and inside != str(Path("/proc/self/ns/net").readlink())


def test_a_daemon_that_dies_in_mid_command_is_an_error_although_adb_returns_0(
    phone: RealPhone, tiny: Path, tmp_path: Path
) -> None:
    killing = program(
        tmp_path / "benchmark_model", f"kill -9 $(cat {shlex.quote(str(phone.adbd_pid_file))}); sleep 5"
    )
    with pytest.raises(AdbFailed, match="lost in mid-command"):
        bench_on(open_device(phone.serial, killing), [tiny], QUICK, silent)


def test_that_adb_really_returns_0_then(phone: RealPhone) -> None:
    """Why the sentinel is needed. Should this fail one day, adb has become honest."""
    ended = Adb(phone.serial).run("shell", f"kill -9 $(cat {shlex.quote(str(phone.adbd_pid_file))}); sleep 5")
    assert (ended.stdout, ended.code) == ("", 0)


def test_a_hanging_runner_is_killed_on_the_phone(phone: RealPhone, tiny: Path, tmp_path: Path) -> None:
    token = f"31{os.getpid()}"
    # adbd itself hangs up on the programs of a client that went away; not all listen.
    hanging = program(tmp_path / "benchmark_model", f"trap '' HUP TERM INT; exec sleep {token}")
    plan = BenchPlan(runs=1, seconds=0, threads=1, timeout_s=1.0)
    with pytest.raises(DeviceError, match="the command did not end within 1 s"):
        bench_on(open_device(phone.serial, hanging), [tiny], plan, silent)
    deadline = time.monotonic() + 5
    while (alive := running(f"sleep {token}")) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not alive
    assert phone.leftovers() == []


def test_adb_lists_it_as_ready(phone: RealPhone) -> None:
    assert (phone.serial, "device") in [(c.serial, c.state) for c in adb.connected()]


@pytest.mark.slow
def test_parity_of_the_bundled_weights_over_the_real_adbd(
    shipped: Checkpoint, phone: RealPhone, runner: Path, tmp_path: Path
) -> None:
    """adb push, LiteRT, pull, the ParityReport against PyTorch: the whole path of a phone.

    With this machine's LiteRT: emulated arm64 takes three minutes (docs/bench.md has what it gave).
    """
    artifact = converted(shipped, "tflite", "fp32", tmp_path / "out", "logits")
    arguments = ("--device", phone.serial, "--runner", runner, "--artifact", artifact.path)
    ended = device_suite(*arguments, "-k", "pytorchs")
    assert ended.returncode == 0 and "1 passed" in ended.stdout, ended.stdout
    assert phone.leftovers() == []
