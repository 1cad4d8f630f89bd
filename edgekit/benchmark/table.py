"""Tables of a bench report and of frame budgets."""

from __future__ import annotations

from collections.abc import Sequence

from rich.table import Column, Table

from edgekit.benchmark.frame_budget import STAGES, FrameBudget
from edgekit.benchmark.report import ArtifactBench, BenchReport
from edgekit.benchmark.statistics import Interval
from edgekit.console import print_table, say
from edgekit.errors import printable

PROFILE_ROWS = 15


def print_report(report: BenchReport) -> None:
    """Print latency, the comparison with the baseline, operator profiles and notes."""
    print_table(_latency(report))
    if report.comparisons:
        print_table(_baseline(report))
    for a in report.artifacts:
        if a.profile:
            print_table(_profile(a))
    for sentence in report.accelerator_choice:
        say(f"the app's own choice, {sentence}")
    for warning in report.warnings:
        say(f"note: {warning}")


def print_budgets(budgets: Sequence[FrameBudget]) -> None:
    """Print one row per artifact: a frame's stages, their sum, and whether 30 frames per second are possible."""
    if not budgets:
        return
    columns = ("artifact", *STAGES, "known", "30 fps?")
    title = f"one frame on {budgets[0].device}, p50 ms"
    table = Table(*(Column(c, overflow="fold") for c in columns), title=title)
    for b in budgets:
        cells = ["–" if s.p50_ms is None else f"{s.p50_ms:.1f}" for s in b.stages]
        table.add_row(printable(b.artifact), *cells, f"{b.known_ms:.1f}", b.verdict)
    print_table(table)
    for reason in dict.fromkeys(f"{s.name}: {s.reason}" for b in budgets for s in b.stages if s.reason):
        say(f"not run, {reason}")


def _latency(report: BenchReport) -> Table:
    title = f"{report.device.model}, {report.plan.threads} threads"
    if report.device.simulated:
        title += ": SIMULATED, the times say nothing about a phone"
    columns = ["artifact", "p50 ms (95 %)", "p90 / p99", "n", "load / first", "MB", "ran on"]
    if any(a.change_to_first for a in report.artifacts):
        columns.append("to first")
    table = Table(*(Column(c, overflow="fold") for c in columns), title=title)
    for a in report.artifacts:
        name = printable(a.path.name)
        table.add_row(*(_measured_row(name, a) if a.status == "MEASURED" else [name, f"NOT RUN: {a.reason}"]))
    return table


def _measured_row(name: str, a: ArtifactBench) -> list[str]:
    assert a.latency is not None
    latency = a.latency
    middle = _number(latency.p50) + _ends(latency.p50_ci95)
    if latency.p50 is None:
        middle = f"mean {latency.mean:.2f}{_ends(latency.mean_ci95)}"
    row = [
        name, middle, f"{_number(latency.p90)} / {_number(latency.p99)}", str(latency.n),
        f"{_number(a.load_ms)} / {_number(a.first_inference_ms)}", _number(a.peak_rss_mb), _accelerator(a),
    ]  # fmt: skip
    return row if a.change_to_first is None else [*row, f"× {a.change_to_first.ratio:.3f}"]


def _accelerator(a: ArtifactBench) -> str:
    parts = "" if a.partitions is None else f", {a.partitions} part" + ("s" if a.partitions != 1 else "")
    outside = f", {len(a.undelegated_ops)} ops outside" if a.undelegated_ops else ""
    missed = (
        "" if (a.accelerator or "").startswith(a.accelerator_asked) else f"NOT {a.accelerator_asked} BUT "
    )
    return f"{missed}{a.accelerator}{parts}{outside}"


def _baseline(report: BenchReport) -> Table:
    table = Table("artifact", "against the baseline", "99 % interval", "verdict")
    for c in report.comparisons:
        name = printable(c.path.name)
        if c.change is None:
            table.add_row(name, "", "", f"NOT COMPARED: {c.reason}")
        else:
            interval = f"{c.change.interval.low:.3f} to {c.change.interval.high:.3f}"
            table.add_row(name, f"× {c.change.ratio:.3f}", interval, c.change.verdict)
    return table


def _profile(a: ArtifactBench) -> Table:
    """Kinds of operators by their share of an inference; the JSON report lists single operators."""
    total = sum(op.mean_ms for op in a.profile)
    table = Table("operators", "number", "ms", "share", title=printable(a.path.name))
    by_kind: dict[str, list[float]] = {}
    for op in a.profile:
        by_kind.setdefault(op.kind, []).append(op.mean_ms)
    for kind, times in sorted(by_kind.items(), key=lambda item: -sum(item[1]))[:PROFILE_ROWS]:
        table.add_row(printable(kind), str(len(times)), f"{sum(times):.3f}", f"{sum(times) / total:.1%}")
    return table


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"


def _ends(interval: Interval | None) -> str:
    return "" if interval is None else f" ({interval.low:.2f}–{interval.high:.2f})"
