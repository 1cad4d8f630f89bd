"""The records of a parity check: metrics, checks, one artifact's report, the whole report."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from edgekit.parity.blame import Explanation, Waterfall
from edgekit.scores.metrics import Interval


class Status(StrEnum):
    PASSED = "PASSED"
    FAILED = "FAILED"
    NOT_RUN = "NOT_RUN"
    UNDECIDED = "UNDECIDED"  # the interval holds the bound: other photos like these could decide either way


@dataclass(frozen=True)
class Check:
    """One gate's verdict; NOT_RUN and UNDECIDED carry their reason.

    `interval`: the 95 % interval of `value` over photos, if the gate judges by one. `where`: the photo or the stratum
    that has the value, if the gate judges the worst.
    """

    name: str
    status: Status
    value: float | None = None
    bound: float | None = None
    reason: str = ""
    interval: Interval | None = None
    where: str = ""


@dataclass(frozen=True)
class Metrics:
    """Metrics of one artifact against PyTorch over n pictures; None for a metric that could not be computed.

    Agreements are shares or IoUs in [0, 1] of the labels at the input's size. `output_error_levels` compares the
    delivered output with its definition applied to the artifact's own logits, in 8-bit levels (for labels: the share
    of differing pixels). mIoU and skin IoU are against true labels; ΔE2000 compares the final pictures drawn with
    PyTorch's mask and with the artifact's.
    """

    n: int
    max_abs_logit: float
    psnr_db: float | None
    label_agreement: float
    previous_label_agreement: float
    mean_iou_agreement: float | None
    skin_iou_agreement: float | None
    boundary_agreement: float
    output_error_levels: float
    per_class_iou_agreement: Mapping[str, float | None]
    n_labelled: int = 0
    miou: float | None = None
    miou_reference: float | None = None
    skin_iou: float | None = None
    skin_iou_reference: float | None = None
    skin_iou_ci95: Interval | None = None
    skin_delta_e00_p95: float | None = None
    edge_delta_e00_p95: float | None = None
    elsewhere_delta_e00_p95: float | None = None
    label_agreement_ci95: Interval | None = None
    boundary_agreement_ci95: Interval | None = None
    miou_drop: float | None = None
    miou_drop_ci95: Interval | None = None
    skin_iou_drop: float | None = None
    skin_iou_drop_ci95: Interval | None = None
    skin_delta_e00_p95_ci95: Interval | None = None


@dataclass(frozen=True, slots=True)
class PhotoRow:
    """One photo's share in an artifact's metrics; None for what the photo does not show or has no labels for.

    Agreements are with PyTorch's labels at the input's size, `skin_pixels` those of PyTorch's mask there. The last
    three sort the photo into strata: the individual typology angle of its skin in degrees, its mean L*, and the share
    of the frame that is a person.
    """

    name: str
    label_agreement: float
    boundary_agreement: float
    skin_pixels: int
    skin_iou_agreement: float | None
    skin_delta_e00_p95: float | None
    miou: float | None
    miou_reference: float | None
    skin_iou: float | None
    skin_iou_reference: float | None
    ita_deg: float | None
    mean_lightness: float | None
    person_share: float | None


@dataclass(frozen=True)
class StratumRow:
    """What the artifact changes in the photos of one stratum, and how much more than in all photos.

    `skin_iou_loss` is 1 minus the IoU of PyTorch's skin and the artifact's, `skin_delta_e00` the mean over skin. Each
    excess is the difference to all photos, with an interval that allows for the number of strata.
    """

    dimension: str
    stratum: str
    photos: int
    label_agreement: float | None
    skin_iou_loss: float | None
    skin_iou_loss_excess: float | None
    skin_iou_loss_excess_ci: Interval | None
    skin_delta_e00: float | None
    skin_delta_e00_excess: float | None
    skin_delta_e00_excess_ci: Interval | None


@dataclass(frozen=True)
class StabilityRow:
    """Flicker under one kind of change: the share of pixels whose label changes though their content does not.

    `delta_e00`: mean difference of the styled frames after the motion is undone, for motions of whole pixels only.
    """

    change: str
    flicker: float
    flicker_reference: float
    delta_e00: float | None
    delta_e00_reference: float | None


@dataclass(frozen=True)
class Stability:
    """Flicker of the artifact and of PyTorch over `photos` photos; `excess` is their difference, over all changes."""

    photos: int
    flicker: float
    flicker_reference: float
    excess: float
    excess_ci95: Interval | None
    changes: tuple[StabilityRow, ...]


@dataclass(frozen=True)
class RangeFault:
    """One operator whose result, or whose divisor, lies outside the numbers that fp16 holds.

    `kind`: overflow or underflow. `place`: the module that the operator belongs to; norms lie in no block of a recipe,
    and there `block` is None. `value`: the magnitude that fp16 does not hold.
    """

    kind: Literal["overflow", "underflow"]
    operator: str
    tensor: str
    place: str
    block: str | None
    value: float


@dataclass(frozen=True)
class HalfPrecision:
    """An artifact against PyTorch with every tensor rounded to fp16, as GPUs of phones compute it.

    Measured on the first `photos` of the set; `faults`, on the very first, in the order in which data passes.
    """

    photos: int
    max_abs_logit: float
    label_agreement: float
    faults: tuple[RangeFault, ...]


@dataclass(frozen=True)
class NativeRow:
    """What Core ML delivers on one processor of this Mac, against the reference executor, over `photos` photos.

    `equal`: the share of the output's pixels whose heaviest group or class is the same. `max_difference`: the largest
    difference of any number that is delivered, in its own units.
    """

    runtime: str
    photos: int
    equal: float
    max_difference: float


@dataclass(frozen=True)
class ArtifactReport:
    """The verdict on one artifact, its metrics, and the photos behind them.

    FAILED if any check failed, else UNDECIDED if any is, else NOT_RUN if none could be made, else PASSED. `photos` are
    in order of their names; `worst_photos` names those that lose most, the worst first.
    `stages`, `explanation`: where its losses arise and what would cure them; None unless they were asked for.
    `half_precision`: None for a target that has no runtime for it, and for shards. `native`: Core ML itself, on a Mac.
    """

    path: str
    target: str
    recipe: str
    runtime: str
    status: Status
    reason: str
    metrics: Metrics
    checks: tuple[Check, ...]
    photos: tuple[PhotoRow, ...] = ()
    worst_photos: tuple[str, ...] = ()
    strata: tuple[StratumRow, ...] = ()
    stability: Stability | None = None
    stages: Waterfall | None = None
    explanation: Explanation | None = None
    half_precision: HalfPrecision | None = None
    native: tuple[NativeRow, ...] = ()


@dataclass(frozen=True)
class ParityReport:
    """The verdict on all artifacts. `passed`: nothing failed, and something was judged of every artifact.

    `prepared_max_abs_logit`: largest logit difference between the prepared graph and Hugging Face's, both in PyTorch.
    """

    passed: bool
    artifacts: tuple[ArtifactReport, ...]
    prepared_max_abs_logit: float
    pictures: int
    skipped: tuple[tuple[str, str], ...]
    notes: tuple[str, ...]

    @property
    def status(self) -> Status:
        """The worst status of an artifact: FAILED, NOT_RUN, UNDECIDED or PASSED."""
        found = {artifact.status for artifact in self.artifacts}
        order = (Status.FAILED, Status.NOT_RUN, Status.UNDECIDED, Status.PASSED)
        return next(status for status in order if status in found)
