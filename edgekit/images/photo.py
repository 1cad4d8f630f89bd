"""A photo file as upright pixels plus everything else it carried, and back.

Pixels come out in encoded sRGB or encoded Display P3; both profiles are kept. A photo with any other
profile is converted to sRGB and says so. EXIF and XMP are kept byte for byte except the orientation,
which is applied to the pixels and set to "upright". Pillow reads and writes 8 bits; OpenCV 16-bit PNG,
because Pillow has no 16-bit RGB (python-pillow issue 1888) and OpenCV is a dependency already.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from edgekit.color.rgb import XYZ_FROM_P3, XYZ_FROM_SRGB, adaptation
from edgekit.errors import ImageError, MissingDependency
from edgekit.files import staged_file, write_whole
from edgekit.images import png

if TYPE_CHECKING:
    from PIL import Image as PillowImage
    from PIL import ImageCms as Cms

Space = Literal["srgb", "display-p3"]
Pixels = NDArray[np.uint8] | NDArray[np.uint16]

FORMATS = {".jpg": "JPEG", ".jpeg": "JPEG", ".png": "PNG", ".webp": "WEBP", ".heic": "HEIF", ".heif": "HEIF"}
HEIF_SUFFIXES = (".heic", ".heif")
# Visually lossless for a second generation; Pillow keeps full chroma resolution with 4:4:4.
SAVE_OPTIONS: dict[str, dict[str, int | str]] = {
    "JPEG": {"quality": 95, "subsampling": "4:4:4"},
    "PNG": {},
    "WEBP": {"quality": 95},
    "HEIF": {"quality": 95},
}
MAX_PIXELS = 500_000_000  # 500 megapixels: 1.5 GB in, as much out; beyond it is a bomb or another tool's job
D50_XYZ = np.array([0.9642, 1.0, 0.8249])  # ICC.1:2022, 7.2.16: the profile connection space
COLORANT_TOLERANCE = 0.003  # profiles round their colorants to s15Fixed16 and use slightly different D65
GREY_TOLERANCE_LEVELS = 2.0  # between the profile's curve and sRGB's, over 256 greys

EXIF_ORIENTATION = 0x0112


@dataclass(frozen=True, eq=False)
class Photo:
    """pixels: (H, W, 3) uint8 or uint16, upright, in `space`. alpha: (H, W) of the same type, or None."""

    path: Path
    pixels: Pixels
    alpha: Pixels | None
    space: Space
    converted_from: str | None  # the profile's own name when the pixels were converted to sRGB
    icc_profile: bytes | None
    exif: bytes | None
    xmp: bytes | None
    dpi: tuple[float, float] | None

    @property
    def bits(self) -> int:
        return 16 if self.pixels.dtype == np.uint16 else 8

    def with_pixels(self, pixels: Pixels) -> Photo:
        return replace(self, pixels=pixels)


def read_photo(path: Path) -> Photo:
    """The photo at `path`. ImageError: missing, damaged, too large, or of a kind that cannot be kept."""
    from PIL import Image

    if path.suffix.lower() not in FORMATS:
        raise ImageError(path, f"the extension is not one of {', '.join(FORMATS)}.")
    if path.suffix.lower() in HEIF_SUFFIXES:
        _register_heif()
    Image.init()  # so that Image.OPEN is complete
    known = tuple(set(FORMATS.values()) & set(Image.OPEN))
    try:
        with _large_pictures_allowed(), Image.open(path, formats=known) as image:
            if image.width * image.height > MAX_PIXELS:
                raise ImageError(path, f"has {image.width}×{image.height} pixels, more than {MAX_PIXELS:,}.")
            if getattr(image, "n_frames", 1) > 1 and image.format in ("PNG", "WEBP"):
                raise ImageError(path, "is an animation; edgekit styles still pictures.")
            return _sixteen_bit(path, image) if png.is_sixteen_bit(path) else _eight_bit(path, image)
    except FileNotFoundError as error:
        raise ImageError(path, "does not exist.") from error
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise ImageError(path, f"is not a readable picture ({error}).") from error


def write_photo(path: Path, photo: Photo, *, replace: bool = False) -> None:
    """Write in the format of `path`'s extension, with profile, EXIF and XMP. Whole or not at all."""
    form = FORMATS[path.suffix.lower()]
    if photo.bits == 16:
        if form != "PNG":
            raise ImageError(path, "16-bit pictures are written as .png only.")
        write_whole(path, _sixteen_bit_png(photo), replace=replace)
        return
    from PIL import Image, PngImagePlugin

    if form == "HEIF":
        _register_heif()
    layers = [photo.pixels] if photo.alpha is None else [photo.pixels, photo.alpha[..., None]]
    image = Image.fromarray(np.concatenate(layers, axis=-1))
    carried: dict[str, object] = {"icc_profile": photo.icc_profile, "exif": photo.exif, "dpi": photo.dpi}
    if photo.xmp and form == "PNG":
        text = PngImagePlugin.PngInfo()
        text.add_itxt("XML:com.adobe.xmp", photo.xmp.decode("utf-8", "replace"))
        carried["pnginfo"] = text
    elif photo.xmp:
        carried["xmp"] = photo.xmp
    options = {name: value for name, value in carried.items() if value is not None}
    with staged_file(path, replace=replace) as temporary:
        image.save(temporary, format=form, **SAVE_OPTIONS[form], **options)


