"""`edgekit bench app`: the demo app's benchmark intent, over the genuine adb against a test double."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from edgekit.benchmark.app_report import AppReport
from edgekit.benchmark.app_run import bench_app
from edgekit.devices import adb
from edgekit.devices.device import BenchPlan
from edgekit.errors import AdbFailed, DeviceError, UnreadableOutput
from edgekit.files import sha256_of
from tests.devices.conftest import Plug
from tests.devices.demo_app import PACKAGE, STAGES_MS, install_app
from tests.devices.phone import Phone
from tests.support.cli import edgekit

pytestmark = pytest.mark.system
PLAN = BenchPlan(runs=23, seconds=1.5, warmup_runs=4, threads=3, cool_down_s=0.5, timeout_s=20)


def silent(_: str) -> None:
    """Takes the progress lines of `bench_app`."""


def run(phone: Phone, artifact: Path, plan: BenchPlan = PLAN) -> AppReport:
    return bench_app(adb.Phone(phone.serial, None), PACKAGE, artifact, plan, silent)


def left(phone: Phone) -> list[str]:
    """The app's files on the phone, and its process."""
    files = [p.name for p in (phone.root / "sdcard/Android/data" / PACKAGE / "files").iterdir()]
    return files + [p.name for p in (phone.root / "app").glob("running")]


def test_the_app_is_asked_measures_and_is_left_as_it_was(plug: Plug, tiny: Path) -> None:
    phone = plug()
    install_app(phone.root)
    told = run(phone, tiny)

    intent = json.loads((phone.root / "app/intent.json").read_text())
    assert len(intent.pop("run_id")) == 32
    assert intent == {
        "artifact_sha256": sha256_of(tiny), "accelerator": "cpu",
        "runs": 23, "seconds": 2, "warmup_runs": 4, "threads": 3,
    }  # fmt: skip
    (row,) = told.report.artifacts
    assert row.latency is not None and row.latency.n == 23 == len(row.samples_ms)
    assert (row.load_ms, row.first_inference_ms, row.runner) == (31.5, 44.25, PACKAGE)
    assert {s.name: round(s.p50_ms or 0, 6) for s in told.stages} == {
        name: ms + 0.11 for name, ms in STAGES_MS.items()
    }
    device = told.report.device
    assert (device.name, device.kind, device.model) == (phone.serial, "app", "EdgeKit EdgeKit Double")
    assert device.simulated  # although the app itself does not know
    assert told.report.before.battery_percent == 83 and told.report.after.thermal_status == 0
    assert left(phone) == []


def test_the_command_line_prints_the_frames_budget(plug: Plug, tiny: Path, tmp_path: Path) -> None:
    phone = plug()
    install_app(phone.root)
    out = tmp_path / "report.json"
    command = [
        sys.executable, "-m", "edgekit", "bench", "app", str(tiny), "--device", "double", "--package", PACKAGE,
        "--runs", "21", "--seconds", "0", "--out", str(out), "--json",
    ]  # fmt: skip
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert ended.returncode == 0, ended.stderr
    printed = json.loads(ended.stdout)
    assert printed == json.loads(out.read_text()) and printed["simulated"] is True
    (budget,) = printed["frame_budgets"]
    assert [s["name"] for s in budget["stages"]] == list(STAGES_MS)
    assert "camera" in ended.stderr and "SIMULATED" in ended.stderr


