"""Pictures of a comparison: one photo by PyTorch's mask and by an artifact's, for people to look at."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from edgekit.artifact import read_artifact
from edgekit.color.difference import delta_e00
from edgekit.color.sheets import mask_at, reduced, tinted
from edgekit.images import Folder, Picture, astronaut
from edgekit.model.reference import ReferenceSegmenter
from edgekit.overlay import data_uri
from edgekit.parity.picture import PixelGate, styled
from edgekit.parity.report import ArtifactReport, ParityReport
from edgekit.scores.runners import Runner, TorchRunner, artifact_runner, predictions
from edgekit.weights import Checkpoint

SHOWN_PX = 480  # longest side
DRAWN_PHOTOS = 3  # of each artifact; a photo takes about 0.2 MB of the page
HOT_DELTA_E = 5.0  # ΔE2000 shown in full red; 1 is just seen, 5 is plain
HEAT = (220, 40, 20)
Pixels = NDArray[np.uint8]  # (h, w, 3) sRGB


@dataclass(frozen=True)
class DrawnPhoto:
    """One photo by two masks, as data URIs of pictures of width × height pixels.

    `difference`: the ΔE2000 of the two styled pictures as red over the grey photo, full at HOT_DELTA_E.
    """

    photo: str
    width: int
    height: int
    mask_reference: str
    mask: str
    difference: str
    styled_reference: str
    styled: str


def drawn_photo(picture: Picture, gate: PixelGate, reference: Runner, runner: Runner) -> DrawnPhoto:
    """Draw a photo with the masks of two runners of one input size."""
    photo = np.asarray(reduced(picture.image, SHOWN_PX), np.uint8)
    shape = photo.shape[:2]
    ((_, found),) = predictions({False: reference, True: runner}, [picture])
    masks = [gate.mask(each.logits, each.image.shape[:2]) for each in found.values()]
    final = [styled(photo, mask) for mask in masks]
    drawn = [tinted(photo, mask_at(mask, shape)) for mask in masks]
    shown = [*drawn, _heat(photo, delta_e00(*final)), *final]
    return DrawnPhoto(picture.name, shape[1], shape[0], *(data_uri(Image.fromarray(each)) for each in shown))


def worst_compared(
    report: ParityReport, checkpoint: Checkpoint, images: Path | None = None
) -> dict[str, tuple[DrawnPhoto, ...]]:
    """Run every artifact again on the photos that lose most and draw them: an artifact's path to its photos.

    images: the folder that was compared; None for the bundled portrait. Empty for a checkpoint without skin, which no
    style spares.
    """
    if not checkpoint.groups.skin:
        return {}
    graph, gate = ReferenceSegmenter(checkpoint), PixelGate(checkpoint)
    drawn: dict[str, tuple[DrawnPhoto, ...]] = {}
    for row in report.artifacts:
        runner = artifact_runner(read_artifact(Path(row.path)))
        reference = TorchRunner(runner.size, graph)
        pictures = worst_pictures(row, checkpoint, images, DRAWN_PHOTOS)
        drawn[row.path] = tuple(drawn_photo(picture, gate, reference, runner) for picture in pictures)
    return drawn


def worst_pictures(
    row: ArtifactReport, checkpoint: Checkpoint, images: Path | None, most: int
) -> list[Picture]:
    """The photos on which an artifact loses most, read again from the folder that was compared, the worst first."""
    if images is None:
        return [astronaut()]
    names = row.worst_photos[:most]
    found = Folder(images, None, len(checkpoint.class_names)).pictures(names)
    return sorted(found, key=lambda picture: names.index(picture.name))


def _heat(photo: Pixels, difference: NDArray[np.float64]) -> Pixels:
    """The photo in pale grey with red where the pictures differ. difference: (h, w) ΔE2000."""
    grey = 128 + 0.4 * photo.mean(axis=-1, keepdims=True)
    share = np.clip(difference / HOT_DELTA_E, 0, 1)[..., None]
    mixed = grey * (1 - share) + np.asarray(HEAT) * share
    return np.asarray(np.rint(np.clip(mixed, 0, 255)), np.uint8)
