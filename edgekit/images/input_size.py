"""The size of the network's input: a square by its side, any other as rows x columns."""

from __future__ import annotations

import re
from dataclasses import dataclass

from edgekit.errors import EdgekitError

# The largest stride, 32, times the 2×2 patch; any other size would put a conditional resize into the graph.
SIZE_MULTIPLE = 64
SIZE_RANGE = (128, 1024)  # px


@dataclass(frozen=True, order=True)
class InputSize:
    """Height and width of the network's input in pixels, both multiples of 64 from 128 to 1024.

    Raises EdgekitError for other numbers.
    """

    height: int
    width: int

    def __post_init__(self) -> None:
        _check(self.height, self.width, "size")

    @classmethod
    def of(cls, size: InputSize | int | str, parameter: str = "size") -> InputSize:
        """512 or "512" is a square of that side, "512x384" has 512 rows of 384 pixels.

        Raises EdgekitError, which names `parameter`.
        """
        if isinstance(size, InputSize):
            return size
        found = re.fullmatch(r"([0-9]{1,5})(?:x([0-9]{1,5}))?", str(size), re.ASCII)
        if found is None:
            raise EdgekitError(
                f"`{parameter}` {str(size)!r} is neither a side like 512 nor rows x columns like 512x384."
            )
        height, width = int(found[1]), int(found[2] or found[1])
        _check(height, width, parameter)
        return cls(height, width)

    @property
    def is_square(self) -> bool:
        return self.height == self.width

    @property
    def pixels(self) -> int:
        return self.height * self.width

    @property
    def aspect(self) -> float:
        """Width / height."""
        return self.width / self.height

    def __str__(self) -> str:
        return str(self.height) if self.is_square else f"{self.height}x{self.width}"


def _check(height: int, width: int, parameter: str) -> None:
    low, high = SIZE_RANGE
    for side in (height, width):
        if side % SIZE_MULTIPLE or not low <= side <= high:
            written = height if height == width else f"{height}x{width}"
            raise EdgekitError(
                f"`{parameter}` is {written}; sides must be multiples of {SIZE_MULTIPLE} from {low} to {high}."
            )
