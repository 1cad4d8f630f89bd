"""The page's modules in Node: bundle reading, matrices and uniforms against Python's vectors."""

from __future__ import annotations

import json
from pathlib import Path

from edgekit.bundles.reading import OpenBundle
from edgekit.preview.server import PAGE
from tests.preview.node import IN_NODE, node
from tests.support.hostile_bundles import problems, write_cases

pytestmark = IN_NODE
LOGIC = Path(__file__).with_name("logic.test.mjs")


def test_the_page_agrees_with_python(made: OpenBundle) -> None:
    run = node("--test", LOGIC, EDGEKIT_PAGE=PAGE, EDGEKIT_BUNDLE=made.folder)
    assert run.returncode == 0, run.stdout + run.stderr
    assert "# fail 0" in run.stdout


def test_the_page_refuses_every_hostile_bundle(tmp_path: Path) -> None:
    cases = write_cases(tmp_path / "cases")
    run = node(LOGIC.with_name("read_hostile_bundles.mjs"), EDGEKIT_PAGE=PAGE, EDGEKIT_CASES=cases)
    assert run.returncode == 0, run.stderr
    assert problems(json.loads(run.stdout), shown=("index", "files", "style", "accelerated")) == []
