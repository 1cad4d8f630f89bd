"""A look with a blur and a second picture, drawn by the page: shown, as a thumbnail and into a file."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from edgekit.artifact import Artifact
from edgekit.bundles.reading import read_bundle
from edgekit.bundles.writing import BundleContents, write_bundle
from edgekit.color.controls import Controls
from edgekit.color.engine import styled_pixels
from edgekit.color.look_file import read_look
from edgekit.images import astronaut
from edgekit.segmenter import Segmenter
from edgekit.weights import Checkpoint
from tests.bundles.conftest import written_look
from tests.preview.pages import IDLE, IN_CHROMIUM, Opener, decoded, golden_picture
from tests.preview.test_in_chromium import GIVE_MASK
from tests.support.checkpoints import SIDE
from tests.support.pictures import picture

pytestmark = IN_CHROMIUM


@pytest.fixture(scope="module")
def bundle_folder(
    checkpoint: Checkpoint, artifacts: dict[str, Artifact], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    folder = tmp_path_factory.mktemp("looks")
    look, image = str(written_look(folder / "evening.json")), astronaut().at(SIDE)
    weights = Segmenter(checkpoint, exact=True).groups(image)
    contents = BundleContents([artifacts["tflite"]], (look, "warm"), look, image, weights)
    return write_bundle(contents, folder / "bundle").folder


def test_the_golden_picture_of_a_look(open_page: Opener, bundle_folder: Path) -> None:
    page, wanted = open_page(), read_bundle(bundle_folder).bundle.golden
    assert page.problem() == ""
    page.run(
        f"preview.stage.set({{styleName: 'evening', controls: {json.dumps(dict(wanted.uniforms))}, divider: 0}})"
    )
    page.run(GIVE_MASK % wanted.mask.path)
    drawn = page.pixels().astype(int)
    assert np.abs(drawn - golden_picture(bundle_folder, "styled")).max() <= wanted.given_mask_max_levels
    assert np.abs(drawn - golden_picture(bundle_folder, "image")).max() > 40
    # Another style and back: what the passes drew is still there.
    page.run("preview.stage.set({styleName: 'warm'})")
    assert np.abs(page.pixels().astype(int) - drawn).max() > 10
    page.run("preview.stage.set({styleName: 'evening'})")
    assert (page.pixels() == drawn).all()


def test_a_saved_picture_of_a_look(open_page: Opener, bundle_folder: Path, tmp_path: Path) -> None:
    """Larger than a tile: a look that blurs is drawn in one piece."""
    page = open_page()
    Image.fromarray(picture(300, 2600)).save(tmp_path / "wide.png")
    page.give(tmp_path / "wide.png")
    page.browser.wait(IDLE)
    saved = decoded(str(page.run(SAVED)))
    mask = np.array(page.run("Array.from(preview.stage.mask.mask)"), np.float32)
    height, width = (int(page.run(f"preview.stage.mask.{side}")) for side in ("height", "width"))  # type: ignore[call-overload]
    weights = mask.reshape(height, width, 4)[..., :3] / np.float32(255)
    look = read_look(bundle_folder.parent / "evening.json")
    by_engine = styled_pixels(picture(300, 2600), look, Controls(), weights)
    assert saved.shape == (300, 2600, 3)
    # The engine resizes the second picture, the page samples it: they differ where clothes are.
    assert np.percentile(np.abs(saved.astype(int) - by_engine), 95) <= 3


SAVED = """(async () => {
  const {Still} = await import('/page/still.mjs');
  const still = new Still(await preview.bundle.shader('evening'));
  const context = await still.draw(await createImageBitmap(preview.stage.scene.photo.source), preview.stage.mask, {});
  const png = await context.canvas.convertToBlob({type: 'image/png'});
  const bytes = new Uint8Array(await png.arrayBuffer());
  let text = '';
  for (const byte of bytes) text += String.fromCharCode(byte);
  return 'data:image/png;base64,' + btoa(text);
})()"""
