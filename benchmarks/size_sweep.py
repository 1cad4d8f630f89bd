"""Accuracy beside latency over input sizes: which size can a phone afford, and what does it cost?

    python -m benchmarks.size_sweep [--sizes 256 384 512] [--recipe fp32] [--runs 50]
        [--data DIR] [--out FILE.json]

Measured by default on ../shared/data/people/eval (photos with labels), this machine's CPU, 2 threads.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path

from edgekit import console, pipeline
from edgekit.benchmark.run import bench
from edgekit.devices.device import BenchPlan
from edgekit.devices.host import Host
from edgekit.files import write_json
from edgekit.weights import load_checkpoint

EVAL = Path(__file__).parents[2] / "shared/data/people/eval"
THREADS = 2


@dataclass(frozen=True)
class SweepRow:
    """One input size."""

    size: int
    p50_ms: float | None
    p90_ms: float | None
    n: int
    miou: float | None
    skin_iou: float | None
    label_agreement: float
    pictures: int


def sweep(sizes: list[int], recipe: str, plan: BenchPlan, data: Path, folder: Path) -> list[SweepRow]:
    checkpoint = load_checkpoint(None)
    artifacts = []
    for size in sizes:
        options = pipeline.ConvertOptions("tflite", size, recipe, "logits", out=folder)
        artifacts += pipeline.convert(checkpoint, options)
    timed = bench(Host(), [a.path for a in artifacts], plan, console.say)
    parity = pipeline.check(artifacts, checkpoint, data / "images", data / "labels")
    rows = []
    for size, row, report in zip(sizes, timed.artifacts, parity.artifacts, strict=True):
        assert row.latency is not None
        m = report.metrics
        rows.append(
            SweepRow(
                size,
                row.latency.p50,
                row.latency.p90,
                row.latency.n,
                m.miou,
                m.skin_iou,
                m.label_agreement,
                m.n,
            )
        )
    return rows


def main() -> None:
    plain = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=plain)
    parser.add_argument("--sizes", type=int, nargs="+", default=[256, 384, 512])
    parser.add_argument("--recipe", default="fp32")
    parser.add_argument("--runs", type=int, default=50)
    parser.add_argument("--data", type=Path, default=EVAL, help="folder with images/ and labels/")
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    plan = BenchPlan(runs=arguments.runs, threads=THREADS)
    with tempfile.TemporaryDirectory() as folder:
        rows = sweep(arguments.sizes, arguments.recipe, plan, arguments.data, Path(folder))
    print(
        "| input | p50 ms | p90 ms | mIoU | skin IoU | labels as PyTorch | photos |\n|---|---|---|---|---|---|---|"
    )
    for r in rows:
        print(
            f"| {r.size}² | {r.p50_ms:.0f} | {r.p90_ms:.0f} | {r.miou:.4f} | {r.skin_iou:.4f} "
            f"| {r.label_agreement:.4%} | {r.pictures} |"
        )
    print(f"{os.cpu_count()} cores, {THREADS} threads, recipe {arguments.recipe}")
    if arguments.out:
        write_json(arguments.out, [asdict(row) for row in rows], replace=True)


if __name__ == "__main__":
    main()
