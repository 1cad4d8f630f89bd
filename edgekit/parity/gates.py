"""Bounds that an artifact must keep, and checks of metrics against them.

A gate over a set of photos judges with the 95 % interval of its metric over photos: PASSED if all of it keeps the
bound, FAILED if none of it does, else UNDECIDED. A single photo, and the worst of a set, has bounds of its own.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace

from edgekit.errors import EdgekitError
from edgekit.parity.report import Check, Metrics, PhotoRow, Stability, Status, StratumRow
from edgekit.recipes import Recipe
from edgekit.scores.metrics import Interval
from edgekit.scores.resamples import FEWEST_PHOTOS


@dataclass(frozen=True)
class Gates:
    """Bounds on the metrics; one that is None is reported but not judged.

    Agreement is a share in [0, 1]; drops are differences of IoU (0.005 is half a percentage point); `max_skin_de` is in
    ΔE2000, `max_output_levels` in 8-bit levels. The bounds on boundaries, single photos, strata and flicker follow from
    `min_agreement` and `max_skin_de`, so that a looser recipe is judged by looser ones throughout.
    """

    max_abs_logit: float | None = None
    min_agreement: float | None = None
    max_output_levels: float | None = None
    max_miou_drop: float | None = None
    max_skin_iou_drop: float | None = None
    max_skin_de: float | None = None

    def __post_init__(self) -> None:
        check_finite(**{f.name: getattr(self, f.name) for f in fields(self)})

    def overridden(self, other: Gates) -> Gates:
        """These bounds, replaced by those that `other` states."""
        stated = {f.name: getattr(other, f.name) for f in fields(other) if getattr(other, f.name) is not None}
        return replace(self, **stated)

    def least_agreement(self, factor: float) -> float | None:
        """The agreement that loses `factor` times what `min_agreement` allows."""
        return None if self.min_agreement is None else _readable(1 - factor * (1 - self.min_agreement))

    def most_skin_de(self, factor: float) -> float | None:
        """`factor` times `max_skin_de`."""
        return None if self.max_skin_de is None else factor * self.max_skin_de

    @property
    def max_stratum_iou_loss(self) -> float | None:
        """What a stratum's skin IoU with PyTorch may lose beyond all photos', where skin is judged at all."""
        least = self.least_agreement(STRATUM_LABELS)
        return None if least is None or self.max_skin_de is None else _readable(1 - least)

    @property
    def max_flicker(self) -> float | None:
        """The share of labels that may flicker beyond those that flicker in PyTorch."""
        least = self.least_agreement(FLICKER)
        return None if least is None else _readable(1 - least)


def _readable(bound: float) -> float:
    """A bound without the last digits of its subtractions: 0.8, not 0.7999999999999998."""
    return round(bound, 12)


def check_finite(**bounds: float | None) -> None:
    """EdgekitError for a bound that is stated as infinite or as no number: it would judge nothing."""
    for name, bound in bounds.items():
        if bound is not None and not math.isfinite(bound):
            raise EdgekitError(f"`{name}` {bound:g} is no bound; give a finite number.")


# The accuracy contract. One output level is rounding; in fp16 a group weight just below 255 may be rounded twice.
GATES: Mapping[str, Gates] = {
    "fp32": Gates(max_abs_logit=1e-3, min_agreement=0.9999, max_output_levels=1),
    "fp16": Gates(min_agreement=0.998, max_output_levels=2),
    "int8": Gates(
        min_agreement=0.98, max_output_levels=2, max_miou_drop=0.005, max_skin_iou_drop=0.005, max_skin_de=1.0
    ),
}
# What a part may lose as a multiple of what the labels or the skin of all photos may; measured on 100 training photos
# with the default int8 recipe, which keeps its gates, and with w8a8, which does not (docs/parity.md).
BOUNDARY = 10.0  # labels differ at boundaries: a boundary score loses 8 to 13 times as much as the labels
ALONE = 2.0  # of a photo that is checked alone; the worst of the default's loses 0.45 (labels) and 1.8 (skin) times
WORST = 5.0  # of the worst photo of a set; the worst of w8a8's loses 4.4 times what all of its photos lose
STRATUM_LABELS, STRATUM_SKIN_DE = (
    2.0,
    0.25,
)  # of a stratum, in excess; the default's reach 1.2 and 0.14 at most
FLICKER = 0.1  # in excess of PyTorch's
FEWEST_IN_STRATUM = 12  # photos; the interval of fewer is as wide as the bound even where nothing is wrong
LEAST_SKIN_PIXELS = 256  # the 95th percentile of fewer is that of a dozen pixels
WORST_PHOTOS = 5  # that a report names
ONE_PHOTO = f"one photo is judged by bounds of its own, a set by intervals over at least {FEWEST_PHOTOS}"


def gates_for(recipe: Recipe) -> Gates:
    """The bounds for a recipe, whatever its name: int8's if it rounds weights or pools, else its compute type's.

    Pooling attention spends from the same budget as rounding, because the reference is never pooled.
    """
    return GATES["int8" if recipe.approximates else recipe.compute]


def judge(metrics: Metrics, gates: Gates) -> tuple[Check, ...]:
    """Check the metrics against every stated bound; those over photos by their intervals."""
    m, n = metrics, metrics.n
    no_labels = "no true labels were given"
    no_skin = "the reference finds no skin in the pictures"
    checks = (
        _exact("max |Δlogit|", m.max_abs_logit, gates.max_abs_logit),
        _over_photos(
            "label agreement", m.label_agreement, m.label_agreement_ci95, n, gates.min_agreement, least=True
        ),
        _exact("output against its definition", m.output_error_levels, gates.max_output_levels),
        _over_photos(
            "mIoU drop", m.miou_drop, m.miou_drop_ci95, m.n_labelled, gates.max_miou_drop, no_labels
        ),
        _over_photos(
            "skin IoU drop",
            m.skin_iou_drop,
            m.skin_iou_drop_ci95,
            m.n_labelled,
            gates.max_skin_iou_drop,
            no_labels,
        ),
        _over_photos(
            "skin ΔE2000 p95", m.skin_delta_e00_p95, m.skin_delta_e00_p95_ci95, n, gates.max_skin_de, no_skin
        ),
        _over_photos(
            "boundary agreement",
            m.boundary_agreement,
            m.boundary_agreement_ci95,
            n,
            gates.least_agreement(BOUNDARY),
            least=True,
        ),
    )
    return tuple(check for check in checks if check is not None)


def overall(checks: tuple[Check, ...]) -> Status:
    """FAILED if any check failed, else UNDECIDED if any is, else PASSED if at least one ran, else NOT_RUN."""
    statuses = {check.status for check in checks}
    order = (Status.FAILED, Status.UNDECIDED, Status.PASSED)
    return next((status for status in order if status in statuses), Status.NOT_RUN)


def holds(interval: Interval, bound: float, least: bool = False) -> Status:
    """PASSED if the whole interval keeps the bound, FAILED if it breaks it whole, else UNDECIDED.

    least: whether the bound is the least value that is allowed, not the largest. NaN is UNDECIDED.
    """
    low, high = interval
    kept, broken = (low >= bound, high < bound) if least else (high <= bound, low > bound)
    return Status.PASSED if kept else Status.FAILED if broken else Status.UNDECIDED


def judge_photos(photos: Sequence[PhotoRow], gates: Gates) -> tuple[Check, ...]:
    """Check the photo that loses most against the bounds of a photo: of one alone, or of the worst of a set."""
    factor, which = (ALONE, "this photo") if len(photos) == 1 else (WORST, "worst photo")
    least, most = gates.least_agreement(factor), gates.most_skin_de(factor)
    checks = []
    if least is not None and photos:
        worst = min(photos, key=lambda row: (row.label_agreement, row.name))
        checks.append(
            _single(f"label agreement, {which}", worst.label_agreement, least, worst.name, least=True)
        )
    with_skin = [row for row in photos if row.skin_pixels >= LEAST_SKIN_PIXELS]
    if most is not None and with_skin:
        worst = max(with_skin, key=lambda row: (row.skin_delta_e00_p95 or 0.0, row.name))
        checks.append(_single(f"skin ΔE2000 p95, {which}", worst.skin_delta_e00_p95, most, worst.name))
    return tuple(checks)


def worst_photos(photos: Iterable[PhotoRow]) -> tuple[str, ...]:
    """The names of the WORST_PHOTOS photos that lose most, by the larger share of int8's bounds that a photo uses."""
    usual = GATES["int8"]

    def used(row: PhotoRow) -> float:
        labels = (1 - row.label_agreement) / (1 - (usual.min_agreement or 0))
        enough = row.skin_pixels >= LEAST_SKIN_PIXELS
        return max(labels, (row.skin_delta_e00_p95 or 0.0) / (usual.max_skin_de or 1) if enough else 0.0)

    ranked = sorted(photos, key=lambda row: (-used(row), row.name))
    return tuple(row.name for row in ranked[:WORST_PHOTOS] if used(row) > 0)


