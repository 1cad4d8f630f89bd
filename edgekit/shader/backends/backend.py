"""What every backend has in common."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from edgekit.shader.description import DialectText
from edgekit.shader.oracle import Frame

Drawn = NDArray[np.uint8]  # (height, width, 4), first row on top
Job = tuple[Frame, DialectText]


class BackendMissing(Exception):
    """The machine lacks what a backend needs; the text says what to install."""


class Backend(Protocol):
    """`device` names what drew: driver and version."""

    dialect: str
    device: str

    def draw(self, jobs: Sequence[Job]) -> list[Drawn]:
        """The pictures of these frames, each drawn by the text beside it."""

    def close(self) -> None: ...
