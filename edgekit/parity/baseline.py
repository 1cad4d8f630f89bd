"""A parity report against an older one on the same photos: what got worse, photo by photo, with its interval."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from edgekit.errors import EdgekitError
from edgekit.parity.report import ArtifactReport, ParityReport, PhotoRow
from edgekit.reading import JsonKind, read_json, shown
from edgekit.scores.metrics import Interval
from edgekit.scores.resamples import FEWEST_PHOTOS, RESAMPLES, draws, interval_of, ratio

MOST_BYTES = 1 << 28
WORSE, BETTER, SAME, UNDECIDED = "worse", "better", "same", "undecided"
# A photo's figure, whether less of it is worse, and the mean change below which nobody would act: about a fortieth of
# what int8's gates allow, and more than two versions of a runtime differ by.
MEASURES: tuple[tuple[str, bool, float], ...] = (
    ("label_agreement", True, 0.0005),
    ("boundary_agreement", True, 0.005),
    ("skin_delta_e00_p95", False, 0.025),
    ("miou", True, 0.0005),
    ("skin_iou", True, 0.0005),
)


@dataclass(frozen=True)
class OldRow:
    """A photo's figures in an older report; fields as in `PhotoRow`."""

    name: str
    label_agreement: float
    boundary_agreement: float
    skin_delta_e00_p95: float | None = None
    miou: float | None = None
    skin_iou: float | None = None


@dataclass(frozen=True)
class OldArtifact:
    path: str
    photos: tuple[OldRow, ...] = ()


@dataclass(frozen=True)
class OldReport:
    artifacts: tuple[OldArtifact, ...]


BASELINE = JsonKind(
    OldReport,
    "a report of parity-check",
    open=True,
    limit_bytes=MOST_BYTES,
    advice="give what `parity-check --json` printed",
)


@dataclass(frozen=True)
class Change:
    """The mean change of a figure over the photos that both reports have: positive is worse.

    `verdict`: worse if the whole interval lies beyond what matters, better if it does on the other side, undecided if
    it reaches there or the photos are too few, else same.
    """

    artifact: str
    measure: str
    loss: float
    interval: Interval | None
    photos: int
    verdict: str


def read_baseline(path: Path) -> OldReport:
    """The older report in a file. EdgekitError if it is none, or has no rows of photos."""
    old = read_json(path, BASELINE, EdgekitError)
    if not any(artifact.photos for artifact in old.artifacts):
        raise EdgekitError(
            f"{shown(path)} has no rows of photos to compare with; make it anew with this edgekit."
        )
    return old


def changes_since(old: OldReport, report: ParityReport) -> tuple[Change, ...]:
    """What changed in every artifact whose file has the same name in both reports.

    Raises EdgekitError if no artifact, or no photo of an artifact, is in both.
    """
    known = {Path(artifact.path).name: artifact for artifact in old.artifacts}
    both = [artifact for artifact in report.artifacts if Path(artifact.path).name in known]
    if not both:
        raise EdgekitError(f"The baseline has none of these artifacts; it has {', '.join(sorted(known))}.")
    return tuple(
        change for artifact in both for change in _changes(known[Path(artifact.path).name].photos, artifact)
    )


def _changes(old: Sequence[OldRow], artifact: ArtifactReport) -> list[Change]:
    name = Path(artifact.path).name
    before = {row.name: row for row in old}
    pairs = [(before[row.name], row) for row in artifact.photos if row.name in before]
    if not pairs:
        raise EdgekitError(f"The baseline has no photo of {name} that was checked now.")
    found = (_change(name, pairs, *measure) for measure in MEASURES)
    return [change for change in found if change is not None]


def _change(
    artifact: str, pairs: Sequence[tuple[OldRow, PhotoRow]], measure: str, less_is_worse: bool, matters: float
) -> Change | None:
    """The change of one figure; None if no photo has it in both reports."""
    losses: Mapping[str, float] = {
        row.name: (was - now if less_is_worse else now - was)
        for old, row in pairs
        if (was := getattr(old, measure)) is not None and (now := getattr(row, measure)) is not None
    }
    if not losses:
        return None
    drawn, total = np.zeros(RESAMPLES), np.zeros(RESAMPLES)
    for name, loss in sorted(losses.items()):
        weights = draws(name)
        drawn, total = drawn + weights, total + weights * loss
    interval = interval_of(ratio(total, drawn), len(losses))
    mean = float(np.mean(list(losses.values())))
    return Change(artifact, measure, mean, interval, len(losses), _verdict(interval, len(losses), matters))


def _verdict(interval: Interval | None, photos: int, matters: float) -> str:
    if interval is None or photos < FEWEST_PHOTOS:
        return UNDECIDED
    low, high = interval
    if low > matters:
        return WORSE
    if high < -matters:
        return BETTER
    return SAME if high <= matters else UNDECIDED
