"""Every kind of picture a user may have is decoded or refused in one sentence: no traceback, no wait."""

from __future__ import annotations

import io
import os
import signal
import socket
import struct
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageOps, PngImagePlugin

from edgekit.errors import ImageError, MissingDependency
from edgekit.images import FORMATS, MAX_BYTES, png, read_image, read_photo
from edgekit.images.decode import Decoded, decode
from tests.color.samples import picture
from tests.support.exif import exif_of
from tests.support.profiles import P3

PILLOW_FORMATS = sorted({form for form in FORMATS.values() if form != "HEIF"})


@pytest.fixture(autouse=True)
def no_waiting() -> Iterator[None]:
    """A read that waits for a pipe or never ends fails its test instead of stopping all."""

    def late(*_: object) -> None:
        raise TimeoutError("the picture is still being read after 30 s")

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(30)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


def saved(image: Image.Image, form: str, **options: object) -> bytes:
    stream = io.BytesIO()
    image.save(stream, format=form, **options)
    return stream.getvalue()


@pytest.mark.parametrize("suffix", [suffix for suffix, form in FORMATS.items() if form != "HEIF"])
def test_both_readers_read_every_format(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a{suffix.upper()}"
    path.write_bytes(saved(Image.fromarray(picture(20, 31)), FORMATS[suffix], quality=100))
    assert np.abs(read_image(path).astype(int) - picture(20, 31)).mean() < 8  # 4:2:0 and noise
    assert np.array_equal(read_image(path), read_photo(path).pixels)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["8-bit RGB", "16-bit RGB", "16-bit grey"])
def test_every_orientation_is_applied_as_pillow_does(tmp_path: Path, orientation: int, kind: str) -> None:
    stored = picture(20, 31)
    (tmp_path / "eight.png").write_bytes(saved(Image.fromarray(stored), "PNG", exif=exif_of(orientation)))
    with Image.open(tmp_path / "eight.png") as image:
        expected = np.asarray(ImageOps.exif_transpose(image))
    path, scale = tmp_path / "eight.png", 1
    if kind != "8-bit RGB":
        path, scale = tmp_path / "sixteen.png", 257
        codes = stored.astype(np.uint16) * 257
        if kind == "16-bit grey":
            path.write_bytes(saved(Image.fromarray(codes[..., 0]), "PNG", exif=exif_of(orientation)))
            expected = expected[..., 0]
        else:
            path.write_bytes(png.encode(codes, exif=exif_of(orientation).removeprefix(b"Exif\0\0")))
    decoded = decode(path)
    assert decoded.pixels.dtype == (np.uint8 if scale == 1 else np.uint16)
    assert np.array_equal(decoded.pixels, expected.astype(decoded.pixels.dtype) * scale)


@pytest.mark.parametrize("mode", ["L", "RGB", "CMYK"])
def test_a_turned_tiff_is_upright(tmp_path: Path, mode: str) -> None:
    """Pillow maps some uncompressed TIFFs into memory when it is given a path, and then forgets their orientation."""
    image = Image.fromarray(picture(20, 31)).convert(mode)
    exif = Image.Exif()
    exif[0x0112] = 6
    (tmp_path / "a.tif").write_bytes(saved(image, "TIFF", exif=exif))
    assert np.array_equal(decode(tmp_path / "a.tif").pixels, np.rot90(np.asarray(image), -1))


@pytest.mark.parametrize(
    ("mode", "suffix", "shape", "alpha"),
    [
        ("1", ".png", (20, 31), False),
        ("L", ".jpg", (20, 31), False),
        ("LA", ".png", (20, 31), True),
        ("P", ".png", (20, 31, 3), False),
        ("RGB", ".webp", (20, 31, 3), False),
        ("RGBA", ".webp", (20, 31, 3), True),
        ("RGBA", ".tiff", (20, 31, 3), True),
        ("CMYK", ".jpg", (20, 31, 4), False),
        ("I;16", ".tif", (20, 31), False),
        ("I;16", ".png", (20, 31), False),
    ],
)
def test_colours_stay_what_the_file_stores(
    tmp_path: Path, mode: str, suffix: str, shape: tuple[int, ...], alpha: bool
) -> None:
    image = Image.fromarray(picture(20, 31)).convert("L" if mode == "I;16" else mode)
    if mode == "I;16":
        image = Image.fromarray(np.asarray(image).astype(np.uint16) * 200)
    if alpha:
        image.putalpha(40)
    (tmp_path / f"a{suffix}").write_bytes(saved(image, FORMATS[suffix]))
    decoded = decode(tmp_path / f"a{suffix}")
    assert decoded.pixels.shape == shape
    assert decoded.pixels.dtype == (np.uint16 if mode == "I;16" else np.uint8)
    assert (decoded.alpha is not None) == alpha
    assert decoded.alpha is None or decoded.alpha.shape == shape[:2]
    if mode == "I;16":
        assert np.array_equal(decoded.pixels, np.asarray(image))


