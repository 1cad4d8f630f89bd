"""`.cube`: the Adobe Cube LUT Specification 1.0, and Resolve's 1-D shaper before the 3-D table.

Red changes fastest: row i is r + N·g + N²·b (specification, "LUT_3D_SIZE").
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edgekit.color.formats.limits import Line, lines_of, numbers_in, whole_number_in
from edgekit.color.interpolation import tetrahedral
from edgekit.color.lut import MAX_SIZE, MIN_SIZE, Lut3D, grid
from edgekit.errors import LutError
from edgekit.files import write_whole

MAX_SIZE_1D = 65536  # specification: "LUT_1D_SIZE ... in the range [2, 65536]"
# A shaper bends the axes, so shaper and table are sampled as one table on at least this many points.
COMPOSED_SIZE = 65

Triple = tuple[float, float, float]


@dataclass
class _Header:
    """The keywords' values, filled in while reading."""

    title: str = ""
    size_1d: int = 0
    size_3d: int = 0
    bounds: dict[str, Triple] = field(default_factory=dict)  # keyword → numbers
    given: set[str] = field(default_factory=set)


def read_cube(path: Path) -> Lut3D:
    """Read a `.cube` file; a shaper, or a 1-D table alone, is composed into one 3-D table."""
    header, rows = _Header(), lines_of(path)
    first = _read_header(path, header, rows)
    data = chain([first], rows)
    shaper = _read_rows(path, data, header.size_1d)
    table = _read_rows(path, data, header.size_3d**3)
    for extra in data:
        raise LutError(path, extra.number, "there are more rows than the declared size needs.")
    return _assemble(path, header, shaper, table)


def write_cube(path: Path, lut: Lut3D, *, replace: bool = False) -> None:
    """Write a `.cube` that reads back to exactly the same float32 table."""
    title = "".join(c for c in lut.title if c.isprintable() and c != '"')
    lines = [f'TITLE "{title}"'] if title else []
    lines.append(f"LUT_3D_SIZE {lut.size}")
    if not lut.has_unit_domain:
        lines.append("DOMAIN_MIN {:.9g} {:.9g} {:.9g}".format(*lut.domain_min))
        lines.append("DOMAIN_MAX {:.9g} {:.9g} {:.9g}".format(*lut.domain_max))
    rows = lut.table.transpose(2, 1, 0, 3).reshape(-1, 3).tolist()  # (b, g, r) → red fastest
    lines.extend(f"{r:.9g} {g:.9g} {b:.9g}" for r, g, b in rows)
    write_whole(path, "\n".join(lines) + "\n", replace=replace)


def _title(path: Path, line: Line, header: _Header, words: list[str]) -> None:
    header.title = line.text[len("TITLE") :].strip().strip('"')


def _size_1d(path: Path, line: Line, header: _Header, words: list[str]) -> None:
    header.size_1d = whole_number_in(path, line, " ".join(words), 2, MAX_SIZE_1D)


def _size_3d(path: Path, line: Line, header: _Header, words: list[str]) -> None:
    header.size_3d = whole_number_in(path, line, " ".join(words), MIN_SIZE, MAX_SIZE)


def _triple(path: Path, line: Line, header: _Header, words: list[str]) -> None:
    r, g, b = numbers_in(path, Line(line.number, " ".join(words)), 3)
    header.bounds[line.text.split()[0]] = (r, g, b)


def _range(path: Path, line: Line, header: _Header, words: list[str]) -> None:
    low, high = numbers_in(path, Line(line.number, " ".join(words)), 2)
    if not low < high:
        raise LutError(path, line.number, f"the input range {low:g} … {high:g} is empty.")
    dimension = line.text.split()[0].removesuffix("_INPUT_RANGE")
    header.bounds[f"{dimension}_MIN"] = (low, low, low)
    header.bounds[f"{dimension}_MAX"] = (high, high, high)


