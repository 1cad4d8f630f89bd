"""Background blur: the mean of the photo's colours within a region, weighted by a Gaussian and by the region.

    blurred(p) = (Σ_q G(p − q) · w(q) · c(q) + ε · c(p)) / (Σ_q G(p − q) · w(q) + ε)

with w the weight of the region, so that colours from outside it do not show as a halo (normalised convolution;
Knutsson and Westin, CVPR 1993). Both sums are taken in a copy whose longest side is COPY_SIDE at most, along x and then
along y, at 2 · TAPS + 1 places within ±SPAN standard deviations; the photo, the weights and the copy are read
bilinearly with half-pixel centres, clamped. ε keeps the quotient defined where the region is nowhere near.
Every shader repeats this in two passes before the fused one.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

COPY_SIDE = 256  # px: a blur of a hundredth is two and a half of its pixels
TAPS, SPAN = 24, 3.0
EPSILON = 1e-3

FloatArray = NDArray[np.float32]


def copy_shape(shape: tuple[int, int], longest_side: int = COPY_SIDE) -> tuple[int, int]:
    """(height, width) of the blurred copy of a photo of (height, width)."""
    scale = min(1.0, longest_side / max(shape))
    return max(1, round(shape[0] * scale)), max(1, round(shape[1] * scale))


def taps() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(2 · TAPS + 1,) offsets in standard deviations, and weights that sum to 1."""
    offsets = np.asarray(np.arange(-TAPS, TAPS + 1) * (SPAN / TAPS), np.float64)
    weights = np.exp(-0.5 * offsets**2)
    return offsets, np.asarray(weights / weights.sum(), np.float64)


def blurred_sums(photo: NDArray[np.number], region: FloatArray, blur: float) -> FloatArray:
    """Both sums of the formula: (h, w, 4) float32, colour times weight and weight.

    photo: (H, W, 3) in [0, 1] or codes, read at (h, W). region: (h, W) weights of the region at the copy's rows and
    the photo's columns. blur: the standard deviation, a share of the longer side.
    """
    height, width = photo.shape[:2]
    rows, columns = copy_shape((height, width))
    colours, weights = sampled(photo, rows, 0), region[..., None]
    longest = max(height, width)
    across = np.zeros((rows, columns, 4), np.float32)
    for offset, share in zip(*taps(), strict=True):
        # As a shader does: colours and weights are read between pixels, and then multiplied.
        moved = offset * blur * longest / width
        c, w = sampled(colours, columns, 1, moved), sampled(weights, columns, 1, moved)
        across += np.float32(share) * np.concatenate([c * w, w], axis=-1)
    along = np.zeros_like(across)
    for offset, share in zip(*taps(), strict=True):
        along += np.float32(share) * sampled(across, rows, 0, offset * blur * longest / height)
    return along


def blurred_colours(sums: FloatArray, colours: FloatArray) -> FloatArray:
    """The quotient of the formula, (..., 3). sums: (..., 4) at the photo's pixels. colours: the photo's, (..., 3)."""
    epsilon = np.float32(EPSILON)
    return np.asarray((sums[..., :3] + epsilon * colours) / (sums[..., 3:] + epsilon), np.float32)


def sampled(values: NDArray[np.number], count: int, axis: int, offset: float = 0.0) -> FloatArray:
    """`count` places along an axis, at the centres of so many equal parts, moved by `offset` of its length."""
    length = values.shape[axis]
    at = np.clip(((np.arange(count) + 0.5) / count + offset) * length - 0.5, 0.0, length - 1.0)
    low = np.minimum(at.astype(np.intp), max(length - 2, 0))
    share = (at - low).astype(np.float32).reshape([-1 if k == axis else 1 for k in range(values.ndim)])
    first, second = values.take(low, axis), values.take(np.minimum(low + 1, length - 1), axis)
    return np.asarray(first * (1 - share) + second * share, np.float32)
