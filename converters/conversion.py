"""Conversion of one checkpoint for one target: checked options, the converter's result, the artifact on disk.

Converting has two phases. `resolve` makes every check that can fail and the caller adds the activation ranges; only
then does `write_artifact` write.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from edgekit import console
from edgekit._version import __version__
from edgekit.artifact import (
    Artifact,
    Manifest,
    TensorSpec,
    check_artifact_place,
    read_artifact,
    staged_artifact,
    write_manifest,
)
from edgekit.errors import ConversionError, UnknownName
from edgekit.files import sha256_of, size_bytes_of
from edgekit.images import FIT_MULTIPLE, InputSize, Shape, preprocessing_of, text_of_shape
from edgekit.model.outputs import OUTPUT_MODES, OutputMode, mask_shape_of
from edgekit.model.stages import pool_problem
from edgekit.recipes import Recipe
from edgekit.targets import Target
from edgekit.weights import GROUP_NAMES, Checkpoint, require_skin

COLOUR = ("red", "green", "blue")
NEEDS = {
    "coreml": "ML Programs",
    "coreai": "Core AI models",
}  # what an Apple target's oldest system is needed for


@dataclass(frozen=True)
class Conversion:
    """One checkpoint at one size with one recipe and one output; checked on construction.

    `mask_shape`: (height, width) of the `groups` and `labels` outputs in pixels ((0, 0): a quarter of the input's).
    `ranges`: (low, high) of the target's float graph by tensor name, for recipes with int8 activations;
    `calibration_sha256`: digest of the photos that gave the ranges.
    """

    checkpoint: Checkpoint
    size: InputSize
    recipe: Recipe
    output: OutputMode = "groups"
    mask_shape: Shape = (0, 0)
    ranges: Mapping[str, tuple[float, float]] | None = None
    calibration_sha256: str | None = None

    def __post_init__(self) -> None:
        if self.output not in OUTPUT_MODES:
            raise UnknownName("output", self.output, OUTPUT_MODES)
        if self.mask_shape == (0, 0):
            object.__setattr__(self, "mask_shape", mask_shape_of(self.size))
        problem = _mask_problem(self.mask_shape, self.size)
        if problem is not None:
            raise ConversionError("convert", "options", problem)
        stride = int(self.checkpoint.config.output_stride)
        problem = pool_problem(self.recipe.pool, *self.size.shape, stride)
        if problem is not None:
            raise ConversionError("convert", "recipe", problem)
        if self.output == "groups":
            require_skin(self.checkpoint.groups, self.checkpoint.class_names, self.checkpoint.folder)

    @property
    def file_stem(self) -> str:
        """`<name>-<size>-<recipe>`, with the output's name when it is not the default."""
        suffix = "" if self.output == "groups" else f"-{self.output}"
        return f"{self.checkpoint.name}-{self.size}-{self.recipe.name}{suffix}"

    @property
    def logits_shape(self) -> Shape:
        stride = int(self.checkpoint.config.output_stride)
        return self.size.height // stride, self.size.width // stride

    def output_spec(self, layout: str, dtype: str, rgba: bool) -> TensorSpec:
        """The output as a spec in `NHWC` or `NCHW`."""
        channels: tuple[str, ...]
        interval: tuple[float, float] | None
        if self.output == "groups":
            channels = (*GROUP_NAMES, "background") if rgba else GROUP_NAMES
            (height, width), interval = self.mask_shape, (0.0, 255.0)
        elif self.output == "labels":
            channels, (height, width) = ("class",), self.mask_shape
            interval = (0.0, float(len(self.checkpoint.class_names) - 1))
        else:
            channels, (height, width), interval = self.checkpoint.class_names, self.logits_shape, None
        count = len(channels)
        shape = (1, height, width, count) if layout == "NHWC" else (1, count, height, width)
        return TensorSpec(self.output, shape, dtype, layout, interval, channels)


def _mask_problem(mask: Shape, size: InputSize) -> str | None:
    """A sentence on a mask that does not fit an input of this size; None if it does."""
    shown = f"`mask_size` {text_of_shape(*mask)}"
    if not all(1 <= side <= most for side, most in zip(mask, size.shape, strict=True)):
        return f"{shown} is not from 1 to the input size {size}."
    if not size.is_square and any(
        side * FIT_MULTIPLE % whole for side, whole in zip(mask, size.shape, strict=True)
    ):
        return (
            f"{shown} does not give every {FIT_MULTIPLE} pixels of the input {size} a whole number of mask pixels, "
            "between which masks of letterboxed photos are cut; leave it out, or divide both sides alike."
        )
    return None


@dataclass(frozen=True)
class Converted:
    """Facts about the written file that only the converter knows.

    `recipe`: the recipe as carried out; it differs from the requested one where the target cannot compute as requested.
    """

    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]
    taps: dict[str, str]
    tools: dict[str, str]
    recipe: Recipe


