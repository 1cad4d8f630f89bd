"""The runtime controls: sliders that change the picture at once, without rebuilding a table.

This file *is* the specification; every shader repeats it. All colours are encoded sRGB (or encoded
Display P3 when the tables were made for it) in [0, 1], which is what a table takes and returns.
For one pixel of colour `c`, with the weights w of skin, hair and clothes from the mask and
w_background = 1 − (w_skin + w_hair + w_clothes):

    curve(c, k)  = c + k·c·(1 − c)                                     per channel, |k| ≤ 1
    grey(c)      = √(LUMINANCE · c²)                                   c² per channel
    room(c)      = 4 · min(c) · (1 − max(c))                           of the channels
    vivid(c, k)  = c + (room(c)·max(k, 0) + MUTED·min(k, 0)) · (c − grey(c))
    toned        = curve(lookup(g, c), TONE·tone)                      lookup → tone → color → warmth
    styled(g)    = curve(vivid(toned, color·share(g)), WARMTH_RGB·warmth·share(g))
    amount(g)    = intensity · strength(g) · (1 − skin_protection if g is skin, else 1)
    mixed        = c + Σ_g  w_g · amount(g) · (styled(g) − c)          over the groups that have a layer
    result       = grained(mixed, GRAIN · grain · intensity · n)       see `edgekit.color.grain`

with share(skin) = SKIN_SHARE and share(other) = 1. A group without a layer is left out of the sum, so
tone, color and warmth do not change it either; grain lies over everything. A layer may show a second picture, whose
colour then takes the place of lookup(g, c).

Why this curve: three instructions and no pow; it keeps 0, 1 and the range [0, 1] exactly for |k| ≤ 1;
its slope is between 1 − |k| and 1 + |k|, so it is monotone and cannot band by more than that factor;
k = 0 is the identity. The result is a convex mix of colours in the gamut, so it is in the gamut.

Why this color: along the line from the grey of about the same luminance (the square stands for the
transfer curve), so hue and lightness change little. The room is 0 on every face of the gamut and 1 at
middle grey, so 4·x·(1 − x) ≤ 1 keeps every colour inside for k ≤ 1; what is muted gains the most, and what
is saturated nothing. A polynomial and one root, so a table bakes it well. k = 0 is the identity.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgekit.errors import EdgekitError

SKIN = "skin"
# In the order of the mask's channels. The background has no channel: its weight is 1 minus the other three.
GROUPS = ("skin", "hair", "clothes", "background")

# tone = ±1 moves middle grey (0.5 encoded) by 0.125, 32 levels of 255: about two thirds of a stop.
TONE = 0.5
# warmth = +1 moves middle grey as far as daylight does from 6500 K to 4500 K (CIE D series, luminance
# kept, through IEC 61966-2-1): (0.558, 0.491, 0.397), hence 4·(grey − 0.5). −1 is near 11 000 K.
WARMTH_RGB = (0.23, -0.04, -0.40)
LUMINANCE = (0.2126, 0.7152, 0.0722)  # of linear sRGB (IEC 61966-2-1, as ITU-R BT.709)
# color = −1 leaves half of the chroma: grey is for a style to choose, and grey around coloured skin looks wrong.
MUTED = 0.5
# Skin gets a third of color and warmth: it still belongs to the picture, and its hue turns by at most 3° from color
# alone, as much as a style that keeps skin may turn it. The skin that viewers prefer has a chroma of its own (C*ab 25
# for East Asian faces and observers: Chen et al. 2013, doi:10.2352/J.ImagingSci.Technol.2013.57.3.030501).
SKIN_SHARE = 1.0 / 3.0


@dataclass(frozen=True)
class Controls:
    """The settings of the controls.

    intensity, skin_protection and grain are in [0, 1]; tone (dark to bright), color (muted to vivid) and warmth (cool
    to warm) in [−1, 1].
    """

    intensity: float = 1.0
    tone: float = 0.0
    warmth: float = 0.0
    skin_protection: float = 0.0
    color: float = 0.0
    grain: float = 0.0

    def __post_init__(self) -> None:
        for control in CONTROL_RANGES:
            value = getattr(self, control.name)
            if not control.minimum <= value <= control.maximum:
                known = f"from {control.minimum:g} to {control.maximum:g}"
                raise EdgekitError(f"{control.name} is {value}; give a number {known}.")


@dataclass(frozen=True)
class ControlRange:
    """The range of one control, for an app's slider and a shader's uniform. `neutral` changes nothing."""

    name: str
    minimum: float
    maximum: float
    default: float
    neutral: float


CONTROL_RANGES = (
    ControlRange("intensity", 0.0, 1.0, default=1.0, neutral=0.0),
    ControlRange("tone", -1.0, 1.0, default=0.0, neutral=0.0),
    ControlRange("warmth", -1.0, 1.0, default=0.0, neutral=0.0),
    ControlRange("skin_protection", 0.0, 1.0, default=0.0, neutral=0.0),
    ControlRange("color", -1.0, 1.0, default=0.0, neutral=0.0),
    ControlRange("grain", 0.0, 1.0, default=0.0, neutral=0.0),
)
NO_CONTROLS = Controls()


def curve(c: NDArray[np.floating], k: float | NDArray[np.floating]) -> NDArray[np.floating]:
    """The curve c + k·c·(1 − c). c: (..., 3) in [0, 1]; |k| ≤ 1. The result is in [0, 1] and monotone in c."""
    return c + k * c * (1.0 - c)


def vivid(c: NDArray[np.floating], k: float) -> NDArray[np.floating]:
    """Chroma raised (k > 0) or lowered, along the line from grey. c: (..., 3) in [0, 1], as the result; |k| ≤ 1."""
    grey = np.sqrt((c * c * np.asarray(LUMINANCE)).sum(axis=-1, keepdims=True))
    room = 4.0 * c.min(axis=-1, keepdims=True) * (1.0 - c.max(axis=-1, keepdims=True))
    moved: NDArray[np.floating] = c + (room * max(k, 0.0) + MUTED * min(k, 0.0)) * (c - grey)
    return moved


def adjust(c: NDArray[np.floating], controls: Controls, group: str) -> NDArray[np.floating]:
    """Apply tone, color and warmth to a looked-up colour. c: (..., 3) encoded in [0, 1]. Returns the same shape."""
    toned = curve(c, TONE * controls.tone)
    coloured = vivid(toned, controls.color * share(group))
    return curve(coloured, np.asarray(WARMTH_RGB) * (controls.warmth * share(group)))


def amount(controls: Controls, group: str, strength: float = 1.0) -> float:
    """The fraction of a group's styled colour that is mixed in, before the mask's weight is applied."""
    kept = controls.skin_protection if group == SKIN else 0.0
    return controls.intensity * strength * (1.0 - kept)


def share(group: str) -> float:
    """The fraction of the controls color and warmth that a group gets: share(g) of the formula."""
    return SKIN_SHARE if group == SKIN else 1.0


def blend(
    c: NDArray[np.floating],
    styled: Mapping[str, NDArray[np.floating]],
    amounts: Mapping[str, float],
    weights: NDArray[np.floating],
) -> NDArray[np.floating]:
    """Mix the groups' styled colours into the original: the last line of the formula.

    c: (..., 3) encoded original. styled: group → (..., 3), without the groups that stay unchanged.
    amounts: group → `amount(...)`. weights: (..., 3) of skin, hair, clothes in [0, 1], sum ≤ 1.
    Returns (..., 3) in [0, 1].
    """
    result = c.astype(np.float64)
    for group, colour in styled.items():
        result = result + (group_weight(weights, group) * amounts[group])[..., None] * (colour - c)
    return np.clip(result, 0.0, 1.0)  # only rounding can leave the range


def group_weight(weights: NDArray[np.floating], group: str) -> NDArray[np.floating]:
    """The weight (...) of one group; the background's is what the others leave of 1.

    weights: (..., 3) of skin, hair, clothes.
    """
    if group == GROUPS[-1]:
        rest: NDArray[np.floating] = np.clip(1.0 - weights.sum(axis=-1), 0.0, 1.0)
        return rest
    return weights[..., GROUPS.index(group)]
