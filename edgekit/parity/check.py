"""Parity of artifacts with PyTorch on a folder of photos, or on the bundled picture."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from edgekit import console
from edgekit.artifact import Artifact, read_artifact
from edgekit.cluster import Cluster
from edgekit.errors import EdgekitError
from edgekit.images import Picture, astronaut
from edgekit.parity.compare import check_parity
from edgekit.parity.comparing import CheckJob
from edgekit.parity.gates import Gates
from edgekit.parity.half_precision import with_half_precision
from edgekit.parity.native import with_native
from edgekit.parity.picture import PixelGate
from edgekit.parity.report import ParityReport
from edgekit.parity.shards import SHARD, merge_parity, report_of
from edgekit.runtimes import opener_of
from edgekit.scores.shards import WHOLE
from edgekit.scores.spreading import kept_in, spread
from edgekit.weights import Checkpoint


def parity_check(
    artifacts: Sequence[Artifact | Path],
    checkpoint: Checkpoint,
    *,
    images: Path | None = None,
    labels: Path | None = None,
    gates: Gates | None = None,
    stability: bool = False,
    resume: Path | None = None,
    shard: tuple[int, int] = WHOLE,
    ray: str | None = None,
    runtime: str | None = None,
) -> ParityReport:
    """Compare artifacts with the checkpoint in PyTorch: logits, labels, delivered output, true labels, final picture.

    `images`: a folder of photos (one public-domain portrait by default); `labels`: a folder of label PNGs with the
    photos' names. `gates`: bounds to judge by; for those that are None, the bounds of each artifact's recipe apply.
    `stability`: whether flicker is measured too, on at most 16 of the photos. `resume`: a folder that keeps what was
    counted, where the same call goes on after an interruption; `shard`: (2, 7) for the second of seven parts of the
    photos, whose file in `resume` is for `merge`. `ray`: the workers of a Ray cluster compare the pictures, each with
    one thread: `local` for one that is started here, or the address of another. `runtime`: the name of another runtime
    of the artifacts' target, such as litert-gpu or litert-fp16.

    Raises ConversionError for an artifact of other weights, CalibrationError if no photo can be used, EdgekitError for
    options that do not go together or for a `resume` of other inputs. A failed gate is a result, not an error: see
    `ParityReport.passed`.
    """
    stated = gates or Gates()
    if labels is not None and images is None:
        raise EdgekitError("`labels` needs `images`: the folder of the pictures they belong to.")
    if resume is not None and images is None:
        raise EdgekitError("`resume` needs `images`: a single portrait is not worth keeping.")
    if ray is not None and images is None:
        raise EdgekitError("`ray` needs `images`: a single portrait is not worth dividing.")
    if stated.max_miou_drop is not None and labels is None:
        raise EdgekitError("`max_miou_drop` needs `labels`: true labels to measure mIoU with.")
    if shard != WHOLE and resume is None:
        raise EdgekitError("`shard` needs `resume`: the folder for the shard's file.")
    if shard != WHOLE and ray is not None:
        raise EdgekitError("`shard` does not go with `ray`, which divides the photos itself.")
    cluster = None if ray is None else Cluster(ray)
    opened = [each if isinstance(each, Artifact) else read_artifact(each) for each in artifacts]
    with console.quiet_libraries():
        if images is None:
            portrait = astronaut()
            flickering = [portrait.name] if stability else []
            in_picture = PixelGate(checkpoint) if checkpoint.groups.skin else None
            report = check_parity(
                opened, checkpoint, [portrait], stated, in_picture, opener_of(runtime), flickering
            )
            return report if runtime else _with_others(report, opened, checkpoint, [portrait])
        job = CheckJob(checkpoint, tuple(opened), images, labels, stated, stability, runtime)
        counting = job.opened()
        if cluster is None:
            report = report_of(counting.count(resume, shard))
        else:
            with kept_in(resume) as kept:
                shards = spread(job.anywhere, counting.inputs, SHARD, cluster, kept, "comparing pictures")
                report = merge_parity(shards)
        is_part = runtime is not None or shard != WHOLE
        return report if is_part else _with_others(report, opened, checkpoint, counting.folder)


def _with_others(
    report: ParityReport, artifacts: Sequence[Artifact], checkpoint: Checkpoint, pictures: Iterable[Picture]
) -> ParityReport:
    """The report with what half precision and, on a Mac, Core ML itself make of the artifacts."""
    with_half = with_half_precision(report, artifacts, checkpoint, pictures)
    return with_native(with_half, artifacts, pictures)
