"""Stability: how much a model's labels and styled frames change where the picture's content does not.

Frames are windows of one photo, one or a few pixels apart, or the same window a little brighter, zoomed or compressed.
A change's flicker is the share of pixels whose label changes after the motion is undone. PyTorch's own flicker is the
yardstick: an artifact is judged by its excess over it.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow

from edgekit.color.difference import delta_e00
from edgekit.color.rgb import encoded_from_linear, linear_from_encoded
from edgekit.images import Picture, Shape, stretch
from edgekit.parity.measures import DELTA_E_STEPS
from edgekit.parity.report import Stability, StabilityRow
from edgekit.scores.metrics import labels_from_logits
from edgekit.scores.resamples import Counts, Resamples, ratio
from edgekit.scores.runners import Image, Labels, Logits, Runner

MOST_PHOTOS = (
    16  # of a set: each costs eleven inferences per model more, and the interval is then narrow enough
)
MARGIN_PX = 8  # between the window and the photo that it lies in, on every side
BORDER_PX = 16  # left out of comparisons: a logit's side, within which other content has come into the window
PAN_STEP_PX = 4
ZOOM_PX = 4  # cut from every side
EXPOSURE = 2**0.1  # a tenth of a stop, which a camera's automatic exposure moves within a second
JPEG_QUALITY = 80
# Windows as (down, right) from the middle, in pixels.
SHIFTS = ((0, 1), (1, 0))
PAN = tuple((0, step * PAN_STEP_PX) for step in (-2, -1, 0, 1, 2))
SHIFT, CROP, EXPOSED, JPEG, PANNED = "one-pixel shift", "small crop", "exposure", "JPEG", "pan"
CHANGES = (SHIFT, CROP, EXPOSED, JPEG, PANNED)
COLUMNS_PER_CHANGE = 6  # changed by artifact and reference, pixels; ΔE of artifact and reference, its pixels
Styled = Callable[[Image, Logits], Image]


@dataclass(frozen=True)
class Flicker:
    """One model's flicker in one photo: (changes,) each; `delta_e00` in steps of 1/DELTA_E_STEPS."""

    changed: Counts
    pixels: Counts
    delta_e00: Counts
    delta_e00_pixels: Counts


@dataclass(frozen=True)
class Frame:
    """A frame with its labels, (H, W), and the final picture drawn with its mask, if one is drawn."""

    labels: Labels
    styled: Image | None


