"""The counts of a parity check for one artifact; they do not depend on the pictures' order or division."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from edgekit.images import Picture
from edgekit.parity.report import Metrics
from edgekit.scores.counts import LogitDifference, TruthCounts
from edgekit.scores.exact import DeltaE00Histogram, ExactSum
from edgekit.scores.metrics import Confusion, boundary_f_score
from edgekit.scores.runners import Prediction

REGIONS = ("skin", "edge", "elsewhere")  # of the final picture, divided by the reference's mask


@dataclass
class ParityCounts:
    """One artifact against PyTorch and against its predecessor.

    Memory grows only by one confusion matrix per labelled picture (2.6 kB for 18 classes), which the interval of the
    skin IoU needs.
    """

    agreement: Confusion  # the reference's labels (rows) against the artifact's, at the input's size
    previous_agreement: Confusion  # the previous model's labels (rows) against the artifact's
    truth: TruthCounts
    reference_truth: Confusion  # true labels against the reference's
    n: int = 0
    logits: LogitDifference = field(default_factory=LogitDifference)
    boundary: ExactSum = field(default_factory=ExactSum)  # sum of the pictures' boundary F-scores
    output_error_levels: float = 0.0
    delta_e00: Mapping[str, DeltaE00Histogram] = field(
        default_factory=lambda: {region: DeltaE00Histogram() for region in REGIONS}
    )

    @classmethod
    def empty(cls, classes: int) -> ParityCounts:
        return cls(Confusion(classes), Confusion(classes), TruthCounts(classes), Confusion(classes))

    def add(
        self,
        picture: Picture,
        reference: Prediction,
        previous: Prediction,
        prediction: Prediction,
        output_error_levels: float,
        delta_e00: Mapping[str, NDArray[np.float64]],
    ) -> None:
        """Count one picture. `delta_e00`: the final picture's difference, region to (n,) values."""
        labels = prediction.input_labels
        self.n += 1
        self.logits.add(reference.logits, prediction.logits)
        self.agreement.add(reference.input_labels, labels)
        self.previous_agreement.add(previous.input_labels, labels)
        self.boundary.add(boundary_f_score(reference.input_labels, labels))
        self.output_error_levels = float(np.maximum(self.output_error_levels, output_error_levels))
        self.truth.add(picture, prediction)
        if picture.labels is not None:
            self.reference_truth.add(picture.labels, reference.labels(picture.labels.shape))
        for region, values in delta_e00.items():
            self.delta_e00[region].add(values)

    def __add__(self, other: ParityCounts) -> ParityCounts:
        return ParityCounts(
            self.agreement + other.agreement,
            self.previous_agreement + other.previous_agreement,
            self.truth + other.truth,
            self.reference_truth + other.reference_truth,
            self.n + other.n,
            self.logits + other.logits,
            self.boundary + other.boundary,
            float(np.maximum(self.output_error_levels, other.output_error_levels)),
            {region: self.delta_e00[region] + other.delta_e00[region] for region in REGIONS},
        )

    def metrics(self, class_names: Sequence[str], skin: Sequence[int]) -> Metrics:
        """The published metrics. Raises ZeroDivisionError if no picture was counted."""
        return Metrics(
            n=self.n,
            max_abs_logit=self.logits.max_abs,
            psnr_db=self.logits.psnr_db,
            label_agreement=self.agreement.overall_accuracy,
            previous_label_agreement=self.previous_agreement.overall_accuracy,
            mean_iou_agreement=_known(self.agreement.miou),
            skin_iou_agreement=_known(self.agreement.union_iou(skin)),
            boundary_agreement=float(self.boundary) / self.n,
            output_error_levels=self.output_error_levels,
            per_class_iou_agreement={
                name: _known(value)
                for name, value in zip(class_names, self.agreement.per_class_iou, strict=True)
            },
            n_labelled=len(self.truth),
            miou=_known(self.truth.pooled().miou),
            miou_reference=_known(self.reference_truth.miou),
            skin_iou=_known(self.truth.pooled().union_iou(skin)),
            skin_iou_reference=_known(self.reference_truth.union_iou(skin)),
            skin_iou_ci95=self.truth.union_interval(skin),
            **{f"{region}_delta_e00_p95": self.delta_e00[region].percentile(95) for region in REGIONS},
        )


def _known(value: float) -> float | None:
    """The value, or None for NaN, which JSON lacks: a mean over nothing is null."""
    return None if math.isnan(value) else float(value)
