"""The page's pad in Node, on the vectors that Kotlin and Swift meet too; and with faults in it."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgekit.preview.server import PAGE
from tests.preview.node import IN_NODE, node

pytestmark = IN_NODE
LOGIC = Path(__file__).with_name("pad.test.mjs")
VECTORS = Path(__file__).parents[1] / "shared" / "pad.json"


def test_places_and_values() -> None:
    run = node("--test", LOGIC, EDGEKIT_PAGE=PAGE, EDGEKIT_VECTORS=VECTORS)
    assert run.returncode == 0, run.stdout + run.stderr
    assert "# fail 0" in run.stdout


@pytest.mark.parametrize(
    ("right", "wrong"),
    [("1 - y", "y"), ("Math.min(1, Math.max(0, share))", "share"), ("SNAP = 0.03", "SNAP = 0.01")],
)
def test_a_fault_shows(tmp_path: Path, right: str, wrong: str) -> None:
    text = (PAGE / "pad.mjs").read_text(encoding="utf-8")
    assert right in text
    (tmp_path / "pad.mjs").write_text(text.replace(right, wrong), encoding="utf-8")
    run = node("--test", LOGIC, EDGEKIT_PAGE=tmp_path, EDGEKIT_VECTORS=VECTORS)
    assert run.returncode == 1 and "# fail 0" not in run.stdout
