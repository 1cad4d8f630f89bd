"""How many inferences a plan takes: enough, and no more than the last turn needs. On a clock of our own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from edgekit.benchmark import run
from edgekit.benchmark.run import state_warnings
from edgekit.devices.device import BenchPlan, DeviceInfo, DeviceState, Measured, Opened


class Clock:
    """Takes the place of the module `time` in edgekit.benchmark.run."""

    def __init__(self) -> None:
        self.now_s = 100.0

    def monotonic(self) -> float:
        return self.now_s

    def sleep(self, seconds: float) -> None:
        self.now_s += seconds


class Session:
    """Every inference takes `inference_ms` of the clock, a launch of several at once like a phone's."""

    def __init__(self, clock: Clock, inference_ms: float, plan: BenchPlan) -> None:
        self.clock, self.inference_ms, self.plan = clock, inference_ms, plan
        self.asked: list[int] = []

    def measure(self, inferences: int) -> Measured:
        self.asked.append(inferences)
        launches = max(1, inferences // self.plan.runs_per_launch)
        done = launches * self.plan.runs_per_launch
        self.clock.now_s += done * self.inference_ms / 1e3
        return Measured((self.inference_ms,) * launches, done)

    def finish(self) -> Opened:
        return Opened(1.0, 1.0, "cpu", None, None, None, (), "double")


class Timed:
    """A device whose artifacts take the given times."""

    info = DeviceInfo("timed", "host", "Timed", "", "", 1, simulated=True)

    def __init__(self, clock: Clock, *inference_ms: float) -> None:
        self.clock, self.inference_ms = clock, inference_ms
        self.sessions: list[Session] = []

    def state(self) -> DeviceState:
        return DeviceState()

    @contextmanager
    def open(self, artifacts: Sequence[Path], plan: BenchPlan) -> Iterator[list[Session]]:
        self.sessions = [Session(self.clock, ms, plan) for ms in self.inference_ms]
        yield self.sessions

    def infer(
        self, artifact: Path, inputs: Sequence[NDArray[np.generic]], threads: int
    ) -> list[list[NDArray[np.generic]]]:
        raise NotImplementedError


def measured(
    monkeypatch: pytest.MonkeyPatch, folder: Path, plan: BenchPlan, *inference_ms: float
) -> tuple[list[int], Timed]:
    """(inferences of each artifact, the device) of a whole bench on the clock."""
    clock = Clock()
    monkeypatch.setattr(run, "time", clock)
    artifacts = [folder / f"{i}.tflite" for i in range(len(inference_ms))]
    for path in artifacts:
        path.write_bytes(b"x")
    device = Timed(clock, *inference_ms)
    report = run.bench_on(device, artifacts, plan, lambda _: None)
    return [a.latency.n for a in report.artifacts if a.latency is not None], device


@pytest.mark.parametrize("inference_ms", [0.01, 3.0, 16.0, 90.0, 700.0])
@pytest.mark.parametrize("per_launch", [1, 6])
def test_a_plan_of_runs_takes_exactly_these_however_fast_the_machine(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, inference_ms: float, per_launch: int
) -> None:
    plan = BenchPlan(runs=12, seconds=0, runs_per_launch=per_launch)
    assert measured(monkeypatch, tmp_path, plan, inference_ms)[0] == [12]


def test_a_plan_of_seconds_ends_within_one_inference_of_them(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    plan = BenchPlan(runs=1, seconds=1.0)
    (n,), device = measured(monkeypatch, tmp_path, plan, 7.0)
    assert 143 <= n <= 144  # 1 s / 7 ms, rounded up; the sum of the clock's steps may round
    assert max(device.sessions[0].asked) == 28  # turns of 0.2 s


def test_the_slowest_artifact_sets_the_turns_and_all_get_as_many(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    n, device = measured(monkeypatch, tmp_path, BenchPlan(runs=30, seconds=0.5), 5.0, 30.0)
    assert n[0] == n[1] >= 100  # the fast one needs its half second too
    assert max(device.sessions[0].asked) == 6  # 0.2 s of 30 ms


def test_nnapi_is_called_legacy() -> None:
    (sentence,) = state_warnings(DeviceState(), DeviceState(), BenchPlan(accelerator="nnapi"))
    assert "NNAPI is legacy" in sentence
    assert state_warnings(DeviceState(), DeviceState(), BenchPlan(accelerator="gpu")) == []
