"""The statistics against series whose truth is known."""

from __future__ import annotations

import numpy as np
import pytest

from edgekit.benchmark.statistics import (
    FEWEST_SAMPLES,
    change_between,
    interval_of,
    latency_of,
    paired_change,
    percentile,
)
from tests.support.latencies import N, series


def test_percentiles_of_a_known_series() -> None:
    latency = latency_of([float(v) for v in range(1, 102)], per_inference=True, inferences=101)
    assert (latency.p50, latency.p90, latency.p99) == (51.0, 91.0, 100.0)
    assert latency.mean == 51.0 and latency.n == 101


def test_percentiles_do_not_depend_on_order_but_come_with_intervals_around_them() -> None:
    values = series(1)
    latency = latency_of(values, True, N)
    assert latency.p50 == pytest.approx(np.median(values))
    for point, ends in ((latency.p50, latency.p50_ci95), (latency.p90, latency.p90_ci95)):
        assert point is not None and ends is not None
        assert ends.low <= point <= ends.high and ends.low < ends.high


def test_launch_means_have_no_percentiles() -> None:
    latency = latency_of([5.0, 7.0], per_inference=False, inferences=20)
    assert latency.mean == 6.0 and latency.n == 20
    assert latency.p50 is latency.p90 is latency.p99 is None


def test_too_few_samples_have_no_intervals() -> None:
    latency = latency_of(series(2, FEWEST_SAMPLES - 1), True, FEWEST_SAMPLES - 1)
    assert latency.p50 is not None and latency.p50_ci95 is None and latency.mean_ci95 is None


@pytest.mark.slow
@pytest.mark.parametrize("memory", [0.0, 0.5])
def test_the_interval_of_the_median_covers_it(memory: float) -> None:
    """Nominal 95 %; with 60 correlated samples a bootstrap gives a little less, never much less."""
    trials = 200
    hits = 0
    for seed in range(trials):
        ends = interval_of(series(seed, memory=memory), percentile(50))
        hits += ends.low <= 40.0 <= ends.high
    assert hits / trials >= (0.90 if memory == 0.0 else 0.80)


def test_independent_resampling_would_not_cover_a_drifting_series() -> None:
    """Why blocks: Efron's bootstrap is far too sure of itself when the clock drifts."""
    hits = {"blocks": 0, "single": 0}
    for seed in range(100):
        drifting = series(seed, memory=0.8)
        shuffled = np.random.default_rng(seed).permutation(drifting)
        hits["blocks"] += abs_covers(interval_of(drifting, percentile(50)))
        hits["single"] += abs_covers(interval_of(shuffled, percentile(50)))
    assert hits["blocks"] > hits["single"] + 8


def abs_covers(ends: object) -> bool:
    return bool(ends.low <= 40.0 <= ends.high)  # type: ignore[attr-defined]


@pytest.mark.slow
@pytest.mark.parametrize("memory", [0.0, 0.5])
def test_false_alarms_are_rare(memory: float) -> None:
    """Two runs of one build: at most 1 % are called slower (0.5 % nominal without any tolerance)."""
    trials = 300
    alarms = sum(
        change_between(series(2 * i, memory=memory), series(2 * i + 1, memory=memory)).verdict == "SLOWER"
        for i in range(trials)
    )
    assert alarms / trials <= 0.01


@pytest.mark.slow
def test_without_tolerance_false_alarms_stay_near_their_nominal_rate() -> None:
    alarms = sum(
        change_between(series(2 * i), series(2 * i + 1), tolerance=0.0).verdict != "SAME" for i in range(300)
    )
    assert alarms / 300 <= 0.03


@pytest.mark.slow
@pytest.mark.parametrize(("slowdown", "most_missed"), [(1.10, 0.02), (1.07, 0.30)])
def test_a_known_regression_is_rarely_missed(slowdown: float, most_missed: float) -> None:
    trials = 200
    missed = sum(
        change_between(series(2 * i, median=40 * slowdown), series(2 * i + 1)).verdict != "SLOWER"
        for i in range(trials)
    )
    assert missed / trials <= most_missed


def test_a_speedup_is_called_faster_and_is_no_regression() -> None:
    change = change_between(series(1, median=30.0), series(2))
    assert change.verdict == "FASTER" and change.ratio == pytest.approx(0.75, abs=0.03)


def test_a_change_inside_the_tolerance_is_none() -> None:
    assert change_between(series(3, 500, 40.6), series(4, 500)).verdict == "SAME"
    assert change_between(series(3, 500, 40.6), series(4, 500), tolerance=0.0).verdict == "SLOWER"


def test_one_outlier_is_no_regression() -> None:
    spiked = series(6)
    spiked[7] = 4000.0
    assert change_between(spiked, series(5)).verdict == "SAME"


def test_too_few_samples_give_no_verdict() -> None:
    assert change_between(series(1, 5, 80.0), series(2)).verdict == "TOO_FEW"
    assert paired_change(series(1, 5, 80.0), series(2)).verdict == "TOO_FEW"


def test_pairs_see_a_small_difference_through_a_common_drift() -> None:
    drift = 1 + np.linspace(0, 1, N)
    first, second = series(1) * drift, series(1) * drift * 1.02
    assert paired_change(second, first).verdict == "SLOWER"
    assert paired_change(second, first).ratio == pytest.approx(1.02)
    assert change_between(second, first, tolerance=0.0).verdict == "SAME"


def test_the_same_series_gives_the_same_interval() -> None:
    assert interval_of(series(9), percentile(90)) == interval_of(series(9), percentile(90))
