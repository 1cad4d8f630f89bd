"""Rebuild tables made for sRGB for Display P3 pictures, so that engines and shaders need no second form."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edgekit.color.interpolation import tetrahedral
from edgekit.color.lut import Lut3D, grid
from edgekit.color.rgb import (
    XYZ_FROM_P3,
    XYZ_FROM_SRGB,
    FloatArray,
    encoded_from_linear,
    linear_from_encoded,
)

# The same white point and the same transfer curve: only the primaries differ.
SRGB_FROM_P3: FloatArray = np.linalg.inv(XYZ_FROM_SRGB) @ XYZ_FROM_P3
P3_FROM_SRGB: FloatArray = np.linalg.inv(SRGB_FROM_P3)


def display_p3_from_srgb(lut: Lut3D) -> Lut3D:
    """Convert a table over encoded sRGB to one of the same size over encoded P3, which returns encoded P3.

    A P3 colour outside sRGB has no entry: it gets the change of the nearest sRGB colour (each channel
    clipped), so a colour that the table does not change stays as saturated as it was.
    """
    p3 = grid(lut.size)
    nearest = np.clip(_converted(p3, SRGB_FROM_P3), 0.0, 1.0)
    styled = tetrahedral(lut.table, lut.unit_from_input(nearest))
    change = _converted(styled, P3_FROM_SRGB) - _converted(nearest, P3_FROM_SRGB)
    return Lut3D(np.clip(p3 + change, 0.0, 1.0).astype(np.float32), title=lut.title)


def display_p3_picture(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The same colours, encoded in Display P3 instead of sRGB. (h, w, 3) uint8."""
    wide = _converted(picture / 255.0, P3_FROM_SRGB)
    return np.asarray(np.rint(np.clip(wide, 0.0, 1.0) * 255.0), np.uint8)


def _converted(encoded: FloatArray, matrix: FloatArray) -> FloatArray:
    return encoded_from_linear(linear_from_encoded(encoded) @ matrix.T)
