"""Artifacts for tests: the one place that knows how a checkpoint becomes one."""

from __future__ import annotations

from pathlib import Path

from calibration.ranges import with_ranges
from converters.conversion import Conversion, resolve, write_artifact
from edgekit.artifact import Artifact, read_artifact
from edgekit.images import InputSize, Size
from edgekit.model.outputs import OutputMode
from edgekit.recipes import Recipe, recipe_named
from edgekit.targets import TARGETS
from edgekit.weights import Checkpoint
from tests.support.checkpoints import SIDE


def conversion_of(
    checkpoint: Checkpoint, recipe: str | Recipe, output: OutputMode = "groups", size: Size = SIDE
) -> Conversion:
    """A conversion at the smallest size."""
    chosen = recipe_named(recipe) if isinstance(recipe, str) else recipe
    return Conversion(checkpoint, InputSize.of(size), chosen, output)


def converted(
    checkpoint: Checkpoint,
    target: str,
    recipe: str | Recipe,
    folder: Path,
    output: OutputMode = "groups",
    size: Size = SIDE,
    calibration: Path | None = None,
) -> Artifact:
    """An artifact in `folder`, its ranges taken from photos where the recipe needs some."""
    conversion = conversion_of(checkpoint, recipe, output, size)
    job = resolve(TARGETS[target], conversion, folder, minimum_ios=None, replace=False)
    return write_artifact(with_ranges(job, calibration))


def float_artifacts(checkpoint: Checkpoint, folder: Path) -> dict[str, Artifact]:
    """A float artifact of every target, by target; those that are in `folder` already are taken."""
    recipes = {"tflite": "fp32", "coreml": "fp16"}
    kept = {target: next(folder.glob(f"*{TARGETS[target].suffix}"), None) for target in recipes}
    return {
        target: converted(checkpoint, target, recipes[target], folder)
        if path is None
        else read_artifact(path)
        for target, path in kept.items()
    }
