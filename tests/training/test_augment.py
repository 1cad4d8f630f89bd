"""Augmentation keeps pictures and labels together, and left apart from right."""

import numpy as np
import pytest

from edgekit.scores.metrics import IGNORE
from edgekit.training.augment import Augmentation, Detail, Lattice, Mirror, mirror_table

NAMES = ("Background", "Left-arm", "Face", "Right-arm", "Left-over")
RNG = np.random.default_rng(5)
IMAGE = RNG.integers(0, 256, (6, 6, 3)).astype(np.uint8)
LABELS = np.array([[1, 1, 0, 2, 3, 0]] * 6, np.uint8)


def test_mirror_table_swaps_sides_and_keeps_the_rest() -> None:
    table = mirror_table(NAMES)
    assert table[:5].tolist() == [0, 3, 2, 1, 4]  # Left-over has no Right-over
    assert table[IGNORE] == IGNORE


def test_a_mirrored_left_arm_is_a_right_arm() -> None:
    mirrored = Mirror(mirror_table(NAMES), p=1)(image=IMAGE, mask=LABELS)
    assert np.array_equal(mirrored["image"], IMAGE[:, ::-1])
    assert mirrored["mask"][0].tolist() == [0, 1, 2, 0, 3, 3]


def test_the_lattice_stays_on_the_person_and_hides_labels() -> None:
    labels = np.zeros((80, 60), np.uint8)
    labels[10:70, 20:50] = 2
    image = np.full((80, 60, 3), 9, np.uint8)
    lattice = Lattice(p=1)
    lattice.set_random_seed(1)
    changed = lattice(image=image, mask=labels)
    bars = changed["mask"] == IGNORE
    assert np.array_equal(bars, (changed["image"] != 9).any(2))
    assert 0.05 < bars[10:70, 20:50].mean() < 0.6
    assert not bars[:10].any() and not bars[:, :20].any() and not bars[70:].any()


def test_the_lattice_is_turned_by_any_angle_or_stands() -> None:
    labels = np.full((90, 90), 2, np.uint8)
    image = np.zeros((90, 90, 3), np.uint8)
    for degrees, whole_rows in ((0, True), (90, False)):
        lattice, rows = Lattice(p=1, degrees=degrees), []
        for seed in range(1, 6):
            lattice.set_random_seed(seed)
            bars = lattice(image=image, mask=labels)["mask"] == IGNORE
            assert 0.05 < bars.mean() < 0.5
            rows.append(bool(bars.all(axis=1).any()))
        assert rows == [whole_rows] * 5


def test_hues_are_turned_round_the_full_circle() -> None:
    import colorsys

    image, labels = np.full((8, 8, 3), (200, 60, 40), np.uint8), np.ones((8, 8), np.uint8)
    augment, hues = Augmentation(mirror_table(NAMES)), []
    for seed in range(0, 8000, 10):
        r, g, b = augment(image, labels, image, 1.0, seed)[0][4, 4] / 255
        hue, saturation, _ = colorsys.rgb_to_hsv(r, g, b)
        if saturation > 0.3:
            hues.append(hue)
    counts = np.histogram(hues, bins=6, range=(0, 1))[0]
    assert counts.min() >= 3 and counts[0] + counts[5] > 0.8 * len(hues)


def test_the_lattice_leaves_an_empty_street_alone() -> None:
    image, labels = np.full((40, 30, 3), 9, np.uint8), np.zeros((40, 30), np.uint8)
    changed = Lattice(p=1)(image=image, mask=labels)
    assert np.array_equal(changed["image"], image) and not changed["mask"].any()


def test_detail_sharpens_a_blurred_frame_and_keeps_its_colours() -> None:
    frame = np.full((64, 64, 3), 120, np.uint8)
    photo = RNG.integers(80, 160, (24, 40, 3)).astype(np.uint8)  # smaller than the frame: it is mirrored on
    detail = Detail(p=1)
    detail.set_random_seed(3)
    changed = detail(image=frame, photo=photo, enlargement=3.0)["image"]
    assert changed.std() > 5
    assert abs(changed.mean() - 120) < 1
    plain = detail(image=frame, photo=np.full((24, 40, 3), 200, np.uint8), enlargement=3.0)["image"]
    assert np.array_equal(plain, frame)  # nothing fine in it, nothing of its colour


def test_detail_replaces_what_enlarging_took_and_no_more() -> None:
    frame = np.full((64, 64, 3), 120, np.uint8)
    photo = RNG.integers(80, 160, (64, 64, 3)).astype(np.uint8)
    spread = []
    for enlargement in (0.5, 1.0, 1.5, 2.0, 4.0):
        detail = Detail(p=1)
        detail.set_random_seed(3)
        spread.append(detail(image=frame, photo=photo, enlargement=enlargement)["image"].std())
    assert spread[0] == spread[1] == 0
    assert spread[2] == pytest.approx(spread[3] / 2, rel=0.05)
    assert spread[4] == spread[3]


def test_a_seed_decides_everything_whatever_came_before() -> None:
    image = RNG.integers(0, 256, (64, 64, 3)).astype(np.uint8)
    labels = RNG.integers(0, 5, (64, 64)).astype(np.uint8)
    augment = Augmentation(mirror_table(NAMES))
    first = augment(image, labels, image, 1.0, 11)
    other = augment(image, labels, image, 1.0, 12)
    again = augment(image, labels, image, 1.0, 11)
    assert np.array_equal(first[0], again[0]) and np.array_equal(first[1], again[1])
    assert not np.array_equal(first[0], other[0])


@pytest.mark.slow
def test_transforms_do_not_roll_the_same_number() -> None:
    """With one seed for all, a rare transform would fire only together with every more likely one."""
    image = np.full((16, 16, 3), 90, np.uint8)
    labels = np.tile(np.array([1, 2, 2, 2], np.uint8), (16, 4))
    augment = Augmentation(mirror_table(NAMES))
    mirrored, barred = [], []
    for seed in range(0, 4000, 10):
        changed = augment(image, labels, image, 1.0, seed)[1]
        barred.append(bool((changed == IGNORE).any()))
        mirrored.append(bool((changed[changed != IGNORE] == 3).any()))
    assert 0.4 < np.mean(mirrored) < 0.6
    assert 0.02 < np.mean(barred) < 0.09
    both = np.array(mirrored)[np.array(barred)]
    assert 0 < both.mean() < 1
