"""Simulations of the known shader mistakes: the colours that each produces, and their ΔE2000 to the correct ones.

Every function takes a table and colours (n, 3) float64 in [0, 1] and returns the wrong colours, (n, 3).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgekit.color.interpolation import trilinear
from edgekit.color.lut import Lut3D
from edgekit.color.rgb import linear_from_encoded

FloatArray = NDArray[np.float64]
Mistake = Callable[[FloatArray, FloatArray], FloatArray]  # (table (N, N, N, 3), colours) → colours

SAMPLES = 20_000
ALPHA = 0.5  # the simulated transparency; 1 would hide the mistake


@dataclass(frozen=True)
class DeltaE:
    """Statistics of ΔE2000 over random colours."""

    mean: float
    p95: float
    max: float


def delta_e_of(lut: Lut3D, mistake: Mistake) -> DeltaE:
    """The colour error of the mistake with this table, over SAMPLES uniform random colours (seed 0)."""
    from skimage.color import deltaE_ciede2000, rgb2lab

    unit = lut.resampled(lut.size)
    table: FloatArray = np.clip(unit.table, 0.0, 1.0).astype(np.float64)
    colours = np.random.default_rng(0).random((SAMPLES, 3))
    right, wrong = trilinear(table, colours), np.clip(mistake(table, colours), 0.0, 1.0)
    delta = deltaE_ciede2000(rgb2lab(right), rgb2lab(wrong))  # type: ignore[no-untyped-call]
    return DeltaE(float(delta.mean()), float(np.percentile(delta, 95)), float(delta.max()))


def half_texel(table: FloatArray, c: FloatArray) -> FloatArray:
    """The colour used as texture coordinate: it reads point k at (k + 0.5)/N instead of k/(N − 1)."""
    n = table.shape[0]
    return trilinear(table, np.clip((c * n - 0.5) / (n - 1), 0.0, 1.0))


def no_slice_interpolation(table: FloatArray, c: FloatArray) -> FloatArray:
    """Only the lower of the two slices is read."""
    last = table.shape[0] - 1
    held = c.copy()
    held[:, 2] = np.floor(c[:, 2] * last) / last
    return trilinear(table, held)


def mediump_strip(table: FloatArray, c: FloatArray) -> FloatArray:
    """N slices as tiles of a nearly square picture (512×512 for N = 64), read at half-float coordinates."""
    n = table.shape[0]
    columns = int(np.ceil(np.sqrt(n)))
    rows = -(-n // columns)
    strip = np.zeros((rows * n, columns * n, 3))
    for blue in range(n):
        top, left = blue // columns * n, blue % columns * n
        strip[top : top + n, left : left + n] = table[:, :, blue].transpose(1, 0, 2)  # (green, red, 3)
    position = c * (n - 1)
    low = np.minimum(np.floor(position[:, 2]), n - 2)
    slices = []
    for tile in (low, low + 1):
        x = (tile % columns) * n + position[:, 0] + 0.5
        y = (tile // columns) * n + position[:, 1] + 0.5
        width, height = strip.shape[1], strip.shape[0]
        slices.append(_bilinear(strip, _half(x / width) * width - 0.5, _half(y / height) * height - 0.5))
    share = (position[:, 2] - low)[:, None]
    mixed: FloatArray = slices[0] * (1.0 - share) + slices[1] * share
    return mixed


def premultiplied(table: FloatArray, c: FloatArray) -> FloatArray:
    """The table read at colour × alpha, and its output treated as premultiplied too."""
    return trilinear(table, c * ALPHA) / ALPHA


def linear_input(table: FloatArray, c: FloatArray) -> FloatArray:
    """The table read at linear light."""
    return trilinear(table, linear_from_encoded(c))


def _half(values: FloatArray) -> FloatArray:
    return values.astype(np.float16).astype(np.float64)


def _bilinear(picture: FloatArray, x: FloatArray, y: FloatArray) -> FloatArray:
    height, width = picture.shape[:2]
    x0, y0 = np.floor(x).astype(np.intp), np.floor(y).astype(np.intp)
    fx, fy = (x - x0)[:, None], (y - y0)[:, None]

    def texel(dx: int, dy: int) -> FloatArray:
        value: FloatArray = picture[np.clip(y0 + dy, 0, height - 1), np.clip(x0 + dx, 0, width - 1)]
        return value

    upper = texel(0, 0) * (1.0 - fx) + texel(1, 0) * fx
    lower = texel(0, 1) * (1.0 - fx) + texel(1, 1) * fx
    mean: FloatArray = upper * (1.0 - fy) + lower * fy
    return mean
