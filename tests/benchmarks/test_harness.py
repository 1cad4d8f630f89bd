"""What the benchmarks share."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import pytest

from benchmarks import harness, include

SCRIPTS = sorted(
    path.stem
    for path in Path(harness.__file__).parent.glob("*.py")
    if path.stem not in ("__init__", "browser", "harness", "instruction_set", "models")
)


def test_candidates_take_turns_and_warm_up_is_not_counted() -> None:
    order: list[str] = []
    runs = {name: lambda name=name: order.append(name) for name in ("a", "b")}
    samples = harness.interleaved_ms(runs, rounds=3, warm_up=1)
    assert order == ["a", "b"] * 4
    assert {name: len(times) for name, times in samples.items()} == {"a": 3, "b": 3}
    assert all(time >= 0 for times in samples.values() for time in times)


def test_a_ratio_is_of_rounds_and_not_of_medians() -> None:
    assert harness.paired_ratio([2, 40, 6], [1, 20, 2]) == 2


def test_tables_and_cells() -> None:
    body = harness.table(("a", "b"), [(1, "x"), ("y", harness.number(None, ".2f"))])
    assert body == "| a | b |\n| --- | --- |\n| 1 | x |\n| y | – |"
    assert harness.number(0.5, ".2f") == "0.50"
    assert harness.spread((0.123, 0.456), ".2f") == " (0.12–0.46)" and harness.spread(None, ".2f") == ""


def test_the_machine_line_has_versions_and_no_model_name() -> None:
    line = harness.machine("numpy", threads=2)
    assert "cores" in line and "2 threads; Python" in line and "numpy " in line


def test_commands_name_no_folder_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["/x/benchmarks/int8.py", "--images", "/home/me/eval/images", "--write"])
    assert harness.command() == "python -m benchmarks.int8 --images images"


def test_a_figure_is_printed_and_written_only_when_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(include, "FIGURES", tmp_path)
    monkeypatch.setattr(include, "update", lambda: [])
    monkeypatch.setattr(sys, "argv", ["spine.py"])
    harness.publish(harness.parser("").parse_args([]), "float", "N = 3", "2 cores", "| t |\n")
    assert capsys.readouterr().out == "`python -m benchmarks.spine`: N = 3. 2 cores.\n\n| t |\n\n"
    assert not list(tmp_path.iterdir())
    harness.publish(harness.parser("").parse_args(["--write"]), "float", "N = 3", "2 cores", "| t |\n")
    assert (tmp_path / "float.md").read_text() == "`python -m benchmarks.spine`: N = 3. 2 cores.\n\n| t |\n"


@pytest.mark.parametrize("name", SCRIPTS)
def test_every_benchmark_explains_itself(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    script = importlib.import_module(f"benchmarks.{name}")
    monkeypatch.setattr(sys, "argv", [f"{name}.py", "--help"])
    with pytest.raises(SystemExit) as stop:
        script.main()
    assert stop.value.code == 0
    assert f"python -m benchmarks.{name}" in capsys.readouterr().out
