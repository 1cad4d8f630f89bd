"""EXIF blocks as a camera writes them."""

from __future__ import annotations

from PIL import Image

from edgekit.images.orientation import ORIENTATION_TAG

MAKER_TAG, COMMENT_TAG = 0x010F, 0x9286


def exif_of(orientation: int) -> bytes:
    exif = Image.Exif()
    exif[ORIENTATION_TAG] = orientation
    exif[MAKER_TAG] = "Maker & Söhne"
    exif[COMMENT_TAG] = "comment"
    return exif.tobytes()
