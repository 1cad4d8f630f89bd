"""Parity checks that are kept on disk: one goes on where it was interrupted, and shards merge into one report.

A shard's file holds the tally of its photos so far, with the inputs that made it. It is written whole, again and again
while the check runs. A check that is not divided is the shard 1 of 1.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Annotated

from msgspec import Meta

from edgekit.errors import EdgekitError
from edgekit.files import write_json
from edgekit.parity.packing import PackedTally, packed, unpacked
from edgekit.parity.report import ParityReport
from edgekit.parity.tally import Subject, Tally
from edgekit.reading import JsonKind, Sha256, read_json, shown

SHARD_VERSION = 1
MOST_SHARDS = 10_000
MOST_BYTES = 1 << 30
Number = Annotated[int, Meta(ge=1, le=MOST_SHARDS)]
SAVING_SHARE = 0.05  # of the time that may go into writing the file


@dataclass(frozen=True)
class Inputs:
    """What a tally depends on: shards of one check agree in all of it. `photos`: file names of the whole check."""

    checkpoint_sha256: Sha256
    class_names: tuple[str, ...]
    skin: tuple[int, ...]
    subjects: tuple[Subject, ...]
    photos: tuple[str, ...]
    labelled: bool
    stability: bool


@dataclass(frozen=True)
class Kept:
    """The content of a shard's file.

    `done`: file name to the digest of photo and label, of the photos that were counted. `complete`: whether every
    photo of the shard was read.
    """

    inputs: Inputs
    shard: Number
    shards: Number
    tally: PackedTally
    done: Mapping[str, Sha256] = field(default_factory=dict)
    complete: bool = False
    skipped: tuple[tuple[str, str], ...] = ()
    notes: tuple[str, ...] = ()


SHARD = JsonKind(
    Kept,
    "a shard of a parity check",
    version=("version", SHARD_VERSION),
    limit_bytes=MOST_BYTES,
    advice="remove it to start anew",
)


def shard_path(folder: Path, shard: int, shards: int) -> Path:
    return folder / f"parity-{shard}-of-{shards}.json"


def parsed_shard(text: str) -> tuple[int, int]:
    """`2/7` as (2, 7). EdgekitError unless it is a shard of a number of shards."""
    first, slash, second = text.partition("/")
    if not (slash and first.isascii() and first.isdigit() and second.isascii() and second.isdigit()):
        raise EdgekitError(f"`shard` {text!r} is not of the form 2/7, the second of seven.")
    if len(second) > 6 or not 1 <= int(first) <= int(second) <= MOST_SHARDS:
        raise EdgekitError(f"`shard` {text!r} is not one of 1/n to n/n, with n of at most {MOST_SHARDS}.")
    return int(first), int(second)


def names_of(photos: Sequence[str], shard: int, shards: int) -> tuple[str, ...]:
    """The names of a shard's photos: every n-th, from its own number on."""
    if shards > len(photos):
        raise EdgekitError(f"`shard` {shard}/{shards} divides {len(photos)} photos into too many shards.")
    return tuple(photos[shard - 1 :: shards])


class Journal:
    """A shard's file while its check runs. Raises EdgekitError if the file belongs to other inputs, and names them."""

    def __init__(self, folder: Path, inputs: Inputs, shard: int, shards: int) -> None:
        self.path = shard_path(folder, shard, shards)
        self._inputs, self._shard, self._shards = inputs, shard, shards
        self._next_s, self._kept = 0.0, None
        if os.path.lexists(self.path):
            self._kept = read_json(self.path, SHARD, EdgekitError)
            if difference := differing(self._kept.inputs, inputs):
                raise EdgekitError(
                    f"{shown(self.path)} belongs to another check ({difference}); remove it to start anew."
                )
        self.done = {} if self._kept is None else dict(self._kept.done)
        self.notes = () if self._kept is None else self._kept.notes

    def tally(self) -> Tally | None:
        """The tally to go on from, if the file holds one."""
        return None if self._kept is None else tally_of(self._kept, self.path)

    def count(self, name: str, digest: str, tally: Tally, notes: Sequence[str]) -> None:
        """Note that a photo was counted, and write the file unless that was done a moment ago."""
        self.done[name] = digest
        if time.monotonic() >= self._next_s:
            self.write(tally, (), notes, complete=False)

    def write(
        self, tally: Tally, skipped: Sequence[tuple[str, str]], notes: Sequence[str], *, complete: bool
    ) -> None:
        """Write the file whole."""
        began_s = time.monotonic()
        kept = Kept(
            self._inputs,
            self._shard,
            self._shards,
            packed(tally),
            self.done,
            complete,
            tuple(skipped),
            tuple(notes),
        )
        write_json(self.path, {"version": SHARD_VERSION, **asdict(kept)}, replace=True)
        ended_s = time.monotonic()
        self._next_s = ended_s + (ended_s - began_s) / SAVING_SHARE

    def kept(self) -> str:
        """A sentence for an interrupted check: what is saved, and how to go on."""
        return f"{self.path} keeps what was counted; run the same command again to go on."


