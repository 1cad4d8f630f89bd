"""The paired differences of benchmarks/rounding.py."""

from collections.abc import Sequence

import numpy as np
import pytest

from benchmarks.rounding import difference, mious, row
from edgekit.scores.metrics import Confusion
from edgekit.scores.pixels import PixelCounts, class_pixels

NAMES = ("Background", "Hat")


def counted(photos: Sequence[np.ndarray]) -> PixelCounts:
    counts = PixelCounts.empty(NAMES)
    for i, photo in enumerate(photos):
        counts.add(f"{i}.jpg", class_pixels(Confusion(2, np.array(photo)), NAMES))
    return counts


def test_a_loss_in_every_photo_has_an_interval_below_zero() -> None:
    perfect = np.tile(np.diag([900, 100]), (20, 1, 1))
    worse = perfect.copy()
    worse[:, 1] = [10, 90]  # a tenth of the second class is taken for the first
    assert mious(counted(perfect))[0] == 100
    expected = 100 * ((900 / 910 + 0.9) / 2 - 1)
    cell = f"{expected:+.2f} ({expected:+.2f} … {expected:+.2f})"
    assert difference(counted(perfect), counted(worse)) == cell
    both = {"float": counted(perfect), "int8": counted(worse)}
    assert row("some", both) == ("some", "20", "100.00", cell)


def test_a_rare_class_in_one_photo_of_many_gives_a_wide_interval() -> None:
    reference = np.tile(np.diag([1000, 0]), (30, 1, 1))
    reference[0] = np.diag([900, 100])
    other = reference.copy()
    other[0, 1] = [50, 50]
    cell = difference(counted(reference), counted(other))
    low, high = (float(end) for end in cell.split("(")[1][:-1].split(" … "))
    assert high == pytest.approx(0) and low < -20
