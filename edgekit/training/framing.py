"""Frames cut out of a labelled photo, from the whole photo to a head shot.

People photograph each other from nearer than the full-body photos of parsing data sets. Training draws frames of
every scale; validation and benchmarks use three fixed ones, placed by the labels alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from edgekit.images import MOST_ASPECT_CHANGE
from edgekit.scores.metrics import IGNORE

HEAD_CLASSES = ("hat", "hair", "face")  # as ATR, LIP and CIHP spell them, in lower case
PERSON_MIN_PX = 50  # fewer labelled pixels are an annotation error, not a person
HEAD_MIN_PX = 10
FRAME_MIN_PX = 24  # below this a stretched frame is a smear

# Share of the person's height in each kind of training frame, and how often each kind is drawn. A head is
# 1/8 to 1/7 of a standing person (artists' canon): 0.07 is half a face, 0.14 a head shot, 0.28 head and shoulders.
WHOLE_CHANCE, WHOLE_SHARE = 0.35, (0.75, 1.0)  # share of the photo, not of the person
HALF_BODY_CHANCE, HALF_BODY_SHARE = 0.25, (0.4, 0.75)
HEAD_CHANCE, HEAD_SHARE = 0.33, (0.07, 0.4)
ANYWHERE_SHARE = (0.3, 1.0)
HEADS = 7  # in a standing person, at least
ROOM_ABOVE = (-0.08, 0.3)  # of the frame's height, above the head; a close-up may cut into the hair
ASPECT = (0.5, 1.8)  # width / height: 9:16 and 16:9 phones, and what stretching does to both
SIDEWAYS = (-0.25, 0.25)  # of the frame's width, away from the head's centre
FREE_SHARE = (
    0.4,
    1.0,
)  # share of the photo's sides where no head can be placed: data of portraits and close-ups

T = TypeVar("T", bound=np.generic)


@dataclass(frozen=True)
class Frame:
    """A rectangle of a photo, in whole pixels."""

    top: int
    left: int
    height: int
    width: int

    def of(self, array: NDArray[T]) -> NDArray[T]:
        """The rectangle cut out of (H, W) labels or an (H, W, 3) picture."""
        return array[self.top : self.top + self.height, self.left : self.left + self.width]

    def shaped(self, aspect: float, rng: np.random.Generator) -> Frame:
        """The frame, cut until an input of this width / height shows it stretched, not letterboxed.

        A wide frame loses columns on both sides at random; a tall one loses rows below, for heads are above.
        """
        narrowest, widest = aspect / MOST_ASPECT_CHANGE, aspect * MOST_ASPECT_CHANGE
        height = min(self.height, max(1, int(self.width / narrowest)))
        width = min(self.width, max(1, int(self.height * widest)))
        return Frame(self.top, self.left + int(rng.integers(self.width - width + 1)), height, width)


@dataclass(frozen=True)
class Subject:
    """The labelled person: rows `top`…`bottom` (inclusive) and the column of the head's centre."""

    top: int
    bottom: int
    head_x: float

    @property
    def height(self) -> int:
        return self.bottom - self.top + 1


def head_classes(names: Sequence[str]) -> tuple[int, ...]:
    """Indices of HEAD_CLASSES in the class list; empty if it has none of them."""
    return indices_of(names, HEAD_CLASSES)


def indices_of(names: Sequence[str], wanted: Sequence[str]) -> tuple[int, ...]:
    """Indices of the classes whose names, in lower case, are among `wanted`."""
    return tuple(i for i, name in enumerate(names) if name.lower() in wanted)


