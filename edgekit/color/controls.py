"""The runtime controls: sliders that change the picture at once, without rebuilding a table.

This file *is* the specification; every shader repeats it. All colours are encoded sRGB (or encoded
Display P3 when the tables were made for it) in [0, 1], which is what a table takes and returns.
For one pixel of colour `c`, with the weights w of skin, hair and clothes from the mask and
w_background = 1 − (w_skin + w_hair + w_clothes):

    curve(c, k)  = c + k·c·(1 − c)                                     per channel, |k| ≤ 1
    adjust(c, g) = curve(curve(c, TONE·tone), WARMTH_RGB·warmth·share(g))
    styled(g)    = adjust(lookup(g, c), g)                             lookup → tone → warmth
    amount(g)    = intensity · strength(g) · (1 − skin_protection if g is skin, else 1)
    result       = c + Σ_g  w_g · amount(g) · (styled(g) − c)          over the groups that have a layer

with share(skin) = SKIN_WARMTH_SHARE and share(other) = 1. A group without a layer is left out of the
sum, so tone and warmth do not change it either. A layer may show a second picture, whose colour then
takes the place of lookup(g, c).

Why this curve: three instructions and no pow; it keeps 0, 1 and the range [0, 1] exactly for |k| ≤ 1;
its slope is between 1 − |k| and 1 + |k|, so it is monotone and cannot band by more than that factor;
k = 0 is the identity. The result is a convex mix of colours in the gamut, so it is in the gamut.
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
# Skin gets a third of the warmth: its hue changes little, but it still belongs to the warmer picture.
SKIN_WARMTH_SHARE = 1.0 / 3.0


@dataclass(frozen=True)
class Controls:
    """The settings of the controls.

    intensity and skin_protection are in [0, 1]; tone (dark to bright) and warmth (cool to warm) in [−1, 1].
    """

    intensity: float = 1.0
    tone: float = 0.0
    warmth: float = 0.0
    skin_protection: float = 0.0

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
)
NO_CONTROLS = Controls()


def curve(c: NDArray[np.floating], k: float | NDArray[np.floating]) -> NDArray[np.floating]:
    """The curve c + k·c·(1 − c). c: (..., 3) in [0, 1]; |k| ≤ 1. The result is in [0, 1] and monotone in c."""
    return c + k * c * (1.0 - c)


def adjust(c: NDArray[np.floating], controls: Controls, group: str) -> NDArray[np.floating]:
    """Apply tone, then warmth, to a looked-up colour. c: (..., 3) encoded in [0, 1]. Returns the same shape."""
    toned = curve(c, TONE * controls.tone)
    return curve(toned, np.asarray(WARMTH_RGB) * (controls.warmth * warmth_share(group)))


def amount(controls: Controls, group: str, strength: float = 1.0) -> float:
    """The fraction of a group's styled colour that is mixed in, before the mask's weight is applied."""
    kept = controls.skin_protection if group == SKIN else 0.0
    return controls.intensity * strength * (1.0 - kept)


def warmth_share(group: str) -> float:
    """The fraction of the warmth control that a group gets: share(g) of the formula."""
    return SKIN_WARMTH_SHARE if group == SKIN else 1.0


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
