"""The table of runtimes: what did not run says why, and names no folder of this machine."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.runtimes import COLUMNS, ROWS, Row, cells, named
from edgekit.artifact import Artifact
from edgekit.images import astronaut
from edgekit.runtimes import Opener
from edgekit.weights import Checkpoint


def test_every_runtime_of_the_table_has_a_name_of_its_own() -> None:
    assert len({(row.target, row.recipe, row.runtime) for row in ROWS}) == len(ROWS)


def test_a_target_that_is_not_installed_is_a_row(checkpoint: Checkpoint) -> None:
    reason = f"no sysroot in {Path.home()}/.cache; make one."
    found = cells(ROWS[0], reason, checkpoint, [])
    assert len(found) == len(COLUMNS)
    assert found[-1] == "NOT RUN: no sysroot in ~/.cache; make one" and found[2] == "–"


@pytest.mark.slow
def test_a_runtime_that_fails_is_a_row_and_one_that_runs_has_figures(
    artifacts: dict[str, Artifact], checkpoint: Checkpoint
) -> None:
    def broken() -> Opener:
        raise RuntimeError("Chromium is not installed")

    row = Row("tflite", "fp32", "LiteRT.js", broken)  # type: ignore[arg-type]
    found = cells(row, artifacts["tflite"], checkpoint, [astronaut()])
    assert found[-1] == "NOT RUN: Chromium is not installed"
    ran = cells(Row("tflite", "fp32", "LiteRT", named(None)), artifacts["tflite"], checkpoint, [astronaut()])
    assert ran[1] == "litert" and float(ran[2]) < 1e-3 and ran[3].startswith("100")
