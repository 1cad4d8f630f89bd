"""The demo app's benchmark file, read strictly, as the report that `edgekit bench` writes.

The app times what no tool outside it can: the stages of a frame on the phone's own camera and GPU. Its
file has this form (all keys required; null where the app could not read a value):

    {"schema": "edgekit-app-bench/1", "simulated": false,
     "device": {"model": str, "os": str, "abi": str, "cores": int},
     "artifact": {"name": str, "sha256": str, "size_bytes": int},
     "threads": int, "accelerator_asked": str, "accelerator": str, "warmup_runs": int,
     "load_ms": num, "first_inference_ms": num, "peak_rss_mb": num | null,
     "samples_ms": [num, …], "stages_ms": {"camera": [num, …], …},
     "before": {"battery_percent": int | null, "thermal_status": int | null}, "after": {…}}

`stages_ms` may hold camera, resize, segmenter, refinement and shader, each as long as samples_ms.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from edgekit.bench.frame_budget import STAGES, FrameStage, measured_stage
from edgekit.bench.report import ArtifactBench, BenchReport
from edgekit.bench.statistics import latency_of
from edgekit.devices.device import BenchPlan, DeviceInfo, DeviceState
from edgekit.devices.process import printable
from edgekit.errors import UnreadableOutput
from edgekit.files import JsonValue

SCHEMA = "edgekit-app-bench/1"
KEYS = frozenset(
    {"schema", "simulated", "device", "artifact", "threads", "accelerator_asked", "accelerator",
     "warmup_runs", "load_ms", "first_inference_ms", "peak_rss_mb", "samples_ms", "stages_ms", "before",
     "after"}
)  # fmt: skip
# 100,000 frames are an hour at 30 fps; a longer file is not a benchmark.
MOST_BYTES = 16 << 20


@dataclass(frozen=True)
class AppReport:
    """The report, and the stages of a frame where the app timed them."""

    report: BenchReport
    stages: tuple[FrameStage, ...]


def read_app_report(path: Path, artifact_sha256: str | None = None) -> AppReport:
    """UnreadableOutput: no such file, not of this form, or measured with another artifact."""
    try:
        if path.stat().st_size > MOST_BYTES:
            raise UnreadableOutput(f"{path} is larger than any benchmark of the demo app.")
        data = json.loads(path.read_text(encoding="utf-8"), parse_constant=_no_constant)
    except OSError as error:
        raise UnreadableOutput(f"{path} cannot be read: {error.strerror}.") from error
    except (ValueError, RecursionError) as error:
        raise UnreadableOutput(f"{path} is not JSON ({error}); the app may not have finished.") from error
    try:
        return _report(path, data, artifact_sha256)
    except (KeyError, TypeError, ValueError) as error:
        raise UnreadableOutput(f"{path} is not the demo app's benchmark: {error!r}.") from error


def _report(path: Path, data: dict[str, JsonValue], artifact_sha256: str | None) -> AppReport:
    if set(data) != KEYS:
        raise ValueError(f"keys {sorted(set(data) ^ KEYS)} are missing or unknown")
    if data["schema"] != SCHEMA:
        raise ValueError(f"schema {data['schema']!r}, not {SCHEMA!r}")
    device, artifact = _object(data["device"]), _object(data["artifact"])
    if artifact_sha256 not in (None, artifact["sha256"]):
        raise UnreadableOutput(f"{path} was measured with another artifact ({artifact['sha256']}).")
    samples = _times(data["samples_ms"])
    plan = BenchPlan(
        runs=len(samples), seconds=0.0, warmup_runs=_count(data["warmup_runs"]),
        threads=_count(data["threads"]), accelerator=_text(data["accelerator_asked"]),
    )  # fmt: skip
    info = DeviceInfo(
        name=_text(device["model"]), kind="app", model=_text(device["model"]), os=_text(device["os"]),
        abi=_text(device["abi"]), cores=_count(device["cores"]), simulated=_flag(data["simulated"]),
    )  # fmt: skip
    row = ArtifactBench(
        Path(_text(artifact["name"])), _text(artifact["sha256"]), _count(artifact["size_bytes"]), "MEASURED",
        latency=latency_of(samples, True, len(samples)), samples_ms=samples,
        first_inference_ms=_time(data["first_inference_ms"]), load_ms=_time(data["load_ms"]),
        peak_rss_mb=None if data["peak_rss_mb"] is None else _time(data["peak_rss_mb"]),
        accelerator_asked=plan.accelerator, accelerator=_text(data["accelerator"]), runner="demo app",
    )  # fmt: skip
    states = _state(data["before"]), _state(data["after"])
    report = BenchReport(info, plan, "", {}, *states, (), (row,))
    return AppReport(report, _stages(data["stages_ms"], len(samples)))


def _stages(value: JsonValue, count: int) -> tuple[FrameStage, ...]:
    stages = []
    for name, times in _object(value).items():
        if name not in STAGES:
            raise ValueError(f"stage {name!r} is none of {', '.join(STAGES)}")
        series = _times(times)
        if len(series) != count:
            raise ValueError(f"stage {name!r} has {len(series)} samples, not {count}")
        stages.append(measured_stage(name, series))
    return tuple(stages)


def _state(value: JsonValue) -> DeviceState:
    state = _object(value)
    battery, thermal = state["battery_percent"], state["thermal_status"]
    return DeviceState(
        battery_percent=None if battery is None else _count(battery),
        thermal_status=None if thermal is None else _count(thermal),
    )


def _object(value: JsonValue) -> Mapping[str, JsonValue]:
    if not isinstance(value, dict):
        raise TypeError(f"{value!r:.40} is not an object")
    return value


def _times(value: JsonValue) -> tuple[float, ...]:
    if not isinstance(value, list) or not value:
        raise TypeError(f"{value!r:.40} is not a list of times")
    return tuple(_time(item) for item in value)


def _time(value: JsonValue) -> float:
    if isinstance(value, (int, float)) and not isinstance(value, bool) and 0 < value < math.inf:
        return float(value)
    raise ValueError(f"{value!r:.40} is not a positive number")


def _count(value: JsonValue) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise ValueError(f"{value!r:.40} is not a count")
    return value


def _text(value: JsonValue) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError(f"{value!r:.40} is not a text")
    return printable(value)


def _flag(value: JsonValue) -> bool:
    if not isinstance(value, bool):
        raise ValueError(f"{value!r:.40} is neither true nor false")
    return value


def _no_constant(name: str) -> float:
    raise ValueError(f"{name} is not a number")