def test_a_transparent_colour_and_a_transparent_palette_entry_become_alpha(tmp_path: Path) -> None:
    image = Image.new("RGB", (4, 3), (10, 20, 30))
    image.putpixel((1, 2), (200, 100, 50))
    expected = np.zeros((3, 4), np.uint8)
    expected[2, 1] = 255
    (tmp_path / "rgb.png").write_bytes(saved(image, "PNG", transparency=(10, 20, 30)))
    palette = image.quantize(2)
    (tmp_path / "p.png").write_bytes(saved(palette, "PNG", transparency=palette.getpixel((0, 0))))
    for name in ("rgb.png", "p.png"):
        decoded = decode(tmp_path / name)
        assert np.array_equal(decoded.pixels, np.asarray(image))
        assert np.array_equal(decoded.alpha, expected)


def test_metadata_behind_the_pixels_is_kept(tmp_path: Path) -> None:
    """PNG, third edition, 5.6: eXIf and iTXt may stand after IDAT."""
    chunks = saved(Image.fromarray(picture(20, 31)), "PNG")
    late = io.BytesIO()
    PngImagePlugin.putchunk(late, b"eXIf", exif_of(6).removeprefix(b"Exif\0\0"))
    PngImagePlugin.putchunk(late, b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0<x tiff:Orientation='6'/>")
    (tmp_path / "a.png").write_bytes(chunks[:-12] + late.getvalue() + chunks[-12:])
    decoded = decode(tmp_path / "a.png")
    assert decoded.pixels.shape == (31, 20, 3)
    assert decoded.exif is not None and decoded.xmp == b"<x tiff:Orientation='1'/>"


def test_the_bytes_decide_the_format(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(saved(Image.fromarray(picture(20, 31)), "PNG"))
    assert np.array_equal(read_image(tmp_path / "a.jpg"), picture(20, 31))
    (tmp_path / "a.jpg").write_bytes(saved(Image.fromarray(picture(20, 31)), "GIF"))
    with pytest.raises(ImageError, match="not an intact JPEG, PNG"):
        read_image(tmp_path / "a.jpg")


@pytest.mark.parametrize("value", [np.full((4, 5), 7, np.int32), np.full((4, 5), 0.5, np.float32)])
def test_thirty_two_bits_are_refused(tmp_path: Path, value: np.ndarray) -> None:
    Image.fromarray(value).save(tmp_path / "a.tif")
    with pytest.raises(ImageError, match="32 bits per channel"):
        decode(tmp_path / "a.tif")


@pytest.mark.parametrize("content", [b"", b"hello", b"\xff\xd8\xff\xe0 half a jpeg", b"\x89PNG\r\n\x1a\n"])
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


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="does not exist"):
        read_image(tmp_path / "a.png")


def test_only_regular_files_are_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # a socket's path may have 108 bytes
    os.mkfifo("pipe.png")
    Path("zero.png").symlink_to("/dev/zero")
    Path("folder.png").mkdir()
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("socket.png")
        for name in ("pipe.png", "zero.png", "folder.png", "socket.png"):
            with pytest.raises(ImageError, match="is not a regular file"):
                decode(Path(name))


def test_links_and_unreadable_names_are_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "loop.png").symlink_to("loop.png")
    (tmp_path / "dangling.png").symlink_to("nothing.png")
    (tmp_path / "file.png").touch()
    reasons = {
        tmp_path / "loop.png": "cannot be read",
        tmp_path / "dangling.png": "does not exist",
        tmp_path / "file.png" / "a.png": "cannot be read",
        tmp_path / ("n" * 300 + ".png"): "cannot be read",
        tmp_path / "nul\0.png": "cannot be read",
        tmp_path / "bytes\udcff.png": "not UTF-8 text; rename it",
        tmp_path / "bytes\udcff.gif": "extension",
    }
    for path, reason in reasons.items():
        with pytest.raises(ImageError, match=reason) as caught:
            decode(path)
        assert str(caught.value).encode() and "\n" not in str(caught.value)


