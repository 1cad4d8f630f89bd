"""Strata of photos: by skin tone, brightness and size of the person, each by fixed cut-offs.

Skin tone is the individual typology angle, ITA = arctan((L* - 50) / b*) in degrees, of the median skin pixel, with the
six classes of Chardon et al. (Int. J. Cosmet. Sci. 13, 1991) as named by Del Bino and Bernerd (Br. J. Dermatol. 169,
2013). In a photo the angle follows the light as well as the skin, so a stratum groups photos, not people.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from skimage.color import rgb2lab

from edgekit.scores.metrics import IGNORE

SKIN_TONE, BRIGHTNESS, PERSON_SIZE = "skin tone", "brightness", "person size"
# Dimension to its strata, each with the least value that it takes; from the highest down.
STRATA: dict[str, tuple[tuple[str, float], ...]] = {
    SKIN_TONE: (
        ("very light", 55.0),
        ("light", 41.0),
        ("intermediate", 28.0),
        ("tan", 10.0),
        ("brown", -30.0),
        ("dark", -math.inf),
    ),
    BRIGHTNESS: (("bright", 65.0), ("medium", 35.0), ("dim", -math.inf)),  # mean L*
    PERSON_SIZE: (("large", 0.35), ("medium", 0.1), ("small", -math.inf)),  # share of the frame
}
LEAST_SKIN_SHARE = 0.001  # of the frame; the median of fewer pixels is that of a few badly lit ones
SAMPLED_EVERY = 4  # rows and columns; a mean over 16,000 pixels is known to 0.2 L*
Image = NDArray[np.uint8]  # (H, W, 3) sRGB
Labels = NDArray[np.uint8]  # (H, W)


@dataclass(frozen=True)
class Traits:
    """What a photo is sorted by; None if it shows no skin or no person, or if that is unknown.

    ita_deg: of the median skin pixel. mean_lightness: CIELAB L*, 0 to 100. person_share: of the frame, in [0, 1].
    """

    ita_deg: float | None
    mean_lightness: float | None
    person_share: float | None

    def strata(self) -> dict[str, str]:
        """Dimension to the name of the photo's stratum; without the dimensions in which it has none."""
        values = {
            SKIN_TONE: self.ita_deg,
            BRIGHTNESS: self.mean_lightness,
            PERSON_SIZE: self.person_share or None,
        }
        return {
            dimension: next(name for name, least in STRATA[dimension] if value >= least)
            for dimension, value in values.items()
            if value is not None
        }


NO_TRAITS = Traits(None, None, None)  # of a photo that is sorted into no stratum


def traits_of(image: Image, labels: Labels, skin: Sequence[int]) -> Traits:
    """The traits of a photo from true labels or the reference's, of the photo's own shape; class 0 is background."""
    known = labels != IGNORE
    shown = np.isin(labels, skin) & known
    sampled = _lab(image[::SAMPLED_EVERY, ::SAMPLED_EVERY])
    enough = shown.sum() >= max(1.0, LEAST_SKIN_SHARE * shown.size)
    return Traits(
        ita_deg=ita_deg(image[shown]) if enough else None,
        mean_lightness=float(sampled[..., 0].mean()),
        person_share=float((labels[known] != 0).mean()) if known.any() else None,
    )


def ita_deg(pixels: Image) -> float:
    """The individual typology angle of the median of skin pixels, (n, 3) sRGB, in degrees, from -90 to 90."""
    lightness, _, yellow = np.median(_lab(pixels), axis=0)
    return math.degrees(math.atan2(lightness - 50.0, max(float(yellow), 1e-6)))


def _lab(pixels: Image) -> NDArray[np.float64]:
    return np.asarray(rgb2lab(pixels), np.float64)
