"""Intervals over resamples of photos: of any order and division the same, and as wide as they should be."""

from __future__ import annotations

import numpy as np
import pytest

from edgekit.scores.resamples import (
    BINS,
    Resamples,
    delta_e00_bins,
    delta_e00_percentile,
    draws,
    interval_of,
    share,
)


def counted(counts: np.ndarray, chosen: list[int]) -> Resamples:
    found = Resamples(2)
    for i in chosen:
        found.add(draws(f"photo {i}"), counts[i])
    return found


def photos(n: int, seed: int = 0, mean: float = 0.02) -> np.ndarray:
    """(n, 2): wrong pixels and pixels of each photo."""
    rng = np.random.default_rng(seed)
    pixels = rng.integers(500, 2000, n)
    return np.stack([rng.binomial(pixels, np.clip(rng.gamma(2, mean / 2, n), 0, 1)), pixels], 1)


def test_the_interval_is_the_same_in_any_order_and_split() -> None:
    counts, whole = photos(20), list(range(20))
    expected = counted(counts, whole).interval(share)
    assert expected is not None
    assert counted(counts, whole[::-1]).interval(share) == expected
    parts = counted(counts, whole[13:]) + counted(counts, whole[:5]) + counted(counts, whole[5:13])
    assert parts.photos == 20 and parts.interval(share) == expected


def test_for_many_photos_it_is_the_usual_bootstrap() -> None:
    counts = photos(400)
    found = counted(counts, list(range(400))).interval(share)
    rng = np.random.default_rng(0)
    resamples = counts[rng.integers(0, 400, (2000, 400))].sum(1)  # multinomial
    usual = tuple(np.quantile(share(resamples), [0.025, 0.975]))
    assert found is not None
    width = usual[1] - usual[0]
    assert found == pytest.approx(usual, abs=0.15 * width)


def test_few_photos_have_a_wide_interval_that_holds_the_truth() -> None:
    """The plain percentile interval of six photos holds it in about 84 % of all cases."""
    held = 0
    for seed in range(200):
        low, high = counted(photos(6, seed), list(range(6))).interval(share) or (0.0, 0.0)
        held += low <= 0.02 <= high
    assert held >= 0.9 * 200


def test_one_photo_has_a_value_and_no_interval() -> None:
    found = counted(photos(1), [0])
    assert found.interval(share) is None
    assert found.value(share) == pytest.approx(photos(1)[0, 0] / photos(1)[0, 1])
    assert Resamples(2).value(share) is None
    assert interval_of(np.full(10, np.nan), 10) is None


@pytest.mark.parametrize("scale", [0.02, 0.4, 8.0])
def test_the_percentile_is_within_its_bins(scale: float) -> None:
    values = np.random.default_rng(1).exponential(scale, (40, 50))
    (found,) = delta_e00_percentile(delta_e00_bins(values)[None], 95)
    assert found == pytest.approx(np.percentile(values, 95), rel=0.02)


def test_extreme_values_are_counted() -> None:
    bins = delta_e00_bins(np.array([0.0, 0.005, 1e3, np.inf, np.nan]))
    assert (bins[0], bins[BINS - 1]) == (2, 3)
    assert np.isinf(delta_e00_percentile(bins[None], 95)[0])
    assert np.isnan(delta_e00_percentile(np.zeros((1, BINS), np.int64), 95)[0])
