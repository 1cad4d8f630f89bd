"""The genuine adb against a test double of a phone: the happy path and every failure we know of."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from edgekit.benchmark.report import report_csv, report_json, report_svg
from edgekit.benchmark.run import bench_on
from edgekit.devices import adb
from edgekit.devices.adb import Adb, Connected, Phone, abi_of, pick
from edgekit.devices.device import BenchPlan
from edgekit.devices.registry import list_devices, open_device
from edgekit.errors import AdbFailed, DeviceError, EdgekitError, NoDevice, UnreadableOutput
from edgekit.processes import Completed
from tests.devices.conftest import Plug
from tests.support.tiny_tflite import SHAPE, expected

pytestmark = pytest.mark.system
QUICK = BenchPlan(runs=3, seconds=0, warmup_runs=1, threads=1, cool_down_s=0.5, timeout_s=20)


def silent(_: str) -> None:
    """Takes the progress lines of `bench`."""


def script(path: Path, text: str) -> Path:
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


def elf(path: Path, machine: int) -> Path:
    path.write_bytes(
        b"\x7fELF\x02\x01\x01" + bytes(9) + b"\x03\x00" + machine.to_bytes(2, "little") + bytes(44)
    )
    return path


# ---- end to end -------------------------------------------------------------------------------------


def test_bench_on_a_phone_measures_records_and_leaves_nothing(plug: Plug, runner: Path, tiny: Path) -> None:
    phone = plug()
    device = open_device("edgekit double", runner)
    report = bench_on(device, [tiny], BenchPlan(runs=21, seconds=0, warmup_runs=2, threads=1), silent)

    row = report.artifacts[0]
    assert row.status == "MEASURED" and row.latency is not None
    assert row.latency.n == 21 == len(row.samples_ms)
    assert row.latency.p50 is not None and row.latency.p50_ci95 is not None
    assert row.samples_are == "inference"
    assert (row.accelerator, row.partitions, row.peak_rss_mb) == ("cpu (XNNPACK)", 1, 61.5)
    assert row.load_ms is not None and row.load_ms > 0 and row.first_inference_ms is not None
    assert row.runner.startswith("benchmark_model sha256:")
    assert report.device.model == "EdgeKit EdgeKit Double" and report.device.cores == 8
    assert report.before.governors == ("schedutil",) and report.before.clocks_mhz == (1766,)
    assert report.before.battery_percent == 83 and report.before.charging is True
    assert report.before.battery_temperature_c == 31.4 and report.after.thermal_status == 0
    assert phone.leftovers() == []


def test_every_output_of_a_simulated_phone_says_so(plug: Plug, runner: Path, tiny: Path) -> None:
    plug()
    report = bench_on(open_device("double", runner), [tiny], QUICK, silent)
    printed = report_json(report)
    assert printed["simulated"] is True and printed["artifacts"][0]["simulated"] is True  # type: ignore[index,call-overload]
    assert report_csv(report).splitlines()[1].split(",")[1] == "true"
    assert "SIMULATED" in report_svg(report)


def test_a_phone_without_the_marks_is_not_called_simulated(plug: Plug, runner: Path) -> None:
    plug(properties={"ro.edgekit.simulated": "0"})
    assert not open_device("double", runner).info.simulated


@pytest.mark.parametrize("mark", [{"ro.kernel.qemu": "1"}, {"ro.boot.qemu": "1"}, {"ro.hardware": "ranchu"}])
def test_an_emulator_is_called_simulated(plug: Plug, mark: dict[str, str]) -> None:
    plug(properties={"ro.edgekit.simulated": "0", **mark})
    assert open_device("double").info.simulated


def test_the_command_line_end_to_end(plug: Plug, runner: Path, tiny: Path, tmp_path: Path) -> None:
    plug()
    out = tmp_path / "report.json"
    command = [
        sys.executable, "-m", "edgekit", "bench", str(tiny), "--device", "double", "--runner", str(runner),
        "--runs", "2", "--seconds", "0", "--threads", "1", "--out", str(out), "--json",
    ]  # fmt: skip
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert ended.returncode == 0, ended.stderr
    printed = json.loads(ended.stdout)
    assert printed == json.loads(out.read_text())
    assert "SIMULATED" in ended.stderr
    keys = {"p50", "p90", "p99", "mean", "n"}
    assert keys <= printed["artifacts"][0]["latency_ms"].keys()


def test_outputs_computed_on_the_phone_are_the_models(plug: Plug, runner: Path, tiny: Path) -> None:
    phone = plug()
    noise = np.random.default_rng(5)
    inputs = [noise.normal(size=SHAPE).astype(np.float32) for _ in range(2)]
    outputs = Phone(phone.serial, runner).infer(tiny, inputs, threads=1)
    for x, (y,) in zip(inputs, outputs, strict=True):
        assert y.shape == SHAPE
        np.testing.assert_allclose(y, expected(x), atol=1e-6)
    assert phone.leftovers() == []


def test_several_runs_per_launch_give_means_and_no_percentiles(plug: Plug, runner: Path, tiny: Path) -> None:
    plug()
    plan = BenchPlan(runs=12, seconds=0, warmup_runs=1, threads=1, runs_per_launch=6)
    row = bench_on(open_device("double", runner), [tiny], plan, silent).artifacts[0]
    assert row.latency is not None
    assert row.latency.p50 is None and row.latency.p99 is None and row.latency.mean > 0
    assert row.latency.n == 12 and len(row.samples_ms) == 2
    assert row.samples_are == "mean of 6 inferences"


def test_gpu_asked_and_cpu_obtained_is_not_complete(plug: Plug, runner: Path, tiny: Path) -> None:
    plug()
    plan = BenchPlan(runs=1, seconds=0, threads=1, accelerator="gpu")
    report = bench_on(open_device("double", runner), [tiny], plan, silent)
    assert report.artifacts[0].accelerator == "cpu (XNNPACK)"
    assert not report.complete


def test_old_shell_without_exit_codes_works_too(plug: Plug, runner: Path, tiny: Path) -> None:
    phone = plug(shell_v2=False)
    assert bench_on(Phone(phone.serial, runner), [tiny], QUICK, silent).artifacts[0].status == "MEASURED"
    assert Adb(phone.serial).shell("exit 7").code == 7


# ---- which phone ------------------------------------------------------------------------------------


def test_unauthorized_phone_is_reported_with_what_to_do(plug: Plug) -> None:
    phone = plug(auth="ignores")
    assert (phone.serial, "unauthorized") in [(c.serial, c.state) for c in adb.connected()]
    with pytest.raises(NoDevice, match=r"unauthorized.*accept this computer's key"):
        open_device(phone.serial)
    row = next(r for r in list_devices() if r.name == phone.serial)
    assert row.state == "unauthorized" and "accept" in row.reason


def test_phone_whose_owner_accepts_the_key_is_usable(plug: Plug, runner: Path, tiny: Path) -> None:
    phone = plug(auth="accepts")
    deadline = time.monotonic() + 10
    while not all(c.usable for c in adb.connected()) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert bench_on(Phone(phone.serial, runner), [tiny], QUICK, silent).artifacts[0].status == "MEASURED"


def test_offline_phone_is_reported_with_what_to_do(plug: Plug) -> None:
    phone = plug()
    phone.unplug()
    deadline = time.monotonic() + 10
    while any(c.usable for c in adb.connected()) and time.monotonic() < deadline:
        time.sleep(0.05)
    with pytest.raises(NoDevice, match=r"offline"):
        open_device(phone.serial)


def test_two_phones_are_listed_and_a_serial_decides(plug: Plug) -> None:
    first, second = plug(), plug()
    with pytest.raises(NoDevice) as failed:
        open_device("double")
    assert first.serial in str(failed.value) and second.serial in str(failed.value)
    assert open_device(second.serial).info.name == second.serial


def test_no_phone_says_how_to_connect_one(adb_environment: None) -> None:
    with pytest.raises(NoDevice, match=r"'pixel'.*no phone is connected.*USB debugging"):
        open_device("pixel")


def test_the_model_decides_between_different_phones() -> None:
    phones = [Connected("A1", "device", "Pixel 6"), Connected("B2", "device", "SM-G991B")]
    assert pick("pixel", phones).serial == "A1"
    assert pick("sm_g991", phones).serial == "B2"
    assert pick("B2", phones).serial == "B2"
    with pytest.raises(NoDevice, match="No connected phone matches"):
        pick("--", phones)


# ---- failures before anything runs --------------------------------------------------------------------


def test_no_space_is_said_before_anything_is_pushed(plug: Plug, runner: Path, tiny: Path) -> None:
    phone = plug(free_kib=1000)
    with pytest.raises(DeviceError, match=r"1 MB free .* 17 MB needed"):
        bench_on(open_device("double", runner), [tiny], QUICK, silent)
    assert phone.leftovers() == []


def test_wrong_abi_is_said_before_anything_is_pushed(plug: Plug, tiny: Path, tmp_path: Path) -> None:
    phone = plug()
    with pytest.raises(DeviceError, match=r"built for x86_64, but .* runs arm64-v8a, armeabi-v7a"):
        bench_on(open_device("double", elf(tmp_path / "benchmark_model", 62)), [tiny], QUICK, silent)
    assert phone.leftovers() == []


@pytest.mark.parametrize(
    ("machine", "abi"), [(183, "arm64-v8a"), (40, "armeabi-v7a"), (3, "x86"), (8, "ELF machine 8")]
)
def test_abi_is_read_from_the_elf_header(tmp_path: Path, machine: int, abi: str) -> None:
    assert abi_of(elf(tmp_path / "program", machine)) == abi


def test_a_runner_that_is_no_program_is_refused(plug: Plug, tiny: Path, tmp_path: Path) -> None:
    plug()
    (tmp_path / "page.html").write_text("<html>Not Found")
    with pytest.raises(DeviceError, match="neither ELF nor a script"):
        bench_on(open_device("double", tmp_path / "page.html"), [tiny], QUICK, silent)
    with pytest.raises(DeviceError, match="as `runner`"):
        bench_on(open_device("double"), [tiny], QUICK, silent)


def test_hot_phone_that_does_not_cool_is_not_measured(plug: Plug, runner: Path, tiny: Path) -> None:
    phone = plug(thermal_status=(3,))
    with pytest.raises(DeviceError, match=r"still 3 \(severe\) after 0.5 s"):
        bench_on(open_device("double", runner), [tiny], QUICK, silent)
    assert phone.leftovers() == []
    assert not any("benchmark_model" in command for command in phone.commands)


def test_hot_phone_that_cools_is_measured_and_the_pause_recorded(
    plug: Plug, runner: Path, tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edgekit.benchmark.run.COOLING_POLL_S", 0.01)
    plug(thermal_status=(4, 3, 0))
    report = bench_on(open_device("double", runner), [tiny], QUICK, silent)
    assert report.artifacts[0].status == "MEASURED"
    assert "paused at thermal status 4 (critical) to cool down" in report.warnings


def test_phone_that_ends_hot_is_measured_with_a_warning(plug: Plug, runner: Path, tiny: Path) -> None:
    plug(thermal_status=(0, 2))
    report = bench_on(open_device("double", runner), [tiny], QUICK, silent)
    assert "thermal status 2 (moderate) at the end: the last runs were throttled" in report.warnings


# ---- failures in the middle ---------------------------------------------------------------------------


def test_unplugged_in_mid_push(plug: Plug, runner: Path, tmp_path: Path, tiny: Path) -> None:
    big = tmp_path / "big.tflite"
    big.write_bytes(tiny.read_bytes() + bytes(3_000_000))
    plug(unplug_after_pushed_bytes=1_000_000)
    with pytest.raises(AdbFailed, match=r"'big.tflite' was not pushed"):
        bench_on(open_device("double", runner), [big], QUICK, silent)


def test_unplugged_in_mid_command_is_an_error_although_adb_returns_0(
    plug: Plug, runner: Path, tiny: Path
) -> None:
    phone = plug(unplug_in_command="--num_runs")
    with pytest.raises(AdbFailed, match=r"lost in mid-command"):
        bench_on(open_device("double", runner), [tiny], QUICK, silent)
    assert phone.leftovers()  # nobody can clean a phone that is gone; the next run sweeps


def test_what_an_unplugged_run_left_is_swept_by_a_later_run(plug: Plug, runner: Path, tiny: Path) -> None:
    phone = plug()
    old, young = phone.temporary / "edgekit-0123456789ab", phone.temporary / "edgekit-ba9876543210"
    for folder in (old, young):
        folder.mkdir()
        (folder / "artifact0.tflite").write_bytes(b"x")
    subprocess.run(["touch", "-d", "3 days ago", str(old)], check=True)
    bench_on(open_device("double", runner), [tiny], QUICK, silent)
    assert not old.exists()
    assert young.exists()  # it may belong to a run that is going on


def test_a_file_that_arrives_short_is_noticed(plug: Plug, runner: Path, tiny: Path) -> None:
    phone = plug(lose_last_byte_of="artifact0.tflite")
    with pytest.raises(AdbFailed, match="arrived damaged"):
        bench_on(open_device("double", runner), [tiny], QUICK, silent)
    assert phone.leftovers() == []


def test_crashing_runner_names_the_signal(plug: Plug, tiny: Path, tmp_path: Path) -> None:
    phone = plug()
    crashing = script(tmp_path / "benchmark_model", "echo loading >&2; kill -SEGV $$")
    with pytest.raises(DeviceError, match=r"tiny-512-fp32.tflite on .* ended with signal 11"):
        bench_on(open_device("double", crashing), [tiny], QUICK, silent)
    assert phone.leftovers() == []


def test_failing_runner_is_quoted_without_its_escape_codes(plug: Plug, tiny: Path, tmp_path: Path) -> None:
    phone = plug()
    failing = script(
        tmp_path / "benchmark_model", r"printf '\033[31mno such op\033]0;pwned\007\n' >&2; exit 3"
    )
    with pytest.raises(DeviceError) as failed:
        bench_on(open_device("double", failing), [tiny], QUICK, silent)
    assert str(failed.value).endswith("benchmark_model ended with code 3: no such op")
    assert phone.leftovers() == []


@pytest.mark.parametrize(
    "text",
    [
        "echo hello",
        "true",
        "head -c 100000 /dev/urandom",
        "echo 'INFO: count=1 curr=900'",
        "echo 'count=1 curr=900'; echo 'count=2 first=9 curr=9 min=8 max=9 avg=8.5 std=0'; "
        "echo 'Inference timings in us: Init: 10, First inf'",
    ],
    ids=["other words", "nothing", "binary", "one line", "cut off"],
)  # fmt: skip
def test_garbage_or_truncated_output_is_no_result(plug: Plug, tiny: Path, tmp_path: Path, text: str) -> None:
    phone = plug()
    with pytest.raises(UnreadableOutput, match="benchmark_model printed"):
        bench_on(open_device("double", script(tmp_path / "benchmark_model", text)), [tiny], QUICK, silent)
    assert phone.leftovers() == []


def test_a_runner_that_prints_the_sentinel_form_itself_fools_nobody(
    plug: Plug, tiny: Path, tmp_path: Path
) -> None:
    plug()
    forging = script(tmp_path / "benchmark_model", "echo edgekit-0123456789abcdef 0; exit 5")
    with pytest.raises(DeviceError, match="code 5"):
        bench_on(open_device("double", forging), [tiny], QUICK, silent)


def test_hanging_runner_is_killed_on_the_phone(plug: Plug, tiny: Path, tmp_path: Path) -> None:
    phone = plug()
    hanging = script(tmp_path / "benchmark_model", "exec sleep 300")
    plan = BenchPlan(runs=1, seconds=0, timeout_s=1.0)
    with pytest.raises(AdbFailed, match="the command did not end within 1 s"):
        bench_on(open_device("double", hanging), [tiny], plan, silent)
    assert phone.leftovers() == []
    assert not any(p.poll() is None for p in phone.processes[-1:])


def test_flooding_runner_is_cut_off(plug: Plug, tiny: Path, tmp_path: Path) -> None:
    phone = plug()
    flooding = script(tmp_path / "benchmark_model", "exec yes INFO: count=1 curr=1")
    with pytest.raises(AdbFailed, match="the command did not end"):
        bench_on(open_device("double", flooding), [tiny], QUICK, silent)
    assert phone.leftovers() == []


def test_two_artifacts_of_which_one_fails_give_no_report(
    plug: Plug, runner: Path, tiny: Path, tmp_path: Path
) -> None:
    phone = plug()
    broken = tmp_path / "broken.tflite"
    broken.write_bytes(b"not a model")
    with pytest.raises(DeviceError, match=r"broken\.tflite on"):
        bench_on(open_device("double", runner), [tiny, broken], QUICK, silent)
    assert phone.leftovers() == []


# ---- hostile names and texts --------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    ["it's.tflite", 'a "b".tflite', "$(touch pwned).tflite", "a;reboot;.tflite", "a\nb.tflite", "-s.tflite"],
)  # fmt: skip
def test_hostile_artifact_names_do_no_harm(
    plug: Plug, runner: Path, tiny: Path, tmp_path: Path, name: str
) -> None:
    phone = plug()
    hostile = tiny.rename(tmp_path / name)
    plan = BenchPlan(runs=1, seconds=0, warmup_runs=1, threads=1)
    report = bench_on(open_device("double", runner), [hostile], plan, silent)
    assert report.artifacts[0].status == "MEASURED"
    assert not any("pwned" in c or "reboot" in c for c in phone.commands)
    assert phone.leftovers() == []


@pytest.mark.parametrize("name", ["$(reboot)", "a; rm -rf /", "x' 'y", "Pixel\n6", "\x1b[2Jpixel", "-e"])
def test_hostile_device_names_do_no_harm(adb_environment: None, name: str) -> None:
    with pytest.raises(NoDevice) as failed:
        open_device(name)
    assert "\x1b" not in str(failed.value) and "\n" not in str(failed.value)


def test_absurd_numbers_are_unknown(plug: Plug) -> None:
    phone = plug()
    huge = "9" * 5000
    script(
        phone.root / "system/bin/dumpsys",
        f"echo '  level: ²'; echo '  temperature: {huge}'; echo 'Thermal Status: 1e999'; echo '  AC powered: true'",
    )
    policy = phone.root / "sys/devices/system/cpu/cpufreq/policy0"
    (policy / "scaling_cur_freq").write_text(f"² {huge} 1766400\n")
    (phone.root / "sys/devices/system/cpu/present").write_text(f"0-{huge}\n")
    device = Phone(phone.serial, None)
    state = device.state()
    assert (state.battery_percent, state.battery_temperature_c, state.thermal_status) == (None, None, None)
    assert (state.charging, state.clocks_mhz, device.info.cores) == (True, (1766,), None)


def test_a_temperature_below_zero_is_read(plug: Plug) -> None:
    phone = plug()
    script(phone.root / "system/bin/dumpsys", "echo '  temperature: -52'")
    assert Phone(phone.serial, None).state().battery_temperature_c == -5.2


def test_more_threads_than_the_phone_has_are_refused_before_anything_is_pushed(
    plug: Plug, runner: Path, tiny: Path
) -> None:
    phone = plug()
    with pytest.raises(EdgekitError, match=r"`threads` is 9; .* at most 8"):
        bench_on(open_device("double", runner), [tiny], BenchPlan(threads=9), silent)
    with pytest.raises(EdgekitError, match=r"`threads` is 9; .* at most 8"):
        Phone(phone.serial, runner).infer(tiny, [], threads=9)
    assert phone.leftovers() == []


@pytest.mark.parametrize("code", ["9" * 5000, "²", "256", "", "0 0", "0\nmore"])
def test_an_exit_code_that_is_none_is_a_lost_connection(code: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("secrets.token_hex", lambda _: "00")
    monkeypatch.setattr(Adb, "run", lambda *_, **__: Completed(f"out\nedgekit-00 {code}\n", "", 0))
    with pytest.raises(AdbFailed, match="lost in mid-command"):
        Adb("serial", "adb").shell("true")


def test_output_that_is_a_number_is_no_sentinel(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Adb, "run", lambda *_, **__: Completed("0\n", "", 0))
    with pytest.raises(AdbFailed, match="lost in mid-command"):
        Adb("serial", "adb").shell("true")


def test_hostile_properties_are_printable(plug: Plug) -> None:
    plug(properties={"ro.product.manufacturer": "\x1b[31mEvil\x07", "ro.build.fingerprint": "a\n[x]: [y"})
    info = open_device("double").info
    assert info.model == "Evil EdgeKit Double"
    assert "\n" not in info.os
