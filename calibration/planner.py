"""The recipe planner: the fastest recipe inside an accuracy budget.

The search starts with every block in int8, with the observer that comes nearest to the budget. Then the most sensitive
blocks return to float compute, one by one, until the budget holds; then each of them is tried in int8 again. What is
left of the budget is spent on pooling the attention of single stages. Every measured point is written to a journal at
once, so an interrupted plan resumes where it stopped, and a plan with other bounds repeats no measurement. Of two
recipes whose times cannot be told apart the more accurate one is taken. The planner measures nothing itself; its caller
passes a `Measure`.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from math import inf
from pathlib import Path
from types import MappingProxyType

from converters.coreml_costs import Cost
from edgekit.errors import CalibrationError
from edgekit.files import json_text, write_json
from edgekit.reading import Count, JsonKind, read_json, shown
from edgekit.recipes import BLOCKS, Mode, Pool, Recipe
from edgekit.scores.metrics import Interval

WORTHWHILE = 0.99  # int8 weights in a block must shrink the artifact to at most this share of its bytes
JOURNAL_VERSION = 3


@dataclass(frozen=True)
class Point:
    """Measurements of one recipe against the float model.

    `cost` is the figure to minimise, 1 for the float model: the latency ratio; `cost_ci95` is its interval over
    repeated timing, None where it is exact. Agreement and drops of IoU are in [0, 1]; a drop is None without true
    labels. `skin_delta_e00_p95` is None if the pictures show no skin. Each other `_ci95` is the interval over the
    judging pictures, by which parity judges; None for fewer pictures than decide anything.
    """

    size_bytes: Count
    cost: float
    agreement: float
    snr_db: float
    partitions: Count | None = None
    miou_drop: float | None = None
    skin_iou_drop: float | None = None
    skin_delta_e00_p95: float | None = None
    boundary_agreement: float | None = None
    agreement_ci95: Interval | None = None
    miou_drop_ci95: Interval | None = None
    skin_iou_drop_ci95: Interval | None = None
    skin_delta_e00_p95_ci95: Interval | None = None
    boundary_agreement_ci95: Interval | None = None
    cost_ci95: Interval | None = None

    @property
    def cost_ends(self) -> Interval:
        """The interval of the cost; of no width where the cost is exact."""
        return (self.cost, self.cost) if self.cost_ci95 is None else self.cost_ci95


@dataclass(frozen=True)
class Budget:
    """Bounds on a recipe's losses; None is no bound.

    A loss is the worse end of its interval, where it has one: parity passes only what keeps a bound with its whole
    interval. A bound on a metric that was not measured counts as broken; `known` drops the bounds that cannot be
    measured.
    """

    min_agreement: float = 0.98
    max_miou_drop: float | None = None
    max_skin_iou_drop: float | None = None
    max_skin_de: float | None = None
    min_boundary: float | None = None

    def holds(self, point: Point) -> bool:
        """Whether a point keeps every stated bound."""
        return all(value is not None and value <= bound for value, bound in self._stated(point))

    def excess(self, point: Point) -> float:
        """The largest ratio of a loss to its bound; at most 1 when every bound holds."""
        return max(_share(value, bound) for value, bound in self._stated(point))

    def _stated(self, point: Point) -> Iterator[tuple[float | None, float]]:
        """Yield (loss, bound) of each bounded metric."""
        yield _shortfall(point.agreement, point.agreement_ci95), 1 - self.min_agreement
        if self.min_boundary is not None:
            yield _shortfall(point.boundary_agreement, point.boundary_agreement_ci95), 1 - self.min_boundary
        for value, interval, bound in (
            (point.miou_drop, point.miou_drop_ci95, self.max_miou_drop),
            (point.skin_iou_drop, point.skin_iou_drop_ci95, self.max_skin_iou_drop),
            (point.skin_delta_e00_p95, point.skin_delta_e00_p95_ci95, self.max_skin_de),
        ):
            if bound is not None:
                yield value if value is None or interval is None else max(value, interval[1]), bound

    def known(self, point: Point) -> Budget:
        """This budget without the bounds on skin that the float model's own point lacks.

        They cannot be measured: the pictures show no skin, or the labels hold none.
        """
        return replace(
            self,
            max_skin_de=None if point.skin_delta_e00_p95 is None else self.max_skin_de,
            max_skin_iou_drop=None if point.skin_iou_drop is None else self.max_skin_iou_drop,
        )


def _shortfall(score: float | None, interval: Interval | None) -> float | None:
    """What a score lacks to 1, at the lower end of its interval if it has one."""
    return None if score is None else 1 - (score if interval is None else min(score, interval[0]))


def _share(value: float | None, bound: float) -> float:
    """Fraction of the bound that is used; for a bound of 0, either 0 or infinity."""
    if value is None:
        return inf
    if bound == 0:
        return inf if value > 0 else 0.0
    return value / bound


@dataclass(frozen=True)
class Trial:
    """A measured recipe; `why` names the step of the search that asked for it."""

    why: str
    recipe: Recipe
    point: Point


@dataclass(frozen=True)
class Plan:
    """The chosen recipe and all trials in order; `sensitivity_db` is the SNR with that block alone in int8.

    `complete`: whether the search came to its end; otherwise time ran out, and a cheaper recipe may exist.
    `coreml`: what the float and the chosen recipe cost by block as Core ML programs, under "float" and "chosen".
    """

    recipe: Recipe
    chosen: Trial
    trials: tuple[Trial, ...]
    sensitivity_db: dict[str, float]
    complete: bool = True
    coreml: Mapping[str, Mapping[str, Cost]] = field(default_factory=dict)

    def pareto(self) -> tuple[Trial, ...]:
        """The trials on the Pareto front of cost and agreement, and always the chosen one, cheapest first.

        The chosen trial may lie behind the front if a bound on skin decided.
        """
        kept: list[Trial] = []
        highest = -1.0
        for trial in sorted(self.trials, key=lambda t: (t.point.cost, -t.point.agreement)):
            if trial.point.agreement > highest or trial is self.chosen:
                kept.append(trial)
            highest = max(highest, trial.point.agreement)
        return tuple(kept)


Measure = Callable[[Recipe], Point]
# The signal-to-noise ratio of a recipe's logits, in dB: all that the order of the blocks needs.
MeasureSnr = Callable[[Recipe], float]
# Observer to tensor to (low, high).
ObservedRanges = Mapping[str, Mapping[str, tuple[float, float]]]


@dataclass(frozen=True)
class _Written:
    """The content of a journal's file: measured points, and the SNR of recipes of one block, by `recipe_key`."""

    context: str
    points: Mapping[str, Point]
    snr_db: Mapping[str, float] = field(default_factory=dict)
    ranges: ObservedRanges | None = None
    pooled_ranges: Mapping[str, ObservedRanges] = field(default_factory=dict)


