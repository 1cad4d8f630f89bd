"""`edgekit bench`: arguments to library calls, old spellings beside today's, and values that are refused."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn
from unittest import mock

import pytest
import typer

from edgekit.benchmark.app_report import AppReport, read_app_report
from edgekit.benchmark.aws_farm import AwsFarm
from edgekit.benchmark.farm import FarmJob
from edgekit.benchmark.firebase_farm import FirebaseFarm, FirebasePhone
from edgekit.cli import app as command_line
from edgekit.commands.bench import ArtifactsOrCommand
from edgekit.commands.bench_spellings import OLD_OPTIONS, todays
from edgekit.devices.device import BenchPlan
from edgekit.errors import DeviceError
from edgekit.files import write_json
from tests.support.app_report import GOOD
from tests.support.cli import edgekit
from tests.support.tiny_tflite import write_tiny

POOL = "arn:aws:devicefarm:us-west-2:123456789012:devicepool:project/pool"


@dataclass(frozen=True)
class Asked:
    """What reached the library."""

    device: str
    runner: Path | None
    artifacts: list[Path]
    plan: BenchPlan


class Reached(Exception):
    """Ends a command where the library would begin its long work."""


@pytest.fixture
def asked() -> Iterator[list[Asked]]:
    """Calls of the library's `bench`, on whatever device; nothing is measured."""
    calls: list[Asked] = []

    def opened(name: str, runner: Path | None = None) -> tuple[str, Path | None]:
        return name, runner

    def measured(paths: list[Path], device: tuple[str, Path | None], *, plan: BenchPlan) -> NoReturn:
        calls.append(Asked(*device, paths, plan))
        raise Reached

    with (
        mock.patch("edgekit.devices.registry.open_device", opened),
        mock.patch("edgekit.benchmark.run.bench", measured),
    ):
        yield calls


def reached(*arguments: str) -> None:
    with pytest.raises(Reached):
        edgekit("bench", *arguments)


def bench_group() -> ArtifactsOrCommand:
    root: Any = typer.main.get_command(command_line)
    group = root.commands["bench"]
    assert isinstance(group, ArtifactsOrCommand)
    return group


def test_every_command_has_at_most_twelve_parameters() -> None:
    group = bench_group()
    assert list(group.commands) == ["profile", "frame", "app", "farm", "placement", "report"]
    for command in (group, *group.commands.values()):
        assert len([p for p in command.params if p.name != "help"]) <= 12, command.name


A = Path("a.tflite")
PHONE = ("--device", "pixel", "--runner", "benchmark_model")


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ([], Asked("host", None, [A], BenchPlan())),
        (["--device", "pixel"], Asked("pixel", None, [A], BenchPlan())),
        (
            ["--runs", "7", "--seconds", "0", "--threads", "1", "--accelerator", "gpu", *PHONE],
            Asked(
                "pixel", Path("benchmark_model"), [A],
                BenchPlan(runs=7, seconds=0, threads=1, accelerator="gpu"),
            ),
        ),
        (
            ["--set", "warmup=0", "--set", "timeout=1.5", "--set", "max-thermal=3", "--set", "cool-down=9"],
            Asked(
                "host", None, [A], BenchPlan(warmup_runs=0, timeout_s=1.5, hottest_status=3, cool_down_s=9)
            ),
        ),
        (
            [*PHONE, "--set", "per-launch=4"],
            Asked("pixel", Path("benchmark_model"), [A], BenchPlan(runs_per_launch=4)),
        ),
        (["b.tflite", "--runs", "9"], Asked("host", None, [A, Path("b.tflite")], BenchPlan(runs=9))),
        # The spellings of version 0.1.
        (["--warmup", "0", "--timeout=2"], Asked("host", None, [A], BenchPlan(warmup_runs=0, timeout_s=2))),
        (["--max-thermal", "0"], Asked("host", None, [A], BenchPlan(hottest_status=0))),
        (["--cool-down", "3"], Asked("host", None, [A], BenchPlan(cool_down_s=3))),
        (["--per-launch", "4", "--device", "s"], Asked("s", None, [A], BenchPlan(runs_per_launch=4))),
        (["--profile", "--frame", "640x480"], Asked("host", None, [A], BenchPlan(profile=True))),
    ],
)  # fmt: skip
def test_arguments_become_a_plan(arguments: list[str], expected: Asked, asked: list[Asked]) -> None:
    reached("a.tflite", *arguments)
    assert asked == [expected]


