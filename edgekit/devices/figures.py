"""Bounded numbers from a device's output.

A device is not trusted, and `int` and `float` would accept 4,300 digits, digits of other scripts, `nan` and `1e999`.
"""

from __future__ import annotations

import re

DIGITS = re.compile(r"[0-9]{1,15}")
DECIMAL = re.compile(r"[0-9]{1,30}(?:\.[0-9]{1,30})?(?:e[+-]?[0-9]{1,3})?")


def whole(text: str, most: int) -> int | None:
    """The text as a whole number from 0 to `most`, ignoring spaces around it; None for any other text."""
    digits = text.strip()
    if DIGITS.fullmatch(digits) is None or int(digits) > most:
        return None
    return int(digits)


def number(value: object, most: float) -> float | None:
    """A JSON number or a decimal text as a float from 0 to `most`; None for anything else."""
    if isinstance(value, str):
        value = float(value) if DECIMAL.fullmatch(value) else None
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= most:
        return None
    return float(value)
