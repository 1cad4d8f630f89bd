"""An artifact: a converted model on disk and the manifest beside it that says everything an app must know."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from functools import partial
from importlib import metadata
from pathlib import Path
from typing import Annotated, Literal

from msgspec import Meta

from edgekit._version import __version__
from edgekit.errors import ConversionError, EdgekitError, printable
from edgekit.files import (
    FolderKind,
    check_file_place,
    check_folder_place,
    first_that_is_no_file,
    sha256_of,
    size_bytes_of,
    staged_file,
    staged_folder,
    write_json,
)
from edgekit.images import InputSize, Shape, preprocessing_of
from edgekit.reading import Count, JsonKind, Sha256, Text, check_regular_file, read_json, shown
from edgekit.recipes import RECIPE_VERSION, Recipe
from edgekit.targets import TARGETS, Target
from edgekit.weights import Checkpoint

SCHEMA_VERSION = 1
MOST_ARTIFACT_BYTES = 1 << 30  # forty times the largest that edgekit's own weights give


Side = Annotated[int, Meta(ge=1, le=1 << 16)]
InputSide = Annotated[int, Meta(ge=128, le=1024, multiple_of=64)]
FrameText = Annotated[str, Meta(pattern=r"^[0-9]{3,4}x[0-9]{3,4}\Z")]


@dataclass(frozen=True)
class TensorSpec:
    """One input or output as the runtime sees it.

    `layout` names the axes of `shape`; `range` is that of the stored values; `channels` names the last (or
    only) channel axis in order: colour components, groups or classes.
    """

    name: Text
    shape: Annotated[tuple[Side, ...], Meta(min_length=4, max_length=4)]
    dtype: Annotated[str, Meta(pattern=r"^(uint8|float16|float32)\Z")]
    layout: Annotated[str, Meta(pattern=r"^(NHWC|NCHW)\Z")]
    range: tuple[float, float] | None
    channels: Annotated[tuple[Text, ...], Meta(min_length=1)]

    @property
    def height_and_width(self) -> Shape:
        return self.shape[self.layout.index("H")], self.shape[self.layout.index("W")]


@dataclass(frozen=True)
class Manifest:
    """What is written beside an artifact. `taps` maps a stage of the model to a tensor name in the file.

    `size`: the side of a square input, or the text of any other, as 512x384; `input_size` is either.
    """

    target: Text
    name: Text
    size: InputSide | FrameText
    output: Literal["groups", "labels", "logits"]
    recipe_name: Text
    recipe: Recipe
    inputs: Annotated[tuple[TensorSpec, ...], Meta(min_length=1)]
    outputs: Annotated[tuple[TensorSpec, ...], Meta(min_length=1)]
    taps: Mapping[str, Text]
    class_names: Annotated[tuple[Text, ...], Meta(min_length=1)]
    groups: Mapping[Text, tuple[Count, ...]]
    preprocessing: Text
    weights_sha256: Sha256
    calibration_sha256: Sha256 | None
    minimum_os: Text
    tools: Mapping[Text, Text]
    sha256: Sha256
    size_bytes: Annotated[int, Meta(ge=0, le=MOST_ARTIFACT_BYTES)]
    schema_version: int = SCHEMA_VERSION

    @property
    def input_size(self) -> InputSize:
        return InputSize.of(self.size)


MANIFEST = JsonKind(
    Manifest,
    "an edgekit manifest",
    version=("schema_version", SCHEMA_VERSION),
    advice="convert the model again",
)


@dataclass(frozen=True)
class Artifact:
    """A model file (or package folder) whose bytes match its manifest."""

    path: Path
    manifest: Manifest

    @property
    def manifest_path(self) -> Path:
        return manifest_path_of(self.path)


def manifest_path_of(path: Path) -> Path:
    """`parser-512-fp16.tflite` has its manifest in `parser-512-fp16.tflite.json`."""
    return path.with_name(path.name + ".json")


def tool_versions(*packages: str) -> dict[str, str]:
    """Versions of edgekit and the packages that shaped an artifact."""
    return {"edgekit": __version__, **{name: metadata.version(name) for name in packages}}


def _package_of(target: Target) -> FolderKind:
    """The folders that a target's artifacts are; the index of one is the manifest beside it."""

    def contents(folder: Path) -> tuple[str, ...] | None:
        try:
            _read_manifest(manifest_path_of(folder), target.name)
        except ConversionError:
            return None
        return target.files

    return FolderKind(f"a {target.title} package", contents)


def check_artifact_place(path: Path, target: Target, *, replace: bool) -> None:
    """EdgekitError unless an artifact of `target` and its manifest may be written at `path`."""
    if target.is_folder:
        check_folder_place(path, _package_of(target), replace=replace)
    else:
        check_file_place(path, replace=replace)
    check_file_place(manifest_path_of(path), replace=replace)


