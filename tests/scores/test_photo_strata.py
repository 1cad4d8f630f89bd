"""Strata of photos by hand-made pictures whose light, hair, parts and outline are known."""

from __future__ import annotations

import numpy as np
import pytest
from skimage.color import lab2rgb, rgb2lab

from edgekit.scores.masks import TrueMask
from edgekit.scores.photo_strata import (
    DIMENSIONS,
    HAIR,
    LABELLED,
    OUTLINE,
    PEOPLE,
    labelled_stratum,
    outline_delta_e,
    people_apart,
    strata_of,
)

H, W = 48, 64
PERSON = np.zeros((H, W), bool)
PERSON[12:, 16:40] = True
HAIR_PIXELS = np.zeros((H, W), bool)
HAIR_PIXELS[12:20, 16:40] = True
ALL = np.ones((H, W), bool)


def grey(lightness: float) -> tuple[int, ...]:
    return tuple(np.round(lab2rgb([[[float(lightness), 0.0, 0.0]]])[0, 0] * 255).astype(int))


def photo(background: float, person: float, hair: float) -> np.ndarray:
    image = np.zeros((H, W, 3), np.uint8)
    image[:] = grey(background)
    image[PERSON] = grey(person)
    image[HAIR_PIXELS] = grey(hair)
    return image


MASKS = {"person": TrueMask(PERSON, ALL), "hair": TrueMask(HAIR_PIXELS, ALL)}


@pytest.mark.parametrize(
    ("background", "person", "hair", "expected"),
    [
        (90, 40, 10, {"brightness": "bright", HAIR: "dark", OUTLINE: "high"}),
        (50, 70, 22, {"brightness": "medium", HAIR: "medium", OUTLINE: "medium"}),
        (20, 30, 60, {"brightness": "dim", HAIR: "light", OUTLINE: "low"}),
    ],
)
def test_strata_by_hand(background: float, person: float, hair: float, expected: dict[str, str]) -> None:
    found = strata_of(photo(background, person, hair), MASKS)
    assert found == {**expected, PEOPLE: "one", "person size": "medium"}
    assert all(stratum in DIMENSIONS[dimension] for dimension, stratum in found.items())


def test_skin_tone_comes_from_the_labelled_skin() -> None:
    image = photo(50, 50, 10)
    skin = np.zeros((H, W), bool)
    skin[24:30, 20:30] = True
    image[skin] = np.round(lab2rgb([[[65.0, 10.0, 15.0]]])[0, 0] * 255)  # ITA = atan(15 / 15) = 45°
    assert strata_of(image, {"skin": TrueMask(skin, ALL)})["skin tone"] == "light"
    assert "skin tone" not in strata_of(image, {"skin": TrueMask(np.zeros_like(skin), ALL)})


def test_people_apart_are_counted_without_specks() -> None:
    assert people_apart(PERSON) == 1
    two = PERSON.copy()
    two[20:, 50:60] = two[0, 0] = True
    assert people_apart(two) == 2
    assert people_apart(np.zeros_like(PERSON)) == 0
    assert strata_of(photo(50, 80, 20), {"person": TrueMask(two, ALL)})[PEOPLE] == "several"


def test_contrast_at_the_outline_by_hand() -> None:
    lab = rgb2lab(photo(50, 80, 80))
    expected = abs(lab[0, 0, 0] - lab[30, 30, 0])
    assert outline_delta_e(lab, TrueMask(PERSON, ALL)) == pytest.approx(expected)
    assert outline_delta_e(lab, TrueMask(np.zeros_like(PERSON), ALL)) is None
    assert outline_delta_e(lab, TrueMask(PERSON, np.zeros_like(ALL))) is None


def test_labels_of_nobody_have_a_stratum() -> None:
    assert labelled_stratum(MASKS) == {LABELLED: "a person"}
    assert labelled_stratum({"person": TrueMask(np.zeros_like(PERSON), ALL)}) == {LABELLED: "nobody"}
    assert labelled_stratum({"skin": MASKS["hair"]}) == {}
