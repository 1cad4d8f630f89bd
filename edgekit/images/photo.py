"""Photos for styling: read with their metadata, and written back with it.

Pixels come out in encoded sRGB or encoded Display P3; both profiles are kept. A photo with any other profile is
converted to sRGB, and `converted_from` names that profile. EXIF and XMP are kept byte for byte except the orientation,
which is applied to the pixels and set to "upright". Pillow writes 8 bits; OpenCV 16-bit PNG.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms, PngImagePlugin

from edgekit.errors import ImageError
from edgekit.files import staged_file, write_whole
from edgekit.images import png
from edgekit.images.decode import FORMATS, Decoded, Pixels, decode, register_heif
from edgekit.images.profiles import Space, eight_bit, image_of, profile_of, space_of, srgb_pixels

# The formats that can keep a photo's metadata. Quality 95 is visually lossless for a second generation; Pillow keeps
# full chroma resolution with 4:4:4.
SAVE_OPTIONS: dict[str, dict[str, int | str]] = {
    "JPEG": {"quality": 95, "subsampling": "4:4:4"},
    "PNG": {},
    "WEBP": {"quality": 95},
    "HEIF": {"quality": 95},
}
WRITTEN_SUFFIXES = tuple(suffix for suffix, form in FORMATS.items() if form in SAVE_OPTIONS)
CMYK_WITHOUT_PROFILE = "CMYK without a profile"  # in place of a profile's name; its colours are approximate


@dataclass(frozen=True, eq=False)
class Photo:
    """A photo with its metadata.

    pixels: (H, W, 3) uint8 or uint16, upright, in `space`. alpha: (H, W) of the same type, or None.
    """

    path: Path
    pixels: Pixels
    alpha: Pixels | None
    space: Space
    converted_from: str | None  # the profile's own name, or CMYK_WITHOUT_PROFILE, when converted to sRGB
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
    """Read the photo at `path`. ImageError: missing, damaged, too large, or of a kind that cannot be styled."""
    decoded = decode(path)
    if decoded.animated:
        raise ImageError(path, "is an animation; edgekit styles still pictures.")
    pixels, space, converted_from, icc = _in_known_space(decoded)
    return Photo(
        path=path,
        pixels=pixels,
        alpha=decoded.alpha,
        space=space,
        converted_from=converted_from,
        icc_profile=icc,
        exif=decoded.exif,
        xmp=decoded.xmp,
        dpi=decoded.dpi,
    )


def srgb_bytes(photo: Photo) -> NDArray[np.uint8]:
    """The photo's pixels as (H, W, 3) uint8 sRGB, the input of segmenters and fits."""
    if photo.space == "srgb":
        return eight_bit(photo.pixels)
    return srgb_pixels(photo.pixels, photo.icc_profile)


def written_format(path: Path) -> str:
    """Pillow's name of the format for writing a photo at `path`. ImageError for a format that is only read."""
    form = FORMATS.get(path.suffix.lower(), "")
    if form not in SAVE_OPTIONS:
        known = f"{', '.join(WRITTEN_SUFFIXES[:-1])} or {WRITTEN_SUFFIXES[-1]}"
        raise ImageError(path, f"photos are written as {known} only; convert the photo to one of them first.")
    return form


def write_photo(path: Path, photo: Photo, *, replace: bool = False) -> None:
    """Write a photo in the format of `path`'s extension, with profile, EXIF and XMP, whole or not at all."""
    form = written_format(path)
    if photo.bits == 16:
        if form != "PNG":
            raise ImageError(path, "16-bit pictures are written as .png only.")
        write_whole(path, _sixteen_bit_png(photo), replace=replace)
        return
    if form == "HEIF":
        register_heif()
    layers = [photo.pixels] if photo.alpha is None else [photo.pixels, photo.alpha[..., None]]
    image = Image.fromarray(np.concatenate(layers, axis=-1))
    metadata: dict[str, object] = {"icc_profile": photo.icc_profile, "exif": photo.exif, "dpi": photo.dpi}
    if photo.xmp and form == "PNG":
        text = PngImagePlugin.PngInfo()
        text.add_itxt("XML:com.adobe.xmp", photo.xmp.decode("utf-8", "replace"))
        metadata["pnginfo"] = text
    elif photo.xmp:
        metadata["xmp"] = photo.xmp
    options = {name: value for name, value in metadata.items() if value is not None}
    with staged_file(path, replace=replace) as temporary:
        image.save(temporary, format=form, **SAVE_OPTIONS[form], **options)


def _sixteen_bit_png(photo: Photo) -> bytes:
    rgba = photo.pixels if photo.alpha is None else np.dstack([photo.pixels, photo.alpha])
    exif = photo.exif.removeprefix(b"Exif\0\0") if photo.exif else None
    return png.encode(np.asarray(rgba, np.uint16), photo.icc_profile, exif, photo.xmp)


def _in_known_space(decoded: Decoded) -> tuple[Pixels, Space, str | None, bytes | None]:
    """The pixels (H, W, 3), their space, the profile that they were converted from or None, and the one to write."""
    path, pixels, icc = decoded.path, decoded.pixels, decoded.icc_profile
    cmyk = pixels.ndim == 3 and pixels.shape[2] == 4
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))
    if cmyk and not icc:
        return srgb_pixels(pixels, None), "srgb", CMYK_WITHOUT_PROFILE, srgb.tobytes()
    rgb: Pixels = np.dstack([pixels] * 3) if pixels.ndim == 2 else pixels  # type: ignore[assignment]
    if not icc:
        return rgb, "srgb", None, None
    profile = profile_of(path, icc)
    space = None if cmyk else space_of(profile)
    if space is not None:
        return rgb, space, None, icc
    if pixels.dtype == np.uint16:
        raise ImageError(
            path,
            "has 16 bits and a profile that is neither sRGB nor Display P3; convert it to one of them first.",
        )
    try:
        converted = ImageCms.profileToProfile(
            image_of(rgb).convert("L") if profile.colours == "GRAY" else image_of(rgb),
            profile.handle,
            srgb,
            renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC,
            outputMode="RGB",
            flags=ImageCms.Flags.BLACKPOINTCOMPENSATION,
        )
    except ImageCms.PyCMSError as error:
        raise ImageError(path, f"has a colour profile that cannot be used ({error}); remove it.") from error
    return np.asarray(converted), "srgb", profile.name, srgb.tobytes()
