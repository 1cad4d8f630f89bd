"""Counts over a folder of photos that are kept on disk: work goes on where it was interrupted, and shards add up.

A shard's file holds the tally of its photos so far, with the inputs that made it. It is written whole, again and again
while the work runs. Work that is not divided is the shard 1 of 1. What a command counts is its own: see `ShardKind`.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Annotated, Generic, Protocol, Self, TypeVar

from msgspec import Meta

from edgekit import console
from edgekit.errors import EdgekitError, printable
from edgekit.files import write_json
from edgekit.images import Folder, Picture
from edgekit.reading import JsonKind, Sha256, read_json, shown

WHOLE = (1, 1)  # the one shard of work that is not divided
MOST_SHARDS = 10_000
MOST_BYTES = 1 << 30
Number = Annotated[int, Meta(ge=1, le=MOST_SHARDS)]
SAVING_SHARE = 0.05  # of the time that may go into writing the file


class Inputs(Protocol):
    """What a tally depends on: shards of one piece of work agree in all of it."""

    @property
    def photos(self) -> tuple[str, ...]:
        """The file names of all photos, of every shard."""
        ...

    def differences(self, its: Self) -> Iterator[str]:
        """Where others differ from these, in words."""
        ...


class Tally(Protocol):
    """Counts that are the same, bit for bit, in whatever order or division the photos are counted."""

    def __add__(self, other: Self) -> Self: ...


I = TypeVar("I", bound=Inputs)  # noqa: E741
P = TypeVar("P")  # the tally as fields that JSON holds
T = TypeVar("T", bound=Tally)
Item = TypeVar("Item")


@dataclass(frozen=True)
class Kept(Generic[I, P]):
    """The content of a shard's file.

    `done`: file name to the digest of photo and label, of the photos that were counted. `complete`: whether every
    photo of the shard was read.
    """

    inputs: I
    shard: Number
    shards: Number
    tally: P
    done: Mapping[str, Sha256] = field(default_factory=dict)
    complete: bool = False
    skipped: tuple[tuple[str, str], ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class ShardKind(Generic[I, P, T]):
    """The shards of one command.

    content: what a file holds. name: with its article, for sentences. prefix: of file names. packed: a tally as fields
    that JSON holds; unpacked: the tally that goes with these inputs, EdgekitError if it is none.
    """

    content: type[Kept[I, P]]
    name: str
    schema: str
    version: int
    prefix: str
    packed: Callable[[T], P]
    unpacked: Callable[[P, I], T]

    @cached_property
    def file(self) -> JsonKind[Kept[I, P]]:
        return JsonKind(
            self.content,
            self.name,
            schema=self.schema,
            version=("version", self.version),
            limit_bytes=MOST_BYTES,
            advice="remove it to start anew",
        )

    def path(self, folder: Path, shard: int, shards: int) -> Path:
        return folder / f"{self.prefix}-{shard}-of-{shards}.json"

    def read(self, path: Path) -> tuple[Kept[I, P], T]:
        """The content of a shard's file, and its tally. Raises EdgekitError that names the file."""
        kept = read_json(path, self.file, EdgekitError)
        try:
            if strange := set(kept.done) - set(part_of(kept.inputs.photos, kept.shard, kept.shards)):
                raise EdgekitError(f"{printable(min(strange), 80)} is not a photo of this shard")
            return kept, self.unpacked(kept.tally, kept.inputs)
        except EdgekitError as error:
            problem = str(error).rstrip(".")
            raise EdgekitError(
                f"{shown(path)} is not {self.name} ({problem}); {self.file.advice}."
            ) from error


@dataclass(frozen=True)
class Counted(Generic[I, T]):
    """Photos that were counted. `skipped`, (name, reason), and `notes` come in the order of their names."""

    inputs: I
    tally: T
    skipped: tuple[tuple[str, str], ...]
    notes: tuple[str, ...]

    @classmethod
    def of(
        cls, inputs: I, tally: T, skipped: Sequence[tuple[str, str]], notes: Sequence[str]
    ) -> Counted[I, T]:
        return cls(inputs, tally, tuple(sorted(skipped)), tuple(sorted(notes)))


def parsed_shard(text: str) -> tuple[int, int]:
    """`2/7` as (2, 7). EdgekitError unless it is a shard of a number of shards."""
    first, slash, second = text.partition("/")
    if not (slash and first.isascii() and first.isdigit() and second.isascii() and second.isdigit()):
        raise EdgekitError(f"`shard` {text!r} is not of the form 2/7, the second of seven.")
    if len(second) > 6 or not 1 <= int(first) <= int(second) <= MOST_SHARDS:
        raise EdgekitError(f"`shard` {text!r} is not one of 1/n to n/n, with n of at most {MOST_SHARDS}.")
    return int(first), int(second)


def part_of(photos: Sequence[Item], shard: int, shards: int) -> tuple[Item, ...]:
    """A shard's photos, of all in the order of their names: every n-th, from its own number on."""
    if not 1 <= shard <= shards:
        raise EdgekitError(f"`shard` {shard}/{shards} is not one of 1/n to n/n.")
    if shards > len(photos):
        raise EdgekitError(f"`shard` {shard}/{shards} divides {len(photos)} photos into too many shards.")
    return tuple(photos[shard - 1 :: shards])


def different_photos(own: Sequence[str], its: Sequence[str]) -> Iterator[str]:
    """A photo that only one of two sets has, in words; nothing if the sets are equal."""
    if other := sorted(set(own) ^ set(its)):
        yield f"{printable(other[0], 80)} is a photo of one and not of the other"