JOURNAL = JsonKind(
    _Written,
    "a planner's journal",
    version=("version", JOURNAL_VERSION),
    advice="remove it to start anew",
)


class Journal:
    """Ranges and measured points, saved as they come; None keeps them in memory only.

    They hold for every budget, so a plan with other bounds goes on from them. `context`: digest of data, weights, tools
    and machine. `fresh`: measure all anew and replace what the file holds. Raises CalibrationError if the file has
    another context, or is no journal.
    """

    def __init__(self, path: Path | None, context: str, fresh: bool = False) -> None:
        self._path, self._context = path, context
        self._points: dict[str, Point] = {}
        self._snr_db: dict[str, float] = {}
        self._ranges: dict[str, ObservedRanges] = {}  # by `pool_name`
        if path is not None and os.path.lexists(path):
            self._load(path, fresh)

    def _load(self, path: Path, fresh: bool) -> None:
        written = read_json(path, JOURNAL, CalibrationError)
        if fresh:
            return
        if written.context != self._context:
            raise CalibrationError(
                f"{shown(path)} was measured with other photos, labels, weights, size or packages, or on another "
                f"machine; `fresh` measures all anew and replaces it."
            )
        self._points, self._snr_db = dict(written.points), dict(written.snr_db)
        self._ranges = {**({} if written.ranges is None else {"": written.ranges}), **written.pooled_ranges}

    def observed(
        self, observe: Callable[[], ObservedRanges], pool: Mapping[str, Pool] | None = None
    ) -> ObservedRanges:
        """Return the saved activation ranges of the graph with `pool`, or observe them now and save them at once."""
        name = pool_name(pool or {})
        if name not in self._ranges:
            self._ranges[name] = observe()
            self._write()
        return self._ranges[name]

    def has(self, recipe: Recipe) -> bool:
        """Whether a recipe was measured already."""
        return recipe_key(recipe) in self._points

    def has_snr(self, recipe: Recipe) -> bool:
        """Whether a recipe's SNR was measured already."""
        return recipe_key(recipe) in self._snr_db

    def measured(self, recipe: Recipe, measure: Measure) -> Point:
        """Return a recipe's saved point, or measure it now and save it at once."""
        key = recipe_key(recipe)
        if key not in self._points:
            self._points[key] = measure(recipe)
            self._write()
        return self._points[key]

    def snr_db(self, recipe: Recipe, measure: MeasureSnr) -> float:
        """Return a recipe's saved SNR, or measure it now and save it at once."""
        key = recipe_key(recipe)
        if key not in self._snr_db:
            self._snr_db[key] = measure(recipe)
            self._write()
        return self._snr_db[key]

    def _write(self) -> None:
        if self._path is not None:
            points = {key: asdict(point) for key, point in self._points.items()}
            pooled = {name: ranges for name, ranges in self._ranges.items() if name}
            written = {
                "context": self._context, "ranges": self._ranges.get(""), "points": points, "snr_db": self._snr_db,
            }  # fmt: skip
            added = {"pooled_ranges": pooled} if pooled else {}
            write_json(self._path, {"version": JOURNAL_VERSION, **written, **added}, replace=True)

    def kept(self) -> str:
        """A sentence for an interrupted plan: which work is saved, and how to resume."""
        if self._path is None or not self._ranges:
            return "nothing was measured yet, and nothing is kept."
        return f"{self._path} keeps the ranges and {len(self)} measured recipes; run the same command again to go on."

    def __len__(self) -> int:
        return len(self._points) + len(self._snr_db)


