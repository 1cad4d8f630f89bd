"""Sums and percentiles that are the same in any order, and as near to numpy's as they say."""

from __future__ import annotations

import math
from functools import reduce
from operator import add

import numpy as np
import pytest

from edgekit.scores.exact import DeltaE00Histogram, ExactSum

HALF_STEP = 0.0005 + 1e-9


def summed(values: list[float]) -> ExactSum:
    total = ExactSum()
    for value in values:
        total.add(value)
    return total


@pytest.mark.parametrize("seed", range(3))
def test_a_sum_is_the_same_in_any_order_and_split(seed: int) -> None:
    rng = np.random.default_rng(seed)
    values = (rng.normal(size=60) * 10.0 ** rng.integers(-300, 300, 60)).tolist()
    whole = float(summed(values))
    assert whole == math.fsum(values)
    for _ in range(5):
        rng.shuffle(values)
        shards = [summed(values[i::7]) for i in range(7)]
        assert float(reduce(add, shards)) == whole


def test_what_is_not_finite_stays_so() -> None:
    assert math.isnan(float(summed([1.0, math.nan]) + summed([2.0])))
    assert float(summed([math.inf, 1e300])) == math.inf
    assert float(summed([])) == 0


def values_of(kind: str, rng: np.random.Generator) -> np.ndarray:
    n = int(rng.integers(1, 4000))
    return {
        "small": rng.exponential(0.3, n),
        "wide": rng.uniform(0, 100, n),
        "mostly equal": np.where(rng.random(n) < 0.94, 0.0, rng.uniform(0, 5, n)),
        "few": rng.uniform(0, 20, n % 7 + 1),
    }[kind]


@pytest.mark.parametrize("kind", ["small", "wide", "mostly equal", "few"])
def test_a_percentile_is_within_half_a_step_of_numpys(kind: str) -> None:
    rng = np.random.default_rng(5)
    for _ in range(20):
        values = values_of(kind, rng)
        histogram = DeltaE00Histogram()
        histogram.add(values)
        for percent in (0, 50, 95, 99.9, 100):
            assert abs(histogram.percentile(percent) - np.percentile(values, percent)) <= HALF_STEP


def test_equal_pictures_differ_by_exactly_nothing() -> None:
    histogram = DeltaE00Histogram()
    assert histogram.percentile(95) is None
    histogram.add(np.zeros(1000))
    assert histogram.percentile(95) == 0


def test_values_beyond_the_last_step_are_read_as_the_largest() -> None:
    histogram = DeltaE00Histogram()
    histogram.add(np.array([1.0, 104.5, 119.25]))
    assert histogram.percentile(100) == 119.25
    assert histogram.percentile(50) == 119.25  # never less than the true 104.5
    assert histogram.percentile(0) == 1


def test_one_nan_shows() -> None:
    good, bad = DeltaE00Histogram(), DeltaE00Histogram()
    good.add(np.ones(100))
    bad.add(np.array([0.5, math.nan]))
    assert math.isnan((good + bad).percentile(95)) and math.isnan((bad + good).percentile(95))


def test_shards_of_pixels_have_the_percentile_of_all() -> None:
    rng = np.random.default_rng(1)
    pictures = [rng.exponential(1, (9, 11)) for _ in range(12)]
    whole = DeltaE00Histogram()
    for picture in pictures:
        whole.add(picture)
    for split in (1, 5, 11):
        shards = [DeltaE00Histogram(), DeltaE00Histogram()]
        for i, picture in enumerate(reversed(pictures)):
            shards[i >= split].add(picture)
        merged = shards[1] + shards[0]
        assert np.array_equal(merged.counts, whole.counts) and merged.largest == whole.largest
        assert merged.percentile(95) == whole.percentile(95)


def test_the_mean_is_numpys_to_half_a_step() -> None:
    histogram = DeltaE00Histogram()
    assert histogram.mean is None
    values = np.random.default_rng(3).exponential(2.0, 999)
    histogram.add(values)
    assert histogram.mean == pytest.approx(values.mean(), abs=0.0005)
    histogram.add(np.array([np.nan]))
    assert histogram.mean is not None and np.isnan(histogram.mean)
