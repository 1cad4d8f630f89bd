"""What parity adds up: the same however the pictures are divided, in memory that does not grow."""

from __future__ import annotations

import tracemalloc
from dataclasses import asdict, replace

import numpy as np
import pytest

from edgekit.images import Picture
from edgekit.parity.counts import REGIONS, ParityCounts
from edgekit.scores.runners import Outputs, Prediction
from edgekit.scores.strata import SKIN_TONE, Traits

CLASSES, SIZE = 3, 64
NAMES, SKIN = ("Background", "Face", "Hat"), (1,)
PER_PICTURE = 1500  # bytes: its row in the report
TRAITS = Traits(ita_deg=30.0, mean_lightness=50.0, person_share=0.2)


def predicted(rng: np.random.Generator, image: np.ndarray, logits: np.ndarray) -> Prediction:
    noisy = (logits + rng.normal(0, 0.4, logits.shape)).astype(np.float32)
    return Prediction(image, noisy, Outputs(noisy, noisy.astype(np.float64)))


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
        TRAITS if seed % 2 else replace(TRAITS, ita_deg=-40.0),
        reference,
        previous,
        prediction,
        float(rng.uniform(0, 3)),
        delta_e00,
    )
    return delta_e00["skin"]


def counts_of(seeds: list[int]) -> ParityCounts:
    counts = ParityCounts.empty(CLASSES, SKIN)
    for seed in seeds:
        add(counts, seed)
    return counts


@pytest.mark.parametrize("seed", range(3))
def test_metrics_are_the_same_in_any_order_and_split(seed: int) -> None:
    seeds = list(range(10))
    counts = counts_of(seeds)
    whole, strata = counts.metrics(NAMES), counts.stratum_rows()
    assert whole.skin_iou_ci95 is not None and None not in asdict(whole).values()
    rng = np.random.default_rng(seed)
    shuffled = rng.permutation(seeds).tolist()
    a, b = sorted(rng.integers(0, len(seeds) + 1, 2))
    first, second, third = (counts_of(part) for part in (shuffled[:a], shuffled[a:b], shuffled[b:]))
    assert (first + (second + third)).metrics(NAMES) == whole
    merged = third + first + second
    assert merged.metrics(NAMES) == whole and merged.stratum_rows() == strata
    assert sorted(merged.rows, key=lambda row: row.name) == sorted(counts.rows, key=lambda row: row.name)


def test_the_percentile_is_numpys_to_half_a_step() -> None:
    counts = ParityCounts.empty(CLASSES, SKIN)
    pixels = np.concatenate([add(counts, seed) for seed in range(8)])
    found = counts.metrics(NAMES).skin_delta_e00_p95
    assert found == pytest.approx(np.percentile(pixels, 95), abs=0.0005)


@pytest.mark.slow
@pytest.mark.parametrize("labelled", [False, True])
def test_memory_does_not_grow_with_the_pictures(labelled: bool) -> None:
    """Neither a pixel's ΔE2000, here 98 kB per picture, nor a picture's confusion matrices are kept."""
    counts, pictures = ParityCounts.empty(CLASSES, SKIN), 40
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
    assert after - before < PER_PICTURE * pictures + 98_000  # less than one picture's pixels more


def test_each_interval_holds_its_value_and_each_row_its_photo() -> None:
    counts = counts_of(list(range(12)))
    m = counts.metrics(NAMES)
    for name in ("label_agreement", "boundary_agreement", "miou_drop", "skin_iou_drop", "skin_delta_e00_p95"):
        low, high = getattr(m, f"{name}_ci95")
        assert low < getattr(m, name) < high, name
    assert m.miou_drop == pytest.approx(m.miou_reference - m.miou)
    alone = {row.name: row for row in counts.rows}["picture 3"]
    (only,) = counts_of([3]).rows
    figures = counts_of([3]).metrics(NAMES)
    assert alone == only and only.label_agreement == figures.label_agreement
    assert (only.miou, only.skin_iou_reference) == (figures.miou, figures.skin_iou_reference)
    assert only.skin_delta_e00_p95 == pytest.approx(figures.skin_delta_e00_p95, abs=0.0005)


def test_a_stratum_that_loses_more_is_told_from_the_whole() -> None:
    """Pictures of one stratum get three times the difference in colour."""
    counts = ParityCounts.empty(CLASSES, SKIN)
    rng = np.random.default_rng(0)
    image = np.zeros((SIZE, SIZE, 3), np.uint8)
    for i in range(24):
        dark = i % 3 == 0
        one = predicted(rng, image, rng.normal(size=(CLASSES, 4, 4)))
        colour = {"skin": rng.exponential(0.9 if dark else 0.3, 500)}
        traits = replace(TRAITS, ita_deg=-40.0 if dark else 30.0)
        counts.add(Picture(f"picture {i}", image), traits, one, one, one, 0.0, colour)
    rows = {row.stratum: row for row in counts.stratum_rows() if row.dimension == SKIN_TONE}
    assert {name: row.photos for name, row in rows.items()} == {"intermediate": 16, "dark": 8}
    assert rows["dark"].skin_delta_e00 == pytest.approx(0.9, rel=0.1)
    assert rows["dark"].skin_delta_e00_excess == pytest.approx(0.4, rel=0.2)
    low, high = rows["dark"].skin_delta_e00_excess_ci or (0.0, 0.0)
    assert 0.2 < low < high < 0.6
    assert rows["dark"].skin_iou_loss == 0


def test_an_output_that_is_not_a_number_is_not_forgotten() -> None:
    good, bad = counts_of([1]), counts_of([2])
    bad.output_error_levels = float("nan")
    for merged in (good + bad, bad + good):
        assert np.isnan(merged.metrics(NAMES).output_error_levels)
