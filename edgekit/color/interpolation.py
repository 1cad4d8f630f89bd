"""Trilinear and tetrahedral look-up in numpy, float64: the reference for every engine and shader in edgekit.

Tests compare these two functions with OpenColorIO's CPU processor. A colour c in [0, 1] lies at c·(N−1)
between table points. There is no half-texel offset here; that belongs to textures, where point k lies at
(k + 0.5)/N.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from edgekit.errors import UnknownName

FloatArray = NDArray[np.float64]
Interpolate = Callable[[NDArray[np.floating], NDArray[np.floating]], FloatArray]


def trilinear(table: NDArray[np.floating], rgb: NDArray[np.floating]) -> FloatArray:
    """Look colours up trilinearly: the weighted mean of the cell's eight corners.

    table: (N, N, N, 3), `table[r, g, b]`. rgb: (..., 3) in [0, 1], clamped. Returns (..., 3) float64.
    """
    low, high, fraction = _cell(table, rgb)
    fr, fg, fb = fraction[..., 0:1], fraction[..., 1:2], fraction[..., 2:3]

    def along_blue(r: NDArray[np.intp], g: NDArray[np.intp]) -> FloatArray:
        near = table[r, g, low[..., 2]].astype(np.float64)
        return near + fb * (table[r, g, high[..., 2]] - near)

    def along_green(r: NDArray[np.intp]) -> FloatArray:
        near = along_blue(r, low[..., 1])
        return near + fg * (along_blue(r, high[..., 1]) - near)

    near = along_green(low[..., 0])
    return near + fr * (along_green(high[..., 0]) - near)


def tetrahedral(table: NDArray[np.floating], rgb: NDArray[np.floating]) -> FloatArray:
    """Look colours up tetrahedrally: the weighted mean of four of the cell's corners.

    The cell is cut into six tetrahedra that share its grey diagonal (Kasson et al. 1995), so greys of a
    table whose diagonal is grey stay grey. The four corners lie on the path from the cell's darkest to its
    lightest corner that steps along the axis with the largest fraction first. Ties do not matter: the
    corner in which the possible paths differ has weight zero.

    table: (N, N, N, 3), `table[r, g, b]`. rgb: (..., 3) in [0, 1], clamped. Returns (..., 3) float64.
    """
    low, high, fraction = _cell(table, rgb)
    order = np.argsort(-fraction, axis=-1, kind="stable")  # the axis with the largest fraction first
    step = np.take_along_axis(fraction, order, axis=-1)  # (..., 3), descending
    corner = low.copy()
    here = table[corner[..., 0], corner[..., 1], corner[..., 2]].astype(np.float64)
    result = here
    for k in range(3):
        axis = order[..., k : k + 1]
        np.put_along_axis(corner, axis, np.take_along_axis(high, axis, axis=-1), axis=-1)
        there = table[corner[..., 0], corner[..., 1], corner[..., 2]].astype(np.float64)
        result = result + step[..., k : k + 1] * (there - here)
        here = there
    return result


INTERPOLATIONS: dict[str, Interpolate] = {"trilinear": trilinear, "tetrahedral": tetrahedral}


def interpolation(name: str) -> Interpolate:
    """The function of that name; UnknownName lists the known ones."""
    if name not in INTERPOLATIONS:
        raise UnknownName("interpolation", name, INTERPOLATIONS)
    return INTERPOLATIONS[name]


def _cell(
    table: NDArray[np.floating], rgb: NDArray[np.floating]
) -> tuple[NDArray[np.intp], NDArray[np.intp], FloatArray]:
    """The indices of the cell's lower and upper corner and the fraction between them, each (..., 3)."""
    last = table.shape[0] - 1
    position = np.clip(np.asarray(rgb, np.float64), 0.0, 1.0) * last
    low = np.minimum(position.astype(np.intp), last - 1)
    return low, low + 1, position - low
