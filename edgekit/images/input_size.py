"""The size of the network's input: a square by its side, any other as rows x columns."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TypeAlias

from edgekit.errors import EdgekitError

# The largest stride, 32, times the 2×2 patch; any other size would put a conditional resize into the graph.
SIZE_MULTIPLE = 64
SIZE_RANGE = (128, 1024)  # px
Shape = tuple[int, int]  # height, width


def text_of_shape(height: int, width: int) -> int | str:
    """A square by its side, any other shape as its text: as JSON holds sizes, and as `shape_from_text` reads them."""
    return height if height == width else f"{height}x{width}"


def shape_from_text(name: str, text: str) -> Shape:
    """(height, width) of "512", a square by its side, or of "512x384", rows x columns. Raises EdgekitError.

    name: the parameter's, for the sentence.
    """
    found = re.fullmatch(r"([0-9]{1,5})(?:x([0-9]{1,5}))?", text, re.ASCII)
    if found is None:
        raise EdgekitError(f"`{name}` {text!r} is neither a side like 512 nor rows x columns like 512x384.")
    return int(found[1]), int(found[2] or found[1])


@dataclass(frozen=True, order=True)
class InputSize:
    """Height and width of the network's input in pixels, both multiples of 64 from 128 to 1024.

    Raises EdgekitError for other numbers.
    """

    height: int
    width: int

    def __post_init__(self) -> None:
        _check("size", self.height, self.width)

    @classmethod
    def of(cls, size: Size, parameter: str = "size") -> InputSize:
        """512 or "512" is a square of that side, "512x384" has 512 rows of 384 pixels.

        Raises EdgekitError, which names `parameter`.
        """
        if isinstance(size, InputSize):
            return size
        height, width = shape_from_text(parameter, str(size))
        _check(parameter, height, width)
        return cls(height, width)

    @property
    def is_square(self) -> bool:
        return self.height == self.width

    @property
    def shape(self) -> Shape:
        return self.height, self.width

    @property
    def pixels(self) -> int:
        return self.height * self.width

    @property
    def aspect(self) -> float:
        """Width / height."""
        return self.width / self.height

    @property
    def as_json(self) -> int | str:
        """What JSON holds: a square's side as a number, any other as its text."""
        return text_of_shape(*self.shape)

    def __str__(self) -> str:
        return str(text_of_shape(*self.shape))


def _check(parameter: str, height: int, width: int) -> None:
    low, high = SIZE_RANGE
    for side in (height, width):
        if side % SIZE_MULTIPLE or not low <= side <= high:
            written = text_of_shape(height, width)
            raise EdgekitError(
                f"`{parameter}` is {written}; each side must be a multiple of {SIZE_MULTIPLE} from {low} to {high}."
            )


Size: TypeAlias = InputSize | int | str  # what callers may give: `InputSize.of` reads it
