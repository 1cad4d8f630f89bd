"""People before other photos: labels stay with their pixels, and what an edge cuts stays cut."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from edgekit.scores.metrics import IGNORE
from edgekit.training.composite import Scene, empty_piece, haircut, pasted, scenery
from edgekit.training.framing import persons
from tests.training.toy import FACE, HAIR, PANTS, UPPER, person

SIDE = 96
SEEDS = range(12)


def standing(top: int = 20, left: int = 30, width: int = 20, height: int = 30) -> Scene:
    """Someone red in trousers before grey."""
    labels = np.zeros((SIDE, SIDE), np.uint8)
    labels[top : top + height, left : left + width] = UPPER
    labels[top + height : top + 2 * height, left : left + width] = PANTS
    image = np.full((SIDE, SIDE, 3), 128, np.uint8)
    image[labels == UPPER] = (250, 10, 30)
    image[labels == PANTS] = (90, 20, 10)
    return Scene(image, labels)


def backdrop() -> Scene:
    """Blue, with a green person in the upper left corner and a patch that nobody labelled."""
    image = np.full((SIDE, SIDE, 3), (10, 30, 200), np.uint8)
    labels = np.zeros((SIDE, SIDE), np.uint8)
    image[:40, :30], labels[:40, :30] = (20, 220, 40), FACE
    labels[90:, 90:] = IGNORE
    return Scene(image, labels)


@pytest.mark.parametrize("seed", SEEDS)
def test_labels_stay_with_their_pixels(seed: int) -> None:
    mixed = pasted(standing(), backdrop(), 0.01, np.random.default_rng(seed))
    colours = {UPPER: (250, 10, 30), PANTS: (90, 20, 10), FACE: (20, 220, 40), 0: (10, 30, 200)}
    for label, colour in colours.items():
        assert (mixed.image[mixed.labels == label] == colour).all()
    assert (mixed.labels[90:, 90:] == IGNORE).any()  # at most the person stands before it


def test_what_nobody_labelled_moves_with_the_person() -> None:
    front = standing()
    front.labels[20:24, 30:50] = IGNORE
    mixed = pasted(front, scenery_of_nobody(), 0.01, np.random.default_rng(2))
    assert ((mixed.image == (250, 10, 30)).all(2) == np.isin(mixed.labels, (UPPER, IGNORE))).all()
    assert (mixed.labels == IGNORE).any()


def test_the_person_moves_and_loses_nothing_inside_the_frame() -> None:
    places = set()
    for seed in SEEDS:
        labels = pasted(standing(12, 40, 10, 20), backdrop(), 0.5, np.random.default_rng(seed)).labels
        rows, columns = np.nonzero(labels == UPPER)
        places.add((int(rows.min()), int(columns.min())))
        if columns.min() > 0 and columns.max() < SIDE - 1:
            assert (labels == UPPER).sum() == 10 * 20
    assert len(places) > 6


@pytest.mark.parametrize("seed", SEEDS)
def test_what_an_edge_cuts_off_stays_at_that_edge(seed: int) -> None:
    rng = np.random.default_rng(seed)
    at_the_right = persons(pasted(standing(20, SIDE - 20), scenery_of_nobody(), 0.5, rng).labels)
    assert at_the_right[:, -1].any() or not at_the_right.any()
    at_the_left = persons(pasted(standing(20, 0), scenery_of_nobody(), 0.5, rng).labels)
    assert at_the_left[:, 0].any() or not at_the_left.any()
    close = persons(pasted(standing(0, 0, SIDE, SIDE), scenery_of_nobody(), 0.5, rng).labels)
    assert close.all()


def scenery_of_nobody() -> Scene:
    return Scene(np.zeros((SIDE, SIDE, 3), np.uint8), np.zeros((SIDE, SIDE), np.uint8))


def test_the_outline_is_soft_over_the_blur_of_the_photo() -> None:
    sharp, soft = (
        np.unique(pasted(standing(), scenery_of_nobody(), edge, np.random.default_rng(3)).image[..., 0])
        for edge in (0.01, 2.0)
    )
    assert len(sharp) == 3 and len(soft) > 12


def test_an_empty_piece_shows_nobody() -> None:
    image, labels = person(np.random.default_rng(4))
    marked = image.copy()
    marked[persons(labels)] = (1, 2, 3)
    piece = empty_piece(marked, labels, np.random.default_rng(0))
    assert piece is not None and not (piece == (1, 2, 3)).all(2).any()
    columns = np.flatnonzero(persons(labels).any(0))
    assert max(columns[0], labels.shape[1] - 1 - columns[-1]) in piece.shape[:2]  # the wider side
    assert empty_piece(marked, np.full_like(labels, UPPER), np.random.default_rng(0)) is None
    assert empty_piece(marked, np.zeros_like(labels), np.random.default_rng(0)) is marked


def test_scenery_changes_colours_and_focus_and_labels_nobody() -> None:
    image = np.random.default_rng(1).integers(0, 256, (SIDE, SIDE, 3)).astype(np.uint8)
    scenes = [scenery(image, np.random.default_rng(seed)) for seed in SEEDS]
    contrast = sorted(scene.image[..., 0].std() / scene.image[..., 0].mean() for scene in scenes)
    assert contrast[0] < 0.25 * contrast[-1]  # some are blurred, some are not
    greens = [scene.image[..., 1].mean() / scene.image[..., 0].mean() for scene in scenes]
    assert min(greens) < 0.8 and max(greens) > 1.2
    assert all(scene.image.shape == image.shape and not scene.labels.any() for scene in scenes)


def test_a_haircut_leaves_what_is_above_the_ears() -> None:
    labels = np.zeros((40, 30), np.uint8)
    labels[4:36, 8:22] = HAIR
    labels[10:20, 11:19] = FACE
    cut = haircut(labels, (HAIR,), (FACE,))
    assert _rows(cut, HAIR).tolist() == [*range(4, 13)]
    assert _rows(cut, IGNORE).tolist() == [*range(20, 36)]  # what lies on the shoulders stays, unlabelled
    assert np.array_equal(cut == FACE, labels == FACE)
    faceless = np.where(labels == FACE, 0, labels).astype(np.uint8)
    assert np.array_equal(haircut(faceless, (HAIR,), (FACE,)), faceless)


def _rows(labels: NDArray[np.uint8], index: int) -> NDArray[np.intp]:
    return np.flatnonzero((labels == index).any(1))
