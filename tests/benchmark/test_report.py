"""The report as JSON, CSV, plot and table; the baseline read back; the command's exit codes."""

from __future__ import annotations

import csv
import io
import json
import os
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edgekit import console
from edgekit.artifact import Artifact
from edgekit.benchmark.report import (
    ArtifactBench,
    BenchReport,
    read_baseline,
    report_csv,
    report_json,
    report_svg,
)
from edgekit.benchmark.run import compare
from edgekit.benchmark.statistics import latency_of
from edgekit.benchmark.table import print_report
from edgekit.devices.device import BenchPlan, DeviceInfo, DeviceState, OpTime
from edgekit.errors import EdgekitError
from edgekit.files import write_json
from tests.support.cli import edgekit as in_process
from tests.support.tiny_tflite import write_tiny

ROOT = str(Path(__file__).parents[2])
POOL = "arn:aws:devicefarm:us-west-2:123456789012:devicepool:p/q"
DEVICE = DeviceInfo("host", "host", "Some CPU", "Linux", "x86_64", 2, simulated=False)


def row(name: str, median_ms: float, seed: int = 0, n: int = 60) -> ArtifactBench:
    samples = median_ms * np.exp(0.03 * np.random.default_rng(seed).normal(size=n))
    return ArtifactBench(
        Path(name), "ab" * 32, 1234, "MEASURED",
        latency=latency_of(samples, True, n), samples_ms=tuple(samples), first_inference_ms=99.0,
        load_ms=12.0,
        peak_rss_mb=80.5, accelerator="cpu (XNNPACK)", partitions=1, undelegated_ops=(),
        profile=(OpTime("conv0", "CONV_2D", 3.5), OpTime("fc", "FULLY_CONNECTED", 1.5)), runner="LiteRT",
    )  # fmt: skip


def report(
    *artifacts: ArtifactBench, device: DeviceInfo = DEVICE, plan: BenchPlan | None = None
) -> BenchReport:
    return BenchReport(
        device, plan or BenchPlan(), "2026-01-02T03:04:05+00:00", {"edgekit": "0.1.0"},
        DeviceState(battery_percent=80), DeviceState(battery_percent=79), ("a note",), artifacts,
    )  # fmt: skip


def saved(tmp_path: Path, value: BenchReport) -> Path:
    write_json(tmp_path / "baseline.json", report_json(value))
    return tmp_path / "baseline.json"


def test_json_has_the_promised_keys_and_every_sample() -> None:
    printed = json.loads(json.dumps(report_json(report(row("a.tflite", 40)))))
    assert printed["device"] == "host" and printed["simulated"] is False
    (artifact,) = printed["artifacts"]
    assert {"p50", "p90", "p99", "mean", "n"} <= artifact["latency_ms"].keys()
    for key in (
        "path",
        "first_inference_ms",
        "load_ms",
        "peak_rss_mb",
        "accelerator",
        "partitions",
        "samples",
    ):
        assert key in artifact
    assert len(artifact["samples"]) == 60 == artifact["latency_ms"]["n"]
    assert printed["state"]["before"]["battery_percent"] == 80
    assert printed["state"]["after"]["battery_percent"] == 79
    low, high = artifact["latency_ms"]["p50_ci95"]
    assert low < artifact["latency_ms"]["p50"] < high


def test_csv_has_one_row_per_sample_whatever_the_name() -> None:
    rows = list(csv.DictReader(io.StringIO(report_csv(report(row('a,"b".tflite', 40, n=3))))))
    assert [r["artifact"] for r in rows] == ['a,"b".tflite'] * 3
    assert [r["sample"] for r in rows] == ["0", "1", "2"]
    assert float(rows[0]["latency_ms"]) == pytest.approx(
        40 * np.exp(0.03 * np.random.default_rng(0).normal()), abs=1e-5
    )


def test_the_plot_is_valid_svg_with_every_sample_and_escaped_names() -> None:
    drawn = ElementTree.fromstring(report_svg(report(row("<a>&.tflite", 40), row("b.tflite", 700, n=7))))
    circles = [e for e in drawn.iter() if e.tag.endswith("circle")]
    assert len(circles) == 67
    texts = [e.text for e in drawn.iter() if e.tag.endswith("text")]
    assert "<a>&.tflite" in texts
    assert max(float(c.attrib["cx"]) for c in circles) < 860


