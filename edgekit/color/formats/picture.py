"""Look-up tables drawn as pictures: Hald images and the 512×512 lookup picture of GPUImage.

Hald, level L: L³×L³ pixels hold an N = L² table, pixel i (row by row) is r + N·g + N²·b.
Lookup picture: 8×8 tiles of 64×64 hold N = 64, red to the right and green down inside a tile, blue from
tile to tile, row by row. A 512×512 picture can be either; the correct reading gives by far the smoother
table.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edgekit.color.formats.limits import MAX_PICTURE_BYTES, require_regular_file
from edgekit.color.lut import Lut3D
from edgekit.errors import LutError
from edgekit.files import write_whole
from edgekit.images import png

# Lossy files (JPEG, WebP) are left out on purpose: their 8×8 blocks become false colour in the table.
PICTURE_FORMATS = ("PNG", "BMP")
HALD_LEVELS = range(2, 12)  # level 11 is 1331×1331 pixels and a 121³ table; 12 would pass MAX_SIZE
LOOKUP_SIZE = 64
LOOKUP_TILES = 8  # tiles along each side
LOOKUP_SIDE = LOOKUP_SIZE * LOOKUP_TILES
# The wrong reading of a real 512×512 table is 5 to 6 times rougher (measured on three published ones).
CLEARLY_SMOOTHER = 2.0


def read_picture(path: Path) -> Lut3D:
    """Read a Hald image or a 512×512 lookup picture, 8 or 16 bits per channel."""
    rgb = _read_rgb(path)
    if rgb.shape[0] == LOOKUP_SIDE:
        return Lut3D(_smoother(path, table_from_hald(rgb), table_from_lookup(rgb)), title=path.stem)
    return Lut3D(table_from_hald(rgb), title=path.stem)


def write_hald(path: Path, lut: Lut3D, level: int = 8, *, replace: bool = False) -> None:
    """Write a 16-bit PNG Hald image of `level` (a level²-point table over [0, 1]); values are clamped."""
    if level not in HALD_LEVELS:
        raise LutError(
            path, None, f"a Hald level is {HALD_LEVELS.start} to {HALD_LEVELS.stop - 1}, not {level}."
        )
    table = lut.resampled(level**2).table
    rows = np.rint(np.clip(table, 0.0, 1.0).transpose(2, 1, 0, 3) * 65535).astype(np.uint16)  # (b, g, r, 3)
    write_whole(path, png.encode(rows.reshape(level**3, level**3, 3)), replace=replace)


def table_from_hald(rgb: NDArray[np.float32]) -> NDArray[np.float32]:
    """The table (N, N, N, 3), `table[r, g, b]`, of a Hald image (L³, L³, 3) in [0, 1], with N = L²."""
    size = round(rgb.shape[0] ** (1 / 3)) ** 2
    rows = rgb.reshape(size, size, size, 3)  # (b, g, r, 3)
    return np.ascontiguousarray(rows.transpose(2, 1, 0, 3))


def table_from_lookup(rgb: NDArray[np.float32]) -> NDArray[np.float32]:
    """The table (64, 64, 64, 3), `table[r, g, b]`, of a lookup picture (512, 512, 3) in [0, 1]."""
    tiles = rgb.reshape(LOOKUP_TILES, LOOKUP_SIZE, LOOKUP_TILES, LOOKUP_SIZE, 3)  # (tile y, g, tile x, r, 3)
    rows = tiles.transpose(3, 1, 0, 2, 4)  # (r, g, tile y, tile x, 3)
    return np.ascontiguousarray(rows.reshape(LOOKUP_SIZE, LOOKUP_SIZE, LOOKUP_SIZE, 3))


def roughness(table: NDArray[np.float32]) -> float:
    """The mean absolute step between neighbouring points, over the three axes."""
    return float(np.mean([np.abs(np.diff(table, axis=axis)).mean() for axis in range(3)]))


def _smoother(path: Path, hald: NDArray[np.float32], lookup: NDArray[np.float32]) -> NDArray[np.float32]:
    if roughness(hald) * CLEARLY_SMOOTHER <= roughness(lookup):
        return hald
    if roughness(lookup) * CLEARLY_SMOOTHER <= roughness(hald):
        return lookup
    raise LutError(
        path,
        None,
        "this 512×512 picture is neither a Hald image nor a lookup picture: both readings are rough.",
    )


def _read_rgb(path: Path) -> NDArray[np.float32]:
    """Decode a picture, (S, S, 3) float32 in [0, 1], after checking that S is the side of a table's picture."""
    from PIL import Image

    require_regular_file(path, MAX_PICTURE_BYTES)
    sides = {level**3 for level in HALD_LEVELS}
    try:
        with path.open("rb") as stream, Image.open(stream, formats=PICTURE_FORMATS) as picture:
            width, height = picture.size
            if width != height or width not in sides:
                known = ", ".join(f"{side}×{side}" for side in sorted(sides))
                raise LutError(path, None, f"a LUT picture is {known} pixels, not {width}×{height}.")
            if picture.format == "PNG" and png.is_sixteen_bit(stream):
                codes = np.atleast_3d(png.decode(path.read_bytes(), width, height))[..., :3]
                return np.broadcast_to(codes, (height, width, 3)).astype(np.float32) / np.float32(65535)
            return np.asarray(picture.convert("RGB"), np.float32) / np.float32(255)
    except LutError:
        raise
    except Exception as error:  # Pillow's readers raise OSError, SyntaxError, ValueError, struct.error …
        known = ", ".join(PICTURE_FORMATS)
        raise LutError(
            path, None, f"this is not a readable picture ({known}): {str(error)[:200]}."
        ) from error
