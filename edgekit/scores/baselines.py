"""Classical skin detectors by colour, which a parser is judged beside."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from skimage.color import rgb2hsv, rgb2ycbcr

from edgekit.scores.masks import Mask, SoftMask

Image = NDArray[np.uint8]  # (H, W, 3) sRGB
Labels = NDArray[np.uint8]  # (H, W) class indices
Planes = NDArray[np.float64]  # (3, H, W)
Baseline = Callable[[Image], Mask]  # a photo to its skin mask, (H, W)
SKIN = "skin"  # the group that baselines find


@dataclass(frozen=True)
class Shown:
    """A photo as detectors see it. parsed: the classes that the first parser finds, (H, W); None without a parser."""

    name: str
    image: Image
    parsed: Labels | None = None


class Detector(Protocol):
    """Finds one group of classes on a photo, as a mask or as a soft mask in [0, 1], (H, W)."""

    @property
    def group(self) -> str: ...
    def find(self, shown: Shown) -> Mask | SoftMask: ...


@dataclass(frozen=True)
class SkinByColour:
    """A detector of skin that sees nothing but the photo."""

    baseline: Baseline
    group: str = SKIN

    def find(self, shown: Shown) -> Mask:
        return self.baseline(shown.image)


@dataclass(frozen=True)
class SkinLikeTheFace:
    """A detector of skin by the HSV range of the face that the parser finds; without a face it finds nothing.

    A pixel is skin if its hue, saturation and value each lie between the 5th and the 95th percentile of the face's
    pixels. face: index of the class.
    """

    face: int
    group: str = SKIN

    def find(self, shown: Shown) -> Mask:
        planes = hsv_around_red(shown.image)
        face = np.zeros(planes.shape[1:], bool) if shown.parsed is None else shown.parsed == self.face
        if not face.any():
            return face
        low, high = np.percentile(planes[:, face], FACE_PERCENTILES, axis=1)[..., None, None]
        found: Mask = ((planes >= low) & (planes <= high)).all(axis=0)
        return found


FACE_PERCENTILES = (5, 95)  # 90 % of the face in each channel; the rest is eyes, lips, shine and shadow
FACE_RANGE = "face's HSV range"


def hsv_around_red(image: Image) -> Planes:
    """Hue, saturation and value in [0, 1]; red, the hue of skin, is at 0.5, so that no range of it wraps."""
    planes: Planes = np.moveaxis(rgb2hsv(image), -1, 0)
    planes[0] = (planes[0] + 0.5) % 1.0
    return planes


def skin_by_ycbcr(image: Image) -> Mask:
    """Skin mask by 77 ≤ Cb ≤ 127 and 133 ≤ Cr ≤ 173 (Chai and Ngan, IEEE TCSVT 9(4), 1999)."""
    _, blue, red = _ycbcr(image)
    found: Mask = (blue >= 77) & (blue <= 127) & (red >= 133) & (red <= 173)
    return found


def skin_by_hsv(image: Image) -> Mask:
    """Skin mask by H ≤ 50° and 0.23 ≤ S ≤ 0.68 (Sobottka and Pitas, Signal Process.: Image Commun. 12, 1998)."""
    planes: Planes = np.moveaxis(rgb2hsv(image), -1, 0)
    hue, saturation, _ = planes
    found: Mask = (hue * 360 <= 50) & (saturation >= 0.23) & (saturation <= 0.68)
    return found


def skin_by_both(image: Image) -> Mask:
    return skin_by_ycbcr(image) & skin_by_hsv(image)


def skin_by_ellipse(image: Image) -> Mask:
    """Skin mask by an ellipse in Cb and Cr, transformed by luma (Hsu et al., IEEE TPAMI 24(5), 2002, eqs. 1 to 8).

    Without that paper's correction of the light by the brightest pixels.
    """
    luma, blue, red = _ycbcr(image)
    across = _at_middle_luma(luma, blue, BLUE_CHROMA) - ELLIPSE_CENTRE[0]
    along = _at_middle_luma(luma, red, RED_CHROMA) - ELLIPSE_CENTRE[1]
    cosine, sine = math.cos(ELLIPSE_ANGLE), math.sin(ELLIPSE_ANGLE)
    x = (cosine * across + sine * along - ELLIPSE_SHIFT[0]) / ELLIPSE_AXES[0]
    y = (cosine * along - sine * across - ELLIPSE_SHIFT[1]) / ELLIPSE_AXES[1]
    found: Mask = x**2 + y**2 <= 1
    return found


ELLIPSE_CENTRE, ELLIPSE_SHIFT, ELLIPSE_AXES, ELLIPSE_ANGLE = (
    (109.38, 152.02),
    (1.60, 2.41),
    (25.39, 14.03),
    2.53,
)
LUMAS = (
    16.0,
    125.0,
    188.0,
    235.0,
)  # of black, where the cluster of skin begins and ends to be wide, of white


@dataclass(frozen=True)
class _Cluster:
    """Centre and width of skin's cluster in one chroma, at black, in the middle range of luma, and at white."""

    centres: tuple[float, float, float]
    widths: tuple[float, float, float]


BLUE_CHROMA = _Cluster((118.0, 108.0, 118.0), (23.0, 46.97, 14.0))
RED_CHROMA = _Cluster((144.0, 154.0, 132.0), (20.0, 38.76, 10.0))


def _at_middle_luma(luma: Planes, chroma: Planes, cluster: _Cluster) -> Planes:
    """The chroma that a pixel of skin would have at middle luma: its place in the cluster, moved and widened."""
    dark, middle, bright = cluster.centres
    narrow, wide, narrowest = cluster.widths
    centre = np.interp(luma, LUMAS, (dark, middle, middle, bright))
    width = np.interp(luma, LUMAS, (narrow, wide, wide, narrowest))
    moved: Planes = (chroma - centre) * wide / width + middle
    return moved


def _ycbcr(image: Image) -> Planes:
    planes: Planes = np.moveaxis(rgb2ycbcr(image), -1, 0)
    return planes


BASELINES: Mapping[str, Baseline] = {
    "YCbCr thresholds": skin_by_ycbcr,
    "HSV thresholds": skin_by_hsv,
    "YCbCr and HSV": skin_by_both,
    "YCbCr ellipse": skin_by_ellipse,
}


def skin_detectors(class_names: tuple[str, ...]) -> dict[str, Detector]:
    """The classical detectors of skin by name; one goes by the face if there is such a class."""
    detectors: dict[str, Detector] = {name: SkinByColour(baseline) for name, baseline in BASELINES.items()}
    names = [name.lower() for name in class_names]
    if "face" in names:
        detectors[FACE_RANGE] = SkinLikeTheFace(names.index("face"))
    return detectors
