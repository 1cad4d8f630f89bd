from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms

from edgekit.color.display_p3 import P3_FROM_SRGB, display_p3_from_srgb
from edgekit.color.interpolation import tetrahedral
from edgekit.color.lut import Lut3D
from edgekit.color.rgb import XYZ_FROM_P3, adaptation, encoded_from_linear, linear_from_encoded
from edgekit.errors import ImageError
from edgekit.images import png
from edgekit.images.photo import (
    EXIF_ORIENTATION,
    read_photo,
    srgb_bytes,
    upright_exif,
    upright_xmp,
    write_photo,
)
from tests.color.samples import bent_lut, colours, picture

XMP = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf tiff:Orientation="6"/><keep/></x:xmpmeta>'


def matrix_profile(matrix: np.ndarray, gamma: float | None = None) -> bytes:
    """A minimal ICC v2 display profile (ICC.1:2001-04): three colorants, one curve, white, names."""
    d50 = adaptation(matrix.sum(axis=1), np.array([0.9642, 1.0, 0.8249])) @ matrix

    def xyz(values: np.ndarray) -> bytes:
        return b"XYZ \0\0\0\0" + b"".join(round(v * 65536).to_bytes(4, "big", signed=True) for v in values)

    if gamma is None:
        codes = np.rint(linear_from_encoded(np.linspace(0, 1, 1024)) * 65535).astype(">u2")
        curve = b"curv\0\0\0\0" + (1024).to_bytes(4, "big") + codes.tobytes()
    else:
        curve = b"curv\0\0\0\0" + (1).to_bytes(4, "big") + int(gamma * 256).to_bytes(2, "big") + b"\0\0"
    name = b"edgekit test\0"
    description = b"desc\0\0\0\0" + len(name).to_bytes(4, "big") + name + b"\0" * 78
    tags = {
        b"desc": description + b"\0" * (-len(description) % 4),
        b"wtpt": xyz(np.array([0.9642, 1.0, 0.8249])),
        b"rXYZ": xyz(d50[:, 0]),
        b"gXYZ": xyz(d50[:, 1]),
        b"bXYZ": xyz(d50[:, 2]),
        b"rTRC": curve,
        b"gTRC": curve,
        b"bTRC": curve,
        b"cprt": b"text\0\0\0\0none\0\0\0\0",
    }
    at, table, body = 128 + 4 + 12 * len(tags), b"", b""
    for tag, data in tags.items():
        table += tag + (at + len(body)).to_bytes(4, "big") + len(data).to_bytes(4, "big")
        body += data
    size = at + len(body)
    header = (
        size.to_bytes(4, "big")
        + b"\0\0\0\0"
        + b"\x02\x20\0\0"
        + b"mntrRGB XYZ "
        + b"\x07\xe8\0\1\0\1"
        + b"\0" * 6
    )
    header += b"acsp" + b"\0" * 28 + xyz(np.array([0.9642, 1.0, 0.8249]))[8:] + b"\0" * 48
    return header[:128] + len(tags).to_bytes(4, "big") + table + body


P3 = matrix_profile(XYZ_FROM_P3)
ADOBE_LIKE = matrix_profile(
    np.array([[0.5767, 0.1856, 0.1882], [0.2973, 0.6274, 0.0753], [0.0270, 0.0707, 0.9911]]), 2.2
)


def exif_of(orientation: int) -> bytes:
    exif = Image.Exif()
    exif[EXIF_ORIENTATION] = orientation
    exif[0x010F] = "Maker & Söhne"
    exif[0x9286] = "comment"
    return exif.tobytes()


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
        assert after.getexif()[EXIF_ORIENTATION] == 1
        assert after.getexif()[0x010F] == before.getexif()[0x010F]
        xmp = after.info["xmp"]
        assert (
            b'tiff:Orientation="1"' in (xmp if isinstance(xmp, bytes) else xmp.encode()) and b"<keep/>" in xmp
        )
        if extension != ".webp":
            assert after.info["dpi"][0] == pytest.approx(300, abs=0.1)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("bits", [8, 16])
def test_every_orientation_is_applied_as_pillow_does(tmp_path: Path, orientation: int, bits: int) -> None:
    from PIL import ImageOps

    stored = picture(20, 31)
    Image.fromarray(stored).save(tmp_path / "eight.png", exif=exif_of(orientation))
    with Image.open(tmp_path / "eight.png") as image:
        expected = np.asarray(ImageOps.exif_transpose(image))
    path = tmp_path / "eight.png"
    if bits == 16:
        path = tmp_path / "sixteen.png"
        exif = exif_of(orientation).removeprefix(b"Exif\0\0")
        path.write_bytes(png.encode(stored.astype(np.uint16) * 257, exif=exif))
    photo = read_photo(path)
    assert photo.bits == bits
    assert (photo.pixels == expected.astype(photo.pixels.dtype) * (257 if bits == 16 else 1)).all()


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


def test_an_exif_block_without_orientation_is_left_alone() -> None:
    exif = Image.Exif()
    exif[0x010F] = "maker"
    assert upright_exif(exif.tobytes()) == exif.tobytes()
    assert upright_exif(b"junk") == b"junk"
    assert upright_exif(b"") == b""
    big = exif_of(6)
    assert sum(a != b for a, b in zip(big, upright_exif(big), strict=True)) == 1
    assert upright_xmp(b"<tiff:Orientation>8</tiff:Orientation>") == b"<tiff:Orientation>1</tiff:Orientation>"


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
    Image.fromarray(picture()).convert("CMYK").save(tmp_path / "cmyk.jpg")
    with pytest.raises(ImageError, match="CMYK"):
        read_photo(tmp_path / "cmyk.jpg")
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


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
def test_pillows_guard_does_not_stop_a_panorama_and_ours_stops_a_bomb(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Image.fromarray(picture(60, 80)).save(tmp_path / "a.png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    assert read_photo(tmp_path / "a.png").pixels.shape == (60, 80, 3)
    assert Image.MAX_IMAGE_PIXELS == 100
    monkeypatch.setattr("edgekit.images.photo.MAX_PIXELS", 4799)
    with pytest.raises(ImageError, match="80×60 pixels, more than 4,799"):
        read_photo(tmp_path / "a.png")


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
