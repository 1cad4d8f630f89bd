"""labels.json: what label values stand for, and the sentence for each file that is none."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest

from edgekit.errors import CalibrationError
from edgekit.images import Folder, require_class_indices
from edgekit.scores.scheme import Scheme, read_scheme, scheme_of
from tests.support.checkpoints import ATR_CLASSES

NAMES = ("Background", "Hair", "Face", "Left-arm", "Right-arm")
WRITTEN = {
    "0": ["Background"],
    "3": ["Face"],
    "7": ["Left-arm", "Right-arm"],
    "9": ["Background", "Hair"],
    "200": None,
}


def written(folder: Path, value: object) -> Path:
    file = folder / "labels.json"
    file.write_text(json.dumps(value))
    return file


@pytest.fixture
def scheme(tmp_path: Path) -> Scheme:
    return read_scheme(written(tmp_path, WRITTEN), NAMES)


def test_values_stand_for_sets_of_classes(scheme: Scheme) -> None:
    assert scheme.sets == {0: {0}, 3: {2}, 7: {3, 4}, 9: {0, 1}, 200: set()}
    assert scheme.members.shape == (256, 5) and scheme.members.sum() == 6
    assert np.flatnonzero(scheme.counted).tolist() == [0, 3, 7, 9]


def test_a_group_is_told_by_values_inside_it(scheme: Scheme) -> None:
    skin, hair = (2, 3, 4), (1,)
    assert np.flatnonzero(scheme.inside(skin)).tolist() == [3, 7]
    assert np.flatnonzero(scheme.outside(skin)).tolist() == [0, 9]
    assert np.flatnonzero(scheme.outside(hair)).tolist() == [0, 3, 7]  # 9 may be hair
    assert scheme.tells(skin) and not scheme.tells(hair) and not scheme.tells(())
    only_arms = Scheme(NAMES, {0: frozenset([0, 1, 2]), 1: frozenset([3, 4])})
    assert not only_arms.tells([1, 2, 3, 4])  # no value is surely nobody


def test_complete_labels_tell_every_class() -> None:
    complete = Scheme.of_classes(NAMES)
    assert np.array_equal(complete.members[:5], np.eye(5, dtype=bool))
    assert all(complete.tells([i]) for i in range(5))
    assert complete.unlisted(np.array([[0, 4, 255]], np.uint8)) is None
    assert complete.unlisted(np.array([[9, 4, 6]], np.uint8)) == 6


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ({"3": ["Face", "Ear"]}, "label value 3 stands for 'Ear', which is no class; known: Background, Hair"),
        ({"3": ["Face", "Face"]}, "label value 3 names a class twice"),
        ({"3": list(NAMES)}, "label value 3 stands for every class, which says nothing; write null"),
        ({"255": ["Face"]}, "label value 255 always means not labelled"),
        ({"3": None}, "no label value stands for a class"),
        ({"3": []}, "label value 3 is not a list of class names or null (expected array of length >= 1)"),
        ({"256": ["Face"]}, "expected int <= 255"),
        ({"-1": ["Face"]}, "expected int >= 0"),
        ({"face": ["Face"]}, "expected int, got str"),
        ({"3": "Face"}, "label value 3 is not a list of class names or null (expected array"),
        ({}, "expected object of length >= 1"),
        (["Background"], "expected object, got array"),
    ],
)  # fmt: skip
def test_what_is_no_scheme_is_named_with_its_value(tmp_path: Path, value: object, words: str) -> None:
    file = written(tmp_path, value)
    with pytest.raises(CalibrationError) as caught:
        read_scheme(file, NAMES)
    assert str(file) in str(caught.value) and words in str(caught.value), caught.value


@pytest.mark.parametrize(
    "text", ['{"3": ["Face"], "3": null}', '{"3": ["Face"], "03": null}', "{", "[" * 9000]
)
def test_text_that_readers_disagree_on_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "labels.json").write_text(text)
    with pytest.raises(CalibrationError, match=r"labels\.json"):
        read_scheme(tmp_path / "labels.json", NAMES)


def test_pipes_folders_dangling_links_and_huge_files_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "labels.json"
    os.mkfifo(file)
    with pytest.raises(CalibrationError, match="is not a regular file"):
        scheme_of(tmp_path, NAMES)
    file.unlink()
    file.mkdir()
    with pytest.raises(CalibrationError, match="is not a regular file"):
        scheme_of(tmp_path, NAMES)
    file.rmdir()
    file.symlink_to(tmp_path / "nowhere")
    with pytest.raises(CalibrationError, match="does not exist"):
        scheme_of(tmp_path, NAMES)
    file.unlink()
    file.write_bytes(b" " * (5 << 20))
    with pytest.raises(CalibrationError, match=r"more than the .* that are allowed"):
        scheme_of(tmp_path, NAMES)


def test_the_nearest_scheme_counts_and_none_is_none(tmp_path: Path) -> None:
    labels = tmp_path / "set" / "train" / "labels"
    labels.mkdir(parents=True)
    assert scheme_of(labels, NAMES) is None
    for value, folder in enumerate((tmp_path / "set", labels.parent, labels)):
        written(folder, {str(value): ["Face"], "9": None})
        found = scheme_of(labels, NAMES)
        assert found is not None and set(found.sets) == {value, 9}
    (tmp_path / "link").symlink_to(labels.parent)
    labels.joinpath("labels.json").unlink()
    labels.parent.joinpath("labels.json").unlink()
    above = scheme_of(tmp_path / "link" / "labels", NAMES)
    assert above is not None and set(above.sets) == {0, 9}


def test_labels_that_must_be_class_indices_are_refused_with_a_scheme(tmp_path: Path) -> None:
    require_class_indices(tmp_path)
    written(tmp_path, WRITTEN)
    with pytest.raises(
        CalibrationError, match=r"labels\.json says that the labels in .* are of another scheme"
    ):
        Folder(tmp_path, tmp_path, 5)


@pytest.mark.shared
def test_the_schemes_of_the_shared_sets_are_read(shared: Path) -> None:
    files = sorted((shared / "data").glob("*/labels.json"))
    assert files
    for file in files:
        assert read_scheme(file, ATR_CLASSES).counted.any(), file
