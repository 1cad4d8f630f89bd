"""The labelled person before another photo: copy-paste (Ghiasi et al., arXiv 2012.07177).

Parsing data show one person, upright, in the middle of a street. People take pictures of two, at the edge of the
frame, indoors and before blurred backgrounds, and a network that has only seen streets takes what it does not
know for the person's surroundings.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from edgekit.scores.metrics import IGNORE
from edgekit.training.framing import persons

CROWD_CHANCE = 0.2  # before another labelled person
SCENE_CHANCE = 0.3  # before a piece of another photo without its person
SIDEWAYS, DOWN = 0.4, 0.3  # of the frame's side: how far the person is moved at most
BLUR_CHANCE, BLUR_SIGMA = 0.5, (1.0, 40.0)  # px: portrait lenses and portrait modes
TINT = (0.6, 1.4)  # gain of each channel: painted walls, curtains, evening light
SCENE_MIN_PX = 24  # below this a stretched piece is a smear
EDGE_SIGMA = 0.6  # px of the photo: about the blur that its own edges have
HAIRCUT_CHANCE = 0.5
HAIRCUT_FROM = 0.35  # of the face's height, from its top: where ears are


@dataclass(frozen=True)
class Scene:
    """A framed photo, stretched: (size, size, 3) uint8 RGB and (size, size) labels."""

    image: NDArray[np.uint8]
    labels: NDArray[np.uint8]


def empty_piece(
    photo: NDArray[np.uint8], labels: NDArray[np.uint8], rng: np.random.Generator
) -> NDArray[np.uint8] | None:
    """The wider of the strips left and right of the person in an (H, W, 3) photo, turned by some right angles.

    None where the person fills the photo.
    """
    columns = np.flatnonzero(persons(labels).any(0))
    if not columns.size:
        return photo
    strips = photo[:, : columns[0]], photo[:, columns[-1] + 1 :]
    strip = max(strips, key=lambda piece: piece.shape[1])
    if strip.shape[1] < SCENE_MIN_PX:
        return None
    return np.ascontiguousarray(np.rot90(strip, int(rng.integers(4))))


def scenery(image: NDArray[np.uint8], rng: np.random.Generator) -> Scene:
    """A (size, size, 3) picture of nobody as a backdrop: in other colours, often out of focus."""
    if rng.random() < BLUR_CHANCE:
        sigma = float(np.exp(rng.uniform(*np.log(BLUR_SIGMA))))
        image = np.asarray(cv2.GaussianBlur(image, (0, 0), sigma), np.uint8)
    tinted = np.clip(np.rint(image * rng.uniform(*TINT, 3)), 0, 255).astype(np.uint8)
    return Scene(tinted, np.zeros(image.shape[:2], np.uint8))


def pasted(front: Scene, back: Scene, edge_px: float, rng: np.random.Generator) -> Scene:
    """`front`'s person, moved at random, before `back`. `edge_px`: how soft the outline is.

    What nobody labelled in `front` (`IGNORE`) comes along.
    What touches an edge of the frame goes on beyond it, so it stays at that edge or leaves the frame further.
    """
    right, down = _shift(persons(front.labels), rng)
    image, labels = _moved(front.image, right, down), _moved(front.labels, right, down)
    mask = labels > 0
    alpha = cv2.GaussianBlur(mask.astype(np.float32), (0, 0), edge_px)[..., None]
    mixed = alpha * image.astype(np.float32) + (1 - alpha) * back.image
    return Scene(np.rint(mixed).astype(np.uint8), np.where(mask, labels, back.labels))


def _shift(mask: NDArray[np.bool_], rng: np.random.Generator) -> tuple[int, int]:
    """(right, down) in px."""
    side = mask.shape[0]
    at_left, at_right, at_top = mask[:, 0].any(), mask[:, -1].any(), mask[0].any()
    right = rng.uniform(-SIDEWAYS * (not at_right), SIDEWAYS * (not at_left))
    down = rng.uniform(0, DOWN * (not at_top))
    return round(right * side), round(down * side)


def _moved(array: NDArray[np.uint8], right: int, down: int) -> NDArray[np.uint8]:
    """By whole pixels; zeros come in."""
    matrix = np.array([[1, 0, right], [0, 1, down]], np.float32)
    size = (array.shape[1], array.shape[0])
    return np.asarray(cv2.warpAffine(array, matrix, size, flags=cv2.INTER_NEAREST), np.uint8)


def haircut(labels: NDArray[np.uint8], hair: Sequence[int], face: Sequence[int]) -> NDArray[np.uint8]:
    """The labels without the hair beside the face: background there, which `pasted` leaves to the backdrop.

    Hair further down stays in the picture, on the clothes it covers, and is `IGNORE` in the labels. Where nearly
    everybody labelled has long hair, hair that ends above the ears would be learned to be a hat.
    """
    rows = np.flatnonzero(np.isin(labels, face).any(1))
    if not rows.size:
        return labels
    top, bottom = rows[0], rows[-1]
    cut = labels.copy()
    beside = cut[top + round(HAIRCUT_FROM * (bottom - top)) : bottom + 1]
    beside[np.isin(beside, hair)] = 0
    below = cut[bottom + 1 :]
    below[np.isin(below, hair)] = IGNORE
    return cut
