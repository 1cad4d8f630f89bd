"""The orientation that a camera records: apply it to stored pixels, and set it to upright in EXIF and XMP."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Literal

import numpy as np
from numpy.typing import NDArray

ORIENTATION_TAG = 0x0112  # EXIF 2.32, tag 274

# Orientation to the function that turns the stored rows and columns upright. Arrays: (H, W) or (H, W, C) uint16.
UPRIGHT: dict[int, Callable[[NDArray[np.uint16]], NDArray[np.uint16]]] = {
    1: lambda a: a,
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.swapaxes(0, 1),
    6: lambda a: a.swapaxes(0, 1)[:, ::-1],
    7: lambda a: a.swapaxes(0, 1)[::-1, ::-1],
    8: lambda a: a.swapaxes(0, 1)[::-1],
}


def upright_exif(exif: bytes) -> bytes:
    """The same EXIF block with the orientation of its first directory set to 1; all else untouched."""
    start = 6 if exif.startswith(b"Exif\0\0") else 0
    order: Literal["little", "big"] = "little" if exif[start : start + 2] == b"II" else "big"

    def number(offset: int, size: int) -> int:
        return int.from_bytes(exif[start + offset : start + offset + size], order)

    directory = number(4, 4)
    for entry in range(number(directory, 2)):
        offset = directory + 2 + 12 * entry
        if number(offset, 2) == ORIENTATION_TAG:
            value = start + offset + 8  # a SHORT lies in the first two bytes of the value field
            return exif[:value] + (1).to_bytes(2, order) + exif[value + 2 :]
    return exif


def upright_xmp(xmp: bytes) -> bytes:
    """The same XMP packet with `tiff:Orientation` set to 1, as attribute or as element."""
    xmp = re.sub(rb'(tiff:Orientation=)(["\'])\d\2', rb"\1\g<2>1\2", xmp)
    return re.sub(rb"(<tiff:Orientation>)\d(</tiff:Orientation>)", rb"\g<1>1\2", xmp)
