"""LUT file formats: the readers and writers by extension."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from edgekit.color.formats.autodesk_3dl import read_3dl
from edgekit.color.formats.cinespace_csp import read_csp
from edgekit.color.formats.clf import read_clf
from edgekit.color.formats.cube import read_cube, write_cube
from edgekit.color.formats.picture import read_picture, write_hald
from edgekit.color.lut import Lut3D
from edgekit.errors import LutError

READERS: dict[str, Callable[[Path], Lut3D]] = {
    ".cube": read_cube,
    ".3dl": read_3dl,
    ".csp": read_csp,
    ".clf": read_clf,
    ".png": read_picture,
    ".bmp": read_picture,
}
WRITERS: dict[str, Callable[[Path, Lut3D], None]] = {".cube": write_cube, ".png": write_hald}


def read_lut(path: Path) -> Lut3D:
    """Read the table in `path`, by its extension. LutError with path, line and reason for anything malformed."""
    return READERS[_known(path, READERS)](path)


def write_lut(path: Path, lut: Lut3D) -> None:
    """Write `.cube` (exact) or `.png` (a 16-bit Hald image of level 8, resampled to 64³)."""
    WRITERS[_known(path, WRITERS)](path, lut)


def _known(path: Path, known: Iterable[str]) -> str:
    extension = path.suffix.lower()
    if extension not in known:
        raise LutError(path, None, f"the extension {extension!r} is not one of {', '.join(known)}.")
    return extension
