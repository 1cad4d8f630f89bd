"""What rounding costs in mIoU, paired by photo: artifacts against the float network on the same labelled photos.

    python -m benchmarks.rounding --train people/train --eval people/eval [--write] ARTIFACT …

mIoU over a few dozen photos rests on a handful of hats and belts, so a difference of a point may be chance. The
interval is a 95 % percentile bootstrap over photos of the difference itself (both networks on the same resampled
photos). Sets: the evaluation photos; the photos of --train that fine-tuning validates with and never trains on; every
third of those it trains on, float and int8 alike. Whole photos, stretched.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks import harness
from edgekit.artifact import read_artifact, require_weights
from edgekit.console import quiet_libraries, track
from edgekit.images import Picture, images_in, labels_beside, read_image, read_labels
from edgekit.scores.counts import counted as counts_of
from edgekit.scores.metrics import Confusion, bootstrap_interval
from edgekit.scores.runners import Runner, artifact_runner, reference_runner
from edgekit.training.data import Pair, split
from edgekit.weights import load_checkpoint

EVERY = 3  # of the training photos
Counts = NDArray[np.int64]  # (photos, classes, classes): true against predicted class


def main() -> None:
    """Count every network over every set, and publish the figure `rounding`."""
    parser = harness.parser(__doc__)
    parser.add_argument("artifacts", nargs="+", type=Path)
    parser.add_argument("--train", type=Path, required=True, help="the set that was trained on")
    parser.add_argument("--eval", type=Path, required=True, help="labelled photos that were not")
    parser.add_argument(
        "--weights", default=None, help="checkpoint of the artifacts (default: the bundled one)"
    )
    options = parser.parse_args()
    training, validation = split(pairs_in(options.train))
    sets = {
        "evaluation": pairs_in(options.eval),
        "validation": validation,
        f"training, every {EVERY}rd": training[::EVERY],
    }
    rows: list[tuple[str, ...]] = []
    with quiet_libraries():
        for name, pairs in sets.items():
            counts = counted(pairs, options.artifacts, options.weights)
            rows.append(row(name, counts))
    others = [f"{name}: difference, points (95 %)" for name in list(counts)[1:]]
    body = harness.table(("photos", "N", "float mIoU", *others), rows)
    harness.publish(options, "rounding", "N in the table", harness.machine("torch", "ai-edge-litert"), body)


def pairs_in(folder: Path) -> tuple[Pair, ...]:
    """Photos of a set that have labels."""
    found = labels_beside(images_in(folder / "images"), folder / "labels")
    return tuple(Pair(photo, label) for photo, label in found.items())


def counted(pairs: Sequence[Pair], artifacts: Sequence[Path], weights: str | None) -> Mapping[str, Counts]:
    """Every network over the photos; the float one first."""
    checkpoint = load_checkpoint(weights)
    classes = len(checkpoint.class_names)
    runners: dict[str, Runner] = {"float": reference_runner(checkpoint)}
    for artifact in map(read_artifact, artifacts):
        name = f"{artifact.manifest.target} {artifact.manifest.recipe_name}"
        if name in runners:
            raise SystemExit(f"Two artifacts are {name}; compare them in two runs.")
        require_weights(artifact, checkpoint)
        runners[name] = artifact_runner(artifact)
    pictures = (
        Picture(pair.image.name, read_image(pair.image), read_labels(pair.label, classes)) for pair in pairs
    )
    counts = counts_of(runners, track(pictures, len(pairs), "counting"), classes)
    return {
        name: np.stack([confusion.counts for _, confusion in of_photos.photos])
        for name, of_photos in counts.items()
    }


def row(name: str, counts: Mapping[str, Counts]) -> tuple[str, ...]:
    """The table's row of one set: the first network's mIoU, and what the others differ by."""
    reference, *others = counts.values()
    differences = (difference(reference, other) for other in others)
    return (name, str(len(reference)), f"{100 * miou(reference):.2f}", *differences)


def miou(counts: Counts) -> float:
    """mIoU of the counts of all photos together."""
    pooled = Confusion(counts.shape[-1])
    pooled.counts += counts.sum(0)
    return pooled.miou


def difference(reference: Counts, other: Counts) -> str:
    """Difference of the mean IoUs in percentage points, with its interval over photos."""

    def lost(chosen: NDArray[np.int64]) -> float:
        return 100 * (miou(other[chosen]) - miou(reference[chosen]))

    interval = bootstrap_interval(lost, len(other))
    ends = "" if interval is None else f" ({interval[0]:+.2f} … {interval[1]:+.2f})"
    return f"{lost(np.arange(len(other))):+.2f}{ends}"


if __name__ == "__main__":
    main()
