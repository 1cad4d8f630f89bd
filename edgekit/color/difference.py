"""The perceptual difference between two pictures."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def delta_e00(first: NDArray[np.generic], second: NDArray[np.generic]) -> NDArray[np.float64]:
    """ΔE2000 (CIE 142-2001) of every pixel of two sRGB pictures, (…, 3) uint8 or floats in [0, 1]. Returns (…,)."""
    from skimage.color import deltaE_ciede2000, rgb2lab

    difference = deltaE_ciede2000(rgb2lab(first), rgb2lab(second))  # type: ignore[no-untyped-call]
    return np.asarray(difference, np.float64)
