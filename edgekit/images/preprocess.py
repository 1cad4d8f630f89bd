"""Image file to network input: the single definition that conversion, parity, calibration and apps share.

The frame is stretched to a square (never cropped), stays sRGB bytes, and goes in as it is: /255 and the BGR
flip are inside the network's first convolution.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms, ImageOps, UnidentifiedImageError

from edgekit.errors import CalibrationError, ImageError

PREPROCESSING_ID = "stretch-bilinear-antialias-srgb-u8/1"  # change the number when any pixel can change
IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff")
MAX_PIXELS = 200_000_000  # a decompression bomb is refused; the largest phone cameras take 200 MP


def read_image(path: Path) -> NDArray[np.uint8]:
    """(H, W, 3) uint8 sRGB, upright. Alpha is dropped, 16-bit is reduced, CMYK and ICC colours are converted.

    Raises ImageError: missing, not an image, truncated, too large.
    """
    return np.asarray(_upright_srgb(path))


def read_input(path: Path, size: int) -> NDArray[np.uint8]:
    """(size, size, 3) uint8 sRGB: the whole frame of the file, stretched. Raises ImageError."""
    return stretch(read_image(path), size)


def stretch(image: NDArray[np.uint8], size: int) -> NDArray[np.uint8]:
    """(H, W, 3) uint8 to (size, size, 3) uint8, bilinear with antialiasing."""
    resized = Image.fromarray(image).resize((size, size), Image.Resampling.BILINEAR)
    return np.asarray(resized)


def read_labels(path: Path, classes: int) -> NDArray[np.uint8]:
    """(H, W) uint8 class indices; 255 means "not labelled". Raises ImageError."""
    try:
        with Image.open(path) as image:
            labels = np.asarray(image if image.mode in ("L", "P") else image.convert("L"), np.uint8)
    except (OSError, UnidentifiedImageError, Image.DecompressionBombError) as error:
        raise ImageError(path, f"is not a readable label image ({error}).") from error
    wrong = labels[(labels >= classes) & (labels != 255)]
    if wrong.size:
        raise ImageError(path, f"holds label {int(wrong.max())}, but the model has {classes} classes.")
    return labels


def images_in(folder: Path) -> list[Path]:
    """The picture files directly in a folder, in name order. CalibrationError when there are none."""
    if not folder.is_dir():
        raise CalibrationError(f"{folder} is not a folder of images.")
    found = sorted(path for path in folder.iterdir() if path.suffix.lower() in IMAGE_SUFFIXES)
    if not found:
        raise CalibrationError(f"{folder} holds no images ({', '.join(IMAGE_SUFFIXES)}).")
    return found


def labels_beside(images: Sequence[Path], folder: Path) -> dict[Path, Path]:
    """Image to its label: the .png of the same stem in `folder`. Images without one are left out."""
    if not folder.is_dir():
        raise CalibrationError(f"{folder} is not a folder of label images.")
    pairs = {image: folder / f"{image.stem}.png" for image in images}
    return {image: label for image, label in pairs.items() if label.is_file()}


def _upright_srgb(path: Path) -> Image.Image:
    try:
        with Image.open(path) as image:
            if image.width * image.height > MAX_PIXELS:
                raise ImageError(path, f"has {image.width}×{image.height} pixels, more than {MAX_PIXELS}.")
            image.load()
            upright = ImageOps.exif_transpose(image)
    except FileNotFoundError as error:
        raise ImageError(path, "does not exist.") from error
    except (OSError, UnidentifiedImageError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise ImageError(path, f"is not a readable image ({error}).") from error
    return _as_srgb(upright)


def _as_srgb(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I;16") or image.mode == "I":
        wide = np.asarray(image).astype(np.float64)  # (H, W) grey, 0…65535
        return Image.fromarray(np.round(wide / 257).clip(0, 255).astype(np.uint8)).convert("RGB")
    profile = image.info.get("icc_profile")
    if profile and image.mode in ("RGB", "RGBA", "CMYK", "L"):
        converted = _through_profile(image, profile)
        if converted is not None:
            return converted
    return image.convert("RGB")


def _through_profile(image: Image.Image, profile: bytes) -> Image.Image | None:
    """The picture in sRGB, or None when its profile is damaged or of another colour space."""
    opaque = image.convert("RGB") if image.mode == "RGBA" else image
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        return ImageCms.profileToProfile(opaque, source, ImageCms.createProfile("sRGB"), outputMode="RGB")
    except (ImageCms.PyCMSError, OSError, ValueError):
        return None
