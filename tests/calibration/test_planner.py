"""The planner finds the cheapest recipe inside the budget, remembers what it measured and resumes."""

from __future__ import annotations

from dataclasses import replace
from math import inf
from pathlib import Path
from typing import Any

import pytest

from calibration import planner
from calibration.planner import (
    Budget,
    Journal,
    Measure,
    ObservedRanges,
    Plan,
    Point,
    Trial,
    recipe_key,
    search,
)
from edgekit.errors import CalibrationError
from edgekit.recipes import BLOCKS, Pool, Recipe

BAD = {"stage2.1": 0.03, "aspp": 0.015}  # agreement lost when the block is int8
COST = {block: 0.01 for block in BLOCKS}  # latency saved when it is


def searched(measure: Measure, *arguments: Any, **options: Any) -> Plan:
    """The search, in a world where a point's SNR is that which the order of the blocks goes by."""
    return search(measure, lambda recipe: measure(recipe).snr_db, *arguments, **options)


class World:
    """A made-up model: losses and gains add up; `minmax` ranges lose a little everywhere."""

    def __init__(self) -> None:
        self.asked: list[Recipe] = []
        self.fail_after: int | None = None

    def measure(self, recipe: Recipe) -> Point:
        if self.fail_after is not None and len(self.asked) >= self.fail_after:
            raise KeyboardInterrupt
        self.asked.append(recipe)
        quantised = recipe.blocks_in("w8a8")
        lost = sum(BAD.get(block, 0.0001) for block in quantised)
        lost += 0.05 if recipe.observer == "minmax" and quantised else 0
        cost = 1 - sum(COST[block] for block in quantised)
        return Point(1000, cost, 1 - lost, snr_db=60 - 1000 * lost)


def run(world: World, budget: Budget, journal: Path | None = None) -> tuple[Recipe, list[str]]:
    found = searched(world.measure, budget, ("minmax", "mse"), Journal(journal, "same"), lambda line: None)
    return found.recipe, [trial.why for trial in found.trials]


def test_everything_int8_is_kept_when_it_is_good_enough() -> None:
    recipe, steps = run(World(), Budget(min_agreement=0.9))
    assert recipe.mode == "w8a8" and not recipe.blocks and recipe.observer == "mse"
    assert not any("sensitivity" in step for step in steps)


def test_the_observer_that_is_nearest_to_the_budget_is_taken() -> None:
    """`fine` agrees a little more and spoils skin."""

    def measure(recipe: Recipe) -> Point:
        fine = recipe.observer == "mse" and bool(recipe.blocks_in("w8a8"))
        return Point(1, 0.5, 0.991 if fine else 0.99, 20.0, None, None, None, 2.0 if fine else 0.9)

    skin = searched(
        measure, Budget(0.98, max_skin_de=1.0), ("mse", "minmax"), Journal(None, ""), lambda line: None
    )
    assert skin.recipe.observer == "minmax" and not skin.recipe.blocks
    labels = searched(measure, Budget(0.98), ("mse", "minmax"), Journal(None, ""), lambda line: None)
    assert labels.recipe.observer == "mse"


def test_excess_is_in_bounds_and_holds_up_to_one() -> None:
    budget = Budget(min_agreement=0.98, max_miou_drop=0.0, max_skin_de=2.0)
    point = Point(1, 0.5, 0.99, 20.0, None, 0.0, None, 3.0)
    assert budget.excess(point) == pytest.approx(1.5) and not budget.holds(point)
    assert budget.excess(replace(point, skin_delta_e00_p95=0.5)) == pytest.approx(0.5)
    assert budget.excess(replace(point, miou_drop=0.1)) == inf
    assert budget.excess(replace(point, skin_delta_e00_p95=None)) == inf


def test_a_loss_is_the_worse_end_of_its_interval() -> None:
    """So that parity, which judges with the same interval, does not find the plan undecided."""
    budget = Budget(min_agreement=0.98, max_skin_de=1.0, min_boundary=0.8)
    point = Point(
        1, 0.5, 0.99, 20.0, None, None, None, 0.9, 0.9, agreement_ci95=(0.985, 0.995),
        skin_delta_e00_p95_ci95=(0.8, 0.99), boundary_agreement_ci95=(0.85, 0.95),
    )  # fmt: skip
    assert budget.holds(point) and budget.excess(point) == pytest.approx(0.99)
    assert not budget.holds(replace(point, agreement_ci95=(0.979, 0.995)))
    assert not budget.holds(replace(point, skin_delta_e00_p95_ci95=(0.8, 1.01)))
    assert not budget.holds(replace(point, boundary_agreement_ci95=(0.79, 0.95)))
    assert budget.holds(replace(point, skin_delta_e00_p95_ci95=None))