def test_the_tables_say_what_a_person_needs(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    console.expect_json(False)  # an earlier test may have run a command with --json
    missing = ArtifactBench(Path("b.mlpackage"), "cd" * 32, 5, "NOT_RUN", "needs a Mac")
    print_report(report(row("a.tflite", 40), missing))
    shown = capsys.readouterr()
    assert "NOT RUN: needs a Mac" in shown.out and "CONV_2D" in shown.out and "70.0%" in shown.out
    assert "note: a note" in shown.err


def test_a_regression_is_found_and_an_unchanged_build_is_not(tmp_path: Path) -> None:
    baseline = read_baseline(saved(tmp_path, report(row("a.tflite", 40, 1), row("b.tflite", 80, 2))))
    result = compare(report(row("a.tflite", 40, 3), row("b.tflite", 92, 4)), baseline)
    verdicts = {c.path.name: c.change.verdict for c in result.comparisons if c.change}
    assert verdicts == {"a.tflite": "SAME", "b.tflite": "SLOWER"}
    assert result.regressed and result.complete
    assert not compare(report(row("a.tflite", 40, 3)), baseline).regressed


def test_an_artifact_the_baseline_lacks_is_not_a_pass(tmp_path: Path) -> None:
    baseline = read_baseline(saved(tmp_path, report(row("a.tflite", 40))))
    result = compare(report(row("new.tflite", 40)), baseline)
    assert result.comparisons[0].change is None and "holds no new.tflite" in result.comparisons[0].reason
    assert not result.regressed and not result.complete


@pytest.mark.parametrize(
    ("other", "word"),
    [
        (report(row("a.tflite", 40), device=replace(DEVICE, model="Another CPU")), "device"),
        (report(row("a.tflite", 40), device=replace(DEVICE, simulated=True)), "simulated"),
        (report(row("a.tflite", 40), plan=BenchPlan(threads=4)), "threads"),
        (report(row("a.tflite", 40), plan=BenchPlan(accelerator="gpu")), "accelerator"),
    ],
)  # fmt: skip
def test_other_conditions_are_not_compared(tmp_path: Path, other: BenchReport, word: str) -> None:
    with pytest.raises(EdgekitError, match=f"not comparable: {word} "):
        compare(report(row("a.tflite", 40)), read_baseline(saved(tmp_path, other)))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "not JSON"),
        ("[]", "not a bench report"),
        ("{}", "not a bench report"),
        ('{"schema": "edgekit-bench/9"}', "its schema is 'edgekit-bench/9', not 'edgekit-bench/1'"),
        ('{"schema": "edgekit-bench/1", "artifacts": 3}', "not a bench report"),
    ],
)
def test_a_file_that_is_no_baseline_is_refused(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "x.json").write_text(text)
    with pytest.raises(EdgekitError, match=words):
        read_baseline(tmp_path / "x.json")
    with pytest.raises(EdgekitError, match="does not exist"):
        read_baseline(tmp_path / "none.json")


# ---- the command ------------------------------------------------------------------------------------


def edgekit(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "edgekit", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120)


