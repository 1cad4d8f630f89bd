"""Strict reader of the demo app's benchmark file; it becomes the report that `edgekit bench` writes.

Only the app itself can time the stages of a frame on the phone's own camera and GPU. Its file has this form (keys are
required but for `accelerator_choice`; null for a value that the app could not read):

    {"schema": "edgekit-app-bench/1", "simulated": false,
     "device": {"model": str, "os": str, "abi": str, "cores": int},
     "artifact": {"name": str, "sha256": str, "size_bytes": int},
     "threads": int, "accelerator_asked": str, "accelerator": str, "warmup_runs": int,
     "load_ms": num, "first_inference_ms": num, "peak_rss_mb": num | null,
     "samples_ms": [num, …], "stages_ms": {"camera": [num, …], …},
     "accelerator_choice": {"accelerator": str, "remembered": bool, "sentences": [str, …]},
     "before": {"battery_percent": int | null, "thermal_status": int | null}, "after": {…}}

`accelerator_choice` is what the app itself would use, with a sentence on each candidate; apps of edgekit 0.1 leave it
out. `stages_ms` may hold camera, resize, segmenter, refinement and shader, each as long as samples_ms.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from msgspec import Meta

from edgekit.benchmark.frame_budget import STAGES, FrameStage, measured_stage
from edgekit.benchmark.report import ArtifactBench, BenchReport
from edgekit.benchmark.statistics import latency_of
from edgekit.devices.device import BenchPlan, DeviceInfo, DeviceState
from edgekit.errors import UnreadableOutput, printable
from edgekit.reading import Count, JsonKind, Positive, Text, read_json, shown

SCHEMA = "edgekit-app-bench/1"
# 100,000 frames are an hour at 30 fps; a longer file is not a benchmark.
MOST_BYTES = 16 << 20
MOST_CANDIDATES = 16  # accelerators that an app can tell of


Times = Annotated[tuple[Positive, ...], Meta(min_length=1)]


@dataclass(frozen=True)
class _WrittenDevice:
    model: Text
    os: Text
    abi: Text
    cores: Count


@dataclass(frozen=True)
class _WrittenArtifact:
    name: Text
    sha256: Text
    size_bytes: Count


@dataclass(frozen=True)
class _WrittenState:
    battery_percent: Count | None
    thermal_status: Count | None


@dataclass(frozen=True)
class _WrittenChoice:
    accelerator: Text
    remembered: bool
    sentences: Annotated[tuple[Text, ...], Meta(max_length=MOST_CANDIDATES)]


@dataclass(frozen=True)
class _Written:
    """The content of the app's file; the module's docstring explains it."""

    simulated: bool
    device: _WrittenDevice
    artifact: _WrittenArtifact
    threads: Count
    accelerator_asked: Text
    accelerator: Text
    warmup_runs: Count
    load_ms: Positive
    first_inference_ms: Positive
    peak_rss_mb: Positive | None
    samples_ms: Times
    stages_ms: Mapping[str, Times]
    before: _WrittenState
    after: _WrittenState
    accelerator_choice: _WrittenChoice | None = None


APP_BENCHMARK = JsonKind(
    _Written,
    "the demo app's benchmark",
    schema=SCHEMA,
    limit_bytes=MOST_BYTES,
    advice="the app may not have finished",
)


@dataclass(frozen=True)
class AppReport:
    """The report, and the stages of a frame that the app timed (possibly none)."""

    report: BenchReport
    stages: tuple[FrameStage, ...]


def read_app_report(path: Path, artifact_sha256: str | None = None) -> AppReport:
    """Read the demo app's benchmark file.

    Raises UnreadableOutput if there is no such file, it has another form, or it was measured with another artifact
    than the one of `artifact_sha256`.
    """
    written = read_json(path, APP_BENCHMARK, UnreadableOutput)
    if artifact_sha256 not in (None, written.artifact.sha256):
        raise UnreadableOutput(
            f"{shown(path)} was measured with another artifact ({printable(written.artifact.sha256, 80)})."
        )
    device, samples = written.device, written.samples_ms
    plan = BenchPlan(
        runs=len(samples), seconds=0.0, warmup_runs=written.warmup_runs, threads=written.threads,
        accelerator=printable(written.accelerator_asked),
    )  # fmt: skip
    info = DeviceInfo(
        name=printable(device.model), kind="app", model=printable(device.model), os=printable(device.os),
        abi=printable(device.abi), cores=device.cores, simulated=written.simulated,
    )  # fmt: skip
    row = ArtifactBench(
        Path(printable(written.artifact.name)), printable(written.artifact.sha256),
        written.artifact.size_bytes, "MEASURED", latency=latency_of(samples, True, len(samples)),
        samples_ms=samples, first_inference_ms=written.first_inference_ms, load_ms=written.load_ms,
        peak_rss_mb=written.peak_rss_mb, accelerator_asked=plan.accelerator,
        accelerator=printable(written.accelerator), runner="demo app",
    )  # fmt: skip
    choice = written.accelerator_choice
    report = BenchReport(
        info, plan, "", {}, _state(written.before), _state(written.after), (), (row,),
        accelerator_choice=() if choice is None else tuple(map(printable, choice.sentences)),
    )  # fmt: skip
    return AppReport(report, _stages(path, written))


def _state(written: _WrittenState) -> DeviceState:
    return DeviceState(battery_percent=written.battery_percent, thermal_status=written.thermal_status)


def _stages(path: Path, written: _Written) -> tuple[FrameStage, ...]:
    for name, times in written.stages_ms.items():
        if name not in STAGES:
            raise UnreadableOutput(
                f"{shown(path)} times the stage {printable(name, 40)!r}; known: {', '.join(STAGES)}."
            )
        if len(times) != len(written.samples_ms):
            raise UnreadableOutput(
                f"{shown(path)} has {len(times)} samples of the stage {name!r}, "
                f"not {len(written.samples_ms)}."
            )
    return tuple(measured_stage(name, times) for name, times in written.stages_ms.items())
