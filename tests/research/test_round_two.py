"""research/round_two.py on toy sets: what is packed, and what training is asked for."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from edgekit.errors import EdgekitError
from edgekit.images import read_image, read_labels
from edgekit.training.data import checked_folder, split
from research import round_two
from research.skin_tones import linked_by_skin_tone
from tests.support.checkpoints import ATR_CLASSES
from tests.training.toy import HEIGHT, WIDTH, write_partial_set, write_set

PHOTOS = {"people": 4, "faces": 3, "portraits": 6}


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Three sets, each with an eval folder that nothing may read."""
    monkeypatch.setattr(round_two, "SETS", {"people": 4, "faces": 2, "portraits": 2})
    for name, count in PHOTOS.items():
        folder = tmp_path / "data" / name
        (write_set if name == "people" else write_partial_set)(folder / "train", count)
        file = "classes.json" if name == "people" else "labels.json"
        (folder / "train" / file).rename(folder / file)
        (folder / "eval").write_text("a file, so that opening a folder here fails")
    return tmp_path / "data"


def test_an_archive_is_a_smaller_copy_of_the_training_photos(data: Path, tmp_path: Path) -> None:
    round_two.pack(data, tmp_path / "sets.zip", side=60, most_mib=1)
    with round_two.unpacked(tmp_path / "sets.zip") as sets:
        assert not list(sets.glob("*/eval"))
        for name, count in PHOTOS.items():
            checked = checked_folder(sets / name / "train", ATR_CLASSES)
            assert (len(checked.pairs), checked.problems) == (count, ())
            assert read_labels(checked.pairs[0].label).shape == (60, round(60 * WIDTH / HEIGHT))
    assert not sets.exists()


