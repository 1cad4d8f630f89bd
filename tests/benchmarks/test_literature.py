"""The literature's figures: a row for each set and each model that has scores of the group."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from benchmarks.literature import TITLES, name_of, rows_of
from edgekit.scores.evaluation import Tally
from edgekit.scores.evaluation_shards import Evaluated
from edgekit.scores.model_counts import Judged, Truth


def test_rows_are_of_the_models_that_find_the_group() -> None:
    judged = Judged(("Background", "Face", "Hat"), {"skin": (1,), "person": (1, 2)})
    tally = Tally.empty(("PyTorch parser",), {"by colour": "skin"}, judged)
    for photo, face in (("a", 2), ("b", 4)):
        labels = np.zeros((4, 5), np.uint8)
        labels[0, :face], labels[3] = 1, 2
        truth = Truth.of(photo, labels, judged)
        tally.parsers["PyTorch parser"].add("PyTorch parser", truth, labels)
        tally.detectors["by colour"].add_mask("by colour", truth, labels > 0)
    found = {"people": Evaluated(2, tally.evaluations(), (), ())}
    assert [row[:2] for row in rows_of(found, "person")] == [("people", "the bundled weights")]
    parser, by_colour = rows_of(found, "skin")
    assert parser == (
        "people",
        "the bundled weights",
        "1.000 (1.000–1.000)",
        *["1.000"] * 3,
        "0.000",
        "1.000",
    )
    assert by_colour[1] == "by colour" and len(by_colour) == 2 + len(TITLES)
    # IoU 2/7 and 4/9; of the rest 13/18 and 11/16
    assert by_colour[2].startswith(f"{(2 / 7 + 13 / 18 + 4 / 9 + 11 / 16) / 4:.3f} (")
    assert by_colour[3] == f"{(2 / 7 + 4 / 9) / 2:.3f}"


def test_sets_are_named_by_their_folder() -> None:
    assert name_of(Path("data/people/eval")) == "people" and name_of(Path("data/mine")) == "mine"
