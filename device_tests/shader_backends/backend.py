"""What every backend has in common: the frames' bytes, laid out as graphics APIs take them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from edgekit.shader.description import DialectText, Texture
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


def texels_of(frame: Frame, texture: Texture) -> NDArray[np.uint8] | NDArray[np.float16]:
    """(H, W, 4) or, for a table, (N blue, N green, N red, 4); contiguous, as an upload wants it."""
    if texture.data is None:
        return np.ascontiguousarray(frame.pixels[texture.name])
    assert texture.size is not None
    return np.frombuffer(texture.data, np.uint8).reshape(*reversed(texture.size), 4)


def uniform_block(frame: Frame) -> bytes:
    """The bytes of MSL's and WGSL's uniform block."""
    block = np.zeros(frame.description.uniform_block_size_bytes // 4, np.float32)
    values = frame.uniform_values()
    for uniform in frame.description.uniforms:
        start = uniform.offset_bytes // 4
        if uniform.type == "float":
            block[start] = values[uniform.name][0]
        else:
            for column in range(3):
                at = start + 4 * column
                block[at : at + 3] = values[uniform.name][:, column]
    return block.tobytes()
