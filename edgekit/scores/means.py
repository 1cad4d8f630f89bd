"""Means over photos of the scores of masks, in sums that do not depend on the order or division of the photos."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import astuple, dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from edgekit.scores.masks import METRICS, MaskScores
from edgekit.scores.metrics import Interval
from edgekit.scores.resamples import LEVEL

UNITS = 100_000  # in a score of 1; whole numbers add exactly, and the squares of 9e8 photos fit 64 bits
COLUMNS = 3  # photos, sum, sum of squares


@dataclass(frozen=True)
class Mean:
    """The mean of a score over the `n` photos that have it, to 1e-5, with its 95 % interval by Student's t."""

    value: float | None
    ci95: Interval | None
    n: int


@dataclass
class MaskMeans:
    """Scores of the masks of some groups, summed over photos.

    totals: (groups, metrics, 3) int64: the photos that have the score, its sum and the sum of its squares.
    """

    groups: tuple[str, ...]
    totals: NDArray[np.int64]

    @classmethod
    def empty(cls, groups: tuple[str, ...]) -> MaskMeans:
        return cls(groups, np.zeros((len(groups), len(METRICS), COLUMNS), np.int64))

    def __add__(self, other: MaskMeans) -> MaskMeans:
        return MaskMeans(self.groups, self.totals + other.totals)

    def add(self, scores: Mapping[str, MaskScores]) -> None:
        """Count one photo by the scores of every group."""
        for group, one in scores.items():
            for row, value in zip(self.totals[self.groups.index(group)], astuple(one), strict=True):
                if value is not None:
                    units = round(value * UNITS)
                    row += (1, units, units**2)

    def means(self) -> dict[str, dict[str, Mean]]:
        """The mean of every score of every group."""
        return {
            group: {metric: _mean(*map(int, row)) for metric, row in zip(METRICS, rows, strict=True)}
            for group, rows in zip(self.groups, self.totals, strict=True)
        }


def _mean(n: int, total: int, squares: int) -> Mean:
    if n == 0:
        return Mean(None, None, 0)
    value = total / n / UNITS
    if n == 1:
        return Mean(value, None, 1)
    variance = max(0.0, (n * squares - total**2) / (n * (n - 1))) / UNITS**2
    reach = float(stats.t.ppf((1 + LEVEL) / 2, n - 1)) * math.sqrt(variance / n)
    return Mean(value, (max(0.0, value - reach), min(1.0, value + reach)), n)
