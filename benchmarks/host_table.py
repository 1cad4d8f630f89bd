"""Every TFLite artifact and the stock ones on this machine, by `edgekit bench`.

    python -m benchmarks.host_table [--runs 60] [--seconds 10] [--size 512] [--write]

All alternate in one run, each in a process of its own. Stock static int8 is calibrated on one picture: ranges do not
change its time. `benchmarks/int8.py` has the accuracy.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from benchmarks import harness
from benchmarks.models import baselines, converted
from benchmarks.plan import PLANNED
from edgekit.benchmark.report import ArtifactBench
from edgekit.benchmark.run import bench_on
from edgekit.benchmark.statistics import Interval
from edgekit.console import quiet_libraries, say
from edgekit.devices.device import BenchPlan
from edgekit.devices.host import Host
from edgekit.images import astronaut
from edgekit.weights import load_checkpoint

RECIPES = ("fp32", "fp16", "w8", "w8a8", PLANNED)
COLUMNS = (
    "artifact", "p50 ms (95 %)", "p90", "p99", "n", "ratio to the first (99 %)", "load ms", "first ms",
    "peak MB", "partitions", "MB",
)  # fmt: skip


def main() -> None:
    """Convert, bench, and publish the figure `host`."""
    parser = harness.parser(__doc__)
    parser.add_argument("--runs", type=int, default=60)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--size", type=int, default=512)
    options = parser.parse_args()
    plan = BenchPlan(runs=options.runs, seconds=options.seconds, threads=harness.THREADS)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with quiet_libraries():
            checkpoint = load_checkpoint()
            made = baselines(checkpoint, options.size, [astronaut().at(options.size)], folder)
            for recipe in RECIPES:
                label, artifact = converted(checkpoint, "tflite", recipe, options.size, folder)
                made[label] = artifact.path
        report = bench_on(Host(), list(made.values()), plan, say)
    rows = [row(label, a) for label, a in zip(made, report.artifacts, strict=True)]
    made_with = harness.machine("ai-edge-litert", threads=harness.THREADS)
    n = "; ".join([f"`edgekit bench` at {options.size}², n in the table", *report.warnings])
    harness.publish(options, "host", n, made_with, harness.table(COLUMNS, rows))


def row(label: str, a: ArtifactBench) -> tuple[object, ...]:
    """One artifact's cells."""
    assert a.latency is not None and a.peak_rss_mb is not None
    assert a.load_ms is not None and a.first_inference_ms is not None
    change = a.change_to_first
    ratio = "1" if change is None else f"{change.ratio:.2f}{harness.spread(ends(change.interval), '.2f')}"
    return (
        label, f"{a.latency.p50:.1f}{harness.spread(ends(a.latency.p50_ci95), '.1f')}", f"{a.latency.p90:.1f}",
        f"{a.latency.p99:.1f}", a.latency.n, ratio, f"{a.load_ms:.0f}", f"{a.first_inference_ms:.0f}",
        f"{a.peak_rss_mb:.0f}", a.partitions, f"{a.size_bytes / 1e6:.1f}",
    )  # fmt: skip


def ends(interval: Interval | None) -> tuple[float, float] | None:
    """The two ends of an interval of `edgekit bench`."""
    return None if interval is None else (interval.low, interval.high)


if __name__ == "__main__":
    main()
