"""Every kind of picture a user may have reaches the network as upright sRGB bytes."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms, ImageOps

from edgekit.images import (
    FIT_MULTIPLE,
    FRAME_PREPROCESSING_ID,
    PREPROCESSING_ID,
    Fit,
    InputSize,
    fit_of,
    fitted,
    images_in,
    input_from_photo,
    letterboxed,
    png,
    preprocessing_of,
    read_image,
    read_input,
    stretch,
    stretched,
)
from edgekit.images.fit import MOST_ASPECT_CHANGE, PADDING
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


TALL, WIDE = InputSize(512, 384), InputSize(256, 448)


@pytest.mark.parametrize("photo", [(100, 900), (900, 100), (30, 50)])
def test_a_square_stretches_every_photo(photo: tuple[int, int]) -> None:
    size = InputSize(128, 128)
    assert fit_of(photo, size) == stretched(size)
    made = picture(*photo)
    assert np.array_equal(input_from_photo(made, 128), stretch(made, 128, 128))
    assert preprocessing_of(size) == PREPROCESSING_ID != preprocessing_of(TALL) == FRAME_PREPROCESSING_ID


def test_a_frame_stretches_up_to_a_change_of_aspect_ratio() -> None:
    for height, width in ((400, 300), (600, 300), (1600, 900), (500, 500)):
        change = max(width / height / 0.75, 0.75 * height / width)
        assert fit_of((height, width), TALL).is_stretched == (change <= MOST_ASPECT_CHANGE)
    edge = int(1200 * MOST_ASPECT_CHANGE)
    assert fit_of((1600, edge), TALL).is_stretched and not fit_of((1600, edge + 1), TALL).is_stretched
    assert (
        fit_of((edge, 900), TALL).is_stretched
        and not fit_of((edge + 1, 900), InputSize(384, 512)).is_stretched
    )


@pytest.mark.parametrize(
    ("photo", "size", "shown"),
    [
        ((1080, 1920), TALL, (224, 384)),  # 216 rows are nearest to 224
        ((3000, 4000), TALL, (288, 384)),
        ((1920, 1080), WIDE, (256, 160)),  # 144 columns lie between 128 and 160: up
        ((10, 4000), TALL, (32, 384)),
        ((4000, 1), TALL, (512, 32)),
        ((401, 300), TALL, (512, 384)),
    ],
)
def test_letterboxing_keeps_the_aspect_ratio_up_to_a_multiple(
    photo: tuple[int, int], size: InputSize, shown: tuple[int, int]
) -> None:
    found = letterboxed(photo, size)
    assert (found.height, found.width) == shown
    assert found.height % FIT_MULTIPLE == found.width % FIT_MULTIPLE == 0


def test_a_letterboxed_photo_lies_in_the_first_rows_and_is_cut_out_again() -> None:
    photo, fit = picture(60, 100), Fit(InputSize(192, 128), 64, 128)
    whole = fitted(photo, fit)
    assert whole.shape == (192, 128, 3)
    assert np.array_equal(whole[:64], stretch(photo, 64, 128)) and (whole[64:] == PADDING).all()
    assert np.array_equal(fit.shown(whole), whole[:64])
    logits = np.arange(3 * 12 * 8).reshape(3, 12, 8)
    assert np.array_equal(fit.shown_planes(logits), logits[:, :4])
    upright = Fit(InputSize(128, 192), 128, 96)
    assert (fitted(picture(100, 70), upright)[:, 96:] == PADDING).all()
    assert np.array_equal(upright.shown(np.eye(8, 12)), np.eye(8, 12)[:, :6])


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
