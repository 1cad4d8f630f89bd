"""The MobileViT stages: their strides by output stride, and the grids of tokens that their attention sees."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod

from edgekit.recipes import STAGE_DEPTHS

PATCH = 2  # MobileViT's patch is 2×2: four interleaved token sequences
STAGE2_STRIDE = 4  # of stage 2's output: the stem and stage 2 halve the picture


@dataclass(frozen=True)
class StageShape:
    """The stride and dilation of a MobileViT stage's inverted residual."""

    stride: int
    dilation: int


# Strides and dilations of stages 3–5 by output stride (MobileViTEncoder: a dilated stage keeps its resolution).
STAGES: Mapping[int, tuple[StageShape, StageShape, StageShape]] = {
    32: (StageShape(2, 1), StageShape(2, 1), StageShape(2, 1)),
    16: (StageShape(2, 1), StageShape(2, 1), StageShape(1, 1)),
    8: (StageShape(2, 1), StageShape(1, 1), StageShape(1, 2)),
}


def token_grid(stage: str, height: int, width: int, output_stride: int) -> tuple[int, int]:
    """Rows and columns of tokens in each of a stage's four sequences, for an input of (height, width) pixels."""
    through = STAGES[output_stride][: 1 + list(STAGE_DEPTHS).index(stage)]
    step = PATCH * STAGE2_STRIDE * prod(shape.stride for shape in through)
    return height // step, width // step


def pool_problem(pool: Mapping[str, int], height: int, width: int, output_stride: int) -> str | None:
    """A sentence on the first stage whose tokens cannot be averaged k×k at this input; None if all can."""
    for stage, side in pool.items():
        rows, columns = token_grid(stage, height, width, output_stride)
        if rows % side or columns % side:
            return (
                f"`pool` {side} of {stage} does not divide its {rows}×{columns} tokens at an input of "
                f"{height}×{width}; choose a smaller one, or another input size."
            )
    return None
