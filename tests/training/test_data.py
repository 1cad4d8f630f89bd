"""The data check names what is wrong; the split and the samples depend on nothing but names and seed."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from edgekit.errors import CalibrationError
from edgekit.training.data import Pair, checked_folder, class_names_of, read_class_names, split
from edgekit.training.label_sets import LabelSets
from edgekit.training.samples import Drawn, TrainingSet, batches
from tests.support.checkpoints import ATR_CLASSES
from tests.training.toy import HEIGHT, SIZE, WIDTH, checked, write_partial_set, write_set


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_set(tmp_path / "set", 6)


def test_sound_data_is_counted(folder: Path) -> None:
    data = checked(folder)
    assert len(data.pairs) == 6 and data.problems == ()
    assert data.pixels.sum() == 6 * HEIGHT * WIDTH
    assert data.pixels[11] == 6 * 14 * 12  # the faces
    assert "no label holds Hat" in " ".join(data.sentences())


def test_every_kind_of_damage_is_named_and_left_out(folder: Path) -> None:
    labels = folder / "labels"
    (labels / "toy00.png").unlink()
    Image.fromarray(np.ones((HEIGHT, WIDTH + 1), np.uint8)).save(labels / "toy01.png")
    Image.fromarray(np.full((HEIGHT, WIDTH), 77, np.uint8)).save(labels / "toy02.png")
    Image.fromarray(np.zeros((HEIGHT, WIDTH), np.uint8)).save(labels / "toy03.png")
    (folder / "images" / "toy04.png").write_bytes(b"no picture")
    Image.fromarray(np.ones((HEIGHT, WIDTH, 3), np.uint8)).save(labels / "toy06.png")
    Image.fromarray(np.ones((HEIGHT, WIDTH, 3), np.uint8)).save(folder / "images" / "toy06.png")
    Image.fromarray(np.ones((HEIGHT, WIDTH), np.uint8)).save(labels / "stray.png")
    data = checked(folder)
    assert [pair.image.name for pair in data.pairs] == ["toy05.png"]
    found = {problem.reason: problem.files for problem in data.problems}
    assert found["photo without a label"] == ("toy00.png",)
    assert found["label without a photo"] == ("stray.png",)
    assert found["label of another size"] == (f"toy01.png (91×{HEIGHT}, its photo 90×{HEIGHT})",)
    assert found["label value not in the class list"] == ("toy02.png (77)",)
    assert found["empty label"] == ("toy03.png",)
    assert found["unreadable"][0].startswith("toy04.png (")
    assert found["unreadable"][1].startswith("toy06.png (is a label image of 8-bit RGB")
    assert "1 left out, empty label: toy03.png" in data.sentences()


def test_a_mask_of_unlabelled_pixels_only_is_empty(folder: Path) -> None:
    Image.fromarray(np.full((HEIGHT, WIDTH), 255, np.uint8)).save(folder / "labels" / "toy03.png")
    assert [p.reason for p in checked(folder).problems] == ["empty label"]


def test_nothing_usable_is_an_error_that_says_why(folder: Path) -> None:
    for label in (folder / "labels").iterdir():
        Image.fromarray(np.zeros((HEIGHT, WIDTH), np.uint8)).save(label)
    with pytest.raises(CalibrationError, match=r"6 left out, empty label: toy00\.png.* and 1 more"):
        checked(folder)


def test_class_names_from_the_folder_or_the_one_above(folder: Path) -> None:
    assert read_class_names(folder) == ATR_CLASSES
    (folder / "classes.json").rename(folder.parent / "classes.json")
    assert read_class_names(folder) == ATR_CLASSES
    (folder.parent / "classes.json").write_text(json.dumps({"Background": 0}))
    with pytest.raises(CalibrationError, match="JSON list of at least two class names"):
        read_class_names(folder)
    (folder.parent / "classes.json").unlink()
    with pytest.raises(CalibrationError, match=r"no classes\.json"):
        read_class_names(folder)


def test_the_split_follows_the_names_not_the_order() -> None:
    pairs = [Pair(Path(f"a/p{i}.jpg"), Path(f"b/p{i}.png")) for i in range(30)]
    training, validation = split(pairs)
    assert len(validation) == 2 and not set(training) & set(validation)
    assert set(split(pairs[::-1])[1]) == set(validation)
    moved = [Pair(Path("elsewhere") / p.image.name, p.label) for p in pairs]
    assert {p.image.stem for p in split(moved)[1]} == {p.image.stem for p in validation}
    with pytest.raises(CalibrationError, match="has one photo to train on; two are needed"):
        split(pairs[:1])


def test_samples_repeat_with_the_epoch_and_differ_between_epochs(folder: Path) -> None:
    samples = TrainingSet([Drawn(checked(folder).pairs)], LabelSets.of(ATR_CLASSES), [SIZE], seed=3)
    samples.epoch = 1
    image, labels = samples[2, SIZE]
    assert image.shape == (3, 128, 128) and image.dtype == torch.uint8
    assert labels.shape == (32, 32) and labels.dtype == torch.int64
    samples[4, SIZE]
    again = samples[2, SIZE]
    assert torch.equal(image, again[0]) and torch.equal(labels, again[1])
    samples.epoch = 2
    assert not torch.equal(image, samples[2, SIZE][0])


def test_batches_repeat_and_the_short_last_one_is_dropped(folder: Path) -> None:
    samples = TrainingSet([Drawn(checked(folder).pairs)], LabelSets.of(ATR_CLASSES), [SIZE], seed=3)
    first, again, other = ([x.sum().item() for x, _ in batches(samples, e, 4, 0)] for e in (1, 1, 2))
    assert len(first) == 1 and first == again and first != other


# -- labels that stand for sets of classes ----------------------------------------------------------------------


@pytest.fixture
def partial(tmp_path: Path) -> Path:
    return write_partial_set(tmp_path / "partial", 6)


def test_partial_labels_are_counted_by_their_scheme(partial: Path) -> None:
    data = checked_folder(partial, ATR_CLASSES, weight=2.0)
    assert (len(data.pairs), data.problems, data.samples) == (6, (), 12.0)
    assert data.values.sum() == 6 * HEIGHT * WIDTH and data.values[20] == 6 * 14 * 12
    assert data.pixels[11] == 6 * 14 * 12 and data.pixels[14] == 0  # an arm is left or right
    assert data.absent == ()
    assert data.sentences() == ["6 photos with labels, 5 label values"]


def test_partial_labels_lie_above_the_folder_too(partial: Path) -> None:
    (partial / "labels.json").rename(partial.parent / "labels.json")
    assert checked_folder(partial, ATR_CLASSES).scheme is not None


def test_damage_to_partial_labels_is_named(partial: Path) -> None:
    labels = partial / "labels"
    Image.fromarray(np.full((HEIGHT, WIDTH), 3, np.uint8)).save(labels / "toy00.png")
    Image.fromarray(np.full((HEIGHT, WIDTH), 30, np.uint8)).save(labels / "toy01.png")  # nobody for certain
    Image.fromarray(np.full((HEIGHT, WIDTH), 40, np.uint8)).save(labels / "toy02.png")
    Image.fromarray(np.full((HEIGHT, WIDTH - 1), 20, np.uint8)).save(labels / "toy03.png")
    data = checked_folder(partial, ATR_CLASSES)
    found = {problem.reason: problem.files for problem in data.problems}
    assert found == {
        "label value not in labels.json": ("toy00.png (3)",),
        "empty label": ("toy01.png", "toy02.png"),
        "label of another size": (f"toy03.png ({WIDTH - 1}×{HEIGHT}, its photo {WIDTH}×{HEIGHT})",),
    }


def test_photos_of_nobody_need_a_scheme_that_knows_only_the_background(folder: Path) -> None:
    for label in (folder / "labels").iterdir():
        Image.fromarray(np.zeros((HEIGHT, WIDTH), np.uint8)).save(label)
    (folder / "labels.json").write_text('{"0": ["Background"]}')
    assert len(checked_folder(folder, ATR_CLASSES).pairs) == 6


def test_the_class_list_is_that_of_the_folders_that_have_one(folder: Path, partial: Path) -> None:
    assert class_names_of([partial], ("A", "B")) == ("A", "B")
    assert class_names_of([partial, folder], ("A", "B")) == ATR_CLASSES
    other = write_set(folder.parent / "other", 2)
    (other / "classes.json").write_text('["Background", "Face"]')
    with pytest.raises(CalibrationError, match="have different class lists"):
        class_names_of([folder, partial, other], ATR_CLASSES)
    (partial / "labels.json").unlink()
    with pytest.raises(CalibrationError, match=r"no classes\.json"):
        class_names_of([folder, partial], ATR_CLASSES)


def test_a_loop_of_links_has_no_class_list(tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    with pytest.raises(CalibrationError, match=r"no classes\.json"):
        class_names_of([tmp_path / "loop"], ATR_CLASSES)