def recipe_key(recipe: Recipe) -> str:
    """A digest of a recipe's modes, pooling, compute type and observer; its name does not count."""
    modes = [recipe.mode_of(block) for block in BLOCKS]
    pool = [pool_name(recipe.pool)] if recipe.pool else []
    return hashlib.sha256(json_text([recipe.compute, recipe.observer, modes, *pool]).encode()).hexdigest()[
        :16
    ]


def pool_name(pool: Mapping[str, Pool]) -> str:
    """A recipe's pooling as text: `stage3 2×2, stage4 2×2`; empty for none."""
    return ", ".join(f"{stage} {side}×{side}" for stage, side in sorted(pool.items()))


def search(
    measure: Measure,
    measure_snr: MeasureSnr,
    budget: Budget,
    observers: Sequence[str],
    journal: Journal,
    say: Callable[[str], None],
    name: str = "planned",
    pools: Mapping[str, Sequence[Pool]] = MappingProxyType({}),
    seconds: float = inf,
) -> Plan:
    """Find the cheapest recipe that keeps the budget.

    A protected block is computed in float. Two searches are made and the cheaper result wins. The first keeps int8
    weights in every protected block; it is left out if int8 weights alone break the budget. The second gives protected
    blocks float weights and, at the end, int8 ones where the budget allows. On the result, each stage's attention is
    pooled by the sides in `pools`, where the budget allows. After `seconds` nothing more is measured, and the cheapest
    recipe so far that keeps the budget is the result. Raises CalibrationError if not even the float model keeps the
    budget.
    """
    trials: list[Trial] = []
    sensitivity: dict[str, float] = {}
    end = time.monotonic() + seconds

    def in_time(measured: bool) -> None:
        if trials and not measured and time.monotonic() >= end:
            raise _TimeIsUp

    def tried(why: str, recipe: Recipe) -> Trial:
        in_time(journal.has(recipe))
        trial = Trial(why, recipe, journal.measured(recipe, measure))
        trials.append(trial)
        point = trial.point
        skin = "" if point.skin_delta_e00_p95 is None else f", skin ΔE2000 p95 {point.skin_delta_e00_p95:.2f}"
        say(f"{why}: agreement {point.agreement:.4f}, {point.snr_db:.1f} dB, cost {point.cost:.3f}{skin}")
        return trial

    def sensitivity_of(block: str, observer: str) -> float:
        alone = Recipe("one", mode="float", blocks={block: "w8a8"}, observer=observer)
        in_time(journal.has_snr(alone))
        sensitivity[block] = journal.snr_db(alone, measure_snr)
        say(f"sensitivity of {block}: {sensitivity[block]:.1f} dB")
        return sensitivity[block]

    floating = tried("float", Recipe("fp32"))
    if budget.max_skin_de is not None and budget.known(floating.point).max_skin_de is None:
        say("warning: the float model finds no skin in the judging pictures; skin colour is not judged")
    budget = budget.known(floating.point)
    try:
        chosen, complete = _cheapest(tried, sensitivity_of, budget, observers, pools), True
    except _TimeIsUp:
        chosen, complete = _cheapest_so_far(trials, budget), False
        say(f"time is up after {len(trials)} recipes; the cheapest of them that keeps the budget is taken")
    return Plan(replace(chosen.recipe, name=name), chosen, tuple(trials), sensitivity, complete)


class _TimeIsUp(Exception):
    """No further recipe may be measured."""


Tried = Callable[[str, Recipe], Trial]


def _cheapest_so_far(trials: Sequence[Trial], budget: Budget) -> Trial:
    """The cheapest trial that keeps the budget. CalibrationError if none does, not even the float model."""
    held = [trial for trial in trials if budget.holds(trial.point)]
    if not held:
        raise _none_holds()
    return _fastest(held, budget)


