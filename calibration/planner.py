"""The recipe planner: the fastest recipe inside an accuracy budget.

Everything int8 first, with the observer that comes nearest to the budget; then the blocks that hurt most are
taken back to float compute, one by one, until the budget holds; then each of them is tried in int8 again. Every
measured point is written to a journal at once, so an interrupted plan goes on where it stopped. The planner
measures nothing itself: `Measure` does.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from math import inf
from pathlib import Path

from edgekit.errors import CalibrationError
from edgekit.files import json_text, write_json
from edgekit.reading import Count, JsonKind, read_json, shown
from edgekit.recipes import BLOCKS, Mode, Recipe

WORTHWHILE = 0.99  # of the artifact's bytes: int8 weights that save less stay float
JOURNAL_VERSION = 1


@dataclass(frozen=True)
class Point:
    """One measured recipe against the float model. `cost` is what is minimised, float = 1 (latency ratio, or
    the share of MACs that stay float). Agreements and IoUs are in [0, 1]; None without true labels."""

    size_bytes: Count
    cost: float
    agreement: float
    snr_db: float
    partitions: Count | None = None
    miou_drop: float | None = None
    skin_iou_drop: float | None = None
    skin_delta_e00_p95: float | None = None


@dataclass(frozen=True)
class Budget:
    """What a recipe may lose. A bound on a metric that nothing could measure does not hold; `known` drops it."""

    min_agreement: float = 0.98
    max_miou_drop: float | None = None
    max_skin_iou_drop: float | None = None
    max_skin_de: float | None = None

    def holds(self, point: Point) -> bool:
        """Whether a point keeps every stated bound."""
        return all(value is not None and value <= bound for value, bound in self._stated(point))

    def excess(self, point: Point) -> float:
        """The largest ratio of a loss to its bound; at most 1 when every bound holds."""
        return max(_share(value, bound) for value, bound in self._stated(point))

    def _stated(self, point: Point) -> Iterator[tuple[float | None, float]]:
        """What was lost of each bounded measure, and the bound."""
        yield 1 - point.agreement, 1 - self.min_agreement
        for value, bound in (
            (point.miou_drop, self.max_miou_drop),
            (point.skin_iou_drop, self.max_skin_iou_drop),
            (point.skin_delta_e00_p95, self.max_skin_de),
        ):
            if bound is not None:
                yield value, bound

    def known(self, point: Point) -> Budget:
        """Without the bounds on skin that the float model's own point shows cannot be measured: no skin was seen, or
        the labels hold none."""
        return replace(
            self,
            max_skin_de=None if point.skin_delta_e00_p95 is None else self.max_skin_de,
            max_skin_iou_drop=None if point.skin_iou_drop is None else self.max_skin_iou_drop,
        )


def _share(value: float | None, bound: float) -> float:
    """Fraction of the bound that is used; for a bound of 0, either 0 or infinity."""
    if value is None:
        return inf
    if bound == 0:
        return inf if value > 0 else 0.0
    return value / bound


@dataclass(frozen=True)
class Trial:
    """A recipe and what was measured of it; `why` says which step asked for it."""

    why: str
    recipe: Recipe
    point: Point


@dataclass(frozen=True)
class Plan:
    """The chosen recipe, every trial in the order they were made, and each block's damage in dB."""

    recipe: Recipe
    chosen: Trial
    trials: tuple[Trial, ...]
    sensitivity_db: dict[str, float]

    def pareto(self) -> tuple[Trial, ...]:
        """The trials that no other one beats in both cost and agreement, and the chosen one, cheapest first.

        The chosen one may be beaten in both where the bound on skin decided.
        """
        whole = [trial for trial in self.trials if not trial.why.startswith("sensitivity")]
        kept: list[Trial] = []
        highest = -1.0
        for trial in sorted(whole, key=lambda t: (t.point.cost, -t.point.agreement)):
            if trial.point.agreement > highest or trial is self.chosen:
                kept.append(trial)
            highest = max(highest, trial.point.agreement)
        return tuple(kept)


Measure = Callable[[Recipe], Point]
# Observer to tensor to (low, high).
ObservedRanges = Mapping[str, Mapping[str, tuple[float, float]]]


@dataclass(frozen=True)
class _Written:
    """A journal as it lies on disk: measured points by `recipe_key`."""

    context: str
    points: Mapping[str, Point]
    ranges: ObservedRanges | None = None


JOURNAL = JsonKind(
    _Written,
    "a planner's journal",
    version=("version", JOURNAL_VERSION),
    advice="remove it to start anew",
)


