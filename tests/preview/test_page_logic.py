"""The page's modules in Node: bundle reading, matrices and uniforms against Python's vectors."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from edgekit.artifact import Artifact
from edgekit.bundles.reading import OpenBundle
from edgekit.bundles.writing import write_bundle
from edgekit.preview.server import PAGE
from tests.bundles.conftest import contents
from tests.preview.node import IN_NODE, node
from tests.support.hostile_bundles import problems, write_cases

pytestmark = IN_NODE
LOGIC = Path(__file__).with_name("logic.test.mjs")


def test_the_page_agrees_with_python(made: OpenBundle) -> None:
    run = node("--test", LOGIC, EDGEKIT_PAGE=PAGE, EDGEKIT_BUNDLE=made.folder)
    assert run.returncode == 0, run.stdout + run.stderr
    assert "# fail 0" in run.stdout


@pytest.fixture(scope="module")
def jointly_refined(artifacts: dict[str, Artifact], tmp_path_factory: pytest.TempPathFactory) -> OpenBundle:
    """A bundle whose shaders take the matrix from the mask to the image."""
    folder = tmp_path_factory.mktemp("joint") / "bundle"
    return write_bundle(contents(artifacts, refinement="joint-bilateral"), folder)


def test_the_page_places_the_mask_in_the_picture_as_python_does(jointly_refined: OpenBundle) -> None:
    shader = (jointly_refined.folder / "styles/warm/shader.json").read_text()
    assert "image_from_mask" in shader
    run = node("--test", LOGIC, EDGEKIT_PAGE=PAGE, EDGEKIT_BUNDLE=jointly_refined.folder)
    assert run.returncode == 0, run.stdout + run.stderr
    assert "# fail 0" in run.stdout


@pytest.mark.parametrize(
    ("right", "wrong"), [("-b / determinant", "b / determinant"), ("c * x - a * y", "a * y - c * x")]
)
def test_a_fault_in_the_inverse_shows(
    tmp_path: Path, jointly_refined: OpenBundle, right: str, wrong: str
) -> None:
    page = tmp_path / "page"
    shutil.copytree(PAGE, page)
    text = (page / "transforms.mjs").read_text(encoding="utf-8")
    assert right in text
    (page / "transforms.mjs").write_text(text.replace(right, wrong), encoding="utf-8")
    run = node("--test", LOGIC, EDGEKIT_PAGE=page, EDGEKIT_BUNDLE=jointly_refined.folder)
    assert run.returncode == 1 and "not ok" in run.stdout and "the uniforms are those" in run.stdout


def test_the_page_refuses_every_hostile_bundle(tmp_path: Path) -> None:
    cases = write_cases(tmp_path / "cases")
    run = node(LOGIC.with_name("read_hostile_bundles.mjs"), EDGEKIT_PAGE=PAGE, EDGEKIT_CASES=cases)
    assert run.returncode == 0, run.stderr
    assert problems(json.loads(run.stdout), shown=("index", "files", "style", "accelerated")) == []
