"""The paired differences of benchmarks/rounding.py."""

import numpy as np

from benchmarks.rounding import difference, miou, row


def test_a_loss_in_every_photo_has_an_interval_below_zero() -> None:
    perfect = np.tile(np.diag([900, 100]), (20, 1, 1))
    worse = perfect.copy()
    worse[:, 1] = [10, 90]  # a tenth of the second class is taken for the first
    assert miou(perfect) == 1
    expected = 100 * ((900 / 910 + 0.9) / 2 - 1)
    cell = f"{expected:+.2f} ({expected:+.2f} … {expected:+.2f})"
    assert difference(perfect, worse) == cell
    assert row("some", {"float": perfect, "int8": worse}) == ("some", "20", "100.00", cell)


def test_a_rare_class_in_one_photo_of_many_gives_a_wide_interval() -> None:
    reference = np.tile(np.diag([1000, 0]), (30, 1, 1))
    reference[0] = np.diag([900, 100])
    other = reference.copy()
    other[0, 1] = [50, 50]
    low, high = (float(end) for end in difference(reference, other).split("(")[1][:-1].split(" … "))
    assert high == 0 and low < -20