@dataclass(frozen=True)
class Job:
    """One conversion for one target and the path of its artifact."""

    target: Target
    conversion: Conversion
    path: Path


def resolve(
    target: Target, conversion: Conversion, out: Path, *, minimum_ios: int | None, replace: bool
) -> Job:
    """Check everything that a conversion needs and return the job that writes it into the folder `out`.

    Raises EdgekitError if the target cannot carry it out, the path is taken, or the recipe needs a newer iOS than
    `minimum_ios`.
    """
    target.require_convertible(conversion)
    path = out / f"{conversion.file_stem}{target.suffix}"
    if minimum_ios is not None:
        _check_minimum_ios(target, conversion.recipe, minimum_ios)
    check_artifact_place(path, target, replace=replace)
    return Job(target, conversion, path)


def made_before(target: Target, conversion: Conversion, folder: Path) -> Artifact | None:
    """Return this conversion's artifact from an earlier run in `folder`; None if it is absent or damaged."""
    path = folder / f"{conversion.file_stem}{target.suffix}"
    try:
        artifact = read_artifact(path)
    except ConversionError:
        return None
    manifest = artifact.manifest
    found = (
        manifest.weights_sha256,
        manifest.recipe_name,
        manifest.input_size,
        manifest.outputs[0].height_and_width,
        manifest.tools["edgekit"],
    )
    expected = (
        conversion.checkpoint.sha256,
        conversion.recipe.name,
        conversion.size,
        conversion.mask_shape,
        __version__,
    )
    computed = (
        manifest.recipe.blocks == conversion.recipe.blocks and manifest.recipe.pool == conversion.recipe.pool
    )
    return artifact if found == expected and computed else None


def _check_minimum_ios(target: Target, recipe: Recipe, minimum_ios: int) -> None:
    """Raise ConversionError if `minimum_ios`, the oldest iOS to support, cannot run the recipe."""
    found = re.fullmatch(r"iOS (\d+)", target.minimum_os_for(recipe))
    if found and minimum_ios < int(found[1]):
        advice = (
            "use `recipe` w8 or raise `minimum_ios`"
            if recipe.needs_calibration
            else f"{NEEDS[target.name]} need {found[0]}"
        )
        raise ConversionError(
            target.name, "recipe", f"recipe {recipe.name} needs {found[0]}, not iOS {minimum_ios}; {advice}."
        )


def write_artifact(job: Job, *, replace: bool = False) -> Artifact:
    """Write one artifact and its manifest, whole or not at all.

    The manifest is moved into place first. If the process is killed at any point, no artifact is left without a
    manifest, and `read_artifact` refuses an artifact whose bytes do not match its manifest.
    """
    console.say(f"converting to {job.path.name} …")
    with staged_artifact(job.path, job.target, replace=replace) as temporary, console.quiet_libraries():
        converted = job.target.converted(job.conversion, temporary)
        return write_manifest(job.path, _manifest(job, converted, temporary), replace=replace)


def _manifest(job: Job, converted: Converted, file: Path) -> Manifest:
    conversion, checkpoint = job.conversion, job.conversion.checkpoint
    return Manifest(
        target=job.target.name,
        name=checkpoint.name,
        size=conversion.size.as_json,
        output=conversion.output,
        recipe_name=conversion.recipe.name,
        recipe=converted.recipe,
        inputs=converted.inputs,
        outputs=converted.outputs,
        taps=converted.taps,
        class_names=checkpoint.class_names,
        groups=dict(checkpoint.groups.items()),
        preprocessing=preprocessing_of(conversion.size),
        weights_sha256=checkpoint.sha256,
        calibration_sha256=conversion.calibration_sha256,
        minimum_os=job.target.minimum_os_for(conversion.recipe),
        tools=converted.tools,
        sha256=sha256_of(file),
        size_bytes=size_bytes_of(file),
    )