def test_the_archive_stays_below_its_limit_and_keeps_every_street_photo(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    places = round_two.photos_to_pack(data)
    assert [name for name, _ in places[:4]] == ["people"] * 4
    assert [name for name, _ in places[4:]] == ["faces", "portraits", "portraits"] * 3  # in step
    size = sum(len(entry.data) for name, path in places[:7] for entry in round_two.copies(name, path, 60))
    monkeypatch.setattr(round_two, "MIB", size + 14 * round_two.ENTRY_BYTES + 2500)
    round_two.pack(data, tmp_path / "sets.zip", side=60, most_mib=1)
    with zipfile.ZipFile(tmp_path / "sets.zip") as archive:
        names = archive.namelist()
    assert sum(name.startswith("people/train/images") for name in names) == 4
    assert 7 <= sum(name.endswith(".jpg") for name in names) < 13
    assert (tmp_path / "sets.zip").stat().st_size <= round_two.MIB


def test_training_takes_the_sets_by_their_share_and_goes_on(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = []

    def finetune(checkpoint: object, folders: dict[Path, float], out: Path, **settings: object) -> object:
        calls.append((folders, settings))
        return SimpleNamespace(history=[SimpleNamespace(step=10, seconds=4.0)])

    monkeypatch.setattr(round_two, "finetune", finetune)
    out = tmp_path / "out"
    round_two.train(data, out, minutes=2.5, rate=4, more=["mine:3"], samples=100)
    (out / "state").mkdir(parents=True)
    round_two.train(data, out, minutes=2.5, rate=4, samples=100)
    (folders, settings), (_, again) = calls
    drawn = {
        (folder.parent.name if folder.name == "train" else folder.name): weight
        for folder, weight in folders.items()
    }
    # Shares of 50, 25 and 25 samples; no photo has more than three turns.
    assert drawn == pytest.approx({"people-light": 3, "faces-light": 3, "portraits": 3, "mine": 3})
    assert settings["epochs"] == 6 and (settings["resume"], again["resume"]) == (False, True)


def test_held_out_photos_are_those_that_training_validates_with(data: Path, tmp_path: Path) -> None:
    round_two.held_out(data, tmp_path / "held", photos=1)
    for name in PHOTOS:
        shown = tmp_path / "held" / name / "eval"
        (photo,) = (shown / "images").iterdir()
        whole = checked_folder(data / name / "train", ATR_CLASSES)
        assert photo.stem in {pair.image.stem for pair in split(whole.pairs)[1]}  # one skin tone: one split
        assert photo.resolve().parent == (data / name / "train" / "images").resolve()
        assert checked_folder(shown, ATR_CLASSES).pairs[0].image == photo  # with its label and scheme
    with pytest.raises(EdgekitError, match="held"):
        round_two.held_out(data, tmp_path / "held", photos=1)


def test_a_set_is_sorted_by_skin_tone_and_every_band_drawn_as_often(tmp_path: Path) -> None:
    folder = write_partial_set(tmp_path / "faces" / "train", 7)
    (folder / "labels.json").rename(folder.parent / "labels.json")
    for i, colour in enumerate([(240, 220, 205), (240, 220, 205), (235, 215, 200), (95, 70, 50)]):
        photo, label = (folder / kind / f"toy{i:02}.png" for kind in ("images", "labels"))
        image = read_image(photo).copy()
        image[np.isin(read_labels(label), (20, 25))] = colour
        Image.fromarray(image).save(photo)
    nobody = folder / "labels" / "toy04.png"
    Image.fromarray(np.full_like(read_labels(nobody), 30)).save(nobody)
    (folder / "labels" / "toy05.png").unlink()
    skin = [ATR_CLASSES.index(name) for name in ("Face", "Left-arm", "Right-arm")]
    places = linked_by_skin_tone(folder, ATR_CLASSES, skin, tmp_path / "links" / "faces", fewest=1)
    found = {place.name: sorted(path.stem for path in (place / "images").iterdir()) for place in places}
    assert found == {
        "faces-dark": ["toy03"], "faces-light": ["toy00", "toy01", "toy02", "toy06"], "faces-no-skin": ["toy04"],
    }  # fmt: skip
    data = checked_folder(places[1], ATR_CLASSES)
    assert data.scheme is not None and len(data.pairs) == 4
    places = linked_by_skin_tone(folder, ATR_CLASSES, skin, tmp_path / "again" / "faces", fewest=2)
    assert [place.name for place in places] == ["faces-light"]
    assert len(list((places[0] / "images").iterdir())) == 6


def test_labels_of_the_selfie_segmenter_are_partial(tmp_path: Path) -> None:
    from research import selfie_teacher

    matte = np.tile(np.array([0.0, 0.04, 0.5, 0.96], np.float32), (6, 1))
    labels = selfie_teacher.sure_labels(matte)
    assert labels is not None and labels[2].tolist() == [0, 0, 255, 1]
    assert selfie_teacher.sure_labels(np.zeros((6, 4), np.float32)) is None
    street = np.array([[0, 11, 0, 0]] * 6, np.uint8)
    assert selfie_teacher.without_bystanders(street, matte)[0].tolist() == [0, 11, 0, 255]


def test_photos_with_somebody_become_a_folder_to_train_on(tmp_path: Path) -> None:
    from research import selfie_teacher

    photos, out = tmp_path / "photos", tmp_path / "out"
    photos.mkdir()
    out.mkdir()
    for name, level in (("somebody", 255), ("nobody", 0)):
        image = np.zeros((50, 40, 3), np.uint8)
        image[:30] = level
        Image.fromarray(image).save(photos / f"{name}.png")
    assert selfie_teacher._labelled(photos, out, lambda photo: photo[..., 0] / np.float32(255)) == 1
    data = checked_folder(out, ATR_CLASSES)
    assert [pair.image.name for pair in data.pairs] == ["somebody.png"]
    assert data.values[:2].tolist() == [20 * 40, 30 * 40]
    assert json.loads((out / "labels.json").read_text())["0"] == ["Background"]
