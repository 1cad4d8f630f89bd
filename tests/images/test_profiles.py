"""Which colours a profile stands for, and what sRGB pixels come out of it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import ImageCms

from edgekit.color.rgb import XYZ_FROM_P3, XYZ_FROM_SRGB, FloatArray, adaptation
from edgekit.errors import ImageError
from edgekit.images.profiles import COLORANTS, Space, eight_bit, profile_of, space_of, srgb_pixels
from tests.support.profiles import ADOBE_LIKE, P3, matrix_profile

D50_XYZ = np.array([0.9642, 1.0, 0.8249])
ANY = Path("photo.jpg")


@pytest.mark.parametrize(("space", "matrix"), [("srgb", XYZ_FROM_SRGB), ("display-p3", XYZ_FROM_P3)])
def test_the_colorants_follow_from_the_primaries(space: Space, matrix: FloatArray) -> None:
    derived = adaptation(matrix.sum(axis=1), D50_XYZ) @ matrix
    assert np.abs(COLORANTS[space] - derived).max() < 2e-4  # four digits, and D65 to four


def test_spaces_are_told_apart() -> None:
    def space(icc: bytes) -> Space | None:
        return space_of(profile_of(ANY, icc))

    assert space(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()) == "srgb"
    assert space(P3) == "display-p3"
    assert space(ADOBE_LIKE) is None
    assert space(matrix_profile(XYZ_FROM_P3, 2.6)) is None  # its primaries, another curve
    assert space(ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()) is None


COLOUR_SPACE_AT, NAME_AT = P3.index(b"RGB "), P3.index(b"edgekit test")


@pytest.mark.parametrize(
    "icc",
    [
        b"junk",
        P3[:200],
        P3[:COLOUR_SPACE_AT] + b"\x80" + P3[COLOUR_SPACE_AT + 1 :],
        P3[:NAME_AT] + b"\x80" + P3[NAME_AT + 1 :],
    ],
)
def test_a_damaged_profile_is_one_sentence(icc: bytes) -> None:
    with pytest.raises(ImageError, match="damaged colour profile"):
        profile_of(ANY, icc)


def test_sixteen_bits_are_rounded_to_eight() -> None:
    codes = np.array([0, 128, 129, 32768, 65407, 65535], np.uint16)
    assert eight_bit(codes).tolist() == [0, 0, 1, 128, 255, 255]


def test_cmyk_without_a_profile_is_converted_by_the_plain_formula() -> None:
    inks = np.array([[[255, 0, 0, 0], [0, 102, 51, 0], [0, 0, 0, 51]]], np.uint8)
    assert srgb_pixels(inks, None).tolist() == [[[0, 255, 255], [255, 153, 204], [204, 204, 204]]]
    assert srgb_pixels(inks, P3).tolist() == srgb_pixels(inks, None).tolist()  # a profile of other colours
