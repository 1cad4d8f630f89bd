"""16-bit PNG through OpenCV: Pillow has no 16-bit RGB (python-pillow issue 1888).

OpenCV allocates whatever length a chunk declares, 3.7 GB for a file of 50 bytes, so the chunks are checked
before OpenCV gets the file.
"""

from __future__ import annotations

import os
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

SIGNATURE = b"\x89PNG\r\n\x1a\n"
BIT_DEPTH_OFFSET = 24  # signature 8, length 4, "IHDR" 4, width 4, height 4 (PNG, third edition, 11.2.1)
# The byte after the bit depth.
COLOUR_TYPES = {0: "grey", 2: "RGB", 3: "palette", 4: "grey with alpha", 6: "RGB with alpha"}
MAX_DEFLATE_RATIO = 1032  # zlib's technical details: 258 bytes from 2 bits, at best
CHUNK_FRAME_BYTES = 12  # length, type and checksum
IHDR_BYTES = 13


class DamagedPng(ValueError):
    """A PNG is damaged, or declares more than it holds."""


def stored_as(stream: BinaryIO) -> tuple[int, str] | None:
    """The bits per channel and the colour type, one of COLOUR_TYPES, of a PNG; None for any other file."""
    with _kept_position(stream):
        stream.seek(0)
        head = stream.read(BIT_DEPTH_OFFSET + 2)
    if len(head) < BIT_DEPTH_OFFSET + 2 or not head.startswith(SIGNATURE):
        return None
    return head[BIT_DEPTH_OFFSET], COLOUR_TYPES.get(head[BIT_DEPTH_OFFSET + 1], "unknown")


def is_sixteen_bit(stream: BinaryIO) -> bool:
    """Whether the file is a PNG with 16 bits per channel."""
    stored = stored_as(stream)
    return stored is not None and stored[0] == 16


def require_plausible_size(stream: BinaryIO, pixels: int) -> None:
    """DamagedPng for a file that is too small to hold `pixels`; Pillow would spend minutes filling them with black."""
    bits, _ = stored_as(stream) or (1, "")
    with _kept_position(stream):
        size_bytes = stream.seek(0, os.SEEK_END)
    if pixels * bits > 8 * MAX_DEFLATE_RATIO * size_bytes:
        raise DamagedPng(f"it declares {pixels:,} pixels, more than its bytes can hold")


@contextmanager
def _kept_position(stream: BinaryIO) -> Iterator[None]:
    position = stream.tell()
    yield
    stream.seek(position)


def decode(data: bytes, width: int, height: int) -> NDArray[np.uint16]:
    """Decode to (H, W) grey, (H, W, 3) RGB or (H, W, 4) RGBA uint16; orientation and profile are not applied.

    data: a whole file. width, height: the size that the caller has accepted. Raises DamagedPng.
    """
    import cv2

    _require_whole_chunks(data)
    codes = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED | cv2.IMREAD_IGNORE_ORIENTATION)
    if codes is None or codes.dtype != np.uint16 or codes.shape[:2] != (height, width):
        raise DamagedPng("the picture is damaged or has not 16 bits per channel")
    bgr = np.asarray(codes, np.uint16)
    if bgr.ndim == 2:
        return bgr
    return np.ascontiguousarray(bgr[..., [2, 1, 0, 3][: bgr.shape[2]]])


def encode(
    rgb: NDArray[np.uint16], icc: bytes | None = None, exif: bytes | None = None, xmp: bytes | None = None
) -> bytes:
    """Encode a 16-bit PNG. rgb: (H, W, 3 or 4) uint16. exif: without the "Exif" prefix of JPEG. Returns the file."""
    import cv2

    bgr = np.ascontiguousarray(rgb[..., [2, 1, 0, 3][: rgb.shape[2]]])
    good, data = cv2.imencode(".png", bgr)
    if not good:
        raise DamagedPng("the picture could not be encoded as a 16-bit PNG")
    header = len(SIGNATURE) + CHUNK_FRAME_BYTES + IHDR_BYTES  # other chunks come after IHDR, before IDAT
    plain = data.tobytes()
    chunks = [
        _chunk(b"iCCP", b"ICC profile\0\0" + zlib.compress(icc)) if icc else b"",
        _chunk(b"eXIf", exif) if exif else b"",
        _chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + xmp) if xmp else b"",
    ]
    return plain[:header] + b"".join(chunks) + plain[header:]


def _chunk(kind: bytes, content: bytes) -> bytes:
    """A chunk by PNG, third edition, 5.3: length, type, data, CRC over type and data."""
    checksum = zlib.crc32(kind + content)
    return len(content).to_bytes(4, "big") + kind + content + checksum.to_bytes(4, "big")


def _require_whole_chunks(data: bytes) -> None:
    """DamagedPng unless the chunks are as long as they declare and run from one IHDR to IEND."""
    at, names = len(SIGNATURE), []
    while at < len(data):
        length = int.from_bytes(data[at : at + 4], "big")
        names.append(data[at + 4 : at + 8])
        at += CHUNK_FRAME_BYTES + length
        if at > len(data):
            raise DamagedPng(f"the chunk {names[-1]!r} declares {length:,} bytes, more than the file has")
    if names[:1] != [b"IHDR"] or names.count(b"IHDR") != 1 or names[-1] != b"IEND":
        raise DamagedPng("the file does not run from one IHDR to IEND")
