"""Regions that a user draws with the page's brush, in a look that reads them, in headless Chromium."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from edgekit.artifact import Artifact
from edgekit.bundles.writing import BundleContents, write_bundle
from edgekit.images import astronaut
from edgekit.segmenter import Segmenter
from edgekit.weights import Checkpoint
from tests.preview.browser import Browser
from tests.preview.pages import IDLE, IN_CHROMIUM, PHONE, Opener, Page, written
from tests.support.checkpoints import SIDE
from tests.support.cli import edgekit
from tests.support.pictures import picture

pytestmark = IN_CHROMIUM

OFFERED = (
    "JSON.stringify([...document.querySelectorAll('#brush-regions label:not([hidden]) input')]"
    ".map((each) => each.value))"
)
NETWORKS = ["skin", "hair", "clothes", "background"]
DRAWN = "JSON.stringify([...(preview.stage.mask.drawn ?? [])])"


def sketch(path: Path) -> Path:
    """A look of two drawn regions over a cool background."""
    layers = [
        {"regions": ["background"], "style": "cool"},
        {"regions": ["drawn_1"], "style": "stark-bw"},
        {"regions": ["drawn_3"], "style": "warm", "strength": 0.7},
    ]
    path.write_text(json.dumps({"schema": "edgekit/look", "schema_version": 1, "layers": layers}))
    return path


@pytest.fixture(scope="module")
def bundle_folder(
    checkpoint: Checkpoint, artifacts: dict[str, Artifact], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    folder, image = tmp_path_factory.mktemp("drawn"), astronaut().at(SIDE)
    look, weights = str(sketch(folder / "sketch.json")), Segmenter(checkpoint, exact=True).groups(image)
    contents = BundleContents([artifacts["tflite"]], (look, "warm"), look, image, weights)
    return write_bundle(contents, folder / "bundle").folder


def choose(page: Page, name: str, value: str) -> None:
    page.run(f"document.querySelector('[name={name}][value=\"{value}\"]').click()")


def drawn(page: Page) -> np.ndarray:
    """(h, w, 3): what is drawn on the shown picture."""
    height, width = (int(str(page.run(f"preview.stage.mask.{side}"))) for side in ("height", "width"))
    return np.array(json.loads(str(page.run(DRAWN))), np.uint8).reshape(height, width, 4)[..., :3]


def test_a_drawn_region_is_shown_erased_taken_back_saved_and_read_by_the_command_line(
    open_page: Opener,
    browser: Browser,
    bundle_folder: Path,
    downloads: Callable[[str], Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    page = open_page()
    assert page.problem() == ""
    page.give(*written([(tmp_path / "a.png", picture(90, 120))]))
    browser.wait("document.getElementById('picture').width === 120")
    browser.wait(IDLE)
    page.show_all_after()
    undrawn = page.pixels()
    page.click("brush")
    assert json.loads(str(page.run(OFFERED))) == [*NETWORKS, "drawn_1", "drawn_3", "nothing drawn"]
    choose(page, "region", "drawn_1")
    page.paint((0.25, 0.3), (0.75, 0.3))
    choose(page, "region", "drawn_3")
    page.paint((0.25, 0.7), (0.75, 0.7))
    both = drawn(page)
    upper, lower = (both[len(both) * tenths // 10] for tenths in (3, 7))
    middle = slice(both.shape[1] * 3 // 10, both.shape[1] * 7 // 10)
    assert (upper[middle] == (255, 0, 0)).all() and (lower[middle] == (0, 0, 255)).all()
    shown = page.pixels()
    assert np.ptp(shown[27, 40:80].astype(int), axis=-1).max() <= 8  # grey, up to what is not quite drawn
    assert (np.abs(shown.astype(int) - undrawn)[45] <= 1).all()  # between the strokes

    for button, name in (("save-mask", "a-mask.png"), ("save-drawn", "a-map.png")):
        page.click(button)
        downloads(name)
        browser.wait(f"document.getElementById('saved').textContent.startsWith('{name}')")
    assert page.text("saved") == "a-map.png: edgekit style a.png --map a-map.png"
    monkeypatch.chdir(tmp_path)
    look, mask, plan = bundle_folder.parent / "sketch.json", downloads("a-mask.png"), downloads("a-map.png")
    ran = edgekit("style", "a.png", "--style", look, "--mask", mask, "--map", plan)
    assert ran.code == 0, ran
    assert np.abs(np.asarray(Image.open("styled/a.png")).astype(int) - shown).max() <= 2

    choose(page, "region", "nothing drawn")
    page.paint((0.5, 0.1), (0.5, 0.9))
    assert not drawn(page)[:, both.shape[1] // 2].any()
    page.click("undo")
    assert (drawn(page) == both).all()
    page.click("undo")
    page.click("undo")
    assert (page.pixels() == undrawn).all()


def test_only_regions_that_the_style_reads_are_offered(open_page: Opener) -> None:
    page = open_page(PHONE)
    page.click("brush")
    choose(page, "region", "drawn_3")
    choose(page, "style", "warm")
    assert json.loads(str(page.run(OFFERED))) == NETWORKS
    assert page.run("preview.brush.region") == "skin"
    assert page.run("document.getElementById('save-drawn').hidden") is True
    choose(page, "style", "sketch")
    assert page.run("document.getElementById('save-drawn').hidden") is False
    assert page.run("document.documentElement.scrollWidth <= innerWidth") is True
