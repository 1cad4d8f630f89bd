"""Which photos an epoch draws, and how photos of partial labels are framed and mixed."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import torch

from edgekit.images import InputSize
from edgekit.training import samples as drawing
from edgekit.training.data import Pair, checked_folder
from edgekit.training.label_sets import LabelSets
from edgekit.training.samples import Drawn, TrainingSet, batches
from tests.support.checkpoints import ATR_CLASSES
from tests.training.toy import FACE, HAIR, SIZE, write_partial_set, write_set

PAIRS = tuple(Pair(Path(f"{i}.jpg"), Path(f"{i}.png")) for i in range(10))


def test_a_weight_of_one_draws_every_photo_once_in_order() -> None:
    assert Drawn(PAIRS).epoch(3, seed=1) == list(PAIRS)


@pytest.mark.parametrize(
    ("weight", "least", "most", "count"), [(2.0, 2, 2, 20), (2.5, 2, 3, 25), (0.3, 0, 1, 3)]
)
def test_a_weight_says_how_often_each_photo_is_drawn(
    weight: float, least: int, most: int, count: int
) -> None:
    for number in range(1, 5):
        drawn = Drawn(PAIRS, weight).epoch(number, seed=1)
        times = Counter(drawn)
        assert len(drawn) == count
        assert all(least <= times[pair] <= most for pair in PAIRS)


def test_parts_of_successive_epochs_go_round_the_folder() -> None:
    folder = Drawn(PAIRS, 0.4)
    five = Counter(pair for number in range(5) for pair in folder.epoch(number, seed=2))
    assert set(five.values()) == {2} and len(five) == 10
    assert folder.epoch(1, seed=2) != folder.epoch(1, seed=3)
    assert Drawn(PAIRS[:2], 0.01).epoch(1, seed=0) != []


@pytest.fixture
def partial(tmp_path: Path) -> TrainingSet:
    data = checked_folder(write_partial_set(tmp_path / "partial", 5), ATR_CLASSES)
    sets = LabelSets.of(ATR_CLASSES, [data.told])
    return TrainingSet([Drawn(data.pairs)], sets, [SIZE], seed=3)


def test_labels_become_those_of_the_sets_and_null_does_not_count(partial: TrainingSet) -> None:
    seen = {int(label) for i in range(len(partial)) for label in partial[i, SIZE][1].unique()}
    hair, other, arms = HAIR, len(ATR_CLASSES), len(ATR_CLASSES) + 1
    assert seen <= {FACE, hair, other, arms, 255} and {hair, other, 255} <= seen
    image, labels = partial[2, SIZE]
    assert torch.equal(partial[2, SIZE][0], image) and torch.equal(partial[2, SIZE][1], labels)


def test_a_person_of_unknown_outline_is_not_cut_out(
    partial: TrainingSet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def cut(*_: object) -> None:
        raise AssertionError("cut out")

    monkeypatch.setattr(drawing, "pasted", cut)
    monkeypatch.setattr(drawing, "training_frame", cut)
    for index in range(len(partial)):
        partial[index, SIZE]
    data = checked_folder(write_set(tmp_path / "whole", 9), ATR_CLASSES)
    monkeypatch.undo()
    monkeypatch.setattr(drawing, "pasted", cut)
    complete = TrainingSet([Drawn(data.pairs)], LabelSets.of(ATR_CLASSES), [SIZE], seed=3)
    with pytest.raises(AssertionError, match="cut out"):
        for index in range(len(complete)):
            complete[index, SIZE]


def test_a_scheme_of_single_classes_gives_the_samples_of_complete_labels(tmp_path: Path) -> None:
    folder = write_set(tmp_path / "set", 4)
    plain = checked_folder(folder, ATR_CLASSES)
    (folder / "labels.json").write_text(json.dumps({str(i): [name] for i, name in enumerate(ATR_CLASSES)}))
    named = checked_folder(folder, ATR_CLASSES)
    assert named.scheme is not None and np.array_equal(named.pixels, plain.pixels)
    sets = LabelSets.of(ATR_CLASSES, [named.told])
    first, second = (TrainingSet([Drawn(data.pairs)], sets, [SIZE], seed=3) for data in (plain, named))
    for index in range(4):
        assert all(torch.equal(a, b) for a, b in zip(first[index, SIZE], second[index, SIZE], strict=True))


@pytest.mark.slow
def test_every_batch_draws_one_of_several_sizes(tmp_path: Path) -> None:
    data = checked_folder(write_set(tmp_path / "set", 12), ATR_CLASSES)
    sizes = [InputSize(128, 128), InputSize(192, 128), InputSize(128, 256)]
    samples = TrainingSet([Drawn(data.pairs)], LabelSets.of(ATR_CLASSES), sizes, seed=3)
    shapes = Counter()
    for epoch in range(1, 7):
        for pixels, labels in batches(samples, epoch, 2, 0):
            height, width = pixels.shape[2:]
            assert labels.shape == (2, height // 4, width // 4)
            shapes[InputSize(height, width)] += 1
    assert sum(shapes.values()) == 6 * 6 and set(shapes) == set(sizes)
    again, other = ([x.shape for x, _ in batches(samples, epoch, 2, 0)] for epoch in (6, 5))
    assert [x.shape for x, _ in batches(samples, 6, 2, 0)] == again != other
