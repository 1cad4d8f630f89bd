"""One bench run: check, read the device's state, measure artifacts alternately, read the state again, compare.

The order rotates from round to round (A B C, B C A, …), so that drift of clocks and temperature affects all artifacts
alike.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path

from edgekit import __version__, console
from edgekit.artifact import MOST_ARTIFACT_BYTES, manifest_path_of, read_artifact
from edgekit.benchmark.report import ArtifactBench, Baseline, BaselineComparison, BenchReport
from edgekit.benchmark.statistics import TOLERANCE, change_between, latency_of, paired_change
from edgekit.devices.device import (
    THERMAL_STATUS,
    BenchPlan,
    Device,
    DeviceInfo,
    DeviceState,
    Measured,
    Opened,
    Session,
    check_plan,
)
from edgekit.devices.macos import NEEDS_MAC
from edgekit.devices.registry import open_device
from edgekit.errors import DeviceError, EdgekitError, UnknownName
from edgekit.files import sha256_of, size_bytes_of
from edgekit.reading import check_regular_file
from edgekit.targets import target_of

TOOLS = ("ai-edge-litert", "numpy")
# Below half, phones start to limit clocks (MLPerf Mobile's rules ask for a charged battery).
LOWEST_BATTERY_PERCENT = 50
COOLING_POLL_S = 5.0
LONGEST_TURN_S = 0.2
MOST_AT_ONCE = 50
# Enough for a model of microseconds: its p99 then rests on the 100 slowest inferences.
MOST_INFERENCES = 10_000

Say = Callable[[str], None]


def bench(
    artifacts: Sequence[Path],
    device: str | Device = "host",
    *,
    runner: Path | None = None,
    plan: BenchPlan | None = None,
) -> BenchReport:
    """Time artifacts on a device; several are measured alternately, and each is compared with the first.

    `device`: host, arm64 (emulated, not for speed), a phone's model or serial, mac, iphone. `runner`: LiteRT's
    benchmark_model for a phone. `plan`: duration and conditions (by default at least 50 inferences and 10 s of each, 2
    threads). Times are in milliseconds; intervals are 95 %.

    Raises DeviceError if the device cannot be used, stays too hot, or an artifact fails on it; EdgekitError for an
    artifact that is missing or damaged. For an artifact that the device cannot run, the report gives the reason.
    """
    opened = open_device(device, runner) if isinstance(device, str) else device
    return bench_on(opened, artifacts, plan or BenchPlan(), console.say)


def bench_on(device: Device, artifacts: Sequence[Path], plan: BenchPlan, say: Say) -> BenchReport:
    """Measure every artifact that the device can run; the others are NOT_RUN with the reason.

    Raises DeviceError if the device cannot be used, stays too hot, or an artifact fails on it: a run that breaks off
    gives no report at all.
    """
    check(artifacts, plan, device.info)
    started_at = datetime.now(UTC).isoformat(timespec="seconds")
    runnable = [i for i, a in enumerate(artifacts) if not not_run_reason(a, device)]
    warnings: list[str] = []
    before = device.state()
    measured: dict[int, ArtifactBench] = {}
    if runnable:
        cool_down(device, before, plan, say, warnings)
        with device.open([artifacts[i] for i in runnable], plan) as sessions:
            series = _interleaved(device, sessions, plan, say, warnings)
            finished = [session.finish() for session in sessions]
        for i, samples, opened in zip(runnable, series, finished, strict=True):
            measured[i] = _row(artifacts[i], samples, opened, plan)
    after = device.state()
    rows = [measured.get(i) or _not_run(a, plan, device) for i, a in enumerate(artifacts)]
    return BenchReport(
        device.info, plan, started_at, tools(), before, after,
        tuple(warnings + state_warnings(before, after, plan)), tuple(_against_first(rows)),
    )  # fmt: skip


def compare(report: BenchReport, baseline: Baseline, tolerance: float = TOLERANCE) -> BenchReport:
    """Compare every artifact of the report with the one of the same name in the baseline.

    Raises EdgekitError if the two were measured under different conditions, because such a ratio is meaningless.
    """
    here = (report.device.model, report.device.simulated, report.plan.threads, report.plan.accelerator)
    there = (baseline.model, baseline.simulated, baseline.threads, baseline.accelerator)
    names = ("device", "simulated", "threads", "accelerator")
    differing = [f"{n} {b!r} there, {a!r} here" for n, a, b in zip(names, here, there, strict=True) if a != b]
    if differing:
        raise EdgekitError(
            f"{baseline.path}: not comparable: {'; '.join(differing)}. "
            f"Measure a baseline under these conditions."
        )
    return replace(report, comparisons=tuple(_comparison(a, baseline, tolerance) for a in report.artifacts))


def _comparison(a: ArtifactBench, baseline: Baseline, tolerance: float) -> BaselineComparison:
    old = baseline.samples_ms.get(a.path.name)
    if a.status != "MEASURED":
        return BaselineComparison(a.path, None, a.reason)
    if old is None:
        return BaselineComparison(a.path, None, f"{baseline.path} holds no {a.path.name}")
    if a.samples_are != baseline.samples_are:
        return BaselineComparison(
            a.path, None, f"samples are {baseline.samples_are} there, {a.samples_are} here"
        )
    return BaselineComparison(a.path, change_between(a.samples_ms, old, tolerance))


@dataclass(frozen=True)
class _Series:
    rounds: tuple[Measured, ...]

    @property
    def samples_ms(self) -> tuple[float, ...]:
        return tuple(s for r in self.rounds for s in r.latency_ms)

    @property
    def inferences(self) -> int:
        return sum(r.inferences for r in self.rounds)


def _interleaved(
    device: Device, sessions: Sequence[Session], plan: BenchPlan, say: Say, warnings: list[str]
) -> list[_Series]:
    """Measure in rounds until every artifact has `runs` inferences and `seconds` of measuring."""
    rounds: list[list[Measured]] = [[] for _ in sessions]
    spent_s = [0.0] * len(sessions)
    at_once, turn, last_pause = 1, 0, time.monotonic()
    slowest_s = 0.0  # wall time of one inference with its request, on the slowest artifact
    while not all(_enough(r, s, plan) for r, s in zip(rounds, spent_s, strict=True)):
        order = [(i + turn) % len(sessions) for i in range(len(sessions))]
        for i in order:
            start = time.monotonic()
            rounds[i].append(sessions[i].measure(at_once))
            took_s = time.monotonic() - start
            spent_s[i] += took_s
            slowest_s = max(slowest_s, took_s / rounds[i][-1].inferences)
        # One request asks for many short inferences, or most of the time would go to requests; but never for long, so
        # that artifacts still alternate and heat is noticed in time.
        lacking = max(_lacking(r, s, plan, slowest_s) for r, s in zip(rounds, spent_s, strict=True))
        at_once = max(1, min(int(LONGEST_TURN_S / slowest_s), MOST_AT_ONCE, lacking))
        turn += 1
        if time.monotonic() - last_pause > COOLING_POLL_S:
            last_pause = time.monotonic()
            say(f"  {min(sum(m.inferences for m in r) for r in rounds)} inferences each")
            cool_down(device, device.state(), plan, say, warnings)
    return [_Series(tuple(r)) for r in rounds]


def _enough(rounds: Sequence[Measured], spent_s: float, plan: BenchPlan) -> bool:
    inferences = sum(r.inferences for r in rounds)
    return inferences >= plan.runs and (spent_s >= plan.seconds or inferences >= MOST_INFERENCES)


def _lacking(rounds: Sequence[Measured], spent_s: float, plan: BenchPlan, inference_s: float) -> int:
    """Number of inferences still missing from the plan, so that the last request is no longer than necessary."""
    runs = plan.runs - sum(r.inferences for r in rounds)
    return max(runs, math.ceil((plan.seconds - spent_s) / inference_s))


def cool_down(device: Device, state: DeviceState, plan: BenchPlan, say: Say, warnings: list[str]) -> None:
    """Wait until the thermal status is at most `hottest_status`. Raises DeviceError if it stays higher."""
    deadline = time.monotonic() + plan.cool_down_s
    first = state.thermal_status
    while state.thermal_status is not None and state.thermal_status > plan.hottest_status:
        status = _status_name(state.thermal_status)
        if time.monotonic() >= deadline:
            raise DeviceError(
                f"{device.info.name}: thermal status is still {status} after {plan.cool_down_s:g} s; figures "
                f"taken now would be throttled. Let it cool (no charger, no sun), or raise `cool_down_s`."
            )
        say(f"  thermal status {status}: cooling down")
        time.sleep(min(COOLING_POLL_S, max(0.0, deadline - time.monotonic())))
        state = device.state()
    if first is not None and first > plan.hottest_status:
        warnings.append(f"paused at thermal status {_status_name(first)} to cool down")


def _row(path: Path, series: _Series, opened: Opened, plan: BenchPlan) -> ArtifactBench:
    single = plan.runs_per_launch == 1
    return ArtifactBench(
        path, sha256_of(path), size_bytes_of(path), "MEASURED",
        latency=latency_of(series.samples_ms, single, series.inferences),
        samples_ms=series.samples_ms,
        samples_are="inference" if single else f"mean of {plan.runs_per_launch} inferences",
        first_inference_ms=opened.first_inference_ms, load_ms=opened.load_ms, peak_rss_mb=opened.peak_rss_mb,
        accelerator_asked=plan.accelerator, accelerator=opened.accelerator, partitions=opened.partitions,
        undelegated_ops=opened.undelegated_ops, profile=opened.profile, runner=opened.runner,
    )  # fmt: skip


def _against_first(rows: Sequence[ArtifactBench]) -> list[ArtifactBench]:
    measured = [a for a in rows if a.status == "MEASURED"]
    if len(measured) < 2:
        return list(rows)
    return [
        replace(a, change_to_first=paired_change(a.samples_ms, measured[0].samples_ms))
        if a.status == "MEASURED" and a is not measured[0]
        else a
        for a in rows
    ]


def check(artifacts: Sequence[Path], plan: BenchPlan, device: DeviceInfo) -> None:
    """Raise EdgekitError if an artifact is missing or damaged, or a number of the plan is out of bounds."""
    check_plan(plan, device)
    for path in artifacts:
        if not path.name:
            raise EdgekitError(
                "An artifact's name is empty; name a file or folder that edgekit convert made."
            )
        if not path.exists():
            raise EdgekitError(f"{path} does not exist; make an artifact with edgekit convert.")
        if not path.is_dir():
            check_regular_file(path, MOST_ARTIFACT_BYTES, EdgekitError)
        if manifest_path_of(path).exists():  # a model of another tool has no manifest
            read_artifact(path)


def not_run_reason(path: Path, device: Device) -> str:
    """The reason why this artifact cannot run on this device; empty if it can."""
    try:
        target = target_of(path)
    except UnknownName as error:
        return f"{path.name}: {error}"
    if not target.taps:
        return f"{target.title} artifacts are not timed yet"
    if target.apple == (device.info.kind == "coreml"):
        return ""
    return NEEDS_MAC if target.apple else f"{target.title} artifacts are not timed on Apple devices"


def _not_run(path: Path, plan: BenchPlan, device: Device) -> ArtifactBench:
    return ArtifactBench(
        path, sha256_of(path), size_bytes_of(path), "NOT_RUN", not_run_reason(path, device),
        accelerator_asked=plan.accelerator,
    )  # fmt: skip


def state_warnings(before: DeviceState, after: DeviceState, plan: BenchPlan) -> list[str]:
    """Sentences about the plan and states of the device that make the figures less reliable."""
    found = []
    if before.battery_percent is not None and before.battery_percent < LOWEST_BATTERY_PERCENT:
        found.append(
            f"battery at {before.battery_percent} %: phones limit clocks below {LOWEST_BATTERY_PERCENT} %"
        )
    if after.thermal_status is not None and after.thermal_status > plan.hottest_status:
        found.append(
            f"thermal status {_status_name(after.thermal_status)} at the end: the last runs were throttled"
        )
    if before.governors and set(before.governors) != {"performance"}:
        found.append(
            f"clock governor {', '.join(sorted(set(before.governors)))}: clocks may move during the run"
        )
    if plan.accelerator == "nnapi":
        found.append("NNAPI is legacy: Android 15 deprecated it; prefer gpu")
    busy = before.load_average
    if busy is not None and busy > 0.5:
        found.append(f"other work was running (load average {busy:.1f} before the run)")
    return found


def _status_name(status: int) -> str:
    return f"{status} ({THERMAL_STATUS[status]})" if 0 <= status < len(THERMAL_STATUS) else str(status)


def tools() -> dict[str, str]:
    """Versions of edgekit and of the packages that measured."""
    return {"edgekit": __version__, **{name: metadata.version(name) for name in TOOLS}}
