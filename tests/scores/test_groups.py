"""IoU of groups by hand: only pixels whose label tells the group count."""

from __future__ import annotations

import numpy as np
import pytest

from edgekit.scores.groups import GroupCounts, judged_groups
from edgekit.scores.scheme import Scheme
from edgekit.weights import Groups

NAMES = ("Background", "Hair", "Face", "Coat", "Arm")
GROUPS = judged_groups(Groups(skin=(2, 4), hair=(1,), clothes=()), len(NAMES))
# 0 background, 1 person, 2 skin, 3 hair or background, 4 nothing
SCHEME = Scheme(NAMES, dict(enumerate(map(frozenset, ([0], [1, 2, 3, 4], [2, 4], [0, 1], [])))))
TRUTH = np.array([[0, 0, 1, 1, 2, 2, 3, 4, 255]], np.uint8)
GUESS = np.array([[0, 2, 3, 2, 4, 0, 1, 2, 2]], np.uint8)


def counts() -> GroupCounts:
    made = GroupCounts(SCHEME, GROUPS)
    made.add("a", TRUTH, GUESS)
    return made


def test_groups_without_a_class_or_that_no_value_tells_are_left_out() -> None:
    assert set(GROUPS) == {"skin", "hair", "person"}
    assert set(counts().told) == {"skin", "person"}


def test_ious_by_hand() -> None:
    made = counts()
    # skin: 2 is, 0 and 3 are not, 1 may be. Predicted: the second pixel wrongly, the fifth rightly; the sixth missed.
    assert made.pooled("skin") == (1, 2, 2) and made.iou("skin") == pytest.approx(1 / 3)
    # person: 1 and 2 are, 0 is not, 3 may be.
    assert made.pooled("person") == (3, 4, 4) and made.iou("person") == pytest.approx(3 / 5)
    assert made.interval("skin") is None


def test_scores_do_not_depend_on_the_order_of_the_photos() -> None:
    rng = np.random.default_rng(0)
    photos = [
        (str(i), rng.integers(0, 5, (5, 4)).astype(np.uint8), rng.integers(0, 5, (5, 4)).astype(np.uint8))
        for i in range(6)
    ]
    made = [GroupCounts(SCHEME, GROUPS) for _ in range(2)]
    for order, one in zip((photos, photos[::-1]), made, strict=True):
        for photo in order:
            one.add(*photo)
    assert made[0].iou("person") == made[1].iou("person")
    assert made[0].interval("person") == made[1].interval("person") is not None


def test_nothing_counted_is_none() -> None:
    assert GroupCounts(SCHEME, GROUPS).iou("skin") is None