def staged_artifact(path: Path, target: Target, *, replace: bool) -> AbstractContextManager[Path]:
    """`staged_folder` for a package, `staged_file` for the others."""
    return (
        staged_folder(path, _package_of(target), replace=replace)
        if target.is_folder
        else staged_file(path, replace=replace)
    )


def write_manifest(path: Path, manifest: Manifest, *, replace: bool = False) -> Artifact:
    values = {**asdict(manifest), "recipe": manifest.recipe.to_json()}
    write_json(manifest_path_of(path), values, replace=replace)
    return Artifact(path, manifest)


def read_artifact(path: Path) -> Artifact:
    """An artifact checked against its manifest.

    Raises ConversionError: no such file, no manifest, an unknown schema version, bytes that do not match.
    """
    path = Path(path)
    target = next((target for target in TARGETS.values() if path.suffix == target.suffix), None)
    if target is None:
        known = " or ".join(target.suffix for target in TARGETS.values())
        raise ConversionError("artifact", "read", f"{shown(path)} is not a {known} file.")
    refused = partial(ConversionError, target.name, "read")
    if not target.is_folder:
        check_regular_file(path, MOST_ARTIFACT_BYTES, refused)
    elif not _is_folder_there(path):
        raise refused(f"{shown(path)} is not a folder; a {target.title} package is one.")
    elif (odd := first_that_is_no_file(path)) is not None:
        raise refused(
            f"{shown(odd)} is a link, a pipe or a device; a {target.title} package holds files only."
        )
    manifest = _read_manifest(manifest_path_of(path), target.name)
    # The size first: what is hashed is then no larger than the manifest says.
    if size_bytes_of(path) != manifest.size_bytes or sha256_of(path) != manifest.sha256:
        raise refused(
            f"{shown(path)} does not match the sha256 in its manifest: it was changed or is incomplete."
        )
    return Artifact(path, manifest)


def _is_folder_there(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:  # a name that is too long
        return False


def _read_manifest(path: Path, target: str) -> Manifest:
    refused = partial(ConversionError, target, "manifest")
    manifest = read_json(path, MANIFEST, refused)
    problem = _contradiction(manifest, target)
    if problem is not None:
        raise refused(f"{shown(path)} is not {MANIFEST.name} ({problem}); {MANIFEST.advice}.")
    return manifest


def _contradiction(manifest: Manifest, target: str) -> str | None:
    """What no single field shows: a manifest of another target, upside-down ranges, groups of no class."""
    if manifest.recipe.version != RECIPE_VERSION:
        return f"its recipe has version {manifest.recipe.version}; this edgekit reads {RECIPE_VERSION}"
    if manifest.target != target:
        return f"it is of the target {printable(manifest.target, 40)!r}, and the file is of {target!r}"
    if (problem := _size_problem(manifest)) is not None:
        return problem
    if manifest.output not in [spec.name for spec in manifest.outputs]:
        return f"its output {printable(manifest.output, 40)!r} is none of its outputs"
    for spec in (*manifest.inputs, *manifest.outputs):
        if spec.range is not None and spec.range[0] > spec.range[1]:
            return f"the range of {printable(spec.name, 40)!r} ends below its start"
    if any(index >= len(manifest.class_names) for group in manifest.groups.values() for index in group):
        return "a group has a class that class_names has not"
    return None


def _size_problem(manifest: Manifest) -> str | None:
    """What contradicts the size: it is none for a network, not the input's own, or photos are fitted otherwise."""
    try:
        size = manifest.input_size
    except EdgekitError as error:
        return str(error).rstrip(".")
    image = manifest.inputs[0]
    if image.height_and_width != size.shape:
        return f"its size is {size}, and its input {printable(image.name, 40)!r} has the shape {image.shape}"
    if not size.is_square and manifest.preprocessing != preprocessing_of(size):
        return (
            f"it fits photos by {printable(manifest.preprocessing, 60)!r}, and this edgekit by "
            f"{preprocessing_of(size)!r} for this size"
        )
    return None


def artifacts_at(paths: Sequence[Path], default: Path = Path("artifacts")) -> list[Artifact]:
    """The artifacts named, or all of the default folder; EdgekitError when there is none."""
    if not paths:
        suffixes = [target.suffix for target in TARGETS.values()]
        paths = sorted(p for p in default.glob("*") if p.suffix in suffixes)
        if not paths:
            raise EdgekitError(f"No artifact was named and {default}/ holds none; run edgekit convert first.")
    return [read_artifact(path) for path in paths]


def require_weights(artifact: Artifact, checkpoint: Checkpoint) -> None:
    """ConversionError for an artifact that was made from other weights than the checkpoint's."""
    if artifact.manifest.weights_sha256 != checkpoint.sha256:
        raise ConversionError(
            artifact.manifest.target,
            "weights",
            f"{artifact.path} was made from other weights than {checkpoint.folder}; pass the checkpoint that it was "
            "converted from as `weights`, or convert this one again.",
        )
