"""A look learned from photos and their edited versions, by the regions that a segmenter finds."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from edgekit import console
from edgekit.color.fit_regions import FittedRegions, Pair, fit_regions
from edgekit.color.formats.cube import write_cube
from edgekit.color.look_file import SUFFIX, write_look
from edgekit.color.sheets import mask_at, reduced
from edgekit.errors import LutError
from edgekit.files import check_file_place
from edgekit.images import images_in, read_photo, srgb_bytes
from edgekit.segmenter import Segmenter

LONGEST_SIDE = 512  # px at which photos are compared: more hold hardly other colours, and all are in memory
MOST_PAIRS = 128


@dataclass(frozen=True)
class FittedLook:
    """A written look: its file, and the tables that it names, in the order of the regions."""

    path: Path
    luts: tuple[Path, ...]
    fitted: FittedRegions


def fit_look(
    before: Path, after: Path, regions: int, out: Path, segmenter: Segmenter, size: int, force: bool
) -> FittedLook:
    """Fit a look of so many regions to a photo and its edited version, or to two folders of them with the same names.

    Writes `out`, a look's .json, and OUT-1.cube, OUT-2.cube, … beside it. LutError for photos that do not go together
    or show fewer regions; ImageError for one that cannot be read.
    """
    if out.suffix.lower() != SUFFIX:
        raise LutError(out, None, "a look is written as .json; give `out` that extension.")
    files = pairs_of_files(before, after)
    luts = tuple(out.with_name(f"{out.stem}-{i + 1}.cube") for i in range(regions))
    inputs = [path for pair in files for path in pair]
    for path in (out, *luts):
        check_file_place(path, replace=force, inputs=inputs)
    pairs = [read_pair(*pair, segmenter) for pair in console.track(files, len(files), "finding regions")]
    fitted = fit_regions(pairs, regions, size)
    for path, lut in zip(luts, fitted.luts, strict=True):
        write_cube(path, lut, replace=force)
    write_look(
        out, {path.name: region for path, region in zip(luts, fitted.regions, strict=True)}, replace=force
    )
    return FittedLook(out, luts, fitted)


def pairs_of_files(before: Path, after: Path) -> list[tuple[Path, Path]]:
    """The photos and their edited versions: in folders, those of one name without its suffix.

    LutError for a photo without an edited version, and for more than MOST_PAIRS.
    """
    if not before.is_dir() and not after.is_dir():
        return [(before, after)]
    edited = {path.stem: path for path in images_in(after)}
    photos = images_in(before)
    missing = [path.name for path in photos if path.stem not in edited]
    if missing:
        raise LutError(after, None, f"has no edited version of {missing[0]} ({len(missing)} are missing).")
    if len(photos) > MOST_PAIRS:
        raise LutError(before, None, f"holds {len(photos)} photos; give at most {MOST_PAIRS}.")
    return [(path, edited[path.stem]) for path in photos]


def read_pair(before: Path, after: Path, segmenter: Segmenter) -> Pair:
    """A photo and its edited version with the mask, reduced to LONGEST_SIDE. LutError for two sizes."""
    photo, edited = (srgb_bytes(read_photo(path)) for path in (before, after))
    if photo.shape != edited.shape:
        sizes = " and ".join(f"{picture.shape[1]}×{picture.shape[0]}" for picture in (edited, photo))
        raise LutError(after, None, f"has not the size of {before.name} ({sizes}).")
    mask = segmenter.groups(photo)
    small, changed = (np.asarray(reduced(picture, LONGEST_SIDE), np.uint8) for picture in (photo, edited))
    return Pair(small, changed, mask_at(mask, small.shape[:2]))
