"""`edgekit bench`: latency with intervals, and related measurements as subcommands."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from difflib import get_close_matches
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer
from typer.core import TyperGroup

from edgekit import console
from edgekit.commands.bench_spellings import todays
from edgekit.commands.farm_options import FarmOptions
from edgekit.commands.options import Force, Json, unpacked
from edgekit.devices.device import ACCELERATORS, BOUNDS, BenchPlan
from edgekit.errors import EdgekitError, UnknownName

if TYPE_CHECKING:
    from edgekit.benchmark.app_report import AppReport
    from edgekit.benchmark.frame_budget import FrameBudget
    from edgekit.benchmark.report import Baseline, BenchReport

DEFAULTS = BenchPlan()
DEMO_APP = "dev.edgekit.demo"
# Names of --set, and the fields of a plan that they set. The tolerance belongs to the comparison, not to the plan.
PLAN_SETTINGS = {
    "warmup": "warmup_runs",
    "timeout": "timeout_s",
    "per-launch": "runs_per_launch",
    "max-thermal": "hottest_status",
    "cool-down": "cool_down_s",
}
SETTINGS = {
    "warmup": "inferences before measuring starts",
    "timeout": "seconds of silence after which a runner is killed",
    "per-launch": "inferences per launch of a phone's runner; above 1, only means are measured, no percentiles",
    "max-thermal": "Android's thermal status above which a phone is left to cool (0 none, 1 light … 6)",
    "cool-down": "longest wait in seconds for a hot phone to cool",
    "tolerance": "largest slowdown, as a share of the baseline, that is no regression",
}
TOLERANCE, USUAL_TOLERANCE, MOST_TOLERANCE = "tolerance", 0.03, 1000.0
# Options of version 0.1 that are now subcommands or forms of --out (bench_spellings.py).
OLD_SETTINGS = frozenset({"profile", "frame", "csv", "plot"})
# Parameters in the library's errors, and their spelling on the command line.
SPELLED = {
    **{name: f"--{name}" for name in ("runs", "seconds", "threads", "accelerator", "runner")},
    **{field: f"--set {name}" for name, field in PLAN_SETTINGS.items()},
}


class ArtifactsOrCommand(TyperGroup):
    """A group that takes artifacts itself, unless the first argument is the name of one of its commands."""

    allow_interspersed_args = True

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Keep the words of a subcommand for `invoke`; anything else is parsed for the group itself."""
        if args and args[0] not in self.commands:
            args, notes = todays(args)
            for note in notes:
                console.say(f"note: {note}")
        if args and args[0] in self.commands:
            ctx.obj, args = args, []
        elif args and re.fullmatch(r"\w[\w-]*", args[0]) and not Path(args[0]).exists():
            for meant in get_close_matches(args[0], self.commands, n=1):
                ctx.fail(f"There is neither a command nor a file {args[0]!r}. Did you mean {meant!r}?")
        return super().parse_args(ctx, args)

    def invoke(self, ctx: Any) -> Any:
        name, *rest = ctx.obj if isinstance(ctx.obj, list) else [""]
        with options_spelled({**SPELLED, "timeout_s": "--timeout"} if name == "farm" else SPELLED):
            if not name:
                return super().invoke(ctx)
            # A child of the group would show the group's own arguments in its usage line.
            with self.commands[name].make_context(
                f"{ctx.info_name} {name}", rest, parent=ctx.parent
            ) as inner:
                return inner.command.invoke(inner)


@contextmanager
def options_spelled(spelled: Mapping[str, str]) -> Iterator[None]:
    """Replace parameters that a library's error names, such as `timeout_s`, by options."""
    try:
        yield
    except EdgekitError as error:
        error.args = (re.sub(r"`(\w+)`", lambda m: spelled.get(m[1], m[0]), str(error)),)
        raise


bench = typer.Typer(
    name="bench",
    cls=ArtifactsOrCommand,
    invoke_without_command=True,
    subcommand_metavar="| COMMAND [ARGS]...",
)


def _number(name: str, text: str, option: str | None = None) -> Any:
    """Parse a number of a plan from the command line, within the bounds of the plan's field `name`."""
    return _bounded(text, *BOUNDS[name], isinstance(getattr(DEFAULTS, name), int), option)