def chosen(names: Sequence[str]) -> frozenset[str]:
    """The names of the photos of a set that stability is measured on: at most MOST_PHOTOS, evenly spread."""
    step = -(-len(names) // MOST_PHOTOS)
    return frozenset(names[::step])


def flicker_of(picture: Picture, runner: Runner, styled: Styled | None) -> Flicker:
    """A model's flicker in one photo, whose windows fill the input, so that nothing is padding.

    styled: draws the final picture; None for a model without skin.
    """
    shape = runner.size.shape
    photo = stretch(picture.image, *(side + 2 * MARGIN_PX for side in shape))

    def frame(image: Image, drawn: bool = True) -> Frame:
        logits = runner.run(image).logits
        return Frame(
            labels_from_logits(logits, image.shape[:2]), styled(image, logits) if styled and drawn else None
        )

    windows = {offset: window(photo, offset, shape) for offset in (*SHIFTS, *PAN)}
    frames = {offset: frame(image) for offset, image in windows.items()}
    middle, whole = frames[0, 0], windows[0, 0]
    pairs = {
        SHIFT: [_moved(middle, frames[offset], offset) for offset in SHIFTS],
        CROP: [_zoomed(middle, frame(zoomed(whole), drawn=False))],
        EXPOSED: [
            _unmoved(middle, frame(exposed(whole, gain), drawn=False)) for gain in (EXPOSURE, 1 / EXPOSURE)
        ],
        JPEG: [_unmoved(middle, frame(compressed(whole), drawn=False))],
        PANNED: [_moved(frames[a], frames[b], (b[0] - a[0], b[1] - a[1])) for a, b in pairwise(PAN)],
    }
    table = np.array([np.sum(pairs[change], axis=0) for change in CHANGES], np.int64)  # (changes, 4)
    return Flicker(*table.T)


def window(photo: Image, offset: tuple[int, int], shape: Shape) -> Image:
    """The window of a photo that lies `offset` (down, right) from its middle: (*shape, 3)."""
    top, left = MARGIN_PX + offset[0], MARGIN_PX + offset[1]
    return np.ascontiguousarray(photo[top : top + shape[0], left : left + shape[1]])


def zoomed(image: Image) -> Image:
    """The picture without its outermost ZOOM_PX, stretched to its size again."""
    return stretch(np.ascontiguousarray(image[ZOOM_PX:-ZOOM_PX, ZOOM_PX:-ZOOM_PX]), *image.shape[:2])


def exposed(image: Image, gain: float) -> Image:
    """The picture with its linear light multiplied by `gain`."""
    linear = linear_from_encoded(image / 255.0) * gain
    return np.asarray(np.rint(encoded_from_linear(np.clip(linear, 0, 1)) * 255), np.uint8)


def compressed(image: Image) -> Image:
    """The picture after JPEG with chroma at half the resolution."""
    stream = io.BytesIO()
    Pillow.fromarray(image).save(stream, "JPEG", quality=JPEG_QUALITY, subsampling="4:2:0")
    return np.asarray(Pillow.open(stream))


def counts_of(artifact: Flicker, reference: Flicker) -> Counts:
    """The columns of one photo for `Resamples`: (changes · COLUMNS_PER_CHANGE,)."""
    columns = (
        artifact.changed, reference.changed, artifact.pixels,
        artifact.delta_e00, reference.delta_e00, artifact.delta_e00_pixels,
    )  # fmt: skip
    return np.stack(columns, 1).ravel()


def excess(totals: Counts) -> NDArray[np.float64]:
    """The artifact's flicker minus the reference's over all changes: (resamples, columns) to (resamples,)."""
    changed, reference, pixels = totals.reshape(len(totals), len(CHANGES), -1).sum(1).T[:3]
    return ratio(changed - reference, pixels)


def stability_of(resamples: Resamples) -> Stability | None:
    """The record of an artifact's flicker; None if no photo was counted."""
    if resamples.photos == 0:
        return None
    table = resamples.totals[0].reshape(len(CHANGES), COLUMNS_PER_CHANGE)
    changed, reference, pixels = table.sum(0)[:3]
    return Stability(
        photos=resamples.photos,
        flicker=float(changed / pixels),
        flicker_reference=float(reference / pixels),
        excess=float((changed - reference) / pixels),
        excess_ci95=resamples.interval(excess),
        changes=tuple(_row(change, *map(int, row)) for change, row in zip(CHANGES, table, strict=True)),
    )


def _row(
    change: str, changed: int, reference: int, pixels: int, own: int, its: int, drawn: int
) -> StabilityRow:
    means = (own / drawn / DELTA_E_STEPS, its / drawn / DELTA_E_STEPS) if drawn else (None, None)
    return StabilityRow(change, changed / pixels, reference / pixels, *means)


Pair = tuple[int, int, int, int]  # changed labels of pixels, ΔE2000 in steps of pixels


def _moved(first: Frame, second: Frame, motion: tuple[int, int]) -> Pair:
    """Two windows that are `motion` (down, right) apart, compared where they show the same."""
    (own, later) = (_overlap(first, motion), _overlap(second, (-motion[0], -motion[1])))
    changed = _changed(own.labels, later.labels)
    if own.styled is None or later.styled is None:
        return (*changed, 0, 0)
    difference = delta_e00(own.styled, later.styled)
    return (*changed, int(np.rint(difference * DELTA_E_STEPS).sum()), difference.size)


def _overlap(frame: Frame, motion: tuple[int, int]) -> Frame:
    """The part of a frame that a window `motion` away shows as well, without borders."""
    (height, width), (down, right) = frame.labels.shape, motion
    part = (
        slice(BORDER_PX + max(down, 0), height - BORDER_PX + min(down, 0)),
        slice(BORDER_PX + max(right, 0), width - BORDER_PX + min(right, 0)),
    )
    return Frame(frame.labels[part], None if frame.styled is None else frame.styled[part])


def _zoomed(first: Frame, second: Frame) -> Pair:
    """A window and its zoomed middle: each pixel of the second against the pixel of the first that holds its centre."""
    rows, columns = (
        np.floor(ZOOM_PX + (np.arange(side) + 0.5) * (side - 2 * ZOOM_PX) / side).astype(np.intp)
        for side in first.labels.shape
    )
    inner = slice(BORDER_PX, -BORDER_PX)
    return (*_changed(first.labels[np.ix_(rows, columns)][inner, inner], second.labels[inner, inner]), 0, 0)


def _unmoved(first: Frame, second: Frame) -> Pair:
    return (*_changed(first.labels, second.labels), 0, 0)


def _changed(first: Labels, second: Labels) -> tuple[int, int]:
    return int((first != second).sum()), first.size
