"""Latency statistics: percentiles with bootstrap intervals, and the test for a regression.

Consecutive inferences are not independent (clocks and temperature drift), so the bootstrap resamples moving blocks
(Künsch 1989) instead of single samples; for independent samples it agrees with Efron's.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

RESAMPLES = 1000
SEED = 20240229
INTERVAL_LEVEL = 0.95
# A verdict is a gate in CI: one false alarm in 200 unchanged builds (one side of 99 %) is bearable.
VERDICT_LEVEL = 0.99
# Two launches of one build differ by 1-2 % (page placement, core choice); a smaller change is ignored.
TOLERANCE = 0.03
# With fewer samples, a block bootstrap of a median is meaningless.
FEWEST_SAMPLES = 20
CHUNK_ELEMENTS = 1 << 21

Samples = Sequence[float] | NDArray[np.float64]


@dataclass(frozen=True)
class Interval:
    low: float
    high: float


@dataclass(frozen=True)
class Latency:
    """Steady-state latency. Percentiles are None when the runner reports only means of several runs."""

    mean: float
    p50: float | None
    p90: float | None
    p99: float | None
    n: int
    mean_ci95: Interval | None
    p50_ci95: Interval | None
    p90_ci95: Interval | None
    p99_ci95: Interval | None


@dataclass(frozen=True)
class Change:
    """Candidate against baseline: ratio of medians, its interval, and SLOWER, FASTER, SAME or TOO_FEW."""

    ratio: float
    interval: Interval
    verdict: str


def latency_of(samples_ms: Samples, per_inference: bool, inferences: int) -> Latency:
    """Summarise a series in the order of measuring; `n` counts inferences, not launches."""
    series = np.asarray(samples_ms, dtype=np.float64)
    enough = series.size >= FEWEST_SAMPLES
    mean_ci = interval_of(series, np.mean) if enough else None
    if not per_inference:
        return Latency(float(series.mean()), None, None, None, inferences, mean_ci, None, None, None)
    p50, p90, p99 = (float(np.percentile(series, q)) for q in (50, 90, 99))
    ends = [interval_of(series, percentile(q)) if enough else None for q in (50, 90, 99)]
    return Latency(float(series.mean()), p50, p90, p99, inferences, mean_ci, *ends)


Statistic = Callable[..., NDArray[np.float64]]


def percentile(q: float) -> Statistic:
    """A statistic for `interval_of`: the q-th percentile along `axis`, linear between order statistics."""

    def of(values: NDArray[np.float64], axis: int) -> NDArray[np.float64]:
        return np.asarray(np.percentile(values, q, axis=axis))

    return of


def interval_of(series: NDArray[np.float64], statistic: Statistic, level: float = INTERVAL_LEVEL) -> Interval:
    """Percentile bootstrap interval of a statistic of a series in measured order."""
    return _quantiles(_replicates(series, statistic, np.random.default_rng(SEED)), level)


def change_between(candidate: Samples, baseline: Samples, tolerance: float = TOLERANCE) -> Change:
    """Test whether the candidate's median latency differs from the baseline's by more than `tolerance`.

    SLOWER when even the lower end of the 99 % interval of the ratio lies above 1 + tolerance, FASTER
    when the upper end lies below 1 / (1 + tolerance).
    """
    new, old = np.asarray(candidate, dtype=np.float64), np.asarray(baseline, dtype=np.float64)
    ratio = float(np.median(new) / np.median(old))
    random = np.random.default_rng(SEED)
    ratios = _replicates(new, np.median, random) / _replicates(old, np.median, random)
    interval = _quantiles(ratios, VERDICT_LEVEL)
    if min(new.size, old.size) < FEWEST_SAMPLES:
        return Change(ratio, interval, "TOO_FEW")
    return Change(ratio, interval, _verdict(interval, tolerance))


def paired_change(candidate: Samples, reference: Samples, tolerance: float = 0.0) -> Change:
    """Like `change_between` for two artifacts measured alternately: ratios of pairs, so that drift cancels."""
    count = min(len(candidate), len(reference))
    pairs = np.asarray(candidate, np.float64)[:count] / np.asarray(reference, np.float64)[:count]
    interval = interval_of(pairs, np.median, VERDICT_LEVEL)
    verdict = _verdict(interval, tolerance) if count >= FEWEST_SAMPLES else "TOO_FEW"
    return Change(float(np.median(pairs)), interval, verdict)


def _verdict(interval: Interval, tolerance: float) -> str:
    if interval.low > 1 + tolerance:
        return "SLOWER"
    return "FASTER" if interval.high < 1 / (1 + tolerance) else "SAME"


def _replicates(
    series: NDArray[np.float64], statistic: Statistic, random: np.random.Generator
) -> NDArray[np.float64]:
    """(RESAMPLES,) values of the statistic over circular moving-block resamples of the series."""
    n = series.size
    block = max(1, round(n ** (1 / 3)))
    blocks = -(-n // block)
    offsets = np.arange(block)
    at_once = max(1, CHUNK_ELEMENTS // n)
    parts = []
    for start in range(0, RESAMPLES, at_once):
        rows = min(at_once, RESAMPLES - start)
        first = random.integers(0, n, size=(rows, blocks, 1))
        index = ((first + offsets) % n).reshape(rows, blocks * block)[:, :n]  # (resample, position)
        parts.append(statistic(series[index], axis=1))
    return np.concatenate(parts)


def _quantiles(replicates: NDArray[np.float64], level: float) -> Interval:
    low, high = np.quantile(replicates, [(1 - level) / 2, (1 + level) / 2])
    return Interval(float(low), float(high))
