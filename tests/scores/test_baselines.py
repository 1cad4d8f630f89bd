"""Skin detectors by colour: known colours, the published ellipse in numbers, and a face that says what skin is."""

from __future__ import annotations

import numpy as np
import pytest

from edgekit.scores.baselines import (
    BASELINES,
    BLUE_CHROMA,
    FACE_RANGE,
    RED_CHROMA,
    Shown,
    SkinByColour,
    SkinLikeTheFace,
    _at_middle_luma,
    hsv_around_red,
    skin_by_both,
    skin_by_ellipse,
    skin_by_hsv,
    skin_by_ycbcr,
    skin_detectors,
)


@pytest.mark.parametrize("colour", [(224, 172, 105), (141, 85, 36), (198, 134, 66)])
def test_skin_tones_pass_and_sky_does_not(colour: tuple[int, int, int]) -> None:
    skin = np.full((2, 3, 3), colour, np.uint8)
    sky = np.full((2, 3, 3), (90, 150, 230), np.uint8)
    assert skin_by_ycbcr(skin).all()
    for detect in BASELINES.values():
        assert not detect(sky).any()
    assert np.array_equal(skin_by_both(skin), skin_by_ycbcr(skin) & skin_by_hsv(skin))


def test_chroma_is_moved_as_published() -> None:
    """Hsu et al., equations 1 to 4, at a luma in each range, in numbers."""
    luma = np.array(
        [70.5, 150.0, 211.5]
    )  # halfway from black to 125; in the middle; halfway from 188 to white
    blue = _at_middle_luma(luma, np.full(3, 120.0), BLUE_CHROMA)
    assert blue == pytest.approx(
        [(120 - 113) * 46.97 / 34.985 + 108, 120, (120 - 113) * 46.97 / 30.485 + 108]
    )
    red = _at_middle_luma(luma, np.full(3, 150.0), RED_CHROMA)
    assert red == pytest.approx([(150 - 149) * 38.76 / 29.38 + 154, 150, (150 - 143) * 38.76 / 24.38 + 154])


def test_the_ellipse_has_the_published_axes() -> None:
    """Colours of middle luma along the long axis are skin within 25.39 of the centre, and across it within 14.03."""
    angle, shift, centre = 2.53, np.array([1.60, 2.41]), np.array([109.38, 152.02])
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    for step, expected in (
        ((0, 0), True), ((24, 0), True), ((-24, 0), True), ((0, 12.5), True), ((0, -12.5), True),
        ((27, 0), False), ((-27, 0), False), ((0, 15.5), False), ((0, -15.5), False), ((20, 12), False),
    ):  # fmt: skip
        blue, red = turn.T @ (np.array(step) + shift) + centre
        # ITU-R BT.601 in 8 bits, from (Y, Cb, Cr) with Y = 150
        luma, b, r = 255 / 219 * (150 - 16), (blue - 128) / 224 * 255, (red - 128) / 224 * 255
        rgb = np.array([luma + 1.402 * r, luma - 0.344136 * b - 0.714136 * r, luma + 1.772 * b])
        assert (rgb > 0).all() and (rgb < 255).all()
        found = skin_by_ellipse(np.full((1, 2, 3), np.round(rgb), np.uint8))
        assert found.all() == expected, step


def test_skin_is_like_the_face() -> None:
    image = np.zeros((4, 6, 3), np.uint8)
    image[:, :2] = (200, 140, 120)  # the face, with a noise that makes a range
    image[0, :2], image[3, :2] = (206, 140, 118), (196, 142, 124)
    image[:2, 3] = (200, 140, 120)  # an arm
    image[2:, 3] = (60, 120, 200)
    parsed = np.zeros((4, 6), np.uint8)
    parsed[:, :2] = 3
    found = SkinLikeTheFace(face=3).find(Shown("a", image, parsed))
    assert found[1:3, :2].all() and found[:2, 3].all() and not found[2:, 3].any() and not found[:, 4:].any()
    assert not SkinLikeTheFace(face=5).find(Shown("a", image, parsed)).any()
    assert not SkinLikeTheFace(face=3).find(Shown("a", image)).any()


def test_red_hues_lie_together() -> None:
    """Hues just above and below pure red are neighbours, and no range of skin wraps."""
    hue = hsv_around_red(np.array([[(200, 100, 104), (200, 104, 100)]], np.uint8))[0, 0]
    assert hue == pytest.approx([0.5 - 4 / 600, 0.5 + 4 / 600])


def test_the_face_is_a_detector_where_there_is_such_a_class() -> None:
    assert list(skin_detectors(("Background", "Person"))) == list(BASELINES)
    detectors = skin_detectors(("Background", "Hair", "Face"))
    assert detectors[FACE_RANGE] == SkinLikeTheFace(2)
    assert all(isinstance(detectors[name], SkinByColour) for name in BASELINES)
