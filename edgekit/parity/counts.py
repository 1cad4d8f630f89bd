"""The counts of a parity check for one artifact; they do not depend on the pictures' order or division."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from edgekit.images import Picture
from edgekit.parity import measures
from edgekit.parity.measures import STRATUM_COLUMNS, Measures
from edgekit.parity.report import Metrics, PhotoRow, StratumRow
from edgekit.parity.stability import CHANGES, COLUMNS_PER_CHANGE, Flicker, counts_of
from edgekit.scores.counts import LogitDifference
from edgekit.scores.exact import DeltaE00Histogram, ExactSum
from edgekit.scores.metrics import Confusion, Interval, boundary_f_score
from edgekit.scores.resamples import LEVEL, Counts, Resamples, Statistic, draws, interval_of
from edgekit.scores.runners import Prediction
from edgekit.scores.strata import STRATA, Traits

REGIONS = ("skin", "edge", "elsewhere")  # of the final picture, divided by the reference's mask
Stratum = tuple[str, str]  # dimension and name


@dataclass
class ParityCounts:
    """One artifact against PyTorch and against its predecessor.

    Memory grows only by one `PhotoRow` per picture, which the report shows.
    """

    measures: Measures
    agreement: Confusion  # the reference's labels (rows) against the artifact's, at the input's size
    previous_agreement: Confusion  # the previous model's labels (rows) against the artifact's
    truth: Confusion  # true labels against the artifact's
    reference_truth: Confusion  # true labels against the reference's
    resamples: Resamples  # of all photos
    labelled: Resamples  # of the photos with true labels
    strata: dict[Stratum, Resamples]
    stability: Resamples
    n: int = 0
    logits: LogitDifference = field(default_factory=LogitDifference)
    boundary: ExactSum = field(default_factory=ExactSum)  # sum of the pictures' boundary F-scores
    output_error_levels: float = 0.0
    delta_e00: Mapping[str, DeltaE00Histogram] = field(
        default_factory=lambda: {region: DeltaE00Histogram() for region in REGIONS}
    )
    rows: list[PhotoRow] = field(default_factory=list)

    @classmethod
    def empty(cls, classes: int, skin: Sequence[int]) -> ParityCounts:
        measured = Measures(classes, tuple(skin))
        return cls(
            measured,
            agreement=Confusion(classes),
            previous_agreement=Confusion(classes),
            truth=Confusion(classes),
            reference_truth=Confusion(classes),
            resamples=Resamples(measured.columns),
            labelled=Resamples(measured.columns),
            strata={
                (dimension, name): Resamples(STRATUM_COLUMNS)
                for dimension, names in STRATA.items()
                for name, _ in names
            },
            stability=Resamples(len(CHANGES) * COLUMNS_PER_CHANGE),
        )

    def add(
        self,
        picture: Picture,
        traits: Traits,
        reference: Prediction,
        previous: Prediction,
        prediction: Prediction,
        output_error_levels: float,
        delta_e00: Mapping[str, NDArray[np.float64]],
    ) -> None:
        """Count one picture. `delta_e00`: the final picture's difference, region to (n,) values."""
        labels = prediction.input_labels
        agreement = self._confusion(reference.input_labels, labels)
        boundary = boundary_f_score(reference.input_labels, labels)
        truth = reference_truth = None
        if picture.labels is not None:
            truth, reference_truth = (
                self._confusion(picture.labels, one.labels(picture.labels.shape))
                for one in (prediction, reference)
            )
            self.truth += truth
            self.reference_truth += reference_truth
        self.n += 1
        self.logits.add(reference.logits, prediction.logits)
        self.agreement += agreement
        self.previous_agreement.add(previous.input_labels, labels)
        self.boundary.add(boundary)
        self.output_error_levels = float(np.maximum(self.output_error_levels, output_error_levels))
        for region, values in delta_e00.items():
            self.delta_e00[region].add(values)
        skin = delta_e00.get("skin", np.zeros(0))
        counts = self.measures.counts(agreement, boundary, skin, truth, reference_truth)
        self._resample(picture.name, traits, counts, labelled=truth is not None)
        self.rows.append(self._row(picture.name, traits, agreement, boundary, skin, truth, reference_truth))

    def add_stability(self, name: str, artifact: Flicker, reference: Flicker) -> None:
        """Count the flicker in one picture."""
        self.stability.add(draws(name), counts_of(artifact, reference))

    def _confusion(self, rows: NDArray[np.uint8], columns: NDArray[np.uint8]) -> Confusion:
        confusion = Confusion(self.measures.classes)
        confusion.add(rows, columns)
        return confusion

    def _resample(self, name: str, traits: Traits, counts: Counts, labelled: bool) -> None:
        weights = draws(name)
        self.resamples.add(weights, counts)
        if labelled:
            self.labelled.add(weights, counts)
        for stratum in traits.strata().items():
            self.strata[stratum].add(weights, counts[:STRATUM_COLUMNS])

    def _row(
        self,
        name: str,
        traits: Traits,
        agreement: Confusion,
        boundary: float,
        skin_delta_e00: NDArray[np.float64],
        truth: Confusion | None,
        reference_truth: Confusion | None,
    ) -> PhotoRow:
        skin = self.measures.skin
        return PhotoRow(
            name=name,
            label_agreement=agreement.overall_accuracy,
            boundary_agreement=boundary,
            skin_pixels=len(skin_delta_e00),
            skin_iou_agreement=_known(agreement.union_iou(skin)),
            skin_delta_e00_p95=_known(np.percentile(skin_delta_e00, 95)) if len(skin_delta_e00) else None,
            miou=None if truth is None else _known(truth.miou),
            miou_reference=None if reference_truth is None else _known(reference_truth.miou),
            skin_iou=None if truth is None else _known(truth.union_iou(skin)),
            skin_iou_reference=None if reference_truth is None else _known(reference_truth.union_iou(skin)),
            ita_deg=traits.ita_deg,
            mean_lightness=traits.mean_lightness,
            person_share=traits.person_share,
        )

    def __add__(self, other: ParityCounts) -> ParityCounts:
        return ParityCounts(
            self.measures,
            self.agreement + other.agreement,
            self.previous_agreement + other.previous_agreement,
            self.truth + other.truth,
            self.reference_truth + other.reference_truth,
            self.resamples + other.resamples,
            self.labelled + other.labelled,
            {stratum: counts + other.strata[stratum] for stratum, counts in self.strata.items()},
            self.stability + other.stability,
            self.n + other.n,
            self.logits + other.logits,
            self.boundary + other.boundary,
            float(np.maximum(self.output_error_levels, other.output_error_levels)),
            {region: self.delta_e00[region] + other.delta_e00[region] for region in REGIONS},
            self.rows + other.rows,
        )

    def metrics(self, class_names: Sequence[str]) -> Metrics:
        """The published metrics. Raises ZeroDivisionError if no picture was counted."""
        skin, miou_drop = self.measures.skin, self.measures.miou_drop
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
            n_labelled=self.labelled.photos,
            miou=_known(self.truth.miou),
            miou_reference=_known(self.reference_truth.miou),
            skin_iou=_known(self.truth.union_iou(skin)),
            skin_iou_reference=_known(self.reference_truth.union_iou(skin)),
            skin_iou_ci95=self.labelled.interval(measures.skin_iou),
            label_agreement_ci95=self.resamples.interval(measures.label_agreement),
            boundary_agreement_ci95=self.resamples.interval(measures.boundary_agreement),
            miou_drop=_difference(self.reference_truth.miou, self.truth.miou),
            miou_drop_ci95=self.labelled.interval(miou_drop),
            skin_iou_drop=_difference(self.reference_truth.union_iou(skin), self.truth.union_iou(skin)),
            skin_iou_drop_ci95=self.labelled.interval(measures.skin_iou_drop),
            skin_delta_e00_p95_ci95=self.resamples.interval(measures.skin_delta_e00_p95),
            **{f"{region}_delta_e00_p95": self.delta_e00[region].percentile(95) for region in REGIONS},
        )

    def stratum_rows(self) -> tuple[StratumRow, ...]:
        """A row for every stratum that has a photo, in the order of `STRATA`."""
        found = {stratum: counts for stratum, counts in self.strata.items() if counts.photos}
        level = 1 - (1 - LEVEL) / max(1, len(found))  # Bonferroni's: any of them may fail the gate
        return tuple(self._stratum_row(stratum, counts, level) for stratum, counts in found.items())

    def _stratum_row(self, stratum: Stratum, counts: Resamples, level: float) -> StratumRow:
        iou, iou_excess, iou_interval = self._excess(counts, measures.skin_iou_loss, level)
        colour, colour_excess, colour_interval = self._excess(counts, measures.skin_delta_e00_mean, level)
        return StratumRow(
            *stratum, counts.photos, counts.value(measures.label_agreement),
            iou, iou_excess, iou_interval, colour, colour_excess, colour_interval,
        )  # fmt: skip

    def _excess(
        self, counts: Resamples, loss: Statistic, level: float
    ) -> tuple[float | None, float | None, Interval | None]:
        """A stratum's loss, its difference to all photos', and the interval of that difference."""
        own, whole = loss(counts.totals), loss(self.resamples.totals[:, :STRATUM_COLUMNS])
        difference = own - whole
        return (
            _known(own[0]),
            _known(difference[0]),
            interval_of(difference[1:], counts.photos, level),
        )


def _difference(reference: float, candidate: float) -> float | None:
    return _known(reference - candidate)


def _known(value: float | np.floating) -> float | None:
    """The value, or None for NaN, which JSON lacks: a mean over nothing is null."""
    return None if math.isnan(value) else float(value)
