"""Counts over any number of pictures: labels against true labels, and logits against logits."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np

from edgekit.images import Picture
from edgekit.scores.exact import ExactSum
from edgekit.scores.metrics import Confusion
from edgekit.scores.runners import K, Logits, Runner, predictions

MAX_SNR_DB = 120.0  # the SNR of equal logits


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


def counted(runners: Mapping[K, Runner], pictures: Iterable[Picture], classes: int) -> dict[K, Confusion]:
    """Run every runner on the pictures that have true labels; returns its counts against them by key."""
    counts = {key: Confusion(classes) for key in runners}
    labelled = (picture for picture in pictures if picture.labels is not None)
    for picture, found in predictions(runners, labelled):
        assert picture.labels is not None  # `labelled` let it through
        for key, prediction in found.items():
            counts[key].add(picture.labels, prediction.labels(picture.labels.shape))
    return counts