def _fastest(trials: Sequence[Trial], budget: Budget) -> Trial:
    """The trial of the least cost; of those whose intervals of cost reach into its own, the most accurate."""
    most = min(trials, key=lambda trial: trial.point.cost).point.cost_ends[1]
    near = [trial for trial in trials if trial.point.cost_ends[0] <= most]
    return min(near, key=lambda trial: (budget.excess(trial.point), trial.point.cost))


def _none_holds() -> CalibrationError:
    return CalibrationError("No recipe keeps the budget, not even the float model; loosen it.")


def _cheapest(
    tried: Tried,
    sensitivity_of: Callable[[str, str], float],
    budget: Budget,
    observers: Sequence[str],
    pools: Mapping[str, Sequence[Pool]],
) -> Trial:
    """The result of the whole search. sensitivity_of: the SNR of a block alone in int8, with an observer's ranges."""
    best = min(
        (tried(f"all int8, {name_}", Recipe("w8a8", mode="w8a8", observer=name_)) for name_ in observers),
        key=lambda trial: (budget.excess(trial.point), -trial.point.snr_db),
    )
    if budget.holds(best.point):
        return _pooled(tried, budget, best, pools)
    observer = best.recipe.observer
    order = sorted(BLOCKS, key=lambda block: sensitivity_of(block, observer))
    rounded = tried("all int8 weights, computed in float", Recipe("weights", mode="w8", observer=observer))
    ways: tuple[Mode, ...] = ("w8", "float") if budget.holds(rounded.point) else ("float",)
    found = [_searched(tried, budget, order, observer, fallback) for fallback in ways]
    return _pooled(tried, budget, _fastest(found, budget), pools)


def _searched(tried: Tried, budget: Budget, order: Sequence[str], observer: str, fallback: Mode) -> Trial:
    """Protect blocks, release those that need no protection, and return float weights to int8 where that holds."""
    protected = _protected(tried, budget, order, observer, fallback)
    return _lightened(tried, budget, _released(tried, budget, protected, order), order)


def _protected(tried: Tried, budget: Budget, order: Sequence[str], observer: str, fallback: Mode) -> Trial:
    """Protect the most sensitive block, then the next, until the budget holds."""
    blocks: dict[str, Mode] = {}
    weights = "int8" if fallback == "w8" else "float"
    for block in order:
        blocks[block] = fallback
        trial = tried(
            f"protect {block}, {weights} weights",
            Recipe("mix", mode="w8a8", blocks=dict(blocks), observer=observer),
        )
        if budget.holds(trial.point):
            return trial
    raise _none_holds()


def _released(tried: Tried, budget: Budget, chosen: Trial, order: Sequence[str]) -> Trial:
    """Try each protected block in int8 again, the least sensitive first; keep it if that holds and is faster."""
    for block in reversed(order):
        if block not in chosen.recipe.blocks:
            continue
        blocks = {b: mode for b, mode in chosen.recipe.blocks.items() if b != block}
        trial = tried(f"release {block}", replace(chosen.recipe, blocks=blocks))
        if budget.holds(trial.point):
            chosen = _fastest((chosen, trial), budget)
    return chosen


def _lightened(tried: Tried, budget: Budget, chosen: Trial, order: Sequence[str]) -> Trial:
    """Try int8 weights in each block that has float ones, the least sensitive first; keep them if they hold and save.

    The first blocks hold few weights, yet rounding them changes the mask most: hardly a byte is saved, and photos that
    were not judged may lose accuracy.
    """
    for block in reversed(order):
        if chosen.recipe.blocks.get(block) != "float":
            continue
        blocks: dict[str, Mode] = {**chosen.recipe.blocks, block: "w8"}
        trial = tried(f"int8 weights in {block}", replace(chosen.recipe, blocks=blocks))
        if budget.holds(trial.point) and trial.point.size_bytes <= WORTHWHILE * chosen.point.size_bytes:
            chosen = trial
    return chosen


def _pooled(tried: Tried, budget: Budget, chosen: Trial, pools: Mapping[str, Sequence[Pool]]) -> Trial:
    """Pool the attention of one stage after the other, ever more, while the budget holds and the cost falls.

    The float model is pooled first: where that alone breaks the budget, no ranges of the pooled graph are needed.
    """
    for stage, sides in pools.items():
        for side in sides:
            pool: dict[str, Pool] = {**chosen.recipe.pool, stage: side}
            alone = tried(f"float, attention pooled in {pool_name(pool)}", Recipe("fp32", pool=pool))
            if not budget.holds(alone.point):
                break
            trial = tried(f"attention pooled in {pool_name(pool)}", replace(chosen.recipe, pool=pool))
            if not budget.holds(trial.point) or _fastest((chosen, trial), budget) is chosen:
                break
            chosen = trial
    return chosen
