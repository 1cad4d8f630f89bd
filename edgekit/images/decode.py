"""Decode picture files to upright pixels with their metadata.

Every picture that edgekit reads comes through `opened`, which checks the kind and size of the file before its content
is used. Pillow decodes 8 bits, and 16-bit grey TIFF; OpenCV decodes 16-bit PNG, because Pillow has no 16-bit RGB
(python-pillow issue 1888). A 16-bit RGB TIFF is therefore read with 8 bits.
"""

from __future__ import annotations

import io
import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from edgekit.errors import EdgekitError, ImageError, MissingDependency
from edgekit.images import png
from edgekit.images.orientation import ORIENTATION_TAG, UPRIGHT, upright_exif, upright_xmp
from edgekit.images.source import Source, path_of

Pixels = NDArray[np.uint8] | NDArray[np.uint16]

# Suffix to Pillow's name of the format. The suffix makes a file a candidate; its bytes decide which format it is.
FORMATS = {
    ".jpg": "JPEG",
    ".jpeg": "JPEG",
    ".png": "PNG",
    ".webp": "WEBP",
    ".bmp": "BMP",
    ".tif": "TIFF",
    ".tiff": "TIFF",
    ".heic": "HEIF",
    ".heif": "HEIF",
}
MAX_PIXELS = 500_000_000  # phone panoramas stay below; a larger file is a bomb or a job for another tool
MAX_BYTES = 4 * MAX_PIXELS  # the largest picture as uncompressed 8-bit RGBA
MAX_REASON_CHARS = 200  # of a decoder's own message


@dataclass(frozen=True, eq=False)
class Decoded:
    """An upright picture in the colours that its file stores.

    pixels: (H, W) grey, (H, W, 3) RGB or (H, W, 4) CMYK, uint8 or uint16 (grey and RGB only); the first frame of an
    animation, the first of several pages. alpha: (H, W) of the same type, or None. exif, xmp: as stored, except for
    the orientation, which is set to upright.
    """

    path: Path
    pixels: Pixels
    alpha: Pixels | None
    icc_profile: bytes | None
    exif: bytes | None
    xmp: bytes | None
    dpi: tuple[float, float] | None
    animated: bool


def decode(picture: Path | Source, kind: str = "image") -> Decoded:
    """Decode a picture. Raises ImageError, which names the `kind` of picture."""
    path = path_of(picture)
    with opened(picture, kind) as (image, stream):
        animated = image.format in ("PNG", "WEBP") and getattr(image, "n_frames", 1) > 1
        wide = image.format == "PNG" and png.is_sixteen_bit(stream)
        pixels, alpha = _sixteen_bit_png(stream, image) if wide else _upright_pixels(path, image)
        metadata = dict(image.info)  # read after the pixels: a PNG may store EXIF and XMP behind them
    exif, xmp = metadata.get("exif"), metadata.get("xmp")
    return Decoded(
        path=path,
        pixels=pixels,
        alpha=alpha,
        icc_profile=metadata.get("icc_profile"),
        exif=upright_exif(exif) if exif else None,
        xmp=upright_xmp(xmp if isinstance(xmp, bytes) else xmp.encode()) if xmp else None,
        dpi=metadata.get("dpi"),
        animated=animated,
    )


@contextmanager
def opened(
    picture: Path | Source, kind: str = "image", suffixes: Sequence[str] = tuple(FORMATS)
) -> Iterator[tuple[Image.Image, BinaryIO]]:
    """Open a picture with Pillow, within the limits, without decoding it. Yields it with the stream of its bytes.

    Whatever goes wrong in the block, as decoding does with damaged bytes, becomes an ImageError that names the
    `kind` of picture. suffixes: of FORMATS, those that are acceptable.
    """
    path = path_of(picture)
    if isinstance(picture, Path):
        _require_picture_file(picture, suffixes)
    try:
        with _stream_of(picture) as stream, _by_pillow(stream, _decoders(path, suffixes)) as image:
            if image.width * image.height > MAX_PIXELS:
                raise ImageError(path, f"has {image.width}×{image.height} pixels, more than {MAX_PIXELS:,}.")
            if image.format == "PNG":
                png.require_plausible_size(stream, image.width * image.height)
            yield image, stream
    except EdgekitError:
        raise
    except Exception as error:  # decoders raise OSError, SyntaxError, ValueError, struct.error, zlib.error …
        raise ImageError(path, f"is not a readable {kind} ({_cause(error, suffixes)}).") from error


def _stream_of(picture: Path | Source) -> BinaryIO:
    return picture.open("rb") if isinstance(picture, Path) else io.BytesIO(picture.read())


