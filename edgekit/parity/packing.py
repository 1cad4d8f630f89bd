"""A tally as JSON and back, bit for bit: arrays packed into text, floats and fractions as exact text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Annotated

from msgspec import Meta

from edgekit.errors import EdgekitError
from edgekit.parity.counts import REGIONS, ParityCounts
from edgekit.parity.measures import STRATUM_COLUMNS, Measures
from edgekit.parity.report import PhotoRow
from edgekit.parity.stability import CHANGES, COLUMNS_PER_CHANGE
from edgekit.parity.tally import Tally
from edgekit.reading import Count
from edgekit.scores.counts import LogitDifference
from edgekit.scores.exact import OVERFLOW, DeltaE00Histogram, ExactSum
from edgekit.scores.metrics import Confusion
from edgekit.scores.packing import (
    Packed,
    PackedResamples,
    packed_array,
    packed_resamples,
    unpacked_array,
    unpacked_resamples,
)
from edgekit.scores.strata import STRATA

ExactFloat = Annotated[
    str, Meta(pattern=r"^(nan|-?inf|-?0x[01]\.[0-9a-f]{1,13}p[+-][0-9]{1,4})\Z")
]  # `float.hex`
ExactFraction = Annotated[str, Meta(pattern=r"^-?[0-9]{1,2000}(/[0-9]{1,2000})?\Z")]


@dataclass(frozen=True)
class PackedSum:
    fraction: ExactFraction
    not_finite: ExactFloat


@dataclass(frozen=True)
class PackedLogits:
    values: Count
    max_abs: ExactFloat
    squared_error: PackedSum
    squared_reference: PackedSum
    low: ExactFloat
    high: ExactFloat


@dataclass(frozen=True)
class PackedHistogram:
    counts: Packed
    largest: ExactFloat


@dataclass(frozen=True)
class PackedCounts:
    """The fields of `ParityCounts`."""

    agreement: Packed
    previous_agreement: Packed
    truth: Packed
    reference_truth: Packed
    resamples: PackedResamples
    labelled: PackedResamples
    strata: Mapping[str, Mapping[str, PackedResamples]]  # dimension to name
    stability: PackedResamples
    n: Count
    logits: PackedLogits
    boundary: PackedSum
    output_error_levels: ExactFloat
    delta_e00: Mapping[str, PackedHistogram]
    rows: tuple[PhotoRow, ...]


@dataclass(frozen=True)
class PackedTally:
    counts: tuple[PackedCounts, ...]
    prepared: PackedLogits
    pictures: Count


def packed(tally: Tally) -> PackedTally:
    """The tally in fields that JSON holds."""
    return PackedTally(
        tuple(_packed_counts(counts) for counts in tally.counts),
        _packed_logits(tally.prepared),
        tally.pictures,
    )


def unpacked(kept: PackedTally, artifacts: int, classes: int, skin: tuple[int, ...]) -> Tally:
    """The tally that was packed. EdgekitError if it is not one of this many artifacts and classes."""
    if len(kept.counts) != artifacts:
        raise EdgekitError(f"it counts {len(kept.counts)} artifacts, not {artifacts}")
    counts = [_counts(one, Measures(classes, skin)) for one in kept.counts]
    if not all(_consistent(one, kept.pictures) for one in counts):
        raise EdgekitError("its counts contradict each other")
    return Tally(counts, _logits(kept.prepared), kept.pictures)


def _consistent(counts: ParityCounts, pictures: int) -> bool:
    """Whether counts are those of this many pictures, so that no score divides by zero."""
    flickering = counts.stability.totals[0].reshape(len(CHANGES), COLUMNS_PER_CHANGE)[:, 2]  # pixels
    return (
        counts.n == counts.resamples.photos == len(counts.rows) == pictures
        and max(counts.labelled.photos, counts.stability.photos) <= pictures
        and (pictures == 0 or counts.logits.values > 0)
        and (counts.stability.photos == 0 or bool((flickering > 0).all()))
    )


def _packed_counts(counts: ParityCounts) -> PackedCounts:
    strata: dict[str, dict[str, PackedResamples]] = {dimension: {} for dimension in STRATA}
    for (dimension, name), resamples in counts.strata.items():
        strata[dimension][name] = packed_resamples(resamples)
    return PackedCounts(
        agreement=packed_array(counts.agreement.counts),
        previous_agreement=packed_array(counts.previous_agreement.counts),
        truth=packed_array(counts.truth.counts),
        reference_truth=packed_array(counts.reference_truth.counts),
        resamples=packed_resamples(counts.resamples),
        labelled=packed_resamples(counts.labelled),
        strata=strata,
        stability=packed_resamples(counts.stability),
        n=counts.n,
        logits=_packed_logits(counts.logits),
        boundary=_packed_sum(counts.boundary),
        output_error_levels=counts.output_error_levels.hex(),
        delta_e00={
            region: PackedHistogram(packed_array(histogram.counts), histogram.largest.hex())
            for region, histogram in counts.delta_e00.items()
        },
        rows=tuple(counts.rows),
    )


def _counts(kept: PackedCounts, measures: Measures) -> ParityCounts:
    classes, columns = measures.classes, measures.columns
    if {d: set(names) for d, names in kept.strata.items()} != {
        dimension: {name for name, _ in names} for dimension, names in STRATA.items()
    } or set(kept.delta_e00) != set(REGIONS):
        raise EdgekitError("it has other strata or regions")
    agreement, previous_agreement, truth, reference_truth = (
        Confusion(classes, unpacked_array(text, (classes, classes)))
        for text in (kept.agreement, kept.previous_agreement, kept.truth, kept.reference_truth)
    )
    strata = {
        (dimension, name): unpacked_resamples(kept.strata[dimension][name], STRATUM_COLUMNS)
        for dimension, names in STRATA.items()
        for name, _ in names
    }
    histograms = {
        region: DeltaE00Histogram(unpacked_array(one.counts, (OVERFLOW + 1,)), float.fromhex(one.largest))
        for region, one in kept.delta_e00.items()
    }
    return ParityCounts(
        measures,
        agreement,
        previous_agreement,
        truth,
        reference_truth,
        unpacked_resamples(kept.resamples, columns),
        unpacked_resamples(kept.labelled, columns),
        strata,
        unpacked_resamples(kept.stability, len(CHANGES) * COLUMNS_PER_CHANGE),
        kept.n,
        _logits(kept.logits),
        _sum(kept.boundary),
        float.fromhex(kept.output_error_levels),
        histograms,
        list(kept.rows),
    )


def _packed_logits(logits: LogitDifference) -> PackedLogits:
    return PackedLogits(
        logits.values,
        logits.max_abs.hex(),
        _packed_sum(logits.squared_error),
        _packed_sum(logits.squared_reference),
        logits.low.hex(),
        logits.high.hex(),
    )


def _logits(kept: PackedLogits) -> LogitDifference:
    return LogitDifference(
        kept.values,
        float.fromhex(kept.max_abs),
        _sum(kept.squared_error),
        _sum(kept.squared_reference),
        float.fromhex(kept.low),
        float.fromhex(kept.high),
    )


def _packed_sum(total: ExactSum) -> PackedSum:
    return PackedSum(str(total.fraction), total.not_finite.hex())


def _sum(kept: PackedSum) -> ExactSum:
    try:
        return ExactSum(Fraction(kept.fraction), float.fromhex(kept.not_finite))
    except ZeroDivisionError as error:
        raise EdgekitError("it divides by zero") from error
