"""Pixels of sets of classes: scores by hand, and the same however the photos are divided."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from edgekit.scores.metrics import IGNORE, Confusion
from edgekit.scores.pixels import PixelCounts, Pixels, class_pixels, mean_iou

NAMES = ("Background", "Face", "Hat", "Arm")
Photo = tuple[str, Confusion]


def photos(seed: int, n: int = 11) -> list[Photo]:
    """Names and confusion matrices; two photos share a name, each has a size of its own, and none shows an arm."""
    rng = np.random.default_rng(seed)
    made = []
    for i in range(n):
        truth: NDArray[np.uint8] = rng.integers(0, 3, (5 + i, 7)).astype(np.uint8)
        truth[0, 0] = IGNORE
        confusion = Confusion(len(NAMES))
        confusion.add(truth, np.where(rng.random(truth.shape) < 0.6, truth % 3, 0).astype(np.uint8))
        made.append((f"photo {max(i, 1)}", confusion))
    return made


def counted(some: list[Photo]) -> PixelCounts:
    counts = PixelCounts.empty(NAMES)
    for name, confusion in some:
        counts.add(name, class_pixels(confusion, NAMES))
    return counts


def test_scores_are_those_of_the_pooled_matrix() -> None:
    every = photos(0)
    counts, pooled = counted(every), sum((one for _, one in every), Confusion(len(NAMES)))
    assert len(counts) == len(every)
    assert counts.resamples.value(mean_iou) == pytest.approx(pooled.miou)
    assert counts.mean_recall == pytest.approx(pooled.mean_accuracy)
    assert counts.hit_share == pytest.approx(pooled.overall_accuracy)
    for i, name in enumerate(NAMES[:3]):
        found = counts.pooled(name)
        assert found.iou == pytest.approx(pooled.per_class_iou[i])
        assert (found.recall, found.precision) == (
            pytest.approx(pooled.per_class_recall[i]),
            pytest.approx(pooled.per_class_precision[i]),
        )
    assert counts.pooled("Arm") == (0, 0, 0) and counts.interval("Arm") is None


def test_pixels_by_hand() -> None:
    pixels = Pixels(hits=2, true=3, predicted=5)
    assert (pixels.union, pixels.iou, pixels.precision, pixels.recall, pixels.f1) == (
        6,
        2 / 6,
        2 / 5,
        2 / 3,
        4 / 8,
    )
    assert Pixels(0, 0, 0).iou is Pixels(0, 0, 0).f1 is None


@pytest.mark.parametrize("seed", range(3))
def test_counts_are_the_same_in_any_order_and_split(seed: int) -> None:
    every = photos(seed)
    whole = counted(every)
    rng = np.random.default_rng(seed)
    for _ in range(4):
        shuffled = [every[i] for i in rng.permutation(len(every))]
        a, b = sorted(rng.integers(0, len(every), 2))
        first, second, third = (counted(part) for part in (shuffled[:a], shuffled[a:b], shuffled[b:]))
        for parts in (first + (second + third), third + first + second):
            assert len(parts) == len(whole)
            assert np.array_equal(parts.resamples.totals, whole.resamples.totals)
            assert parts.interval("Face") == whole.interval("Face") is not None


def test_merging_leaves_the_parts_alone() -> None:
    first, second = counted(photos(0, 2)), counted(photos(1, 3))
    before = first.resamples.totals.copy()
    assert len(first + second) == 5
    assert len(first) == 2 and np.array_equal(first.resamples.totals, before)


def test_the_interval_holds_the_pooled_iou_and_narrows_with_the_photos() -> None:
    every = [(f"{i} {name}", one) for i in range(6) for name, one in photos(i, 10)]
    few, many = counted(every[:10]).interval("Face"), counted(every).interval("Face")
    assert few is not None and many is not None
    iou = counted(every).pooled("Face").iou
    assert iou is not None and many[0] < iou < many[1]
    assert many[1] - many[0] < (few[1] - few[0]) / 2


def test_no_sets_are_counted_too() -> None:
    counts = PixelCounts.empty(())
    counts.add("a", {})
    assert len(counts) == 1 and counts.resamples.value(mean_iou) is None
