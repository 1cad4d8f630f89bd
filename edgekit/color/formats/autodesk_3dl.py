"""`.3dl` of Flame and Lustre: a line of shaper points, then N³ rows of whole numbers, blue fastest."""

from __future__ import annotations

from pathlib import Path

from edgekit.color.formats.limits import Line, lines_of
from edgekit.color.formats.ocio import lut_from_ocio
from edgekit.color.lut import MAX_SIZE, Lut3D
from edgekit.errors import LutError

# Lustre writes these words around the numbers; any other word is refused. Their lines are not passed to OpenColorIO.
KNOWN_WORDS = frozenset({"3DMESH", "Mesh", "LUT8", "gamma"})
MAX_CODE_DIGITS = 5  # 16-bit codes at most


def read_3dl(path: Path) -> Lut3D:
    """The table of a `.3dl` file over [0, 1]."""
    numeric: list[str] = []
    for line in lines_of(path):
        word = line.text.split()[0]
        if word in KNOWN_WORDS:
            continue
        _require_codes(path, line, shaper=not numeric)
        numeric.append(line.text)
        if len(numeric) > MAX_SIZE**3 + 1:
            raise LutError(path, line.number, f"there are more than {MAX_SIZE}³ rows.")
    rows = len(numeric) - 1
    if round(max(rows, 0) ** (1 / 3)) ** 3 != rows or rows < 8:
        raise LutError(
            path, None, f"there are {max(rows, 0)} rows after the shaper line, which is not N³ for a whole N."
        )
    return lut_from_ocio(path, "\n".join(numeric) + "\n", ".3dl", path.stem)


def _require_codes(path: Path, line: Line, shaper: bool) -> None:
    tokens = line.text.split()
    if not all(t.isascii() and t.isdigit() and len(t) <= MAX_CODE_DIGITS for t in tokens):
        raise LutError(path, line.number, f"{line.text[:60]!r} is not a row of whole numbers up to 65535.")
    if shaper and not 2 <= len(tokens) <= MAX_SIZE:
        raise LutError(
            path, line.number, f"the shaper has {len(tokens)} points; 2 to {MAX_SIZE} are allowed."
        )
    if not shaper and len(tokens) != 3:
        raise LutError(path, line.number, f"expected 3 numbers, found {len(tokens)} words.")
