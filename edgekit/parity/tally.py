"""A parity check's counts over all of its artifacts, and the report that they make without any model at hand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from edgekit.errors import CalibrationError
from edgekit.parity.counts import ParityCounts
from edgekit.parity.gates import (
    Gates,
    judge,
    judge_photos,
    judge_stability,
    judge_strata,
    overall,
    worst_photos,
)
from edgekit.parity.report import ArtifactReport, Check, ParityReport, Status
from edgekit.parity.stability import stability_of
from edgekit.scores.counts import LogitDifference


@dataclass(frozen=True)
class Subject:
    """An artifact as its report names it, with the gates that judge it and a check that was made without pictures."""

    path: str
    sha256: str
    target: str
    recipe: str
    runtime: str
    gates: Gates
    native: Check | None = None


@dataclass
class Tally:
    """Counts over the pictures so far: one `ParityCounts` per artifact, and the prepared graph's logits."""

    counts: list[ParityCounts]
    prepared: LogitDifference = field(default_factory=LogitDifference)
    pictures: int = 0

    @classmethod
    def empty(cls, artifacts: int, classes: int, skin: Sequence[int]) -> Tally:
        return cls([ParityCounts.empty(classes, skin) for _ in range(artifacts)])

    def __add__(self, other: Tally) -> Tally:
        return Tally(
            [own + its for own, its in zip(self.counts, other.counts, strict=True)],
            self.prepared + other.prepared,
            self.pictures + other.pictures,
        )

    def report(self, subjects: Sequence[Subject], class_names: Sequence[str]) -> ParityReport:
        """The verdict on the artifacts that were counted. Raises CalibrationError if no picture was."""
        if self.pictures == 0:
            raise CalibrationError("No picture could be used; nothing was compared.")
        reports = tuple(
            _artifact_report(subject, counts, class_names)
            for subject, counts in zip(subjects, self.counts, strict=True)
        )
        passed = all(report.status in (Status.PASSED, Status.UNDECIDED) for report in reports)
        return ParityReport(passed, reports, self.prepared.max_abs, self.pictures, (), ())


def _artifact_report(subject: Subject, counts: ParityCounts, class_names: Sequence[str]) -> ArtifactReport:
    metrics, strata, gates = counts.metrics(class_names), counts.stratum_rows(), subject.gates
    photos = tuple(sorted(counts.rows, key=lambda row: row.name))
    stability = stability_of(counts.stability)
    checks = (
        *judge(metrics, gates),
        *judge_photos(photos, gates),
        *judge_strata(strata, gates),
        *judge_stability(stability, gates),
    )
    if subject.native is not None:
        checks = (*checks, subject.native)
    return ArtifactReport(
        path=subject.path,
        target=subject.target,
        recipe=subject.recipe,
        runtime=subject.runtime,
        status=overall(checks),
        reason=_reason(checks),
        metrics=metrics,
        checks=checks,
        photos=photos,
        worst_photos=worst_photos(photos),
        strata=strata,
        stability=stability,
    )


def _reason(checks: Sequence[Check]) -> str:
    """The names of the checks that failed, or else of those that are undecided."""
    for status in (Status.FAILED, Status.UNDECIDED):
        if names := [check.name for check in checks if check.status is status]:
            return f"{status.lower()}: {', '.join(names)}"
    return ""
