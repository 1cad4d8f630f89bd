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


# Which options mean something, by what is done; any other that is given is refused, not ignored.
PLAN = {"runs", "seconds", "warmup", "threads", "accelerator"}
HEAT = {"max_thermal", "cool_down", "timeout"}
WRITTEN = {"baseline", "tolerance", "out", "csv", "plot", "force"}
USED = {
    "--placement": {"placement"},
    "--app-report": {"app_report"} | WRITTEN,
    "--device farm:": {"device", "farm_app", "farm_tests", "timeout", "out", "force"},
    "--app": {"device", "app"} | PLAN | HEAT | WRITTEN,
    "this device": {"device", "profile", "frame"} | PLAN | HEAT | WRITTEN,
    "a phone": {"device", "profile", "frame", "runner", "per_launch"} | PLAN | HEAT | WRITTEN,
}
ALWAYS = {"artifacts", "json"}

PHONES, COMPARED = "Phones", "Comparison and files"
INSTEAD, FARM = "Instead of measuring here", "Device farm"


def bench(
    context: typer.Context,
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
    timeout: Annotated[
        float, typer.Option(help="Kill a runner that is silent for this many seconds.")
    ] = 600.0,
    profile: Annotated[
        bool, typer.Option("--profile", help="Time per operator as well, in a run of its own.")
    ] = False,
    frame: Annotated[
        str | None, typer.Option(help="Camera frame, e.g. 1920x1080: is there time for 30 frames a second?")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")] = False,
    runner: Annotated[
        Path | None,
        typer.Option(
            help="LiteRT's benchmark_model, built for the phone's ABI (docs/bench.md says where to get it); "
            "a phone needs it, or --app.",
            rich_help_panel=PHONES,
        ),
    ] = None,
    app: Annotated[
        str | None,
        typer.Option(
            metavar="PACKAGE",
            help="Let the installed demo app measure (dev.edgekit.demo), the stages of a frame included.",
            rich_help_panel=PHONES,
        ),
    ] = None,
    per_launch: Annotated[
        int,
        typer.Option(
            help="Inferences per launch of the runner. Above 1 only means are known, no percentiles.",
            rich_help_panel=PHONES,
        ),
    ] = 1,
    max_thermal: Annotated[
        int,
        typer.Option(
            help="Pause while Android's thermal status is above this (0 none, 1 light … 6).",
            rich_help_panel=PHONES,
        ),
    ] = 1,
    cool_down: Annotated[
        float,
        typer.Option(help="Give up when it stays hot for this many seconds.", rich_help_panel=PHONES),
    ] = 120.0,
    baseline: Annotated[
        Path | None,
        typer.Option(
            help="An earlier --out file; exit 1 when an artifact is significantly slower.",
            rich_help_panel=COMPARED,
        ),
    ] = None,
    tolerance: Annotated[
        float,
        typer.Option(
            help="A slowdown up to this share of the baseline is no regression.", rich_help_panel=COMPARED
        ),
    ] = 0.03,
    out: Annotated[
        Path | None,
        typer.Option(help="Write the report (JSON, with every sample) here.", rich_help_panel=COMPARED),
    ] = None,
    csv: Annotated[
        Path | None, typer.Option(help="Write every sample as CSV here.", rich_help_panel=COMPARED)
    ] = None,
    plot: Annotated[
        Path | None, typer.Option(help="Write a plot (SVG) here.", rich_help_panel=COMPARED)
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Replace existing files.", rich_help_panel=COMPARED)
    ] = False,
    placement: Annotated[
        str | None,
        typer.Option(
            metavar="PHONE",
            help="Run nothing: say on which of its processors each artifact would land on this known phone, "
            "e.g. 'Pixel 6' (edgekit devices --profiles).",
            rich_help_panel=INSTEAD,
        ),
    ] = None,
    app_report: Annotated[
        Path | None,
        typer.Option(
            help="Read the demo app's benchmark file, stages included. An artifact named with it must be the "
            "one that was measured.",
            rich_help_panel=INSTEAD,
        ),
    ] = None,
    farm_app: Annotated[
        Path | None,
        typer.Option(help="The demo app's APK, for --device farm:POOL_ARN.", rich_help_panel=FARM),
    ] = None,
    farm_tests: Annotated[
        Path | None, typer.Option(help="The demo app's test APK.", rich_help_panel=FARM)
    ] = None,
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
    from edgekit.files import check_file_place, write_json, write_whole

    _refuse_unused(context, placement, app_report, app, device)
    if accelerator not in ACCELERATORS:
        raise UnknownName("accelerator", accelerator, ACCELERATORS)
    written = [path for path in (out, csv, plot) if path is not None]
    for path in written:
        check_file_place(
            path, replace=force, inputs=(*(artifacts or ()), *([app_report] if app_report else []))
        )
    if len({path.resolve() for path in written}) != len(written):
        raise typer.BadParameter("--out, --csv and --plot name the same file twice.")
    if placement is not None:
        _show_placement(_paths(artifacts), placement, json)
        return
    frame_size = None if frame is None else _frame_size(frame)
    earlier = reports.read_baseline(baseline) if baseline else None
    plan = BenchPlan(
        runs, seconds, warmup, threads, accelerator, per_launch, profile, max_thermal, cool_down, timeout
    )
    if device.startswith("farm:"):
        _farm(device, farm_app, farm_tests, _paths(artifacts), out, force, timeout, json)
        return
    if app_report is not None:
        result, budgets = _from_app(app_report, artifacts or [])
    elif app is not None:
        result, budgets = _by_app(app, device, artifacts or [], plan)
    else:
        result = _measured(artifacts, device, runner, plan)
        budgets = [] if frame_size is None else _budgets(result, frame_size)
    if earlier is not None:
        result = run.compare(result, earlier, tolerance)
    printed = {**reports.report_json(result), "frame_budgets": [budget_json(b) for b in budgets]}
    if out is not None:
        write_json(out, printed, replace=force)
    if csv is not None:
        write_whole(csv, reports.report_csv(result), replace=force)
    if plot is not None:
        write_whole(plot, reports.report_svg(result), replace=force)
    print_report(result)
    print_budgets(budgets)
    if json:
        console.print_json(printed)
    raise typer.Exit(0 if result.complete and not result.regressed else 1)


def _refuse_unused(
    context: typer.Context, placement: str | None, app_report: Path | None, app: str | None, device: str
) -> None:
    """Usage error for an option that this way of benching would not look at."""
    from edgekit.devices import LOCAL

    asked = {
        "--placement": placement is not None,
        "--app-report": app_report is not None,
        "--device farm:": device.startswith("farm:"),
        "--app": app is not None,
        "this device": device in LOCAL,
        "a phone": True,
    }
    done = next(name for name, is_asked in asked.items() if is_asked)
    for name in context.params:
        source = context.get_parameter_source(name)
        if source is not None and source.name == "COMMANDLINE" and name not in USED[done] | ALWAYS:
            what = f"--device {device}" if done == "this device" else done
            raise typer.BadParameter(
                f"it has no meaning with {what}; leave it out.", param_hint=f"--{name.replace('_', '-')}"
            )


def _paths(artifacts: list[Path] | None) -> list[Path]:
    """The artifacts named, or all of the default folder."""
    from edgekit.artifact import artifacts_at

    return artifacts or [found.path for found in artifacts_at([])]


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
    device: str, app: Path | None, tests: Path | None, paths: list[Path], out: Path | None, force: bool,
    timeout: float, json: bool,
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
        write_json(out, printed, replace=force)
    if json:
        console.print_json(printed)
    raise typer.Exit(0 if all(result.complete for result in found) else 1)


def _from_app(path: Path, artifacts: list[Path]) -> tuple[BenchReport, list[FrameBudget]]:
    from edgekit.bench.app_report import read_app_report
    from edgekit.files import sha256_of

    if len(artifacts) > 1:
        raise typer.BadParameter("it is about one artifact; name that one or none", param_hint="--app-report")
    return _with_stages(read_app_report(path, sha256_of(artifacts[0]) if artifacts else None))


def _by_app(
    package: str, device: str, artifacts: list[Path], plan: BenchPlan
) -> tuple[BenchReport, list[FrameBudget]]:
    from edgekit.bench.app_run import bench_app
    from edgekit.devices import open_device
    from edgekit.devices.adb import Phone

    if len(artifacts) != 1:
        raise typer.BadParameter("the app measures one artifact at a time; name it", param_hint="--app")
    phone = open_device(device)
    if not isinstance(phone, Phone):
        raise typer.BadParameter(f"an app runs on a phone, and {device} is none", param_hint="--device")
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

    from edgekit.artifact import read_artifact
    from edgekit.bench.frame_budget import budget, measured_stage, time_stage
    from edgekit.images import stretch

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
