"""Labels of sets of classes: numbered once for all folders, mirrored, and counted."""

from __future__ import annotations

import numpy as np
import pytest

from edgekit.errors import CalibrationError
from edgekit.scores.scheme import Scheme
from edgekit.training.data import LabelledData
from edgekit.training.label_sets import LabelSets, class_pixels

NAMES = ("Background", "Hair", "Face", "Left-arm", "Right-arm")


def scheme(*sets: list[int]) -> Scheme:
    return Scheme(NAMES, dict(enumerate(map(frozenset, sets))))


PERSON = scheme([0], [1, 2, 3, 4])
HAIR = scheme([0, 2, 3, 4], [1])
LEFT = scheme([0], [], [2, 3], [4])


def folder(told: Scheme | None, counts: list[int], weight: float = 1.0, photos: int = 4) -> LabelledData:
    values = np.zeros(256, np.int64)
    values[: len(counts)] = counts
    return LabelledData(NAMES, (None,) * photos, values, (), told, "made", weight)  # type: ignore[arg-type]


def test_single_classes_come_first_and_mirror_images_are_there() -> None:
    sets = LabelSets.of(NAMES, [PERSON, LEFT])
    assert sets.sets[:5] == tuple(frozenset([i]) for i in range(5))
    assert set(sets.sets[5:]) == {frozenset([1, 2, 3, 4]), frozenset([2, 3]), frozenset([2, 4])}
    assert sets.members.sum() == 5 + 4 + 2 + 2
    number = {classes: label for label, classes in enumerate(sets.sets)}
    assert sets.mirrored[3] == 4 and sets.mirrored[255] == 255
    assert sets.mirrored[number[frozenset([2, 3])]] == number[frozenset([2, 4])]
    assert sets.from_values(LEFT)[:5].tolist() == [0, 255, number[frozenset([2, 3])], 4, 255]


def test_complete_labels_stay_as_they_are() -> None:
    sets = LabelSets.of(NAMES)
    assert sets.sets == tuple(frozenset([i]) for i in range(5)) and not sets.mixed.any()
    assert sets.from_values(Scheme.of_classes(NAMES))[:6].tolist() == [0, 1, 2, 3, 4, 255]


def test_heads_are_placed_where_labels_show_them_and_the_outline() -> None:
    sets = LabelSets.of(NAMES, [PERSON, HAIR, LEFT])
    assert np.flatnonzero(sets.mixed).tolist() == [sets.sets.index(frozenset([0, 2, 3, 4]))]
    placing = scheme([0], [1], [2])
    told = [LabelSets.of(NAMES, [s]).places_heads(s, (1, 2)) for s in (PERSON, HAIR, LEFT, placing)]
    assert told == [False, False, False, True]


def test_more_sets_than_a_byte_holds_are_refused() -> None:
    names = tuple(str(i) for i in range(30))
    pairs = [[i, j] for i in range(30) for j in range(i)]
    schemes = [Scheme(names, dict(enumerate(map(frozenset, pairs[at : at + 250])))) for at in (0, 200)]
    with pytest.raises(CalibrationError, match="The 30 classes and the 435 sets"):
        LabelSets.of(names, schemes)


def test_pixels_of_one_complete_folder_are_its_own() -> None:
    pixels = class_pixels([folder(None, [1_000_003, 70, 7, 0, 1])], LabelSets.of(NAMES))
    assert pixels.tolist() == [1_000_003, 70, 7, 0, 1]


def test_pixels_of_a_set_are_divided_as_those_of_its_classes() -> None:
    folders = [folder(None, [50, 10, 30, 10, 0]), folder(PERSON, [60, 40])]
    pixels = class_pixels(folders, LabelSets.of(NAMES, [PERSON]))
    assert pixels == pytest.approx([110, 10 + 40 / 5, 30 + 40 * 3 / 5, 10 + 40 / 5, 0])
    alone = class_pixels([folder(PERSON, [60, 40])], LabelSets.of(NAMES, [PERSON]))
    assert alone == pytest.approx([60, 10, 10, 10, 10])


def test_a_folder_counts_by_its_samples_not_by_the_size_of_its_photos() -> None:
    sets = LabelSets.of(NAMES, [LEFT])
    large = folder(None, [9000, 1000, 0, 0, 0])
    small = folder(LEFT, [0, 500, 0, 10])  # the 500 do not count
    even = class_pixels([large, small], sets)
    assert even[4] == pytest.approx(even[:2].sum())
    thrice = class_pixels([large, folder(LEFT, [0, 500, 0, 10], weight=3)], sets)
    assert thrice[4] == pytest.approx(3 * thrice[:2].sum())
