"""Edge-aware mask refinement: a 128² mask follows the edges of a 12-megapixel picture.

- bilinear: the mask as the texture unit interpolates it.
- joint-bilateral: the texels around a pixel, weighted by nearness and by how alike their colours are.
- guided: the fast guided filter (He & Sun, arXiv 1505.00996) with the picture's RGB as the guide. The
  coefficients are made at the mask's size, by the app from the mask or by the segmenter itself, and
  stored as one RGBA16F texture per group, (a_r, a_g, a_b, b); the pass computes dot(a, rgb) + b.
  Half floats, because a reaches far outside [0, 1]; ES 3.0, Metal and WebGPU all filter them.
  Two departures from the paper, both measured to be better at this scale: the window is the smallest
  there is, 3×3 with binomial weights, and the texture unit's interpolation is the only averaging of
  the coefficients.

The numbers below were chosen on `people/train` by `benchmarks/mask_refinement.py --tune`; never on eval.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgekit.color.engine import upsampled_rows
from edgekit.errors import UnknownName
from edgekit.shader import transforms
from edgekit.shader.transforms import IDENTITY

FloatArray = NDArray[np.float64]
# (mask (h, w, K) in [0, 1], picture (H, W, 3) encoded in [0, 1]) → (H, W, K), not clipped
Refine = Callable[[NDArray[np.float32], NDArray[np.float32]], NDArray[np.float32]]


@dataclass(frozen=True)
class JointBilateral:
    """Parameters of joint-bilateral refinement.

    reach: mask texels from the pixel to the end of the tent-shaped weight; (2·reach)² taps.
    sigma: the colour distance, in encoded RGB of [0, 1], at which a tap's weight falls to exp(−½).
    """

    reach: int = 1
    sigma: float = 0.07


@dataclass(frozen=True)
class Guided:
    """Parameters of guided refinement.

    epsilon: the variance of the guide, in encoded RGB of [0, 1], below which it counts as flat. Smaller is
    slightly better on clean photos; 1e-4 is a standard deviation of 2.5 levels of 255, about a phone's noise
    in daylight, and keeps the coefficients in the range where half floats are fine enough.
    """

    epsilon: float = 1e-4


JOINT_BILATERAL = JointBilateral()
GUIDED = Guided()

BAND_ROWS = 128  # the coefficients of a band of a 4000-pixel-wide picture are 8 MB per group
# Where no tap resembles the pixel, each keeps this weight: the result falls back to plain nearness.
COLOUR_WEIGHT_FLOOR = 1e-3
# Added before a guide texel's index is rounded down: a mask texel's centre often falls exactly between two
# picture texels, and a GPU's rounding error must not decide which one it takes.
TEXEL_TIE_BIAS = 1.0 / 64.0


def guided_coefficients(
    weights: NDArray[np.floating], guide: NDArray[np.floating], settings: Guided = GUIDED
) -> FloatArray:
    """The guided filter's coefficients at the mask's size.

    With E the binomial mean over 3×3 texels, I the guide and p a group's weight:
    a = (E[I Iᵀ] − E[I] E[I]ᵀ + ε·1)⁻¹ (E[I p] − E[I] E[p]) and b = E[p] − aᵀ E[I].

    weights: (H, W, K) of K groups in [0, 1]. guide: (H, W, 3) encoded RGB in [0, 1], the picture reduced
    by area to the mask's size. Returns (K, H, W, 4): a_r, a_g, a_b, b for every group.
    """
    rgb: FloatArray = guide.astype(np.float64)
    share: FloatArray = weights.astype(np.float64)
    mean = binomial_mean(rgb)  # (H, W, 3)
    mean_share = binomial_mean(share)  # (H, W, K)
    covariance = (
        binomial_mean(rgb[..., :, None] * rgb[..., None, :]) - mean[..., :, None] * mean[..., None, :]
    )
    cross = binomial_mean(rgb[..., :, None] * share[..., None, :])
    cross -= mean[..., :, None] * mean_share[..., None, :]  # (H, W, 3, K)
    slope = np.linalg.solve(covariance + settings.epsilon * np.eye(3), cross)  # (H, W, 3, K)
    offset = mean_share - np.einsum("hwc,hwck->hwk", mean, slope)
    both: FloatArray = np.concatenate([slope, offset[..., None, :]], axis=-2)  # (H, W, 4, K)
    return both.transpose(3, 0, 1, 2)


def joint_bilateral_weights(
    mask: FloatArray, guide: FloatArray, c: FloatArray, mask_uv: FloatArray, settings: JointBilateral
) -> FloatArray:
    """The mask at every pixel: the mean of the texels around it, weighted by nearness and likeness of colour.

    mask: (h, w, K) in [0, 1]. guide: (h, w, 3), the picture's colour at each mask texel's centre.
    c: (H, W, 3), the pixels' colours. mask_uv: (H, W, 2), their positions in the mask. Returns (H, W, K).
    """
    height, width = mask.shape[:2]
    position = mask_uv * np.array([width, height])
    first = np.floor(position - 0.5).astype(np.intp) - (settings.reach - 1)
    total = np.zeros((*c.shape[:2], mask.shape[2]))
    norm = np.zeros((*c.shape[:2], 1))
    for dy in range(2 * settings.reach):
        for dx in range(2 * settings.reach):
            texel = first + np.array([dx, dy])
            near = np.maximum(0.0, 1.0 - np.abs(texel + 0.5 - position) / settings.reach).prod(axis=-1)
            x, y = np.clip(texel[..., 0], 0, width - 1), np.clip(texel[..., 1], 0, height - 1)
            likeness = np.exp(-0.5 / settings.sigma**2 * ((guide[y, x] - c) ** 2).sum(axis=-1))
            weight = (near * np.maximum(likeness, COLOUR_WEIGHT_FLOOR))[..., None]
            total += mask[y, x] * weight
            norm += weight
    return total / norm


def guide_at_mask_texels(
    image: FloatArray,
    mask_shape: tuple[int, ...],
    image_from_mask: NDArray[np.floating] = IDENTITY,
) -> FloatArray:
    """The picture's texel at every mask texel's centre. image: (H, W, 3). Returns (h, w, 3)."""
    height, width = image.shape[:2]
    centres = transforms.apply(image_from_mask, transforms.pixel_centres(mask_shape[0], mask_shape[1]))
    at = np.floor(centres * np.array([width, height]) + TEXEL_TIE_BIAS).astype(np.intp)
    texel: FloatArray = image[np.clip(at[..., 1], 0, height - 1), np.clip(at[..., 0], 0, width - 1)]
    return texel


def guided_refine(
    mask: NDArray[np.float32], picture: NDArray[np.float32], settings: Guided = GUIDED
) -> NDArray[np.float32]:
    """The guided mask at the picture's size, computed one band of rows at a time. See `Refine`."""
    import cv2

    height, width = picture.shape[:2]
    reduced = cv2.resize(picture, (mask.shape[1], mask.shape[0]), interpolation=cv2.INTER_AREA)
    guide = np.asarray(reduced, np.float32)
    coefficients = guided_coefficients(mask, guide, settings).astype(np.float32)
    full = np.empty((height, width, mask.shape[2]), np.float32)
    for rows in _bands(height):
        for group, planes in enumerate(coefficients):
            a = upsampled_rows(planes, (height, width), rows)  # (rows, W, 4)
            full[rows, :, group] = (a[..., :3] * picture[rows]).sum(axis=-1) + a[..., 3]
    return full


