"""The benchmark's strata and pooled figures, by hand."""

import numpy as np
import pytest

from benchmarks.checkpoint import STRATA, Light, Scored, figures, light_of, members
from edgekit.images import Picture
from edgekit.weights import load_checkpoint

FACE = 11


def test_figures_are_pooled_over_photos_not_averaged() -> None:
    first, second = np.zeros((18, 18), np.int64), np.zeros((18, 18), np.int64)
    first[FACE, FACE], first[FACE, 0] = 10, 30  # skin IoU 10/40
    second[0, 0], second[FACE, 12] = 50, 60  # face called a leg: skin all the same, 60/60
    found = figures(load_checkpoint(), [Scored("a", first), Scored("b", second)])
    assert found.n == 2
    assert found.skin_iou == pytest.approx(70 / 100)
    assert found.overall_accuracy == pytest.approx(60 / 150)
    assert found.per_class["Face"] == pytest.approx(10 / 100)
    assert found.per_class["Hat"] is None
    assert found.skin_iou_ci95 is not None and found.skin_iou_ci95[0] == pytest.approx(0.25)


def test_common_miou_leaves_out_what_is_hardly_labelled() -> None:
    counts = np.zeros((18, 18), np.int64)
    counts[0, 0], counts[FACE, FACE], counts[FACE, 0] = 90_000, 6_000, 4_000
    counts[0, 9] = 10  # a shoe where none is labelled
    counts[8, 8] = 40  # a belt of less than 0.05 % of the pixels
    found = figures(load_checkpoint(), [Scored("a", counts)])
    background, face = 90_000 / 94_010, 0.6
    assert found.common_miou == pytest.approx((background + face) / 2, abs=1e-4)
    assert found.miou == pytest.approx((background + face + 0 + 1) / 4, abs=1e-4)
    nothing = figures(load_checkpoint(), [Scored("b", np.zeros((18, 18), np.int64))])
    assert nothing.common_miou is None


def test_strata_by_light_and_skin() -> None:
    lights = {
        "a": Light(20, 50), "b": Light(70, 30), "c": Light(40, -5),
        "d": Light(60, None), "e": Light(30, 41), "f": Light(50, 42),
    }  # fmt: skip
    found = [members(stratum, lights) for stratum in STRATA]
    assert found == [{"a", "e"}, {"c", "f"}, {"d", "b"}, {"a", "f"}, {"b", "e"}, {"c"}]


def test_light_is_read_from_the_labelled_skin_alone() -> None:
    image = np.zeros((20, 30, 3), np.uint8)
    image[:, :10] = (230, 190, 160)
    labels = np.zeros((20, 30), np.uint8)
    labels[:, :10] = FACE
    light = light_of(Picture("p", image, labels), (FACE,))
    assert light.lightness == pytest.approx(79.4 / 3, abs=0.5)
    assert light.ita_degrees == pytest.approx(54.6, abs=1.5)  # atan((79.4 − 50) / 20.9)
    assert light_of(Picture("p", image, np.zeros_like(labels)), (FACE,)).ita_degrees is None