@pytest.mark.slow
def test_bench_against_its_own_and_a_doctored_baseline(tmp_path: Path) -> None:
    artifact = write_tiny(tmp_path / "tiny.tflite", "LOGISTIC", shape=(1, 512, 512, 3))
    common = ["bench", artifact, "--runs", "200", "--seconds", "0", "--threads", "1", "--set", "tolerance=3"]
    written = [tmp_path / name for name in ("base.json", "p.svg", "s.csv")]
    first = edgekit(*common, *(word for path in written for word in ("--out", path)))
    assert first.returncode == 0, first.stderr
    assert "tiny.tflite" in first.stdout
    assert (tmp_path / "p.svg").read_text().startswith("<svg")
    assert (tmp_path / "s.csv").read_text().startswith("device,")
    again = edgekit(*common, "--baseline", tmp_path / "base.json", "--json")
    assert again.returncode == 0, again.stderr
    assert json.loads(again.stdout)["baseline"][0]["change"]["verdict"] in ("SAME", "FASTER")

    doctored = json.loads((tmp_path / "base.json").read_text())
    doctored["artifacts"][0]["samples"] = [s / 20 for s in doctored["artifacts"][0]["samples"]]
    (tmp_path / "fast.json").write_text(json.dumps(doctored))
    slower = edgekit(*common, "--baseline", tmp_path / "fast.json", "--json")
    assert slower.returncode == 1
    assert json.loads(slower.stdout)["baseline"][0]["change"]["verdict"] == "SLOWER"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["a.tflite", "--set", "per-launch=4"], "for --set per-launch: it does not apply to --device host"),
        (["a.tflite", "--per-launch", "4"], "for --set per-launch: it does not apply to --device host"),
        (["a.tflite", "--runner", "x"], "for --runner: it does not apply to --device host"),
        (["farm", "a.tflite", "--pool", POOL, "--baseline", "x"], "No such option: --baseline"),
        (["farm", "a.tflite", "--pool", POOL, "--runs", "50"], "No such option: --runs"),
        (["a.tflite", "--device", f"farm:{POOL}", "--runs", "50"], "No such option: --runs"),
        (["placement", "a.tflite", "--phone", "Pixel 6", "--out", "x"], "No such option: --out"),
        (["a.tflite", "--placement", "Pixel 6", "--out", "x"], "No such option: --out"),
        (["report", "x", "--device", "host"], "No such option: --device"),
        (["a.tflite", "--app-report", "x", "--device", "host"], "No such option: --device"),
    ],
)
def test_an_option_that_would_be_ignored_is_refused(arguments: list[str], words: str) -> None:
    ended = in_process("bench", *arguments)
    assert ended.code == 2
    assert words in " ".join(ended.err.replace("│", " ").split())


@pytest.mark.slow
def test_existing_files_are_kept_and_bad_input_is_one_sentence(tmp_path: Path) -> None:
    artifact = write_tiny(tmp_path / "tiny.tflite")
    kept = tmp_path / "kept.json"
    kept.write_text("mine")
    for arguments in (
        ["bench", artifact, "--out", kept],
        ["bench", tmp_path / "none.tflite"],
        ["bench", artifact, "--baseline", kept],
    ):
        ended = edgekit(*arguments)
        assert ended.returncode == 3, ended.stderr
        assert "Traceback" not in ended.stderr and ended.stderr.startswith("edgekit: ")
    assert kept.read_text() == "mine"


@pytest.mark.slow
def test_an_artifact_that_does_not_match_its_manifest_is_refused(tmp_path: Path) -> None:
    artifact = write_tiny(tmp_path / "tiny.tflite")
    (tmp_path / "tiny.tflite.json").write_text('{"schema_version": 99}')
    ended = edgekit("bench", artifact)
    assert ended.returncode == 3 and "schema version 99" in ended.stderr


def test_without_names_the_default_folder_is_measured_as_far_as_the_device_goes(
    artifacts: dict[str, Artifact], tmp_path: Path
) -> None:
    for artifact in artifacts.values():
        for path in (artifact.path, artifact.manifest_path):
            (tmp_path / "artifacts").mkdir(exist_ok=True)
            (tmp_path / "artifacts" / path.name).symlink_to(path)
    command = [sys.executable, "-m", "edgekit", "bench", "--runs", "2", "--seconds", "0", "--json"]
    ended = subprocess.run(
        command,
        capture_output=True,
        text=True,
        timeout=120,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": ROOT},
    )
    assert ended.returncode == 0, ended.stderr
    (row,) = json.loads(ended.stdout)["artifacts"]
    assert row["path"].endswith(".tflite") and row["status"] == "MEASURED"
    assert "leaving out" in ended.stderr and ".mlpackage" in ended.stderr


@pytest.mark.slow
def test_devices_lists_what_there_is_and_why_not() -> None:
    """Without adb on the path: no daemon is started, and the row says what to install."""
    command = [sys.executable, "-m", "edgekit", "devices", "--json"]
    bare = {**os.environ, "PATH": str(Path(sys.executable).parent)}
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60, env=bare)
    assert ended.returncode == 0, ended.stderr
    rows = {r["name"]: r for r in json.loads(ended.stdout)["devices"]}
    assert rows["host"]["state"] == "READY"
    assert rows["arm64"]["simulated"] is True
    assert rows["(a phone)"]["state"] == "NOT_RUN" and "apt install adb" in rows["(a phone)"]["reason"]
    assert "pip install" not in rows["(a phone)"]["reason"]
    if sys.platform != "darwin":
        assert rows["iphone"]["state"] == "NOT_RUN" and "Mac" in rows["iphone"]["reason"]
