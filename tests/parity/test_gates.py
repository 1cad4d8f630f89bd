"""Each gate passes a good artifact, fails on its own metric, and follows what the recipe does."""

from __future__ import annotations

from dataclasses import replace

import pytest

from calibration.planning import Bounds
from edgekit.errors import EdgekitError
from edgekit.parity.gates import (
    FEWEST_IN_STRATUM,
    GATES,
    Gates,
    gates_for,
    judge,
    judge_photos,
    judge_stability,
    judge_strata,
    overall,
    worst_photos,
)
from edgekit.parity.report import Check, Metrics, PhotoRow, Stability, Status, StratumRow
from edgekit.recipes import RECIPES, Recipe
from edgekit.scores.resamples import FEWEST_PHOTOS

GOOD = Metrics(
    n=30, max_abs_logit=1e-5, psnr_db=120, label_agreement=1.0, previous_label_agreement=1.0,
    mean_iou_agreement=1.0, skin_iou_agreement=1.0, boundary_agreement=1.0, output_error_levels=0.5,
    per_class_iou_agreement={}, n_labelled=30, miou=0.4, miou_reference=0.4, skin_iou=0.5,
    skin_iou_reference=0.5, skin_delta_e00_p95=0.2, label_agreement_ci95=(0.999, 1.0),
    boundary_agreement_ci95=(0.99, 1.0), miou_drop=0.0, miou_drop_ci95=(-0.001, 0.001), skin_iou_drop=0.0,
    skin_iou_drop_ci95=(-0.001, 0.001), skin_delta_e00_p95_ci95=(0.1, 0.3),
)  # fmt: skip
EXACT = {"max_abs_logit": 1.0, "output_error_levels": 9.0}
# A metric over photos, with a value and an interval on the wrong side of its bound below.
OVER_PHOTOS = {
    "label_agreement": (0.5, (0.4, 0.6)),
    "miou_drop": (0.1, (0.05, 0.15)),
    "skin_iou_drop": (0.1, (0.05, 0.15)),
    "skin_delta_e00_p95": (3.0, (2.0, 4.0)),
    "boundary_agreement": (0.5, (0.4, 0.6)),
}
ALL_GATES = Gates(1e-3, 0.98, 1, 0.005, 0.005, 1.0)


def broken(name: str) -> Metrics:
    value, interval = OVER_PHOTOS[name]
    return replace(GOOD, **{name: value, f"{name}_ci95": interval})


def test_every_gate_passes_a_good_artifact() -> None:
    checks = judge(GOOD, ALL_GATES)
    assert len(checks) == 7
    assert overall(checks) == Status.PASSED


@pytest.mark.parametrize(
    "bad", [*(replace(GOOD, **{k: v}) for k, v in EXACT.items()), *map(broken, OVER_PHOTOS)]
)
def test_each_gate_fails_on_its_own_metric(bad: Metrics) -> None:
    checks = judge(bad, ALL_GATES)
    assert [c.status for c in checks].count(Status.FAILED) == 1
    assert overall(checks) == Status.FAILED


@pytest.mark.parametrize("name", OVER_PHOTOS)
@pytest.mark.parametrize("side", [0, 1])
def test_an_interval_that_holds_the_bound_decides_nothing(name: str, side: int) -> None:
    """Whichever side of the bound the value itself is on."""
    bad, good = OVER_PHOTOS[name][1][1 - side], getattr(GOOD, name)
    straddling = replace(GOOD, **{name: (good, bad)[side], f"{name}_ci95": (min(bad, good), max(bad, good))})
    checks = judge(straddling, ALL_GATES)
    assert [c.status for c in checks].count(Status.UNDECIDED) == 1
    assert overall(checks) == Status.UNDECIDED
    (undecided,) = [c for c in checks if c.status is Status.UNDECIDED]
    assert undecided.reason == "undecided with 30 photos" and undecided.interval is not None


@pytest.mark.parametrize("n", [2, FEWEST_PHOTOS - 1])
def test_a_few_photos_decide_nothing(n: int) -> None:
    for metrics in (GOOD, *map(broken, OVER_PHOTOS)):
        checks = judge(replace(metrics, n=n, n_labelled=n), ALL_GATES)
        assert [c.status for c in checks].count(Status.UNDECIDED) == len(OVER_PHOTOS)


def test_one_photo_is_not_judged_as_a_set() -> None:
    one = replace(broken("label_agreement"), n=1, n_labelled=1, label_agreement_ci95=None)
    checks = judge(one, ALL_GATES)
    assert [c.status for c in checks].count(Status.NOT_RUN) == len(OVER_PHOTOS)
    assert "bounds of its own" in next(c.reason for c in checks if c.name == "label agreement")


def row(name: str, agreement: float, delta_e00: float | None, pixels: int = 1000) -> PhotoRow:
    return PhotoRow(name, agreement, 1.0, pixels, None, delta_e00, None, None, None, None, None, 50.0, None)


def test_a_single_photo_has_bounds_of_its_own() -> None:
    gates = Gates(min_agreement=0.98, max_skin_de=1.0)
    assert {c.status for c in judge_photos([row("a.jpg", 0.961, 1.99)], gates)} == {Status.PASSED}
    for bad in (row("a.jpg", 0.959, 0.1), row("a.jpg", 1.0, 2.01)):
        assert [c.status for c in judge_photos([bad], gates)].count(Status.FAILED) == 1
    assert judge_photos([row("a.jpg", 0.0, 9.0)], Gates()) == ()


