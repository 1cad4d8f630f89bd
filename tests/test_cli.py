"""The command line: a table of arguments to exit codes and sentences, run as a stranger would."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from edgekit.artifact import Artifact
from edgekit.commands import COMMANDS

HEAVY = (
    "torch",
    "transformers",
    "coremltools",
    "tensorflow",
    "litert_torch",
    "ai_edge_litert",
    "ai_edge_quantizer",
)


def edgekit(
    *arguments: str, cwd: Path | None = None, timeout_s: float = 300
) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "edgekit", *arguments]
    root = str(Path(__file__).parent.parent)
    environment = {**os.environ, "COLUMNS": "200", "PYTHONPATH": root}
    return subprocess.run(
        command, capture_output=True, text=True, cwd=cwd, env=environment, timeout=timeout_s, check=False
    )


def test_help_loads_nothing_heavy() -> None:
    program = (
        "import sys\nfrom edgekit.cli import app\n"
        "try: app(['--help'])\nexcept SystemExit: pass\n"
        f"print([m for m in {HEAVY!r} if m in sys.modules], file=sys.stderr)"
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert run.stderr.strip() == "[]"
    for command in COMMANDS:
        assert command in run.stdout


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(command: str) -> None:
    run = edgekit(command, "--help")
    assert run.returncode == 0
    assert "--json" in run.stdout or command in ("lut",)


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["convert", "--target", "onnx"], 3, "There is no target 'onnx'; known: coreml, tflite, all."),
        (["convert", "--recipe", "w3"], 3, "There is no recipe 'w3'"),
        (["convert", "--output", "mask"], 3, "There is no output 'mask'"),
        (["convert", "--size", "500"], 3, "--size 500 is not a multiple of 64"),
        (["convert", "--weights", "nowhere/at/all"], 3, "does not exist"),
        (["parity-check", "none.tflite"], 3, "none.tflite does not exist"),
        (["parity-check"], 3, "run edgekit convert first"),
        (["convert", "--recipe", "auto"], 3, "--recipe auto needs --calibration"),
        (["plan", "--calibration", ".", "--max-miou-drop", "0.1"], 3, "--max-miou-drop needs --labels"),
        (["plan", "--calibration", ".", "--target", "coreml"], 3, "edgekit plans on tflite"),
        (["convert", "--frobnicate"], 2, "No such option"),
        (["frobnicate"], 2, "No such command"),
    ],
)
def test_bad_usage_is_one_sentence_and_leaves_nothing(
    tmp_path: Path, arguments: list[str], code: int, words: str
) -> None:
    run = edgekit(*arguments, cwd=tmp_path)
    assert run.returncode == code
    assert words in " ".join(run.stderr.split())
    assert "Traceback" not in run.stderr
    if code == 3:
        assert len(run.stderr.strip().splitlines()) == 1
    assert run.stdout == ""
    assert list(tmp_path.iterdir()) == []


def test_debug_shows_the_traceback(tmp_path: Path) -> None:
    run = edgekit("--debug", "convert", "--size", "500", cwd=tmp_path)
    assert run.returncode != 0
    assert "Traceback" in run.stderr


def test_parity_check_prints_one_json_object(copied: dict[str, Artifact]) -> None:
    run = edgekit("parity-check", str(copied["tflite"].path), "--json")
    assert run.returncode == 0, run.stderr
    report = json.loads(run.stdout)
    assert report["passed"] is True
    assert report["artifacts"][0]["status"] == "PASSED"
    keys = {"max_abs_logit", "psnr_db", "label_agreement", "mean_iou_agreement", "skin_iou_agreement", "miou",
            "miou_reference", "skin_delta_e00_p95", "n"}  # fmt: skip
    assert keys <= set(report["artifacts"][0]["metrics"])
    assert "PASSED" in run.stderr


def test_a_failed_gate_exits_with_one(copied: dict[str, Artifact]) -> None:
    run = edgekit("parity-check", str(copied["coreml"].path), "--min-agreement", "1.01")
    assert run.returncode == 1
    assert "label agreement FAILED" in run.stderr


@pytest.mark.slow
def test_convert_refuses_to_overwrite_and_prints_json(tmp_path: Path) -> None:
    arguments = ["convert", "--target", "coreml", "--size", "128", "--out", "made", "--json"]
    run = edgekit(*arguments, cwd=tmp_path)
    assert run.returncode == 0, run.stderr
    row = json.loads(run.stdout)["artifacts"][0]
    assert set(row) >= {"path", "manifest", "target", "recipe", "size_bytes", "sha256"}
    assert sorted(p.name for p in (tmp_path / "made").iterdir()) == sorted(
        [Path(row["path"]).name, Path(row["manifest"]).name]
    )
    again = edgekit(*arguments, cwd=tmp_path)
    assert again.returncode == 3
    assert "exists already; pass --force" in again.stderr
    assert edgekit(*arguments, "--force", cwd=tmp_path).returncode == 0


def test_doctor_says_what_is_here_and_what_is_missing() -> None:
    run = edgekit("doctor", "--json")
    assert run.returncode == 0, run.stderr
    findings = {item["name"]: item for item in json.loads(run.stdout)["findings"]}
    assert findings["torch"]["version"].startswith("2.")
    assert findings["xcrun"]["version"] is None or sys.platform == "darwin"
    assert all(item["needed_for"] for item in findings.values())
