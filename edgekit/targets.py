"""The targets: one record for each runtime that edgekit converts to, in one literal table.

Everything that differs from target to target and is not the work of a converter or a runtime itself is stated here, so
that adding a target is one entry (CONTRIBUTING.md). Functions are named as "module:name" and imported when they are
first used: the table itself loads nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from edgekit.errors import UnknownName

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from converters.conversion import Conversion, Converted
    from edgekit.recipes import Recipe
    from edgekit.runtimes import Runtime

    # A conversion and a folder for its files, to the float model as a function of a picture to its tensors:
    # (H, W, 3) uint8 to every tensor that a recipe may quantise, by name.
    Observable = Callable[
        [Conversion, Path], Callable[[NDArray[np.uint8]], Mapping[str, NDArray[np.float32]]]
    ]

ALL = "all"


@dataclass(frozen=True)
class Target:
    """One runtime that artifacts are made for.

    `title`: as people write it. `layout`: axes of the artifact's tensors. `default_recipe`: for weights that no recipe
    was planned for.
    `minimum_os` and `minimum_os_int8`: the oldest system for float and for int8 activations.
    `logits_names`: what the logits are called in the float graph; their ranges are never clipped.
    `plans`: whether recipes are planned on it, by timing its runtime on this machine. `apple`: whether it runs on Apple
    devices, and only there.
    `convert`, `observe`, `runtime`: "module:name" of the converter, of the float graph for calibration, and of the
    runtime that runs the artifact on this machine. `observe` is None for a target that takes no int8 activations.
    `files`: where `is_folder`, the paths of the files that the folder holds.
    `unproved`: "module:name" of a function that says why this machine cannot run the target's own runtime, for
    targets whose `runtime` is a reference executor; None where `runtime` is what runs on the device.
    `runtimes`: further runtimes for the same file, "module:name" by the names that `parity-check --runtime` takes.
    `reference`: the one of them that computes every operator by its definition, where `runtime` is not one.
    `second`: the one of them that was made by others.
    `check`: "module:name" of a function that raises for a conversion that the target cannot carry out, or not here.
    `asked_for`: whether it is converted to only by its own name, and not for `all`.
    `gpu_recipe`: the recipe of a second artifact, for GPUs, that a bundle holds beside one with int8 weights; None
    where the runtime chooses the processor for the one artifact itself.
    `taps`: whether its runtime gives intermediate tensors; without them losses have no cause.
    `trial`: "module:name" of a function that opens and runs the artifact in a process of its own first, for runtimes in
    native code that a damaged file can crash.
    """

    name: str
    title: str
    suffix: str
    is_folder: bool
    layout: Literal["NHWC", "NCHW"]
    default_recipe: str
    minimum_os: str
    minimum_os_int8: str
    logits_names: tuple[str, ...]
    plans: bool
    apple: bool
    convert: str
    observe: str | None
    runtime: str
    unproved: str | None = None
    reference: str | None = None
    second: str | None = None
    trial: str | None = None
    files: tuple[str, ...] = ()
    check: str | None = None
    asked_for: bool = False
    gpu_recipe: str | None = None
    taps: bool = True
    runtimes: Mapping[str, str] = field(default_factory=dict)

    def minimum_os_for(self, recipe: Recipe) -> str:
        """The oldest system that runs an artifact with this recipe."""
        return self.minimum_os_int8 if recipe.needs_calibration else self.minimum_os

    def require_convertible(self, conversion: Conversion) -> None:
        """Raise an EdgekitError if the target cannot carry out the conversion, or this machine cannot."""
        if self.check is not None:
            _loaded(self.check)(conversion)

    def converted(self, conversion: Conversion, path: Path) -> Converted:
        """Write the artifact of a conversion to `path`."""
        converted: Converted = _loaded(self.convert)(conversion, path)
        return converted

    def observable(
        self, conversion: Conversion, folder: Path
    ) -> Callable[[NDArray[np.uint8]], Mapping[str, NDArray[np.float32]]]:
        """The conversion's float graph as a function of a picture to the tensors that a recipe may quantise."""
        assert self.observe is not None
        observe: Observable = _loaded(self.observe)
        return observe(conversion, folder)

    def opened(self, path: Path, taps: tuple[str, ...], threads: int) -> Runtime:
        """The artifact at `path` in the runtime of this machine."""
        runtime: Runtime = _loaded(self.runtime)(path, taps, threads)
        return runtime

    def opened_by_definition(self, path: Path, taps: Sequence[str]) -> Runtime:
        """The artifact at `path` in the runtime that computes every operator by its definition."""
        named = self.runtime if self.reference is None else self.runtimes[self.reference]
        runtime: Runtime = _loaded(named)(path, tuple(taps))
        return runtime

    def opened_in_second(self, path: Path, taps: Sequence[str]) -> Runtime:
        """The artifact in the runtime that `second` names. Raises MissingDependency."""
        assert self.second is not None
        runtime: Runtime = _loaded(self.runtimes[self.second])(path, tuple(taps))
        return runtime

    def opener(self, name: str) -> Callable[[Path, Sequence[str]], Runtime]:
        """A function that opens artifacts in the runtime of that name, after a trial. UnknownName lists the known."""
        if name not in self.runtimes:
            raise UnknownName(f"runtime for {self.title}", name, self.runtimes)

        def opened(path: Path, taps: Sequence[str]) -> Runtime:
            self.try_out(path)
            runtime: Runtime = _loaded(self.runtimes[name])(path, tuple(taps))
            return runtime

        return opened

    def try_out(self, path: Path) -> None:
        """Open and run the artifact in a process of its own where this one could crash. ConversionError if it fails."""
        if self.trial is not None:
            _loaded(self.trial)(path)

    def why_unproved(self) -> str | None:
        """Why a result here does not prove what the target's own runtime gives; None where it does."""
        return None if self.unproved is None else str(_loaded(self.unproved)())