KEYWORDS: dict[str, Callable[[Path, Line, _Header, list[str]], None]] = {
    "TITLE": _title,
    "LUT_1D_SIZE": _size_1d,
    "LUT_3D_SIZE": _size_3d,
    "DOMAIN_MIN": _triple,
    "DOMAIN_MAX": _triple,
    "LUT_1D_INPUT_RANGE": _range,
    "LUT_3D_INPUT_RANGE": _range,
}


def _read_header(path: Path, header: _Header, rows: Iterator[Line]) -> Line:
    """Fill `header`; returns the first line of data."""
    for line in rows:
        word, *rest = line.text.split()
        if word not in KEYWORDS:
            if word[0].isalpha():
                raise LutError(
                    path, line.number, f"unknown keyword {word[:40]!r}; known: {', '.join(KEYWORDS)}."
                )
            if not header.size_1d and not header.size_3d:
                raise LutError(path, line.number, "data begins before LUT_3D_SIZE or LUT_1D_SIZE.")
            return line
        if word in header.given:
            raise LutError(path, line.number, f"{word} is given twice.")
        header.given.add(word)
        KEYWORDS[word](path, line, header, rest)
    raise LutError(path, None, "the file ends before any row of data.")


def _read_rows(path: Path, data: Iterator[Line], count: int) -> NDArray[np.float32]:
    """The next `count` lines, (count, 3) float32; memory grows with the lines that exist, not with `count`."""
    values = array("f")
    for done in range(count):
        line = next(data, None)
        if line is None:
            raise LutError(path, None, f"the file ends after {done:,} of {count:,} rows.")
        values.extend(numbers_in(path, line, 3))
    return np.frombuffer(values, np.float32).reshape(count, 3) if count else np.empty((0, 3), np.float32)


def _assemble(path: Path, header: _Header, shaper: NDArray[np.float32], table: NDArray[np.float32]) -> Lut3D:
    for name in ("1D", "3D"):
        if "DOMAIN_MIN" in header.bounds and f"LUT_{name}_MIN" in header.bounds:
            raise LutError(path, None, f"both DOMAIN_MIN and LUT_{name}_INPUT_RANGE are given; keep one.")
    cube = table.reshape((header.size_3d,) * 3 + (3,)).transpose(2, 1, 0, 3)  # rows are (b, g, r)
    try:
        if not header.size_1d:
            low, high = _domain(header, "LUT_3D", "DOMAIN")
            return Lut3D(np.ascontiguousarray(cube), low, high, header.title)
        low, high = _domain(header, "LUT_1D", "DOMAIN")
        _require_box(low, high)
        size = max(COMPOSED_SIZE, header.size_3d)
        shaped = _through_1d(shaper, grid(size))
        if header.size_3d:
            inner = Lut3D(np.ascontiguousarray(cube), *_domain(header, "LUT_3D"))
            shaped = tetrahedral(inner.table, inner.unit_from_input(shaped))
        return Lut3D(shaped.astype(np.float32), low, high, header.title)
    except LutError as error:
        raise LutError(path, None, error.reason) from error


def _require_box(low: Triple, high: Triple) -> None:
    if not all(a < b for a, b in zip(low, high, strict=True)):
        raise LutError(None, None, f"a domain needs minimum < maximum, not {low} … {high}.")


def _domain(header: _Header, *keywords: str) -> tuple[Triple, Triple]:
    """The bounds of the first keyword family that was given; [0, 1] otherwise, as the specification says."""
    low, high = (0.0, 0.0, 0.0), (1.0, 1.0, 1.0)
    for keyword in reversed(keywords):
        low = header.bounds.get(f"{keyword}_MIN", low)
        high = header.bounds.get(f"{keyword}_MAX", high)
    return low, high


def _through_1d(shaper: NDArray[np.float32], rgb: NDArray[np.float64]) -> NDArray[np.float64]:
    """Apply a shaper with linear interpolation.

    shaper: (M, 3), one curve per channel over [0, 1]. rgb: (..., 3) in [0, 1]. Returns (..., 3).
    """
    positions = np.linspace(0.0, 1.0, len(shaper))
    curves = [np.interp(rgb[..., k], positions, shaper[:, k]) for k in range(3)]
    return np.stack(curves, axis=-1)