class Journal(Generic[I, P, T]):
    """A shard's file while its work runs. Raises EdgekitError if the file belongs to other inputs, and names them."""

    def __init__(self, kind: ShardKind[I, P, T], folder: Path, inputs: I, shard: int, shards: int) -> None:
        self.path = kind.path(folder, shard, shards)
        self._kind, self._inputs, self._shard, self._shards = kind, inputs, shard, shards
        self._next_s = 0.0
        self.tally: T | None = None  # to go on from, if there is a file
        self.done: dict[str, str] = {}
        self.notes: tuple[str, ...] = ()
        if os.path.lexists(self.path):
            kept, self.tally = kind.read(self.path)
            if difference := next(kept.inputs.differences(inputs), ""):
                raise EdgekitError(
                    f"{shown(self.path)} belongs to other inputs ({difference}); remove it to start anew."
                )
            self.done, self.notes = dict(kept.done), kept.notes

    def count(self, name: str, digest: str, tally: T, notes: Sequence[str]) -> None:
        """Note that a photo was counted, and write the file unless that was done a moment ago."""
        self.done[name] = digest
        if time.monotonic() >= self._next_s:
            self.write(tally, (), notes, complete=False)

    def write(
        self, tally: T, skipped: Sequence[tuple[str, str]], notes: Sequence[str], *, complete: bool
    ) -> None:
        """Write the file whole."""
        began_s = time.monotonic()
        kept = Kept(
            self._inputs,
            self._shard,
            self._shards,
            self._kind.packed(tally),
            self.done,
            complete,
            tuple(skipped),
            tuple(notes),
        )
        head = {"schema": self._kind.schema, "version": self._kind.version}
        write_json(self.path, {**head, **asdict(kept)}, replace=True)
        ended_s = time.monotonic()
        self._next_s = ended_s + (ended_s - began_s) / SAVING_SHARE

    def kept(self) -> str:
        """A sentence for an interruption: what is saved, and how to go on."""
        return f"{self.path} keeps what was counted; run the same command again to go on."


def count_photos(
    folder: Folder,
    inputs: I,
    shard: tuple[int, int],
    journal: Journal[I, P, T] | None,
    tally: T,
    add: Callable[[Picture], object],
    description: str,
) -> Counted[I, T]:
    """Count a folder's photos, or a shard of them, and keep what was counted in the journal, if there is one.

    tally: what the journal holds, or an empty one; `add` counts one picture into it. Raises EdgekitError for a photo
    that changed since it was counted.
    """
    names, done, earlier = part_of(inputs.photos, *shard), dict[str, str](), tuple[str, ...]()
    if journal is not None:
        done, earlier = journal.done, journal.notes
        for name, digest in done.items():
            if folder.digest(name) != digest:
                raise EdgekitError(
                    f"{name} changed since {journal.path} counted it; remove that file to start anew."
                )
    left = frozenset(names) - frozenset(done)
    with console.interruptible(journal.kept if journal else lambda: "nothing half-written was left."):
        for picture in console.track(folder.pictures(left), len(left), description):
            add(picture)
            if journal is not None:
                notes = (*earlier, *folder.notes)
                journal.count(picture.name, folder.digest(picture.name), tally, notes)
    skipped, notes = [(item.name, item.reason) for item in folder.skipped], (*earlier, *folder.notes)
    if journal is not None:
        journal.write(tally, skipped, notes, complete=True)
    return Counted.of(inputs, tally, skipped, notes)


def merged(kind: ShardKind[I, P, T], shards: Sequence[Path]) -> Counted[I, T]:
    """The photos of all shards together, from their files: bit for bit those of the undivided work.

    One shard at a time is in memory. Raises EdgekitError for shards of different inputs, a shard that is missing, given
    twice or incomplete.
    """
    seen: dict[int, Path] = {}
    skipped: list[tuple[str, str]] = []
    notes: list[str] = []
    first: tuple[Path, Kept[I, P]] | None = None
    total: T | None = None
    for path in shards:
        kept, tally = kind.read(path)
        first = first or (path, kept)
        _check_shard(path, kept, *first, seen.get(kept.shard))
        if kept.shard == 1:  # whose spelling of paths stands for all, in whatever order they are given
            first = (path, kept)
        seen[kept.shard] = path
        total = tally if total is None else total + tally
        skipped += kept.skipped
        notes += kept.notes
    if first is None or total is None:
        raise EdgekitError("There is no shard to merge; give the files that a command wrote with `shard`.")
    if missing := sorted(set(range(1, first[1].shards + 1)) - set(seen)):
        raise EdgekitError(f"The shard {missing[0]} of {first[1].shards} is missing ({len(missing)} in all).")
    return Counted.of(first[1].inputs, total, skipped, notes)


def _check_shard(
    path: Path, kept: Kept[I, P], first_path: Path, first: Kept[I, P], twin: Path | None
) -> None:
    """EdgekitError if a shard does not go with the first one, is incomplete, or was given before, as `twin`."""
    if kept.shards != first.shards:
        raise EdgekitError(
            f"{shown(path)} is one of {kept.shards} shards, {shown(first_path)} of {first.shards}."
        )
    if difference := next(kept.inputs.differences(first.inputs), ""):
        raise EdgekitError(f"{shown(path)} and {shown(first_path)} have different inputs ({difference}).")
    if twin is not None:
        raise EdgekitError(f"{shown(path)} and {shown(twin)} are the same shard, {kept.shard}.")
    if not kept.complete:
        raise EdgekitError(f"{shown(path)} is incomplete; run its command again to go on.")
