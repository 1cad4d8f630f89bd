"""Copy-paste augmentation: the labelled person in front of another photo (Ghiasi et al., arXiv 2012.07177).

Parsing data sets show one upright person in the middle of a street. People photograph two, at the edge of the frame,
indoors and in front of blurred backgrounds; a network trained on streets alone labels whatever it does not know as
background.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from edgekit.scores.metrics import IGNORE
from edgekit.training.framing import persons

CROWD_CHANCE = 0.2  # of a composite with another labelled person behind
SCENE_CHANCE = 0.3  # of a composite with a piece of another photo, without its person, behind
SIDEWAYS, DOWN = 0.4, 0.3  # largest shifts of the person, as fractions of the frame's sides
BLUR_CHANCE, BLUR_SIGMA = 0.5, (1.0, 40.0)  # px: portrait lenses and portrait modes
TINT = (0.6, 1.4)  # gain of each channel: painted walls, curtains, evening light
SCENE_MIN_PX = 24  # below this a stretched piece is a smear
EDGE_SIGMA = 0.6  # px of the photo: about the blur of its own edges
HAIRCUT_CHANCE = 0.5
HAIRCUT_FROM = 0.35  # fraction of the face's height from its top: the height of the ears


@dataclass(frozen=True)
class Scene:
    """A framed photo, stretched: (H, W, 3) uint8 RGB and (H, W) labels."""

    image: NDArray[np.uint8]
    labels: NDArray[np.uint8]


def empty_piece(
    photo: NDArray[np.uint8], labels: NDArray[np.uint8], rng: np.random.Generator
) -> NDArray[np.uint8] | None:
    """The wider strip beside the person in an (H, W, 3) photo, rotated by a random multiple of 90°.

    Returns None if the person fills the photo; the whole photo if no person is labelled.
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
    """A backdrop from an (H, W, 3) picture without people: tinted, often out of focus."""
    if rng.random() < BLUR_CHANCE:
        sigma = float(np.exp(rng.uniform(*np.log(BLUR_SIGMA))))
        image = np.asarray(cv2.GaussianBlur(image, (0, 0), sigma), np.uint8)
    tinted = np.clip(np.rint(image * rng.uniform(*TINT, 3)), 0, 255).astype(np.uint8)
    return Scene(tinted, np.zeros(image.shape[:2], np.uint8))


def pasted(front: Scene, back: Scene, edge_px: float, rng: np.random.Generator) -> Scene:
    """The person in `front`, moved at random, pasted onto `back`. edge_px: blur of the outline, in pixels.

    Unlabelled pixels of `front` (`IGNORE`) are pasted too. A person who is cut by an edge of the frame is only moved
    along that edge or further beyond it.
    """
    right, down = _shift(persons(front.labels), rng)
    image, labels = _moved(front.image, right, down), _moved(front.labels, right, down)
    mask = labels > 0
    alpha = cv2.GaussianBlur(mask.astype(np.float32), (0, 0), edge_px)[..., None]
    mixed = alpha * image.astype(np.float32) + (1 - alpha) * back.image
    return Scene(np.rint(mixed).astype(np.uint8), np.where(mask, labels, back.labels))


def _shift(mask: NDArray[np.bool_], rng: np.random.Generator) -> tuple[int, int]:
    """A random shift of the person, (right, down) in pixels."""
    height, width = mask.shape
    at_left, at_right, at_top = mask[:, 0].any(), mask[:, -1].any(), mask[0].any()
    right = rng.uniform(-SIDEWAYS * (not at_right), SIDEWAYS * (not at_left))
    down = rng.uniform(0, DOWN * (not at_top))
    return round(right * width), round(down * height)


def _moved(array: NDArray[np.uint8], right: int, down: int) -> NDArray[np.uint8]:
    """The (H, W) or (H, W, 3) array moved by whole pixels, filled up with zeros."""
    matrix = np.array([[1, 0, right], [0, 1, down]], np.float32)
    size = (array.shape[1], array.shape[0])
    return np.asarray(cv2.warpAffine(array, matrix, size, flags=cv2.INTER_NEAREST), np.uint8)


def haircut(labels: NDArray[np.uint8], hair: Sequence[int], face: Sequence[int]) -> NDArray[np.uint8]:
    """The labels with the hair beside the face as background, where `pasted` shows the backdrop.

    Hair further down stays in the picture, on the clothes that it covers, and becomes `IGNORE`. In data sets where
    nearly everybody has long hair, a network learns that hair which ends above the ears is a hat.
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
