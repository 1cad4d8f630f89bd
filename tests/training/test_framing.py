"""Frames follow the labelled person and stay inside the photo."""

import numpy as np
import pytest
from numpy.typing import NDArray

from edgekit.images import MOST_ASPECT_CHANGE
from edgekit.scores.metrics import IGNORE
from edgekit.training.framing import (
    FIXED_FRAMES,
    Frame,
    head_and_shoulders,
    head_classes,
    subject_of,
    training_frame,
)

HEAD, FACE = (11, 2), (11,)


def photo() -> np.ndarray:
    """(300, 200) labels: someone 200 rows tall from row 50, the head right of the body's centre."""
    labels = np.zeros((300, 200), np.uint8)
    labels[80:250, 60:120] = 4
    labels[50:80, 100:120] = 11
    labels[:, 199] = IGNORE
    return labels


def test_head_classes_by_name() -> None:
    assert head_classes(("Background", "Hair", "Bag", "face", "Hat")) == (1, 3, 4)


def test_the_subject_is_the_labelled_person() -> None:
    subject = subject_of(photo(), HEAD)
    assert subject is not None
    assert (subject.top, subject.bottom, subject.height) == (50, 249, 200)
    assert subject.head_x == 109.5
    faceless = np.where(photo() == 11, 4, photo()).astype(np.uint8)
    other = subject_of(faceless, HEAD)
    assert other is not None and 88 < other.head_x < 92
    assert subject_of(np.zeros((9, 9), np.uint8), HEAD) is None


def test_head_and_shoulders_is_a_square_around_the_head() -> None:
    labels = photo()
    frame = head_and_shoulders(labels, subject_of(labels, HEAD))  # type: ignore[arg-type]
    assert frame == Frame(top=41, left=81, height=56, width=56)  # 0.28 · 200; 50 − 0.15 · 56; 109.5 − 28
    assert FIXED_FRAMES["half_body"](labels, subject_of(labels, HEAD)).height == 110  # type: ignore[arg-type]
    assert FIXED_FRAMES["whole"](labels, subject_of(labels, HEAD)) == Frame(0, 0, 300, 200)  # type: ignore[arg-type]


def test_of_cuts_pictures_and_labels_alike() -> None:
    labels = photo()
    image = np.repeat(labels[..., None], 3, 2)
    frame = Frame(40, 90, 30, 20)
    assert frame.of(labels).shape == (30, 20) and frame.of(image).shape == (30, 20, 3)
    assert np.array_equal(frame.of(image)[..., 0], frame.of(labels))


def test_training_frames_stay_inside_and_reach_from_head_shot_to_whole() -> None:
    labels, heights, with_head = photo(), [], 0
    for seed in range(400):
        frame = training_frame(labels, HEAD, FACE, np.random.default_rng(seed))
        assert frame.top >= 0 and frame.top + frame.height <= 300
        assert frame.left >= 0 and frame.left + frame.width <= 200
        heights.append(frame.height)
        with_head += bool((frame.of(labels) == 11).any())
    assert min(heights) < 0.2 * 200 and max(heights) > 0.95 * 300
    assert 0.25 < np.mean(np.array(heights) < 0.41 * 200) < 0.45
    assert with_head > 320


@pytest.mark.parametrize("aspect", [0.5, 0.75, 4 / 3])
def test_a_frame_of_the_inputs_shape_is_stretched_little(aspect: float) -> None:
    for seed in range(50):
        rng = np.random.default_rng(seed)
        frame = training_frame(photo(), HEAD, FACE, rng)
        shaped = frame.shaped(aspect, rng)
        change = shaped.width / shaped.height / aspect
        assert 0.95 / MOST_ASPECT_CHANGE < change < 1.05 * MOST_ASPECT_CHANGE  # whole pixels
        assert shaped.top == frame.top and shaped.height <= frame.height
        assert frame.left <= shaped.left and shaped.left + shaped.width <= frame.left + frame.width
        assert shaped.height == frame.height or shaped.width == frame.width


def framed_heights(labels: NDArray[np.uint8]) -> list[int]:
    """Of the frames of 400 seeds."""
    return [training_frame(labels, HEAD, FACE, np.random.default_rng(seed)).height for seed in range(400)]


@pytest.mark.slow
def test_a_portrait_is_framed_as_the_upper_part_of_somebody_standing() -> None:
    labels = np.zeros((300, 240), np.uint8)
    labels[30:150, 90:150] = 11  # a head of 120 rows: 840 rows stand
    labels[150:, 30:210] = 4
    heights = framed_heights(labels)
    assert 0.07 * 840 < min(heights) < 1.2 * 0.07 * 840  # `HEAD_SHARE` of those, not of the 270 rows seen
    assert np.mean(np.array(heights) == 300) > 0.33  # what would reach below the photo is the whole of it
    seated = np.vstack([labels[:270], np.zeros((30, 240), np.uint8)])  # ends in the photo: as tall as seen
    assert min(framed_heights(seated)) == 24


@pytest.mark.slow
def test_a_frame_lower_than_the_head_lies_anywhere_on_it() -> None:
    labels = np.zeros((900, 240), np.uint8)
    labels[30:150, 90:150] = 11  # a head of 120 rows
    labels[150:870, 30:210] = 4
    frames = [training_frame(labels, HEAD, FACE, np.random.default_rng(seed)) for seed in range(2000)]
    close = [frame for frame in frames if frame.height < 80]
    assert len(close) > 15
    tops = [frame.top for frame in close]
    assert min(tops) < 30 and max(tops) > 60  # from above the hair to the mouth
    assert all(frame.top + frame.height <= 152 for frame in close)  # the chin


@pytest.mark.slow
def test_hair_below_the_chin_makes_nobody_taller() -> None:
    labels = np.zeros((300, 240), np.uint8)
    labels[30:270, 75:165] = 2
    labels[45:150, 90:150] = 11  # the head is 120 rows, the hair 240
    labels[270:, 30:210] = 4
    lowest = 0.07 * 7 * 120  # `HEAD_SHARE` of somebody standing
    assert lowest < min(framed_heights(labels)) < 1.2 * lowest
    labels[labels == 11] = 2  # seen from behind: all of it
    assert min(framed_heights(labels)) > 1.9 * lowest


def test_an_empty_photo_still_gives_a_frame() -> None:
    frame = training_frame(np.zeros((40, 30), np.uint8), HEAD, FACE, np.random.default_rng(0))
    assert 30 <= frame.height <= 40 and frame.top + frame.height <= 40
