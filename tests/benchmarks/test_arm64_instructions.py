"""qemu's plugin counts the work of an inference, not that of starting the program around it."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from benchmarks import arm64_instructions
from benchmarks.arm64_instructions import compiled, instructions, missing
from tests.support.tiny_tflite import write_tiny


@pytest.mark.slow
def test_four_times_the_pixels_take_four_times_the_instructions(tmp_path: Path) -> None:
    if reason := missing():
        pytest.skip(reason)
    plugin = compiled(tmp_path)
    counts = [
        instructions(write_tiny(tmp_path / f"{side}.tflite", "LOGISTIC", shape=(1, side, side, 3)), plugin)
        for side in (512, 1024)
    ]
    assert counts[1] / counts[0] == pytest.approx(4, rel=0.05)
    values = 512 * 512 * 3
    assert values < counts[0] < 30 * values  # a vector instruction takes four; a sigmoid takes dozens


def test_a_machine_that_cannot_count_says_what_it_lacks(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(arm64_instructions.arm64, "missing", lambda: "")
    monkeypatch.setattr(arm64_instructions.shutil, "which", lambda program: None)
    monkeypatch.setattr(sys, "argv", ["arm64_instructions.py"])
    with pytest.raises(SystemExit) as stop:
        arm64_instructions.main()
    assert stop.value.code == 2
    assert "qemu-aarch64 is not installed (Debian: apt install qemu-user)" in capsys.readouterr().err
