"""Photos segmented into files at their own size: masks, label images, overlays and cut-outs."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from edgekit._version import __version__
from edgekit.artifact import Artifact
from edgekit.color.controls import GROUPS
from edgekit.color.engine import Refine, refined_mask, weights_of
from edgekit.color.jobs import check_places, each_job, photos_in
from edgekit.color.photo_log import SEGMENTED, PhotoLog, identity
from edgekit.color.sheets import mask_at, tinted
from edgekit.errors import EdgekitError, UnknownName
from edgekit.files import JsonValue, check_file_place, write_json
from edgekit.images import Photo, read_photo, srgb_bytes, write_labels, write_photo, written_format
from edgekit.segmenter import Segmenter
from edgekit.shader.modes import DEFAULT_REFINEMENT
from edgekit.shader.refine import refine_named
from edgekit.weights import Checkpoint

Kind = Literal["masks", "labels", "overlays", "cutouts"]
KINDS: tuple[Kind, ...] = get_args(Kind)
CLASSES_FILE = "classes.json"  # as `finetune` and `evaluate` read it beside labels


@dataclass(frozen=True)
class SegmentedPhoto:
    """What was found in one photo, and the files of it by kind.

    shares: of the photo's area, by group, skin, hair, clothes and background; None if only labels were asked for.
    """

    path: Path
    width: int
    height: int
    outputs: Mapping[Kind, Path]
    shares: Mapping[str, float] | None
    segment_ms: float


@dataclass(frozen=True)
class SegmentedPhotos:
    """What was segmented, (photo, reason) for what was not, and what an earlier run had finished."""

    done: tuple[SegmentedPhoto, ...]
    failed: tuple[tuple[Path, str], ...]
    skipped: tuple[Path, ...] = ()


@dataclass(frozen=True)
class _Job:
    """One photo and a place for its file of each kind; see `color.jobs.PhotoJob`."""

    source: Path
    name: str
    places: Mapping[Kind, Path]
    replace: bool

    @property
    def outputs(self) -> tuple[Path, ...]:
        return tuple(self.places.values())


def segment(
    photos: Sequence[Path],
    kinds: Sequence[Kind] = ("masks", "overlays"),
    *,
    source: Checkpoint | Artifact | Path | str | None = None,
    refinement: str = DEFAULT_REFINEMENT,
    out: Path = Path("segmented"),
    resume: bool = False,
    force: bool = False,
) -> SegmentedPhotos:
    """Segment photos (files, or folders of them); each kind of file gets a folder of its own in `out`.

    masks: RGB PNGs at the photo's size, the weights of skin, hair and clothes, as `style` takes them by `mask`. labels:
    8-bit PNGs of class indices, with classes.json in `out`, as `evaluate` and `finetune` read them. overlays: the photo
    with skin, hair and clothes tinted, in the photo's format. cutouts: PNGs of the person with the mask as alpha.

    `source`: what segments, as `Segmenter` takes it. `refinement` does not change labels. Several photos leave a log in
    `out`, by which `resume` skips what an interrupted run finished. A photo that cannot be segmented is listed with its
    reason. Raises UnknownName for a kind, EdgekitError: nothing found, a file is in the way.
    """
    chosen = tuple(dict.fromkeys(kinds))
    for kind in chosen:
        if kind not in KINDS:
            raise UnknownName("kind of file", kind, KINDS)
    if not chosen:
        raise EdgekitError("`kinds` names nothing to write.")
    refine, found = refine_named(refinement), photos_in(photos, out)
    log = None
    if resume or [photo for photo, _ in found] != list(photos) or len(found) > 1:
        settings: dict[str, JsonValue] = {
            "edgekit": __version__,
            "kinds": list(chosen),
            "refinement": refinement,
            "source": identity(source),
        }
        log = PhotoLog.opened(out, settings, resume, SEGMENTED)
    jobs = [
        _Job(photo, name, _places(name, chosen, out), force or (log is not None and log.may_replace(name)))
        for photo, name in found
    ]
    check_places(jobs, log, (), "own result")
    classes = out / CLASSES_FILE if "labels" in chosen else None
    if classes is not None and not (log is not None and log.resumed):
        check_file_place(classes, replace=force)
    segmenter = Segmenter(source)
    outcome = each_job(jobs, log, lambda job: _segmented(job, segmenter, refine), "segmenting")
    if classes is not None and (outcome.results or outcome.skipped):
        write_json(classes, list(segmenter.class_names), replace=True)
    return SegmentedPhotos(outcome.results, outcome.failed, outcome.skipped)


def _places(name: str, kinds: Sequence[Kind], out: Path) -> dict[Kind, Path]:
    """The place of every file of a photo; overlays keep the photo's format."""
    return {
        kind: out / kind / (name if kind == "overlays" else Path(name).with_suffix(".png")) for kind in kinds
    }


