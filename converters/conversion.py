"""What a conversion is asked for, and what every converter hands back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from edgekit.artifact import TensorSpec
from edgekit.errors import ConversionError, UnknownName
from edgekit.model.outputs import MASK_STRIDE, OUTPUT_MODES, OutputMode
from edgekit.recipes.recipe import Recipe
from edgekit.weights import GROUP_NAMES, Checkpoint, require_skin

SIZE_MULTIPLE = 64  # stride 32 at most, times the 2×2 patch: no conditional resize in the graph
SIZE_RANGE = (128, 1024)
COLOUR = ("red", "green", "blue")


@dataclass(frozen=True)
class Conversion:
    """One model at one size with one recipe and one output; checked when made.

    `mask_size` is the side of the `groups` and `labels` outputs in pixels (size/4 by default). `ranges` are
    the activation ranges of the target's float graph by tensor name, for recipes with int8 activations.
    """

    checkpoint: Checkpoint
    size: int
    recipe: Recipe
    output: OutputMode = "groups"
    mask_size: int = 0
    ranges: Mapping[str, tuple[float, float]] | None = None

    def __post_init__(self) -> None:
        low, high = SIZE_RANGE
        if self.size % SIZE_MULTIPLE or not low <= self.size <= high:
            raise ConversionError(
                "convert",
                "options",
                f"--size {self.size} is not a multiple of {SIZE_MULTIPLE} from {low} to {high}.",
            )
        if self.output not in OUTPUT_MODES:
            raise UnknownName("output", self.output, OUTPUT_MODES)
        if self.mask_size == 0:
            object.__setattr__(self, "mask_size", self.size // MASK_STRIDE)
        if not 1 <= self.mask_size <= self.size:
            raise ConversionError(
                "convert",
                "options",
                f"--mask-size {self.mask_size} is not from 1 to the input size {self.size}.",
            )
        if self.output == "groups":
            require_skin(self.checkpoint.groups, self.checkpoint.class_names, self.checkpoint.folder)

    @property
    def file_stem(self) -> str:
        """`<name>-<size>-<recipe>`, with the output's name when it is not the default."""
        suffix = "" if self.output == "groups" else f"-{self.output}"
        return f"{self.checkpoint.name}-{self.size}-{self.recipe.name}{suffix}"

    @property
    def logits_size(self) -> int:
        return self.size // int(self.checkpoint.config.output_stride)

    def output_spec(self, layout: str, dtype: str, rgba: bool) -> TensorSpec:
        """The output as a spec in `NHWC` or `NCHW`."""
        channels: tuple[str, ...]
        interval: tuple[float, float] | None
        if self.output == "groups":
            channels = (*GROUP_NAMES, "background") if rgba else GROUP_NAMES
            side, interval = self.mask_size, (0.0, 255.0)
        elif self.output == "labels":
            channels, side = ("class",), self.mask_size
            interval = (0.0, float(len(self.checkpoint.class_names) - 1))
        else:
            channels, side, interval = self.checkpoint.class_names, self.logits_size, None
        count = len(channels)
        shape = (1, side, side, count) if layout == "NHWC" else (1, count, side, side)
        return TensorSpec(self.output, shape, dtype, layout, interval, channels)


@dataclass(frozen=True)
class Converted:
    """The facts that only the converter knows about the file it wrote."""

    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]
    taps: dict[str, str]
    minimum_os: str
    tools: dict[str, str]
