"""The demo app's benchmark file: the good one, and every way it can be wrong."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from edgekit.benchmark.app_report import MOST_BYTES, read_app_report
from edgekit.benchmark.frame_budget import FRAME_MS, STAGES, FrameStage, budget, measured_stage, time_stage
from edgekit.errors import UnreadableOutput
from tests.support.app_report import GOOD
from tests.support.cli import edgekit


def written(tmp_path: Path, value: object) -> Path:
    (tmp_path / "app.json").write_text(json.dumps(value))
    return tmp_path / "app.json"


def test_the_apps_file_becomes_the_same_report(tmp_path: Path) -> None:
    app = read_app_report(written(tmp_path, GOOD), artifact_sha256="ab" * 32)
    (row,) = app.report.artifacts
    assert row.latency is not None and row.latency.p50 == pytest.approx(21.95) and row.latency.n == 40
    assert (row.accelerator, row.load_ms, row.peak_rss_mb) == ("gpu", 210.0, None)
    assert (app.report.device.model, app.report.device.cores) == ("Pixel 6", 8)
    assert app.report.before.battery_percent == 80 and app.report.after.thermal_status is None
    assert app.report.complete
    assert app.report.accelerator_choice == tuple(GOOD["accelerator_choice"]["sentences"])
    assert [(s.name, s.p50_ms) for s in app.stages] == [
        ("resize", 1.0), ("segmenter", pytest.approx(21.95)), ("shader", 3.0),
    ]  # fmt: skip


def test_an_app_of_0_1_says_nothing_of_its_choice(tmp_path: Path) -> None:
    value = {key: inner for key, inner in GOOD.items() if key != "accelerator_choice"}
    assert read_app_report(written(tmp_path, value)).report.accelerator_choice == ()


def test_the_choice_is_printed_and_in_the_json(tmp_path: Path) -> None:
    ran = edgekit("bench", "report", written(tmp_path, GOOD), "--json")
    assert ran.code == 0, ran.err
    assert json.loads(ran.out)["accelerator_choice"] == GOOD["accelerator_choice"]["sentences"]
    assert "the app's own choice, gpu: chosen: 20.0 ms." in ran.err


def changed(*path: str, to: object) -> Callable[[dict[str, Any]], None]:
    def change(data: dict[str, Any]) -> None:
        for key in path[:-1]:
            data = data[key]
        data[path[-1]] = to

    return change


@pytest.mark.parametrize(
    "change",
    [
        lambda data: data.pop("threads"),
        changed("surprise", to=1),
        changed("schema", to="edgekit-app-bench/2"),
        changed("accelerator_choice", to="gpu"),
        changed("accelerator_choice", "sentences", to=["one"] * 17),
        changed("accelerator_choice", "remembered", to=1),
        changed("samples_ms", to=[]),
        changed("samples_ms", to="20, 21"),
        changed("samples_ms", to=[20.0, -1.0]),
        changed("samples_ms", to=[20.0, True]),
        changed("samples_ms", to=[float("nan")]),
        changed("samples_ms", to=[1e999]),
        changed("stages_ms", "shader", to=[3.0] * 39),
        changed("stages_ms", "coffee", to=[3.0] * 40),
        changed("device", to="Pixel 6"),
        changed("device", "cores", to="8"),
        changed("simulated", to="no"),
        changed("threads", to=-1),
        changed("load_ms", to=0),
        changed("artifact", "name", to=""),
        changed("before", to={}),
    ],
)
def test_a_wrong_file_is_refused(tmp_path: Path, change: Callable[[dict[str, Any]], None]) -> None:
    data = copy.deepcopy(GOOD)
    change(data)
    with pytest.raises(UnreadableOutput, match=r"app\.json"):
        read_app_report(written(tmp_path, data))


def test_a_truncated_missing_or_huge_file_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path, GOOD)
    path.write_text(path.read_text()[:300])
    with pytest.raises(UnreadableOutput, match="may not have finished"):
        read_app_report(path)
    path.write_text("[" * 100_000)
    with pytest.raises(UnreadableOutput):
        read_app_report(path)
    with pytest.raises(UnreadableOutput, match="does not exist"):
        read_app_report(tmp_path / "none.json")
    path.write_bytes(b" " * (MOST_BYTES + 1))
    with pytest.raises(UnreadableOutput, match="more than the 16777216 that are allowed"):
        read_app_report(path)


def test_another_artifacts_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnreadableOutput, match="another artifact"):
        read_app_report(written(tmp_path, GOOD), artifact_sha256="cd" * 32)


def test_names_from_the_phone_are_printable(tmp_path: Path) -> None:
    data = copy.deepcopy(GOOD)
    data["device"]["model"] = "\x1b[31mPixel\n6"
    assert read_app_report(written(tmp_path, data)).report.device.model == "Pixel 6"


def test_the_command_reads_it_and_shows_the_budget(tmp_path: Path) -> None:
    ended = edgekit("bench", "report", str(written(tmp_path, GOOD)), "--json")
    assert ended.code == 0, ended.err
    printed = json.loads(ended.out)
    assert printed["artifacts"][0]["latency_ms"]["p50"] == pytest.approx(21.95)
    (shown,) = printed["frame_budgets"]
    assert shown["known_ms"] == pytest.approx(25.95) and shown["fits_30_fps"] == "OPEN"
    assert "not run, camera" in ended.err


def test_an_artifact_named_with_it_must_be_the_measured_one(tmp_path: Path) -> None:
    other = tmp_path / "other.tflite"
    other.write_bytes(b"x")
    report = str(written(tmp_path, GOOD))
    ended = edgekit("bench", "report", report, str(other))
    assert ended.code == 3 and "measured with another artifact" in ended.sentence


def test_a_frame_size_that_is_none_is_a_usage_error() -> None:
    assert edgekit("bench", "frame", "--camera", "big").code == 2


# ---- the frame budget ----------------------------------------------------------------------------------


def stages(**ms: float) -> list[FrameStage]:
    return [measured_stage(name, [value]) for name, value in ms.items()]


def test_a_budget_with_every_stage_gets_a_verdict() -> None:
    fast = budget("p", False, "a", 256, stages(camera=2, resize=1, segmenter=20, refinement=1, shader=3))
    slow = budget("p", False, "a", 512, stages(camera=2, resize=1, segmenter=30, refinement=1, shader=3))
    assert (fast.known_ms, fast.verdict) == (27, "YES")
    assert slow.known_ms > FRAME_MS and slow.verdict == "NO"


def test_a_missing_stage_keeps_the_question_open_but_may_already_be_too_much() -> None:
    half = budget("host", False, "a", 256, stages(resize=1, segmenter=20))
    assert half.verdict == "OPEN"
    assert [s.name for s in half.stages] == list(STAGES)
    assert all(s.reason for s in half.stages if s.status == "NOT_RUN")
    assert budget("host", False, "a", 512, stages(segmenter=40)).verdict == "NO"


def test_a_simulated_phone_gets_no_verdict() -> None:
    assert budget("double", True, "a", 256, stages(segmenter=1)).verdict == "NOT_RUN"


def test_a_stage_is_timed_after_its_warm_up() -> None:
    calls: list[int] = []
    stage = time_stage("resize", lambda: calls.append(1), runs=5)
    assert len(calls) == 5 + 3
    assert stage.status == "MEASURED" and stage.p50_ms is not None and stage.p90_ms is not None
