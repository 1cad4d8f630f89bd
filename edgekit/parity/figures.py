"""Figures as people read them: per cent, points and fixed decimals, never an exponent."""

from __future__ import annotations

import math

from edgekit.scores.metrics import Interval

UNKNOWN = "–"
SHARES = ("agreement", "share")  # in the names of metrics that are read as per cent


def fixed(value: float | None, decimals: int, *, signed: bool = False, unit: str = "") -> str:
    """The value with so many decimals; a dash for none. One too small for them is `<0.01`, or `>-0.01` below zero."""
    if value is None:
        return UNKNOWN
    if not math.isfinite(value):
        return str(value)
    least = 10.0**-decimals
    if 0 < abs(value) < least / 2:
        side = "<" if value > 0 else ">-"
        return f"{side}{least:.{decimals}f}{unit}"
    return f"{value:{'+' if signed and value else ''},.{decimals}f}{unit}"


def percent(share: float | None, *, signed: bool = False) -> str:
    """A share as per cent with two decimals."""
    return fixed(None if share is None else 100 * share, 2, signed=signed, unit="%")


def figure(name: str, value: float | None) -> str:
    """The value of a metric or check of this name, with its unit where it has one."""
    if value is None or not math.isfinite(value):
        return fixed(value, 0)
    if any(word in name for word in SHARES):
        return percent(value)
    if "flicker" in name:
        return fixed(100 * value, 3, unit=" points")  # its bound for fp32 is 0.001
    if "IoU" in name:
        return fixed(100 * value, 2, unit=" points") if "drop" in name else fixed(value, 3)
    if "logit" in name:
        return _plain(fixed(value, 5))  # its bound for fp32 is 0.001
    return _plain(fixed(value, 3 if abs(value) < 100 else 0))


def span(name: str, interval: Interval | None) -> str:
    """An interval with its unit named once; empty if there is none."""
    if interval is None:
        return ""
    low, high = (figure(name, end) for end in interval)
    return f"{low.removesuffix(' points')} to {high}"


def _plain(text: str) -> str:
    """Without the zeros behind the last decimal that says something."""
    return text.rstrip("0").rstrip(".") if "." in text else text
