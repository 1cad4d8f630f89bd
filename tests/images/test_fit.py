"""Every kind of picture a user may have reaches the network as upright sRGB bytes."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms, ImageOps

from edgekit.images import PREPROCESSING_ID, images_in, png, read_image, read_input
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


def test_sixteen_bit_colours_are_rounded_as_grey_is(tmp_path: Path) -> None:
    wide = np.array([[[0, 32768, 65535], [128, 129, 65406]]], np.uint16)
    (tmp_path / "a.png").write_bytes(png.encode(wide))
    assert read_image(tmp_path / "a.png").tolist() == [[[0, 128, 255], [0, 1, 254]]]


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


@pytest.mark.shared
def test_photos_keep_the_pixels_that_artifacts_were_calibrated_on(shared: Path) -> None:
    """PREPROCESSING_ID promises them. Here written anew, for 8-bit RGB photos with a profile and without."""
    folders = sorted((shared / "data").glob("*/eval/images"))
    photos = [next(folder.glob("*.jpg")) for folder in folders] + images_in(shared / "data" / "photos")
    profiles = 0
    for path in photos:
        with Image.open(path) as image:
            icc = image.info.get("icc_profile")
            expected = ImageOps.exif_transpose(image).convert("RGB")
        if icc:
            profile = ImageCms.ImageCmsProfile(io.BytesIO(icc))
            expected = ImageCms.profileToProfile(expected, profile, ImageCms.createProfile("sRGB"))
            profiles += 1
        assert np.array_equal(read_image(path), np.asarray(expected)), path
        wanted = expected.resize((256, 256), Image.Resampling.BILINEAR)
        assert np.array_equal(read_input(path, 256), np.asarray(wanted)), path
    assert len(photos) > 10 and profiles > 1
    assert PREPROCESSING_ID == "stretch-bilinear-antialias-srgb-u8/1"
