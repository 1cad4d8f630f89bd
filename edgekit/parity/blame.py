"""The records of blame: the waterfall of losses by stage, drift by tensor, the first bad operator, cause and cure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from edgekit.parity.report import Status


# What every stage is measured against; then the stages in the order in which data passes them. FLOAT to W8A8 run on
# reference kernels, RUNTIME is what runs on the device.
REFERENCE = "Hugging Face"
PREPROCESSING, PREPARED, POOLED, FLOAT, FP16, W8, W8A8, RUNTIME, DELIVERED, UPSAMPLING, BLEND = STAGES = (
    "preprocessing", "prepared graph", "pooled attention", "exported float", "fp16", "w8", "w8a8", "runtime",
    "delivered output", "mask upsampling", "LUT and blend",
)  # fmt: skip
SECOND_RUNTIME = "second runtime"  # beside the chain: the same file as RUNTIME, and a step away from that


@dataclass(frozen=True)
class Loss:
    """A loss against some other result; None where a result has no such value, or the photos show no skin.

    `labels`: share of pixels whose class differs. `groups`: share of pixels whose heaviest group (skin, hair, clothes,
    background) differs. `skin_delta_e00_p95`, `skin_delta_e00_mean`: ΔE2000 of the final picture's skin. A share of a
    loss may be negative: errors can cancel.
    """

    labels: float | None = None
    groups: float | None = None
    skin_delta_e00_p95: float | None = None
    skin_delta_e00_mean: float | None = None


@dataclass(frozen=True)
class Stage:
    """One stage between a photo and the picture that an app shows.

    `loss`: against Hugging Face's result. `share`: `loss` minus that of the stage before which ran, so that shares add
    up to the last loss exactly. `step`: the distance to the stage before, which cannot cancel. `bound`: the largest
    step of a healthy stage; `blamed` names the metrics whose step exceeds it. NOT_RUN carries its reason.
    """

    name: str
    status: Status
    reason: str = ""
    loss: Loss | None = None
    share: Loss | None = None
    step: Loss | None = None
    bound: Loss | None = None
    blamed: tuple[str, ...] = ()


@dataclass(frozen=True)
class PhotoStages:
    """The losses of one photo: stage name to loss and to share, for the stages that ran."""

    name: str
    losses: Mapping[str, Loss]
    shares: Mapping[str, Loss]


@dataclass(frozen=True)
class Waterfall:
    """Losses of one artifact by stage over a set of photos; `total` is the last stage's loss, the sum of the shares.

    `beside`: stages that stand beside the chain; they have no share. The step of a second runtime is its distance to
    the first, so one of nothing says that what both lose lies in the file or in kernels that both have.
    """

    stages: tuple[Stage, ...]
    total: Loss
    photos: tuple[PhotoStages, ...]
    beside: tuple[Stage, ...] = ()

    @property
    def blamed(self) -> tuple[Stage, ...]:
        """The stages that exceed their bound, in the order in which data passes them."""
        return tuple(stage for stage in self.stages if stage.blamed)


@dataclass(frozen=True)
class Drift:
    """One tensor of an artifact against another result for it: `snr_db` is 10·log10(Σ expected² / Σ error²).

    `tensor`: its name in the file. `place`: its module in the prepared model, such as `stage3.0.attention.query`.
    `block`: the recipe's block, None outside the blocks (norms, the reshapes around them, the output head).
    """

    tensor: str
    place: str
    block: str | None
    snr_db: float
    cosine: float
    max_abs: float


@dataclass(frozen=True)
class Operator:
    """An operator whose output departs from its definition although its inputs are the artifact's own.

    `kind`: the operator's name in the file, such as CONV_2D. `error`: of its output against the same operator of the
    checkpoint's float export on the same inputs. `channel_snr_db`: of the worst channel's error against the whole
    tensor's signal. `least_snr_db`, `least_channel_snr_db`: what a healthy operator of this number format keeps.
    """

    kind: str
    error: Drift
    channel_snr_db: float
    least_snr_db: float
    least_channel_snr_db: float

    @property
    def departs(self) -> bool:
        """Whether it keeps less than a healthy one; so does one that gives NaN."""
        return not (
            self.error.snr_db >= self.least_snr_db and self.channel_snr_db >= self.least_channel_snr_db
        )


@dataclass(frozen=True)
class Measured:
    """A recipe's result on the explained photos, against Hugging Face or the float model.

    `cost`: the planner's figure, latency as a ratio to the float model's, measured alternately; None where it was not
    timed.
    """

    label_agreement: float
    skin_delta_e00_p95: float | None
    size_bytes: int | None = None
    cost: float | None = None


@dataclass(frozen=True)
class Ablation:
    """One block taken back to float, and the artifact measured again with that recipe."""

    block: str
    measured: Measured


@dataclass(frozen=True)
class Explanation:
    """Cause and cure of what one artifact loses.

    `photos`: those it was found on, the worst of the set. `blocks`: the drift of every block's last tensor, worst
    first; `tensors`: the worst tensors. `operator`: the first that departs by itself, if any does.
    `ablations`: best first, or empty for the reason `not_ablated`. `before`, `after`: the artifact as it is, and as it
    was measured with the cure; None where no cure could be made here.
    """

    photos: tuple[str, ...]
    blocks: tuple[Drift, ...]
    tensors: tuple[Drift, ...]
    operator: Operator | None
    ablations: tuple[Ablation, ...]
    not_ablated: str
    cause: str
    cure: str
    before: Measured | None
    after: Measured | None
