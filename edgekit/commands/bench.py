"""`edgekit bench`: latency with statistics one can trust."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from edgekit.bench.report import BenchReport


def bench(
    artifacts: list[Path] = typer.Argument(
        ..., help="Artifacts to time; several are measured alternately and compared with the first."
    ),
    device: str = typer.Option(
        "host", "--device", help="host, arm64 (emulated: agreement only), a phone's model or serial, mac, iphone."
    ),
    runs: int = typer.Option(50, "--runs", help="At least this many inferences of each artifact …"),
    seconds: float = typer.Option(10.0, "--seconds", help="… and at least this long for each."),
    warmup: int = typer.Option(5, "--warmup", help="Inferences before the first that counts."),
    threads: int = typer.Option(2, "--threads", help="CPU threads of the runtime."),
    accelerator: str = typer.Option("cpu", "--accelerator", help="cpu, gpu or nnapi; on Apple also ane, all."),
    runner: Path | None = typer.Option(
        None, "--runner", help="benchmark_model built for the phone's ABI. Needed for phones."
    ),
    per_launch: int = typer.Option(
        1, "--per-launch", help="Phones: inferences per launch. Above 1 only means are known, no percentiles."
    ),
    profile: bool = typer.Option(False, "--profile", help="Time per operator as well (a separate launch)."),
    max_thermal: int = typer.Option(
        1, "--max-thermal", help="Pause while Android's thermal status is above this (0 none, 1 light … 6)."
    ),
    cool_down: float = typer.Option(120.0, "--cool-down", help="Give up when it stays hot for this many seconds."),
    timeout: float = typer.Option(600.0, "--timeout", help="Kill a runner that is silent for this many seconds."),
    baseline: Path | None = typer.Option(
        None, "--baseline", help="An earlier --out file; exit 1 when an artifact is significantly slower."
    ),
    tolerance: float = typer.Option(
        0.03, "--tolerance", help="A slowdown up to this share of the baseline is no regression."
    ),
    out: Path | None = typer.Option(None, "--out", help="Write the report (JSON, with every sample) here."),
    csv: Path | None = typer.Option(None, "--csv", help="Write every sample as CSV here."),
    plot: Path | None = typer.Option(None, "--plot", help="Write a plot (SVG) here."),
    force: bool = typer.Option(False, "--force", help="Replace existing --out, --csv and --plot files."),
    as_json: bool = typer.Option(False, "--json", help="One JSON object on standard output."),
) -> None:
    """Time artifacts on this machine or a phone: p50, p90, p99 with intervals, load and first run apart.

    Exit 1: a significant regression, an artifact that could not be measured or compared, or an
    accelerator that was asked for and not obtained.
    """
    from edgekit import console
    from edgekit.bench import report as reports
    from edgekit.bench import run
    from edgekit.devices import open_device
    from edgekit.devices.device import ACCELERATORS, BenchPlan
    from edgekit.errors import UnknownName
    from edgekit.files import refuse_existing, write_json, write_whole

    if accelerator not in ACCELERATORS:
        raise UnknownName("accelerator", accelerator, ACCELERATORS)
    for path in (out, csv, plot):
        if path is not None:
            refuse_existing(path, force)
    plan = BenchPlan(
        runs, seconds, warmup, threads, accelerator, per_launch, profile, max_thermal, cool_down, timeout
    )
    earlier = reports.read_baseline(baseline) if baseline else None
    result = run.bench(open_device(device, runner), artifacts, plan, console.say)
    if earlier is not None:
        result = run.compare(result, earlier, tolerance)
    if out is not None:
        write_json(out, reports.report_json(result))
    if csv is not None:
        write_whole(csv, reports.report_csv(result))
    if plot is not None:
        write_whole(plot, reports.report_svg(result))
    if as_json:
        console.print_json(reports.report_json(result))
    _show(result)
    if result.regressed or not result.complete:
        raise typer.Exit(1)


def _show(result: BenchReport) -> None:
    from edgekit import console
    from edgekit.bench.table import bench_tables

    for table in bench_tables(result):
        console.print_table(table)
    for warning in result.warnings:
        console.say(f"note: {warning}")