def test_the_block_that_hurts_is_protected_and_no_other() -> None:
    recipe, _ = run(World(), Budget(min_agreement=0.975))
    assert recipe.blocks == {"stage2.1": "w8"}


def test_the_chosen_recipe_is_shown_where_only_the_bound_on_skin_speaks_for_it() -> None:
    def measure(recipe: Recipe) -> Point:
        """Two blocks in float cost more and agree less than one, but skin is right with two alone."""
        protected = len(recipe.blocks) if recipe.mode == "w8a8" else len(BLOCKS)
        agreement = {0: 0.95, 1: 0.99, 2: 0.98}.get(protected, 1.0)
        return Point(
            1, 0.5 + protected / 100, agreement, 20.0, None, None, None, 0.9 if protected >= 2 else 1.5
        )

    budget = Budget(min_agreement=0.97, max_skin_de=1.0)
    found = searched(measure, budget, ("mse",), Journal(None, ""), lambda line: None)
    assert len(found.chosen.recipe.blocks) == 2
    assert [len(trial.recipe.blocks) for trial in found.pareto() if trial.recipe.mode == "w8a8"] == [0, 1, 2]


def test_a_tighter_budget_protects_more() -> None:
    recipe, _ = run(World(), Budget(min_agreement=0.99))
    assert set(recipe.blocks) == {"stage2.1", "aspp"}


def test_skin_in_the_final_picture_counts_where_it_was_measured() -> None:
    """stage4.1.ffn keeps its labels and spoils skin; without skin in the pictures the bound is dropped, and said."""

    def measure(recipe: Recipe) -> Point:
        colour = 0.1 + 2.0 * ("stage4.1.ffn" in recipe.blocks_in("w8a8"))
        return replace(World().measure(recipe), skin_delta_e00_p95=colour if skin else None)

    said: list[str] = []
    for skin, protected in ((True, {"stage4.1.ffn"}), (False, set[str]())):
        budget = Budget(min_agreement=0.9, max_skin_de=1.0)
        found = searched(measure, budget, ("mse",), Journal(None, "same"), said.append)
        assert set(found.recipe.blocks) >= protected and bool(found.recipe.blocks) == skin
    assert sum("finds no skin" in line for line in said) == 1


def test_a_released_block_must_still_keep_the_budget() -> None:
    recipe, steps = run(World(), Budget(min_agreement=0.99))
    assert "release aspp" in steps and "release stage2.1" in steps
    assert set(recipe.blocks) == {"stage2.1", "aspp"}


@pytest.mark.parametrize(("width", "kept"), [(0.001, {"stage2.1"}), (0.006, {"stem", "stage2.1"})])
def test_a_block_is_released_where_that_is_surely_faster(width: float, kept: set[str]) -> None:
    """The stem is protected first and in vain. In int8 it saves 0.01, which the spread of the times may hide."""

    def measure(recipe: Recipe) -> Point:
        quantised = set(recipe.blocks_in("w8a8"))
        cost = 1 - 0.01 * len(quantised)
        agreement = 1 - 0.0001 * len(quantised) - 0.02 * ("stage2.1" in quantised)
        snr_db = 60.0 - 20 * ("stem" in quantised) - 10 * ("stage2.1" in quantised)
        return Point(1000, cost, agreement, snr_db, cost_ci95=(cost - width, cost + width))

    found = searched(measure, Budget(min_agreement=0.99), ("mse",), Journal(None, ""), lambda line: None)
    assert set(found.recipe.blocks) == kept


def test_the_fastest_is_the_most_accurate_of_those_that_reach_into_its_interval() -> None:
    budget, recipe = Budget(min_agreement=0.98), Recipe("fp32")

    def trial(why: str, cost: float, width: float, agreement: float) -> Trial:
        return Trial(why, recipe, Point(1, cost, agreement, 20.0, cost_ci95=(cost - width, cost + width)))

    fast, near = trial("fast", 0.58, 0.02, 0.985), trial("near", 0.61, 0.02, 0.995)
    apart, exact = trial("apart", 0.63, 0.02, 0.999), Trial("exact", recipe, Point(1, 0.57, 0.98, 20.0))
    assert planner._fastest([fast, near, apart], budget) is near
    assert planner._fastest([fast, apart], budget) is fast
    assert planner._fastest([exact, apart], budget) is exact


