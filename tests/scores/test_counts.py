"""Counts against true labels and against a reference: by hand, and the same however the photos are divided."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from edgekit.images import Picture
from edgekit.scores.counts import LogitDifference, TruthCounts, counted
from edgekit.scores.evaluation import evaluation_of
from edgekit.scores.metrics import IGNORE, Confusion
from edgekit.scores.runners import Outputs

CLASSES, SKIN = 4, [1, 3]
NAMES = ("Background", "Face", "Hat", "Arm")
Photo = tuple[str, NDArray[np.uint8], NDArray[np.uint8]]


def photos(seed: int, n: int = 11) -> list[Photo]:
    """Names, true labels and predictions; two photos share a name, each has a size of its own."""
    rng = np.random.default_rng(seed)
    made = []
    for i in range(n):
        truth = rng.integers(0, CLASSES, (5 + i, 7)).astype(np.uint8)
        truth[0, 0] = IGNORE
        predicted = np.where(rng.random(truth.shape) < 0.6, truth % CLASSES, rng.integers(0, CLASSES))
        made.append((f"photo {max(i, 1)}", truth, predicted.astype(np.uint8)))
    return made


def truth_counts(some: list[Photo]) -> TruthCounts:
    counts = TruthCounts(CLASSES)
    for photo in some:
        counts.add_labels(*photo)
    return counts


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_scores_are_the_same_in_any_order_and_split(seed: int) -> None:
    every = photos(seed)
    whole = evaluation_of("model", truth_counts(every), NAMES, SKIN)
    assert whole.n == len(every) and whole.miou_ci95 is not None and whole.skin_iou_ci95 is not None
    rng = np.random.default_rng(seed)
    for _ in range(4):
        shuffled = [every[i] for i in rng.permutation(len(every))]
        a, b = sorted(rng.integers(0, len(every), 2))
        first, second, third = (truth_counts(part) for part in (shuffled[:a], shuffled[a:b], shuffled[b:]))
        assert evaluation_of("model", first + (second + third), NAMES, SKIN) == whole
        assert evaluation_of("model", third + first + second, NAMES, SKIN) == whole


def test_merging_leaves_the_parts_alone() -> None:
    first, second = truth_counts(photos(0, 2)), truth_counts(photos(1, 3))
    before = first.pooled().counts.copy()
    assert len(first + second) == 5
    assert len(first) == 2 and np.array_equal(first.pooled().counts, before)
    one = Confusion(CLASSES) + first.pooled()
    one.add(np.ones((1, 1), np.uint8), np.ones((1, 1), np.uint8))
    assert np.array_equal(first.pooled().counts, before)


def test_skin_as_one_class_keeps_every_pixel() -> None:
    counts = truth_counts(photos(2))
    pooled, one = counts.pooled(), counts.as_one(SKIN).pooled()
    assert one.counts.sum() == pooled.counts.sum()
    assert one.union_counts([1]) == pooled.union_counts(SKIN)
    assert counts.as_one(SKIN).union_interval([1]) == counts.union_interval(SKIN)


def test_logits_by_hand() -> None:
    reference = np.array([[[1.0, -2.0]], [[0.0, 4.0]]], np.float32)
    difference = LogitDifference()
    difference.add(reference, reference)
    assert (difference.max_abs, difference.psnr_db, difference.snr_db) == (0, None, 120)
    difference.add(reference, reference + np.float32(0.5))
    assert difference.max_abs == 0.5
    assert difference.psnr_db == pytest.approx(10 * math.log10(6**2 / (4 * 0.25 / 8)))
    assert difference.snr_db == pytest.approx(10 * math.log10(2 * 21 / 1))


def test_logits_are_the_same_in_any_order_and_split() -> None:
    rng = np.random.default_rng(0)
    pairs = [
        (scale * rng.normal(size=(3, 4, 5))).astype(np.float32) + np.zeros((2, 1, 1, 1), np.float32)
        for scale in 10.0 ** rng.integers(-6, 6, 12)
    ]
    for pair in pairs:
        pair[1] += rng.normal(size=pair[1].shape).astype(np.float32) / 3

    def of(some: list[NDArray[np.float32]]) -> LogitDifference:
        difference = LogitDifference()
        for reference, logits in some:
            difference.add(reference, logits)
        return difference

    whole = of(pairs)
    for cut in (0, 1, 5, 12):
        assert of(pairs[cut:][::-1]) + of(pairs[:cut]) == whole


def test_logits_that_are_not_numbers_stay_so() -> None:
    good, bad = np.ones((2, 1, 1), np.float32), np.full((2, 1, 1), np.nan, np.float32)
    difference = LogitDifference()
    difference.add(good, bad)
    difference.add(good, good)
    assert math.isnan(difference.max_abs) and difference.psnr_db is None


class Brightness:
    """Class 1 where the image is bright."""

    def __init__(self, size: int) -> None:
        self.size = size

    def run(self, image: NDArray[np.uint8]) -> Outputs:
        bright = image[..., 0].astype(np.float32) - 127.5
        logits = np.stack([-bright, bright])
        return Outputs(logits, logits.astype(np.float64))


def test_every_runner_is_counted_on_labelled_pictures_at_their_labels_size() -> None:
    image = np.zeros((16, 24, 3), np.uint8)
    image[:, 12:] = 255
    labels = (image[..., 0] // 255).astype(np.uint8)
    pictures = [
        Picture("no labels", image),
        Picture("right", image, labels),
        Picture("wrong", image, 1 - labels),
    ]
    found = counted({"fine": Brightness(32), "coarse": Brightness(8)}, pictures, 2)
    for counts in found.values():
        assert [name for name, _ in counts.photos] == ["right", "wrong"]
        assert [confusion.overall_accuracy for _, confusion in counts.photos] == [1, 0]