def _segmented(job: _Job, segmenter: Segmenter, refine: Refine | None) -> SegmentedPhoto:
    if "overlays" in job.places:
        written_format(job.places["overlays"])
    photo = read_photo(job.source)
    shown = srgb_bytes(photo)
    height, width = shown.shape[:2]
    start = time.perf_counter()
    labels, groups = _found(segmenter, shown, job.places)
    mask = None if groups is None else _mask_of(photo, groups, refine)
    segment_ms = round(1e3 * (time.perf_counter() - start), 1)
    if labels is not None:
        write_labels(job.places["labels"], labels, replace=job.replace)
    if mask is not None:
        for kind, picture in _pictures(photo, shown, mask, job.places).items():
            write_photo(job.places[kind], picture, replace=job.replace)
    shares = None if mask is None else _shares(mask)
    return SegmentedPhoto(job.source, width, height, job.places, shares, segment_ms)


def _found(
    segmenter: Segmenter, shown: NDArray[np.uint8], kinds: Mapping[Kind, Path]
) -> tuple[NDArray[np.uint8] | None, NDArray[np.float32] | None]:
    """Labels and group weights of a photo (H, W, 3), each if a kind needs it, from one run of the network."""
    if "labels" not in kinds:
        return None, segmenter.groups(shown)
    if len(kinds) == 1:
        return segmenter.labels(shown), None
    return segmenter.labels_and_groups(shown)


def _mask_of(photo: Photo, groups: NDArray[np.float32], refine: Refine | None) -> NDArray[np.float32]:
    """(H, W, 3) weights of skin, hair and clothes in [0, 1], at the photo's size."""
    mask = weights_of(groups)
    if refine is not None:
        mask = refined_mask(refine, mask, photo.pixels)
    height, width = photo.pixels.shape[:2]
    return np.clip(mask_at(mask, (height, width)), 0, 1)


def _pictures(
    photo: Photo, shown: NDArray[np.uint8], mask: NDArray[np.float32], kinds: Mapping[Kind, Path]
) -> dict[Kind, Photo]:
    made: dict[Kind, Photo] = {}
    plain = Photo(photo.path, shown, None, "srgb", None, icc_profile=None, exif=None, xmp=None, dpi=None)
    if "masks" in kinds:
        made["masks"] = plain.with_pixels(np.rint(255 * mask).astype(np.uint8))
    if "overlays" in kinds:
        made["overlays"] = plain.with_pixels(tinted(shown, mask))
    if "cutouts" in kinds:
        most = np.iinfo(photo.pixels.dtype).max
        person = np.clip(mask.sum(axis=-1), 0, 1)
        made["cutouts"] = replace(photo, alpha=np.rint(most * person).astype(photo.pixels.dtype))
    return made


def _shares(mask: NDArray[np.float32]) -> dict[str, float]:
    parts = [float(part) for part in mask.reshape(-1, 3).mean(axis=0, dtype=np.float64)]
    return dict(zip(GROUPS, (*parts, max(0.0, 1 - sum(parts))), strict=True))
