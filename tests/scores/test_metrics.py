from __future__ import annotations

import math

import numpy as np
import pytest

from edgekit.scores.metrics import IGNORE, Confusion, boundary_f_score, labels_from_logits

TRUTH = np.array([[0, 0, 1, 1], [0, 2, 2, 1], [0, 2, 2, IGNORE]], np.uint8)
PREDICTED = np.array([[0, 1, 1, 1], [0, 2, 0, 1], [0, 2, 2, 2]], np.uint8)


def confusion() -> Confusion:
    counted = Confusion(4)
    counted.add(TRUTH, PREDICTED)
    return counted


def test_iou_and_accuracies_by_hand() -> None:
    c = confusion()
    # class 0: 3 hits, 1 missed, 1 false; class 1: 3 hits, 1 false; class 2: 3 hits, 1 missed; class 3 absent
    assert np.allclose(c.per_class_iou[:3], [3 / 5, 3 / 4, 3 / 4])
    assert math.isnan(c.per_class_iou[3])
    assert c.miou == pytest.approx((3 / 5 + 3 / 4 + 3 / 4) / 3)
    assert c.overall_accuracy == pytest.approx(9 / 11)
    assert c.mean_accuracy == pytest.approx((3 / 4 + 1 + 3 / 4) / 3)


def test_union_counts_a_set_of_classes_as_one() -> None:
    assert confusion().union_counts((1, 2)) == (6, 8)
    assert confusion().union_iou((1, 2)) == pytest.approx(6 / 8)


def test_swapping_truth_and_prediction_swaps_precision_and_recall() -> None:
    c, swapped = confusion(), Confusion(4)
    swapped.add(np.where(TRUTH == IGNORE, IGNORE, PREDICTED), np.where(TRUTH == IGNORE, 0, TRUTH))
    assert np.allclose(c.per_class_recall[:3], swapped.per_class_precision[:3])
    assert not np.allclose(c.per_class_recall[:3], c.per_class_precision[:3])


def test_different_shapes_are_refused() -> None:
    with pytest.raises(ValueError, match="compared with"):
        Confusion(4).add(TRUTH, PREDICTED[:2])


def test_nothing_counted_is_nan_not_zero() -> None:
    assert math.isnan(Confusion(3).miou)


def test_boundary_score_tolerates_one_pixel_and_no_more() -> None:
    a = np.zeros((20, 30), np.uint8)
    a[:, 12:] = 1
    assert boundary_f_score(a, a) == 1
    assert boundary_f_score(a, np.roll(a, 1, axis=1)[:, :]) > 0.6  # the wrapped edge column is a miss
    far = np.zeros_like(a)
    far[:, 20:] = 1
    assert boundary_f_score(a, far) == 0
    assert boundary_f_score(a, np.zeros_like(a)) == 0
    assert boundary_f_score(np.zeros_like(a), np.zeros_like(a)) == 1


def test_labels_from_logits_resizes_before_argmax() -> None:
    logits = np.zeros((2, 1, 2), np.float32)
    logits[1] = [[-1, 3]]  # crosses zero a quarter of the way from the first centre
    assert labels_from_logits(logits, (3, 8)).tolist() == [[0, 0, 0, 1, 1, 1, 1, 1]] * 3
