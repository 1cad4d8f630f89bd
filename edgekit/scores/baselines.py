"""Classical skin detectors by colour thresholds, which a parser is judged beside."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray
from skimage.color import rgb2hsv, rgb2ycbcr

Image = NDArray[np.uint8]  # (H, W, 3) sRGB
Planes = NDArray[np.float64]  # (3, H, W)
Baseline = Callable[[Image], NDArray[np.bool_]]  # a photo to its skin mask, (H, W)


def skin_by_ycbcr(image: Image) -> NDArray[np.bool_]:
    """Skin mask by 77 ≤ Cb ≤ 127 and 133 ≤ Cr ≤ 173 (Chai and Ngan, IEEE TCSVT 9(4), 1999)."""
    planes: Planes = np.moveaxis(rgb2ycbcr(image), -1, 0)
    _, blue, red = planes
    found: NDArray[np.bool_] = (blue >= 77) & (blue <= 127) & (red >= 133) & (red <= 173)
    return found


def skin_by_hsv(image: Image) -> NDArray[np.bool_]:
    """Skin mask by H ≤ 50° and 0.23 ≤ S ≤ 0.68 (Sobottka and Pitas, Signal Process.: Image Commun. 12, 1998)."""
    planes: Planes = np.moveaxis(rgb2hsv(image), -1, 0)
    hue, saturation, _ = planes
    found: NDArray[np.bool_] = (hue * 360 <= 50) & (saturation >= 0.23) & (saturation <= 0.68)
    return found


def skin_by_both(image: Image) -> NDArray[np.bool_]:
    return skin_by_ycbcr(image) & skin_by_hsv(image)


BASELINES: Mapping[str, Baseline] = {
    "YCbCr thresholds": skin_by_ycbcr,
    "HSV thresholds": skin_by_hsv,
    "YCbCr and HSV": skin_by_both,
}
