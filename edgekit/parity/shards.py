"""The shards of a parity check: what their files hold, and the report that they make together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from edgekit.parity.packing import PackedTally, packed, unpacked
from edgekit.parity.report import ParityReport
from edgekit.parity.tally import Subject, Tally
from edgekit.reading import Sha256, shown
from edgekit.scores.shards import Counted, Kept, ShardKind, different_photos, merged


@dataclass(frozen=True)
class Inputs:
    """What a parity check's tally depends on. `photos`: file names of the whole check."""

    checkpoint_sha256: Sha256
    class_names: tuple[str, ...]
    skin: tuple[int, ...]
    subjects: tuple[Subject, ...]
    photos: tuple[str, ...]
    labelled: bool
    stability: bool

    def differences(self, its: Inputs) -> Iterator[str]:
        """Where another check's inputs differ from these, in words."""
        if (self.checkpoint_sha256, self.class_names, self.skin) != (
            its.checkpoint_sha256,
            its.class_names,
            its.skin,
        ):
            yield "other weights"
        if len(self.subjects) != len(its.subjects):
            yield f"{len(self.subjects)} artifacts and {len(its.subjects)}"
        for a, b in zip(self.subjects, its.subjects, strict=False):
            if a.gates != b.gates:
                yield f"other gates for {shown(b.path)}"
            elif replace(a, path=b.path) != b:  # another machine may have the same artifact elsewhere
                yield f"another artifact than {shown(b.path)}"
        yield from different_photos(self.photos, its.photos)
        if self.labelled != its.labelled:
            yield "one has labels"
        if self.stability != its.stability:
            yield "one measures stability"


def _unpacked(kept: PackedTally, inputs: Inputs) -> Tally:
    return unpacked(kept, len(inputs.subjects), len(inputs.class_names), inputs.skin)


SHARD = ShardKind(
    Kept[Inputs, PackedTally],
    "a shard of a parity check",
    schema="edgekit/parity-shard",
    version=2,
    prefix="parity",
    packed=packed,
    unpacked=_unpacked,
)


def merge_parity(shards: Sequence[Path]) -> ParityReport:
    """The report of a check that was divided into shards, from their files: bit for bit that of the whole.

    Raises EdgekitError for shards of different checks, a shard that is missing, given twice or incomplete.
    """
    return report_of(merged(SHARD, shards))


def report_of(counted: Counted[Inputs, Tally]) -> ParityReport:
    """The report on the photos that were counted."""
    report = counted.tally.report(counted.inputs.subjects, counted.inputs.class_names)
    return replace(report, skipped=counted.skipped, notes=counted.notes)
