"""The interface of all backends."""

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
    """The machine lacks a program or library that a backend needs; the text names it."""


class Backend(Protocol):
    """Draws frames with the text of one `dialect`. `device` names the driver and its version."""

    dialect: str
    device: str

    def draw(self, jobs: Sequence[Job]) -> list[Drawn]:
        """Draw each frame with the text beside it."""

    def close(self) -> None: ...
