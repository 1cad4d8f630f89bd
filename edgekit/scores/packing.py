"""Counts as JSON and back, bit for bit: arrays packed into text, floats as exact text."""

from __future__ import annotations

import base64
import zlib
from dataclasses import dataclass
from typing import Annotated

import numpy as np
from msgspec import Meta
from numpy.typing import NDArray

from edgekit.errors import EdgekitError
from edgekit.reading import Count
from edgekit.scores.resamples import RESAMPLES, Counts, Resamples

ZLIB_LEVEL = 1  # counts are mostly zeros, which the fastest level already packs
Packed = Annotated[str, Meta(pattern=r"^[A-Za-z0-9+/]*={0,2}\Z")]  # base64 of zlib of int64, little-endian


@dataclass(frozen=True)
class PackedResamples:
    photos: Count
    totals: Packed


def packed_resamples(resamples: Resamples) -> PackedResamples:
    return PackedResamples(resamples.photos, packed_array(resamples.totals))


def unpacked_resamples(kept: PackedResamples, columns: int) -> Resamples:
    return Resamples(columns, kept.photos, unpacked_array(kept.totals, (1 + RESAMPLES, columns)))


def packed_array(array: NDArray[np.int64]) -> str:
    return base64.b64encode(zlib.compress(array.astype("<i8").tobytes(), ZLIB_LEVEL)).decode()


def unpacked_array(text: str, shape: tuple[int, ...]) -> Counts:
    """The array of this shape; EdgekitError if the text holds another or is damaged."""
    size = 8 * int(np.prod(shape))
    stream = zlib.decompressobj()
    try:
        data = stream.decompress(base64.b64decode(text, validate=True), size + 1)
    except (ValueError, zlib.error) as error:
        raise EdgekitError("an array in it is damaged") from error
    if len(data) <= size and not stream.eof:
        raise EdgekitError("an array in it is damaged")
    if len(data) != size:
        raise EdgekitError(f"an array in it does not have the shape {shape}")
    return np.frombuffer(data, "<i8").astype(np.int64).reshape(shape)
