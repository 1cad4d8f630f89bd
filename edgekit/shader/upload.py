"""A frame's bytes in the layout that graphics APIs expect."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edgekit.shader.description import Texture
from edgekit.shader.oracle import Frame


def texels_of(frame: Frame, texture: Texture) -> NDArray[np.uint8] | NDArray[np.float16]:
    """The texels to upload, contiguous: (H, W, 4) or, for a table, (N blue, N green, N red, 4)."""
    if texture.data is None:
        pixels = frame.pixels[texture.name]
        return pixels if pixels.flags.c_contiguous else pixels.copy()
    assert texture.size is not None
    texels: NDArray[np.uint8] = np.frombuffer(texture.data, np.uint8).reshape(*reversed(texture.size), 4)
    return texels


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