def judge_strata(rows: Sequence[StratumRow], gates: Gates) -> tuple[Check, ...]:
    """Check what each stratum loses beyond all photos; strata of too few photos are not judged."""
    checks = (
        _worst_stratum(
            "skin IoU loss by stratum",
            [(row, row.skin_iou_loss_excess, row.skin_iou_loss_excess_ci) for row in rows],
            gates.max_stratum_iou_loss,
        ),
        _worst_stratum(
            "skin ΔE2000 by stratum",
            [(row, row.skin_delta_e00_excess, row.skin_delta_e00_excess_ci) for row in rows],
            gates.most_skin_de(STRATUM_SKIN_DE),
        ),
    )
    return tuple(check for check in checks if check is not None)


def judge_stability(stability: Stability | None, gates: Gates) -> tuple[Check, ...]:
    """Check the artifact's flicker beyond PyTorch's, if stability was measured."""
    if stability is None or gates.max_flicker is None:
        return ()
    check = _over_photos(
        "flicker beyond PyTorch's",
        stability.excess,
        stability.excess_ci95,
        stability.photos,
        gates.max_flicker,
    )
    return () if check is None else (check,)


def _worst_stratum(
    name: str, found: Sequence[tuple[StratumRow, float | None, Interval | None]], bound: float | None
) -> Check | None:
    """The verdict on the stratum with the largest excess among those with the worst verdict."""
    if bound is None or not found:
        return None
    judged = [
        (holds(interval, bound), excess, interval, row)
        for row, excess, interval in found
        if row.photos >= FEWEST_IN_STRATUM and excess is not None and interval is not None
    ]
    if not judged:
        return Check(
            name, Status.NOT_RUN, None, bound, f"no stratum has {FEWEST_IN_STRATUM} photos with skin"
        )
    order = (Status.PASSED, Status.UNDECIDED, Status.FAILED)
    status, excess, interval, row = max(judged, key=lambda one: (order.index(one[0]), one[1], one[3].stratum))
    where = f"{row.dimension} {row.stratum}"
    reason = _undecided(row.photos) if status is Status.UNDECIDED else ""
    return Check(name, status, excess, bound, reason, interval, where)


