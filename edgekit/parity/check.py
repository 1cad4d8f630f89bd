"""Parity of artifacts with PyTorch on a folder of photos, or on the bundled picture."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from edgekit import console
from edgekit.artifact import Artifact, read_artifact
from edgekit.errors import EdgekitError
from edgekit.images import Folder, Picture, astronaut
from edgekit.parity.compare import Comparison, check_parity
from edgekit.parity.gates import Gates
from edgekit.parity.half_precision import with_half_precision
from edgekit.parity.native import with_native
from edgekit.parity.picture import PixelGate
from edgekit.parity.report import ParityReport
from edgekit.parity.shards import SHARD, Inputs, report_of
from edgekit.parity.stability import chosen
from edgekit.runtimes import opener_of
from edgekit.scores.shards import WHOLE, Journal, count_photos
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
    runtime: str | None = None,
) -> ParityReport:
    """Compare artifacts with the checkpoint in PyTorch: logits, labels, delivered output, true labels, final picture.

    `images`: a folder of photos (one public-domain portrait by default); `labels`: a folder of label PNGs with the
    photos' names. `gates`: bounds to judge by; for those that are None, the bounds of each artifact's recipe apply.
    `stability`: whether flicker is measured too, on at most 16 of the photos. `resume`: a folder that keeps what was
    counted, where the same call goes on after an interruption; `shard`: (2, 7) for the second of seven parts of the
    photos, whose file in `resume` is for `merge`. `runtime`: the name of another runtime of the artifacts' target, such
    as litert-gpu or litert-fp16.

    Raises ConversionError for an artifact of other weights, CalibrationError if no photo can be used, EdgekitError for
    options that do not go together or for a `resume` of other inputs. A failed gate is a result, not an error: see
    `ParityReport.passed`.
    """
    stated = gates or Gates()
    if labels is not None and images is None:
        raise EdgekitError("`labels` needs `images`: the folder of the pictures they belong to.")
    if resume is not None and images is None:
        raise EdgekitError("`resume` needs `images`: a single portrait is not worth keeping.")
    if stated.max_miou_drop is not None and labels is None:
        raise EdgekitError("`max_miou_drop` needs `labels`: true labels to measure mIoU with.")
    if shard != WHOLE and resume is None:
        raise EdgekitError("`shard` needs `resume`: the folder for the shard's file.")
    opened = [each if isinstance(each, Artifact) else read_artifact(each) for each in artifacts]
    in_picture, opener = PixelGate(checkpoint) if checkpoint.groups.skin else None, opener_of(runtime)
    with console.quiet_libraries():
        if images is None:
            portrait = astronaut()
            flickering = [portrait.name] if stability else []
            report = check_parity(opened, checkpoint, [portrait], stated, in_picture, opener, flickering)
            return report if runtime else _with_others(report, opened, checkpoint, [portrait])
        folder = Folder(images, labels, len(checkpoint.class_names))
        comparison = Comparison(opened, checkpoint, in_picture, opener)
        inputs = Inputs(
            checkpoint.sha256,
            tuple(checkpoint.class_names),
            tuple(checkpoint.groups.skin),
            comparison.subjects(stated),
            folder.names,
            labels is not None,
            stability,
        )
        report = _on_folder(comparison, folder, inputs, resume, shard)
        is_part = runtime is not None or shard != WHOLE
        return report if is_part else _with_others(report, opened, checkpoint, folder)


def _with_others(
    report: ParityReport, artifacts: Sequence[Artifact], checkpoint: Checkpoint, pictures: Iterable[Picture]
) -> ParityReport:
    """The report with what half precision and, on a Mac, Core ML itself make of the artifacts."""
    with_half = with_half_precision(report, artifacts, checkpoint, pictures)
    return with_native(with_half, artifacts, pictures)


def _on_folder(
    comparison: Comparison, folder: Folder, inputs: Inputs, resume: Path | None, shard: tuple[int, int]
) -> ParityReport:
    """Count a folder's photos, or a shard of them, and keep what was counted in `resume`."""
    flickering = chosen(inputs.photos) if inputs.stability else frozenset()
    journal = None if resume is None else Journal(SHARD, resume, inputs, *shard)
    if journal is not None and journal.tally is not None:
        comparison.tally = journal.tally

    def add(picture: Picture) -> None:
        comparison.add(picture, flicker=picture.name in flickering)

    counted = count_photos(folder, inputs, shard, journal, comparison.tally, add, "comparing pictures")
    return report_of(counted)
