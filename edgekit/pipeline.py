"""The story: weights → recipe → artifacts → bundle.

Each function composes stages that live elsewhere; this file owns nothing. What it offers is also the public API
(`import edgekit`), together with the stages that stand alone: `parity_check`, `evaluate`, `bench`, `describe`, `style`.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from math import inf
from pathlib import Path

from calibration.planner import Plan as Plan
from calibration.planning import Bounds as Bounds
from calibration.planning import Task, planned
from calibration.ranges import with_ranges
from converters.conversion import Conversion, made_before, resolve, write_artifact
from edgekit import console
from edgekit.artifact import Artifact, read_artifact
from edgekit.bundles.building import BuiltBundle, build_bundle, check_refinement
from edgekit.bundles.reading import BUNDLE
from edgekit.bundles.writing import DEFAULT_STYLES
from edgekit.errors import EdgekitError
from edgekit.files import check_folder_place
from edgekit.images import InputSize, Size, shape_from_text
from edgekit.model.outputs import OutputMode
from edgekit.parity.half_precision import half_precision_warning
from edgekit.recipes import Recipe, recipe_for, recipes_for_bundle
from edgekit.shader.modes import DEFAULT_REFINEMENT
from edgekit.targets import ALL, target_named, targets_named
from edgekit.weights import Checkpoint

AUTO = "auto"  # plan a recipe now


def convert(
    checkpoint: Checkpoint,
    target: str = ALL,
    *,
    size: Size | None = None,
    recipe: Recipe | str | Path | None = None,
    output: OutputMode = "groups",
    mask_size: int | str = 0,
    calibration: Path | None = None,
    minimum_ios: int | None = None,
    out: Path = Path("artifacts"),
    force: bool = False,
) -> list[Artifact]:
    """Convert a checkpoint: one artifact per target, each with its manifest beside it, written into the folder `out`.

    `target`: coreml, tflite, coreai, or all: the first two. `size`: the input in pixels, a square by its side (512) or
    rows x columns ("512x384"), multiples of 64 from 128 to 1024; by default the checkpoint's own. `recipe`: fp32, fp16,
    w8, w8a8, a planned .json, a `Recipe`, or auto to plan one now; by default the one kept with the weights, else the
    target's. `output`: groups, labels or logits; `mask_size`: its size, written as the input's (a quarter of it).
    `calibration`: a folder of photos for int8 activation ranges. `minimum_ios`: the oldest iOS to serve.

    Everything is checked before anything is written. Raises WeightsError (no skin class), UnknownName, CalibrationError
    (no ranges), ConversionError, EdgekitError (an artifact is there and `force` is not given).
    """
    mask_shape = shape_from_text("mask_size", str(mask_size))
    if recipe == AUTO:
        if calibration is None:
            raise EdgekitError("`recipe` auto needs `calibration`: photos to plan with.")
        recipe = plan(checkpoint, calibration, size=size).recipe
    targets = targets_named(target)
    if minimum_ios is not None and not any(each.apple for each in targets):
        raise EdgekitError(f"`minimum_ios` says nothing about `target` {target}; leave it out.")
    jobs = []
    for each in targets:
        chosen = recipe if isinstance(recipe, Recipe) else recipe_for(each, checkpoint.folder, recipe)
        conversion = Conversion(checkpoint, _size_of(checkpoint, size), chosen, output, mask_shape)
        jobs.append(resolve(each, conversion, out, minimum_ios=minimum_ios, replace=force))
    ready = [with_ranges(job, calibration) for job in jobs]
    made: list[Artifact] = []
    with console.interruptible(
        lambda: f"{len(made)} of {len(ready)} artifacts are finished and kept in {out}."
    ):
        for job in ready:
            made.append(write_artifact(job, replace=force))
            if warning := half_precision_warning(made[-1]):
                console.say(f"note: {warning}")
    return made


def plan(
    checkpoint: Checkpoint,
    calibration: Path,
    target: str = "tflite",
    *,
    size: Size | None = None,
    labels: Path | None = None,
    evaluation: Path | None = None,
    bounds: Bounds | None = None,
    journal: Path | None = None,
    fresh: bool = False,
    name: str = "planned",
    budget_seconds: float = inf,
) -> Plan:
    """Find the fastest int8 recipe inside accuracy bounds, measured on this machine with photos of `calibration`.

    `labels`: a folder of label PNGs of those photos. `evaluation`: photos that must not be among them. `bounds`:
    parity's for int8 where none is stated. `journal`: a file of measured points, from which an interrupted plan, or one
    with other bounds, goes on; with `fresh` everything is measured anew and the file replaced.
    `budget_seconds`: of the search, after which the cheapest recipe found so far is the result.

    Raises CalibrationError: no usable photo, an overlap with `evaluation`, a journal of other data, bounds that not
    even the float model keeps.
    """
    bounds = bounds or Bounds()
    if labels is None and bounds.max_miou_drop is not None:
        raise EdgekitError("`max_miou_drop` needs `labels`: true labels of the calibration photos.")
    chosen, size = target_named(target), _size_of(checkpoint, size)
    task = Task(chosen, size, calibration, labels, evaluation, journal, fresh, budget_seconds)
    return planned(checkpoint, task, bounds, Recipe(name).name)


def bundle(
    checkpoint: Checkpoint,
    artifacts: Sequence[Path] = (),
    *,
    target: str = ALL,
    styles: Sequence[str] = DEFAULT_STYLES,
    default_style: str | None = None,
    refinement: str = DEFAULT_REFINEMENT,
    out: Path = Path("bundle"),
    reuse: Path | None = None,
    force: bool = False,
) -> BuiltBundle:
    """Write the folder that an app reads: artifacts, styles as shaders, a golden picture; check each artifact on it.

    Without `artifacts` the checkpoint is converted for `target` first, for TFLite also in fp16 for GPUs; what the
    folder `reuse` holds of that is taken from there. `refinement`: bilinear or joint-bilateral. Raises BundleError for
    artifacts or styles that do not go together and for a refinement that no app draws, ConversionError for artifacts of
    other weights, EdgekitError for a folder in the way.
    """
    check_refinement(refinement)
    check_folder_place(out, BUNDLE, replace=force, inputs=(*artifacts, checkpoint.folder))
    with tempfile.TemporaryDirectory() as temporary:
        found = [read_artifact(path) for path in artifacts]
        for each, recipe in recipes_for_bundle(() if artifacts else targets_named(target), checkpoint.folder):
            conversion = Conversion(checkpoint, _size_of(checkpoint), recipe)
            kept = None if reuse is None else made_before(each, conversion, reuse)
            if kept:
                console.say(f"taking {kept.path}, which was converted before")
            found += [kept] if kept else convert(checkpoint, each.name, recipe=recipe, out=Path(temporary))
        first = default_style or styles[0]
        return build_bundle(checkpoint, found, styles, first, refinement, out, replace=force)


def _size_of(checkpoint: Checkpoint, size: Size | None = None) -> InputSize:
    """The size that was asked for, or the checkpoint's own."""
    return InputSize.of(checkpoint.size_default if size is None else size)