def mask_from_picture(path: Path) -> NDArray[np.float32]:
    """(h, w, 3) float32 in [0, 1]: red is skin, green hair, blue clothes; a grey picture is skin alone."""
    from PIL import Image

    try:
        with Image.open(path) as image:
            grey = len(image.getbands()) == 1 and image.mode != "P"
            rgb = np.asarray(image.convert("RGB"), np.float32) / np.float32(255)
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise ImageError(path, f"is not a readable mask ({error}).") from error
    return rgb * np.array([1, 0, 0], np.float32) if grey else rgb


def upright_exif(exif: bytes) -> bytes:
    """The same EXIF block with the orientation of its first directory set to 1; all else untouched."""
    start = 6 if exif.startswith(b"Exif\0\0") else 0
    order: Literal["little", "big"] = "little" if exif[start : start + 2] == b"II" else "big"

    def number(offset: int, size: int) -> int:
        return int.from_bytes(exif[start + offset : start + offset + size], order)

    directory = number(4, 4)
    for entry in range(number(directory, 2)):
        offset = directory + 2 + 12 * entry
        if number(offset, 2) == EXIF_ORIENTATION:
            value = start + offset + 8  # a SHORT lies in the first two bytes of the value field
            return exif[:value] + (1).to_bytes(2, order) + exif[value + 2 :]
    return exif


def upright_xmp(xmp: bytes) -> bytes:
    """The same XMP packet with `tiff:Orientation` set to 1, as attribute or as element."""
    xmp = re.sub(rb'(tiff:Orientation=)(["\'])\d\2', rb"\1\g<2>1\2", xmp)
    return re.sub(rb"(<tiff:Orientation>)\d(</tiff:Orientation>)", rb"\g<1>1\2", xmp)


def srgb_bytes(photo: Photo) -> NDArray[np.uint8]:
    """(H, W, 3) uint8 sRGB: what a segmenter or a fit wants to see of any photo."""
    from PIL import Image, ImageCms

    codes = photo.pixels
    eight = codes.astype(np.uint8) if codes.dtype == np.uint8 else np.rint(codes / 257.0).astype(np.uint8)
    if photo.space == "srgb":
        return eight
    profile = _profile(photo.path, photo.icc_profile or b"")
    there = ImageCms.profileToProfile(
        Image.fromarray(eight), profile, ImageCms.createProfile("sRGB"), outputMode="RGB"
    )
    return np.asarray(there)


@contextmanager
def _large_pictures_allowed() -> Iterator[None]:
    """Pillow's guard against bombs raised to MAX_PIXELS: it would refuse a panorama of 179 megapixels."""
    from PIL import Image

    kept = Image.MAX_IMAGE_PIXELS
    Image.MAX_IMAGE_PIXELS = MAX_PIXELS
    try:
        yield
    finally:
        Image.MAX_IMAGE_PIXELS = kept


def _eight_bit(path: Path, image: PillowImage.Image) -> Photo:
    from PIL import ImageOps

    carried = dict(image.info)
    exif, xmp = carried.get("exif"), carried.get("xmp")
    image.load()
    upright = ImageOps.exif_transpose(image)
    alpha = None
    if "A" in upright.getbands() or "transparency" in upright.info:
        with_alpha = upright.convert("RGBA")
        alpha = np.asarray(with_alpha.getchannel("A"))
        upright = with_alpha.convert("RGB")
    icc = carried.get("icc_profile")
    rgb, space, converted_from, icc = _in_known_space(path, upright, icc)
    return Photo(
        path=path,
        pixels=np.asarray(rgb),
        alpha=alpha,
        space=space,
        converted_from=converted_from,
        icc_profile=icc,
        exif=upright_exif(exif) if exif else None,
        xmp=upright_xmp(xmp if isinstance(xmp, bytes) else xmp.encode()) if xmp else None,
        dpi=carried.get("dpi"),
    )


def _sixteen_bit(path: Path, image: PillowImage.Image) -> Photo:
    """image: opened by Pillow for its metadata; the pixels are OpenCV's."""
    carried = dict(image.info)
    orientation = image.getexif().get(EXIF_ORIENTATION, 1)
    stored = png.decode(path, image.width, image.height)
    pixels = np.asarray(UPRIGHT[orientation if orientation in UPRIGHT else 1](stored), np.uint16)
    space = space_of(path, carried.get("icc_profile"))
    if space is None:
        raise ImageError(
            path,
            "has 16 bits and a profile that is neither sRGB nor Display P3; convert it to one of them first.",
        )
    exif, xmp = carried.get("exif"), carried.get("xmp")
    return Photo(
        path=path,
        pixels=np.ascontiguousarray(pixels[..., :3]),
        alpha=np.ascontiguousarray(pixels[..., 3]) if pixels.shape[2] == 4 else None,
        space=space,
        converted_from=None,
        icc_profile=carried.get("icc_profile"),
        exif=upright_exif(exif) if exif else None,
        xmp=upright_xmp(xmp if isinstance(xmp, bytes) else xmp.encode()) if xmp else None,
        dpi=carried.get("dpi"),
    )