def _bounded(text: str, least: float, most: float, whole: bool, option: str | None) -> float:
    from edgekit.errors import printable

    try:
        value = int(text) if whole else float(text)
    except ValueError:
        value = float("nan")
    if not least <= value <= most:
        kind = "whole number" if whole else "number"
        reason = f"{printable(text, 40)!r} is not a {kind} from {least:,g} to {most:,.12g}."
        raise typer.BadParameter(reason, param_hint=option)
    return value


def _set(*names: str) -> Any:
    """The option --set for these names; its help gives their defaults and meanings."""
    defaults = {name: f"{getattr(DEFAULTS, field):g}" for name, field in PLAN_SETTINGS.items()}
    defaults[TOLERANCE] = f"{USUAL_TOLERANCE:g}"
    lines = (f"{name}={defaults[name]}: {SETTINGS[name]}." for name in names)
    help_text = f"Change a setting; repeatable. The defaults: {' '.join(lines)}"
    return typer.Option("--set", metavar="NAME=VALUE", help=help_text)


def _accelerator(text: str) -> str:
    if text not in ACCELERATORS:
        raise typer.BadParameter(str(UnknownName("accelerator", text, ACCELERATORS)))
    return text


def _phone(text: str) -> str:
    from edgekit.devices.profiles import profile_named

    try:
        return profile_named(text).name
    except UnknownName as error:
        raise typer.BadParameter(str(error)) from error


def _camera(text: str) -> tuple[int, int]:
    """(width, height) from a text like `1920x1080`."""
    match = re.fullmatch(r"([0-9]{2,5})[x×]([0-9]{2,5})", text)
    if match is None:
        raise typer.BadParameter(f"{text[:40]!r} is not WIDTHxHEIGHT, like 1920x1080.")
    return int(match[1]), int(match[2])


Artifacts = Annotated[
    list[Path] | None,
    typer.Argument(
        metavar="ARTIFACT",
        help="Artifacts to time; several are measured alternately and compared with the first.",
        show_default="all in artifacts/",
    ),
]
OneArtifact = Annotated[
    Path, typer.Argument(metavar="ARTIFACT", help="The artifact to time.", show_default=False)
]
DeviceName = Annotated[
    str,
    typer.Option(help="host, arm64 (emulated, not for speed), a phone's model or serial, mac, iphone."),
]
PhoneName = Annotated[str, typer.Option(help="The phone's model or serial (edgekit devices).")]
Runner = Annotated[
    Path | None,
    typer.Option(
        help="Required for a phone: LiteRT's benchmark_model, built for its ABI (see docs/bench.md)."
    ),
]
Runs = Annotated[
    int,
    typer.Option(
        parser=partial(_number, "runs"),
        metavar="N",
        help="Smallest number of inferences of each artifact; --seconds must be reached too.",
    ),
]
Seconds = Annotated[
    float,
    typer.Option(
        parser=partial(_number, "seconds"),
        metavar="S",
        help="Shortest time to measure each artifact, in seconds; --runs must be reached too.",
    ),
]
Threads = Annotated[
    int,
    typer.Option(
        parser=partial(_number, "threads"),
        metavar="N",
        help="CPU threads of the runtime, at most as many as the device has processors.",
    ),
]
Accelerator = Annotated[
    str,
    typer.Option(
        parser=_accelerator,
        metavar="NAME",
        help="cpu, gpu or nnapi (legacy, deprecated since Android 15); "
        "on Apple devices cpu, gpu, ane or all.",
    ),
]
PlanSettings = Annotated[list[str] | None, _set(*PLAN_SETTINGS)]
AllSettings = Annotated[list[str] | None, _set(*SETTINGS)]
AppSettings = Annotated[list[str] | None, _set(*(name for name in SETTINGS if name != "per-launch"))]
BaselineFile = Annotated[
    Path | None,
    typer.Option(
        "--baseline",
        help="A report from an earlier --out FILE.json; exits 1 when an artifact is significantly slower.",
    ),
]
Out = Annotated[
    list[Path] | None,
    typer.Option(
        help="File for the report; repeatable. FILE.csv gets every sample, FILE.svg a plot, any other name JSON."
    ),
]


