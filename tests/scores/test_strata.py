"""Photos are sorted by skin tone, brightness and size of the person."""

from __future__ import annotations

import numpy as np
import pytest

from edgekit.color.skin import MONK_SKIN_TONES
from edgekit.scores.strata import BRIGHTNESS, PERSON_SIZE, SKIN_TONE, STRATA, Traits, ita_deg, traits_of

SKIN = (1, 2)


def patch(code: str, shape: tuple[int, int] = (40, 60)) -> np.ndarray:
    return np.full((*shape, 3), [int(code[k : k + 2], 16) for k in (0, 2, 4)], np.uint8)


def test_the_angle_falls_from_light_to_dark_skin() -> None:
    angles = [ita_deg(patch(code).reshape(-1, 3)) for code in MONK_SKIN_TONES]
    assert angles == sorted(angles, reverse=True) and len(set(angles)) == len(angles)
    assert angles[5] == pytest.approx(10.9, abs=0.1)  # a07e56: L* 55, b* 27


@pytest.mark.parametrize(
    ("ita", "name"),
    [
        (56, "very light"),
        (55, "very light"),
        (42, "light"),
        (30, "intermediate"),
        (10, "tan"),
        (0, "brown"),
        (-31, "dark"),
    ],
)
def test_the_cut_offs_are_the_published_ones(ita: float, name: str) -> None:
    assert Traits(ita, 50, 0.2).strata() == {SKIN_TONE: name, BRIGHTNESS: "medium", PERSON_SIZE: "medium"}


def test_a_photo_without_skin_or_person_has_no_such_stratum() -> None:
    image, labels = patch("808080"), np.zeros((40, 60), np.uint8)
    labels[0, 0] = 1  # one pixel of skin is none
    assert set(traits_of(image, labels, SKIN).strata()) == {BRIGHTNESS, PERSON_SIZE}
    assert set(traits_of(image, np.zeros_like(labels), SKIN).strata()) == {BRIGHTNESS}
    assert traits_of(image, np.full_like(labels, 255), SKIN).person_share is None


def test_the_traits_are_those_of_the_skin_and_of_the_whole() -> None:
    image, labels = patch("f0f0f0"), np.zeros((40, 60), np.uint8)
    image[:, :30] = patch("604134")[:, :30]
    labels[:, :30] = 2
    labels[:, 30:40] = 255
    traits = traits_of(image, labels, SKIN)
    assert traits.ita_deg == pytest.approx(ita_deg(patch("604134").reshape(-1, 3)))
    assert traits.person_share == pytest.approx(30 / 50)
    assert 50 < traits.mean_lightness < 75
    assert traits.strata()[SKIN_TONE] == "dark" and set(traits.strata()) == set(STRATA)
