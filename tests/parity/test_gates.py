"""Each gate passes a good artifact, fails on its own metric, and follows what the recipe does."""

from __future__ import annotations

from dataclasses import replace

import pytest

from calibration.planning import Bounds
from edgekit.errors import EdgekitError
from edgekit.parity.gates import GATES, Gates, gates_for, judge, overall
from edgekit.parity.report import Check, Metrics, Status
from edgekit.recipes import RECIPES, Recipe

GOOD = Metrics(
    n=3, max_abs_logit=1e-5, psnr_db=120, label_agreement=1.0, previous_label_agreement=1.0,
    mean_iou_agreement=1.0, skin_iou_agreement=1.0, boundary_agreement=1.0, output_error_levels=0.5,
    per_class_iou_agreement={}, n_labelled=3, miou=0.4, miou_reference=0.4, skin_iou=0.5,
    skin_iou_reference=0.5, skin_delta_e00_p95=0.2,
)  # fmt: skip
BAD = {
    "max_abs_logit": 1.0, "label_agreement": 0.5, "output_error_levels": 9.0, "miou": 0.3, "skin_iou": 0.4,
    "skin_delta_e00_p95": 3.0,
}  # fmt: skip
ALL_GATES = Gates(1e-3, 0.98, 1, 0.005, 0.005, 1.0)


def test_every_gate_passes_a_good_artifact() -> None:
    checks = judge(GOOD, ALL_GATES)
    assert len(checks) == 6
    assert overall(checks) == Status.PASSED


@pytest.mark.parametrize("name", BAD)
def test_each_gate_fails_on_its_own_metric(name: str) -> None:
    checks = judge(replace(GOOD, **{name: BAD[name]}), ALL_GATES)
    assert [c.status for c in checks].count(Status.FAILED) == 1
    assert overall(checks) == Status.FAILED


def test_not_a_number_fails() -> None:
    assert overall(judge(replace(GOOD, max_abs_logit=float("nan")), ALL_GATES)) == Status.FAILED


def test_a_check_that_did_not_run_is_no_pass() -> None:
    unlabelled = replace(GOOD, miou=None, miou_reference=None)
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
