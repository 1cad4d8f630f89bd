"""Pictures of a comparison: one photo by PyTorch's mask and by an artifact's, for people to look at."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from edgekit.artifact import Artifact
from edgekit.color.controls import Controls
from edgekit.color.difference import delta_e00
from edgekit.color.engine import layers_from_style, styled_pixels
from edgekit.color.sheets import mask_at, reduced, tinted
from edgekit.color.styles import style_named
from edgekit.images import Picture
from edgekit.model.reference import ReferenceSegmenter
from edgekit.overlay import data_uri
from edgekit.parity.picture import STYLE, PixelGate
from edgekit.runtimes import open_runtime
from edgekit.scores.runners import Logits, Opener, TorchRunner, artifact_runner
from edgekit.weights import Checkpoint

SHOWN_PX = 480  # longest side
HOT_DELTA_E = 5.0  # ΔE2000 shown in full red; 1 is just seen, 5 is plain
HEAT = (220, 40, 20)
Pixels = NDArray[np.uint8]  # (h, w, 3) sRGB


@dataclass(frozen=True)
class Comparison:
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


def comparison(picture: Picture, gate: PixelGate, size: int, reference: Logits, logits: Logits) -> Comparison:
    """Draw a photo with both masks. reference, logits: (classes, h, w) for the network's input of `size` pixels."""
    photo = reduced(picture.image, SHOWN_PX)
    shape = photo.shape[:2]
    masks = [gate.mask(each, size) for each in (reference, logits)]
    layers = layers_from_style(style_named(STYLE))
    styled = [styled_pixels(photo, layers, Controls(), mask) for mask in masks]
    drawn = [tinted(photo, mask_at(mask, shape)) for mask in masks]
    shown = [*drawn, _heat(photo, delta_e00(*styled)), *styled]
    return Comparison(picture.name, shape[1], shape[0], *(data_uri(Image.fromarray(each)) for each in shown))


def comparisons(
    photos: Mapping[Artifact, Sequence[str]],
    checkpoint: Checkpoint,
    pictures: Iterable[Picture],
    opener: Opener = open_runtime,
) -> dict[Artifact, tuple[Comparison, ...]]:
    """Run artifacts again on some photos and draw them. photos: artifact to the names of its photos, in their order."""
    graph, gate = ReferenceSegmenter(checkpoint), PixelGate(checkpoint)
    runners = {artifact: artifact_runner(artifact, opener) for artifact in photos}
    drawn: dict[Artifact, dict[str, Comparison]] = {artifact: {} for artifact in photos}
    for picture in pictures:
        for artifact, names in photos.items():
            if picture.name in names:
                runner = runners[artifact]
                image = picture.at(runner.size)
                reference = TorchRunner(runner.size, graph).run(image).logits
                logits = runner.run(image).logits
                drawn[artifact][picture.name] = comparison(picture, gate, runner.size, reference, logits)
    return {
        artifact: tuple(drawn[artifact][name] for name in names if name in drawn[artifact])
        for artifact, names in photos.items()
    }


def _heat(photo: Pixels, difference: NDArray[np.float64]) -> Pixels:
    """The photo in pale grey with red where the pictures differ. difference: (h, w) ΔE2000."""
    grey = 128 + 0.4 * photo.mean(axis=-1, keepdims=True)
    share = np.clip(difference / HOT_DELTA_E, 0, 1)[..., None]
    mixed = grey * (1 - share) + np.asarray(HEAT) * share
    return np.rint(np.clip(mixed, 0, 255)).astype(np.uint8)