def _require_picture_file(path: Path, suffixes: Sequence[str]) -> None:
    """ImageError unless `path` is a regular file with one of the suffixes and at most MAX_BYTES."""
    if path.suffix.lower() not in suffixes:
        raise ImageError(Path(utf8_text(path)), f"the extension is not one of {', '.join(suffixes)}.")
    status = status_of(path)
    if not stat.S_ISREG(status.st_mode):
        raise ImageError(path, "is not a regular file, but a folder, a pipe, a socket or a device.")
    if status.st_size > MAX_BYTES:
        raise ImageError(path, f"has {status.st_size:,} bytes; a picture may have at most {MAX_BYTES:,}.")


def status_of(path: Path) -> os.stat_result:
    """The status of the file at `path`, links followed. ImageError: missing, or a name that is not text or too long."""
    text = utf8_text(path)
    if text != str(path):
        raise ImageError(Path(text), "has a name with bytes that are not UTF-8 text; rename it.")
    try:
        return path.stat()
    except FileNotFoundError as error:
        raise ImageError(path, "does not exist.") from error
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        raise ImageError(path, f"cannot be read ({getattr(error, 'strerror', None) or error}).") from error


def utf8_text(path: Path) -> str:
    """The path as text that can be printed: bytes that are not UTF-8 are shown as `\\udcXX`."""
    return str(path).encode("utf-8", "backslashreplace").decode()


def _decoders(path: Path, suffixes: Sequence[str]) -> tuple[str, ...]:
    """Pillow's names of the formats that the file may have. pillow-heif is loaded only for a HEIF suffix."""
    named = FORMATS.get(path.suffix.lower())
    if named == "HEIF":
        register_heif()
    Image.init()  # so that Image.OPEN is complete
    wanted = dict.fromkeys(FORMATS[suffix] for suffix in suffixes)
    return tuple(name for name in wanted if name in Image.OPEN and (name != "HEIF" or named == "HEIF"))


def register_heif() -> None:
    """Make Pillow read and write HEIF. MissingDependency without pillow-heif."""
    try:
        import pillow_heif
    except ImportError as error:
        raise MissingDependency("pillow-heif", "reading HEIF photos", extra="heif") from error
    pillow_heif.register_heif_opener()


def _by_pillow(stream: BinaryIO, formats: tuple[str, ...]) -> Image.Image:
    """Open an image of any size; Pillow's own limit would refuse a panorama of 179 megapixels."""
    kept = Image.MAX_IMAGE_PIXELS
    Image.MAX_IMAGE_PIXELS = None
    try:
        return Image.open(stream, formats=formats)
    finally:
        Image.MAX_IMAGE_PIXELS = kept


def _cause(error: Exception, suffixes: Sequence[str]) -> str:
    """A decoder's message on one line; Pillow's message for an unknown format is replaced, since it names a stream."""
    if isinstance(error, UnidentifiedImageError):
        return (
            f"its bytes are not an intact {', '.join(dict.fromkeys(FORMATS[suffix] for suffix in suffixes))}"
        )
    message = getattr(error, "strerror", None) or str(error)
    return " ".join(message.split())[:MAX_REASON_CHARS] or type(error).__name__


def _sixteen_bit_png(stream: BinaryIO, image: Image.Image) -> tuple[Pixels, Pixels | None]:
    """The upright pixels and alpha of a 16-bit PNG, decoded by OpenCV. image: Pillow's, for size and orientation."""
    orientation = image.getexif().get(ORIENTATION_TAG, 1)
    stream.seek(0)
    stored = png.decode(stream.read(), image.width, image.height)
    codes = UPRIGHT.get(orientation, UPRIGHT[1])(stored)
    if codes.ndim == 3 and codes.shape[2] == 4:
        return np.ascontiguousarray(codes[..., :3]), np.ascontiguousarray(codes[..., 3])
    return np.ascontiguousarray(codes), None


def _upright_pixels(path: Path, image: Image.Image) -> tuple[Pixels, Pixels | None]:
    """The upright pixels and alpha of any other picture, decoded by Pillow."""
    image.load()
    upright = ImageOps.exif_transpose(image)
    if upright.mode in ("I", "F"):
        raise ImageError(path, "holds 32 bits per channel; edgekit reads 8 and 16.")
    if upright.mode.startswith("I;16"):
        return np.asarray(upright).astype(np.uint16), None
    if upright.mode == "CMYK":
        return np.asarray(upright), None
    colours = "L" if Image.getmodebase(upright.mode) == "L" else "RGB"
    if not upright.has_transparency_data:
        return np.asarray(upright.convert(colours)), None
    codes = np.asarray(upright.convert(f"{colours}A"))  # (H, W, 2 or 4)
    flat = codes[..., 0] if colours == "L" else codes[..., :3]
    return np.ascontiguousarray(flat), np.ascontiguousarray(codes[..., -1])
