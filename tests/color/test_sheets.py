"""Sheets: what stands where, and that nothing is cut off."""

from __future__ import annotations

import numpy as np
import pytest

from edgekit.color.difference import SkinDifference, skin_difference
from edgekit.color.sheets import (
    MARGIN,
    TINTS,
    Cell,
    comparison_sheet,
    contact_sheet,
    grid,
    mask_at,
    mask_sheet,
    reduced,
)
from tests.color.samples import mask, picture


def plain(colour: tuple[int, int, int], height: int = 60, width: int = 90) -> np.ndarray:
    return np.full((height, width, 3), colour, np.uint8)


def found(sheet: np.ndarray, colour: tuple[int, int, int]) -> int:
    """How many pixels have that colour exactly."""
    return int((sheet == colour).all(axis=-1).sum())


def test_each_group_has_its_tint_and_its_line_in_the_legend() -> None:
    weights = np.zeros((200, 300, 3), np.float32)
    weights[:, :50, 0] = weights[:, 50:150, 1] = 1
    grey = plain((120, 120, 120), 200, 300)
    sheet = mask_sheet(grey, weights)
    assert (sheet[:200, 150:300] == 120).all()
    skin, hair = sheet[10, 10].astype(int), sheet[10, 100].astype(int)
    assert skin.argmax() == 0 and hair.argmax() == 1
    assert [found(sheet[200:], tint) > 100 for tint in TINTS] == [True, True, False]
    assert found(mask_sheet(grey, 0 * weights)[200:], TINTS[0]) == 0


@pytest.mark.parametrize("size", [(30, 40), (3000, 40), (40, 3000), (1, 1)])
def test_a_legend_has_room_below_any_picture(size: tuple[int, int]) -> None:
    weights = np.full((*size, 3), 0.3, np.float32)
    sheet = mask_sheet(plain((0, 0, 0), *size), weights)
    assert sheet.shape[0] > size[0] and sheet.shape[1] >= size[1]
    assert all(found(sheet, tint) > 100 for tint in TINTS)


def test_before_after_and_everywhere_stand_side_by_side() -> None:
    panels = [plain(colour) for colour in ((200, 10, 10), (10, 200, 10), (10, 10, 200))]
    difference = SkinDifference(100, 1.25, 2.5, 10.0, 20.0)
    sheet = comparison_sheet(*panels, "warm", difference)
    lefts = [np.flatnonzero((sheet == panel[0, 0]).all(-1).any(0))[0] for panel in panels]
    assert lefts == sorted(lefts)
    assert all(found(sheet, tuple(panel[0, 0])) == 60 * 90 for panel in panels)
    other = comparison_sheet(*panels, "warm", SkinDifference(100, 1.25, 2.5, 10.0, 21.0))
    assert (sheet != other).any()  # the figures are drawn
    wide = [plain(colour, 30, 900) for colour in ((200, 10, 10), (10, 200, 10), (10, 10, 200))]
    assert comparison_sheet(*wide, "warm", None).shape[1] == 900 + 2 * MARGIN


@pytest.mark.parametrize(
    ("count", "size", "columns"), [(3, (48, 38), 3), (18, (48, 32), 6), (18, (32, 48), 4)]
)
def test_a_contact_sheet_is_about_as_high_as_wide(count: int, size: tuple[int, int], columns: int) -> None:
    cells = [Cell(plain((9, 9, 200), 10 * size[0], 10 * size[1]), (f"style {k}",)) for k in range(count)]
    sheet = contact_sheet(cells)
    assert found(sheet, (9, 9, 200)) == count * 100 * size[0] * size[1]
    assert sheet.shape[1] == MARGIN + columns * (10 * size[1] + MARGIN)


@pytest.mark.slow
def test_a_caption_in_other_letters_is_drawn_and_a_long_one_is_cut() -> None:
    cells = [Cell(plain((9, 9, 200)), ("夏" * 500, "x")), Cell(plain((9, 9, 200)), ("y",))]
    assert grid(cells, 2).shape[1] < 1000


def test_masks_grow_and_shrink_to_the_picture() -> None:
    small = mask(13, 19)
    assert mask_at(small, (97, 143)).shape == (97, 143, 3)
    shrunk = mask_at(mask_at(small, (520, 760)), (13, 19))
    assert np.abs(shrunk - small).max() < 0.1 and np.abs(shrunk - small).mean() < 0.01


def test_reduced_pictures_are_means() -> None:
    checks = np.indices((400, 600)).sum(0)[..., None] % 2 * np.full(3, 200, np.uint8)
    small = reduced(checks.astype(np.uint8), 60)
    assert small.shape == (40, 60, 3) and np.abs(small.astype(int) - 100).max() <= 1
    assert reduced(picture(30, 40), 60).shape == (30, 40, 3)


def test_the_difference_of_skin() -> None:
    before = np.full((10, 3), 128, np.uint8)
    after = before.copy()
    after[0] = 140
    difference = skin_difference(before, after, before + 40)
    assert difference is not None and difference.pixels == 10
    assert difference.mean < difference.p95 < difference.everywhere_mean
    assert skin_difference(before[:0], before[:0], before[:0]) is None
