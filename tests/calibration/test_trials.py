"""What a trial measures, on one layer whose answer is known."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest

from calibration import trials
from calibration.planner import Point
from calibration.trials import FloatGraph, LiteRTTrials
from edgekit.images import Picture
from edgekit.recipes import Pool, Recipe
from edgekit.scores.resamples import FEWEST_PHOTOS
from tests.support.tiny_tflite import LAYER_RANGES, X, layer

WEIGHTS = np.array([[1.0, 0.5, -0.503], [0.25, 1.0, 0.753], [0.1, -0.2, 0.3]], np.float32)
TRUTH = np.zeros((1, 1), np.uint8)


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["w8", "w8a8"])
def test_rounded_weights_are_measured_as_such(mode: str, tmp_path: Path) -> None:
    """Weights alone too: a trial of int8 weights computed in float is not one of the float model."""
    made = LiteRTTrials(
        lambda pool: FloatGraph(
            layer("CONV_2D", WEIGHTS, source="image"),
            lambda: {"minmax": {**LAYER_RANGES, "image": LAYER_RANGES["x"]}},
        ),
        [Picture("one pixel", X.reshape(1, 1, 3), TRUTH)],  # type: ignore[arg-type]
        (),
        tmp_path,
        "segmenter/stem",
    )
    unchanged = made.measure(Recipe("float"))
    assert (unchanged.snr_db, unchanged.agreement, unchanged.miou_drop) == (120, 1, 0)
    assert unchanged.skin_iou_drop is None and unchanged.skin_delta_e00_p95 is None  # there is no skin class
    point = made.measure(Recipe("rounded", mode=mode, observer="minmax"))  # type: ignore[arg-type]
    assert 20 < point.snr_db < 80
    assert made.snr_db(Recipe("rounded", mode=mode, observer="minmax")) == point.snr_db  # type: ignore[arg-type]


def test_each_loss_is_measured_where_its_class_is(tmp_path: Path) -> None:
    """The skin's loss, which parity bounds too, and the final picture's, over all pictures together."""
    differences = iter([np.array([0.2, 0.4]), np.array([]), np.array([0.6])])
    logits = WEIGHTS @ X.reshape(3)
    right, wrong = (np.full((1, 1), label, np.uint8) for label in (logits.argmax(), logits.argmin()))
    made = LiteRTTrials(
        lambda pool: FloatGraph(layer("CONV_2D", WEIGHTS, source="image"), dict),
        [
            Picture(name, X.reshape(1, 1, 3), truth)
            for name, truth in (("a", right), ("b", wrong), ("c", None))
        ],  # type: ignore[arg-type]
        [int(right[0, 0])],
        tmp_path,
        "segmenter/stem",
        lambda image, expected, got: next(differences),
    )
    point = made.measure(Recipe("float"))
    assert (point.miou_drop, point.skin_iou_drop) == (0, 0)
    assert point.skin_delta_e00_p95 == pytest.approx(np.percentile([0.2, 0.4, 0.6], 95), abs=0.0005)


def test_a_point_has_intervals_where_there_are_photos_enough(tmp_path: Path) -> None:
    logits = WEIGHTS @ X.reshape(3)
    right = np.full((1, 1), logits.argmax(), np.uint8)

    def point(n: int) -> Point:
        pictures = [Picture(f"{i}", X.reshape(1, 1, 3), right if i else None) for i in range(n)]
        made = LiteRTTrials(
            lambda pool: FloatGraph(layer("CONV_2D", WEIGHTS, source="image"), dict),
            pictures, [0], tmp_path, "segmenter/stem", lambda image, expected, got: np.array([0.2]),
        )  # fmt: skip
        return made.measure(Recipe("float"))

    enough, few = point(FEWEST_PHOTOS + 1), point(FEWEST_PHOTOS - 1)
    assert enough.agreement_ci95 == (1.0, 1.0) and enough.miou_drop_ci95 == (0.0, 0.0)
    assert enough.skin_delta_e00_p95_ci95 == pytest.approx((0.2, 0.2), rel=0.02)
    assert few.agreement_ci95 is few.miou_drop_ci95 is few.skin_delta_e00_p95_ci95 is None
    assert point(FEWEST_PHOTOS).miou_drop_ci95 is None  # one of them has no labels


def test_a_recipe_that_pools_is_measured_on_its_own_graph_against_the_one_that_does_not(
    tmp_path: Path,
) -> None:
    def graph(pool: Mapping[str, Pool]) -> FloatGraph:
        weights = -WEIGHTS if pool else WEIGHTS
        return FloatGraph(layer("CONV_2D", weights, source="image"), dict)

    pictures = [Picture("one pixel", X.reshape(1, 1, 3), TRUTH)]  # type: ignore[arg-type]
    made = LiteRTTrials(graph, pictures, (), tmp_path, "segmenter/stem")
    assert made.measure(Recipe("float")).agreement == 1
    assert made.measure(Recipe("pooled", pool={"stage3": 2})).agreement == 0


def test_times_are_pairs_in_which_both_models_go_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pictures = [Picture("one pixel", X.reshape(1, 1, 3), TRUTH)]  # type: ignore[arg-type]
    graph = FloatGraph(layer("CONV_2D", WEIGHTS, source="image"), dict)
    measured = LiteRTTrials(lambda pool: graph, pictures, (), tmp_path, "segmenter/stem")
    base, order = measured._float, list[str]()

    def seconds(run: Callable[..., object], image: object) -> float:
        """The machine slows down while it measures; one pair is disturbed."""
        order.append("float" if run == base.run else "trial")
        drift = 1 + len(order)
        return drift * (1.0 if order[-1] == "float" else 0.5) * (50 if len(order) == 7 else 1)

    monkeypatch.setattr(trials, "_seconds", seconds)
    point = measured.measure(Recipe("float"))
    assert order[:4] == ["trial", "float", "float", "trial"] and len(order) == 2 * trials.LATENCY_PAIRS
    assert point.cost_ci95 is not None
    assert point.cost_ci95[0] < 0.5 < point.cost_ci95[1] < 0.6  # neither the drift nor the disturbed pair
    assert point.cost_ci95[0] <= point.cost <= point.cost_ci95[1]
