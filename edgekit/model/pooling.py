"""Attention over fewer keys: a stage's tokens averaged k×k before the projections to keys and values.

Spatial-reduction attention (PVT, arXiv 2102.12122, section 3.2) reduces the keys' and values' map by a learned
projection of k×k tokens; an average is that projection without weights, so that an existing checkpoint bears it
untrained. With k = 1 it is the identity. MobileViT's tokens are four sequences, one per position in the 2×2 patch;
each is averaged by itself, so that every query still sees pixels of its own position only.
"""

from __future__ import annotations

import torch
from torch.nn import functional as F


def averaged_tokens(x: torch.Tensor, grid: tuple[int, int], side: int) -> torch.Tensor:
    """Average tokens over squares of side×side: (B, N, C) to (B, N/side², C).

    grid: rows and columns of the N tokens, both multiples of `side`.
    """
    b, _, c = x.shape
    x = x.reshape(b, *grid, c).permute(0, 3, 1, 2)  # (B, C, rows, columns)
    x = F.avg_pool2d(x, side).permute(0, 2, 3, 1)  # (B, rows/side, columns/side, C)
    return x.reshape(b, grid[0] * grid[1] // side**2, c)