def test_float_weights_protect_where_int8_weights_alone_break_the_budget() -> None:
    """stage1.0 cannot have int8 weights at all; aspp, in float, can; stage2.1 could, and has none to save."""

    def measure(recipe: Recipe) -> Point:
        point = World().measure(recipe)
        agreement = point.agreement - 0.03 * (recipe.mode_of("stage1.0") != "float")
        size = 1000 + 500 * (recipe.mode_of("aspp") == "float") + 5 * (recipe.mode_of("stage2.1") == "float")
        return replace(point, agreement=agreement, size_bytes=size)

    found = searched(measure, Budget(min_agreement=0.99), ("mse",), Journal(None, ""), lambda line: None)
    assert found.recipe.blocks == {"stage2.1": "float", "aspp": "w8", "stage1.0": "float"}
    assert Budget(min_agreement=0.99).holds(found.chosen.point)


def test_float_weights_in_one_block_beat_float_activations_in_most() -> None:
    """Rounding the stem's weights takes nearly the whole budget; with float ones the others can be int8."""

    def measure(recipe: Recipe) -> Point:
        quantised = recipe.blocks_in("w8a8")
        lost = 0.009 * (recipe.mode_of("stem") != "float") + 0.0003 * len(quantised)
        return Point(1000, 1 - 0.01 * len(quantised), 1 - lost, snr_db=60 - 1000 * lost)

    budget = Budget(min_agreement=0.99)
    found = searched(measure, budget, ("mse",), Journal(None, ""), lambda line: None)
    assert budget.holds(found.chosen.point)
    assert found.recipe.mode_of("stem") == "float" and len(found.recipe.blocks_in("w8a8")) == 33


POOLED_LOSS = {("stage3", 2): 0.002, ("stage3", 4): 0.012, ("stage4", 2): 0.5}  # of agreement
POOLS: dict[str, tuple[Pool, ...]] = {"stage3": (2, 4), "stage4": (2,), "stage5": (2,)}


def measure_pooled(recipe: Recipe) -> Point:
    """Pooling stage 3 saves a tenth each time; stage 4's spoils everything; stage 5's saves nothing."""
    point = World().measure(recipe)
    lost = sum(POOLED_LOSS.get(item, 0.0) for item in recipe.pool.items())
    saved = {2: 0.1, 4: 0.2}.get(recipe.pool.get("stage3", 1), 0.0)
    return replace(point, agreement=point.agreement - lost, cost=point.cost - saved)


@pytest.mark.parametrize(("least", "pool"), [(0.9, {"stage3": 4}), (0.975, {"stage3": 2}), (0.9795, {})])
def test_what_rounding_leaves_of_the_budget_is_spent_on_pooling(least: float, pool: dict[str, int]) -> None:
    budget = Budget(min_agreement=least)
    found = searched(measure_pooled, budget, ("mse",), Journal(None, ""), lambda line: None, pools=POOLS)
    assert found.recipe.pool == pool and budget.holds(found.chosen.point)
    without = searched(measure_pooled, budget, ("mse",), Journal(None, ""), lambda line: None)
    assert without.recipe == replace(found.recipe, pool={})


def test_a_pooled_graph_is_not_calibrated_where_it_breaks_the_budget_in_float() -> None:
    found = searched(measure_pooled, Budget(0.9), ("mse",), Journal(None, ""), lambda line: None, pools=POOLS)
    pooled = [trial.recipe for trial in found.trials if "stage4" in trial.recipe.pool]
    assert pooled and not any(recipe.quantises for recipe in pooled)


def test_recipes_that_pool_are_measured_apart_and_keys_without_pooling_stay() -> None:
    """Journals that were begun before there was pooling go on."""
    assert recipe_key(Recipe("fp32", pool={"stage3": 2})) != recipe_key(Recipe("fp32"))
    assert recipe_key(Recipe("fp32")) == "ce917cfc0dd151d3"


def test_ranges_are_kept_for_each_pooled_graph(tmp_path: Path) -> None:
    path = tmp_path / "plan.journal.json"
    plain, pooled = {"mse": {"x": (0.0, 1.0)}}, {"mse": {"x": (0.0, 0.5)}}
    journal = Journal(path, "same")
    journal.observed(lambda: pooled, {"stage3": 2})
    journal.observed(lambda: plain)

    def never() -> ObservedRanges:
        raise AssertionError("these ranges are kept")

    again = Journal(path, "same")
    assert again.observed(never) == plain
    assert again.observed(never, {"stage3": 2}) == pooled


