"""Scores of masks by hand, and the weighted F-measure against a plain transcription of its definition."""

from __future__ import annotations

import math
from itertools import product

import numpy as np
import pytest
from numpy.typing import NDArray

from edgekit.scores.masks import MaskScores, TrueMask
from edgekit.scores.means import MaskMeans
from edgekit.scores.scheme import Scheme

# 0 is not the group, 1 is, 2 does not count
TRUTH = np.array([[1, 1, 0, 0], [1, 0, 0, 2]], np.uint8)
MASK = np.array([[1, 0, 1, 0], [1, 1, 0, 1]], bool)
SOFT = np.array([[0.9, 0.4, 0.5, 0.0], [0.8, 0.7, 0.1, 1.0]], np.float32)


def true_mask(truth: NDArray[np.uint8] = TRUTH) -> TrueMask:
    return TrueMask(truth == 1, truth != 2)


def test_scores_by_hand() -> None:
    found = true_mask().scores(MASK)  # hits 2 of 3 true, 4 predicted; 7 count
    assert found.iou == 2 / 5 and found.two_class_miou == pytest.approx((2 / 5 + 2 / 5) / 2)
    assert found.precision == 2 / 4
    assert found.recall == pytest.approx(2 / 3)
    assert found.f1 == pytest.approx(2 * 2 / (3 + 4))
    precision, recall = 2 / 4, 2 / 3
    assert found.f_beta == pytest.approx(1.3 * precision * recall / (0.3 * precision + recall))
    assert found.accuracy == pytest.approx(4 / 7)
    assert found.false_share == pytest.approx(2 / 4)
    assert found.mae == pytest.approx(3 / 7)
    soft = true_mask().scores(MASK, SOFT)
    assert soft.mae == pytest.approx((0.1 + 0.6 + 0.5 + 0.0 + 0.2 + 0.7 + 0.1) / 7)
    assert soft.precision == found.precision and soft.weighted_f != found.weighted_f


def test_a_mask_comes_from_what_labels_tell() -> None:
    sets = {0: [0], 1: [1], 2: [1, 2], 3: [0, 1], 4: []}
    scheme = Scheme(("Background", "Face", "Hat"), {value: frozenset(of) for value, of in sets.items()})
    made = TrueMask.of(np.array([[0, 1, 2, 3, 4, 255]], np.uint8), scheme, (1,))
    assert made.inside.tolist() == [[False, True, False, False, False, False]]
    assert made.counted.tolist() == [[True, True, False, False, False, False]]


def test_scores_that_a_photo_does_not_define_are_none() -> None:
    nobody = true_mask(np.zeros((2, 4), np.uint8))
    nothing = nobody.scores(np.zeros((2, 4), bool))
    assert nothing == MaskScores(None, 1.0, None, None, None, None, 1.0, 0.0, 0.0, None)
    false = nobody.scores(MASK)
    assert (false.precision, false.recall, false.f1, false.f_beta) == (0.0, None, 0.0, 0.0)
    assert (false.iou, false.two_class_miou) == (0.0, pytest.approx(3 / 8 / 2))
    assert (false.false_share, false.weighted_f) == (5 / 8, None)
    unknown = true_mask(np.full((2, 4), 2, np.uint8)).scores(MASK)
    assert unknown == MaskScores(*[None] * 10)


