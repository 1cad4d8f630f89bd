"""ICC profiles: recognise the colour space of one, and convert pixels through one to sRGB."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms

from edgekit.errors import ImageError
from edgekit.images.decode import Pixels

Space = Literal["srgb", "display-p3"]

# X, Y, Z (rows) of red, green and blue (columns) as the profiles of these spaces store them: under D50, the profile
# connection space's white (ICC.1:2022, 7.2.16), to which both spaces' D65 is adapted by Bradford's matrix (annex E).
COLORANTS: dict[Space, NDArray[np.float64]] = {
    "srgb": np.array([[0.4360, 0.3851, 0.1431], [0.2225, 0.7169, 0.0606], [0.0139, 0.0971, 0.7141]]),
    "display-p3": np.array([[0.5151, 0.2920, 0.1571], [0.2412, 0.6922, 0.0666], [-0.0011, 0.0419, 0.7841]]),
}
COLORANT_TOLERANCE = 0.003  # profiles round their colorants to s15Fixed16 and use slightly different D65
GREY_TOLERANCE_LEVELS = 2.0  # between the profile's curve and sRGB's, over 256 greys


@dataclass(frozen=True, eq=False)
class Profile:
    """A parsed ICC profile. colours: "RGB", "GRAY", "CMYK" … colorants: as in COLORANTS, or None."""

    handle: ImageCms.ImageCmsProfile
    name: str
    colours: str
    colorants: NDArray[np.float64] | None


def profile_of(path: Path, icc: bytes) -> Profile:
    """The parsed profile. ImageError for a damaged one."""
    try:
        handle = ImageCms.ImageCmsProfile(io.BytesIO(icc))
        core = handle.profile
        primaries = [
            c[0] for c in (core.red_colorant, core.green_colorant, core.blue_colorant) if c is not None
        ]
        return Profile(
            handle=handle,
            name=ImageCms.getProfileDescription(handle).strip() or "an unnamed profile",
            colours=core.xcolor_space.strip(),
            colorants=np.array(primaries).T if len(primaries) == 3 else None,
        )
    except Exception as error:  # OSError, PyCMSError; UnicodeDecodeError or ValueError for damaged text
        raise ImageError(path, "has a damaged colour profile; remove it or write the file anew.") from error


def space_of(profile: Profile) -> Space | None:
    """The known space that a profile describes; None for any other."""
    if profile.colours != "RGB" or profile.colorants is None or not _has_srgb_curve(profile.handle):
        return None
    for space, expected in COLORANTS.items():
        if np.abs(profile.colorants - expected).max() <= COLORANT_TOLERANCE:
            return space
    return None


def image_of(pixels: Pixels) -> Image.Image:
    """An 8-bit Pillow image of mode L, RGB or CMYK. pixels: as in `Decoded`; 16 bits are rounded."""
    eight = eight_bit(pixels)
    mode = "CMYK" if eight.ndim == 3 and eight.shape[2] == 4 else None  # (H, W, 4) alone would be RGBA
    return Image.fromarray(eight, mode)


def eight_bit(codes: Pixels) -> NDArray[np.uint8]:
    """The codes as uint8; uint16 codes are rounded (65535 becomes 255)."""
    if codes.dtype == np.uint8:
        return codes.astype(np.uint8, copy=False)
    return np.rint(codes / 257).astype(np.uint8)


def srgb_pixels(pixels: Pixels, icc: bytes | None) -> NDArray[np.uint8]:
    """Convert pixels from their profile to (H, W, 3) uint8 sRGB, perceptual intent, as the network's input needs.

    Without a profile, or with one that is damaged or of another kind of colours, grey and RGB are taken for sRGB and
    CMYK is converted by Pillow's plain formula, (255 − C)·(255 − K) / 255.
    """
    if not icc and pixels.ndim == 3 and pixels.shape[2] == 3:
        return eight_bit(pixels)
    image = image_of(pixels)
    if icc:
        try:
            profile = ImageCms.ImageCmsProfile(io.BytesIO(icc))
            converted = ImageCms.profileToProfile(
                image, profile, ImageCms.createProfile("sRGB"), outputMode="RGB"
            )
            return np.asarray(converted)
        except (ImageCms.PyCMSError, OSError, ValueError):
            pass  # convert as if there were no profile
    return np.asarray(image.convert("RGB"))


def _has_srgb_curve(profile: ImageCms.ImageCmsProfile) -> bool:
    """Whether greys keep their codes in a conversion to sRGB."""
    ramp = np.repeat(np.arange(256, dtype=np.uint8)[None, :, None], 3, axis=-1)
    srgb = ImageCms.createProfile("sRGB")
    try:
        converted = ImageCms.profileToProfile(Image.fromarray(ramp), profile, srgb, outputMode="RGB")
    except ImageCms.PyCMSError:
        return False
    return bool(np.abs(np.asarray(converted).astype(float) - ramp).max() <= GREY_TOLERANCE_LEVELS)