@bench.callback()
def time_artifacts(
    artifacts: Artifacts = None,
    device: DeviceName = "host",
    runner: Runner = None,
    runs: Runs = DEFAULTS.runs,
    seconds: Seconds = DEFAULTS.seconds,
    threads: Threads = DEFAULTS.threads,
    accelerator: Accelerator = DEFAULTS.accelerator,
    settings: AllSettings = None,
    baseline: BaselineFile = None,
    out: Out = None,
    force: Force = False,
    json: Json = False,
) -> None:
    """Time artifacts on this machine or a phone: p50, p90, p99 with intervals; load and first run separately.

    Exits 1 on a significant regression, when an artifact could not be measured or compared, and when the
    requested accelerator was not used.

    The commands below make other measurements; each has its own --help.
    """
    given = _given(settings, SETTINGS, OLD_SETTINGS)
    plan = _plan(given, runs, seconds, threads, accelerator)
    frame = _camera(given["frame"]) if "frame" in given else None
    results = Results.of(given, baseline, out, force, json)
    _time(artifacts, device, runner, replace(plan, profile="profile" in given), frame, given, results)


@bench.command("profile")
def profile(
    artifacts: Artifacts = None,
    device: DeviceName = "host",
    runner: Runner = None,
    runs: Runs = DEFAULTS.runs,
    seconds: Seconds = DEFAULTS.seconds,
    threads: Threads = DEFAULTS.threads,
    accelerator: Accelerator = DEFAULTS.accelerator,
    settings: PlanSettings = None,
    out: Out = None,
    force: Force = False,
    json: Json = False,
) -> None:
    """Time artifacts, then each of their operators in a separate run."""
    given = _given(settings, PLAN_SETTINGS)
    plan = replace(_plan(given, runs, seconds, threads, accelerator), profile=True)
    _time(artifacts, device, runner, plan, None, given, Results.of(given, None, out, force, json))


@bench.command("frame")
def frame(
    artifacts: Artifacts = None,
    camera: Annotated[
        Any,  # (width, height)
        typer.Option(parser=_camera, metavar="WIDTHxHEIGHT", help="Size of the camera's frame."),
    ] = "1920x1080",
    device: DeviceName = "host",
    runner: Runner = None,
    runs: Runs = DEFAULTS.runs,
    seconds: Seconds = DEFAULTS.seconds,
    threads: Threads = DEFAULTS.threads,
    accelerator: Accelerator = DEFAULTS.accelerator,
    settings: PlanSettings = None,
    out: Out = None,
    force: Force = False,
    json: Json = False,
) -> None:
    """Check for 30 frames per second: add up the stages of a frame that can be timed on the device."""
    given = _given(settings, PLAN_SETTINGS)
    plan = _plan(given, runs, seconds, threads, accelerator)
    _time(artifacts, device, runner, plan, camera, given, Results.of(given, None, out, force, json))


@bench.command("app")
def app(
    artifact: OneArtifact,
    device: PhoneName,
    package: Annotated[str, typer.Option(help="The installed app.")] = DEMO_APP,
    runs: Runs = DEFAULTS.runs,
    seconds: Seconds = DEFAULTS.seconds,
    threads: Threads = DEFAULTS.threads,
    accelerator: Accelerator = DEFAULTS.accelerator,
    settings: AppSettings = None,
    baseline: BaselineFile = None,
    out: Out = None,
    force: Force = False,
    json: Json = False,
) -> None:
    """Run the demo app's benchmark on a phone: all stages of a frame, with the phone's own camera and GPU."""
    from edgekit.benchmark.app_run import bench_app
    from edgekit.devices.adb import Phone
    from edgekit.devices.registry import open_device

    given = _given(settings, SETTINGS.keys() - {"per-launch"}, {"csv", "plot"})
    plan = _plan(given, runs, seconds, threads, accelerator)
    results = Results.of(given, baseline, out, force, json)
    earlier = results.checked([artifact])
    phone = open_device(device)
    if not isinstance(phone, Phone):
        raise typer.BadParameter(f"an app needs a phone, and {device} is not one", param_hint="--device")
    results.end(*_with_stages(bench_app(phone, package, artifact, plan, console.say)), earlier)


