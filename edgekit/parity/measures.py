"""The integers that one photo adds to an artifact's counts, and the scores of their sums over resamples of photos."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgekit.scores.metrics import Confusion
from edgekit.scores.resamples import (
    BINS,
    Counts,
    delta_e00_bins,
    delta_e00_percentile,
    mean_known,
    ratio,
    share,
)

BOUNDARY_STEPS = 1_000_000  # of a boundary F-score, which is counted as an integer
DELTA_E_STEPS = 1000  # of a ΔE2000 in a mean
LABELS, SKIN, DELTA_E, BOUNDARY = slice(0, 2), slice(2, 4), slice(4, 6), slice(6, 8)
STRATUM_COLUMNS = 6  # labels, skin and ΔE2000
HISTOGRAM = slice(8, 8 + BINS)
TRUTH = HISTOGRAM.stop  # the first column of the counts against true labels
SKIN_TRUTH_COLUMNS = 4  # hits and union, artifact and reference
Scores = NDArray[np.float64]  # (resamples,)


@dataclass(frozen=True)
class Measures:
    """The columns of a photo's counts: for `classes` classes, of which `skin` are skin."""

    classes: int
    skin: tuple[int, ...]

    @property
    def columns(self) -> int:
        return TRUTH + SKIN_TRUTH_COLUMNS + 5 * self.classes

    def counts(
        self,
        agreement: Confusion,
        boundary: float,
        delta_e00: NDArray[np.float64],
        truth: Confusion | None,
        reference_truth: Confusion | None,
    ) -> Counts:
        """One photo's counts, (columns,). delta_e00: of its skin's pixels, (n,)."""
        steps = np.rint(np.nan_to_num(delta_e00, nan=1e3) * DELTA_E_STEPS).astype(np.int64)
        head = (
            *(int(np.diag(agreement.counts).sum()), int(agreement.counts.sum())),
            *agreement.union_counts(self.skin),
            *(int(steps.sum()), len(steps)),
            *(round(boundary * BOUNDARY_STEPS), 1),
        )
        return np.concatenate([head, delta_e00_bins(delta_e00), self._against_truth(truth, reference_truth)])

    def _against_truth(self, truth: Confusion | None, reference: Confusion | None) -> Counts:
        if truth is None or reference is None:
            return np.zeros(self.columns - TRUTH, np.int64)
        skin = (*truth.union_counts(self.skin), *reference.union_counts(self.skin))
        per_class = [truth.counts.sum(1)]
        for confusion in (truth, reference):
            per_class += [np.diag(confusion.counts), confusion.counts.sum(0)]
        return np.concatenate([skin, *per_class])

    def miou_drop(self, totals: Counts) -> Scores:
        """The reference's mIoU minus the artifact's."""
        per_class = totals[:, TRUTH + SKIN_TRUTH_COLUMNS :].reshape(len(totals), 5, self.classes)
        true, hits, predicted, reference_hits, reference_predicted = per_class.swapaxes(0, 1)
        mious = [
            mean_known(ratio(h, true + p - h))
            for h, p in ((hits, predicted), (reference_hits, reference_predicted))
        ]
        return mious[1] - mious[0]


def label_agreement(totals: Counts) -> Scores:
    return share(totals[:, LABELS])


def skin_iou_loss(totals: Counts) -> Scores:
    """1 minus the IoU of the reference's skin and the artifact's."""
    return 1 - share(totals[:, SKIN])


def skin_delta_e00_mean(totals: Counts) -> Scores:
    return share(totals[:, DELTA_E]) / DELTA_E_STEPS


def boundary_agreement(totals: Counts) -> Scores:
    return share(totals[:, BOUNDARY]) / BOUNDARY_STEPS


def skin_delta_e00_p95(totals: Counts) -> Scores:
    return delta_e00_percentile(totals[:, HISTOGRAM], 95)


def skin_iou(totals: Counts) -> Scores:
    """Against true labels."""
    return share(totals[:, TRUTH : TRUTH + 2])


def skin_iou_drop(totals: Counts) -> Scores:
    """The reference's skin IoU minus the artifact's, against true labels."""
    return share(totals[:, TRUTH + 2 : TRUTH + 4]) - skin_iou(totals)
