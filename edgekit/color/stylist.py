"""One photo file in, styled photo files and sheets out: read, segment, style, write."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from edgekit.color.controls import GROUPS, Controls
from edgekit.color.difference import SKIN_WEIGHT, SkinDifference, skin_difference
from edgekit.color.display_p3 import display_p3_from_srgb, display_p3_picture
from edgekit.color.edits import Edit, Masks, with_edit
from edgekit.color.engine import Pixels, Refine, refined_mask, styled_pixels, weights_of
from edgekit.color.jobs import Job, each_job
from edgekit.color.layers import BACKGROUND, Layer, Look
from edgekit.color.photo_log import PhotoLog, digest_of
from edgekit.color.sheets import (
    CELL_SIDE,
    MASK_SIDE,
    PANEL_SIDE,
    Cell,
    Picture,
    comparison_sheet,
    contact_sheet,
    mask_at,
    mask_sheet,
    reduced,
)
from edgekit.errors import printable
from edgekit.images import (
    CMYK_WITHOUT_PROFILE,
    Photo,
    Space,
    mask_from_picture,
    read_photo,
    srgb_bytes,
    write_photo,
    written_format,
)

# (H, W, 3) uint8 sRGB → (h, w, 3) float in [0, 1], the weights of skin, hair and clothes
Segment = Callable[[NDArray[np.uint8]], NDArray[np.float32]]
# A table is rebuilt for Display P3 on this many points: the edge of sRGB cuts through its cells.
P3_SIZE = 65
# ΔE2000 is measured on a grid of pixels of at most this size: a face's mean and p95 settle long before.
MEASURED_PIXELS = 1_000_000
NO_MASK = np.zeros((1, 1, 3), np.float32)  # all is background: a table everywhere
CMYK_NOTE = (
    "its inks have no colour profile; they were converted to sRGB by a plain formula, so its colours are "
    "approximate. Embed the profile of the press for true ones."
)


@dataclass(frozen=True)
class StyledPhoto:
    """What was done to one photo in one style.

    converted_from: a colour profile that had to be converted to sRGB. segment_ms: once for all styles of the photo.
    style: the preset or the LUT file. note: what a user should know of the result. skin_delta_e00: with a comparison
    sheet, unless there is no skin.
    """

    path: Path
    output: Path
    width: int
    height: int
    bits: int
    space: Space
    converted_from: str | None
    segment_ms: float
    style_ms: float
    style: str
    note: str | None = None
    skin_delta_e00: SkinDifference | None = None


@dataclass(frozen=True)
class Sheet:
    """A picture for people that was made of one photo; `style`: whose comparison it is."""

    path: Path
    output: Path
    kind: Literal["mask", "compare", "contact"]
    style: str | None = None


@dataclass(frozen=True)
class StyledPhotos:
    """What was styled, (photo, reason) for what was not, what an earlier run had finished, and the sheets."""

    done: tuple[StyledPhoto, ...]
    failed: tuple[tuple[Path, str], ...]
    skipped: tuple[Path, ...] = ()
    sheets: tuple[Sheet, ...] = ()


class Stylist:
    """Looks and controls, ready for photos of either colour space.

    looks: by name, of the styled photos. contact: of the contact sheets, by default the same. drawn: a map of the
    drawn regions, (h, w, 3), over every photo. masks: where masks are from, kept in styled photos with all else that
    was done; None keeps nothing there.
    """

    def __init__(
        self,
        looks: Mapping[str, Look],
        controls: Controls,
        segment: Segment,
        refine: Refine | None = None,
        contact: Mapping[str, Look] | None = None,
        drawn: NDArray[np.float32] | None = None,
        masks: Masks | None = None,
    ) -> None:
        self.looks, self.contact = looks, looks if contact is None else contact
        self.controls, self.segment, self.refine, self.drawn = controls, segment, refine, drawn
        self.masks = masks
        self._digests = {} if masks is None else {name: look.digest() for name, look in looks.items()}
        self._wide: dict[str, Look] = {}  # digest of a look for sRGB → the look for Display P3

    def style_all(self, jobs: Sequence[Job], log: PhotoLog | None = None) -> StyledPhotos:
        """Style every photo, as `each_job` does."""
        found = each_job(jobs, log, self.style, "styling")
        done = [photo for photos, _ in found.results for photo in photos]
        sheets = [sheet for _, pictures in found.results for sheet in pictures]
        return StyledPhotos(tuple(done), found.failed, found.skipped, tuple(sheets))

    def style(self, job: Job) -> tuple[list[StyledPhoto], list[Sheet]]:
        """Read, segment, style and write one photo in every look, and its sheets.

        ImageError when it cannot be read or written.
        """
        for place in job.outputs:
            written_format(place)
        photo = read_photo(job.source)
        original = None if self.masks is None else digest_of(job.source)
        start = time.perf_counter()
        mask = weights_of(self.segment(srgb_bytes(photo)))
        segment_ms = round(1e3 * (time.perf_counter() - start), 1)
        if self.refine is not None:
            mask = refined_mask(self.refine, mask, photo.pixels)
        done: list[StyledPhoto] = []
        sheets: list[Sheet] = []
        for look, place in job.styled.items():
            start = time.perf_counter()
            styled = photo.with_pixels(self._styled(photo, self.looks[look], mask))
            style_ms = round(1e3 * (time.perf_counter() - start), 1)
            write_photo(place, self._with_edit(styled, look, original), replace=job.replace)
            difference = None
            if look in job.compare:
                difference = self._skin_difference(photo, styled, look, mask)
                self._write_comparison(job, look, photo, styled, difference)
                sheets.append(Sheet(job.source, job.compare[look], "compare", look))
            height, width = photo.pixels.shape[:2]
            done.append(
                StyledPhoto(
                    path=job.source,
                    output=place,
                    width=width,
                    height=height,
                    bits=photo.bits,
                    space=photo.space,
                    converted_from=photo.converted_from,
                    segment_ms=segment_ms,
                    style_ms=style_ms,
                    style=look,
                    note=CMYK_NOTE if photo.converted_from == CMYK_WITHOUT_PROFILE else None,
                    skin_delta_e00=difference,
                )
            )
        if job.mask is not None:
            shown = srgb_bytes(_reduced(photo, MASK_SIDE))
            _write_sheet(job.mask, mask_sheet(shown, mask_at(mask, shown.shape[:2])), job.replace)
            sheets.append(Sheet(job.source, job.mask, "mask"))
        if job.contact is not None:
            _write_sheet(job.contact, self._contact_sheet(photo, mask), job.replace)
            sheets.append(Sheet(job.source, job.contact, "contact"))
        return done, sheets

    def _with_edit(self, styled: Photo, look: str, original_sha256: str | None) -> Photo:
        if self.masks is None or original_sha256 is None:
            return styled
        name = printable(styled.path.name)
        edit = Edit(look or "untitled", self._digests[look], self.controls, self.masks, name, original_sha256)
        return replace(styled, xmp=with_edit(styled.xmp, edit))

    def _styled(self, photo: Photo, look: Look, mask: NDArray[np.float32]) -> Pixels:
        return styled_pixels(
            photo.pixels, self._look_for(photo.space, look), self.controls, mask, drawn=self.drawn
        )

    def _styled_everywhere(self, photo: Photo, look: Look) -> Photo:
        """The photo with the background's table, or the first there is, for all of it."""
        layer = next((layer for layer in _background_first(look) if layer.lut is not None), None)
        if layer is None:
            return photo
        everywhere = Look((replace(layer, regions=GROUPS, source="camera"),))
        wide = self._look_for(photo.space, everywhere)
        return photo.with_pixels(styled_pixels(photo.pixels, wide, self.controls, NO_MASK))

    def _skin_difference(
        self, photo: Photo, styled: Photo, look: str, mask: NDArray[np.float32]
    ) -> SkinDifference | None:
        height, width = photo.pixels.shape[:2]
        step = math.ceil(math.sqrt(height * width / MEASURED_PIXELS))
        before, after = photo.pixels[::step, ::step], styled.pixels[::step, ::step]
        skin = mask_at(mask, before.shape[:2])[..., 0] > SKIN_WEIGHT
        if not skin.any():
            return None
        photos = [photo.with_pixels(pixels[skin][None]) for pixels in (before, after)]  # (1, n, 3)
        photos.append(self._styled_everywhere(photos[0], self.looks[look]))
        return skin_difference(*(srgb_bytes(each)[0] for each in photos))

    def _write_comparison(
        self, job: Job, look: str, photo: Photo, styled: Photo, difference: SkinDifference | None
    ) -> None:
        before = _reduced(photo, PANEL_SIDE)
        everywhere = self._styled_everywhere(before, self.looks[look])
        sheet = comparison_sheet(
            srgb_bytes(before),
            srgb_bytes(_reduced(styled, PANEL_SIDE)),
            srgb_bytes(everywhere),
            look,
            difference,
        )
        _write_sheet(job.compare[look], sheet, job.replace)

    def _contact_sheet(self, photo: Photo, mask: NDArray[np.float32]) -> Picture:
        small = _reduced(photo, CELL_SIDE)
        mask = mask_at(mask, small.pixels.shape[:2])
        cells = [Cell(srgb_bytes(small), ("original",))]
        for name, look in self.contact.items():
            styled = small.with_pixels(self._styled(small, look, mask))
            cells.append(Cell(srgb_bytes(styled), (name,)))
        return contact_sheet(cells)

    def _look_for(self, space: Space, look: Look) -> Look:
        if space == "srgb":
            return look
        key = look.digest()
        if key not in self._wide:
            self._wide[key] = display_p3_look(look)
        return self._wide[key]