class Journal:
    """Ranges and measured points on disk. A journal of other data or tools is an error, never mixed in."""

    def __init__(self, path: Path | None, context: str) -> None:
        self._path, self._context = path, context
        self._points: dict[str, Point] = {}
        self._ranges: ObservedRanges | None = None
        if path is not None and os.path.lexists(path):
            self._load(path)

    def _load(self, path: Path) -> None:
        written = read_json(path, JOURNAL, CalibrationError)
        if written.context != self._context:
            raise CalibrationError(
                f"{shown(path)} belongs to another plan (data, weights or tools); remove it to start anew."
            )
        self._points, self._ranges = dict(written.points), written.ranges

    def observed(self, observe: Callable[[], ObservedRanges]) -> ObservedRanges:
        """The activation ranges: remembered, or taken now and written at once, before anything is measured."""
        if self._ranges is None:
            self._ranges = observe()
            self._write()
        return self._ranges

    def measured(self, recipe: Recipe, measure: Measure) -> Point:
        """The point of a recipe: remembered, or measured now and written at once."""
        key = recipe_key(recipe)
        if key not in self._points:
            self._points[key] = measure(recipe)
            self._write()
        return self._points[key]

    def _write(self) -> None:
        if self._path is not None:
            points = {key: asdict(point) for key, point in self._points.items()}
            written = {"context": self._context, "ranges": self._ranges, "points": points}
            write_json(self._path, {"version": JOURNAL_VERSION, **written}, replace=True)

    def kept(self) -> str:
        """What an interrupted plan leaves, and how to go on."""
        if self._path is None or self._ranges is None:
            return "nothing was measured yet, and nothing is kept."
        return f"{self._path} keeps the ranges and {len(self)} measured recipes; run the same command again to go on."

    def __len__(self) -> int:
        return len(self._points)


def recipe_key(recipe: Recipe) -> str:
    """A digest of what a recipe does, whatever it is called."""
    modes = [recipe.mode_of(block) for block in BLOCKS]
    return hashlib.sha256(json_text([recipe.compute, recipe.observer, modes]).encode()).hexdigest()[:16]


def search(
    measure: Measure,
    budget: Budget,
    observers: Sequence[str],
    journal: Journal,
    say: Callable[[str], None],
    name: str = "planned",
) -> Plan:
    """The cheapest recipe that keeps the budget.

    A protected block is computed in float. Two ways are searched and the cheaper result wins: with int8 weights in
    every protected block, unless rounding all weights alone breaks the budget; and with float ones, of which
    those that need not be are int8 in the end. Raises CalibrationError when not even the float model keeps it.
    """
    trials: list[Trial] = []

    def tried(why: str, recipe: Recipe) -> Trial:
        trial = Trial(why, recipe, journal.measured(recipe, measure))
        trials.append(trial)
        point = trial.point
        skin = "" if point.skin_delta_e00_p95 is None else f", skin ΔE2000 p95 {point.skin_delta_e00_p95:.2f}"
        say(f"{why}: agreement {point.agreement:.4f}, {point.snr_db:.1f} dB, cost {point.cost:.3f}{skin}")
        return trial

    floating = tried("float", Recipe("fp32"))
    if budget.max_skin_de is not None and budget.known(floating.point).max_skin_de is None:
        say("warning: the float model sees no skin in the judging pictures; skin colour is not judged")
    budget = budget.known(floating.point)
    best = min(
        (tried(f"all int8, {name_}", Recipe("w8a8", mode="w8a8", observer=name_)) for name_ in observers),
        key=lambda trial: (budget.excess(trial.point), -trial.point.snr_db),
    )
    if budget.holds(best.point):
        return Plan(replace(best.recipe, name=name), best, tuple(trials), {})
    observer = best.recipe.observer
    damage = {
        block: tried(
            f"sensitivity of {block}", Recipe("one", mode="float", blocks={block: "w8a8"}, observer=observer)
        )
        for block in BLOCKS
    }
    order = sorted(BLOCKS, key=lambda block: damage[block].point.snr_db)
    rounded = tried("all int8 weights, computed in float", Recipe("weights", mode="w8", observer=observer))
    ways: tuple[Mode, ...] = ("w8", "float") if budget.holds(rounded.point) else ("float",)
    found = [_searched(tried, budget, order, observer, fallback) for fallback in ways]
    chosen = min(found, key=lambda trial: trial.point.cost)
    sensitivity = {block: trial.point.snr_db for block, trial in damage.items()}
    return Plan(replace(chosen.recipe, name=name), chosen, tuple(trials), sensitivity)


Tried = Callable[[str, Recipe], Trial]


def _searched(tried: Tried, budget: Budget, order: Sequence[str], observer: str, fallback: Mode) -> Trial:
    """Protect, release, and where protected blocks have float weights, give int8 ones to those that bear it."""
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
    raise CalibrationError("No recipe keeps the budget, not even the float model; loosen it.")


def _released(tried: Tried, budget: Budget, chosen: Trial, order: Sequence[str]) -> Trial:
    """Try each protected block in int8 again, the least sensitive first; keep what is cheaper and holds."""
    for block in reversed(order):
        if block not in chosen.recipe.blocks:
            continue
        blocks = {b: mode for b, mode in chosen.recipe.blocks.items() if b != block}
        trial = tried(f"release {block}", replace(chosen.recipe, blocks=blocks))
        if budget.holds(trial.point) and trial.point.cost <= chosen.point.cost:
            chosen = trial
    return chosen


def _lightened(tried: Tried, budget: Budget, chosen: Trial, order: Sequence[str]) -> Trial:
    """Try int8 weights in each block that has float ones, the least sensitive first; keep what holds and saves.

    The first blocks have hardly a weight, and rounding those few moves the most: a photo that was not judged by
    pays for bytes that nobody misses.
    """
    for block in reversed(order):
        if chosen.recipe.blocks.get(block) != "float":
            continue
        blocks: dict[str, Mode] = {**chosen.recipe.blocks, block: "w8"}
        trial = tried(f"int8 weights in {block}", replace(chosen.recipe, blocks=blocks))
        if budget.holds(trial.point) and trial.point.size_bytes <= WORTHWHILE * chosen.point.size_bytes:
            chosen = trial
    return chosen
