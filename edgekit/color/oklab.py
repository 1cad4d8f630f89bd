"""OKLab and OKLCh, the perceptual space the styles are written in.

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

GAMUT_STEPS = 20  # bisections: the chroma limit is found to 0.4 / 2²⁰
GAMUT_SLACK = 1e-6  # linear RGB this far outside is rounding


def oklab_from_srgb(rgb: NDArray[np.floating]) -> FloatArray:
    """rgb: (..., 3) encoded sRGB in [0, 1]. Returns (..., 3): L in [0, 1], a, b about ±0.4."""
    roots = np.cbrt(linear_from_encoded(rgb) @ LMS_FROM_LINEAR_SRGB.T)
    lab: FloatArray = roots @ OKLAB_FROM_ROOTS.T
    return lab


def linear_srgb_from_oklab(lab: NDArray[np.floating]) -> FloatArray:
    """lab: (..., 3). Returns (..., 3) linear sRGB, outside [0, 1] where the colour is out of the gamut."""
    roots = lab @ ROOTS_FROM_OKLAB.T
    linear: FloatArray = roots**3 @ LINEAR_SRGB_FROM_LMS.T
    return linear


def srgb_from_oklab(lab: NDArray[np.floating]) -> FloatArray:
    """lab: (..., 3), in the gamut (see `into_gamut`). Returns (..., 3) encoded sRGB in [0, 1]."""
    encoded: FloatArray = encoded_from_linear(np.clip(linear_srgb_from_oklab(lab), 0.0, 1.0))
    return encoded


def into_gamut(lab: NDArray[np.floating]) -> FloatArray:
    """The same lightness and hue with chroma reduced until sRGB holds it. lab: (..., 3), L in [0, 1].

    A colour inside comes back untouched, so nothing changes where nothing must.
    """
    lab = np.asarray(lab, np.float64)
    inside, outside = np.zeros(lab.shape[:-1]), np.ones(lab.shape[:-1])
    fits = _in_gamut(lab)
    for _ in range(GAMUT_STEPS):
        middle = (inside + outside) / 2
        good = _in_gamut(_with_chroma(lab, middle))
        inside, outside = np.where(good, middle, inside), np.where(good, outside, middle)
    return _with_chroma(lab, np.where(fits, 1.0, inside))


def _with_chroma(lab: FloatArray, factor: FloatArray) -> FloatArray:
    return np.stack([lab[..., 0], lab[..., 1] * factor, lab[..., 2] * factor], axis=-1)


def _in_gamut(lab: FloatArray) -> NDArray[np.bool_]:
    linear = linear_srgb_from_oklab(lab)
    return np.asarray(((linear >= -GAMUT_SLACK) & (linear <= 1.0 + GAMUT_SLACK)).all(axis=-1))