def merge(shards: Sequence[Path]) -> ParityReport:
    """The report of a check that was divided into shards, from their files: bit for bit that of the whole.

    Raises EdgekitError for shards of different checks, a shard that is missing, given twice or incomplete.
    """
    read = sorted(
        ((read_json(path, SHARD, EdgekitError), path) for path in shards), key=lambda one: one[0].shard
    )
    if not read:
        raise EdgekitError("There is no shard to merge; give the files that parity-check wrote with `shard`.")
    (first, first_path), seen = read[0], dict[int, Path]()
    for kept, path in read:
        if kept.shards != first.shards:
            raise EdgekitError(
                f"{shown(path)} is one of {kept.shards} shards, {shown(first_path)} of {first.shards}."
            )
        if difference := differing(kept.inputs, first.inputs):
            raise EdgekitError(
                f"{shown(path)} and {shown(first_path)} belong to different checks ({difference})."
            )
        if kept.shard in seen:
            raise EdgekitError(
                f"{shown(path)} and {shown(seen[kept.shard])} are the same shard, {kept.shard}."
            )
        if not kept.complete:
            raise EdgekitError(f"{shown(path)} is incomplete; run its check again to go on.")
        seen[kept.shard] = path
    if missing := sorted(set(range(1, first.shards + 1)) - set(seen)):
        raise EdgekitError(f"The shard {missing[0]} of {first.shards} is missing ({len(missing)} in all).")
    tallies = [tally_of(kept, path) for kept, path in read]
    tally = sum(tallies[1:], tallies[0])
    return report_of(
        tally,
        first.inputs,
        [one for kept, _ in read for one in kept.skipped],
        [note for kept, _ in read for note in kept.notes],
    )


def report_of(
    tally: Tally, inputs: Inputs, skipped: Sequence[tuple[str, str]], notes: Sequence[str]
) -> ParityReport:
    """The report on a tally; files that were skipped and notes come in order of their names."""
    report = tally.report(inputs.subjects, inputs.class_names)
    return replace(report, skipped=tuple(sorted(skipped)), notes=tuple(sorted(notes)))


def tally_of(kept: Kept, path: Path) -> Tally:
    inputs = kept.inputs
    try:
        return unpacked(kept.tally, len(inputs.subjects), len(inputs.class_names), inputs.skin)
    except EdgekitError as error:
        raise EdgekitError(f"{shown(path)} is not {SHARD.name} ({error}); {SHARD.advice}.") from error


def differing(own: Inputs, its: Inputs) -> str:
    """The first difference of two checks' inputs, in words; empty if there is none."""
    return next(_differences(own, its), "")


def _differences(own: Inputs, its: Inputs) -> Iterator[str]:
    if (own.checkpoint_sha256, own.class_names, own.skin) != (
        its.checkpoint_sha256,
        its.class_names,
        its.skin,
    ):
        yield "other weights"
    if len(own.subjects) != len(its.subjects):
        yield f"{len(own.subjects)} artifacts and {len(its.subjects)}"
    for a, b in zip(own.subjects, its.subjects, strict=False):
        if a.gates != b.gates:
            yield f"other gates for {shown(b.path)}"
        elif replace(a, path=b.path) != b:  # another machine may have the same artifact elsewhere
            yield f"another artifact than {shown(b.path)}"
    if other := sorted(set(own.photos) ^ set(its.photos)):
        yield f"{other[0]} is a photo of one and not of the other"
    if own.labelled != its.labelled:
        yield "one has labels"
    if own.stability != its.stability:
        yield "one measures stability"
