"""Edge-aware mask refinement: a 128² mask follows the edges of a 12-megapixel picture.

- bilinear: the mask as the texture unit interpolates it.
- joint-bilateral: the texels around a pixel, weighted by nearness and by how alike their colours are.
- guided: the fast guided filter (He & Sun, arXiv 1505.00996) with the picture's RGB as the guide. The
  coefficients are made at the mask's size, by the app from the mask or by the segmenter itself, and
  stored as one RGBA16F texture per group, (a_r, a_g, a_b, b); the pass computes dot(a, rgb) + b.
  Half floats, because a reaches far outside [0, 1]; ES 3.0, Metal and WebGPU all filter them.

The numbers below were chosen on `people/train` by `benchmarks/mask_refinement.py --tune`; never on eval.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgekit.errors import UnknownName

FloatArray = NDArray[np.float64]

REFINEMENTS = ("bilinear", "joint-bilateral", "guided")


@dataclass(frozen=True)
class JointBilateral:
    """reach: mask texels from the pixel to where the tent-shaped weight is zero; (2·reach)² taps.

    sigma: the colour distance, in encoded RGB of [0, 1], at which a tap's weight falls to exp(−½).
    """

    reach: int = 2
    sigma: float = 0.10


@dataclass(frozen=True)
class Guided:
    """radius: of the window in mask texels. epsilon: the variance of the guide that counts as flat."""

    radius: int = 2
    epsilon: float = 1e-3


JOINT_BILATERAL = JointBilateral()
GUIDED = Guided()

# Where no tap resembles the pixel, each keeps this weight: the result falls back to plain nearness.
COLOUR_WEIGHT_FLOOR = 1e-3
# Added before a guide texel's index is cut down to whole numbers: a mask texel's centre often falls
# exactly between two picture texels, and rounding must not decide which one a GPU takes.
TEXEL_TIE_BIAS = 1.0 / 64.0


def refinement(name: str) -> str:
    """The name itself when it is known; UnknownName lists the known ones."""
    if name not in REFINEMENTS:
        raise UnknownName("mask refinement", name, REFINEMENTS)
    return name


def guided_coefficients(
    weights: NDArray[np.floating], guide: NDArray[np.floating], settings: Guided = GUIDED
) -> NDArray[np.float16]:
    """The fast guided filter's averaged coefficients, at the mask's size.

    weights: (H, W, K) of K groups in [0, 1]. guide: (H, W, 3) encoded RGB in [0, 1], the picture reduced
    by area to the mask's size. Returns (K, H, W, 4) float16: a_r, a_g, a_b, b for every group.
    """
    guide = guide.astype(np.float64)
    weights = weights.astype(np.float64)
    mean = box_mean(guide, settings.radius)  # (H, W, 3)
    outer = guide[..., :, None] * guide[..., None, :]
    covariance = box_mean(outer, settings.radius) - mean[..., :, None] * mean[..., None, :]
    damped = covariance + settings.epsilon * np.eye(3)  # (H, W, 3, 3)
    mean_weights = box_mean(weights, settings.radius)  # (H, W, K)
    cross = box_mean(guide[..., :, None] * weights[..., None, :], settings.radius)
    cross -= mean[..., :, None] * mean_weights[..., None, :]  # (H, W, 3, K)
    slope = np.linalg.solve(damped, cross)  # (H, W, 3, K)
    offset = mean_weights - np.einsum("hwc,hwck->hwk", mean, slope)
    both = np.concatenate([slope, offset[..., None, :]], axis=-2)  # (H, W, 4, K)
    averaged = box_mean(both, settings.radius)
    return averaged.transpose(3, 0, 1, 2).astype(np.float16)  # (K, H, W, 4)


def box_mean(values: FloatArray, radius: int) -> FloatArray:
    """The mean over the (2·radius + 1)² window, cut at the border. values: (H, W, ...)."""
    for axis in (0, 1):
        values = _running_mean(values, radius, axis)
    return values


def _running_mean(values: FloatArray, radius: int, axis: int) -> FloatArray:
    length = values.shape[axis]
    total = np.insert(np.cumsum(values, axis=axis), 0, 0.0, axis=axis)
    at = np.arange(length)
    low, high = np.maximum(at - radius, 0), np.minimum(at + radius + 1, length)
    count = (high - low).reshape([-1 if a == axis else 1 for a in range(values.ndim)])
    mean: FloatArray = (np.take(total, high, axis=axis) - np.take(total, low, axis=axis)) / count
    return mean
