"""Texture-space transforms, against numpy's own turning of an asymmetric picture."""

import numpy as np
import pytest

from edgekit.shader import transforms

PICTURE = np.arange(5 * 3).reshape(5, 3)  # 5 rows, 3 columns


def drawn(matrix: np.ndarray, height: int, width: int) -> np.ndarray:
    """PICTURE as an output of this size shows it, nearest texel."""
    at = transforms.apply(matrix, transforms.pixel_centres(height, width)) * np.array([3, 5])
    return PICTURE[np.floor(at[..., 1]).astype(int), np.floor(at[..., 0]).astype(int)]


@pytest.mark.parametrize("turns", [0, 1, 2, 3, 4])
def test_rotation_turns_clockwise(turns: int) -> None:
    expected = np.rot90(PICTURE, -turns)
    assert np.array_equal(drawn(transforms.rotation(turns), *expected.shape), expected)


def test_mirror_swaps_left_and_right() -> None:
    assert np.array_equal(drawn(transforms.mirror(), 5, 3), PICTURE[:, ::-1])


def test_crop_shows_the_window() -> None:
    matrix = transforms.crop(1 / 3, 2 / 5, 2 / 3, 3 / 5)
    assert np.array_equal(drawn(matrix, 3, 2), PICTURE[2:, 1:])


def test_products_read_from_right_to_left() -> None:
    """Crop the image, then turn what the window shows."""
    matrix = transforms.crop(1 / 3, 2 / 5, 2 / 3, 3 / 5) @ transforms.rotation(1)
    expected = np.rot90(PICTURE[2:, 1:], -1)
    assert np.array_equal(drawn(matrix, *expected.shape), expected)
