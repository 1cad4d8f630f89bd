"""Made-up pictures for networks: no axis, channel or corner is like another."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def picture(height: int, width: int, seed: int = 0) -> NDArray[np.uint8]:
    """(height, width, 3) uint8: a different ramp in each channel, with noise."""
    y, x = np.mgrid[0:height, 0:width]
    channels = np.stack([x * 255 / width, y * 200 / height, (x + 2 * y) % 90], -1)
    noise = np.random.default_rng(seed).normal(0, 12, (height, width, 3))
    return np.clip(channels + noise, 0, 255).astype(np.uint8)