@bench.command("farm")
@unpacked
def farm(
    artifacts: Artifacts = None,
    *,
    phones: FarmOptions,
    apk: Annotated[Path, typer.Option("--app", help="The demo app's APK.")],
    tests: Annotated[Path, typer.Option("--tests", help="The demo app's test APK.")],
    timeout: Annotated[
        float,
        typer.Option(
            parser=partial(_number, "timeout_s"), metavar="S", help="Stop a run that takes longer than this."
        ),
    ] = DEFAULTS.timeout_s,
    out: Annotated[Path | None, typer.Option(help="Write the reports (JSON) here.")] = None,
    force: Force = False,
    json: Json = False,
) -> None:
    """Run the demo app's benchmark on the phones of AWS Device Farm or Firebase Test Lab; one report per phone."""
    from edgekit.benchmark.farm import FarmJob, run_on_farm
    from edgekit.benchmark.report import report_json
    from edgekit.benchmark.table import print_report
    from edgekit.files import check_file_place, write_json

    paths = _paths(artifacts)
    if out is not None:
        check_file_place(out, replace=force, inputs=(*paths, apk, tests))
    service, job = phones.opened(), FarmJob(apk, tests, timeout)
    found = [r.report for path in paths for r in run_on_farm(service, job, path, console.say)]
    for result in found:
        print_report(result)
    printed = {"device": service.place, "reports": [report_json(result) for result in found]}
    if out is not None:
        write_json(out, printed, replace=force)
    if json:
        console.print_json(printed)
    raise typer.Exit(0 if all(result.complete for result in found) else 1)


@bench.command("placement")
def placement(
    artifacts: Annotated[
        list[Path] | None,
        typer.Argument(metavar="ARTIFACT", help="Artifacts to examine.", show_default="all in artifacts/"),
    ] = None,
    *,
    phone: Annotated[
        str,
        typer.Option(
            parser=_phone, metavar="NAME", help="A known phone, e.g. 'Pixel 6' (edgekit devices --profiles)."
        ),
    ],
    json: Json = False,
) -> None:
    """Predict from its file which of a phone's processors would run each artifact; no phone is needed."""
    from edgekit.benchmark.placement import place, placement_json, print_placements
    from edgekit.devices.profiles import profile_named

    found = [place(path, profile_named(phone), asks=True) for path in _paths(artifacts)]
    print_placements(found)
    if json:
        console.print_json({"phone": phone, "placements": [placement_json(p) for p in found]})


@bench.command("report")
def report(
    file: Annotated[
        Path, typer.Argument(help="The benchmark file that the demo app wrote.", show_default=False)
    ],
    artifact: Annotated[
        Path | None,
        typer.Argument(help="Check that the file is about this artifact.", show_default=False),
    ] = None,
    settings: Annotated[list[str] | None, _set(TOLERANCE)] = None,
    baseline: BaselineFile = None,
    out: Out = None,
    force: Force = False,
    json: Json = False,
) -> None:
    """Read a benchmark file from the demo app: statistics, the stages of a frame, a comparison with --baseline."""
    from edgekit.benchmark.app_report import read_app_report
    from edgekit.files import sha256_of

    given = _given(settings, {TOLERANCE}, {"csv", "plot"})
    results = Results.of(given, baseline, out, force, json)
    earlier = results.checked([file, *([artifact] if artifact else [])])
    read = read_app_report(file, sha256_of(artifact) if artifact else None)
    results.end(*_with_stages(read), earlier)


@dataclass(frozen=True)
class Results:
    """The options for a report: the baseline to compare with, the files to write, JSON on standard output."""

    baseline: Path | None
    tolerance: float
    files: tuple[tuple[Path, str], ...]  # form: .json, .csv or .svg
    force: bool
    json: bool

    @staticmethod
    def of(
        given: Mapping[str, str], baseline: Path | None, out: Sequence[Path] | None, force: bool, json: bool
    ) -> Results:
        text = given.get(TOLERANCE, str(USUAL_TOLERANCE))
        tolerance = _bounded(text, 0, MOST_TOLERANCE, False, f"--set {TOLERANCE}")
        files = [(path, path.suffix if path.suffix in (".csv", ".svg") else ".json") for path in out or ()]
        files += [(Path(given[name]), f) for name, f in (("csv", ".csv"), ("plot", ".svg")) if name in given]
        return Results(baseline, tolerance, tuple(files), force, json)

    def checked(self, inputs: Iterable[Path]) -> Baseline | None:
        """Check before the long work that every file can be written, and read the baseline."""
        from edgekit.benchmark.report import read_baseline
        from edgekit.files import check_file_place

        kept = list(inputs)
        for path, _ in self.files:
            check_file_place(path, replace=self.force, inputs=kept)
        if len({path.resolve() for path, _ in self.files}) != len(self.files):
            raise typer.BadParameter("the same file is named twice.", param_hint="--out")
        return read_baseline(self.baseline) if self.baseline else None

    def end(self, report: BenchReport, budgets: Sequence[FrameBudget], earlier: Baseline | None) -> NoReturn:
        """Compare, write, print and exit: with 0 if everything was measured and nothing became slower, else 1."""
        from edgekit.benchmark.frame_budget import budget_json
        from edgekit.benchmark.report import report_csv, report_json, report_svg
        from edgekit.benchmark.run import compare
        from edgekit.benchmark.table import print_budgets, print_report
        from edgekit.files import json_text, write_whole

        if earlier is not None:
            report = compare(report, earlier, self.tolerance)
        printed = {**report_json(report), "frame_budgets": [budget_json(b) for b in budgets]}
        forms: dict[str, Callable[[], str]] = {
            ".json": partial(json_text, printed),
            ".csv": partial(report_csv, report),
            ".svg": partial(report_svg, report),
        }
        for path, form in self.files:
            write_whole(path, forms[form](), replace=self.force)
        print_report(report)
        print_budgets(budgets)
        if self.json:
            console.print_json(printed)
        raise typer.Exit(0 if report.complete and not report.regressed else 1)


