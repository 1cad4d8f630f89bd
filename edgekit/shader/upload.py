"""A frame's bytes in the layout that graphics APIs expect."""

from __future__ import annotations

import numpy as np

from edgekit.shader.oracle import Frame


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
