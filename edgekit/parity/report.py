"""The records of a parity check: metrics, checks, one artifact's report, the whole report."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from edgekit.parity.blame import Explanation, Waterfall


class Status(StrEnum):
    PASSED = "PASSED"
    FAILED = "FAILED"
    NOT_RUN = "NOT_RUN"


@dataclass(frozen=True)
class Check:
    """One gate's verdict; NOT_RUN carries its reason."""

    name: str
    status: Status
    value: float | None = None
    bound: float | None = None
    reason: str = ""


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
    skin_iou_ci95: tuple[float, float] | None = None
    skin_delta_e00_p95: float | None = None
    edge_delta_e00_p95: float | None = None
    elsewhere_delta_e00_p95: float | None = None


@dataclass(frozen=True)
class ArtifactReport:
    """The verdict on one artifact: FAILED if any check failed, NOT_RUN if none could be made, else PASSED.

    `stages`, `explanation`: where its losses arise and what would cure them; None unless they were asked for.
    """

    path: str
    target: str
    recipe: str
    runtime: str
    status: Status
    reason: str
    metrics: Metrics
    checks: tuple[Check, ...]
    stages: Waterfall | None = None
    explanation: Explanation | None = None


@dataclass(frozen=True)
class ParityReport:
    """The verdict on all artifacts.

    `prepared_max_abs_logit`: largest logit difference between the prepared graph and Hugging Face's, both in PyTorch.
    """

    passed: bool
    artifacts: tuple[ArtifactReport, ...]
    prepared_max_abs_logit: float
    pictures: int
    skipped: tuple[tuple[str, str], ...]
    notes: tuple[str, ...]
