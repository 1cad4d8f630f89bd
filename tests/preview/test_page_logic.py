"""The page's modules in Node: bundle reading, matrices and uniforms against Python's vectors."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from edgekit.bundles.reading import OpenBundle
from edgekit.preview.server import PAGE
from tests.support.hostile_bundles import problems, write_cases

NODE = shutil.which("node")
LOGIC = Path(__file__).with_name("logic.test.mjs")


@pytest.mark.system
@pytest.mark.skipif(NODE is None, reason="needs node; tools/install-system-packages.sh installs it")
def test_the_page_agrees_with_python(made: OpenBundle) -> None:
    assert NODE is not None
    environment = {**os.environ, "EDGEKIT_PAGE": str(PAGE), "EDGEKIT_BUNDLE": str(made.folder)}
    run = subprocess.run(
        [NODE, "--test", str(LOGIC)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    assert "# fail 0" in run.stdout


@pytest.mark.system
@pytest.mark.skipif(NODE is None, reason="needs node; tools/install-system-packages.sh installs it")
def test_the_page_refuses_every_hostile_bundle(tmp_path: Path) -> None:
    assert NODE is not None
    cases = write_cases(tmp_path / "cases")
    run = subprocess.run(
        [NODE, str(LOGIC.with_name("read_hostile_bundles.mjs"))],
        env={**os.environ, "EDGEKIT_PAGE": str(PAGE), "EDGEKIT_CASES": str(cases)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    assert problems(json.loads(run.stdout), shown=("index", "files", "style", "accelerated")) == []
