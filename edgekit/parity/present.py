"""A parity report as a table and as JSON."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path

from edgekit import console
from edgekit.files import JsonValue
from edgekit.parity.baseline import BETTER, SAME, UNDECIDED, WORSE, Change
from edgekit.parity.figures import figure, fixed, span
from edgekit.parity.half_precision import HALF_ADVICE, fault_sentence
from edgekit.parity.report import ArtifactReport, Check, HalfPrecision, ParityReport, Status

STYLES = {
    Status.PASSED: "bold green",
    Status.FAILED: "bold red",
    Status.NOT_RUN: "yellow",
    Status.UNDECIDED: "bold yellow",
}
UNDECIDED_ADVICE = "more photos decide: an interval holds its bound, so other photos could say either"
FIGURES = ("Δlogit", "labels", "skin", "edge", "skin ΔE", "mIoU", "fp16")  # the columns that `cells` fills


def as_json(report: ParityReport) -> dict[str, JsonValue]:
    """The object that `parity-check --json` prints; figures that are not finite are null."""
    return {
        "passed": report.passed,
        "status": report.status,
        "pictures": report.pictures,
        "prepared_max_abs_logit": _finite(report.prepared_max_abs_logit),
        "artifacts": [_finite(asdict(artifact)) for artifact in report.artifacts],
        "skipped": [{"name": name, "reason": reason} for name, reason in report.skipped],
        "notes": list(report.notes),
    }


def _finite(value: JsonValue) -> JsonValue:
    """The value with None for NaN and infinities, which JSON lacks."""
    if isinstance(value, dict):
        return {key: _finite(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(inner) for inner in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def print_report(report: ParityReport) -> None:
    """Print the verdict as a table, then failed and undecided checks, checks that were not run, and skipped files."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    table = Table(
        title=f"parity with PyTorch over {report.pictures} picture(s)", box=SIMPLE_HEAD, pad_edge=False
    )
    for column in ("artifact", "runtime", *FIGURES, "verdict"):
        table.add_column(column, justify="right" if column in FIGURES else "left", no_wrap=True)
    prepared = figure("logit", report.prepared_max_abs_logit)
    table.add_row("prepared graph", "pytorch", prepared, *[""] * (len(FIGURES) - 1), "", style="dim")
    for artifact in report.artifacts:
        verdict = f"[{STYLES[artifact.status]}]{artifact.status}[/]"
        table.add_row(f"{artifact.target} {artifact.recipe}", artifact.runtime, *cells(artifact), verdict)
    console.print_table(table)
    not_run: dict[str, list[str]] = {}
    for artifact in report.artifacts:
        name = Path(artifact.path).name
        for check in artifact.checks:
            if check.status in (Status.FAILED, Status.UNDECIDED):
                console.show(f"{name}: {sentence(check)}")
            elif check.status == Status.NOT_RUN and check.name not in not_run.setdefault(check.reason, []):
                not_run[check.reason].append(check.name)
        if artifact.half_precision is not None and artifact.half_precision.faults:
            fault = fault_sentence(artifact.half_precision.faults)
            console.show(f"{name}: in half precision, as on a phone's GPU, it {fault}; {HALF_ADVICE}")
        for row in artifact.native:
            console.show(
                f"{name}: {row.runtime} delivers what the reference executor does in {row.equal:.2%} of the pixels, "
                f"and differs by {figure('levels', row.max_difference)} at most"
            )
        if artifact.status != Status.PASSED and report.pictures > 1 and artifact.worst_photos:
            console.show(
                f"{name}: the photos that lose most: {', '.join(map(_losses(artifact), artifact.worst_photos))}"
            )
    if report.status == Status.UNDECIDED:
        console.show(f"nothing failed, and {UNDECIDED_ADVICE}")
    for reason, names in not_run.items():
        console.say(f"NOT_RUN {', '.join(names)}: {reason}")
    for name, reason in report.skipped:
        console.say(f"skipped {name}: {reason}")
    for note in report.notes:
        console.say(f"note: {note}")


def print_changes(changes: Sequence[Change]) -> None:
    """Print what changed since a baseline: what got worse as a result, the rest as notes."""
    for change in changes:
        (console.show if change.verdict == WORSE else console.say)(changed(change))


def changed(change: Change) -> str:
    """A change as a sentence: `a.tflite: label_agreement is worse than the baseline by 0.002 (0.001 to 0.003) …`."""
    loss, *ends = (fixed(value, 5) for value in (change.loss, *(change.interval or ())))
    interval = f" ({' to '.join(ends)})" if ends else ""
    verdicts = {
        WORSE: "is worse than",
        BETTER: "is better than",
        SAME: "is that of",
        UNDECIDED: "is undecided against",
    }
    return (
        f"{change.artifact}: {change.measure} {verdicts[change.verdict]} the baseline; it loses {loss}"
        f"{interval} per photo, over {change.photos} photos"
    )


def cells(artifact: ArtifactReport) -> list[str]:
    """The figures of one artifact as text, in the table's order."""
    m = artifact.metrics
    return [
        figure("logit", m.max_abs_logit),
        f"{m.label_agreement:.2%}",
        "–" if m.skin_iou_agreement is None else f"{m.skin_iou_agreement:.3f}",
        f"{m.boundary_agreement:.3f}",
        "–" if m.skin_delta_e00_p95 is None else f"{m.skin_delta_e00_p95:.2f}",
        "–"
        if m.miou is None or m.miou_reference is None
        else f"{m.miou:.3f} ({m.miou - m.miou_reference:+.4f})",
        in_half(artifact.half_precision),
    ]


def in_half(half: HalfPrecision | None) -> str:
    """What half precision leaves, as a cell: the share of equal labels, or the first fault's kind."""
    if half is None:
        return "–"
    return half.faults[0].kind if half.faults else f"{half.label_agreement:.2%}"


def _losses(artifact: ArtifactReport) -> Callable[[str], str]:
    """From a photo's name to the name with what the photo loses."""
    rows = {row.name: row for row in artifact.photos}

    def shown(name: str) -> str:
        row = rows[name]
        colour = "" if row.skin_delta_e00_p95 is None else f", skin ΔE {row.skin_delta_e00_p95:.2f}"
        return f"{name} (labels {row.label_agreement:.2%}{colour})"

    return shown


def sentence(check: Check) -> str:
    """A check as a sentence: `label agreement FAILED: 97.00% (96.50% to 97.50%) against the bound 98.00%`."""
    if check.status == Status.NOT_RUN:
        return f"{check.name} NOT_RUN: {check.reason}"
    value, bound = figure(check.name, check.value), figure(check.name, check.bound)
    interval = "" if check.interval is None else f" ({span(check.name, check.interval)})"
    where = f" in {check.where}" if check.where else ""
    reason = f", {check.reason}" if check.reason else ""
    return f"{check.name} {check.status}: {value}{interval}{where} against the bound {bound}{reason}"
