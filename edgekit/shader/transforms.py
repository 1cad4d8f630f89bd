"""Texture-space transforms for crop, mirror and rotation, as 3×3 matrices.

Texture space, in every dialect: (0, 0) is the top left corner of the picture's first row, (1, 1) the
bottom right; x runs right, y runs down. A matrix named `b_from_a` takes column vectors (x, y, 1) of
space a to space b, so `c_from_b @ b_from_a` is `c_from_a`. The output is the picture that the user sees.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Matrix3 = NDArray[np.float64]  # (3, 3)

IDENTITY: Matrix3 = np.eye(3)


def crop(left: float, top: float, width: float, height: float) -> Matrix3:
    """The image_from_output that shows this window of the image; all four numbers are fractions of its sides."""
    return np.array([[width, 0.0, left], [0.0, height, top], [0.0, 0.0, 1.0]])


def mirror() -> Matrix3:
    """The image_from_output that swaps left and right, as a front camera's preview does."""
    return np.array([[-1.0, 0.0, 1.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]])


def rotation(clockwise_quarter_turns: int) -> Matrix3:
    """The image_from_output that shows the image turned clockwise by that many quarter turns.

    EXIF orientation 6 and a portrait phone's sensor need one. An odd number swaps the output's sides.
    """
    one = np.array([[0.0, 1.0, 0.0], [-1.0, 0.0, 1.0], [0.0, 0.0, 1.0]])  # output (0, 0) ← image (0, 1)
    return np.linalg.matrix_power(one, clockwise_quarter_turns % 4)


def apply(matrix: NDArray[np.floating], xy: NDArray[np.float64]) -> NDArray[np.float64]:
    """Apply a transform to points (..., 2). All transforms are affine, so the third row is (0, 0, 1)."""
    moved: NDArray[np.float64] = xy @ matrix[:2, :2].T + matrix[:2, 2]
    return moved


def pixel_centres(height: int, width: int) -> NDArray[np.float64]:
    """The texture coordinates (x, y) of every pixel's centre, (height, width, 2)."""
    x = (np.arange(width) + 0.5) / width
    y = (np.arange(height) + 0.5) / height
    return np.stack(np.meshgrid(x, y, indexing="xy"), axis=-1)


def upright_from_sensor(clockwise_quarter_turns: int) -> Matrix3:
    """The mask_from_image for a sensor frame that is upright after that many clockwise quarter turns.

    The segmenter gets the upright picture, so its mask lies in the upright picture's space.
    """
    return rotation(-clockwise_quarter_turns)


def sensor_from_view(
    sensor: tuple[int, int], clockwise_quarter_turns: int, mirrored: bool, view: tuple[int, int]
) -> Matrix3:
    """The image_from_output of a camera preview: the sensor's frame, turned upright and cropped to fill the view.

    sensor and view: (width, height) in pixels. The largest centred part with the view's aspect ratio is
    shown; `mirrored` swaps its left and right, as a front camera's preview does.
    """
    width, height = sensor if clockwise_quarter_turns % 2 == 0 else sensor[::-1]  # of the upright picture
    shown = min(1.0, view[0] * height / (view[1] * width)), min(1.0, view[1] * width / (view[0] * height))
    upright_from_view = crop((1 - shown[0]) / 2, (1 - shown[1]) / 2, *shown)
    if mirrored:
        upright_from_view = upright_from_view @ mirror()
    matrix: Matrix3 = rotation(clockwise_quarter_turns) @ upright_from_view
    return matrix
