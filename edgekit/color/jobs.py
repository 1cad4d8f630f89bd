"""What is made of which photo, decided and checked before any work: one job a photo, and the places of its files."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Generic, Protocol, TypeVar

from edgekit import console
from edgekit.color.photo_log import PhotoLog
from edgekit.errors import EdgekitError
from edgekit.files import check_file_place
from edgekit.images import WRITTEN_SUFFIXES, status_of


class PhotoJob(Protocol):
    """One photo and the files that are made of it. name: of the photo below the output folder, with "/"."""

    @property
    def source(self) -> Path: ...
    @property
    def name(self) -> str: ...
    @property
    def replace(self) -> bool: ...
    @property
    def outputs(self) -> tuple[Path, ...]: ...


J = TypeVar("J", bound=PhotoJob)
T = TypeVar("T")


@dataclass(frozen=True)
class Outcome(Generic[T]):
    """The result for each photo, (photo, reason) for those without, and what an earlier run had finished."""

    results: tuple[T, ...]
    failed: tuple[tuple[Path, str], ...]
    skipped: tuple[Path, ...]


@dataclass(frozen=True)
class Sheets:
    """Which pictures for people are written beside the styled photos.

    mask: skin, hair and clothes tinted over the photo. compare: the photo, its styled copy, and the same table
    everywhere, with the ΔE2000 of skin. contact: the photo in every chosen style; in all presets when none is chosen.
    """

    mask: bool = False
    compare: bool = False
    contact: bool = False


@dataclass(frozen=True)
class Job:
    """One photo and every file that is made of it.

    name: of the photo below the output folder, with "/". styled, compare: a place for each look. mask, contact: one
    place, or None. replace: files that are there already may be replaced.
    """

    source: Path
    name: str
    styled: Mapping[str, Path]
    compare: Mapping[str, Path] = field(default_factory=dict)
    mask: Path | None = None
    contact: Path | None = None
    replace: bool = False

    @property
    def outputs(self) -> tuple[Path, ...]:
        """Every file that the job writes."""
        sheets = [place for place in (self.mask, self.contact) if place is not None]
        return (*self.styled.values(), *self.compare.values(), *sheets)


def photos_in(paths: Iterable[Path], out: Path) -> list[tuple[Path, str]]:
    """(photo, its name below the output folder) of files, and of folders searched through.

    What lies in `out` is left out when a folder that holds it is searched: those are results. A photo that is named
    twice counts once. ImageError: a path that does not exist; EdgekitError: nothing found.
    """
    found = dict.fromkeys(pair for path in paths for pair in _photos_at(path, out))
    if not found:
        raise EdgekitError(f"No photo was found; edgekit takes {', '.join(WRITTEN_SUFFIXES)}.")
    return list(found)


def _photos_at(path: Path, out: Path) -> Iterator[tuple[Path, str]]:
    if not stat.S_ISDIR(status_of(path).st_mode):
        yield path, path.name
        return
    results = _real(out)
    holds_results = _real(path) in results.parents
    # os.walk, unlike rglob, lets a folder go that another process removes meanwhile.
    files = (Path(folder, name) for folder, _, names in os.walk(path) for name in names)
    for photo in sorted(p for p in files if p.suffix.lower() in WRITTEN_SUFFIXES and p.is_file()):
        if not (holds_results and results in _real(photo).parents):
            yield photo, photo.relative_to(path).as_posix()


def check_apart(paths: Iterable[Path], out: Path) -> None:
    """EdgekitError if results may come into a folder of photos: whoever lists it later would divide other photos."""
    results = _real(out)
    for path in paths:
        if path.is_dir() and results in (_real(path), *_real(path).parents):
            raise EdgekitError(
                f"{path} lies in the folder of the results; with `shard`, choose another `out`."
            )


def _real(path: Path) -> Path:
    """Where `path` leads. Links in a circle end where they begin, and are refused where they are opened."""
    return Path(os.path.realpath(path))


def jobs_for(
    photos: Iterable[tuple[Path, str]],
    looks: Sequence[str],
    out: Path,
    *,
    sheets: Sheets = Sheets(),
    force: bool = False,
    log: PhotoLog | None = None,
    inputs: Iterable[Path] = (),
    others: Iterable[tuple[Path, str]] = (),
) -> list[Job]:
    """A job for each of the `photos` that `photos_in` found. others: the photos of other processes.

    Styled photos go to `out`; with several looks to a folder in it for each. EdgekitError as `check_places`.
    """
    jobs = [_job(source, name, looks, out, sheets, force, log) for source, name in photos]
    elsewhere = [_job(source, name, looks, out, sheets, force, None) for source, name in others]
    check_places(jobs, log, inputs, "styled copy", elsewhere)
    return jobs


def check_places(
    jobs: Sequence[PhotoJob],
    log: PhotoLog | None,
    inputs: Iterable[Path],
    result: str,
    others: Sequence[PhotoJob] = (),
) -> None:
    """Check every place that jobs write to. What the log says an interrupted run wrote may be replaced.

    EdgekitError, before anything is written: two files with one place, a file that is there and must stay, a place that
    is one of the photos or of the other `inputs`. result: what is written there, for the sentence. others: jobs of
    other processes, whose files may be there already.
    """
    kept = {_real(path): path for path in (*inputs, *(job.source for job in (*jobs, *others)))}
    seen: dict[Path, Path] = {}
    for number, job in enumerate((*jobs, *others)):
        for place in job.outputs:
            other = seen.setdefault(place, job.source)
            if other != job.source:
                raise EdgekitError(
                    f"{job.source} and {other} would both be written to {place}; "
                    "take them in two runs with different `out`."
                )
            lost = kept.get(_real(place))
            if lost is not None:
                whose = "its" if lost == job.source else f"{job.source}'s"
                raise EdgekitError(f"{lost} would be replaced by {whose} {result}; choose another `out`.")
            if number >= len(jobs):
                continue
            if log is not None and not job.replace and log.knows(job.name) and place.exists():
                raise EdgekitError(
                    f"{place} exists already, from an earlier run; pass `resume` to go on with that run, "
                    "`force` to replace it, or choose another `out`."
                )
            check_file_place(place, replace=job.replace)


def each_job(jobs: Sequence[J], log: PhotoLog | None, work: Callable[[J], T], doing: str) -> Outcome[T]:
    """Do the work on every photo. Those that fail are listed; the error of the only photo of a run is raised.

    With a log that goes on with an interrupted run, photos that it finished are skipped. doing: for the progress.
    """
    results: list[T] = []
    failed: list[tuple[Path, str]] = []
    skipped: list[Path] = []
    if log is not None:
        log.begin()
    with console.interruptible(lambda: _kept(len(results) + len(skipped), len(jobs), log)):
        for job in console.track(jobs, len(jobs), doing):
            if log is None:
                done = partial(work, job)
            elif log.has(job.name, job.source, job.outputs):
                skipped.append(job.source)
                continue
            else:
                done = partial(log.recorded, job.name, job.source, job.outputs, partial(work, job))
            try:
                results.append(done())
            except EdgekitError as error:
                if len(jobs) == 1 and (log is None or log.part is None):
                    if log is not None:
                        log.withdraw()
                    raise
                failed.append((job.source, str(error)))
    return Outcome(tuple(results), tuple(failed), tuple(skipped))


def _kept(finished: int, photos: int, log: PhotoLog | None) -> str:
    """What an interrupted run leaves, for people."""
    if log is None:
        return "nothing half-written was left."
    return (
        f"{finished} of {photos} photos are finished and kept in {log.folder}; "
        "run the same command with `resume` to go on."
    )


def _job(
    source: Path,
    name: str,
    looks: Sequence[str],
    out: Path,
    sheets: Sheets,
    force: bool,
    log: PhotoLog | None,
) -> Job:
    styled = {look: (out / look / name if len(looks) > 1 else out / name) for look in looks}
    return Job(
        source,
        name,
        styled,
        compare={look: beside(place, "compare") for look, place in styled.items()} if sheets.compare else {},
        mask=beside(out / name, "mask") if sheets.mask else None,
        contact=beside(out / name, "styles") if sheets.contact else None,
        replace=force or (log is not None and log.may_replace(name)),
    )


def beside(photo: Path, what: str) -> Path:
    """The place of a sheet: holiday.jpg → holiday-mask.jpg. The format stays: photos of one stem keep apart."""
    return photo.with_name(f"{photo.stem}-{what}{photo.suffix}")
