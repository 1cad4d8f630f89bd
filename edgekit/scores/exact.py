"""Sums and percentiles of floats that do not depend on the order, so that shards merge bit for bit."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

STEPS_PER_DELTA_E = 1000
LARGEST_DELTA_E = 100  # black against white; only saturated opposites are further apart
OVERFLOW = STEPS_PER_DELTA_E * LARGEST_DELTA_E + 1  # the bin of all larger values


@dataclass
class ExactSum:
    """A sum of floats that is rounded only when it is read: as fractions, floats add without error.

    `not_finite` holds infinities and NaN, which a fraction cannot represent.
    """

    fraction: Fraction = Fraction()
    not_finite: float = 0.0

    def add(self, value: float) -> None:
        if math.isfinite(value):
            self.fraction += Fraction(value)
        else:
            self.not_finite += value

    def __add__(self, other: ExactSum) -> ExactSum:
        return ExactSum(self.fraction + other.fraction, self.not_finite + other.not_finite)

    def __float__(self) -> float:
        return float(self.fraction) + self.not_finite


@dataclass
class DeltaE00Histogram:
    """Histogram of ΔE2000 in steps of 0.001 up to 100: percentiles of any number of pixels in 0.8 MB.

    A value counts as its nearest step, so a percentile between values of at most 100 differs from numpy's by at
    most half a step, 0.0005. Larger values share one bin and count as the largest of them, so no percentile exceeds
    it. One NaN makes every percentile NaN, as in numpy.
    """

    counts: NDArray[np.int64] = field(default_factory=lambda: np.zeros(OVERFLOW + 1, np.int64))
    largest: float = 0.0

    def add(self, values: NDArray[np.float64]) -> None:
        """values: ΔE2000 of any number of pixels, at least 0."""
        if values.size == 0:
            return
        self.largest = float(np.maximum(self.largest, values.max()))
        steps = np.nan_to_num(np.rint(values.ravel() * STEPS_PER_DELTA_E), nan=OVERFLOW, posinf=OVERFLOW)
        bins = np.minimum(steps, OVERFLOW).astype(np.int64)
        self.counts += np.bincount(bins, minlength=OVERFLOW + 1)

    def __add__(self, other: DeltaE00Histogram) -> DeltaE00Histogram:
        return DeltaE00Histogram(self.counts + other.counts, float(np.maximum(self.largest, other.largest)))

    @property
    def mean(self) -> float | None:
        """The mean, to half a step; None for an empty histogram."""
        n = int(self.counts.sum())
        if n == 0 or math.isnan(self.largest):
            return math.nan if n else None
        total = int(self.counts[:OVERFLOW] @ np.arange(OVERFLOW)) / STEPS_PER_DELTA_E
        return (total + int(self.counts[OVERFLOW]) * self.largest) / n

    def percentile(self, percent: float) -> float | None:
        """The percentile, interpolated linearly between neighbouring values; None for an empty histogram."""
        n = int(self.counts.sum())
        if n == 0 or math.isnan(self.largest):
            return math.nan if n else None
        rank = percent / 100 * (n - 1)
        below, above = math.floor(rank), math.ceil(rank)
        bins = np.searchsorted(np.cumsum(self.counts), [below, above], side="right")
        first, second = (self.largest if i == OVERFLOW else int(i) / STEPS_PER_DELTA_E for i in bins)
        return first + (rank - below) * (second - first)
