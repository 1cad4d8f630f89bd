"""What rounding costs in mIoU, photo by photo: artifacts against the float network on the same labelled photos.

    python -m benchmarks.rounding --train people/train --eval people/eval ARTIFACT …

mIoU over a few dozen photos rests on a handful of hats and belts, so a difference of a point may be chance. The
interval is a 95 % percentile bootstrap over photos of the difference itself (both networks on the same resampled
photos). Sets: the evaluation photos; the photos of --train that fine-tuning validates with, which no training has
seen; every third of those it trains on, which float and int8 have seen alike. Whole photos, stretched.
"""

from __future__ import annotations

import argparse
import os
import platform
from collections.abc import Mapping, Sequence
from importlib import metadata
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edgekit.artifact import read_artifact
from edgekit.console import quiet_libraries, track
from edgekit.images import Picture, images_in, labels_beside, read_image, read_labels
from edgekit.parity.compare import require_weights
from edgekit.scores.counts import counted as counts_of
from edgekit.scores.metrics import Confusion, bootstrap_interval
from edgekit.scores.runners import Runner, artifact_runner, reference_runner
from edgekit.training.data import Pair, split
from edgekit.weights import load_checkpoint

EVERY = 3  # of the training photos
Counts = NDArray[np.int64]  # (photos, classes, classes): true against predicted class


def main() -> None:
    """Print one row per set and artifact, in markdown."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.rounding", description=__doc__.split("\n")[0])
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
    print(
        f"`python -m benchmarks.rounding`: {os.cpu_count()} cores ({platform.machine()}); "
        + ", ".join(f"{name} {metadata.version(name)}" for name in ("torch", "ai-edge-litert"))
    )
    print(
        "\n| photos | N | network | mIoU | difference, points (95 %) | common mIoU | difference, points (95 %) |"
    )
    print("|---|---|---|---|---|---|---|")
    for name, pairs in sets.items():
        with quiet_libraries():
            counts = counted(pairs, options.artifacts, options.weights)
        for row in rows(name, counts):
            print(row, flush=True)


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


def rows(name: str, counts: Mapping[str, Counts]) -> list[str]:
    """The table's rows of one set; the first network is the one that the others are compared with."""
    first = next(iter(counts))
    lines = []
    for network, own in counts.items():
        cells = [name, str(len(own)), network]
        for common in (False, True):
            cells.append(f"{100 * score(own, common):.2f}")
            cells.append("" if network == first else difference(counts[first], own, common))
        lines.append("| " + " | ".join(cells) + " |")
    return lines


def score(counts: Counts, common: bool) -> float:
    """mIoU of pooled counts, over all classes or the common ones."""
    pooled = Confusion(counts.shape[-1])
    pooled.counts += counts.sum(0)
    return pooled.common_miou if common else pooled.miou


def difference(reference: Counts, other: Counts, common: bool) -> str:
    """Of the mean IoUs, in points, with its interval over photos."""

    def lost(chosen: NDArray[np.int64]) -> float:
        return 100 * (score(other[chosen], common) - score(reference[chosen], common))

    interval = bootstrap_interval(lost, len(other))
    told = "" if interval is None else f" ({interval[0]:+.2f} … {interval[1]:+.2f})"
    return f"{lost(np.arange(len(other))):+.2f}{told}"


if __name__ == "__main__":
    main()
