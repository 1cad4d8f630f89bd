"""The report of a bench run, as JSON, CSV and a plot, and the baseline read back from JSON."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from html import escape
from pathlib import Path

from edgekit.benchmark.statistics import Change, Interval, Latency
from edgekit.devices.device import BenchPlan, DeviceInfo, DeviceState, OpTime
from edgekit.errors import EdgekitError
from edgekit.files import JsonValue
from edgekit.reading import Count, JsonKind, Positive, read_json

SCHEMA = "edgekit-bench/1"
MOST_REPORT_BYTES = 64 << 20  # at 20 bytes per sample, more than a day at 30 inferences per second


@dataclass(frozen=True)
class ArtifactBench:
    """One artifact's figures. `status`: MEASURED, or NOT_RUN with the reason and every figure None."""

    path: Path
    sha256: str
    size_bytes: int
    status: str
    reason: str = ""
    latency: Latency | None = None
    samples_ms: tuple[float, ...] = ()
    samples_are: str = "inference"
    first_inference_ms: float | None = None
    load_ms: float | None = None
    peak_rss_mb: float | None = None
    accelerator_asked: str = "cpu"
    accelerator: str | None = None
    partitions: int | None = None
    undelegated_ops: tuple[str, ...] | None = None
    profile: tuple[OpTime, ...] = ()
    runner: str = ""
    change_to_first: Change | None = None


@dataclass(frozen=True)
class BaselineComparison:
    """One artifact against the baseline file. `change` is None if it was not compared; `reason` says why."""

    path: Path
    change: Change | None
    reason: str = ""


@dataclass(frozen=True)
class BenchReport:
    """Everything that one run on one device measured."""

    device: DeviceInfo
    plan: BenchPlan
    started_at: str
    tools: Mapping[str, str]
    before: DeviceState
    after: DeviceState
    warnings: tuple[str, ...]
    artifacts: tuple[ArtifactBench, ...]
    comparisons: tuple[BaselineComparison, ...] = ()
    accelerator_choice: tuple[str, ...] = ()  # of the demo app, a sentence on each candidate

    @property
    def regressed(self) -> bool:
        return any(c.change is not None and c.change.verdict == "SLOWER" for c in self.comparisons)

    @property
    def complete(self) -> bool:
        """Whether every artifact was measured on the requested accelerator and could be compared."""
        return all(
            a.status == "MEASURED" and (a.accelerator or "").startswith(a.accelerator_asked)
            for a in self.artifacts
        ) and all(c.change is not None and c.change.verdict != "TOO_FEW" for c in self.comparisons)


def report_json(report: BenchReport) -> dict[str, JsonValue]:
    """The object that `bench --json` prints."""
    return {
        "schema": SCHEMA,
        "device": report.device.name,
        "simulated": report.device.simulated,
        "device_info": _plain(report.device),
        "plan": _plain(report.plan),
        "started_at": report.started_at,
        "tools": dict(report.tools),
        "state": {"before": _plain(report.before), "after": _plain(report.after)},
        "warnings": list(report.warnings),
        "accelerator_choice": list(report.accelerator_choice),
        "artifacts": [_artifact_json(a, report.device.simulated) for a in report.artifacts],
        "baseline": [
            {
                "path": str(c.path),
                "reason": c.reason,
                "change": None if c.change is None else _plain(c.change),
            }
            for c in report.comparisons
        ],
    }


def _artifact_json(a: ArtifactBench, simulated: bool) -> dict[str, JsonValue]:
    return {
        "path": str(a.path),
        "sha256": a.sha256,
        "size_bytes": a.size_bytes,
        "status": a.status,
        "reason": a.reason,
        "simulated": simulated,
        "latency_ms": None if a.latency is None else _latency_json(a.latency),
        "first_inference_ms": a.first_inference_ms,
        "load_ms": a.load_ms,
        "peak_rss_mb": a.peak_rss_mb,
        "accelerator": a.accelerator,
        "accelerator_asked": a.accelerator_asked,
        "partitions": a.partitions,
        "undelegated_ops": None if a.undelegated_ops is None else list(a.undelegated_ops),
        "samples": list(a.samples_ms),
        "samples_are": a.samples_are,
        "profile": [_plain(op) for op in a.profile],
        "runner": a.runner,
        "change_to_first": None if a.change_to_first is None else _plain(a.change_to_first),
    }


def _latency_json(latency: Latency) -> dict[str, JsonValue]:
    values: dict[str, JsonValue] = {
        "p50": latency.p50, "p90": latency.p90, "p99": latency.p99, "mean": latency.mean, "n": latency.n
    }  # fmt: skip
    for name in ("mean", "p50", "p90", "p99"):
        ends: Interval | None = getattr(latency, f"{name}_ci95")
        values[f"{name}_ci95"] = None if ends is None else [ends.low, ends.high]
    return values


def _plain(value: object) -> JsonValue:
    """A frozen dataclass as JSON, through one round trip that turns tuples into lists."""
    plain: JsonValue = json.loads(json.dumps(asdict(value), allow_nan=False))  # type: ignore[call-overload]
    return plain


