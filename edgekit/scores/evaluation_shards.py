"""The shards of an evaluation: what their files hold, and the evaluation that they make together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
from msgspec import Meta

from edgekit.errors import CalibrationError, EdgekitError, printable
from edgekit.files import check_file_place
from edgekit.reading import Count, Sha256, Text
from edgekit.scores.baselines import SKIN
from edgekit.scores.evaluation import Evaluation, Tally
from edgekit.scores.means import COLUMNS, UNITS, MaskMeans
from edgekit.scores.metrics import IGNORE
from edgekit.scores.model_counts import Judged, ModelCounts
from edgekit.scores.packing import (
    Packed,
    PackedResamples,
    packed_array,
    packed_resamples,
    unpacked_array,
    unpacked_resamples,
)
from edgekit.scores.photo_strata import DIMENSIONS
from edgekit.scores.pixels import PixelCounts, columns_of
from edgekit.scores.rows import join_rows
from edgekit.scores.scheme import VALUES, Scheme
from edgekit.scores.shards import Counted, Kept, ShardKind, different_photos, merged

MOST_PIXELS = 1 << 53  # of a set in all photos; beyond, a float does not hold their number
ClassIndex = Annotated[int, Meta(ge=0, lt=IGNORE)]
LabelValue = Annotated[int, Meta(ge=0, lt=VALUES)]


@dataclass(frozen=True)
class Evaluated:
    """Scores of every model over n labelled photos; `skipped`: (file name, reason) of each unused file."""

    n: int
    models: tuple[Evaluation, ...]
    skipped: tuple[tuple[str, str], ...]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Model:
    """A model by the name that it has in reports. sha256: of an artifact's file, or of a checkpoint's weights."""

    name: Text
    sha256: Sha256


@dataclass(frozen=True)
class Beside:
    """A model of others by the name that it has in reports. sha256: of its file or masks."""

    name: Text
    group: Text
    sha256: Sha256


@dataclass(frozen=True)
class Inputs:
    """What an evaluation's tally depends on. label_sets: class indices by label value, if values are none themselves.

    parsers: the checkpoint, then the artifacts. `photos`: file names of the whole evaluation. strata: whether photos
    are sorted into them.
    """

    class_names: Annotated[tuple[Text, ...], Meta(min_length=1, max_length=IGNORE)]
    groups: Mapping[str, tuple[ClassIndex, ...]]
    label_sets: Mapping[LabelValue, tuple[ClassIndex, ...]] | None
    parsers: Annotated[tuple[Model, ...], Meta(min_length=1)]
    baselines: tuple[Text, ...]
    photos: tuple[str, ...]
    external: tuple[Beside, ...] = ()
    strata: bool = False

    @classmethod
    def of(
        cls,
        judged: Judged,
        parsers: Sequence[Model],
        baselines: Sequence[str],
        photos: Sequence[str],
        *,
        external: Sequence[Beside] = (),
        strata: bool = False,
    ) -> Inputs:
        sets = None if judged.scheme is None else judged.scheme.sets
        return cls(
            tuple(judged.class_names),
            {group: tuple(members) for group, members in judged.groups.items()},
            None if sets is None else {value: tuple(sorted(members)) for value, members in sets.items()},
            tuple(parsers),
            tuple(baselines),
            tuple(photos),
            tuple(external),
            strata,
        )

    @property
    def judged(self) -> Judged:
        """What the models are judged by. EdgekitError for the index of a class that there is not."""
        sets = self.label_sets
        indices = {i for members in (*self.groups.values(), *(sets or {}).values()) for i in members}
        if indices and max(indices) >= len(self.class_names):
            raise EdgekitError(f"there is no class {max(indices)}")
        scheme = None
        if sets is not None:
            scheme = Scheme(self.class_names, {value: frozenset(members) for value, members in sets.items()})
        return Judged(self.class_names, self.groups, scheme)

    @property
    def models(self) -> int:
        """The number of models, and of rows per photo."""
        return len(self.parsers) + len(self.detectors)

    @property
    def detectors(self) -> dict[str, str]:
        """The group that each baseline and each model of others finds, by name."""
        return {name: SKIN for name in self.baselines} | {one.name: one.group for one in self.external}

    def differences(self, its: Inputs) -> Iterator[str]:
        """Where another evaluation's inputs differ from these, in words."""
        if (self.parsers[0].sha256, self.class_names, self.groups) != (
            its.parsers[0].sha256,
            its.class_names,
            its.groups,
        ):
            yield "other weights"
        if len(self.parsers) != len(its.parsers):
            yield f"{len(self.parsers) - 1} artifacts and {len(its.parsers) - 1}"
        for a, b in zip(self.parsers, its.parsers, strict=False):
            if a != b:
                yield f"another model than {printable(b.name, 80)}"
        if self.label_sets != its.label_sets:
            yield "labels of another scheme"
        if self.baselines != its.baselines:
            yield "other baselines"
        if self.external != its.external:
            yield "other masks or models beside"
        if self.strata != its.strata:
            yield "one has strata"
        yield from different_photos(self.photos, its.photos)


@dataclass(frozen=True)
class PackedStratum:
    """A stratum of a dimension, and the fields of `StratumCounts`."""

    dimension: Text
    stratum: Text
    groups: PackedResamples
    masks: Packed


@dataclass(frozen=True)
class PackedCounts:
    """The fields of `ModelCounts`."""

    classes: PackedResamples | None
    groups: PackedResamples
    masks: Packed
    strata: tuple[PackedStratum, ...]


