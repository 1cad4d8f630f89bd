"""Python's reader on the table of hostile bundles that all four readers meet; zips of them; and the terminal."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from edgekit.bundles.reading import read_bundle
from edgekit.errors import EdgekitError
from edgekit.shader.description import read_description
from tests.support.hostile_bundles import Reading, problems, write_cases


@pytest.fixture(scope="module")
def cases(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_cases(tmp_path_factory.mktemp("hostile") / "cases")


def read_all(folder: Path) -> None:
    """Everything of a bundle that Python reads."""
    opened = read_bundle(folder)
    for style in opened.bundle.styles:
        read_description(opened.path(style.description))


def reading(name: str, folder: Path) -> Reading:
    started, sentence = time.monotonic(), None
    try:
        read_all(folder)
    except EdgekitError as error:
        sentence = str(error)
    return {"name": name, "sentence": sentence, "ms": 1000 * (time.monotonic() - started)}


def test_every_hostile_bundle_is_refused(cases: Path) -> None:
    listed = json.loads((cases / "cases.json").read_text())
    readings = [reading(case["name"], cases / case["folder"]) for case in listed]
    assert problems(readings) == []
