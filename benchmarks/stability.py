"""How much more a mask flickers after conversion: `parity-check --stability` for the recipes of the bundled weights.

python -m benchmarks.stability --images DIR [--write]
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from benchmarks import harness
from benchmarks.models import PLANNED, converted
from edgekit.console import quiet_libraries
from edgekit.images import Folder
from edgekit.parity.check import parity_check
from edgekit.parity.report import Stability
from edgekit.parity.stability import chosen
from edgekit.weights import load_checkpoint

ARTIFACTS: tuple[tuple[str, str | None], ...] = (
    ("tflite", "fp32"), ("tflite", PLANNED), ("tflite", "w8a8"),
)  # fmt: skip


def main() -> None:
    """Convert, measure on the photos that `--stability` would choose, and publish the figure `stability`."""
    parser = harness.parser(__doc__)
    parser.add_argument("--images", type=Path, required=True)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, quiet_libraries():
        checkpoint = load_checkpoint()
        size, photos = checkpoint.size_default, Path(name) / "photos"
        photos.mkdir()
        for photo in chosen(Folder(options.images, None, len(checkpoint.class_names)).names):
            (photos / photo).symlink_to((options.images / photo).resolve())
        made = dict(converted(checkpoint, *pair, size, Path(name) / "artifacts") for pair in ARTIFACTS)
        report = parity_check(list(made.values()), checkpoint, images=photos, stability=True)
    found = {label: each.stability for label, each in zip(made, report.artifacts, strict=True)}
    measured = {label: stability for label, stability in found.items() if stability is not None}
    changes = [row.change for row in next(iter(measured.values())).changes]
    body = harness.table(
        ("model", *changes, "all", "beyond PyTorch's"),
        [
            reference_row(next(iter(measured.values()))),
            *(row(label, stability) for label, stability in measured.items()),
        ],
    )
    n = f"share of pixels whose label changes although nothing moved; {report.pictures} pictures at {size}²"
    harness.publish(options, "stability", n, harness.machine("torch", "ai-edge-litert"), body)


def reference_row(stability: Stability) -> tuple[str, ...]:
    """PyTorch's own flicker by change, and over all."""
    shares = (*(row.flicker_reference for row in stability.changes), stability.flicker_reference)
    return ("PyTorch eager fp32 (the reference)", *(f"{share:.2%}" for share in shares), "")


def row(label: str, stability: Stability) -> tuple[str, ...]:
    """An artifact's flicker by change, over all, and its excess with the interval over photos."""
    shares = (*(row.flicker for row in stability.changes), stability.flicker)
    excess = f"{stability.excess:.3%}" + harness.spread(stability.excess_ci95, ".3%")
    return (label, *(f"{share:.2%}" for share in shares), excess)


if __name__ == "__main__":
    main()