def test_a_file_of_too_many_bytes_is_not_read(tmp_path: Path) -> None:
    with (tmp_path / "a.png").open("wb") as stream:
        stream.truncate(MAX_BYTES + 1)  # a hole: it takes no room
    with pytest.raises(ImageError, match=f"has {MAX_BYTES + 1:,} bytes"):
        decode(tmp_path / "a.png")


def png_without_pixels(side: int) -> bytes:
    """A 16-bit PNG of side × side pixels by its header, which holds none."""
    stream = io.BytesIO()
    stream.write(png.SIGNATURE)
    PngImagePlugin.putchunk(stream, b"IHDR", struct.pack(">IIBBBBB", side, side, 16, 2, 0, 0, 0))
    PngImagePlugin.putchunk(stream, b"IDAT", zlib.compress(b""))
    PngImagePlugin.putchunk(stream, b"IEND", b"")
    return stream.getvalue()


@pytest.mark.parametrize("side", [30_000, 60_000])  # Pillow itself refuses from twice the limit on
def test_a_bomb_is_refused_before_it_is_decoded(tmp_path: Path, side: int) -> None:
    (tmp_path / "a.png").write_bytes(png_without_pixels(side))
    with pytest.raises(ImageError, match=f"has {side}×{side} pixels, more than 500,000,000"):
        decode(tmp_path / "a.png")


def test_a_png_that_cannot_hold_its_pixels_is_refused_before_they_are_allocated(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(png_without_pixels(20_000))
    with pytest.raises(ImageError, match="declares 400,000,000 pixels, more than its bytes can hold"):
        decode(tmp_path / "a.png")
    Image.new("1", (9000, 7000)).save(tmp_path / "flat.png", compress_level=9)
    assert not decode(tmp_path / "flat.png").pixels.any()  # the best that deflate can do


@pytest.mark.filterwarnings("error::PIL.Image.DecompressionBombWarning")
def test_pillows_guard_does_not_stop_a_panorama_and_ours_stops_a_bomb(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Image.fromarray(picture(60, 80)).save(tmp_path / "a.png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    assert decode(tmp_path / "a.png").pixels.shape == (60, 80, 3)
    assert Image.MAX_IMAGE_PIXELS == 100
    monkeypatch.setattr("edgekit.images.decode.MAX_PIXELS", 4799)
    with pytest.raises(ImageError, match="80×60 pixels, more than 4,799"):
        decode(tmp_path / "a.png")


def test_heif_needs_its_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    (tmp_path / "a.heic").write_bytes(b"\0\0\0\x18ftypheic")
    with pytest.raises(MissingDependency, match=r"edgekit\[heif\]"):
        decode(tmp_path / "a.heic")


def test_heif_is_read_for_networks_too(tmp_path: Path) -> None:
    heif = pytest.importorskip("pillow_heif", reason="pillow-heif is not installed (extra: heif)")
    heif.register_heif_opener()
    Image.fromarray(picture(64, 96)).save(tmp_path / "a.heic", quality=95, exif=exif_of(6))
    seen = read_image(tmp_path / "a.heic")
    assert np.abs(seen.astype(int) - np.rot90(picture(64, 96), -1)).mean() < 8  # 4:2:0 and noise


SEEDS = {form: saved(Image.fromarray(picture(9, 7)), form, exif=exif_of(6)) for form in PILLOW_FORMATS}
SEEDS["16-bit PNG"] = png.encode(
    picture(9, 7, np.uint16), P3, exif_of(6).removeprefix(b"Exif\0\0"), b"<xmp/>"
)
SEEDS["profile"] = saved(Image.fromarray(picture(9, 7)), "JPEG", icc_profile=P3)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::UserWarning")  # Pillow's, of damaged EXIF and truncated TIFFs
@settings(max_examples=250, deadline=None)
@given(data=st.data())
def test_damaged_bytes_give_pixels_or_one_sentence(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    content = bytearray(SEEDS[data.draw(st.sampled_from(sorted(SEEDS)))])
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path_factory.getbasetemp() / "damaged.png"
    path.write_bytes(content[: data.draw(st.integers(len(content) // 2, len(content)))])
    for read in (decode, read_image, read_photo):
        try:
            found = read(path)
        except ImageError as error:
            assert error.path == path and "\n" not in str(error)
        else:
            assert not isinstance(found, Decoded) or found.pixels.ndim in (2, 3)