def weighted_f_as_written(truth: NDArray[np.bool_], soft: NDArray[np.float64]) -> float:
    """Margolin et al., CVPR 2014, pixel by pixel, with zeros beyond the border as in their program."""
    height, width = truth.shape
    places = list(product(range(height), range(width)))
    error = {p: abs(soft[p] - truth[p]) for p in places}
    near = {p: min((q for q in places if truth[q]), key=lambda q: math.dist(p, q)) for p in places}
    kernel = {(i, j): math.exp(-(i * i + j * j) / (2 * 5**2)) for i in range(-3, 4) for j in range(-3, 4)}
    weighted = {}
    for y, x in places:
        around = sum(
            weight * error[near[y + i, x + j]]
            for (i, j), weight in kernel.items()
            if 0 <= y + i < height and 0 <= x + j < width
        ) / sum(kernel.values())
        if truth[y, x]:
            weighted[y, x] = min(error[y, x], around)
        else:
            away = math.dist((y, x), near[y, x])
            weighted[y, x] = error[y, x] * (2 - math.exp(math.log(0.5) / 5 * away))
    true = [p for p in places if truth[p]]
    hits = len(true) - sum(weighted[p] for p in true)
    precision = hits / (hits + sum(weighted[p] for p in places if not truth[p]))
    recall = hits / len(true)
    return 2 * precision * recall / (precision + recall)


@pytest.mark.parametrize("seed", [0, 1])
def test_weighted_f_is_the_published_definition(seed: int) -> None:
    rng = np.random.default_rng(seed)
    truth = np.zeros((9, 14), bool)
    truth[2 : 6 + seed, 3:9] = truth[7, 1:4] = (
        True  # every pixel outside has one nearest pixel, or equal errors
    )
    soft = np.where(truth, 0.8, 0.1) + 0.2 * rng.integers(0, 2) * np.arange(14) / 14
    soft[truth] = 0.8
    found = TrueMask(truth, np.ones_like(truth)).scores(soft >= 0.5, soft)
    assert found.weighted_f == pytest.approx(weighted_f_as_written(truth, soft), abs=1e-9)


def test_weighted_f_of_one_pixel_by_hand() -> None:
    """One true pixel, found; one false pixel five pixels away, which counts 2 - 1/2."""
    truth, mask = np.zeros((1, 6), bool), np.zeros((1, 6), bool)
    truth[0, 0] = mask[0, 0] = mask[0, 5] = True
    found = TrueMask(truth, np.ones_like(truth)).scores(mask)
    precision = 1 / (1 + 1.5)
    assert found.weighted_f == pytest.approx(2 * precision / (precision + 1))


def test_pixels_that_do_not_count_are_no_errors() -> None:
    truth = np.zeros((5, 9), np.uint8)
    truth[1:4, 1:4], truth[:, 6:] = 1, 2
    made = true_mask(truth)
    right = made.inside | (truth == 2)
    assert made.scores(right).weighted_f == pytest.approx(1)
    assert made.scores(right).mae == 0 and made.scores(right).false_share == 0


def scores(value: float | None) -> MaskScores:
    return MaskScores(None, 0.5, value, 1.0, 0.5, 0.5, 0.5, 0.5, 0.5, None)


def test_means_over_photos_by_hand() -> None:
    means = MaskMeans.empty(("person", "skin"))
    for value in (0.5, 0.7, 0.9, None):
        means.add({"person": scores(value)})
    found = means.means()["person"]
    precision = found["precision"]
    # standard deviation 0.2, t of 2 degrees of freedom 4.3027
    assert precision.n == 3 and precision.value == pytest.approx(0.7)
    reach = 4.3027 * 0.2 / math.sqrt(3)
    assert precision.ci95 == (pytest.approx(0.7 - reach, abs=1e-4), 1.0)
    assert (found["recall"].value, found["recall"].ci95, found["recall"].n) == (1.0, (1.0, 1.0), 4)
    assert (found["weighted_f"].value, found["weighted_f"].n) == (None, 0)
    assert means.means()["skin"]["recall"].n == 0


def test_means_do_not_depend_on_the_order_or_division() -> None:
    values = np.random.default_rng(0).random(20)
    whole, parts = MaskMeans.empty(("skin",)), [MaskMeans.empty(("skin",)) for _ in range(3)]
    for i, value in enumerate(values):
        whole.add({"skin": scores(float(value))})
        parts[i % 3].add({"skin": scores(float(value))})
    assert (parts[2] + parts[0] + parts[1]).means() == whole.means()
    assert whole.means()["skin"]["precision"].value == pytest.approx(values.mean(), abs=1e-5)