def test_an_impossible_budget_is_an_error() -> None:
    with pytest.raises(CalibrationError, match="No recipe keeps the budget"):
        run(World(), Budget(min_agreement=0.98, max_miou_drop=0.001))  # nothing here has a mIoU


def test_an_interrupted_plan_goes_on_where_it_stopped(tmp_path: Path) -> None:
    journal = tmp_path / "plan.journal.json"
    budget = Budget(min_agreement=0.99)
    straight, _ = run(World(), budget)
    first = World()
    first.fail_after = 20
    with pytest.raises(KeyboardInterrupt):
        run(first, budget, journal)
    second = World()
    resumed, _ = run(second, budget, journal)
    assert resumed == straight
    done, again = {recipe_key(r) for r in first.asked}, {recipe_key(r) for r in second.asked}
    assert len(done) == 20 and not done & again


def test_when_time_is_up_the_cheapest_so_far_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    world, clock, said = World(), [0.0], list[str]()
    monkeypatch.setattr(planner.time, "monotonic", lambda: clock[0])

    def measure(recipe: Recipe) -> Point:
        clock[0] += 1
        return world.measure(recipe)

    def planned(seconds: float) -> Plan:
        clock[0] = 0.0
        return searched(
            measure, Budget(0.99), ("mse",), Journal(None, ""), said.append, "mine", seconds=seconds
        )

    whole = planned(inf)
    measured = len(world.asked)
    assert whole.complete and not said[-1].startswith("time is up")
    first = planned(0)
    assert not first.complete and len(first.trials) == 1
    assert (first.chosen.why, first.recipe.name) == ("float", "mine")
    assert said[-1] == "time is up after 1 recipes; the cheapest of them that keeps the budget is taken"
    some = planned(measured - 2)
    assert not some.complete and len(some.trials) < len(whole.trials)
    assert whole.chosen.point.cost <= some.chosen.point.cost < 1
    assert Budget(0.99).holds(some.chosen.point)


def test_what_a_journal_holds_takes_no_time(tmp_path: Path) -> None:
    journal = tmp_path / "journal.json"
    whole = searched(World().measure, Budget(0.99), ("mse",), Journal(journal, ""), lambda line: None)
    again = searched(
        World().measure, Budget(0.99), ("mse",), Journal(journal, ""), lambda line: None, seconds=0
    )
    assert again.complete and again.recipe == whole.recipe


def test_a_plan_with_other_bounds_measures_only_what_is_new(tmp_path: Path) -> None:
    journal = tmp_path / "plan.journal.json"
    first, second, straight = World(), World(), World()
    run(first, Budget(min_agreement=0.99), journal)
    recipe, _ = run(second, Budget(min_agreement=0.975), journal)
    done, again = ([recipe_key(asked) for asked in world.asked] for world in (first, second))
    assert not set(done) & set(again) and len(set(again)) == len(again)
    assert run(straight, Budget(min_agreement=0.975))[0] == recipe
    assert len(again) < len(straight.asked) / 4
    third = World()
    run(third, Budget(min_agreement=0.99), journal)
    assert not third.asked  # both plans' points are kept


def test_a_journal_of_another_plan_is_not_mixed_in(tmp_path: Path) -> None:
    path = tmp_path / "plan.journal.json"
    run(World(), Budget(min_agreement=0.9), path)
    with pytest.raises(CalibrationError, match="on another machine; `fresh` measures all anew"):
        Journal(path, "other")
    before = path.read_text()
    fresh = Journal(path, "other", fresh=True)
    assert len(fresh) == 0 and path.read_text() == before  # replaced with the first measurement
    fresh.measured(Recipe("fp32"), World().measure)
    assert len(Journal(path, "other")) == 1
    path.write_text("{")
    with pytest.raises(CalibrationError, match=r"is not JSON"):
        Journal(path, "same", fresh=True)  # some other file, perhaps
    with pytest.raises(CalibrationError, match=r"is not JSON.*remove it to start anew"):
        Journal(path, "same")


def test_pareto_keeps_only_what_nothing_beats() -> None:
    world = World()
    found = searched(
        world.measure, Budget(min_agreement=0.99), ("minmax", "mse"), Journal(None, ""), lambda line: None
    )
    points = [trial.point for trial in found.pareto()]
    assert [p.cost for p in points] == sorted(p.cost for p in points)
    assert [p.agreement for p in points] == sorted(p.agreement for p in points)
    assert not any("minmax" in trial.why for trial in found.pareto())
