"""What parity adds up: the same however the pictures are divided, in memory that does not grow."""

from __future__ import annotations

import tracemalloc
from dataclasses import asdict

import numpy as np
import pytest

from edgekit.images import Picture
from edgekit.parity.counts import REGIONS, ParityCounts
from edgekit.scores.runners import Prediction

CLASSES, SIZE = 3, 64
NAMES, SKIN = ("Background", "Face", "Hat"), (1,)
PER_LABELLED_PICTURE = 2000  # bytes: its confusion matrix and its name


def predicted(rng: np.random.Generator, image: np.ndarray, logits: np.ndarray) -> Prediction:
    noisy = (logits + rng.normal(0, 0.4, logits.shape)).astype(np.float32)
    return Prediction(image, noisy, noisy.astype(np.float64))


def add(counts: ParityCounts, seed: int, labelled: bool = True) -> np.ndarray:
    """Count a made-up picture; returns its skin's ΔE2000."""
    rng = np.random.default_rng(seed)
    image = rng.integers(0, 256, (SIZE, SIZE, 3)).astype(np.uint8)
    labels = rng.integers(0, CLASSES, (20 + seed % 5, 30)).astype(np.uint8) if labelled else None
    logits = rng.normal(size=(CLASSES, 4, 4))
    reference, previous, prediction = (predicted(rng, image, logits) for _ in range(3))
    delta_e00 = {region: rng.exponential(0.4, SIZE * SIZE) for region in REGIONS}
    counts.add(
        Picture(f"picture {seed}", image, labels),
        reference,
        previous,
        prediction,
        float(rng.uniform(0, 3)),
        delta_e00,
    )
    return delta_e00["skin"]


def counts_of(seeds: list[int]) -> ParityCounts:
    counts = ParityCounts.empty(CLASSES)
    for seed in seeds:
        add(counts, seed)
    return counts


@pytest.mark.parametrize("seed", range(3))
def test_metrics_are_the_same_in_any_order_and_split(seed: int) -> None:
    seeds = list(range(10))
    whole = counts_of(seeds).metrics(NAMES, SKIN)
    assert whole.skin_iou_ci95 is not None and None not in asdict(whole).values()
    rng = np.random.default_rng(seed)
    shuffled = rng.permutation(seeds).tolist()
    a, b = sorted(rng.integers(0, len(seeds) + 1, 2))
    first, second, third = (counts_of(part) for part in (shuffled[:a], shuffled[a:b], shuffled[b:]))
    assert (first + (second + third)).metrics(NAMES, SKIN) == whole
    assert (third + first + second).metrics(NAMES, SKIN) == whole


def test_the_percentile_is_numpys_to_half_a_step() -> None:
    counts = ParityCounts.empty(CLASSES)
    pixels = np.concatenate([add(counts, seed) for seed in range(8)])
    found = counts.metrics(NAMES, SKIN).skin_delta_e00_p95
    assert found == pytest.approx(np.percentile(pixels, 95), abs=0.0005)


@pytest.mark.parametrize(("labelled", "most"), [(False, 0), (True, PER_LABELLED_PICTURE)])
def test_memory_does_not_grow_with_the_pictures(labelled: bool, most: int) -> None:
    """Every pixel's ΔE2000 used to be kept: here 98 kB per picture."""
    counts, pictures = ParityCounts.empty(CLASSES), 40
    tracemalloc.start()
    try:
        for seed in range(5):
            add(counts, seed, labelled)
        before, _ = tracemalloc.get_traced_memory()
        for seed in range(5, 5 + pictures):
            add(counts, seed, labelled)
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert after - before < most * pictures + 98_000  # less than one picture more


def test_an_output_that_is_not_a_number_is_not_forgotten() -> None:
    good, bad = counts_of([1]), counts_of([2])
    bad.output_error_levels = float("nan")
    for merged in (good + bad, bad + good):
        assert np.isnan(merged.metrics(NAMES, SKIN).output_error_levels)
