"""Parity of artifacts with PyTorch on a folder of photos, or on the bundled picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from edgekit import console
from edgekit.artifact import Artifact, read_artifact
from edgekit.errors import EdgekitError
from edgekit.images import Folder, astronaut
from edgekit.parity.compare import check_parity
from edgekit.parity.gates import Gates
from edgekit.parity.picture import PixelGate
from edgekit.parity.report import ParityReport
from edgekit.parity.stability import chosen
from edgekit.weights import Checkpoint


def parity_check(
    artifacts: Sequence[Artifact | Path],
    checkpoint: Checkpoint,
    *,
    images: Path | None = None,
    labels: Path | None = None,
    gates: Gates | None = None,
    stability: bool = False,
) -> ParityReport:
    """Compare artifacts with the checkpoint in PyTorch: logits, labels, delivered output, true labels, final picture.

    `images`: a folder of photos (one public-domain portrait by default); `labels`: a folder of label PNGs with the
    photos' names. `gates`: bounds to judge by; for those that are None, the bounds of each artifact's recipe apply.
    `stability`: whether flicker is measured too, on at most 16 of the photos.

    Raises ConversionError for an artifact of other weights, CalibrationError if no photo can be used, EdgekitError for
    options that do not go together. A failed gate is a result, not an error: see `ParityReport.passed`.
    """
    stated = gates or Gates()
    if labels is not None and images is None:
        raise EdgekitError("`labels` needs `images`: the folder of the pictures they belong to.")
    if stated.max_miou_drop is not None and labels is None:
        raise EdgekitError("`max_miou_drop` needs `labels`: true labels to measure mIoU with.")
    opened = [each if isinstance(each, Artifact) else read_artifact(each) for each in artifacts]
    in_picture = PixelGate(checkpoint) if checkpoint.groups.skin else None
    with console.quiet_libraries():
        if images is None:
            portrait = astronaut()
            flickering = [portrait.name] if stability else []
            return check_parity(opened, checkpoint, [portrait], stated, in_picture, stability=flickering)
        folder = Folder(images, labels, len(checkpoint.class_names))
        pictures = console.track(folder, len(folder), "comparing pictures")
        flickering = chosen(folder.names) if stability else []
        report = check_parity(opened, checkpoint, pictures, stated, in_picture, stability=flickering)
    skipped = tuple((item.name, item.reason) for item in folder.skipped)
    return replace(report, skipped=skipped, notes=tuple(folder.notes))
