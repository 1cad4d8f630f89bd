"""The page's photos, masks, names and colour differences, in Node."""

from __future__ import annotations

from pathlib import Path

from edgekit.preview.server import PAGE
from tests.preview.node import IN_NODE, node

pytestmark = IN_NODE
LOGIC = Path(__file__).with_name("photos.test.mjs")


def test_photos_and_masks() -> None:
    run = node("--test", LOGIC, EDGEKIT_PAGE=PAGE)
    assert run.returncode == 0, run.stdout + run.stderr
    assert "# fail 0" in run.stdout