@pytest.mark.parametrize("name", ["profile", "frame"])
def test_profile_and_frame_measure_with_the_same_options(name: str, asked: list[Asked]) -> None:
    reached(name, "a.tflite", *PHONE, "--runs", "3", "--set", "warmup=1")
    plan = BenchPlan(runs=3, warmup_runs=1, profile=name == "profile")
    assert asked == [Asked("pixel", Path("benchmark_model"), [A], plan)]


def test_options_may_stand_before_the_artifacts(asked: list[Asked]) -> None:
    reached("--device", "pixel", "a.tflite")
    assert asked[0].artifacts == [A] and asked[0].device == "pixel"


def test_an_artifact_may_have_a_commands_name_when_it_is_a_path(asked: list[Asked]) -> None:
    reached("./app")
    assert asked[0].artifacts == [Path("app")]


@pytest.mark.parametrize("old", [False, True])
def test_the_app_is_asked_with_the_plan(old: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    phone = mock.Mock()
    calls: list[tuple[object, ...]] = []

    def measured(*arguments: object) -> AppReport:
        calls.append(arguments[:4])
        raise DeviceError("no report within 2 s. Raise `timeout_s`.")

    monkeypatch.setattr("edgekit.devices.adb.Phone", mock.Mock)
    monkeypatch.setattr("edgekit.devices.registry.open_device", lambda name: phone)
    monkeypatch.setattr("edgekit.benchmark.app_run.bench_app", measured)
    artifact = write_tiny(tmp_path / "a.tflite")
    if old:
        ended = edgekit(
            "bench", str(artifact), "--app", "a.b", "--device", "pixel", "--runs", "3", "--warmup", "2"
        )
        assert "--app will be removed in the next release; use edgekit bench app ARTIFACT" in ended.sentence
        assert "--warmup will be removed in the next release; use --set warmup=VALUE" in ended.sentence
    else:
        ended = edgekit(
            "bench", "app", str(artifact), "--package", "a.b", "--device", "pixel", "--runs", "3",
            "--set", "warmup=2",
        )  # fmt: skip
        assert "next release" not in ended.err
    assert calls == [(phone, "a.b", artifact, BenchPlan(runs=3, warmup_runs=2))]
    assert ended.code == 3 and ended.sentence.endswith("Raise --set timeout.")


@pytest.mark.parametrize(
    "arguments",
    [
        ["farm", "a.tflite", "--pool", POOL, "--app", "app.apk", "--tests", "tests.apk", "--timeout", "9"],
        ["farm", "a.tflite", "--pool", f"farm:{POOL}", "--app", "app.apk", "--tests", "tests.apk",
         "--timeout", "9"],
        ["a.tflite", "--device", f"farm:{POOL}", "--farm-app", "app.apk", "--farm-tests", "tests.apk",
         "--timeout", "9"],
        [f"--device=farm:{POOL}", "a.tflite", "--farm-app=app.apk", "--farm-tests=tests.apk", "--timeout=9"],
    ],
)  # fmt: skip
def test_the_farm_gets_its_job(arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    jobs = jobs_given(tmp_path, monkeypatch)
    monkeypatch.setattr("edgekit.benchmark.aws_farm.aws_client", lambda pool: None)
    ended = edgekit("bench", *arguments, "--json")
    assert ended.code == 0, ended.err
    assert jobs == [(AwsFarm(POOL, None), FarmJob(Path("app.apk"), Path("tests.apk"), 9.0), A)]
    printed = json.loads(ended.out)
    assert printed["device"] == f"farm:{POOL}" and len(printed["reports"]) == 1
    assert ("next release" in ended.err) == (arguments[0] != "farm")


def test_firebase_gets_its_job(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    jobs = jobs_given(tmp_path, monkeypatch)
    monkeypatch.setattr("edgekit.benchmark.firebase_farm.google_services", lambda: (1, 2))
    ended = edgekit("bench", "farm", "a.tflite", *FIREBASE, *APKS, "--json")
    assert ended.code == 0, ended.err
    phones = (FirebasePhone("oriole", "33"), FirebasePhone("redfin", "30", "de"))
    service = FirebaseFarm("demo-project", "demo-bucket", phones, 1, 2)
    assert jobs == [(service, FarmJob(Path("app.apk"), Path("tests.apk"), 600.0), A)]
    printed = json.loads(ended.out)
    assert printed["device"] == "farm:firebase:demo-project" and len(printed["reports"]) == 1


APKS = ("--app", "app.apk", "--tests", "tests.apk")
FIREBASE = (
    "--farm", "firebase", "--project", "demo-project", "--bucket", "gs://demo-bucket/",
    "--device", "model=oriole,version=33", "--device", "model=redfin,version=30,locale=de",
)  # fmt: skip


def jobs_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[tuple[object, object, Path]]:
    """(farm, job, artifact) of every run on a farm, each of which gives one report."""
    write_json(tmp_path / "app.json", GOOD)
    report = read_app_report(tmp_path / "app.json")
    jobs: list[tuple[object, object, Path]] = []

    def run(farm: object, job: object, artifact: Path, say: object) -> list[AppReport]:
        jobs.append((farm, job, artifact))
        return [report]

    monkeypatch.setattr("edgekit.benchmark.farm.run_on_farm", run)
    return jobs


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("--pool", POOL, "--bucket", "b"), 2, "for --bucket: it does not apply to --farm aws; leave it out"),
        ((), 2, "for --pool: --farm aws needs it"),
        ((*FIREBASE, "--pool", POOL), 2, "for --pool: it does not apply to --farm firebase"),
        (FIREBASE[:-4], 2, "for --device: --farm firebase needs it"),
        (("--farm", "samsung"), 2, "no farm 'samsung'; known: aws, firebase"),
        ((*FIREBASE, "--device", "pixel"), 3, "'pixel' is not a phone of Firebase Test Lab"),
        ((*FIREBASE, "--project", "Demo"), 3, "--project 'Demo' is not the name of a Google Cloud project"),
    ],
)
def test_a_farm_takes_its_own_options(
    arguments: tuple[str, ...], code: int, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edgekit.benchmark.firebase_farm.google_services", lambda: (1, 2))
    ended = edgekit("bench", "farm", "a.tflite", *arguments, *APKS)
    assert ended.code == code and words in " ".join(ended.err.replace("│", " ").split())


def test_an_error_of_the_farm_names_its_own_option(monkeypatch: pytest.MonkeyPatch) -> None:
    def run(*_: object) -> NoReturn:
        raise DeviceError("The run was stopped. Raise `timeout_s`, or `another`.")

    monkeypatch.setattr("edgekit.benchmark.farm.run_on_farm", run)
    monkeypatch.setattr("edgekit.benchmark.aws_farm.aws_client", lambda pool: None)
    ended = edgekit("bench", "farm", "a.tflite", "--pool", POOL, *APKS)
    assert (ended.code, ended.sentence) == (
        3, "edgekit: The run was stopped. Raise --timeout, or another.",
    )  # fmt: skip


def without_notes(text: str) -> str:
    return "".join(line for line in text.splitlines(keepends=True) if not line.startswith("note: --"))


@pytest.mark.slow
def test_old_spellings_of_reports_and_placements_print_the_same(tmp_path: Path) -> None:
    write_json(tmp_path / "app.json", GOOD)
    tiny = str(write_tiny(tmp_path / "a.tflite", "ROUND"))
    file = str(tmp_path / "app.json")
    for today, before in (
        (["report", file, "--json"], ["--app-report", file, "--json"]),
        (["placement", tiny, "--phone", "Pixel 6", "--json"], [tiny, "--placement", "Pixel 6", "--json"]),
        (["placement", tiny, "--phone", "Pixel 6", "--json"], ["--placement=Pixel 6", "--json", tiny]),
    ):
        new, old = edgekit("bench", *today), edgekit("bench", *before)
        assert (new.code, new.out, new.err) == (old.code, old.out, without_notes(old.err))
        assert new.code == 0 and "will be removed in the next release; use edgekit bench" in old.err


def test_old_files_hold_what_todays_hold(tmp_path: Path) -> None:
    write_json(tmp_path / "app.json", GOOD)
    report = ("bench", "report", str(tmp_path / "app.json"))
    names = ("new.json", "new.csv", "new.svg")
    assert edgekit(*report, *(w for n in names for w in ("--out", str(tmp_path / n)))).code == 0
    old = {"--out": "old.json", "--csv": "samples.txt", "--plot": "plot"}  # any name will do
    words = [word for option, name in old.items() for word in (option, str(tmp_path / name))]
    assert edgekit("bench", "--app-report", str(tmp_path / "app.json"), *words).code == 0
    for new, before in zip(names, old.values(), strict=True):
        assert (tmp_path / new).read_text() == (tmp_path / before).read_text()


def test_the_same_file_twice_is_a_usage_error(tmp_path: Path) -> None:
    write_json(tmp_path / "app.json", GOOD)
    twice = ("--out", str(tmp_path / "x.json"), "--out", str(tmp_path / "x.json"))
    ended = edgekit("bench", "report", str(tmp_path / "app.json"), *twice)
    assert ended.code == 2 and "the same file is named twice" in ended.sentence
    assert not (tmp_path / "x.json").exists()


@pytest.mark.parametrize("option", OLD_OPTIONS)
def test_every_old_spelling_becomes_one_that_todays_commands_take(option: str) -> None:
    value = f"farm:{POOL}" if option == "--device" else "640x480" if option == "--frame" else "1"
    arguments, notes = todays(["a.tflite", option, *([value] if OLD_OPTIONS[option].takes_value else [])])
    assert len(notes) == 1 and notes[0].startswith(f"{option} will be removed in the next release; use ")
    group = bench_group()
    command = group.commands.get(arguments[0], group)
    farm = group.commands["farm"] if option.startswith("--farm") else command
    options = {name for p in farm.params for name in p.opts}
    assert {word for word in arguments if word.startswith("--")} <= options
    assert not {word for word in arguments if word.startswith("--")} & (
        OLD_OPTIONS.keys() - {"--device", "--app"}
    )


def test_what_is_no_old_spelling_is_left_alone() -> None:
    for arguments in (
        ["a.tflite", "--device", "pixel", "--runs=3", "--json"],
        ["a.tflite", "--", "--placement", "x"],
        ["a.tflite", "--placement"],  # its value is missing: the parser says so
        [],
    ):
        assert todays(arguments) == (arguments, [])


HUGE = "9" * 5000


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--threads", "99999"], "'99999' is not a whole number from 1 to 1,024"),
        (["--threads", "0"], "'0' is not a whole number from 1"),
        (["--threads", HUGE], f"'{HUGE[:39]}…' is not a whole number"),
        (["--runs", "1.5"], "'1.5' is not a whole number from 1 to 1,000,000"),
        (["--runs", "²"], "'²' is not a whole number"),
        (["--runs", "-1"], "'-1' is not a whole number"),
        (["--seconds", "nan"], "'nan' is not a number from 0 to 86,400"),
        (["--seconds", "inf"], "'inf' is not a number"),
        (["--seconds", "1e999"], "'1e999' is not a number"),
        (["--set", "timeout=nan"], "for --set timeout: 'nan' is not a number from 0.1 to 86,400"),
        (["--timeout", "nan"], "for --set timeout: 'nan' is not a number"),
        (["--set", "warmup=1e3"], "'1e3' is not a whole number"),
        (["--set", "max-thermal=7"], "'7' is not a whole number from 0 to 6"),
        (["--set", "tolerance=-0.1"], "for --set tolerance: '-0.1' is not a number from 0"),
        (["--set", "tolerance"], "'tolerance' is not NAME=VALUE"),
        (["--set", "warm-up=3"], "no setting 'warm-up'; known: cool-down"),
        (["--accelerator", "warp"], "There is no accelerator 'warp'; known: cpu, gpu"),
        (["--frame", "big"], "'big' is not WIDTHxHEIGHT, like 1920x1080"),
        (["--frame", "²²x99"], "is not WIDTHxHEIGHT"),
    ],
)
def test_a_wrong_value_is_a_usage_error(arguments: list[str], words: str, asked: list[Asked]) -> None:
    ended = edgekit("bench", "a.tflite", *arguments)
    assert ended.code == 2 and asked == []
    assert words in " ".join(ended.err.replace("│", " ").split()) and len(ended.err) < 2000


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["placement", "a.tflite", "--phone", "Pixel 66"], "no phone profile 'Pixel 66'"),
        (
            ["farm", "a.tflite", "--pool", "arn:x", "--app", "a", "--tests", "t"],
            "not the ARN of a device pool",
        ),
        (["placment", "a.tflite", "--phone", "Pixel 6"], "Did you mean 'placement'?"),
    ],
)
def test_a_wrong_name_is_a_usage_error(arguments: list[str], words: str) -> None:
    ended = edgekit("bench", *arguments)
    assert ended.code == 2 and words in " ".join(ended.err.replace("│", " ").split())


def test_help_names_the_commands_and_none_of_the_old_spellings() -> None:
    shown = edgekit("bench", "--help").out
    for name in ("profile", "frame", "app", "farm", "placement", "report"):
        assert f" {name} " in shown
        assert edgekit("bench", name, "--help").out.split("\n")[1].count(f"bench {name} [OPTIONS]") == 1
    words = set(shown.replace("│", " ").split())
    assert not words & (OLD_OPTIONS.keys() - {"--device"})


def test_more_threads_than_processors_are_refused_in_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: 4)
    ended = edgekit("bench", str(write_tiny(tmp_path / "a.tflite")), "--threads", "5")
    assert ended.code == 3
    assert ended.sentence == (
        "edgekit: --threads is 5; it must be at least 1 and at most 4, because host has 4 processors."
    )
