"""Counts over any number of pictures: labels against true labels per photo, and logits against logits."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from edgekit.images import Picture
from edgekit.scores.exact import ExactSum
from edgekit.scores.metrics import Confusion, Interval, Labels, bootstrap_interval, ratio_interval
from edgekit.scores.runners import K, Logits, Prediction, Runner, predictions

MAX_SNR_DB = 120.0  # the SNR of equal logits


@dataclass
class TruthCounts:
    """Predicted labels against true ones, with one confusion matrix per photo for intervals over photos.

    `photos`: (name, matrix) in the order of counting; no score depends on that order.
    """

    classes: int
    photos: list[tuple[str, Confusion]] = field(default_factory=list)

    def add(self, picture: Picture, prediction: Prediction) -> None:
        """Count one photo at its labels' resolution; a photo without labels is not counted."""
        if picture.labels is not None:
            self.add_labels(picture.name, picture.labels, prediction.labels(picture.labels.shape))

    def add_labels(self, name: str, truth: Labels, predicted: Labels) -> None:
        """Count one photo by its labels. truth, predicted: (H, W), the same shape."""
        confusion = Confusion(self.classes)
        confusion.add(truth, predicted)
        self.photos.append((name, confusion))

    def __add__(self, other: TruthCounts) -> TruthCounts:
        return TruthCounts(self.classes, self.photos + other.photos)

    def __len__(self) -> int:
        return len(self.photos)

    def pooled(self) -> Confusion:
        """The confusion matrix of all photos together."""
        return sum((confusion for _, confusion in self.photos), Confusion(self.classes))

    def as_one(self, members: Sequence[int]) -> TruthCounts:
        """The same photos with two classes: a set of classes (1) against the rest (0)."""
        return TruthCounts(2, [(name, confusion.as_one(members)) for name, confusion in self.photos])

    def union_interval(self, members: Sequence[int]) -> Interval | None:
        """95 % interval of the pooled IoU of a set of classes taken as one; None for fewer than two photos."""
        pairs = [confusion.union_counts(members) for confusion in self._sorted()]
        return ratio_interval([hits for hits, _ in pairs], [union for _, union in pairs])

    def interval(self, score: Callable[[Confusion], float]) -> Interval | None:
        """95 % interval of any score of the pooled matrix; None for fewer than two photos."""
        counts = np.array([confusion.counts for confusion in self._sorted()])  # (photos, classes, classes)
        return bootstrap_interval(
            lambda chosen: score(Confusion(self.classes, counts[chosen].sum(0))), len(counts)
        )

    def _sorted(self) -> list[Confusion]:
        """The matrices in order of the photos' names, so that resampling does not depend on the order of counting."""
        photos = sorted(self.photos, key=lambda photo: (photo[0], photo[1].counts.tobytes()))
        return [confusion for _, confusion in photos]


@dataclass
class LogitDifference:
    """Logits against a reference's: largest difference, sums of squares, the reference's range. NaN propagates."""

    values: int = 0
    max_abs: float = 0.0
    squared_error: ExactSum = field(default_factory=ExactSum)
    squared_reference: ExactSum = field(default_factory=ExactSum)
    low: float = math.inf
    high: float = -math.inf

    def add(self, reference: Logits, logits: Logits) -> None:
        """Count one picture. reference, logits: (classes, h, w), the same shape."""
        difference = (logits - reference).astype(np.float64)
        self.values += difference.size
        self.max_abs = float(np.maximum(self.max_abs, np.abs(difference).max()))
        self.squared_error.add(float((difference**2).sum()))
        self.squared_reference.add(float((reference.astype(np.float64) ** 2).sum()))
        self.low, self.high = min(self.low, float(reference.min())), max(self.high, float(reference.max()))

    def __add__(self, other: LogitDifference) -> LogitDifference:
        return LogitDifference(
            self.values + other.values,
            float(np.maximum(self.max_abs, other.max_abs)),
            self.squared_error + other.squared_error,
            self.squared_reference + other.squared_reference,
            min(self.low, other.low),
            max(self.high, other.high),
        )

    @property
    def psnr_db(self) -> float | None:
        """10·log10(range² / mean squared error); None if the logits are equal or not all finite."""
        error = float(self.squared_error)
        if error == 0 or not math.isfinite(error):
            return None
        return 10 * math.log10((self.high - self.low) ** 2 / (error / self.values))

    @property
    def snr_db(self) -> float:
        """10·log10(Σ reference² / Σ error²), at most MAX_SNR_DB."""
        signal, noise = float(self.squared_reference), float(self.squared_error)
        return min(MAX_SNR_DB, 10 * float(np.log10(signal / max(noise, 1e-12 * signal))))


def labelled(pictures: Iterable[Picture]) -> Iterator[Picture]:
    """The pictures that have true labels."""
    return (picture for picture in pictures if picture.labels is not None)


def counted(runners: Mapping[K, Runner], pictures: Iterable[Picture], classes: int) -> dict[K, TruthCounts]:
    """Run every runner on the pictures that have true labels; returns its counts against them by key."""
    counts = {key: TruthCounts(classes) for key in runners}
    for picture, found in predictions(runners, labelled(pictures)):
        for key, prediction in found.items():
            counts[key].add(picture, prediction)
    return counts
