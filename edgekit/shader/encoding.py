"""Tables made for sRGB, rebuilt for Display P3 pictures, so that the shader's text stays the same."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edgekit.color.interpolation import tetrahedral
from edgekit.color.lut import Lut3D, grid

FloatArray = NDArray[np.float64]

# Both have the white point D65 and the sRGB transfer curve, so only the primaries differ
# (SMPTE EG 432-1 and IEC 61966-2-1; the matrices of CSS Color 4, section 18).
P3_FROM_SRGB: FloatArray = np.array(
    [
        [0.8224619687143623, 0.17753803128563775, 0.0],
        [0.03319419885096161, 0.9668058011490384, 0.0],
        [0.01708263072112003, 0.07239744066396346, 0.9105199286149165],
    ]
)
SRGB_FROM_P3: FloatArray = np.linalg.inv(P3_FROM_SRGB)


def linear_from_encoded(c: FloatArray) -> FloatArray:
    """The sRGB curve, mirrored below zero as CSS Color 4 does for colours outside the gamut."""
    size = np.abs(c)
    linear = np.where(size <= 0.04045, size / 12.92, ((size + 0.055) / 1.055) ** 2.4)
    return np.sign(c) * linear


def encoded_from_linear(c: FloatArray) -> FloatArray:
    size = np.abs(c)
    encoded = np.where(size <= 0.0031308, size * 12.92, 1.055 * size ** (1 / 2.4) - 0.055)
    return np.sign(c) * encoded


def display_p3_from_srgb(lut: Lut3D) -> Lut3D:
    """lut: over encoded sRGB. Returns a table of the same size over, and answering in, encoded P3.

    A P3 colour outside sRGB has no entry: it gets the change of the nearest sRGB colour (each channel
    clipped), so what the table leaves alone stays as saturated as it was.
    """
    p3 = grid(lut.size)
    srgb = encoded_from_linear(linear_from_encoded(p3) @ SRGB_FROM_P3.T)
    nearest = np.clip(srgb, 0.0, 1.0)
    change = _p3(tetrahedral(lut.table, lut.unit_from_input(nearest))) - _p3(nearest)
    table = np.clip(p3 + change, 0.0, 1.0).astype(np.float32)
    return Lut3D(table, title=lut.title)


def _p3(srgb: FloatArray) -> FloatArray:
    return encoded_from_linear(linear_from_encoded(srgb) @ P3_FROM_SRGB.T)
