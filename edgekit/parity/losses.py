"""Losses of stages, counted over photos so that shares add up to the total exactly."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace

import numpy as np
from numpy.typing import NDArray

from edgekit.color.difference import delta_e00
from edgekit.parity.blame import (
    FLOAT,
    FP16,
    REFERENCE,
    RUNTIME,
    SECOND_RUNTIME,
    W8,
    W8A8,
    Loss,
    PhotoStages,
    Stage,
)
from edgekit.parity.report import Status
from edgekit.scores.exact import DeltaE00Histogram
from edgekit.scores.runners import Image, Labels

# Losses are kept as multiples of 2⁻³²: sums and differences of such numbers below 2²⁰ are exact in float64, so shares
# add up to the total bit for bit. One pixel of 10⁹ is larger.
GRID = 2.0**32


@dataclass(frozen=True)
class Result:
    """What one stage gives for one photo; None for what it does not define.

    labels, groups: (H, W). picture: (H, W, 3) uint8 sRGB.
    """

    labels: Labels | None = None
    groups: NDArray[np.integer] | None = None
    picture: Image | None = None


class Count:
    """Sums over photos: every stage's loss against the reference, and its step from the stage before."""

    def __init__(self) -> None:
        self.losses: dict[str, Sums] = {}
        self._steps: dict[str, Sums] = {}
        self.photos: list[PhotoStages] = []

    def add(self, name: str, results: Mapping[str, Result], skin: NDArray[np.bool_]) -> None:
        reference = before = results[REFERENCE]
        losses: dict[str, Loss] = {}
        for stage, result in results.items():
            if stage == REFERENCE:
                continue
            alone = Sums()
            for sums, other in (
                (self.losses.setdefault(stage, Sums()), reference),
                (self._steps.setdefault(stage, Sums()), self._before(stage, before, results)),
                (alone, reference),
            ):
                sums.add(other, result, skin)
            losses[stage] = alone.loss()
            before = result
        self.photos.append(PhotoStages(name, losses, shares_of(losses)))

    @staticmethod
    def _before(stage: str, before: Result, results: Mapping[str, Result]) -> Result:
        """The result that a stage is a step from; a second runtime is one from the first."""
        if stage != SECOND_RUNTIME:
            return before
        return next(results[name] for name in (RUNTIME, W8A8, W8, FP16, FLOAT) if name in results)

    def stage(self, name: str, bound: Loss) -> Stage:
        step = self._steps[name].loss()
        share = None if name == SECOND_RUNTIME else self.shares[name]
        blamed = _exceeded(step, bound)
        status = Status.FAILED if blamed else Status.PASSED
        return Stage(name, status, "", self.losses[name].loss(), share, step, bound, blamed)

    @property
    def shares(self) -> dict[str, Loss]:
        return shares_of({name: sums.loss() for name, sums in self.losses.items()})


def shares_of(losses: Mapping[str, Loss]) -> dict[str, Loss]:
    """Stage name to loss minus the last known loss before it, metric by metric."""
    last, shares = Loss(0.0, 0.0, 0.0, 0.0), {}
    for stage, known in _known(losses).items():
        shares[stage] = Loss(**{name: value - getattr(last, name) for name, value in known.items()})
        last = replace(last, **known)
    return shares


def total_of(losses: Mapping[str, Loss]) -> Loss:
    """The last known loss of each metric: labels end where only groups are left."""
    return Loss(**{name: value for known in _known(losses).values() for name, value in known.items()})


def _known(losses: Mapping[str, Loss]) -> dict[str, dict[str, float]]:
    """Stage of the chain to the metrics that it has."""
    return {
        stage: {f.name: value for f in fields(Loss) if (value := getattr(loss, f.name)) is not None}
        for stage, loss in losses.items()
        if stage != SECOND_RUNTIME
    }


def _exceeded(step: Loss, bound: Loss) -> tuple[str, ...]:
    pairs = ((f.name, getattr(step, f.name), getattr(bound, f.name)) for f in fields(Loss))
    return tuple(name for name, value, most in pairs if None not in (value, most) and not value <= most)


@dataclass
class Sums:
    """A distance between two results, summed over photos."""

    pixels: int = 0
    labels: int | None = None
    groups: int | None = None
    skin: DeltaE00Histogram | None = None

    def add(self, first: Result, second: Result, skin: NDArray[np.bool_]) -> None:
        self.pixels += skin.size
        if first.labels is not None and second.labels is not None:
            self.labels = (self.labels or 0) + int((first.labels != second.labels).sum())
        if first.groups is not None and second.groups is not None:
            self.groups = (self.groups or 0) + int((first.groups != second.groups).sum())
        if first.picture is not None and second.picture is not None:
            self.skin = self.skin or DeltaE00Histogram()
            self.skin.add(delta_e00(first.picture[skin], second.picture[skin]))

    def loss(self) -> Loss:
        labels, groups = (None if n is None else on_grid(n / self.pixels) for n in (self.labels, self.groups))
        skin = (None, None) if self.skin is None else (self.skin.percentile(95), self.skin.mean)
        return Loss(labels, groups, *(None if value is None else on_grid(value) for value in skin))


def on_grid(value: float) -> float:
    return round(value * GRID) / GRID
