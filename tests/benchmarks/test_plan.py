"""The figure of the bundled plan is made from its recorded evidence, and its points can be drawn."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from PIL import Image

from benchmarks import plan


def test_the_table_holds_every_point_and_the_plot_is_drawn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    points = json.loads(plan.PLANNED.read_text(encoding="utf-8"))["evidence"]["pareto"]
    monkeypatch.setattr(sys, "argv", ["plan", "--plot", str(tmp_path / "plan.png")])
    plan.main()
    printed = capsys.readouterr().out
    assert all(point["step"] in printed for point in points)
    assert printed.count("(chosen)") == 1
    with Image.open(tmp_path / "plan.png") as drawn:
        assert drawn.format == "PNG" and len(set(drawn.convert("L").resize((50, 25)).getdata())) > 5
