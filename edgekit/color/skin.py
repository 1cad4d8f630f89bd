"""The skin certificate: how far a style can move the hue and lightness of skin, measured on a stated locus.

The locus: the ten sRGB values of the Monk Skin Tone scale (Monk & Google, 2022, CC BY 4.0), each under
seven lights (Bradford adaptation, as if the camera's white balance had kept the cast) and three exposures.
Patches outside sRGB are dropped. The hue angle is noise near grey, so hue is compared only where CIELAB
chroma is at least MIN_CHROMA.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from edgekit.color.controls import NO_CONTROLS, SKIN, Controls, adjust, amount
from edgekit.color.interpolation import tetrahedral
from edgekit.color.lut import Lut3D
from edgekit.color.rgb import (
    D65_XYZ,
    XYZ_FROM_SRGB,
    FloatArray,
    adaptation,
    encoded_from_linear,
    linear_from_encoded,
    white_from_kelvin,
)

MONK_SKIN_TONES = (
    "f6ede4",
    "f3e7db",
    "f7ead0",
    "eadaba",
    "d7bd96",
    "a07e56",
    "825c43",
    "604134",
    "3a312a",
    "292420",
)
# Candle-warm tungsten with half its cast removed, warm white LED, horizon, noon, D65, overcast, shade.
LIGHTS_KELVIN = (3400, 4000, 5000, 5500, 6504, 7500, 9000)
EXPOSURES = (0.5, 1.0, 1.4)  # linear: one stop down, unchanged, half a stop up
MIN_CHROMA = 8.0  # CIELAB; below it a skin patch is nearly grey and its hue angle is noise


@dataclass(frozen=True)
class SkinChange:
    """The largest and mean changes over the locus, in CIELAB (D65). Hue is None when the result is colourless."""

    max_hue_deg: float | None
    max_lightness: float
    max_delta_e00: float
    mean_delta_a: float
    mean_delta_b: float


def skin_locus() -> NDArray[np.float64]:
    """Every skin tone under every light and exposure, as far as sRGB can show it: (n, 3) encoded sRGB in [0, 1]."""
    tones = np.array([[int(code[k : k + 2], 16) / 255 for k in (0, 2, 4)] for code in MONK_SKIN_TONES])
    xyz = linear_from_encoded(tones) @ XYZ_FROM_SRGB.T
    patches = []
    for kelvin, exposure in product(LIGHTS_KELVIN, EXPOSURES):
        adapted = xyz @ adaptation(D65_XYZ, white_from_kelvin(kelvin)).T
        patches.append(exposure * adapted @ np.linalg.inv(XYZ_FROM_SRGB).T)
    linear = np.concatenate(patches)
    inside = ((linear >= 0.0) & (linear <= 1.0)).all(axis=-1)
    return np.asarray(encoded_from_linear(linear[inside]), np.float64)


def skin_change(lut: Lut3D, controls: Controls = NO_CONTROLS) -> SkinChange:
    """The change of the locus by a skin table, over [0, 1], with these controls."""
    before = skin_locus()
    styled = adjust(tetrahedral(lut.table, before), controls, SKIN)
    return change_between(before, before + amount(controls, SKIN) * (styled - before))


def change_between(before: FloatArray, after: FloatArray) -> SkinChange:
    """The change from `before` to `after`, both (n, 3) encoded sRGB in [0, 1]."""
    from skimage.color import deltaE_ciede2000, rgb2lab

    lab_before, lab_after = rgb2lab(before), rgb2lab(after)
    chroma_before, chroma_after = (np.hypot(lab[:, 1], lab[:, 2]) for lab in (lab_before, lab_after))
    judged = (chroma_before >= MIN_CHROMA) & (chroma_after >= MIN_CHROMA)
    angles = [np.degrees(np.arctan2(lab[judged, 2], lab[judged, 1])) for lab in (lab_before, lab_after)]
    turn = np.abs((angles[1] - angles[0] + 180.0) % 360.0 - 180.0)
    shift = (lab_after - lab_before).mean(axis=0)
    return SkinChange(
        max_hue_deg=_rounded(turn.max()) if judged.any() else None,
        max_lightness=_rounded(np.abs(lab_after[:, 0] - lab_before[:, 0]).max()),
        max_delta_e00=_rounded(np.max(deltaE_ciede2000(lab_before, lab_after))),  # type: ignore[no-untyped-call]
        mean_delta_a=_rounded(shift[1]),
        mean_delta_b=_rounded(shift[2]),
    )


def _rounded(value: float | np.floating) -> float:
    """Round to 0.001, so that a style file is the same on every machine."""
    return round(float(value), 3)
