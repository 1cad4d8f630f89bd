"""Grades: the few perceptual parameters that turn a neutral photo into a look, and the table made from them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgekit.color.controls import curve
from edgekit.color.lut import Lut3D, grid
from edgekit.color.oklab import oklab_from_srgb, srgb_from_oklab
from edgekit.color.rgb import FloatArray, encoded_from_linear, linear_from_encoded

DEFAULT_SIZE = 33  # the smallest size whose 8-bit table stays below 2 ΔE76 everywhere (docs/color.md)
# Above this OKLCh chroma, vibrance adds nothing: the most saturated sRGB colours lie at 0.2 to 0.32.
VIBRANCE_CHROMA = 0.20
# Below this encoded value (25 levels of 255) a colour is so dark that its saturation is not visible.
DARKEST_SATURATED = 0.1


@dataclass(frozen=True)
class Tint:
    """A push of `chroma` (OKLab units) toward `hue` (OKLCh degrees: 30 red-orange, 85 gold, 250 blue)."""

    hue_deg: float = 0.0
    chroma: float = 0.0


NO_TINT = Tint()


@dataclass(frozen=True)
class Grade:
    """The parameters of a grade; all zeros is the identity.

    brightness: −1…1, k of `controls.curve` on the encoded grey of the same OKLab lightness.
    contrast: −1…1, S-curve on the same axis: slope 1 + contrast/2 in the middle, 1 − contrast at the ends.
    fade: 0…0.15, how far black rises; whites: 0…0.15, how far white sinks (encoded).
    chroma: −1…1, relative change of OKLCh chroma; −1 is black and white.
    vibrance: −1…1, relative change of chroma for muted colours only.
    hue_turn_deg: muted hues turn by this in OKLCh: skin toward yellow (+) or toward pink (−).
    shadows, midtones, highlights: tints that vanish at black and white.
    """

    brightness: float = 0.0
    contrast: float = 0.0
    fade: float = 0.0
    whites: float = 0.0
    chroma: float = 0.0
    vibrance: float = 0.0
    hue_turn_deg: float = 0.0
    shadows: Tint = NO_TINT
    midtones: Tint = NO_TINT
    highlights: Tint = NO_TINT


def graded(rgb: NDArray[np.floating], grade: Grade) -> FloatArray:
    """Apply a grade to (..., 3) encoded sRGB in [0, 1]. Returns the same shape, encoded sRGB in [0, 1]."""
    lab = oklab_from_srgb(rgb)
    grey = encoded_from_linear(np.clip(lab[..., 0], 0.0, 1.0) ** 3)  # the grey of the same lightness
    toned = tone_curve(grey, grade)
    faded = grade.fade + (1.0 - grade.fade - grade.whites) * toned
    room = muted_share(rgb)
    factor = chroma_factor(np.hypot(lab[..., 1], lab[..., 2]), room, grade) * _exposure(grey, toned)
    ab = turned(lab[..., 1:], grade.hue_turn_deg * room) * factor[..., None]
    ab = ab + sum_of_tints(grey, grade) * room[..., None]
    lightness = np.cbrt(linear_from_encoded(faded))
    graded_lab = np.concatenate([lightness[..., None], ab], axis=-1)
    # Colours that still leave the gamut are clipped per channel. Reducing OKLCh chroma at constant
    # lightness instead makes saturated yellow jump by 20 levels between neighbouring input levels.
    inside: FloatArray = np.clip(srgb_from_oklab(graded_lab), 0.0, 1.0)
    return inside


def lut_from_grade(grade: Grade, size: int = DEFAULT_SIZE, title: str = "") -> Lut3D:
    """The grade as a table of `size` points per side."""
    return Lut3D(graded(grid(size), grade).astype(np.float32), title=title)


def tone_curve(grey: NDArray[np.floating], grade: Grade) -> FloatArray:
    """Apply brightness, then contrast, to (...) encoded greys in [0, 1]. 0 and 1 do not change."""
    bright = np.asarray(curve(grey, grade.brightness), np.float64)
    return bright + grade.contrast * bright * (1.0 - bright) * (2.0 * bright - 1.0)


def muted_share(rgb: NDArray[np.floating]) -> FloatArray:
    """1 − S² of HSV, (...): 1 for grey, 0 for a fully saturated colour. rgb: (..., 3) encoded in [0, 1].

    Boosts, tints and hue turns are scaled by it, because pushing colours beyond the edge of the gamut makes
    bands.
    """
    largest = rgb.max(axis=-1)
    saturation = (largest - rgb.min(axis=-1)) / np.maximum(largest, DARKEST_SATURATED)
    return np.asarray(1.0 - saturation**2, np.float64)


def chroma_factor(chroma: FloatArray, room: FloatArray, grade: Grade) -> FloatArray:
    """The factor of OKLCh chroma, (...). Increases are scaled by `room`, the muted share; decreases are not."""
    pale = np.clip(1.0 - chroma / VIBRANCE_CHROMA, 0.0, 1.0) ** 2
    factor = (1.0 + grade.chroma) * (1.0 + grade.vibrance * pale)
    return np.asarray(np.where(factor > 1.0, 1.0 + (factor - 1.0) * room, factor), np.float64)


def turned(ab: FloatArray, degrees: FloatArray) -> FloatArray:
    """Turn hues toward yellow by `degrees`, (...), and keep the chroma. ab: (..., 2). Returns the same shape."""
    c, s = np.cos(np.deg2rad(degrees)), np.sin(np.deg2rad(degrees))
    a, b = ab[..., 0], ab[..., 1]
    return np.stack([c * a - s * b, s * a + c * b], axis=-1)


def sum_of_tints(grey: FloatArray, grade: Grade) -> FloatArray:
    """The sum of the tints' a, b shifts, (..., 2), weighted by Bernstein polynomials of degree 3 and 2 with peak 1."""
    weights = (
        (grade.shadows, 6.75 * grey * (1 - grey) ** 2),
        (grade.midtones, 4.0 * grey * (1 - grey)),
        (grade.highlights, 6.75 * grey**2 * (1 - grey)),
    )
    shifts: FloatArray = np.sum([weight[..., None] * _ab(tint) for tint, weight in weights], axis=0)
    return shifts


def _ab(tint: Tint) -> FloatArray:
    hue = np.deg2rad(tint.hue_deg)
    return tint.chroma * np.array([np.cos(hue), np.sin(hue)])


def _exposure(grey: FloatArray, toned: FloatArray) -> FloatArray:
    """The factor by which the exposure change grey → toned scales OKLab: L, a and b alike. Shape (...)."""
    before, after = np.cbrt(linear_from_encoded(grey)), np.cbrt(linear_from_encoded(toned))
    scale: FloatArray = np.divide(after, before, out=np.ones_like(before), where=before > 0)
    return scale
