"""Limits on LUT files, checked before their content is used: kind of file, size, line length, numbers."""

from __future__ import annotations

import math
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from edgekit.errors import LutError

MAX_TEXT_BYTES = 128 * 2**20  # 129³ rows of three 9-digit numbers are 77 MB; no real file comes near
MAX_PICTURE_BYTES = 64 * 2**20  # a 16-bit 1331×1331 Hald image is 11 MB uncompressed
MAX_MAGNITUDE = 65504.0  # the largest half float; no table is stored with larger values
MAX_LINE_CHARS = 4096  # three numbers take 80; a .3dl shaper line of 129 numbers takes 700


@dataclass(frozen=True)
class Line:
    """A line with content: its number in the file, from 1, and its text, stripped."""

    number: int
    text: str


def require_regular_file(path: Path, max_bytes: int) -> None:
    """LutError unless `path` is an ordinary, non-empty file of at most `max_bytes`: no pipe, no device."""
    try:
        status = path.stat()
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        raise LutError(path, None, "there is no readable file of that name.") from error
    if not stat.S_ISREG(status.st_mode):
        raise LutError(path, None, "this is not an ordinary file.")
    if status.st_size == 0:
        raise LutError(path, None, "the file is empty.")
    if status.st_size > max_bytes:
        raise LutError(
            path, None, f"the file has {status.st_size:,} bytes; no LUT needs more than {max_bytes:,}."
        )


def lines_of(path: Path) -> Iterator[Line]:
    """The lines of a text file without blank lines and `#` comments. LutError for a file that is not text."""
    require_regular_file(path, MAX_TEXT_BYTES)
    try:
        with path.open(encoding="utf-8-sig", errors="replace") as stream:
            number = 0
            while text := stream.readline(MAX_LINE_CHARS + 1):
                number += 1
                if len(text) > MAX_LINE_CHARS:
                    raise LutError(path, number, f"the line is longer than {MAX_LINE_CHARS} characters.")
                if "\0" in text:
                    raise LutError(path, number, "the line holds a zero byte; this is not a text LUT.")
                text = text.strip()
                if text and not text.startswith("#"):
                    yield Line(number, text)
    except OSError as error:
        raise LutError(path, None, f"the file cannot be read: {error.strerror or error}.") from error


def numbers_in(path: Path, line: Line, count: int) -> tuple[float, ...]:
    """The line's `count` finite decimal numbers; LutError for anything else."""
    tokens = line.text.split()
    if len(tokens) != count:
        raise LutError(path, line.number, f"expected {count} numbers, found {len(tokens)} words.")
    try:
        values = tuple(map(float, tokens))
    except ValueError as error:
        raise LutError(path, line.number, f"{line.text[:60]!r} is not {count} numbers.") from error
    if not all(map(math.isfinite, values)) or "_" in line.text:
        raise LutError(path, line.number, f"{line.text[:60]!r} is not {count} finite decimal numbers.")
    if max(map(abs, values)) > MAX_MAGNITUDE:
        raise LutError(path, line.number, f"{line.text[:60]!r} is out of range.")
    return values


def whole_number_in(path: Path, line: Line, text: str, low: int, high: int) -> int:
    """The whole number in `text`, from `low` to `high`; LutError for anything else."""
    if not (text.isascii() and text.isdigit() and len(text) <= 9 and low <= int(text) <= high):
        raise LutError(path, line.number, f"{text[:40]!r} is not a whole number from {low} to {high}.")
    return int(text)
