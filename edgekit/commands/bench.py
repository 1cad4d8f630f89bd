"""`edgekit bench`: latency with statistics one can trust."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from edgekit import console


def bench(
    artifacts: Annotated[
        list[Path] | None,
        typer.Argument(
            help="Artifacts to time; several are measured alternately and compared with the first.",
            show_default="all in artifacts/",
        ),
    ] = None,
    device: Annotated[
        str,
        typer.Option(help="host, arm64 (emulated: agreement only), a phone's model or serial, mac, iphone."),
    ] = "host",
    runs: Annotated[int, typer.Option(help="At least this many inferences of each artifact …")] = 50,
    seconds: Annotated[float, typer.Option(help="… and at least this long for each.")] = 10.0,
    warmup: Annotated[int, typer.Option(help="Inferences before the first that counts.")] = 5,
    threads: Annotated[int, typer.Option(help="CPU threads of the runtime.")] = 2,
    accelerator: Annotated[str, typer.Option(help="cpu, gpu or nnapi; on Apple also ane, all.")] = "cpu",
    runner: Annotated[
        Path | None, typer.Option(help="benchmark_model built for the phone's ABI; phones need it.")
    ] = None,
    per_launch: Annotated[
        int, typer.Option(help="Phones: inferences per launch. Above 1 only means are known, no percentiles.")
    ] = 1,
    profile: Annotated[
        bool, typer.Option("--profile", help="Time per operator as well, in a run of its own.")
    ] = False,
    max_thermal: Annotated[
        int, typer.Option(help="Pause while Android's thermal status is above this (0 none, 1 light … 6).")
    ] = 1,
    cool_down: Annotated[
        float, typer.Option(help="Give up when it stays hot for this many seconds.")
    ] = 120.0,
    timeout: Annotated[
        float, typer.Option(help="Kill a runner that is silent for this many seconds.")
    ] = 600.0,
    baseline: Annotated[
        Path | None,
        typer.Option(help="An earlier --out file; exit 1 when an artifact is significantly slower."),
    ] = None,
    tolerance: Annotated[
        float, typer.Option(help="A slowdown up to this share of the baseline is no regression.")
    ] = 0.03,
    placement: Annotated[
        str | None,
        typer.Option(
            help="Run nothing: say where each artifact would land on this known phone, e.g. 'Pixel 6'."
        ),
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Write the report (JSON, with every sample) here.")] = None,
    csv: Annotated[Path | None, typer.Option(help="Write every sample as CSV here.")] = None,
    plot: Annotated[Path | None, typer.Option(help="Write a plot (SVG) here.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace existing files.")] = False,
    json: Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")] = False,
) -> None:
    """Time artifacts on this machine or a phone: p50, p90, p99 with intervals, load and first run apart.

    Exits 1 on a significant regression, when an artifact could not be measured or compared, and when the
    accelerator asked for was not obtained.
    """
    from edgekit import pipeline
    from edgekit.bench import report as reports
    from edgekit.bench import run
    from edgekit.bench.table import print_report
    from edgekit.devices import open_device
    from edgekit.devices.device import ACCELERATORS, BenchPlan
    from edgekit.errors import UnknownName
    from edgekit.files import refuse_existing, write_json, write_whole

    if accelerator not in ACCELERATORS:
        raise UnknownName("accelerator", accelerator, ACCELERATORS)
    for path in (out, csv, plot):
        if path is not None:
            refuse_existing(path, force)
    paths = artifacts or [found.path for found in pipeline.artifacts_at([])]
    if placement is not None:
        _show_placement(paths, placement, json)
        return
    plan = BenchPlan(
        runs, seconds, warmup, threads, accelerator, per_launch, profile, max_thermal, cool_down, timeout
    )
    earlier = reports.read_baseline(baseline) if baseline else None
    result = run.bench(open_device(device, runner), paths, plan, console.say)
    if earlier is not None:
        result = run.compare(result, earlier, tolerance)
    if out is not None:
        write_json(out, reports.report_json(result))
    if csv is not None:
        write_whole(csv, reports.report_csv(result))
    if plot is not None:
        write_whole(plot, reports.report_svg(result))
    print_report(result)
    if json:
        console.print_json(reports.report_json(result))
    raise typer.Exit(0 if result.complete and not result.regressed else 1)


def _show_placement(paths: list[Path], phone: str, json: bool) -> None:
    from edgekit.bench.placement import place, placement_json, print_placements
    from edgekit.devices.profiles import profile_named

    found = [place(path, profile_named(phone)) for path in paths]
    print_placements(found)
    if json:
        console.print_json(
            {"phone": profile_named(phone).name, "placements": [placement_json(p) for p in found]}
        )
