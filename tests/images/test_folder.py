"""A folder's usable pictures, and the reason for every file that is left out."""

from __future__ import annotations

import os
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import edgekit.images
from edgekit.errors import CalibrationError
from edgekit.images import FORMATS, Folder, images_in, labels_beside
from tests.support.pictures import picture


def labelled(tmp_path: Path, *names: str) -> tuple[Path, Path]:
    """Folders of photos of 20×30 pixels and of labels with one region."""
    images, labels = tmp_path / "images", tmp_path / "labels"
    images.mkdir()
    labels.mkdir()
    mask = np.zeros((20, 30), np.uint8)
    mask[3:9, 4:20] = 11
    for name in names:
        Image.fromarray(picture(20, 30)).save(images / f"{name}.png")
        Image.fromarray(mask).save(labels / f"{name}.png")
    return images, labels


def test_folder_names_what_it_leaves_out(tmp_path: Path) -> None:
    images, labels = labelled(tmp_path, "a", "b", "d")
    (labels / "d.png").unlink()
    (images / "c.jpg").write_bytes(b"junk")
    for name in ("b", "c"):
        Image.fromarray(np.zeros((20, 30), np.uint8)).save(labels / f"{name}.png")
    folder = Folder(images, labels, 18)
    assert [p.name for p in folder] == ["a.png", "b.png"]
    assert [(s.name, s.reason.split(" (")[0]) for s in folder.skipped] == [
        ("c.jpg", "is not a readable image"),
        ("d.png", "has no label of the same name"),
    ]
    assert folder.notes == ["b.png: its label image is all background"]
    assert len(labels_beside(images_in(images), labels)) == 3


def test_labels_that_would_be_scored_wrongly_are_skipped(tmp_path: Path) -> None:
    images, labels = labelled(tmp_path, "good", "other_size", "rgb", "turned", "wide")
    mask = np.full((10, 15), 11, np.uint8)
    Image.fromarray(mask).save(labels / "other_size.png")
    Image.fromarray(np.dstack([mask] * 3)).save(labels / "rgb.png")
    Image.fromarray(mask.astype(np.uint16)).save(labels / "wide.png")
    exif = Image.Exif()
    exif[0x0112] = 6  # the label is of the upright photo
    Image.fromarray(picture(20, 30)).save(images / "turned.png", exif=exif)
    folder = Folder(images, labels, 18)
    assert [p.name for p in folder] == ["good.png"]
    assert {s.name: s.reason for s in folder.skipped} == {
        "other_size.png": "has a label of 15×10 pixels, but the photo has 30×20.",
        "rgb.png": "is a label image of 8-bit RGB; labels are 8-bit grey or a palette.",
        "turned.png": "has a label of 30×20 pixels, but the photo has 20×30.",
        "wide.png": "is a label image of 16-bit grey; labels are 8-bit grey or a palette.",
    }


def test_what_is_no_regular_file_is_skipped_not_waited_for(tmp_path: Path) -> None:
    images, _ = labelled(tmp_path, "good")
    os.mkfifo(images / "pipe.jpg")
    (images / "device.png").symlink_to("/dev/zero")
    (images / "nowhere.png").symlink_to(tmp_path / "nothing")
    (images / "folder.png").mkdir()
    folder = Folder(images, None, 18)
    assert [p.name for p in folder] == ["good.png"]
    assert {s.name: s.reason.split(",")[0] for s in folder.skipped} == {
        "device.png": "is not a regular file",
        "folder.png": "is not a regular file",
        "nowhere.png": "does not exist.",
        "pipe.jpg": "is not a regular file",
    }


def test_the_room_imports_nothing_above_it() -> None:
    """Arrows run down: images know errors and files, and nothing of colour, networks or commands."""
    room = Path(edgekit.images.__file__).parent
    for file in room.glob("*.py"):
        imported = set(re.findall(r"^ *from (edgekit[\w.]*) import", file.read_text(), re.M))
        foreign = {name for name in imported if not name.startswith("edgekit.images")}
        assert foreign <= {"edgekit.errors", "edgekit.files"}, file.name


def test_empty_and_missing_folders(tmp_path: Path) -> None:
    with pytest.raises(CalibrationError, match="holds no images"):
        images_in(tmp_path)
    for missing in (tmp_path / "nowhere", tmp_path / ("n" * 300), Path("n\udcff")):
        with pytest.raises(CalibrationError, match="not a folder of images") as caught:
            images_in(missing)
        assert str(caught.value).encode()  # printable
        with pytest.raises(CalibrationError, match="not a folder of label images"):
            labels_beside([], missing)


def test_every_readable_suffix_is_found(tmp_path: Path) -> None:
    for suffix in (*FORMATS, ".txt", ".gif"):
        (tmp_path / f"a{suffix.upper()}").touch()
    assert {path.suffix.lower() for path in images_in(tmp_path)} == set(FORMATS)


def test_a_name_that_is_not_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a\udcff.jpg").touch()
    with pytest.raises(CalibrationError, match="not UTF-8 text; rename it") as caught:
        images_in(tmp_path)
    assert str(caught.value).encode()
