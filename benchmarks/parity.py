"""What `edgekit parity-check` finds for every recipe of the bundled weights, and how long it takes.

    python -m benchmarks.parity --images DIR --labels DIR --calibration DIR [--report PAGE.html] [--write]

The last row is the Hugging Face model as the stock quantiser makes it, calibrated on photos of the third folder.
"""

from __future__ import annotations

import resource
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

from benchmarks import harness
from benchmarks.models import STOCK_PHOTOS, converted, stock_artifact
from benchmarks.plan import PLANNED
from calibration.dataset import read_calibration_set, sha256_of_images
from edgekit.console import quiet_libraries
from edgekit.parity.check import parity_check
from edgekit.parity.pictures import worst_compared
from edgekit.parity.report import ArtifactReport, Status
from edgekit.parity.written import write_report
from edgekit.weights import load_checkpoint

ARTIFACTS: tuple[tuple[str, str | Path], ...] = (
    ("tflite", "fp32"), ("tflite", PLANNED), ("tflite", "w8a8"),
    ("coreml", "fp16"), ("coreml", "w8"), ("coreml", "w8a8"),
)  # fmt: skip
COLUMNS = ("artifact", "max abs Δ logit", "equal labels", "skin ΔE2000 p95", "mIoU", "PyTorch's", "verdict")
KIB_PER_GIB = 1 << 20


def main() -> None:
    """Convert, check, and publish the figure `parity`."""
    parser = harness.parser(__doc__)
    parser.add_argument("--images", type=Path, required=True)
    parser.add_argument("--labels", type=Path, required=True)
    parser.add_argument("--calibration", type=Path, required=True, help="photos for the stock quantiser")
    parser.add_argument("--report", type=Path, help="write the page here too")
    options = parser.parse_args()
    checkpoint = load_checkpoint()
    with tempfile.TemporaryDirectory() as name, quiet_libraries():
        # In a process of its own, for the converters take more memory than the comparison that is measured.
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
            made = pool.submit(artifacts, options.calibration, options.images, Path(name)).result()
        start = time.monotonic()
        report = parity_check(list(made.values()), checkpoint, images=options.images, labels=options.labels)
        minutes = (time.monotonic() - start) / 60
        if options.report is not None:
            drawn = worst_compared(report, checkpoint, options.images)
            write_report(report, options.report, pictures=drawn, replace=True)
    peak_gib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / KIB_PER_GIB
    rows = [row(label, found) for label, found in zip(made, report.artifacts, strict=True)]
    n = (
        f"{report.pictures} pictures at {checkpoint.size_default}² with {len(rows)} artifacts, compared in "
        f"{minutes:.1f} minutes and {peak_gib:.1f} GiB"
    )
    made_with = harness.machine("torch", "ai-edge-litert", "coremltools")
    harness.publish(options, "parity", n, made_with, harness.table(COLUMNS, rows))


def artifacts(calibration: Path, images: Path, folder: Path) -> dict[str, Path]:
    """Every artifact in `folder` by its name in the table. images: photos that the stock quantiser must not see."""
    checkpoint = load_checkpoint()
    size = checkpoint.size_default
    with quiet_libraries():
        made = dict(converted(checkpoint, *pair, size, folder) for pair in ARTIFACTS)
        photos = read_calibration_set(
            calibration, size, limit=STOCK_PHOTOS, forbidden=sha256_of_images(images)
        ).images
        made["stock static int8 of the Hugging Face model"] = stock_artifact(checkpoint, size, photos, folder)
    return {label: artifact.path for label, artifact in made.items()}


def row(label: str, report: ArtifactReport) -> tuple[str, ...]:
    """One artifact's cells; the verdict names the gates that decided it."""
    m = report.metrics
    failed = [c.name for c in report.checks if c.status in (Status.FAILED, Status.UNDECIDED)]
    return (
        label,
        f"{m.max_abs_logit:.2g}",
        f"{m.label_agreement:.2%}" + harness.spread(m.label_agreement_ci95, ".2%"),
        harness.number(m.skin_delta_e00_p95, ".2f") + harness.spread(m.skin_delta_e00_p95_ci95, ".2f"),
        harness.number(m.miou, ".3f"),
        harness.number(m.miou_reference, ".3f"),
        f"{report.status}: {', '.join(failed)}" if failed else str(report.status),
    )


if __name__ == "__main__":
    main()
