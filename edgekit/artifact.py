"""An artifact: a converted model on disk and the manifest beside it that says everything an app must know."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path

from edgekit._version import __version__
from edgekit.errors import ConversionError, EdgekitError
from edgekit.files import (
    FolderKind,
    JsonValue,
    check_file_place,
    check_folder_place,
    sha256_of,
    staged_file,
    staged_folder,
    write_json,
)
from edgekit.targets import TARGETS, Target
from edgekit.weights import Checkpoint

SCHEMA_VERSION = 1


@dataclass(frozen=True)
class TensorSpec:
    """One input or output as the runtime sees it.

    `layout` names the axes of `shape`; `range` is that of the stored values; `channels` names the last (or
    only) channel axis in order: colour components, groups or classes.
    """

    name: str
    shape: tuple[int, ...]
    dtype: str
    layout: str
    range: tuple[float, float] | None
    channels: tuple[str, ...]


@dataclass(frozen=True)
class Manifest:
    """What is written beside an artifact. `taps` maps a stage of the model to a tensor name in the file."""

    target: str
    name: str
    size: int
    output: str
    recipe_name: str
    recipe: JsonValue
    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]
    taps: Mapping[str, str]
    class_names: tuple[str, ...]
    groups: Mapping[str, tuple[int, ...]]
    preprocessing: str
    weights_sha256: str
    calibration_sha256: str | None
    minimum_os: str
    tools: Mapping[str, str]
    sha256: str
    size_bytes: int
    schema_version: int = SCHEMA_VERSION


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


PACKAGE_FILES = (
    "Manifest.json",
    "Data/com.apple.CoreML/model.mlmodel",
    "Data/com.apple.CoreML/weights/weight.bin",
)


def _package_files(folder: Path) -> tuple[str, ...] | None:
    """The index of a package is the manifest beside it."""
    try:
        _read_manifest(manifest_path_of(folder), "coreml")
    except ConversionError:
        return None
    return PACKAGE_FILES


PACKAGE = FolderKind("a Core ML package", _package_files)


def check_artifact_place(path: Path, target: Target, *, replace: bool) -> None:
    """EdgekitError unless an artifact of `target` and its manifest may be written at `path`."""
    if target.is_folder:
        check_folder_place(path, PACKAGE, replace=replace)
    else:
        check_file_place(path, replace=replace)
    check_file_place(manifest_path_of(path), replace=replace)


def staged_artifact(path: Path, target: Target, *, replace: bool) -> AbstractContextManager[Path]:
    """`staged_folder` for a Core ML package, `staged_file` for the others."""
    return (
        staged_folder(path, PACKAGE, replace=replace)
        if target.is_folder
        else staged_file(path, replace=replace)
    )


def write_manifest(path: Path, manifest: Manifest, *, replace: bool = False) -> Artifact:
    write_json(manifest_path_of(path), asdict(manifest), replace=replace)
    return Artifact(path, manifest)


def read_artifact(path: Path) -> Artifact:
    """An artifact checked against its manifest.

    Raises ConversionError: no such file, no manifest, an unknown schema version, bytes that do not match.
    """
    path = Path(path)
    target = next((target.name for target in TARGETS.values() if path.suffix == target.suffix), None)
    if target is None:
        known = " or ".join(target.suffix for target in TARGETS.values())
        raise ConversionError("artifact", "read", f"{path} is not a {known} file.")
    if not path.exists():
        raise ConversionError(target, "read", f"{path} does not exist.")
    manifest = _read_manifest(manifest_path_of(path), target)
    if sha256_of(path) != manifest.sha256:
        raise ConversionError(
            target,
            "read",
            f"{path} does not match the sha256 in its manifest: it was changed or is incomplete.",
        )
    return Artifact(path, manifest)


def _read_manifest(path: Path, target: str) -> Manifest:
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        if values["schema_version"] != SCHEMA_VERSION:
            raise ConversionError(
                target,
                "manifest",
                f"{path} has schema version {values['schema_version']}; this edgekit reads {SCHEMA_VERSION}.",
            )
        values["inputs"] = tuple(_tensor_spec(spec) for spec in values["inputs"])
        values["outputs"] = tuple(_tensor_spec(spec) for spec in values["outputs"])
        values["class_names"] = tuple(values["class_names"])
        values["groups"] = {group: tuple(indices) for group, indices in values["groups"].items()}
        return Manifest(**values)
    except OSError as error:
        raise ConversionError(target, "manifest", f"{path} is missing; convert the model again.") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ConversionError(target, "manifest", f"{path} is not an edgekit manifest ({error}).") from error


def _tensor_spec(values: dict[str, JsonValue]) -> TensorSpec:
    spec = TensorSpec(**values)  # type: ignore[arg-type]
    interval = None if spec.range is None else (float(spec.range[0]), float(spec.range[1]))
    return TensorSpec(spec.name, tuple(spec.shape), spec.dtype, spec.layout, interval, tuple(spec.channels))


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