# Without a plan: Core ML computes in fp16 either way and w8 is half the size; int8 activations pay only from A17 Pro
# and M4 on, phones that have Photographic Styles already.
TARGETS: dict[str, Target] = {
    "coreml": Target(
        name="coreml",
        title="Core ML",
        suffix=".mlpackage",
        is_folder=True,
        files=(
            "Manifest.json",
            "Data/com.apple.CoreML/model.mlmodel",
            "Data/com.apple.CoreML/weights/weight.bin",
            "executorch_debug_handle_mapping.json",  # coremltools writes it for a program from torch.export
        ),
        layout="NCHW",
        default_recipe="w8",
        minimum_os="iOS 16",
        minimum_os_int8="iOS 17",  # `quantize` exists from there
        logits_names=("logits",),
        plans=False,
        apple=True,
        convert="converters.coreml:convert",
        observe="converters.coreml:observable",
        runtime="edgekit.runtimes.mil_reference:MilReference",
        unproved="edgekit.runtimes.coreml:why_unproved",
        runtimes={
            "coreml": "edgekit.runtimes.coreml:CoreML",
            "coreml-cpu": "edgekit.runtimes.coreml:CoreMLOnCpu",
            "coreml-gpu": "edgekit.runtimes.coreml:CoreMLOnGpu",
            "coreml-ane": "edgekit.runtimes.coreml:CoreMLOnNeuralEngine",
        },
    ),
    "tflite": Target(
        name="tflite",
        title="TFLite",
        suffix=".tflite",
        is_folder=False,
        layout="NHWC",
        default_recipe="fp32",
        minimum_os="Android 8.0 (API 26)",  # the demo app's minSdk; LiteRT itself runs on API 21
        minimum_os_int8="Android 8.0 (API 26)",
        logits_names=("segmenter/classifier/conv:2", "logits"),
        plans=True,
        apple=False,
        convert="converters.tflite:convert",
        observe="converters.tflite:observable",
        runtime="edgekit.runtimes.litert:LiteRT",
        reference="litert-reference",
        second="tensorflow",
        gpu_recipe="fp16",  # LiteRT's GPU backend refuses int8 weights with a scale per channel (docs/runtimes.md)
        trial="edgekit.devices.probe:probe",
        runtimes={
            "litert-reference": "edgekit.runtimes.litert:ReferenceLiteRT",
            "litert-fp16": "edgekit.runtimes.litert_half:HalfLiteRT",
            "litert-gpu": "edgekit.runtimes.litert_gpu:LiteRTGpu",
            "tensorflow": "edgekit.runtimes.litert:TensorFlowLite",
        },
    ),
    "coreai": Target(
        name="coreai",
        title="Core AI",
        suffix=".aimodel",
        is_folder=True,
        files=("main.hash", "main.mlirb", "metadata.json"),
        layout="NHWC",
        default_recipe="fp32",  # in fp16 an iPhone 17 Pro computed another network wrongly (coreai-torch 115)
        minimum_os="iOS 27",
        minimum_os_int8="iOS 27",
        logits_names=("logits",),
        plans=False,
        apple=True,
        convert="converters.coreai:convert",
        observe=None,
        runtime="edgekit.runtimes.coreai:CoreAI",
        check="converters.coreai:check",
        asked_for=True,
        taps=False,
    ),
}


def target_named(name: str) -> Target:
    """The target of that name. UnknownName lists the known ones."""
    if name not in TARGETS:
        raise UnknownName("target", name, (*TARGETS, ALL))
    return TARGETS[name]


def targets_named(name: str) -> tuple[Target, ...]:
    """The target of that name, or for `all` every one that need not be asked for. UnknownName lists the known ones."""
    if name != ALL:
        return (target_named(name),)
    return tuple(target for target in TARGETS.values() if not target.asked_for)


def target_of(path: Path) -> Target:
    """The target whose suffix `path` has. UnknownName lists the known suffixes."""
    for target in TARGETS.values():
        if path.suffix == target.suffix:
            return target
    raise UnknownName("kind of artifact", path.suffix, (target.suffix for target in TARGETS.values()))


def _loaded(where: str) -> Any:
    module, name = where.split(":")
    return getattr(import_module(module), name)
