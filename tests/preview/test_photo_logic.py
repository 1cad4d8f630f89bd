"""The page's photos, masks, names and colour differences, in Node."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from edgekit.preview.server import PAGE

NODE = shutil.which("node")
LOGIC = Path(__file__).with_name("photos.test.mjs")


@pytest.mark.system
@pytest.mark.skipif(NODE is None, reason="needs node; tools/install-system-packages.sh installs it")
def test_photos_and_masks() -> None:
    assert NODE is not None
    run = subprocess.run(
        [NODE, "--test", str(LOGIC)],
        env={**os.environ, "EDGEKIT_PAGE": str(PAGE)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    assert "# fail 0" in run.stdout
