"""Orientation is set to upright in EXIF and XMP, and nothing else changes."""

from __future__ import annotations

from PIL import Image

from edgekit.images.orientation import upright_exif, upright_xmp
from tests.support.exif import MAKER_TAG, exif_of


def test_an_exif_block_without_orientation_is_left_alone() -> None:
    exif = Image.Exif()
    exif[MAKER_TAG] = "maker"
    assert upright_exif(exif.tobytes()) == exif.tobytes()
    assert upright_exif(b"junk") == b"junk"
    assert upright_exif(b"") == b""


def test_only_the_orientation_changes() -> None:
    turned = exif_of(6)
    assert sum(a != b for a, b in zip(turned, upright_exif(turned), strict=True)) == 1
    assert upright_xmp(b"<tiff:Orientation>8</tiff:Orientation>") == b"<tiff:Orientation>1</tiff:Orientation>"