@dataclass(frozen=True)
class PackedTally:
    """The counts of the parsers, then of the detectors."""

    models: tuple[PackedCounts, ...]
    photos: Count


def _packed(tally: Tally) -> PackedTally:
    models = (*tally.parsers.values(), *tally.detectors.values())
    return PackedTally(tuple(map(_packed_counts, models)), tally.photos)


def _packed_counts(counts: ModelCounts) -> PackedCounts:
    return PackedCounts(
        None if counts.classes is None else packed_resamples(counts.classes.resamples),
        packed_resamples(counts.groups.counts.resamples),
        packed_array(counts.masks.totals),
        tuple(
            PackedStratum(*stratum, packed_resamples(one.groups.resamples), packed_array(one.masks.totals))
            for stratum, one in sorted(counts.strata.items())
        ),
    )


def _unpacked(kept: PackedTally, inputs: Inputs) -> Tally:
    if len(kept.models) != inputs.models:
        raise EdgekitError(f"it counts {len(kept.models)} models, not {inputs.models}")
    tally = empty_tally(inputs)
    models: tuple[ModelCounts, ...] = (*tally.parsers.values(), *tally.detectors.values())
    for counts, one in zip(models, kept.models, strict=True):
        if (counts.classes is None) != (one.classes is None):
            raise EdgekitError("it counts other classes")
        if counts.classes is not None and one.classes is not None:
            _fill(counts.classes, one.classes, kept.photos)
        _fill(counts.groups.counts, one.groups, kept.photos)
        _fill_means(counts.masks, one.masks, kept.photos)
        for stratum in one.strata:
            if stratum.stratum not in DIMENSIONS.get(stratum.dimension, ()):
                raise EdgekitError(f"there is no stratum {printable(stratum.stratum, 40)!r}")
            photos = stratum.groups.photos
            if photos > kept.photos:
                raise EdgekitError("its counts contradict each other")
            filled = counts.stratum((stratum.dimension, stratum.stratum))
            _fill(filled.groups, stratum.groups, photos)
            _fill_means(filled.masks, stratum.masks, photos)
    tally.photos = kept.photos
    return tally


def _fill(counts: PixelCounts, kept: PackedResamples, photos: int) -> None:
    """Fill empty counts. EdgekitError for what no pixels of this many photos give."""
    counts.resamples = unpacked_resamples(kept, counts.resamples.columns)
    hits, true, predicted = columns_of(counts.resamples.totals)
    possible = (
        (hits >= 0) & (hits <= np.minimum(true, predicted)) & (np.maximum(true, predicted) < MOST_PIXELS)
    )
    if kept.photos != photos or not possible.all():
        raise EdgekitError("its counts contradict each other")


def _fill_means(means: MaskMeans, kept: str, photos: int) -> None:
    """Fill empty means. EdgekitError for what no scores of this many photos give."""
    means.totals = unpacked_array(kept, means.totals.shape)
    n, total, squares = means.totals.reshape(-1, COLUMNS).T.astype(
        object
    )  # Python's integers do not overflow
    possible = (n >= 0) & (n <= photos) & (total >= 0) & (total <= n * UNITS) & (squares <= total * UNITS)
    possible &= n * squares >= total**2
    if not possible.all():
        raise EdgekitError("its counts contradict each other")


def empty_tally(inputs: Inputs) -> Tally:
    return Tally.empty([parser.name for parser in inputs.parsers], inputs.detectors, inputs.judged)


SHARD = ShardKind(
    Kept[Inputs, PackedTally],
    "a shard of an evaluation",
    schema="edgekit/evaluation-shard",
    version=2,
    prefix="evaluation",
    packed=_packed,
    unpacked=_unpacked,
)


def merge_evaluation(shards: Sequence[Path], rows: Path | None = None, *, replace: bool = False) -> Evaluated:
    """The evaluation that was divided into shards, from their files: bit for bit that of the whole.

    `rows`: a CSV file for the scores per photo, from those beside the shards' files. Raises EdgekitError for shards of
    different evaluations, a shard that is missing, given twice or incomplete.
    """
    if rows is not None:
        check_file_place(rows, replace=replace, inputs=[*shards, *map(rows_beside, shards)])
    counted = merged(SHARD, shards)
    found = evaluated(counted)
    if rows is not None:
        join_kept_rows(counted, shards, rows, replace=replace)
    return found


def evaluated(counted: Counted[Inputs, Tally], *, whole: bool = True) -> Evaluated:
    """The evaluation of the photos that were counted. Raises CalibrationError if there are none in the whole."""
    tally = counted.tally
    if whole and tally.photos == 0:
        raise CalibrationError("No labelled photo could be used; nothing was evaluated.")
    return Evaluated(
        tally.photos, tally.evaluations(counted.inputs.baselines), counted.skipped, counted.notes
    )


def rows_beside(shard: Path) -> Path:
    """The CSV file of scores per photo that lies beside a shard's file."""
    return shard.with_suffix(".csv")


def join_kept_rows(
    counted: Counted[Inputs, Tally], shards: Sequence[Path], out: Path, *, replace: bool
) -> None:
    """Write the rows per photo that lie beside the shards' files into one file."""
    number = counted.tally.photos * counted.inputs.models
    join_rows(
        [rows_beside(shard) for shard in shards], tuple(counted.inputs.groups), number, out, replace=replace
    )
