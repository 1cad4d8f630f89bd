from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms

from edgekit.color.display_p3 import P3_FROM_SRGB, display_p3_from_srgb
from edgekit.color.interpolation import tetrahedral
from edgekit.color.lut import Lut3D
from edgekit.color.rgb import XYZ_FROM_P3, encoded_from_linear, linear_from_encoded
from edgekit.errors import ImageError
from edgekit.images import png, read_image, read_photo, srgb_bytes, write_photo
from edgekit.images.orientation import ORIENTATION_TAG
from tests.color.samples import bent_lut, colours, picture
from tests.support.exif import exif_of
from tests.support.profiles import ADOBE_LIKE, P3, matrix_profile

XMP = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf tiff:Orientation="6"/><keep/></x:xmpmeta>'


@pytest.mark.parametrize("extension", [".jpg", ".png", ".webp"])
def test_everything_carried_comes_back(tmp_path: Path, extension: str) -> None:
    source, copy = tmp_path / f"a{extension}", tmp_path / f"b{extension}"
    extra = {"pnginfo": None} if extension == ".png" else {"xmp": XMP}
    if extension == ".png":
        from PIL.PngImagePlugin import PngInfo

        extra["pnginfo"] = PngInfo()
        extra["pnginfo"].add_itxt("XML:com.adobe.xmp", XMP.decode())
    Image.fromarray(picture(40, 60)).save(source, exif=exif_of(6), icc_profile=P3, dpi=(300, 300), **extra)
    photo = read_photo(source)
    assert photo.pixels.shape == (60, 40, 3)  # upright
    assert photo.space == "display-p3" and photo.converted_from is None
    write_photo(copy, photo)
    with Image.open(source) as before, Image.open(copy) as after:
        assert after.size == (40, 60)
        assert after.info["icc_profile"] == P3
        assert after.getexif()[ORIENTATION_TAG] == 1
        assert after.getexif()[0x010F] == before.getexif()[0x010F]
        xmp = after.info["xmp"]
        assert (
            b'tiff:Orientation="1"' in (xmp if isinstance(xmp, bytes) else xmp.encode()) and b"<keep/>" in xmp
        )
        if extension != ".webp":
            assert after.info["dpi"][0] == pytest.approx(300, abs=0.1)


def test_sixteen_bits_survive_with_profile_alpha_and_exif(tmp_path: Path) -> None:
    rgba = np.dstack([picture(33, 21, np.uint16), picture(33, 21, np.uint16)[..., 1]])
    exif = exif_of(8).removeprefix(b"Exif\0\0")
    (tmp_path / "a.png").write_bytes(png.encode(rgba, P3, exif, XMP))
    photo = read_photo(tmp_path / "a.png")
    assert (photo.bits, photo.space) == (16, "display-p3")
    assert photo.pixels.shape == (21, 33, 3)
    write_photo(tmp_path / "b.png", photo)
    back = read_photo(tmp_path / "b.png")
    assert (back.pixels == photo.pixels).all() and (back.alpha == photo.alpha).all()
    assert back.icc_profile == P3 and back.exif == photo.exif
    assert back.xmp is not None and b"<keep/>" in back.xmp and b'Orientation="1"' in back.xmp
    with pytest.raises(ImageError, match="png only"):
        write_photo(tmp_path / "b.jpg", photo)


def test_transparency_survives(tmp_path: Path) -> None:
    rgba = np.dstack([picture(20, 31), picture(20, 31)[..., 0]])
    Image.fromarray(rgba).save(tmp_path / "a.png")
    write_photo(tmp_path / "b.png", read_photo(tmp_path / "a.png"))
    with Image.open(tmp_path / "b.png") as after:
        assert (np.asarray(after) == rgba).all()


def test_grey_and_palette_photos_become_rgb(tmp_path: Path) -> None:
    grey = picture(20, 31)[..., 0]
    Image.fromarray(grey).save(tmp_path / "grey.png")
    Image.fromarray(picture(20, 31)).convert("P").save(tmp_path / "palette.png")
    assert (read_photo(tmp_path / "grey.png").pixels == grey[..., None]).all()
    assert read_photo(tmp_path / "palette.png").pixels.shape == (20, 31, 3)


def test_a_foreign_profile_is_converted_and_named(tmp_path: Path) -> None:
    Image.fromarray(np.full((8, 9, 3), (30, 200, 60), np.uint8)).save(
        tmp_path / "a.png", icc_profile=ADOBE_LIKE
    )
    photo = read_photo(tmp_path / "a.png")
    assert photo.space == "srgb" and photo.converted_from == "edgekit test"
    assert photo.icc_profile is not None and photo.icc_profile != ADOBE_LIKE
    assert photo.pixels[0, 0, 0] < 5 and photo.pixels[0, 0, 1] == pytest.approx(201, abs=3)  # outside sRGB


def test_cmyk_without_a_profile_is_converted_and_named(tmp_path: Path) -> None:
    Image.fromarray(picture()).convert("CMYK").save(tmp_path / "cmyk.jpg", quality=100)
    photo = read_photo(tmp_path / "cmyk.jpg")
    assert photo.space == "srgb" and photo.converted_from == "CMYK without a profile"
    assert np.abs(photo.pixels.astype(int) - picture()).mean() < 3
    assert np.array_equal(photo.pixels, read_image(tmp_path / "cmyk.jpg"))
    write_photo(tmp_path / "rgb.jpg", photo)
    assert read_photo(tmp_path / "rgb.jpg").converted_from is None


