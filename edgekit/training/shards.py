"""WebDataset shards: photos and labels as members of uncompressed tar archives, read at any place.

A shard is indexed once, by the headers of its members; a sample then is two offsets, and its bytes are read when it
is drawn. The members of a sample share a key, the name up to its first dot:

    people/0001.jpg  people/0001.label.png
"""

from __future__ import annotations

import re
import tarfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from edgekit.errors import CalibrationError, ImageError
from edgekit.images import FORMATS, MAX_BYTES, Source
from edgekit.reading import check_regular_file, shown

SUFFIX = ".tar"
# Extensions of a label, the surest first; a .png beside a photo of another format is one too.
LABEL_EXTENSIONS = ("label.png", "mask.png", "seg.png", "png")
MOST_BYTES = 1 << 45  # of a shard; more is no file of pictures
RANGE = re.compile(r"\{(\d+)\.\.(\d+)\}")
MOST_SHARDS = 100_000


@dataclass(frozen=True, slots=True)
class Member:
    """A picture in a tar archive: `size_bytes` bytes from `offset` of the archive."""

    archive: Path
    name: str
    offset: int
    size_bytes: int

    @property
    def stem(self) -> str:
        return key_and_extension(self.name)[0]

    @property
    def path(self) -> Path:
        return self.archive / self.name

    def read(self) -> bytes:
        if self.size_bytes > MAX_BYTES:
            raise ImageError(
                self.path, f"has {self.size_bytes:,} bytes; a picture may have at most {MAX_BYTES:,}."
            )
        try:
            with self.archive.open("rb") as archive:
                archive.seek(self.offset)
                data = archive.read(self.size_bytes)
        except OSError as error:
            raise ImageError(self.path, f"cannot be read ({error.strerror}).") from error
        if len(data) < self.size_bytes:
            raise ImageError(self.path, "is cut off at the end of the archive.")
        return data


@dataclass
class Found:
    """The samples of shards or tables in their order: photos with labels, and the names of those without."""

    pairs: list[tuple[Source, Source]]
    problems: dict[str, list[str]]


def expanded(place: Path) -> list[Path]:
    """The files that a name stands for: `photos-{000..017}.tar` is eighteen, `photos-*.tar` all that there are.

    Raises CalibrationError for no files, and for a range that falls or has more than MOST_SHARDS numbers.
    """
    text = str(place)
    found = RANGE.search(text)
    if found is None:
        files = sorted(place.parent.glob(place.name)) if "*" in place.name else [place]
        if not files:
            raise CalibrationError(f"There is no file {shown(place)}.")
        return files
    first, last = int(found[1]), int(found[2])
    if not 0 <= last - first < MOST_SHARDS:
        raise CalibrationError(f"{shown(place)}: a range of shards rises and names at most {MOST_SHARDS:,}.")
    numbers = (str(number).zfill(len(found[1])) for number in range(first, last + 1))
    return [Path(f"{text[: found.start()]}{number}{text[found.end() :]}") for number in numbers]


def samples_of(shards: Sequence[Path]) -> Found:
    """The samples of tar shards. Raises CalibrationError for a file that is no uncompressed tar archive."""
    found = Found([], {})
    for shard in shards:
        samples: dict[str, dict[str, Member]] = {}
        for member in _members(shard):
            key, extension = key_and_extension(member.name)
            samples.setdefault(key, {})[extension] = member
        for key, members in samples.items():
            _sort(f"{shard.name}/{key}", members, found)
    return found


def key_and_extension(name: str) -> tuple[str, str]:
    """A member's name, divided at the first dot of its last part. The extension is in lower case, without the dot."""
    folder, slash, file = name.rpartition("/")
    stem, _, extension = file.partition(".")
    return f"{folder}{slash}{stem}", extension.lower()


def _members(shard: Path) -> Iterator[Member]:
    """The regular files in a shard. Hidden ones, as macOS adds them, have no key and are left out."""
    check_regular_file(shard, MOST_BYTES, CalibrationError)
    try:
        with tarfile.open(shard, "r:") as archive:
            while (info := archive.next()) is not None:
                archive.members.clear()  # type: ignore[attr-defined]  # else every header stays in memory
                visible = not info.name.rpartition("/")[2].startswith(".")
                if info.isreg() and not info.issparse() and visible:
                    yield Member(shard, info.name, info.offset_data, info.size)
    except (tarfile.TarError, OSError, ValueError) as error:
        raise CalibrationError(
            f"{shown(shard)} is no uncompressed tar archive ({error}); shards are plain .tar files, read at any place."
        ) from error


def _sort(name: str, members: Mapping[str, Member], found: Found) -> None:
    """Add a sample to what was found. name: with its shard. members: by extension; others than pictures are ignored."""
    photos = [extension for extension in members if f".{extension}" in FORMATS]
    labels = [extension for extension in LABEL_EXTENSIONS if extension in members]
    if labels[:1] == ["png"]:
        if photos == ["png"]:
            labels = []
        else:
            photos.remove("png")
    if len(photos) > 1:
        reason = "several photos of one name"
    elif photos and labels:
        found.pairs.append((members[photos[0]], members[labels[0]]))
        return
    elif photos or labels:
        reason = "photo without a label" if photos else "label without a photo"
    else:
        return
    found.problems.setdefault(reason, []).append(name)