def report_csv(report: BenchReport) -> str:
    """The report as CSV with one row per sample, so that any statistics program can start from the raw series."""
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(["device", "simulated", "artifact", "sha256", "accelerator", "sample", "is", "latency_ms"])
    for a in report.artifacts:
        for number, sample in enumerate(a.samples_ms):
            rows.writerow(
                [report.device.name, str(report.device.simulated).lower(), a.path.name, a.sha256,
                 a.accelerator, number, a.samples_are, f"{sample:.6f}"]
            )  # fmt: skip
    return text.getvalue()


@dataclass(frozen=True)
class Baseline:
    """The part of an earlier report that a comparison needs."""

    path: Path
    device: str
    model: str
    simulated: bool
    threads: int
    accelerator: str
    samples_are: str
    samples_ms: Mapping[str, tuple[float, ...]]


@dataclass(frozen=True)
class _WrittenDevice:
    model: str


@dataclass(frozen=True)
class _WrittenPlan:
    threads: Count
    accelerator: str


@dataclass(frozen=True)
class _WrittenRow:
    path: str
    status: str
    samples_are: str
    samples: tuple[Positive, ...]


@dataclass(frozen=True)
class _Written:
    """The part of a bench report that a comparison needs; fields may be added to reports."""

    device: str
    device_info: _WrittenDevice
    simulated: bool
    plan: _WrittenPlan
    artifacts: tuple[_WrittenRow, ...]


REPORT = JsonKind(
    _Written,
    "a bench report",
    schema=SCHEMA,
    open=True,
    limit_bytes=MOST_REPORT_BYTES,
    advice="write one with bench --out",
)


def read_baseline(path: Path) -> Baseline:
    """Read a report written by `bench --out`. Raises EdgekitError if it is not one."""
    report = read_json(path, REPORT, EdgekitError)
    measured = [row for row in report.artifacts if row.status == "MEASURED"]
    return Baseline(
        path, report.device, report.device_info.model, report.simulated, report.plan.threads,
        report.plan.accelerator, ", ".join(sorted({row.samples_are for row in measured})),
        {Path(row.path).name: row.samples for row in measured},
    )  # fmt: skip


# The plot: one horizontal strip per artifact with every sample, the p50-p90 bar and the p99 mark.
WIDTH, LEFT, RIGHT, ROW, TOP = 860, 250, 30, 46, 58


def report_svg(report: BenchReport) -> str:
    """A strip plot of every sample with p50, p90 and p99, in one self-contained SVG."""
    rows = [a for a in report.artifacts if a.samples_ms]
    longest = max((max(a.samples_ms) for a in rows), default=1.0) * 1.05
    height = TOP + ROW * len(rows) + 44
    mark = " · SIMULATED, not a measure of speed" if report.device.simulated else ""
    title = escape(f"{report.device.model}: latency, ms ({report.plan.threads} threads){mark}")
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" font-family="sans-serif" '
        f'font-size="12"><rect width="{WIDTH}" height="{height}" fill="white"/>',
        f'<text x="16" y="28" font-size="16">{title}</text>',
    ]
    for tick in _ticks(longest):
        x = _x(tick, longest)
        parts.append(
            f'<path d="M{x:.1f} {TOP - 8}V{height - 34}" stroke="#ddd"/>'
            f'<text x="{x:.1f}" y="{height - 18}" text-anchor="middle" fill="#555">{tick:g}</text>'
        )
    for number, a in enumerate(rows):
        parts += _strip(a, TOP + ROW * number + ROW / 2, longest)
    return "\n".join([*parts, "</svg>\n"])


def _strip(a: ArtifactBench, y: float, longest: float) -> list[str]:
    name = a.path.name if len(a.path.name) <= 34 else "…" + a.path.name[-33:]
    parts = [f'<text x="{LEFT - 12}" y="{y + 4:.1f}" text-anchor="end">{escape(name)}</text>']
    for number, sample in enumerate(a.samples_ms):
        jitter = (number * 7) % 13 - 6  # spreads equal samples; carries no meaning
        parts.append(
            f'<circle cx="{_x(sample, longest):.1f}" cy="{y + jitter:.1f}" r="2" fill="#3b6ea8" '
            f'fill-opacity="0.35"/>'
        )
    if a.latency is not None and a.latency.p50 is not None and a.latency.p90 is not None:
        low, high = _x(a.latency.p50, longest), _x(a.latency.p90, longest)
        parts.append(
            f'<path d="M{low:.1f} {y:.1f}H{high:.1f}M{low:.1f} {y - 11:.1f}v22" stroke="#b3391f" '
            f'stroke-width="2"/><text x="{low:.1f}" y="{y - 13:.1f}" text-anchor="middle" '
            f'fill="#b3391f">{a.latency.p50:.1f}</text>'
        )
    if a.latency is not None and a.latency.p99 is not None:
        parts.append(f'<path d="M{_x(a.latency.p99, longest):.1f} {y - 7:.1f}v14" stroke="#b3391f"/>')
    return parts


def _x(value_ms: float, longest: float) -> float:
    return LEFT + (WIDTH - LEFT - RIGHT) * value_ms / longest


def _ticks(longest: float) -> list[float]:
    """Round tick values from zero, four to nine of them."""
    magnitude = 10.0 ** (len(str(int(longest))) - 1) if longest >= 1 else 0.1
    step = next(magnitude * f for f in (0.1, 0.2, 0.5, 1, 2, 5, 10) if longest / (magnitude * f) <= 9)
    return [round(step * i, 6) for i in range(int(longest / step) + 1)]