def _background_first(look: Look) -> list[Layer]:
    return sorted(look.layers, key=lambda layer: BACKGROUND not in layer.regions)


def _reduced(photo: Photo, side: int) -> Photo:
    return photo.with_pixels(reduced(photo.pixels, side))


def _write_sheet(path: Path, picture: Picture, replace: bool) -> None:
    sheet = Photo(path, picture, None, "srgb", None, icc_profile=None, exif=None, xmp=None, dpi=None)
    write_photo(path, sheet, replace=replace)


def display_p3_look(look: Look) -> Look:
    """The same look for pictures encoded in Display P3; layers that share a table still do."""
    luts = {id(layer.lut): layer.lut for layer in look.layers if layer.lut is not None}
    rebuilt = {key: display_p3_from_srgb(lut.resampled(P3_SIZE)) for key, lut in luts.items()}
    layers = tuple(
        replace(layer, lut=None if layer.lut is None else rebuilt[id(layer.lut)]) for layer in look.layers
    )
    picture = None if look.picture is None else display_p3_picture(look.picture)
    return replace(look, layers=layers, picture=picture)


def mask_as_segment(path: Path) -> Segment:
    """The mask drawn in a picture (red skin, green hair, blue clothes), whatever the photo."""
    drawn = mask_from_picture(path)
    return lambda image: drawn
