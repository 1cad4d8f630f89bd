"""`.csp` of Cinespace: three shaper curves, then a 1-D or 3-D table, red fastest."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from math import prod
from pathlib import Path

from edgekit.color.formats.limits import Line, lines_of, numbers_in, whole_number_in
from edgekit.color.formats.ocio import lut_from_ocio
from edgekit.color.lut import MAX_SIZE, MIN_SIZE, Lut3D
from edgekit.errors import LutError

MAGIC = "CSPLUTV100"
KINDS = ("1D", "3D")
MAX_SHAPER_POINTS = 512  # a line of 4096 characters holds no more
MAX_SIZE_1D = 65536


def read_csp(path: Path) -> Lut3D:
    """The mapping of a `.csp` file over [0, 1], shapers included."""
    lines = lines_of(path)
    accepted = [_expect(path, lines, (MAGIC,)), _expect(path, lines, KINDS)]
    kind = accepted[1]
    line = _after_metadata(path, lines)
    for _ in range(3):  # one shaper per channel: a count, that many inputs, that many outputs
        count = whole_number_in(path, line, line.text, 0, MAX_SHAPER_POINTS)
        accepted.append(line.text)
        if count:
            accepted += _shaper(path, lines, count)
        line = _next(path, lines)
    accepted.append(line.text)
    rows = _declared_rows(path, line, kind)
    for done in range(rows):
        row = next(lines, None)
        if row is None:
            raise LutError(path, None, f"the file ends after {done:,} of {rows:,} rows.")
        numbers_in(path, row, 3)
        accepted.append(row.text)
    for extra in lines:
        raise LutError(path, extra.number, "there are more rows than the declared size needs.")
    return lut_from_ocio(path, "\n".join(accepted) + "\n", ".csp", path.stem)


def _shaper(path: Path, lines: Iterator[Line], count: int) -> list[str]:
    """The line of inputs, which must rise, and the line of outputs."""
    inputs, outputs = _next(path, lines), _next(path, lines)
    rising = numbers_in(path, inputs, count)
    numbers_in(path, outputs, count)
    if not all(a < b for a, b in pairwise(rising)):
        raise LutError(path, inputs.number, "the shaper's inputs do not rise.")
    return [inputs.text, outputs.text]


def _declared_rows(path: Path, line: Line, kind: str) -> int:
    words = line.text.split()
    if kind == "1D":
        return whole_number_in(path, line, line.text, 2, MAX_SIZE_1D)
    if len(words) != 3:
        raise LutError(path, line.number, f"expected the 3 sizes of the table, found {len(words)} words.")
    return prod(whole_number_in(path, line, word, MIN_SIZE, MAX_SIZE) for word in words)


def _next(path: Path, lines: Iterator[Line]) -> Line:
    line = next(lines, None)
    if line is None:
        raise LutError(path, None, "the file ends before its table.")
    return line


def _expect(path: Path, lines: Iterator[Line], known: tuple[str, ...]) -> str:
    line = _next(path, lines)
    if line.text not in known:
        raise LutError(path, line.number, f"expected {' or '.join(known)}, found {line.text[:40]!r}.")
    return line.text


def _after_metadata(path: Path, lines: Iterator[Line]) -> Line:
    """The first line after the optional BEGIN METADATA … END METADATA block, which is dropped."""
    line = _next(path, lines)
    if line.text != "BEGIN METADATA":
        return line
    while _next(path, lines).text != "END METADATA":
        pass
    return _next(path, lines)
