"""What rounding costs in mIoU, paired by photo: artifacts against the float network on the same labelled photos.

    python -m benchmarks.rounding --train people/train --eval people/eval [--write] ARTIFACT …

mIoU over a few dozen photos rests on a handful of hats and belts, so a difference of a point may be chance. The
interval is a 95 % bootstrap over photos of the difference itself (both networks on the same resampled
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
from edgekit.scores.metrics import Confusion
from edgekit.scores.pixels import PixelCounts, class_pixels, mean_iou
from edgekit.scores.resamples import interval_of
from edgekit.scores.runners import Runner, artifact_runner, predictions, reference_runner
from edgekit.training.data import Pair, split
from edgekit.weights import load_checkpoint

EVERY = 3  # of the training photos


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


def counted(
    pairs: Sequence[Pair], artifacts: Sequence[Path], weights: str | None
) -> Mapping[str, PixelCounts]:
    """Every network over the photos; the float one first."""
    checkpoint = load_checkpoint(weights)
    names = tuple(checkpoint.class_names)
    runners: dict[str, Runner] = {"float": reference_runner(checkpoint)}
    for artifact in map(read_artifact, artifacts):
        name = f"{artifact.manifest.target} {artifact.manifest.recipe_name}"
        if name in runners:
            raise SystemExit(f"Two artifacts are {name}; compare them in two runs.")
        require_weights(artifact, checkpoint)
        runners[name] = artifact_runner(artifact)
    pictures = (
        Picture(pair.image.name, read_image(pair.image), read_labels(pair.label, len(names)))
        for pair in pairs
    )
    counts = {name: PixelCounts.empty(names) for name in runners}
    for picture, found in predictions(runners, track(pictures, len(pairs), "counting")):
        assert picture.labels is not None  # read above
        for name, prediction in found.items():
            confusion = Confusion(len(names))
            confusion.add(picture.labels, prediction.labels(picture.labels.shape))
            counts[name].add(picture.name, class_pixels(confusion, names))
    return counts


def row(name: str, counts: Mapping[str, PixelCounts]) -> tuple[str, ...]:
    """The table's row of one set: the first network's mIoU, and what the others differ by."""
    reference, *others = counts.values()
    differences = (difference(reference, other) for other in others)
    return (name, str(len(reference)), f"{mious(reference)[0]:.2f}", *differences)


def mious(counts: PixelCounts) -> NDArray[np.float64]:
    """mIoU in per cent, (1 + RESAMPLES,): of all photos together, and of every resample of them."""
    return 100 * mean_iou(counts.resamples.totals)


def difference(reference: PixelCounts, other: PixelCounts) -> str:
    """Difference of the mean IoUs in percentage points, with its interval over photos."""
    lost = mious(other) - mious(reference)
    interval = interval_of(lost[1:], len(other))
    ends = "" if interval is None else f" ({interval[0]:+.2f} … {interval[1]:+.2f})"
    return f"{lost[0]:+.2f}{ends}"


if __name__ == "__main__":
    main()