@pytest.mark.parametrize(
    ("mode", "error", "words"),
    [
        ("is not installed", DeviceError, "is not installed; install the demo app's APK"),
        ("has no benchmark", DeviceError, "did not start its benchmark: Error: Activity not started"),
        ("refuses", DeviceError, r"could not measure: No segmenter has this sha256\."),
        ("crashes", DeviceError, "ended without a report; adb logcat -b crash says why"),
        ("hangs", DeviceError, "no report within 2 s; the app was stopped"),
        ("writes half", UnreadableOutput, "is not JSON"),
        ("measures another artifact", UnreadableOutput, "measured with another artifact"),
        ("measures too few", UnreadableOutput, "measured 22 inferences, 23 were asked for"),
        ("ignores the threads", UnreadableOutput, "answered for {'threads': 7"),
    ],
)  # fmt: skip
def test_what_can_go_wrong_is_said_and_nothing_is_left(
    plug: Plug, tiny: Path, monkeypatch: pytest.MonkeyPatch,
    mode: str, error: type[DeviceError], words: str,
) -> None:  # fmt: skip
    monkeypatch.setattr("edgekit.benchmark.app_run.POLL_S", 0.05)
    phone = plug()
    install_app(phone.root, mode)
    plan = BenchPlan(runs=23, seconds=0, warmup_runs=4, threads=3, timeout_s=2)
    with pytest.raises(error, match=words) as failed:
        run(phone, tiny, plan)
    assert "\x1b" not in str(failed.value)
    assert left(phone) == []


def test_a_report_of_an_earlier_run_is_not_taken_for_this_one(
    plug: Plug, tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edgekit.benchmark.app_run.POLL_S", 0.05)
    phone = plug()
    install_app(phone.root, "crashes")
    files = phone.root / "sdcard/Android/data" / PACKAGE / "files"
    (files / "edgekit-app-bench.json").write_text("{}")
    (files / f"edgekit-app-bench-{'0' * 32}.json").write_text("{}")
    with pytest.raises(DeviceError, match="ended without a report"):
        run(phone, tiny)
    assert len(left(phone)) == 2  # another run's, so another run's to remove


def test_a_gpu_that_was_not_obtained_is_not_complete(plug: Plug, tiny: Path) -> None:
    phone = plug()
    install_app(phone.root)
    report = run(phone, tiny, BenchPlan(runs=3, seconds=0, accelerator="gpu")).report
    assert report.artifacts[0].accelerator_asked == "gpu" and not report.complete


def test_a_hot_phone_is_not_asked(plug: Plug, tiny: Path) -> None:
    phone = plug(thermal_status=(3,))
    install_app(phone.root)
    with pytest.raises(DeviceError, match=r"still 3 \(severe\)"):
        run(phone, tiny)
    assert not (phone.root / "app/intent.json").exists()


def test_unplugged_while_the_app_measures(plug: Plug, tiny: Path) -> None:
    phone = plug(unplug_in_command="pidof")
    install_app(phone.root, "hangs")
    with pytest.raises(AdbFailed, match="lost in mid-command"):
        run(phone, tiny)


@pytest.mark.parametrize("package", ["demo", "a.b; reboot", "$(id).x", "-S.x", "a..b", "a.b\n", ""])
def test_what_is_no_package_name_is_refused_before_the_phone_hears_of_it(
    plug: Plug, tiny: Path, package: str
) -> None:
    phone = plug()
    device = adb.Phone(phone.serial, None)
    heard = len(phone.commands)
    with pytest.raises(DeviceError, match="not the name of an Android app"):
        bench_app(device, package, tiny, PLAN, silent)
    assert len(phone.commands) == heard


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["a.tflite", "b.tflite", "--device", "x"], "(b.tflite)"),
        (["--device", "x"], "Missing argument 'ARTIFACT'"),
        (["a.tflite"], "Missing option '--device'"),
        (["a.tflite", "--device", "x", "--set", "per-launch=2"], "no setting 'per-launch'"),
        (["a.tflite", "--device", "x", "--runner", "x"], "No such option: --runner"),
        (["a.tflite", "--device", "host"], "and host is not one"),
    ],
)
@pytest.mark.parametrize("old", [False, True])
def test_options_that_contradict_the_app_are_usage_errors(
    arguments: list[str], words: str, old: bool
) -> None:
    spelled = [*arguments, "--app", PACKAGE] if old else ["app", *arguments]
    ended = edgekit("bench", *spelled)
    assert ended.code == 2 and words in " ".join(ended.err.replace("│", " ").split())