def persons(labels: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """(H, W), true on pixels labelled as a person or clothes: neither background nor unlabelled."""
    somebody: NDArray[np.bool_] = (labels > 0) & (labels != IGNORE)
    return somebody


def subject_of(labels: NDArray[np.uint8], head: Sequence[int]) -> Subject | None:
    """The person in (H, W) labels; None for fewer than PERSON_MIN_PX labelled pixels.

    Without a labelled head, `head_x` is the centre of the person.
    """
    rows, columns = np.nonzero(persons(labels))
    if len(rows) < PERSON_MIN_PX:
        return None
    head_columns = np.nonzero(np.isin(labels, head))[1]
    centre = head_columns if len(head_columns) > HEAD_MIN_PX else columns
    return Subject(int(rows.min()), int(rows.max()), float(centre.mean()))


def whole(labels: NDArray[np.uint8], subject: Subject) -> Frame:
    """The frame of the whole photo."""
    return Frame(0, 0, *labels.shape)


def half_body(labels: NDArray[np.uint8], subject: Subject) -> Frame:
    """Head to hips: the upper 55 % of the person, a twelfth of that above the head, 4:5, head centred."""
    return _placed(labels.shape, subject, share=0.55, room_above=1 / 12, aspect=0.8)


def head_and_shoulders(labels: NDArray[np.uint8], subject: Subject) -> Frame:
    """A portrait: a square of 28 % of the person's height, 15 % of it above the head, head centred."""
    return _placed(labels.shape, subject, share=0.28, room_above=0.15, aspect=1.0)


# The fixed frames of every evaluation.
FIXED_FRAMES: Mapping[str, Callable[[NDArray[np.uint8], Subject], Frame]] = {
    "whole": whole,
    "half_body": half_body,
    "head_and_shoulders": head_and_shoulders,
}


def training_frame(
    labels: NDArray[np.uint8], head: Sequence[int], face: Sequence[int], rng: np.random.Generator
) -> Frame:
    """A random frame, from the whole photo to a head shot."""
    subject = subject_of(labels, head)
    if subject is not None:
        subject = _standing(subject, labels, head, face)
    kind = rng.random()
    if subject is None or kind < WHOLE_CHANCE:
        return _anywhere(labels.shape, float(rng.uniform(*WHOLE_SHARE)), rng)
    if kind < WHOLE_CHANCE + HALF_BODY_CHANCE:
        share, from_head = rng.uniform(*HALF_BODY_SHARE), True
    elif kind < WHOLE_CHANCE + HALF_BODY_CHANCE + HEAD_CHANCE:
        share, from_head = rng.uniform(*HEAD_SHARE), True
    else:
        share, from_head = rng.uniform(*ANYWHERE_SHARE), False
    # A frame that does not start at the head slides down the person: legs, hips, feet without a face.
    slide = 0.0 if from_head else float(rng.uniform(0, max(0.0, 1 - share)))
    return _placed(
        labels.shape,
        subject,
        share=float(share),
        room_above=_room_above(float(share), rng) if from_head else 0.0,
        aspect=float(np.exp(rng.uniform(*np.log(ASPECT)))),
        sideways=float(rng.uniform(*SIDEWAYS)),
        slide=slide,
    )


def free_frame(shape: tuple[int, ...], rng: np.random.Generator) -> Frame:
    """A random frame of a photo whose labels cannot place a head: at any place, of any aspect in ASPECT."""
    share = float(rng.uniform(*FREE_SHARE))
    aspect = float(np.exp(rng.uniform(*np.log(ASPECT))))
    area = share**2 * shape[0] * shape[1]
    height, width = (
        max(FRAME_MIN_PX, round(side)) for side in ((area / aspect) ** 0.5, (area * aspect) ** 0.5)
    )
    height, width = min(height, shape[0]), min(width, shape[1])
    top, left = (int(rng.integers(of - side + 1)) for of, side in ((shape[0], height), (shape[1], width)))
    return Frame(top, left, height, width)


def _room_above(share: float, rng: np.random.Generator) -> float:
    """A random distance from the frame's upper edge to the top of the head, as a fraction of the frame's height.

    A frame smaller than the head may lie anywhere on it, down to the chin: the distance is negative.
    """
    least, most = ROOM_ABOVE
    return float(rng.uniform(min(least, 1 - 1 / (HEADS * share)), most))


def _standing(
    subject: Subject, labels: NDArray[np.uint8], head: Sequence[int], face: Sequence[int]
) -> Subject:
    """The person at full height: if the photo's lower edge cuts them off, HEADS times the height of the head.

    Frames are fractions of that height, so a portrait is not framed as if it showed the feet. The head ends at the
    chin, however long the hair is; without a labelled face it ends with the hair.
    """
    if subject.bottom < labels.shape[0] - 1:
        return subject
    rows = np.flatnonzero(np.isin(labels, head).any(1))
    if rows.size < HEAD_MIN_PX:
        return subject
    chin = np.flatnonzero(np.isin(labels, face).any(1))
    if chin.size >= HEAD_MIN_PX:
        rows = rows[rows <= chin[-1]]
    return replace(subject, bottom=max(subject.bottom, subject.top + HEADS * int(rows[-1] - rows[0] + 1)))


def _placed(
    shape: tuple[int, ...],
    subject: Subject,
    *,
    share: float,
    room_above: float,
    aspect: float,
    sideways: float = 0.0,
    slide: float = 0.0,
) -> Frame:
    """A frame of `share` times the person's height around the head, moved and clipped to lie inside the photo.

    room_above: from the frame's upper edge to the top of the head, as a fraction of the frame's height. aspect:
    width / height. sideways: shift as a fraction of the frame's width. slide: shift down the person as a fraction of
    their height.
    """
    height = max(FRAME_MIN_PX, round(subject.height * share))
    width = max(FRAME_MIN_PX, round(height * aspect))
    top = subject.top + slide * subject.height - room_above * height
    left = subject.head_x + sideways * width - width / 2
    return _inside(shape, top, left, height, width)


def _anywhere(shape: tuple[int, ...], share: float, rng: np.random.Generator) -> Frame:
    """A frame with `share` times the photo's sides, placed at random."""
    height, width = (max(1, int(side * share)) for side in shape[:2])
    return Frame(
        int(rng.integers(shape[0] - height + 1)), int(rng.integers(shape[1] - width + 1)), height, width
    )


def _inside(shape: tuple[int, ...], top: float, left: float, height: int, width: int) -> Frame:
    height, width = min(height, shape[0]), min(width, shape[1])
    return Frame(
        int(np.clip(top, 0, shape[0] - height)), int(np.clip(left, 0, shape[1] - width)), height, width
    )
