"""The table of this machine for docs/performance.md: every TFLite artifact and its peers, by `edgekit bench`.

    python -m benchmarks.host_table [--runs 60] [--seconds 10] [--size 512] [--threads 2] [--out FILE.json]

The bundled weights as fp32, fp16, w8 and the planned recipe; beside them what stock tools make of the
Hugging Face model: litert_torch.convert, and ai-edge-quantizer's dynamic and static int8 (static is
calibrated on one picture: ranges do not change its time). All alternate in one run, each in a process of
its own. Accuracy is the business of benchmarks/int8.py, which also has PyTorch and ONNX Runtime.
"""

from __future__ import annotations

import argparse
import os
import platform
import tempfile
from dataclasses import replace
from pathlib import Path

from benchmarks.peers import stock
from benchmarks.plain import plain_tflite
from edgekit.benchmark.report import ArtifactBench, BenchReport, report_json
from edgekit.benchmark.run import bench
from edgekit.benchmark.statistics import Interval
from edgekit.console import quiet_libraries, say
from edgekit.devices.device import BenchPlan
from edgekit.devices.host import Host
from edgekit.files import write_json
from edgekit.images import astronaut
from edgekit.pipeline import ConvertOptions, convert
from edgekit.weights import load_checkpoint

RECIPES = ("fp32", "fp16", "w8", None)  # None: the one planned for the weights


def candidates(size: int, folder: Path) -> dict[str, Path]:
    """Name in the table → artifact; the plain conversion first, because all are set against the first."""
    checkpoint = load_checkpoint(None)
    plain = plain_tflite(checkpoint, size, folder / "plain.tflite")
    made = {"plain litert_torch.convert fp32": plain}
    for kind in ("dynamic", "static"):
        path = folder / f"stock-{kind}.tflite"
        path.write_bytes(stock(plain.read_bytes(), kind, [astronaut().at(size)]))
        made[f"stock {kind} int8 on the plain model"] = path
    options = ConvertOptions(target="tflite", size=size, out=folder / "artifacts")
    for recipe in RECIPES:
        (artifact,) = convert(checkpoint, replace(options, recipe=recipe))
        made[f"edgekit {artifact.manifest.recipe_name}"] = artifact.path
    return made


def rows(report: BenchReport, names: list[str]) -> list[str]:
    """The table in Markdown."""
    columns = (
        "artifact", "p50 ms (95 %)", "p90", "p99", "n", "ratio to the first (99 %)", "load ms", "first ms",
        "peak MB", "partitions", "MB",
    )  # fmt: skip
    head = f"| {' | '.join(columns)} |"
    return [
        head,
        "|---" * len(columns) + "|",
        *(row(n, a) for n, a in zip(names, report.artifacts, strict=True)),
    ]


def row(name: str, a: ArtifactBench) -> str:
    assert a.latency is not None and a.peak_rss_mb is not None
    assert a.load_ms is not None and a.first_inference_ms is not None
    change = a.change_to_first
    ratio = "1" if change is None else f"{change.ratio:.2f}{spread(change.interval, '.2f')}"
    cells = (
        name, f"{a.latency.p50:.1f}{spread(a.latency.p50_ci95, '.1f')}", f"{a.latency.p90:.1f}",
        f"{a.latency.p99:.1f}", a.latency.n, ratio, f"{a.load_ms:.0f}", f"{a.first_inference_ms:.0f}",
        f"{a.peak_rss_mb:.0f}", a.partitions, f"{a.size_bytes / 1e6:.1f}",
    )  # fmt: skip
    return "| " + " | ".join(str(cell) for cell in cells) + " |"


def spread(ends: Interval | None, form: str) -> str:
    return "" if ends is None else f" ({ends.low:{form}}–{ends.high:{form}})"


def main() -> None:
    plain = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=plain)
    parser.add_argument("--runs", type=int, default=60)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--size", type=int, default=512)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    plan = BenchPlan(runs=arguments.runs, seconds=arguments.seconds, threads=arguments.threads)
    with tempfile.TemporaryDirectory() as folder:
        with quiet_libraries():
            made = candidates(arguments.size, Path(folder))
        report = bench(Host(), list(made.values()), plan, say)
    print("\n".join(rows(report, list(made))))
    versions = ", ".join(f"{name} {version}" for name, version in report.tools.items())
    print(
        f"\n`edgekit bench` on {report.device.model}, {os.cpu_count()} cores ({platform.machine()}), "
        f"{plan.threads} threads, input {arguments.size}²; {versions}. {' '.join(report.warnings)}"
    )
    if arguments.out:
        write_json(arguments.out, report_json(report), replace=True)


if __name__ == "__main__":
    main()
