"""`edgekit bench`: latency with statistics one can trust."""

from __future__ import annotations

import re
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from edgekit import console

if TYPE_CHECKING:
    from edgekit.bench.app_report import AppReport
    from edgekit.bench.frame_budget import FrameBudget
    from edgekit.bench.report import BenchReport
    from edgekit.devices.device import BenchPlan


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
        typer.Option(
            help="host, arm64 (emulated, not for speed), a phone's model or serial, mac, iphone, farm:POOL_ARN."
        ),
    ] = "host",
    runs: Annotated[int, typer.Option(help="At least this many inferences of each artifact …")] = 50,
    seconds: Annotated[float, typer.Option(help="… and at least this long for each.")] = 10.0,
    warmup: Annotated[int, typer.Option(help="Inferences before the first that counts.")] = 5,
    threads: Annotated[int, typer.Option(help="CPU threads of the runtime.")] = 2,
    accelerator: Annotated[str, typer.Option(help="cpu, gpu or nnapi; on Apple also ane, all.")] = "cpu",
    runner: Annotated[
        Path | None, typer.Option(help="benchmark_model built for the phone's ABI; phones need it.")
    ] = None,
    farm_app: Annotated[
        Path | None, typer.Option(help="The demo app's APK, for --device farm:DEVICE_POOL_ARN.")
    ] = None,
    farm_tests: Annotated[Path | None, typer.Option(help="The demo app's test APK, for a farm.")] = None,
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
    app_report: Annotated[
        Path | None,
        typer.Option(help="Measure nothing: read the demo app's benchmark file, stages included."),
    ] = None,
    app: Annotated[
        str | None,
        typer.Option(
            metavar="PACKAGE",
            help="Phones: let this installed demo app measure (dev.edgekit.demo), stages of a frame included.",
        ),
    ] = None,
    frame: Annotated[
        str | None, typer.Option(help="Camera frame, e.g. 1920x1080: is there time for 30 frames a second?")
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
    from edgekit.bench import report as reports
    from edgekit.bench import run
    from edgekit.bench.frame_budget import budget_json
    from edgekit.bench.table import print_budgets, print_report
    from edgekit.devices.device import ACCELERATORS, BenchPlan
    from edgekit.errors import UnknownName
    from edgekit.files import refuse_existing, write_json, write_whole

    if accelerator not in ACCELERATORS:
        raise UnknownName("accelerator", accelerator, ACCELERATORS)
    for path in (out, csv, plot):
        if path is not None:
            refuse_existing(path, force)
    if placement is not None:
        _show_placement(_paths(artifacts), placement, json)
        return
    frame_size = None if frame is None else _frame_size(frame)
    earlier = reports.read_baseline(baseline) if baseline else None
    plan = BenchPlan(
        runs, seconds, warmup, threads, accelerator, per_launch, profile, max_thermal, cool_down, timeout
    )
    if device.startswith("farm:"):
        _farm(device, farm_app, farm_tests, _paths(artifacts), out, timeout, json)
        return
    if app_report is not None:
        result, budgets = _from_app(app_report)
    elif app is not None:
        result, budgets = _by_app(app, device, artifacts or [], runner, plan)
    else:
        result = _measured(artifacts, device, runner, plan)
        budgets = [] if frame_size is None else _budgets(result, frame_size)
    if earlier is not None:
        result = run.compare(result, earlier, tolerance)
    printed = {**reports.report_json(result), "frame_budgets": [budget_json(b) for b in budgets]}
    if out is not None:
        write_json(out, printed)
    if csv is not None:
        write_whole(csv, reports.report_csv(result))
    if plot is not None:
        write_whole(plot, reports.report_svg(result))
    print_report(result)
    print_budgets(budgets)
    if json:
        console.print_json(printed)
    raise typer.Exit(0 if result.complete and not result.regressed else 1)


def _paths(artifacts: list[Path] | None) -> list[Path]:
    """The artifacts named, or all of the default folder."""
    from edgekit import pipeline

    return artifacts or [found.path for found in pipeline.artifacts_at([])]


def _measured(artifacts: list[Path] | None, device: str, runner: Path | None, plan: BenchPlan) -> BenchReport:
    from edgekit.bench import run
    from edgekit.devices import open_device

    where = open_device(device, runner)
    paths = _paths(artifacts)
    if not artifacts:
        for path in paths:
            if reason := run.not_run_reason(path, where):
                console.say(f"leaving out {path}: {reason}")
        paths = [path for path in paths if not run.not_run_reason(path, where)] or paths
    return run.bench(where, paths, plan, console.say)


def _farm(
    device: str, app: Path | None, tests: Path | None, paths: list[Path], out: Path | None, timeout: float,
    json: bool,
) -> None:  # fmt: skip
    """Every artifact on every phone of the pool: one report each, under `reports`."""
    from edgekit.bench.report import report_json
    from edgekit.bench.table import print_report
    from edgekit.devices import farm
    from edgekit.files import write_json

    if app is None or tests is None:
        raise typer.BadParameter("a farm needs --farm-app and --farm-tests, the demo app's two APKs")
    job = farm.FarmJob(farm.pool_arn_of(device), app, tests, timeout)
    client = farm.aws_client(job.region)
    found = [r.report for path in paths for r in farm.run_on_farm(job, path, client, console.say)]
    for result in found:
        print_report(result)
    printed = {"device": device, "reports": [report_json(result) for result in found]}
    if out is not None:
        write_json(out, printed)
    if json:
        console.print_json(printed)
    raise typer.Exit(0 if all(result.complete for result in found) else 1)


def _from_app(path: Path) -> tuple[BenchReport, list[FrameBudget]]:
    from edgekit.bench.app_report import read_app_report

    return _with_stages(read_app_report(path))


def _by_app(
    package: str, device: str, artifacts: list[Path], runner: Path | None, plan: BenchPlan
) -> tuple[BenchReport, list[FrameBudget]]:
    from edgekit.bench.app_run import bench_app
    from edgekit.devices import open_device
    from edgekit.devices.adb import Phone

    if len(artifacts) != 1:
        raise typer.BadParameter("the app measures one artifact at a time; name it", param_hint="--app")
    if runner is not None or plan.profile or plan.runs_per_launch != 1:
        raise typer.BadParameter(
            "the app measures by itself; leave out --runner, --profile and --per-launch", param_hint="--app"
        )
    phone = open_device(device)
    if not isinstance(phone, Phone):
        raise typer.BadParameter(f"an app runs on a phone; {device} is none (--device)", param_hint="--app")
    return _with_stages(bench_app(phone, package, artifacts[0], plan, console.say))


def _with_stages(app: AppReport) -> tuple[BenchReport, list[FrameBudget]]:
    """The report and, where the app timed stages, the frame's budget."""
    from edgekit.bench.frame_budget import budget

    told = app.report.device
    name = app.report.artifacts[0].path.name
    return app.report, [budget(told.name, told.simulated, name, None, app.stages)] if app.stages else []


def _frame_size(text: str) -> tuple[int, int]:
    """(width, height) of `1920x1080`."""
    match = re.fullmatch(r"(\d{2,5})[x×](\d{2,5})", text)
    if match is None:
        raise typer.BadParameter(f"{text!r} is not WIDTHxHEIGHT, like 1920x1080.", param_hint="--frame")
    return int(match[1]), int(match[2])


def _budgets(result: BenchReport, frame: tuple[int, int]) -> list[FrameBudget]:
    """The stages that can be timed here beside the segmenter's: on the host also the resize."""
    import numpy as np

    from calibration.preprocess import stretch
    from edgekit.artifact import read_artifact
    from edgekit.bench.frame_budget import budget, measured_stage, time_stage

    width, height = frame
    picture = np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)
    budgets = []
    for a in result.artifacts:
        if a.status != "MEASURED":
            continue
        size = read_artifact(a.path).manifest.size
        stages = [measured_stage("segmenter", a.samples_ms)]
        if result.device.kind == "host":
            stages.append(time_stage("resize", partial(stretch, picture, size)))
        budgets.append(budget(result.device.name, result.device.simulated, a.path.name, size, stages))
    return budgets


def _show_placement(paths: list[Path], phone: str, json: bool) -> None:
    from edgekit.bench.placement import place, placement_json, print_placements
    from edgekit.devices.profiles import profile_named

    found = [place(path, profile_named(phone)) for path in paths]
    print_placements(found)
    if json:
        console.print_json(
            {"phone": profile_named(phone).name, "placements": [placement_json(p) for p in found]}
        )