def joint_bilateral_refine(
    mask: NDArray[np.float32], picture: NDArray[np.float32], settings: JointBilateral = JOINT_BILATERAL
) -> NDArray[np.float32]:
    """The joint-bilateral mask at the picture's size, computed one band of rows at a time. See `Refine`."""
    height, width = picture.shape[:2]
    guide = guide_at_mask_texels(picture.astype(np.float64), mask.shape[:2])
    uv = transforms.pixel_centres(height, width)
    full = np.empty((height, width, mask.shape[2]), np.float32)
    for rows in _bands(height):
        c = picture[rows].astype(np.float64)
        full[rows] = joint_bilateral_weights(mask.astype(np.float64), guide, c, uv[rows], settings)
    return full


# The refinements for the CPU engine; None is the engine's own bilinear upsampling.
REFINES: dict[str, Refine | None] = {
    "bilinear": None,
    "joint-bilateral": joint_bilateral_refine,
    "guided": guided_refine,
}


def refine_named(name: str) -> Refine | None:
    """The CPU function of that refinement; UnknownName lists the known ones."""
    if name not in REFINES:
        raise UnknownName("mask refinement", name, REFINES)
    return REFINES[name]


def _bands(height: int) -> Iterator[slice]:
    for start in range(0, height, BAND_ROWS):
        yield slice(start, min(start + BAND_ROWS, height))


def binomial_mean(values: FloatArray) -> FloatArray:
    """The mean with weights 1 2 1 along both axes and the border repeated. values: (H, W, ...)."""
    for axis in (0, 1):
        widths = [(1, 1) if a == axis else (0, 0) for a in range(values.ndim)]
        padded = np.pad(values, widths, mode="edge")
        before, here, after = (
            np.take(padded, np.arange(k, k + values.shape[axis]), axis=axis) for k in range(3)
        )
        values = (before + 2.0 * here + after) / 4.0
    return values
