"""Bootstrap resamples of photos that are counted as the photos come: intervals in memory that does not grow.

The Poisson bootstrap (Hanley and MacGibbon, Comput. Methods Programs Biomed. 83, 2006): in every resample a photo is
drawn a Poisson(1) number of times. These numbers come from the photo's name alone, so no interval depends on the
order or division of the photos, and two models that are counted on the same photos are resampled alike.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from edgekit.scores.metrics import Interval

RESAMPLES = 1000
LEVEL = 0.95
# The range of five draws covers the median in 1 - 2 · 0.5⁵ = 93.75 % of all cases, that of six in 96.9 %: an interval
# from fewer photos shows their spread, and nothing is decided by it.
FEWEST_PHOTOS = 6
Counts = NDArray[np.int64]  # (k,), or (resamples, k)
# From the summed counts of every resample, (resamples, k), to a score of each, (resamples,); NaN where there is none.
Statistic = Callable[[Counts], NDArray[np.float64]]

# A histogram of ΔE2000 in bins that each are 3 % wide: the 95th percentile of a resample within 1.5 %, at any bound
# (Masson et al., DDSketch, VLDB 2019).
BIN_RATIO = 1.03
SMALLEST_DELTA_E = 0.01  # the first bin holds everything below
LARGEST_DELTA_E = 100.0  # the last bin holds everything above
BINS = math.ceil(math.log(LARGEST_DELTA_E / SMALLEST_DELTA_E, BIN_RATIO)) + 2


def draws(name: str) -> Counts:
    """How often each resample draws the photo of this name: (RESAMPLES,)."""
    seed = int.from_bytes(hashlib.sha256(name.encode()).digest()[:16])
    return np.random.default_rng(seed).poisson(1.0, RESAMPLES).astype(np.int64)


@dataclass
class Resamples:
    """Counts of each photo, summed over the photos and over every resample of them.

    `totals`: (1 + RESAMPLES, k) int64; the first row is the photos as they are. `photos`: number of photos counted.
    """

    columns: int
    photos: int = 0
    totals: Counts = field(default_factory=lambda: np.zeros((0, 0), np.int64))

    def __post_init__(self) -> None:
        if self.totals.size == 0:
            self.totals = np.zeros((1 + RESAMPLES, self.columns), np.int64)

    def add(self, weights: Counts, counts: Counts) -> None:
        """Count one photo. weights: its `draws`; counts: (k,)."""
        used = np.flatnonzero(counts)
        self.photos += 1
        self.totals[0, used] += counts[used]
        self.totals[1:, used] += weights[:, None] * counts[used]

    def __add__(self, other: Resamples) -> Resamples:
        return Resamples(self.columns, self.photos + other.photos, self.totals + other.totals)

    def value(self, statistic: Statistic) -> float | None:
        """The score of the photos as they are; None if it has none."""
        value = float(statistic(self.totals[:1])[0])
        return None if math.isnan(value) else value

    def interval(self, statistic: Statistic, level: float = LEVEL) -> Interval | None:
        """The interval of a score over resamples of the photos; None for fewer than two photos."""
        return interval_of(statistic(self.totals[1:]), self.photos, level)


def interval_of(values: NDArray[np.float64], photos: int, level: float = LEVEL) -> Interval | None:
    """The interval of a score from its values in every resample; resamples without a score are left out.

    The percentile interval, widened as Student's t widens that of a mean (Hesterberg, Am. Stat. 69(4), 2015): for few
    photos the plain one is too narrow. None for fewer than two photos.
    """
    known = values[~np.isnan(values)]
    if photos < 2 or not known.size:
        return None
    t = stats.t.ppf((1 + level) / 2, photos - 1)
    tail = stats.norm.cdf(-math.sqrt(photos / (photos - 1)) * t)
    return float(np.quantile(known, tail, method="lower")), float(
        np.quantile(known, 1 - tail, method="higher")
    )


def delta_e00_bins(values: NDArray[np.float64]) -> Counts:
    """The histogram of ΔE2000 values of any shape: (BINS,); a NaN counts as larger than all."""
    scaled = np.maximum(values.ravel() / SMALLEST_DELTA_E, 1.0)
    bins = np.nan_to_num(np.ceil(np.log(scaled) / math.log(BIN_RATIO)), nan=BINS, posinf=BINS)
    return np.bincount(np.minimum(bins, BINS - 1).astype(np.int64), minlength=BINS)


def delta_e00_percentile(histograms: Counts, percent: float) -> NDArray[np.float64]:
    """The percentile of every histogram, (resamples, BINS), as (resamples,): its bin's geometric middle.

    Values below the smallest bin count as 0, values above the largest as infinite. NaN for an empty histogram.
    """
    pixels = histograms.sum(-1)
    bins = (np.cumsum(histograms, -1) <= np.floor(percent / 100 * (pixels - 1))[:, None]).sum(-1)
    middles = SMALLEST_DELTA_E * BIN_RATIO ** (np.arange(BINS) - 0.5)
    middles[0], middles[-1] = 0.0, math.inf
    return np.where(pixels > 0, middles[np.minimum(bins, BINS - 1)], math.nan)


def ratio(numerators: NDArray[np.number], denominators: NDArray[np.number]) -> NDArray[np.float64]:
    """Elementwise quotient; NaN for 0 / 0."""
    with np.errstate(invalid="ignore", divide="ignore"):
        quotient: NDArray[np.float64] = np.true_divide(numerators, denominators)
    return quotient


def share(totals: Counts) -> NDArray[np.float64]:
    """The quotient of two columns, (resamples, 2)."""
    return ratio(totals[:, 0], totals[:, 1])


def mean_known(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """The mean over the columns that are not NaN, (resamples, k) to (resamples,); NaN without any."""
    known = ~np.isnan(values)
    return ratio(np.where(known, values, 0.0).sum(1), known.sum(1))
