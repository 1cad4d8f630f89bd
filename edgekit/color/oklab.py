"""OKLab and OKLCh, the perceptual space in which the styles are defined.

Björn Ottosson, "A perceptual color space for image processing", 2020 (the matrices of 2021-01-25).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edgekit.color.rgb import FloatArray, encoded_from_linear, linear_from_encoded

LMS_FROM_LINEAR_SRGB = np.array(
    [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ]
)
OKLAB_FROM_ROOTS = np.array(
    [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ]
)
LINEAR_SRGB_FROM_LMS = np.linalg.inv(LMS_FROM_LINEAR_SRGB)
ROOTS_FROM_OKLAB = np.linalg.inv(OKLAB_FROM_ROOTS)


def oklab_from_srgb(rgb: NDArray[np.floating]) -> FloatArray:
    """Convert (..., 3) encoded sRGB in [0, 1] to OKLab: (..., 3) with L in [0, 1] and a, b within about ±0.4."""
    roots = np.cbrt(linear_from_encoded(rgb) @ LMS_FROM_LINEAR_SRGB.T)
    lab: FloatArray = roots @ OKLAB_FROM_ROOTS.T
    return lab


def srgb_from_oklab(lab: NDArray[np.floating]) -> FloatArray:
    """Convert (..., 3) OKLab to (..., 3) encoded sRGB, outside [0, 1] where the colour is out of the gamut."""
    roots = lab @ ROOTS_FROM_OKLAB.T
    return encoded_from_linear(roots**3 @ LINEAR_SRGB_FROM_LMS.T)
