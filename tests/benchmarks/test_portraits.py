"""The portrait score: outlines become groups, and what is near one or unknown does not count."""

import json

import numpy as np

from benchmarks.portraits import GROUPS, OUTLINES, grouped, truth
from edgekit.scores.metrics import IGNORE
from edgekit.weights import Groups

SQUARE = [[25, 12.5], [75, 12.5], [75, 87.5], [25, 87.5]]
TOP = [[25, 12.5], [75, 12.5], [75, 37.5], [25, 37.5]]


def test_later_outlines_lie_over_earlier_ones_and_their_edges_do_not_count() -> None:
    marked = truth([{"group": "clothes", "outline": SQUARE}, {"group": "hair", "outline": TOP}], 512)
    assert marked[300, 256] == GROUPS.index("clothes") and marked[120, 256] == GROUPS.index("hair")
    assert marked[20, 256] == marked[256, 20] == GROUPS.index("background")
    for row, column in ((64, 256), (192, 256), (448, 256), (300, 128), (300, 384)):
        assert (marked[row - 4 : row + 5, column - 4 : column + 5] == IGNORE).all()
    assert (marked == IGNORE).mean() < 0.12


def test_unknown_does_not_count() -> None:
    marked = truth([{"group": "skin", "outline": SQUARE}, {"group": "unknown", "outline": TOP}], 512)
    assert (marked[64:192, 128:384] == IGNORE).all() and marked[300, 256] == GROUPS.index("skin")


def test_classes_become_groups() -> None:
    groups = Groups(skin=(3, 5), hair=(1,), clothes=(4,))
    assert grouped(np.array([[0, 1, 2, 3, 4, 5]], np.uint8), groups).tolist() == [[0, 2, 0, 1, 3, 1]]


def test_every_outline_is_of_a_known_group_and_inside_its_photo() -> None:
    photos = json.loads(OUTLINES.read_text(encoding="utf-8"))
    assert len(photos) == 6
    for outlines in photos.values():
        assert {entry["group"] for entry in outlines} >= {"skin", "hair", "clothes"}
        for entry in outlines:
            assert entry["group"] in (*GROUPS, "unknown")
            points = np.array(entry["outline"])
            assert points.ndim == 2 and points.shape[1] == 2 and points.min() >= 0 and points.max() <= 100
