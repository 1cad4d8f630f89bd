"""Pixels of sets of classes (a class, or a group of them taken as one), and the scores of their sums over photos."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from edgekit.scores.metrics import Confusion, Interval
from edgekit.scores.resamples import Counts, Resamples, draws, mean_known, ratio

Scores = NDArray[np.float64]  # (resamples,)


class Pixels(NamedTuple):
    """Pixels of a set: in truth and prediction, in the truth, and in the prediction."""

    hits: int
    true: int
    predicted: int

    @property
    def union(self) -> int:
        return self.true + self.predicted - self.hits

    @property
    def iou(self) -> float | None:
        """None for a set in neither truth nor prediction."""
        return _share(self.hits, self.union)

    @property
    def precision(self) -> float | None:
        return _share(self.hits, self.predicted)

    @property
    def recall(self) -> float | None:
        return _share(self.hits, self.true)

    @property
    def f1(self) -> float | None:
        return _share(2 * self.hits, self.true + self.predicted)


@dataclass
class PixelCounts:
    """Pixels of named sets, summed over the photos and over every resample of them.

    resamples: of the columns hits, true and predicted, each for all `names`: (1 + RESAMPLES, 3 · names).
    """

    names: tuple[str, ...]
    resamples: Resamples

    @classmethod
    def empty(cls, names: Sequence[str]) -> PixelCounts:
        return cls(tuple(names), Resamples(len(Pixels._fields) * len(names)))

    def __len__(self) -> int:
        """The number of photos."""
        return self.resamples.photos

    def __add__(self, other: PixelCounts) -> PixelCounts:
        return PixelCounts(self.names, self.resamples + other.resamples)

    def add(self, photo: str, pixels: Mapping[str, Pixels]) -> None:
        """Count one photo by the pixels of every set."""
        columns = np.array([pixels[name] for name in self.names], np.int64).T.ravel()
        self.resamples.add(draws(photo), columns)

    def pooled(self, name: str) -> Pixels:
        """The pixels of a set in all photos together."""
        return Pixels(
            *(int(column[0, self.names.index(name)]) for column in columns_of(self.resamples.totals))
        )

    def interval(self, name: str) -> Interval | None:
        """95 % interval of the pooled IoU of a set; None for fewer than two photos."""
        index = self.names.index(name)
        return self.resamples.interval(lambda totals: ious(totals)[:, index])

    @property
    def mean_recall(self) -> float | None:
        """Mean recall over the sets in the truth."""
        return self.resamples.value(_mean_recall)

    @property
    def hit_share(self) -> float | None:
        """Share of the true pixels that are hits; of classes, the overall accuracy."""
        return self.resamples.value(_hit_share)


def class_pixels(confusion: Confusion, names: Sequence[str]) -> dict[str, Pixels]:
    """The pixels of every class of a confusion matrix."""
    counts = confusion.counts
    columns = (np.diag(counts), counts.sum(1), counts.sum(0))
    return {name: Pixels(*(int(column[i]) for column in columns)) for i, name in enumerate(names)}


def ious(totals: Counts) -> NDArray[np.float64]:
    """The IoU of every set, (resamples, sets); NaN for a set in neither truth nor prediction."""
    hits, true, predicted = columns_of(totals)
    return ratio(hits, true + predicted - hits)


def mean_iou(totals: Counts) -> Scores:
    """The mean IoU over the sets that occur."""
    return mean_known(ious(totals))


def _mean_recall(totals: Counts) -> Scores:
    hits, true, _ = columns_of(totals)
    return mean_known(ratio(hits, true))


def _hit_share(totals: Counts) -> Scores:
    hits, true, _ = columns_of(totals)
    return ratio(hits.sum(1), true.sum(1))


def columns_of(totals: Counts) -> Counts:
    """(resamples, 3 · sets) as hits, true and predicted: (3, resamples, sets)."""
    resamples, columns = totals.shape
    return totals.reshape(resamples, len(Pixels._fields), columns // len(Pixels._fields)).swapaxes(0, 1)


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None
