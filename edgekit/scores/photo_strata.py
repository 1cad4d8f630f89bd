"""Strata of labelled photos: light, skin tone, size of the person, hair, people apart, contrast at the outline.

Each has fixed cut-offs, close to thirds of the training photos where no standard gives them. As with skin tone, a
photo's light moves what is measured, so strata group photos, not people.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from skimage.color import rgb2lab

from edgekit.scores.masks import Mask, TrueMask
from edgekit.scores.strata import LEAST_SKIN_SHARE, SAMPLED_EVERY, STRATA, Traits, ita_deg

LABELLED, HAIR, PEOPLE, OUTLINE = "labels", "hair", "people apart", "contrast at the outline"
WITH_A_PERSON, NOBODY = "a person", "nobody"
HAIR_LIGHTNESS = (("light", 30.0), ("medium", 15.0), ("dark", -math.inf))  # median L*
OUTLINE_DELTA_E = (("high", 25.0), ("medium", 15.0), ("low", -math.inf))  # median ΔE76
DIMENSIONS: Mapping[str, tuple[str, ...]] = {
    LABELLED: (WITH_A_PERSON, NOBODY),
    **{dimension: tuple(name for name, _ in strata) for dimension, strata in STRATA.items()},
    HAIR: tuple(name for name, _ in HAIR_LIGHTNESS),
    PEOPLE: ("one", "several"),
    OUTLINE: tuple(name for name, _ in OUTLINE_DELTA_E),
}
LEAST_PERSON_SHARE = 0.01  # of the frame; smaller parts of a mask are bags, hands and specks
ACROSS_PX = 4  # between the two pixels that are compared across the outline; beyond the blur of most photos
Image = NDArray[np.uint8]  # (H, W, 3) sRGB
Lab = NDArray[np.float64]  # (H, W, 3) CIELAB


def labelled_stratum(masks: Mapping[str, TrueMask]) -> dict[str, str]:
    """Whether the labels show a person at all; empty if they cannot tell."""
    if "person" not in masks:
        return {}
    return {LABELLED: WITH_A_PERSON if masks["person"].inside.any() else NOBODY}


def strata_of(image: Image, masks: Mapping[str, TrueMask]) -> dict[str, str]:
    """Dimension to stratum of a photo, by the true masks of its groups; without dimensions in which it has none."""
    skin, hair, person = (masks.get(group) for group in ("skin", "hair", "person"))
    lab: Lab = rgb2lab(image)
    traits = Traits(
        ita_deg=ita_deg(image[skin.inside]) if skin is not None and _enough(skin) else None,
        mean_lightness=float(lab[::SAMPLED_EVERY, ::SAMPLED_EVERY, 0].mean()),
        person_share=None if person is None else _share(person),
    )
    found = traits.strata()
    if hair is not None and _enough(hair):
        found[HAIR] = _named(float(np.median(lab[hair.inside, 0])), HAIR_LIGHTNESS)
    if person is not None:
        people = people_apart(person.inside)
        if people:
            found[PEOPLE] = "one" if people == 1 else "several"
        contrast = outline_delta_e(lab, person)
        if contrast is not None:
            found[OUTLINE] = _named(contrast, OUTLINE_DELTA_E)
    return found


def people_apart(person: Mask) -> int:
    """The number of connected parts of a person mask that each hold 1 % of the frame; people who touch are one."""
    parts, number = ndimage.label(person)
    sizes = np.bincount(parts.ravel(), minlength=number + 1)[1:]
    return int((sizes >= LEAST_PERSON_SHARE * person.size).sum())


def outline_delta_e(lab: Lab, mask: TrueMask) -> float | None:
    """The median ΔE76 between pixels that lie 4 apart in a row or column, one inside the mask and one outside.

    None for a mask without an outline.
    """
    differences = []
    for axis in (0, 1):
        first, second = _along(axis, slice(None, -ACROSS_PX)), _along(axis, slice(ACROSS_PX, None))
        across = mask.inside[first] != mask.inside[second]
        across &= mask.counted[first] & mask.counted[second]
        differences.append(np.linalg.norm(lab[first][across] - lab[second][across], axis=-1))
    every = np.concatenate(differences)
    return float(np.median(every)) if every.size else None


def _along(axis: int, part: slice) -> tuple[slice, ...]:
    """The index of a part of the rows (axis 0) or columns."""
    return (part,) if axis == 0 else (slice(None), part)


def _enough(mask: TrueMask) -> bool:
    return int(mask.inside.sum()) >= max(1.0, LEAST_SKIN_SHARE * mask.inside.size)


def _share(mask: TrueMask) -> float | None:
    counted = int(mask.counted.sum())
    return int(mask.inside.sum()) / counted if counted else None


def _named(value: float, strata: tuple[tuple[str, float], ...]) -> str:
    return next(name for name, least in strata if value >= least)
