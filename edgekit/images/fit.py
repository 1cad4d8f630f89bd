"""The network's input from a photo: the single definition that conversion, parity, calibration and apps share.

The frame is stretched to a square (never cropped) and stays sRGB bytes; division by 255 and the flip to BGR are folded
into the network's first convolution.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from edgekit.images.decode import decode
from edgekit.images.input_size import InputSize
from edgekit.images.profiles import srgb_pixels

PREPROCESSING_ID = "stretch-bilinear-antialias-srgb-u8/1"  # change the number when any pixel can change


def read_image(path: Path) -> NDArray[np.uint8]:
    """Read a picture file as (H, W, 3) uint8 sRGB, upright.

    Alpha is dropped, 16 bits are rounded, CMYK and ICC colours are converted.

    Raises ImageError: missing, not a regular file, not an image, truncated, too large.
    """
    decoded = decode(path)
    return srgb_pixels(decoded.pixels, decoded.icc_profile)


def read_input(path: Path, size: int) -> NDArray[np.uint8]:
    """Read a picture file as (size, size, 3) uint8 sRGB, the whole frame stretched. Raises ImageError."""
    return stretch(read_image(path), size)


def stretch(image: NDArray[np.uint8], size: InputSize | int) -> NDArray[np.uint8]:
    """Stretch (H, W, 3) uint8 to (height, width, 3) uint8, bilinear with antialiasing. size: a side, or both."""
    height, width = (size, size) if isinstance(size, int) else (size.height, size.width)
    resized = Image.fromarray(image).resize((width, height), Image.Resampling.BILINEAR)
    return np.asarray(resized)
