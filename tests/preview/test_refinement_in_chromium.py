"""Joint-bilateral refinement and grain on the page: in a saved picture's tiles, and for a camera that is turned."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from edgekit.artifact import Artifact
from edgekit.bundles.writing import BundleContents, write_bundle
from edgekit.color.controls import Controls
from edgekit.images import astronaut
from edgekit.shader import transforms
from edgekit.shader.description import read_description
from edgekit.shader.oracle import Frame, mask_pixels, render
from tests.bundles.conftest import soft_mask
from tests.preview.pages import IDLE, IN_CHROMIUM, Opener, decoded
from tests.support.checkpoints import SIDE
from tests.support.pictures import picture

pytestmark = IN_CHROMIUM
HEIGHT, WIDTH = 130, 2600  # wider than a tile
GRAIN = 0.8
MOST_LEVELS = 2  # as the bundle's golden picture allows


@pytest.fixture(scope="module")
def bundle_folder(artifacts: dict[str, Artifact], tmp_path_factory: pytest.TempPathFactory) -> Path:
    image, weights = astronaut().at(SIDE), soft_mask(SIDE // 4, SIDE // 4)
    contents = BundleContents([artifacts["tflite"]], ("warm",), "warm", image, weights, "joint-bilateral")
    return write_bundle(contents, tmp_path_factory.mktemp("joint") / "bundle").folder


def frame_of(
    folder: Path, photo: np.ndarray, weights: np.ndarray, size: tuple[int, int], **matrices: np.ndarray
) -> Frame:
    description = read_description(folder / "styles" / "warm" / "shader.json")
    opaque = np.full((*photo.shape[:2], 1), 255, np.uint8)
    pixels = {"u_image": np.concatenate([photo, opaque], -1), "u_mask": mask_pixels(weights)}
    return Frame(description, pixels, *size, Controls(grain=GRAIN), **matrices)


def test_a_saved_picture_has_no_seams(open_page: Opener, bundle_folder: Path, tmp_path: Path) -> None:
    page, photo = open_page(), picture(HEIGHT, WIDTH)
    weights = np.random.default_rng(3).dirichlet(np.ones(4), (8, 96))[..., :3]  # differs across every seam
    Image.fromarray(photo).save(tmp_path / "wide.png")
    page.give(tmp_path / "wide.png")
    page.browser.wait("document.getElementById('picture').width === 2560")  # the most that is shown
    page.browser.wait(IDLE)
    mask = {"mask": mask_pixels(weights).ravel().tolist(), "width": 96, "height": 8}
    saved = decoded(str(page.run(SAVED % (json.dumps(mask), GRAIN)))).astype(int)
    wanted = render(frame_of(bundle_folder, photo, weights, (HEIGHT, WIDTH)))[..., :3]
    assert np.abs(saved - np.rint(wanted)).max() <= MOST_LEVELS
    # A tile that is refined without its neighbours' colours would show: these differ from what is drawn.
    alone = frame_of(
        bundle_folder, photo[:, :2048], weights, (HEIGHT, 2048), mask_from_image=FIRST_TILE,
        grain_from_image=np.diag([2048 / WIDTH, HEIGHT / WIDTH, 1.0]),
    )  # fmt: skip
    assert np.abs(saved[:, :2048] - np.rint(render(alone)[..., :3])).max() > MOST_LEVELS


FIRST_TILE = transforms.crop(0, 0, 2048 / WIDTH, 1)
SAVED = """(async () => {
  const {Still} = await import('/page/still.mjs');
  const {mask, width, height} = %s;
  const still = new Still(await preview.bundle.shader('warm'));
  const bitmap = await createImageBitmap(preview.stage.scene.photo.source);
  const context = await still.draw(bitmap, {mask: new Uint8Array(mask), width, height}, {grain: %s});
  const png = await context.canvas.convertToBlob({type: 'image/png'});
  let text = '';
  for (const byte of new Uint8Array(await png.arrayBuffer())) text += String.fromCharCode(byte);
  return 'data:image/png;base64,' + btoa(text);
})()"""


def test_a_turned_camera(open_page: Opener, bundle_folder: Path, tmp_path: Path) -> None:
    """A sensor's frame on its side, mirrored in the view; the mask is of the upright picture."""
    page, photo, weights = open_page(), picture(60, 97), soft_mask(23, 17)
    Image.fromarray(photo).save(tmp_path / "sensor.png")
    page.give(tmp_path / "sensor.png")
    page.browser.wait("document.getElementById('picture').width === 97")
    view = (48, 97)  # of the upright 60×97, 48×97 fill it: texel on pixel
    mask = {"mask": mask_pixels(weights).ravel().tolist(), "width": 17, "height": 23}
    drawn = decoded(str(page.run(TURNED % (json.dumps(mask), *view, GRAIN)))).astype(int)
    matrices = {
        "image_from_output": transforms.sensor_from_view((97, 60), 1, True, view),
        "mask_from_image": transforms.upright_from_sensor(1),
    }
    frame = frame_of(bundle_folder, photo, weights, view[::-1], **matrices)
    assert np.abs(drawn - np.rint(render(frame)[..., :3])).max() <= MOST_LEVELS


TURNED = """(async () => {
  const {Renderer} = await import('/page/renderer.mjs');
  const {aspectFill} = await import('/page/transforms.mjs');
  const {mask, width, height} = %s, [viewWidth, viewHeight] = [%d, %d];
  const canvas = document.createElement('canvas');
  Object.assign(canvas, {width: viewWidth, height: viewHeight});
  const renderer = new Renderer(canvas);
  const style = renderer.style(await preview.bundle.shader('warm'));
  const bitmap = await createImageBitmap(preview.stage.scene.photo.source);
  renderer.setPicture(bitmap);
  renderer.setMask({mask: new Uint8Array(mask), width, height});
  const sensor = {width: bitmap.width, height: bitmap.height, quarterTurns: 1, mirror: true};
  renderer.draw(style, {grain: %s}, {matrices: aspectFill({...sensor, viewWidth, viewHeight})});
  return canvas.toDataURL('image/png');
})()"""