def _single(name: str, value: float | None, bound: float, where: str, least: bool = False) -> Check:
    kept = value is not None and (value >= bound if least else value <= bound)
    return Check(name, Status.PASSED if kept else Status.FAILED, value, bound, where=where)


def _over_photos(
    name: str,
    value: float | None,
    interval: Interval | None,
    photos: int,
    bound: float | None,
    missing: str = "",
    least: bool = False,
) -> Check | None:
    """A bound on a score over photos, judged by its interval. missing: why there may be no value."""
    if bound is None:
        return None
    bound = float(bound)
    if value is None:
        return Check(name, Status.NOT_RUN, None, bound, missing)
    if math.isnan(value):
        return Check(name, Status.FAILED, value, bound)
    if photos < 2:
        return Check(name, Status.NOT_RUN, value, bound, ONE_PHOTO)
    if interval is None or photos < FEWEST_PHOTOS:
        return Check(name, Status.UNDECIDED, value, bound, _undecided(photos), interval)
    status = holds(interval, bound, least)
    return Check(
        name, status, value, bound, _undecided(photos) if status is Status.UNDECIDED else "", interval
    )


def _undecided(photos: int) -> str:
    few = f", and nothing is decided with fewer than {FEWEST_PHOTOS}" if photos < FEWEST_PHOTOS else ""
    return f"undecided with {photos} photos{few}"


def _exact(name: str, value: float, bound: float | None) -> Check | None:
    """A bound on the largest value that any pixel of any photo may have; NaN fails."""
    if bound is None:
        return None
    return Check(name, Status.PASSED if value <= bound else Status.FAILED, value, float(bound))
