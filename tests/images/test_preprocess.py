"""Every kind of picture a user may have reaches the network as upright sRGB bytes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms

from edgekit.errors import CalibrationError, ImageError
from edgekit.images.pictures import Folder
from edgekit.images.preprocess import images_in, labels_beside, read_image, read_input, read_labels
from tests.support.pictures import picture

ORIENTATION = 0x0112  # EXIF tag


def test_png_is_read_as_it_is(tmp_path: Path) -> None:
    Image.fromarray(picture(40, 70)).save(tmp_path / "a.png")
    assert np.array_equal(read_image(tmp_path / "a.png"), picture(40, 70))


def test_exif_rotation_is_applied(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[ORIENTATION] = 6  # the camera was turned: rotate 90° clockwise to view
    Image.fromarray(picture(40, 70)).save(tmp_path / "a.png", exif=exif)
    assert np.array_equal(read_image(tmp_path / "a.png"), np.rot90(picture(40, 70), -1))


def test_alpha_is_dropped(tmp_path: Path) -> None:
    rgba = np.dstack([picture(30, 50), np.full((30, 50), 17, np.uint8)])
    Image.fromarray(rgba).save(tmp_path / "a.png")
    assert np.array_equal(read_image(tmp_path / "a.png"), picture(30, 50))


def test_sixteen_bit_grey_is_scaled_not_clipped(tmp_path: Path) -> None:
    Image.fromarray(np.array([[0, 32768, 65535]], np.uint16)).save(tmp_path / "a.png")
    assert read_image(tmp_path / "a.png")[0, :, 1].tolist() == [0, 128, 255]


def test_cmyk_becomes_rgb(tmp_path: Path) -> None:
    Image.new("CMYK", (20, 10), (255, 0, 0, 0)).save(tmp_path / "a.jpg")
    red, green, _ = read_image(tmp_path / "a.jpg")[5, 10].tolist()
    assert red < 40 < green


def test_one_pixel_fills_the_input(tmp_path: Path) -> None:
    Image.new("RGB", (1, 1), (200, 100, 50)).save(tmp_path / "a.png")
    assert read_input(tmp_path / "a.png", 128).reshape(-1, 3).tolist() == [[200, 100, 50]] * (128 * 128)


def test_other_profiles_are_converted_to_srgb(tmp_path: Path) -> None:
    xyz = ImageCms.ImageCmsProfile(ImageCms.createProfile("XYZ"))
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))
    Image.fromarray(picture(20, 30)).save(tmp_path / "srgb.png", icc_profile=srgb.tobytes())
    assert np.abs(read_image(tmp_path / "srgb.png").astype(int) - picture(20, 30)).max() <= 1
    Image.fromarray(picture(20, 30)).save(tmp_path / "xyz.png", icc_profile=xyz.tobytes())
    assert read_image(tmp_path / "xyz.png").shape == (20, 30, 3)  # of another space: read as it is
    Image.fromarray(picture(20, 30)).save(tmp_path / "junk.png", icc_profile=b"not a profile")
    assert np.array_equal(read_image(tmp_path / "junk.png"), picture(20, 30))


@pytest.mark.parametrize("content", [b"", b"hello", b"\xff\xd8\xff\xe0 half a jpeg"])
def test_unreadable_files_are_one_sentence(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(content)
    with pytest.raises(ImageError) as caught:
        read_image(path)
    assert caught.value.path == path
    assert "is not a readable image" in caught.value.reason


def test_truncated_photo_is_refused(tmp_path: Path) -> None:
    Image.fromarray(picture(200, 300)).save(tmp_path / "a.jpg")
    (tmp_path / "a.jpg").write_bytes((tmp_path / "a.jpg").read_bytes()[:4000])
    with pytest.raises(ImageError, match="is not a readable image"):
        read_image(tmp_path / "a.jpg")


def test_missing_file_and_empty_folder(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="does not exist"):
        read_image(tmp_path / "a.png")
    with pytest.raises(CalibrationError, match="holds no images"):
        images_in(tmp_path)
    with pytest.raises(CalibrationError, match="not a folder"):
        images_in(tmp_path / "nowhere")


def test_labels_beyond_the_classes_are_named(tmp_path: Path) -> None:
    Image.fromarray(np.array([[0, 17, 255], [3, 18, 0]], np.uint8)).save(tmp_path / "a.png")
    assert read_labels(tmp_path / "a.png", 19).tolist() == [[0, 17, 255], [3, 18, 0]]
    with pytest.raises(ImageError, match="label 18, but the model has 18 classes"):
        read_labels(tmp_path / "a.png", 18)


def test_folder_names_what_it_leaves_out(tmp_path: Path) -> None:
    images, labels = tmp_path / "images", tmp_path / "labels"
    images.mkdir()
    labels.mkdir()
    for name in ("a", "b", "d"):
        Image.fromarray(picture(20, 30)).save(images / f"{name}.png")
    (images / "c.jpg").write_bytes(b"junk")
    mask = np.zeros((20, 30), np.uint8)
    for name in ("b", "c"):
        Image.fromarray(mask).save(labels / f"{name}.png")
    mask[3:9, 4:20] = 11
    Image.fromarray(mask).save(labels / "a.png")
    folder = Folder(images, labels, 18)
    assert [p.name for p in folder] == ["a.png", "b.png"]
    assert [(s.name, s.reason.split(" (")[0]) for s in folder.skipped] == [
        ("c.jpg", "is not a readable image"),
        ("d.png", "has no label of the same name"),
    ]
    assert folder.notes == ["b.png: its label image is all background"]
    assert len(labels_beside(images_in(images), labels)) == 3