def _given(words: Sequence[str] | None, known: Iterable[str], also: Iterable[str] = ()) -> dict[str, str]:
    """The settings by name. An unknown name is a usage error; `also`: accepted names that errors do not list."""
    found = {}
    for word in words or ():
        name, equals, value = word.partition("=")
        if not equals:
            raise typer.BadParameter(f"{word[:40]!r} is not NAME=VALUE.", param_hint="--set")
        if name not in {*known, *also}:
            raise typer.BadParameter(
                str(UnknownName("setting", name[:40], sorted(known))), param_hint="--set"
            )
        found[name] = value
    return found


def _plan(given: Mapping[str, str], runs: int, seconds: float, threads: int, accelerator: str) -> BenchPlan:
    plan = BenchPlan(runs, seconds, threads=threads, accelerator=accelerator)
    return replace(
        plan,
        **{
            field: _number(field, given[name], f"--set {name}")
            for name, field in PLAN_SETTINGS.items()
            if name in given
        },
    )


def _paths(artifacts: list[Path] | None) -> list[Path]:
    """The named artifacts, or all in the default folder."""
    from edgekit.artifact import artifacts_at

    return artifacts or [found.path for found in artifacts_at([])]


def _time(
    artifacts: list[Path] | None, device: str, runner: Path | None, plan: BenchPlan,
    camera: tuple[int, int] | None, given: Mapping[str, str], results: Results,
) -> NoReturn:  # fmt: skip
    """Measure on this machine, a phone or an Apple device."""
    from edgekit.benchmark import run
    from edgekit.devices.registry import LOCAL, open_device

    for option, is_given in (("--runner", runner is not None), ("--set per-launch", "per-launch" in given)):
        if device in LOCAL and is_given:
            reason = f"it does not apply to --device {device}; leave it out."
            raise typer.BadParameter(reason, param_hint=option)
    earlier = results.checked(artifacts or [])
    opened = open_device(device, runner)
    paths = _paths(artifacts)
    if not artifacts:
        for path in paths:
            if reason := run.not_run_reason(path, opened):
                console.say(f"leaving out {path}: {reason}")
        paths = [path for path in paths if not run.not_run_reason(path, opened)] or paths
    measured = run.bench(paths, opened, plan=plan)
    results.end(measured, [] if camera is None else _budgets(measured, camera), earlier)


def _with_stages(app: AppReport) -> tuple[BenchReport, list[FrameBudget]]:
    """The report and, if the app timed stages, the frame's budget."""
    from edgekit.benchmark.frame_budget import budget

    device = app.report.device
    name = app.report.artifacts[0].path.name
    return app.report, [budget(device.name, device.simulated, name, None, app.stages)] if app.stages else []


def _budgets(result: BenchReport, camera: tuple[int, int]) -> list[FrameBudget]:
    """One frame's budget per measured artifact: the segmenter and, on the host, the resize."""
    import numpy as np

    from edgekit.artifact import read_artifact
    from edgekit.benchmark.frame_budget import budget, measured_stage, time_stage
    from edgekit.images import input_from_photo

    width, height = camera
    picture = np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)
    budgets = []
    for a in result.artifacts:
        if a.status != "MEASURED":
            continue
        size = read_artifact(a.path).manifest.input_size
        stages = [measured_stage("segmenter", a.samples_ms)]
        if result.device.kind == "host":
            stages.append(time_stage("resize", partial(input_from_photo, picture, size)))
        budgets.append(budget(result.device.name, result.device.simulated, a.path.name, size.as_json, stages))
    return budgets