# EXIF 2.32, tag 274: what makes the stored rows and columns upright. Arrays: (H, W, C).
UPRIGHT: dict[int, Callable[[NDArray[np.generic]], NDArray[np.generic]]] = {
    1: lambda a: a,
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.transpose(1, 0, 2),
    6: lambda a: a.transpose(1, 0, 2)[:, ::-1],
    7: lambda a: a.transpose(1, 0, 2)[::-1, ::-1],
    8: lambda a: a.transpose(1, 0, 2)[::-1],
}


def _sixteen_bit_png(photo: Photo) -> bytes:
    rgba = photo.pixels if photo.alpha is None else np.dstack([photo.pixels, photo.alpha])
    exif = photo.exif.removeprefix(b"Exif\0\0") if photo.exif else None
    return png.encode(np.asarray(rgba, np.uint16), photo.icc_profile, exif, photo.xmp)


def _in_known_space(
    path: Path, image: PillowImage.Image, icc: bytes | None
) -> tuple[PillowImage.Image, Space, str | None, bytes | None]:
    """The picture as RGB, its space, the name of a profile converted away, and the profile to write."""
    from PIL import ImageCms

    if image.mode == "CMYK" and not icc:
        raise ImageError(path, "is CMYK without a colour profile; convert it to RGB first.")
    space = space_of(path, icc) if image.mode != "CMYK" else None
    if space is not None:
        return image.convert("RGB"), space, None, icc
    profile = _profile(path, icc or b"")
    grey = profile.profile.xcolor_space.strip() == "GRAY"
    source = image.convert("L") if grey else image if image.mode == "CMYK" else image.convert("RGB")
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))
    try:
        converted = ImageCms.profileToProfile(
            source,
            profile,
            srgb,
            renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC,
            outputMode="RGB",
            flags=ImageCms.Flags.BLACKPOINTCOMPENSATION,
        )
    except ImageCms.PyCMSError as error:
        raise ImageError(path, f"has a colour profile that cannot be used ({error}); remove it.") from error
    assert converted is not None  # only inPlace gives None
    name = ImageCms.getProfileDescription(profile).strip() or "an unnamed profile"
    return converted, "srgb", name, srgb.tobytes()


def space_of(path: Path, icc: bytes | None) -> Space | None:
    """The known space a profile describes; None for any other. No profile means sRGB."""
    if not icc:
        return "srgb"
    profile = _profile(path, icc)
    if profile.profile.xcolor_space.strip() != "RGB" or not _has_srgb_curve(profile):
        return None
    core = profile.profile
    found = [core.red_colorant, core.green_colorant, core.blue_colorant]
    if any(colorant is None for colorant in found):
        return None
    measured = np.array([colorant[0] for colorant in found if colorant is not None]).T  # XYZ, columns r, g, b
    known: tuple[tuple[Space, NDArray[np.floating]], ...] = (
        ("srgb", XYZ_FROM_SRGB),
        ("display-p3", XYZ_FROM_P3),
    )
    for space, matrix in known:
        expected = adaptation(matrix.sum(axis=1), D50_XYZ) @ matrix
        if np.abs(measured - expected).max() <= COLORANT_TOLERANCE:
            return space
    return None


def _has_srgb_curve(profile: Cms.ImageCmsProfile) -> bool:
    """Whether greys keep their codes on the way to sRGB."""
    from PIL import Image, ImageCms

    ramp = np.repeat(np.arange(256, dtype=np.uint8)[None, :, None], 3, axis=-1)
    srgb = ImageCms.createProfile("sRGB")
    try:
        there = ImageCms.profileToProfile(Image.fromarray(ramp), profile, srgb, outputMode="RGB")
    except ImageCms.PyCMSError:
        return False
    return bool(np.abs(np.asarray(there).astype(float) - ramp).max() <= GREY_TOLERANCE_LEVELS)


def _profile(path: Path, icc: bytes) -> Cms.ImageCmsProfile:
    from PIL import ImageCms

    try:
        return ImageCms.ImageCmsProfile(io.BytesIO(icc))
    except (ImageCms.PyCMSError, OSError) as error:
        raise ImageError(path, "has a damaged colour profile; remove it or write the file anew.") from error


def _register_heif() -> None:
    try:
        import pillow_heif
    except ImportError as error:
        raise MissingDependency("pillow-heif", "reading HEIF photos", extra="heif") from error
    pillow_heif.register_heif_opener()