def test_the_worst_photo_of_a_set_has_a_looser_bound_and_is_named() -> None:
    gates = Gates(min_agreement=0.98, max_skin_de=1.0)
    good, few = row("good.jpg", 0.901, 4.99), row("few pixels of skin.jpg", 1.0, 50.0, pixels=3)
    assert {c.status for c in judge_photos([good, few], gates)} == {Status.PASSED}
    for bad in (row("bad.jpg", 0.899, 0.1), row("bad.jpg", 1.0, 5.01)):
        for photos in ([good, bad], [bad, good]):
            failed = [c for c in judge_photos(photos, gates) if c.status is Status.FAILED]
            assert [c.where for c in failed] == ["bad.jpg"]


def test_the_worst_photos_are_named_in_order() -> None:
    photos = [
        row("b.jpg", 0.99, 0.2),
        row("a.jpg", 0.999, 2.0),
        row("c.jpg", 1.0, None),
        row("d.jpg", 0.95, 9.0, 3),
    ]
    assert worst_photos(photos) == ("d.jpg", "a.jpg", "b.jpg")
    many = [row(f"{i:02}.jpg", 0.9, None) for i in range(9)]
    assert worst_photos(reversed(many)) == ("00.jpg", "01.jpg", "02.jpg", "03.jpg", "04.jpg")


def stratum(name: str, photos: int, excess: float, interval: tuple[float, float]) -> StratumRow:
    return StratumRow("skin tone", name, photos, 1.0, 0.0, 0.0, (0.0, 0.0), 0.3, excess, interval)


@pytest.mark.parametrize(
    ("dark", "status", "where"),
    [
        ((30, 0.1, (0.0, 0.2)), Status.PASSED, "skin tone tan"),
        ((30, 0.5, (0.3, 0.7)), Status.FAILED, "skin tone dark"),
        ((30, 0.3, (0.1, 0.7)), Status.UNDECIDED, "skin tone dark"),
        ((FEWEST_IN_STRATUM - 1, 0.5, (0.3, 0.7)), Status.PASSED, "skin tone tan"),
    ],
)
def test_no_stratum_may_lose_much_more_than_all(
    dark: tuple[int, float, tuple[float, float]], status: Status, where: str
) -> None:
    rows = [
        stratum("dark", *dark),
        stratum("tan", 30, 0.15, (0.1, 0.2)),
        stratum("light", 30, 0.0, (-0.1, 0.1)),
    ]
    (check,) = judge_strata(rows, Gates(max_skin_de=1.0))
    assert (check.status, check.where) == (status, where)
    (alone,) = judge_strata([stratum("dark", 2, 0.5, (0.3, 0.7))], Gates(max_skin_de=1.0))
    assert alone.status is Status.NOT_RUN


def test_flicker_is_judged_where_it_was_measured() -> None:
    gates = Gates(min_agreement=0.98)
    assert judge_stability(None, gates) == ()
    measured = Stability(16, 0.02, 0.01, 0.01, (0.005, 0.015), ())
    (check,) = judge_stability(measured, gates)
    assert (check.status, check.value) == (Status.FAILED, 0.01)
    assert judge_stability(measured, Gates()) == ()


def test_not_a_number_fails() -> None:
    for name in ("max_abs_logit", "skin_delta_e00_p95"):
        assert overall(judge(replace(GOOD, **{name: float("nan")}), ALL_GATES)) == Status.FAILED


def test_a_check_that_did_not_run_is_no_pass() -> None:
    unlabelled = replace(GOOD, miou_drop=None)
    checks = judge(unlabelled, Gates(max_miou_drop=0.01))
    assert [c.status for c in checks] == [Status.NOT_RUN]
    assert "no true labels" in checks[0].reason
    assert overall(checks) == Status.NOT_RUN
    assert overall((*checks, Check("other", Status.PASSED, 1, 1))) == Status.PASSED


def test_gates_follow_what_a_recipe_does() -> None:
    assert gates_for(RECIPES["fp16"]) == GATES["fp16"]
    assert gates_for(Recipe("planned-7", mode="w8a8")) == GATES["int8"]
    for compute in ("fp32", "fp16"):
        assert gates_for(replace(RECIPES[compute], pool={"stage3": 2})) == GATES["int8"]
    assert gates_for(RECIPES["fp32"]).overridden(Gates(min_agreement=0.5)).min_agreement == 0.5


@pytest.mark.parametrize("name", ["fp16", "fp32", "int8", "anything"])
def test_a_name_changes_no_gate(name: str) -> None:
    """A w8a8 recipe saved as "fp16" was judged without the skin gates."""
    assert gates_for(replace(RECIPES["w8a8"], name=name)) == GATES["int8"]
    assert gates_for(Recipe(name, compute="fp16", blocks={"aspp": "w8"})) == GATES["int8"]
    assert gates_for(Recipe(name, compute="fp16")) == GATES["fp16"]
    assert gates_for(Recipe(name)) == GATES["fp32"]


@pytest.mark.parametrize("bound", [float("nan"), float("inf"), float("-inf")])
def test_a_bound_is_a_finite_number(bound: float) -> None:
    for make in (Gates, Bounds):
        with pytest.raises(EdgekitError, match=r"`max_skin_de` .* is no bound; give a finite number"):
            make(max_skin_de=bound)
