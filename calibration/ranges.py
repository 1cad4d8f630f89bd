"""Activation ranges: collected from a running float model, saved, compared."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from calibration.dataset import CalibrationSet, calibration_set
from calibration.observers import OBSERVERS, Observer
from converters.conversion import Conversion, Job
from edgekit import console
from edgekit.errors import CalibrationError, UnknownName, printable
from edgekit.files import write_json
from edgekit.reading import JsonKind, read_json, shown
from edgekit.recipes import Pool, Recipe, ranges_path
from edgekit.targets import Target
from edgekit.weights import Checkpoint

RANGES_VERSION = 1
# Clipped logits keep their argmax and lose their differences, which are the group weights: they are never clipped.
UNCLIPPED = "minmax"
STABILITY_BOUND = 0.1  # share of a range's width by which two halves of the pictures may differ
Run = Callable[[NDArray[np.uint8]], Mapping[str, NDArray[np.float32]]]


@dataclass(frozen=True)
class Ranges:
    """(low, high) of every observed tensor of one float graph, with the data and weights that gave them.

    `pool`: the graph's, as in its recipe; a graph that pools has other tensors.
    """

    target: str
    observer: str
    pictures: int
    weights_sha256: str
    calibration_sha256: str
    tensors: Mapping[str, tuple[float, float]]
    version: int = RANGES_VERSION
    pool: Mapping[str, Pool] = field(default_factory=dict)

    def save(self, path: Path, *, replace: bool = False) -> None:
        values = asdict(self)
        if not self.pool:
            del values["pool"]  # as before graphs could pool
        write_json(path, values, replace=replace)


RANGES = JsonKind(Ranges, "a file of activation ranges", version=("version", RANGES_VERSION))


def read_ranges(path: Path) -> Ranges:
    """Read saved ranges.

    Raises CalibrationError if the file is unreadable or of another version, or a range ends below its start.
    """
    ranges = read_json(path, RANGES, CalibrationError)
    for tensor, (low, high) in ranges.tensors.items():
        if low > high:
            raise CalibrationError(
                f"{shown(path)}: the range of {printable(tensor)} ends below its start ({low} to {high})."
            )
    return ranges


def with_ranges(job: Job, calibration: Path | None) -> Job:
    """Add the activation ranges that the job's recipe needs.

    They are observed on the photos in the folder `calibration`; without it, those saved with the checkpoint are used.
    Raises CalibrationError if the recipe has int8 activations and there are neither.
    """
    target, conversion = job.target, job.conversion
    recipe, checkpoint = conversion.recipe, conversion.checkpoint
    if not recipe.needs_calibration:
        return job
    if calibration is None:
        ranges = _kept_ranges(target, checkpoint, recipe)
    else:
        pictures = calibration_set(calibration, checkpoint, conversion.size)
        ranges = observe(target, conversion, pictures, [recipe.observer])[recipe.observer]
    ready = replace(conversion, ranges=ranges.tensors, calibration_sha256=ranges.calibration_sha256)
    return replace(job, conversion=ready)


def _kept_ranges(target: Target, checkpoint: Checkpoint, recipe: Recipe) -> Ranges:
    path = ranges_path(checkpoint.folder, target)
    if path.is_file():
        ranges = read_ranges(path)
        found = (ranges.weights_sha256, ranges.observer, ranges.pool)
        if found == (checkpoint.sha256, recipe.observer, recipe.pool):
            return ranges
    raise CalibrationError(
        f"Recipe {recipe.name} has int8 activations, and no ranges for it on {target.name} are saved with these "
        "weights; pass `calibration`, a folder of photos like those the app will get."
    )


def observe(
    target: Target, conversion: Conversion, pictures: CalibrationSet, observers: Sequence[str]
) -> dict[str, Ranges]:
    """Run the target's float graph over a calibration set; returns observer name to ranges."""
    console.say(f"observing {len(pictures.images)} calibration pictures …")
    with tempfile.TemporaryDirectory() as folder, console.quiet_libraries():
        run = target.observable(conversion, Path(folder))
        images = console.track(pictures.images, len(pictures.images), "observing")
        collected = collect_ranges(run, images, {*observers, UNCLIPPED})
    for tensors in collected.values():
        for name in tensors.keys() & set(target.logits_names):
            tensors[name] = collected[UNCLIPPED][name]
    weights, pool = conversion.checkpoint.sha256, conversion.recipe.pool
    return {
        name: Ranges(target.name, name, len(pictures.images), weights, pictures.sha256, tensors, pool=pool)
        for name, tensors in collected.items()
        if name in observers
    }


def collect_ranges(
    run: Run, images: Iterable[NDArray[np.uint8]], observers: Iterable[str]
) -> dict[str, dict[str, tuple[float, float]]]:
    """Run every image once and return observer name to tensor name to (low, high).

    run: (H, W, 3) uint8 to named float tensors. Raises UnknownName for an unknown observer, CalibrationError for
    a tensor that is not finite.
    """
    names = tuple(observers)
    for name in names:
        if name not in OBSERVERS:
            raise UnknownName("observer", name, OBSERVERS)
    watched: dict[str, dict[str, Observer]] = {name: {} for name in names}
    for image in images:
        for tensor, values in run(image).items():
            if not np.isfinite(values).all():
                raise CalibrationError(f"Tensor {tensor} is not finite on a calibration picture.")
            for name in names:
                if tensor not in watched[name]:
                    watched[name][tensor] = OBSERVERS[name]()
                watched[name][tensor].update(values)
    return {name: {tensor: o.range() for tensor, o in tensors.items()} for name, tensors in watched.items()}


def unstable_share(
    first: Mapping[str, tuple[float, float]], second: Mapping[str, tuple[float, float]]
) -> float:
    """Share of tensors whose limits differ by more than `STABILITY_BOUND` of their width between two halves."""
    moved = 0
    for tensor, (low, high) in first.items():
        other_low, other_high = second[tensor]
        width = max(high, other_high) - min(low, other_low)
        moved += max(abs(low - other_low), abs(high - other_high)) > STABILITY_BOUND * width
    return moved / len(first) if first else 0.0
