"""One photo file in, one styled photo file out: read, segment, style, write."""

from __future__ import annotations

import stat
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edgekit import console
from edgekit.color.controls import Controls
from edgekit.color.display_p3 import display_p3_from_srgb
from edgekit.color.engine import Layer, Refine, styled_pixels
from edgekit.color.styled_log import Job, StyledLog
from edgekit.errors import EdgekitError
from edgekit.files import check_file_place
from edgekit.images import (
    WRITTEN_SUFFIXES,
    Space,
    mask_from_picture,
    read_photo,
    srgb_bytes,
    status_of,
    write_photo,
    written_format,
)

# (H, W, 3) uint8 sRGB → (h, w, 3) float in [0, 1], the weights of skin, hair and clothes
Segment = Callable[[NDArray[np.uint8]], NDArray[np.float32]]
# A table is rebuilt for Display P3 on this many points: the edge of sRGB cuts through its cells.
P3_SIZE = 65


@dataclass(frozen=True)
class StyledPhoto:
    """What was done to one photo. `converted_from`: a colour profile that had to be converted to sRGB."""

    path: Path
    output: Path
    width: int
    height: int
    bits: int
    space: Space
    converted_from: str | None
    segment_ms: float
    style_ms: float


@dataclass(frozen=True)
class StyledPhotos:
    """What was styled, (photo, reason) for what was not, and what an earlier run had finished."""

    done: tuple[StyledPhoto, ...]
    failed: tuple[tuple[Path, str], ...]
    skipped: tuple[Path, ...] = ()


class Stylist:
    """Layers and controls, ready for photos of either colour space."""

    def __init__(
        self,
        layers: Mapping[str, Layer],
        controls: Controls,
        segment: Segment,
        refine: Refine | None = None,
    ) -> None:
        self.controls, self.segment, self.refine = controls, segment, refine
        self._layers: dict[Space, Mapping[str, Layer]] = {"srgb": layers}

    def style_all(self, jobs: Sequence[Job], log: StyledLog | None = None) -> StyledPhotos:
        """Style every photo; those that cannot be are listed, unless it is the only one, whose error is raised.

        With a log, photos that it knows as finished are skipped, and an interrupted run can go on.
        """
        done: list[StyledPhoto] = []
        failed: list[tuple[Path, str]] = []
        skipped: list[Path] = []
        if log is not None:
            log.begin()
        with console.interruptible(lambda: _kept(len(done) + len(skipped), log)):
            for job in console.track(jobs, len(jobs), "styling"):
                if log is not None and log.has(job.source, job.destination):
                    skipped.append(job.source)
                    continue
                try:
                    done.append(self.style(job) if log is None else log.recorded(job, self.style))
                except EdgekitError as error:
                    if len(jobs) == 1:
                        raise
                    failed.append((job.source, str(error)))
        return StyledPhotos(tuple(done), tuple(failed), tuple(skipped))

    def style(self, job: Job) -> StyledPhoto:
        """Read, style and write one photo. ImageError when it cannot be read or written."""
        written_format(job.destination)
        photo = read_photo(job.source)
        start = time.perf_counter()
        mask = self.segment(srgb_bytes(photo))
        segmented = time.perf_counter()
        layers = self._layers_for(photo.space)
        pixels = styled_pixels(photo.pixels, layers, self.controls, mask, self.refine)
        styled = time.perf_counter()
        write_photo(job.destination, photo.with_pixels(pixels), replace=job.replace)
        height, width = photo.pixels.shape[:2]
        return StyledPhoto(
            path=job.source,
            output=job.destination,
            width=width,
            height=height,
            bits=photo.bits,
            space=photo.space,
            converted_from=photo.converted_from,
            segment_ms=round(1e3 * (segmented - start), 1),
            style_ms=round(1e3 * (styled - segmented), 1),
        )

    def _layers_for(self, space: Space) -> Mapping[str, Layer]:
        if space not in self._layers:
            self._layers[space] = display_p3_layers(self._layers["srgb"])
        return self._layers[space]


def _kept(finished: int, log: StyledLog | None) -> str:
    """What an interrupted run leaves, for people."""
    how = "" if log is None else "; run the same command with `resume` to go on"
    return f"{finished} photos are finished and kept{how}."


def display_p3_layers(layers: Mapping[str, Layer]) -> dict[str, Layer]:
    """The same layers for pictures encoded in Display P3; layers that share a table still do."""
    luts = {id(layer.lut): layer.lut for layer in layers.values() if layer.lut is not None}
    rebuilt = {key: display_p3_from_srgb(lut.resampled(P3_SIZE)) for key, lut in luts.items()}
    return {
        group: Layer(None if layer.lut is None else rebuilt[id(layer.lut)], layer.strength)
        for group, layer in layers.items()
    }


def mask_as_segment(path: Path) -> Segment:
    """The mask drawn in a picture (red skin, green hair, blue clothes), whatever the photo."""
    drawn = mask_from_picture(path)
    return lambda image: drawn


def jobs_for(paths: Iterable[Path], out: Path, force: bool, log: StyledLog | None = None) -> list[Job]:
    """A job per photo, folders searched through; what the log says an earlier run wrote may be replaced.

    EdgekitError for nothing found, two photos with one destination, or a destination that is there and must stay.
    """
    sources = [found for path in paths for found in _photos_at(path)]
    jobs = [
        Job(source, out / relative, force or (log is not None and log.may_replace(out / relative)))
        for source, relative in sources
    ]
    if not jobs:
        raise EdgekitError(f"No photo was found; edgekit styles {', '.join(WRITTEN_SUFFIXES)}.")
    seen: dict[Path, Path] = {}
    for job in jobs:
        if job.destination in seen:
            raise EdgekitError(
                f"{job.source} and {seen[job.destination]} would both be written to {job.destination}; "
                "style them in two runs with different `out`."
            )
        if job.destination.resolve() == job.source.resolve():
            raise EdgekitError(f"{job.source} would be replaced by its styled copy; choose another `out`.")
        seen[job.destination] = job.source
        check_file_place(job.destination, replace=job.replace)
    return jobs


def _photos_at(path: Path) -> list[tuple[Path, Path]]:
    """(photo, path relative to the output folder): the file itself, or the photos below a folder."""
    if not stat.S_ISDIR(status_of(path).st_mode):
        return [(path, Path(path.name))]
    found = sorted(p for p in path.rglob("*") if p.suffix.lower() in WRITTEN_SUFFIXES and p.is_file())
    return [(p, p.relative_to(path)) for p in found]
