"""Accuracy beside latency over input sizes.

python -m benchmarks.size_sweep --images DIR --labels DIR [--sizes 256 384 512] [--recipe fp32] [--write]
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from benchmarks import harness
from benchmarks.models import converted
from edgekit.benchmark.run import bench_on
from edgekit.console import say
from edgekit.devices.device import BenchPlan
from edgekit.devices.host import Host
from edgekit.parity.check import parity_check
from edgekit.weights import load_checkpoint


def main() -> None:
    """Convert at every size, bench, check, and publish the figure `sizes`."""
    parser = harness.parser(__doc__)
    parser.add_argument("--images", type=Path, required=True)
    parser.add_argument("--labels", type=Path, required=True)
    parser.add_argument("--sizes", type=int, nargs="+", default=[256, 384, 512])
    parser.add_argument("--recipe", default="fp32")
    parser.add_argument("--runs", type=int, default=50)
    options = parser.parse_args()
    checkpoint = load_checkpoint()
    with tempfile.TemporaryDirectory() as name:
        made = [
            converted(checkpoint, "tflite", options.recipe, size, Path(name))[1] for size in options.sizes
        ]
        plan = BenchPlan(runs=options.runs, threads=harness.THREADS)
        timed = bench_on(Host(), [artifact.path for artifact in made], plan, say)
        checked = parity_check(made, checkpoint, images=options.images, labels=options.labels)
    rows = []
    for size, time, report in zip(options.sizes, timed.artifacts, checked.artifacts, strict=True):
        assert time.latency is not None
        m = report.metrics
        rows.append(
            (
                f"{size}²", harness.number(time.latency.p50, ".0f"), harness.number(time.latency.p90, ".0f"),
                harness.number(m.miou, ".3f"), harness.number(m.skin_iou, ".3f"),
            )
        )  # fmt: skip
    columns = ("input", "p50 ms", "p90 ms", "mIoU", "skin IoU")
    n = f"{options.recipe}, at least {plan.runs} runs, {checked.artifacts[0].metrics.n} labelled photos"
    made_with = harness.machine("ai-edge-litert", threads=harness.THREADS)
    harness.publish(options, "sizes", n, made_with, harness.table(columns, rows))


if __name__ == "__main__":
    main()
