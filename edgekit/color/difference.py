"""The perceptual difference between two pictures."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

SKIN_WEIGHT = 0.5  # in a mask; a pixel above it counts as skin


@dataclass(frozen=True)
class SkinDifference:
    """ΔE2000 between a photo's skin and that skin styled, over `pixels` pixels: how much the mask saves it.

    mean, p95: with the mask. everywhere_mean, everywhere_p95: with the same table over the whole photo instead.
    """

    pixels: int
    mean: float
    p95: float
    everywhere_mean: float
    everywhere_p95: float


def skin_difference(
    before: NDArray[np.uint8], after: NDArray[np.uint8], everywhere: NDArray[np.uint8]
) -> SkinDifference | None:
    """The difference of the skin's pixels, each (n, 3) sRGB; None without any."""
    if not len(before):
        return None
    kept, without = delta_e00(before, after), delta_e00(before, everywhere)
    figures = (kept.mean(), np.percentile(kept, 95), without.mean(), np.percentile(without, 95))
    return SkinDifference(len(before), *(round(float(figure), 3) for figure in figures))


def delta_e00(first: NDArray[np.generic], second: NDArray[np.generic]) -> NDArray[np.float64]:
    """ΔE2000 (CIE 142-2001) of every pixel of two sRGB pictures, (…, 3) uint8 or floats in [0, 1]. Returns (…,)."""
    from skimage.color import deltaE_ciede2000, rgb2lab

    difference = deltaE_ciede2000(rgb2lab(first), rgb2lab(second))  # type: ignore[no-untyped-call]
    return np.asarray(difference, np.float64)
