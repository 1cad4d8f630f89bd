"""The network's input from a photo: the single definition that conversion, parity, calibration and apps share.

The whole photo is shown (never cropped) and stays sRGB bytes; division by 255 and the flip to BGR are folded into the
network's first convolution. A square input shows every photo stretched. An input of another shape shows a photo
stretched if that changes its aspect ratio by at most MOST_ASPECT_CHANGE; any other photo keeps its aspect ratio and
fills the input's first rows or columns, and the rest is padding (docs/frames.md).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from edgekit.images.decode import decode
from edgekit.images.input_size import InputSize, Size
from edgekit.images.profiles import srgb_pixels
from edgekit.images.source import Source

# Change an identifier's number when any pixel can change.
PREPROCESSING_ID = "stretch-bilinear-antialias-srgb-u8/1"  # of square inputs
FRAME_PREPROCESSING_ID = "fit-bilinear-antialias-srgb-u8/1"  # of inputs of any other shape
MOST_ASPECT_CHANGE = 1.5  # measured on training photos: docs/frames.md
PADDING = (0, 0, 0)  # sRGB; measured beside others there
# A letterboxed photo's sides are multiples of it, the largest stride, so that every map of the input is cut between two
# of its pixels. That changes the photo's aspect ratio by at most 16 pixels of its shorter side.
FIT_MULTIPLE = 32
T = TypeVar("T", bound=np.generic)


@dataclass(frozen=True)
class Fit:
    """A photo's place in the network's input: the first `height` rows and `width` columns show all of it."""

    size: InputSize
    height: int
    width: int

    @property
    def is_stretched(self) -> bool:
        """Whether the photo fills the input."""
        return (self.height, self.width) == self.size.shape

    def shown(self, map: NDArray[T]) -> NDArray[T]:
        """The part of a map of the input that shows the photo. map: (h, w, …), of any stride."""
        rows, columns = map.shape[:2]
        return map[: rows * self.height // self.size.height, : columns * self.width // self.size.width]

    def shown_planes(self, planes: NDArray[T]) -> NDArray[T]:
        """The part of planes of the input that shows the photo. planes: (channels, h, w), of any stride."""
        return self.shown(planes.transpose(1, 2, 0)).transpose(2, 0, 1)


def stretched(size: InputSize) -> Fit:
    """The fit that stretches any photo to the whole input."""
    return Fit(size, *size.shape)


def letterboxed(photo: tuple[int, ...], size: InputSize) -> Fit:
    """The fit that keeps a photo's aspect ratio, up to FIT_MULTIPLE. photo: its (height, width)."""
    height, width = photo
    if width * size.height <= height * size.width:
        return Fit(size, size.height, _side(width * size.height, height, size.width))
    return Fit(size, _side(height * size.width, width, size.height), size.width)


def fit_of(photo: tuple[int, ...], size: InputSize) -> Fit:
    """The place of a photo in an input of this size. photo: its (height, width)."""
    height, width = photo
    across, down = width * size.height, height * size.width
    if size.is_square or max(across, down) <= MOST_ASPECT_CHANGE * min(across, down):
        return stretched(size)
    return letterboxed(photo, size)


def fitted(image: NDArray[np.uint8], fit: Fit) -> NDArray[np.uint8]:
    """The network's input, (size.height, size.width, 3) uint8. image: (H, W, 3) uint8 sRGB."""
    shown = stretch(image, fit.height, fit.width)
    if fit.is_stretched:
        return shown
    whole = np.empty((*fit.size.shape, 3), np.uint8)
    whole[:] = PADDING
    whole[: fit.height, : fit.width] = shown
    return whole


def input_from_photo(image: NDArray[np.uint8], size: Size) -> NDArray[np.uint8]:
    """The network's input of this size, (height, width, 3) uint8. image: (H, W, 3) uint8 sRGB."""
    return fitted(image, fit_of(image.shape[:2], InputSize.of(size)))


def preprocessing_of(size: InputSize) -> str:
    """The identifier of what is done to photos for an input of this size."""
    return PREPROCESSING_ID if size.is_square else FRAME_PREPROCESSING_ID


def read_image(picture: Path | Source) -> NDArray[np.uint8]:
    """Read a picture as (H, W, 3) uint8 sRGB, upright.

    Alpha is dropped, 16 bits are rounded, CMYK and ICC colours are converted.

    Raises ImageError: missing, not a regular file, not an image, truncated, too large.
    """
    decoded = decode(picture)
    return srgb_pixels(decoded.pixels, decoded.icc_profile)


def read_input(path: Path, size: Size) -> NDArray[np.uint8]:
    """Read a picture file as the network's input, (height, width, 3) uint8 sRGB. Raises ImageError."""
    return input_from_photo(read_image(path), size)


def stretch(image: NDArray[np.uint8], height: int, width: int | None = None) -> NDArray[np.uint8]:
    """Stretch (H, W, 3) uint8 to (height, width, 3) uint8, by default a square, bilinear with antialiasing."""
    resized = Image.fromarray(image).resize((width or height, height), Image.Resampling.BILINEAR)
    return np.asarray(resized)


def _side(scaled: int, by: int, most: int) -> int:
    """scaled / by, rounded to a multiple of FIT_MULTIPLE from that to `most`."""
    nearest = (2 * scaled + FIT_MULTIPLE * by) // (2 * FIT_MULTIPLE * by) * FIT_MULTIPLE
    return min(max(nearest, FIT_MULTIPLE), most)
