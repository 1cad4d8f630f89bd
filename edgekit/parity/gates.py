"""Bounds that an artifact must keep, and checks of metrics against them."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace

from edgekit.errors import EdgekitError
from edgekit.parity.report import Check, Metrics, Status
from edgekit.recipes import Recipe


@dataclass(frozen=True)
class Gates:
    """Bounds on the metrics; one that is None is reported but not judged.

    Agreement is a share in [0, 1]; drops are differences of IoU (0.005 is half a percentage point); `max_skin_de` is in
    ΔE2000, `max_output_levels` in 8-bit levels.
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


def gates_for(recipe: Recipe) -> Gates:
    """The bounds for a recipe, whatever its name: int8's if it rounds weights or pools, else its compute type's.

    Pooling attention spends from the same budget as rounding, because the reference is never pooled.
    """
    return GATES["int8" if recipe.approximates else recipe.compute]


def judge(metrics: Metrics, gates: Gates) -> tuple[Check, ...]:
    """Check the metrics against every stated bound."""
    no_labels = "no true labels were given"
    drop = _difference(metrics.miou_reference, metrics.miou)
    skin_drop = _difference(metrics.skin_iou_reference, metrics.skin_iou)
    checks = (
        _check("max |Δlogit|", metrics.max_abs_logit, gates.max_abs_logit, _at_most, ""),
        _check("label agreement", metrics.label_agreement, gates.min_agreement, _at_least, ""),
        _check(
            "output against its definition",
            metrics.output_error_levels,
            gates.max_output_levels,
            _at_most,
            "",
        ),
        _check("mIoU drop", drop, gates.max_miou_drop, _at_most, no_labels),
        _check("skin IoU drop", skin_drop, gates.max_skin_iou_drop, _at_most, no_labels),
        _check(
            "skin ΔE2000 p95",
            metrics.skin_delta_e00_p95,
            gates.max_skin_de,
            _at_most,
            "the reference finds no skin in the pictures",
        ),
    )
    return tuple(check for check in checks if check is not None)


def overall(checks: tuple[Check, ...]) -> Status:
    """FAILED if any check failed, else PASSED if at least one ran, else NOT_RUN."""
    statuses = {check.status for check in checks}
    if Status.FAILED in statuses:
        return Status.FAILED
    return Status.PASSED if Status.PASSED in statuses else Status.NOT_RUN


def _difference(reference: float | None, candidate: float | None) -> float | None:
    return None if reference is None or candidate is None else reference - candidate


def _at_most(value: float, bound: float) -> bool:
    return value <= bound


def _at_least(value: float, bound: float) -> bool:
    return value >= bound


def _check(
    name: str, value: float | None, bound: float | None, keeps: Callable[[float, float], bool], reason: str
) -> Check | None:
    if bound is None:
        return None
    if value is None:
        return Check(name, Status.NOT_RUN, None, bound, reason)
    return Check(name, Status.PASSED if keeps(value, bound) else Status.FAILED, value, bound)
