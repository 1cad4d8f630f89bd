"""Film grain: noise of lightness, the same at a place of the photo in every size, tile and dialect.

    grained(c) = c + GRAIN · grain · intensity · n(p) · min(c · (1 − c))  c · (1 − c) per channel, the least of them
    n(p)       = Σ_q b_q · h(q) / √(Σ_q b_q²)             over the four lattice points q around p
    h(q)       = (low − high 16 bits of pcg(q.x + pcg(q.y))) / 65536           in (−1, 1), of 32-bit integers

p is the place in the photo from its top left corner, with CELLS to its longer side: grain is as large in a preview as
in the photo at full size, and both have the same pattern. In a picture of fewer pixels each has a grain of its own. b
are the bilinear weights of p between the lattice points; divided by their norm, the deviation of n is the same
everywhere (0.41), and no lattice shows. Because n is continuous, a GPU's rounding cannot turn one grain into another.

Grain is strongest in mid-tones, leaves black and white, and cannot leave the gamut. All channels move by as much, so
skin's hue turns by 0.3° on average where each channel's own c · (1 − c) would turn it by 1.2° and show as golden specks
(CIELAB, the skin locus, one deviation at grain 1). Grain is drawn last and over everything, skin and untouched regions
too: it belongs to the film and not to what is seen on it. Skin without it would look like plastic among the grain, and
the mask's edge would show. It does not move in a camera's preview, which shows the photo that will be taken.

The hash is that of M. Jarzynski and M. Olano, Hash Functions for GPU Rendering, JCGT 9(3), 2020, nested for two
numbers.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

# Chosen by eye, on faces: 2.6 px of a 12-megapixel photo. 1024 looks blotchy, and 2048 like a sensor's noise.
CELLS = 1536
# |n| ≤ 2, so what is added stays within c · (1 − c). At grain 1 mid-grey deviates by 13 levels of 255.
GRAIN = 0.5


def grained(c: NDArray[np.floating], k: NDArray[np.floating]) -> NDArray[np.floating]:
    """Colours with grain over them, (..., 3) in [0, 1] as c. k: (...), GRAIN · grain · intensity · n, |k| ≤ 1."""
    added: NDArray[np.floating] = (k * (c * (1.0 - c)).min(axis=-1))[..., None]
    return c + added


def lattice(x: NDArray[np.integer], y: NDArray[np.integer]) -> NDArray[np.float64]:
    """h of the lattice points (x, y), which are broadcast together."""
    return _halves(_pcg(x.astype(np.uint32) + _pcg(y.astype(np.uint32))))


def noise(x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.float32]:
    """n at every place of a grid, (h, w) float32. x: (w,) and y: (h,) of its columns and rows, ascending, in cells."""
    left, top = np.floor(x).astype(np.int64), np.floor(y).astype(np.int64)
    fx, fy = (x - left).astype(np.float32), (y - top).astype(np.float32)
    points = lattice(np.arange(left[0], left[-1] + 2), np.arange(top[0], top[-1] + 2)[:, None])
    points = points.astype(np.float32)
    left, top = left - left[0], top - top[0]
    mixed = points[top] * (1 - fy)[:, None] + points[top + 1] * fy[:, None]  # (h, lattice points)
    mixed = mixed[:, left] * (1 - fx) + mixed[:, left + 1] * fx  # (h, w)
    norms = np.hypot(fy, 1 - fy)[:, None] * np.hypot(fx, 1 - fx)
    return np.asarray(mixed / norms, np.float32)


def _pcg(v: NDArray[np.uint32]) -> NDArray[np.uint32]:
    state = v * np.uint32(747796405) + np.uint32(2891336453)
    word = ((state >> ((state >> np.uint32(28)) + np.uint32(4))) ^ state) * np.uint32(277803737)
    return np.asarray((word >> np.uint32(22)) ^ word, np.uint32)


def _halves(bits: NDArray[np.uint32]) -> NDArray[np.float64]:
    low, high = (bits & np.uint32(65535)).astype(np.float64), (bits >> np.uint32(16)).astype(np.float64)
    return np.asarray((low - high) / 65536.0, np.float64)