@pytest.mark.parametrize("suffix", [".tif", ".bmp", ".gif", ""])
def test_a_format_that_cannot_keep_a_photo_is_not_written(tmp_path: Path, suffix: str) -> None:
    Image.fromarray(picture(20, 31)).save(tmp_path / "a.png")
    with pytest.raises(ImageError, match=r"written as \.jpg, \.jpeg, \.png, \.webp, \.heic or \.heif only"):
        write_photo(tmp_path / f"b{suffix}", read_photo(tmp_path / "a.png"))
    assert not (tmp_path / f"b{suffix}").exists()


def test_srgb_profiles_are_known(tmp_path: Path) -> None:
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    Image.fromarray(picture()).save(tmp_path / "a.png", icc_profile=srgb)
    photo = read_photo(tmp_path / "a.png")
    assert photo.space == "srgb" and photo.converted_from is None and photo.icc_profile == srgb
    assert (photo.pixels == picture()).all()


def test_p3_primaries_with_another_curve_are_not_display_p3(tmp_path: Path) -> None:
    Image.fromarray(picture()).save(tmp_path / "a.png", icc_profile=matrix_profile(XYZ_FROM_P3, 2.6))
    assert read_photo(tmp_path / "a.png").converted_from == "edgekit test"


def test_a_segmenter_sees_srgb(tmp_path: Path) -> None:
    Image.fromarray(picture(20, 31)).save(tmp_path / "a.png", icc_profile=P3)
    seen = srgb_bytes(read_photo(tmp_path / "a.png")) / 255
    linear = linear_from_encoded(picture(20, 31) / 255) @ np.linalg.inv(P3_FROM_SRGB).T
    assert np.abs(seen - encoded_from_linear(np.clip(linear, 0, 1))).max() < 2 / 255
    wide = picture(20, 31, np.uint16)
    (tmp_path / "b.png").write_bytes(png.encode(wide))
    assert (srgb_bytes(read_photo(tmp_path / "b.png")) == np.rint(wide / 257)).all()


def test_a_table_for_display_p3_gives_the_same_colour() -> None:
    srgb = 0.1 + 0.8 * colours()
    p3 = encoded_from_linear(linear_from_encoded(srgb) @ P3_FROM_SRGB.T)
    lut = bent_lut(33)
    wanted = encoded_from_linear(linear_from_encoded(tetrahedral(lut.table, srgb)) @ P3_FROM_SRGB.T)
    rebuilt = display_p3_from_srgb(lut.resampled(65))
    assert np.abs(tetrahedral(rebuilt.table, p3) - wanted).mean() < 1.5 / 255
    identity = display_p3_from_srgb(Lut3D.identity(17))
    assert np.abs(identity.table - Lut3D.identity(17).table).max() < 1e-6


def _jpeg() -> bytes:
    stream = io.BytesIO()
    Image.fromarray(picture()).save(stream, format="JPEG")
    return stream.getvalue()


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("a.gif", b"GIF89a", "extension"),
        ("a.jpg", b"", "not a readable"),
        ("a.jpg", b"junk", "not a readable"),
        ("a.jpg", _jpeg()[:700], "not a readable"),
        ("a.png", b"\x89PNG\r\n\x1a\n", "not a readable"),
        ("a.png", png.encode(picture(9, 9, np.uint16))[:-30], "not a readable"),
    ],
)
def test_a_damaged_photo_is_refused(tmp_path: Path, name: str, content: bytes, reason: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ImageError, match=reason):
        read_photo(tmp_path / name)


def test_what_cannot_be_kept_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="does not exist"):
        read_photo(tmp_path / "missing.jpg")
    Image.fromarray(picture()).save(tmp_path / "icc.jpg", icc_profile=b"junk")
    with pytest.raises(ImageError, match="damaged colour profile"):
        read_photo(tmp_path / "icc.jpg")
    (tmp_path / "wide.png").write_bytes(png.encode(picture(9, 9, np.uint16), ADOBE_LIKE))
    with pytest.raises(ImageError, match="16 bits and a profile"):
        read_photo(tmp_path / "wide.png")
    frames = [Image.new("RGB", (8, 8), c) for c in ("red", "blue")]
    frames[0].save(tmp_path / "moving.webp", save_all=True, append_images=frames[1:])
    with pytest.raises(ImageError, match="animation"):
        read_photo(tmp_path / "moving.webp")


def test_heif_is_read_and_written(tmp_path: Path) -> None:
    heif = pytest.importorskip("pillow_heif", reason="pillow-heif is not installed (extra: heif)")
    heif.register_heif_opener()
    Image.fromarray(picture(64, 96)).save(tmp_path / "a.heic", quality=95, icc_profile=P3, exif=exif_of(1))
    photo = read_photo(tmp_path / "a.heic")
    assert photo.space == "display-p3" and photo.pixels.shape == (64, 96, 3)
    write_photo(tmp_path / "b.heic", photo)
    back = read_photo(tmp_path / "b.heic")
    assert back.icc_profile == P3 and back.exif is not None
    assert np.abs(back.pixels.astype(int) - picture(64, 96)).mean() < 8  # 4:2:0 and noise
