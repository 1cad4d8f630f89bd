"""The preview in headless Chromium, with a real network: what a person would see and do."""

from __future__ import annotations

import io
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from edgekit.bundles.format import Bundle
from edgekit.bundles.reading import read_bundle
from edgekit.color.controls import Controls
from edgekit.color.difference import delta_e00
from edgekit.color.engine import styled_pixels
from edgekit.color.layers import look_of_style
from edgekit.color.styles import style_named
from tests.preview.browser import Browser, Viewport
from tests.preview.pages import DESKTOP, IDLE, IN_CHROMIUM, PHONE, STYLES, Opener, decoded, golden_picture
from tests.support.checkpoints import SIDE
from tests.support.pictures import picture

pytestmark = IN_CHROMIUM


@pytest.fixture(scope="module")
def golden(bundle_folder: Path) -> Bundle:
    return read_bundle(bundle_folder).bundle


def test_the_golden_picture(open_page: Opener, bundle_folder: Path, golden: Bundle) -> None:
    page, wanted = open_page(), golden.golden
    assert page.problem() == ""
    uniforms = json.dumps(dict(wanted.uniforms))
    page.run(f"preview.stage.set({{styleName: '{wanted.style}', controls: {uniforms}, divider: 0}})")
    image, styled = golden_picture(bundle_folder, "image"), golden_picture(bundle_folder, "styled")

    # Its own mask, by LiteRT.js: held to the colour difference that every platform is held to.
    own = page.pixels()
    assert np.percentile(delta_e00(own, styled), 95) <= wanted.end_to_end_delta_e00_p95

    # Given the reference's mask: level by level, against the oracle and against the CPU engine.
    hashes = page.run(GIVE_MASK % wanted.mask.path)
    assert hashes == wanted.mask.rgba8_sha256  # browsers decode the PNG exactly
    given = page.pixels()
    assert np.abs(given.astype(int) - styled).max() <= wanted.given_mask_max_levels
    mask = (golden_picture(bundle_folder, "mask") / 255).astype(np.float32)
    layers = look_of_style(style_named(wanted.style))
    by_engine = styled_pixels(image, layers, Controls(**wanted.uniforms), mask)
    assert np.abs(given.astype(int) - by_engine).max() <= wanted.given_mask_max_levels
    assert np.abs(given.astype(int) - image).max() > 20  # the style is to be seen at all


GIVE_MASK = """(async () => {
  const {sha256} = await import('/page/bundle.mjs');
  const bitmap = await createImageBitmap(new Blob([await preview.bundle.bytes('%s')]));
  const canvas = new OffscreenCanvas(bitmap.width, bitmap.height).getContext('2d');
  canvas.drawImage(bitmap, 0, 0);
  const rgba = new Uint8Array(canvas.getImageData(0, 0, bitmap.width, bitmap.height).data);
  preview.stage.renderer.setMask({mask: rgba, width: bitmap.width, height: bitmap.height});
  return sha256(rgba);
})()"""


def test_sliders_styles_and_divider_move_the_picture(open_page: Opener, bundle_folder: Path) -> None:
    page = open_page()
    image = golden_picture(bundle_folder, "image")
    page.show_all_after()
    plain = page.pixels().astype(int)

    page.drag_slider("warmth", 1)
    warm = page.pixels().astype(int)
    assert warm[..., 0].mean() > plain[..., 0].mean() + 2
    assert warm[..., 2].mean() < plain[..., 2].mean() - 2
    page.drag_slider("tone", -1)
    assert page.pixels().mean() < warm.mean() - 10
    page.drag_slider("intensity", 0)
    assert np.array_equal(page.pixels(), image)
    page.run("document.getElementById('reset').click()")
    assert np.array_equal(page.pixels(), plain)

    page.drag_slider("skin_protection", 1)
    face = np.kron(
        golden_picture(bundle_folder, "mask")[..., 0] > 230, np.ones((4, 4), bool)
    )  # at the picture's size
    moved = np.abs(page.pixels()[face].astype(int) - image[face]).mean()
    assert moved < 0.4 * np.abs(plain[face] - image[face]).mean()
    page.run("document.querySelector('[value=dramatic]').click()")
    assert np.abs(page.pixels() - plain).mean() > 10

    page.run("preview.stage.set({divider: 0.25})")
    split = page.pixels()
    quarter = SIDE // 4
    assert np.array_equal(split[:, :quarter], image[:, :quarter])
    assert np.abs(split[:, quarter:].astype(int) - image[:, quarter:]).mean() > 10


def test_keyboard_and_pointer_reach_everything(open_page: Opener, browser: Browser) -> None:
    page = open_page()
    page.run("document.querySelector('[name=warmth]').focus()")
    for _ in range(10):
        page.press("ArrowRight", 39)
    assert page.run("preview.stage.controls.warmth") == pytest.approx(0.1)
    page.run("document.querySelector('[name=style]:checked').focus()")
    page.press("ArrowRight", 39)
    assert page.run("preview.stage.styleName") == STYLES[STYLES.index("vibrant") + 1]
    box = page.run("document.getElementById('frame').getBoundingClientRect().toJSON()")
    assert isinstance(box, dict)
    y = box["y"] + box["height"] / 3
    for kind, x in (("mousePressed", 0.5), ("mouseMoved", 0.4), ("mouseMoved", 0.2), ("mouseReleased", 0.2)):
        at = box["x"] + x * box["width"]
        browser.call("Input.dispatchMouseEvent", type=kind, x=at, y=y, button="left", buttons=1, clickCount=1)
    assert page.run("preview.stage.divider") == pytest.approx(0.2, abs=0.03)

    named = page.controls("button", "slider", "radio", "image", "checkbox")
    assert len(named) >= 13
    assert "" not in named


def test_the_pad_sets_tone_and_color(open_page: Opener, browser: Browser) -> None:
    page = open_page()
    page.show_all_after()
    plain = page.pixels().astype(int)
    box = page.run("document.querySelector('.field').getBoundingClientRect().toJSON()")
    assert isinstance(box, dict)

    def mouse(kind: str, x: float, y: float, clicks: int = 1) -> None:
        place = {"x": box["x"] + x * box["width"], "y": box["y"] + y * box["height"]}
        browser.call(
            "Input.dispatchMouseEvent", type=kind, **place, button="left", buttons=1, clickCount=clicks
        )

    def color_and_tone() -> object:
        return page.run("[preview.stage.controls.color, preview.stage.controls.tone]")

    mouse("mousePressed", 0.5, 0.5)
    mouse("mouseMoved", 0.75, 0.25)
    assert color_and_tone() == pytest.approx([0.5, 0.5], abs=0.02)
    mouse("mouseMoved", 1.5, 0.51)  # beyond its edge, and a little off the middle
    assert color_and_tone() == [1, 0]
    vivid = page.pixels().astype(int)
    assert np.ptp(vivid, axis=-1).mean() > np.ptp(plain, axis=-1).mean() + 2  # max − min of the channels
    mouse("mouseReleased", 1.5, 0.51)
    mouse("mouseMoved", 0.1, 0.1)
    assert color_and_tone() == [1, 0]  # the button is up
    assert page.run("document.querySelector('.pad i').style.left") == "100%"

    for _ in range(3):
        page.press("ArrowLeft", 37)
    page.press("ArrowDown", 40)
    assert color_and_tone() == pytest.approx([0.97, -0.01])
    assert page.run("document.activeElement.name") == "tone"
    for clicks in (1, 2):
        mouse("mousePressed", 0.2, 0.8, clicks)
        mouse("mouseReleased", 0.2, 0.8, clicks)
    assert color_and_tone() == [0, 0]
    assert np.array_equal(page.pixels(), plain)
    assert "Tone and color" in page.controls("group")


def test_a_bundle_from_before_color_has_sliders_only(
    open_page: Opener, bundle_folder: Path, tmp_path: Path
) -> None:
    copy = Path(shutil.copytree(bundle_folder, tmp_path / "old"))
    index = json.loads((copy / "bundle.json").read_text())
    index["controls"] = [control for control in index["controls"] if control["name"] != "color"]
    del index["golden"]["uniforms"]["color"]
    (copy / "bundle.json").write_text(json.dumps(index))
    page = open_page(bundle=copy)
    assert page.problem() == ""
    assert page.run("document.querySelector('.pad')") is None
    page.drag_slider("tone", -0.5)
    assert page.run("preview.stage.controls.tone") == -0.5


def test_a_photo_stands_upright_and_what_is_none_is_a_sentence(
    open_page: Opener, browser: Browser, tmp_path: Path
) -> None:
    page = open_page()
    sideways = picture(60, 90)  # a red ramp to the right, green downwards
    exif = Image.Exif()
    exif[0x0112] = 6  # to be shown turned clockwise by a quarter
    Image.fromarray(sideways).save(tmp_path / "photo.png", exif=exif)
    page.give(tmp_path / "photo.png")
    browser.wait("document.getElementById('picture').width === 60")
    browser.wait(IDLE)
    page.run("preview.stage.set({controls: {intensity: 0}})")
    assert np.array_equal(page.pixels(), np.rot90(sideways, -1))

    (tmp_path / "notes.txt").write_text("not a photo")
    page.give(tmp_path / "notes.txt")
    browser.wait("!document.getElementById('problem').hidden")
    assert page.problem() == "notes.txt is not a picture that this browser can open; try a JPEG or PNG."
    assert page.run("document.getElementById('picture').width") == 60  # the last picture stays


def test_the_camera_is_styled_live_and_stops(open_page: Opener, browser: Browser) -> None:
    page = open_page()
    page.run("document.getElementById('camera').click()")
    browser.wait("document.getElementById('camera').ariaPressed === 'true'")
    browser.wait("document.getElementById('picture').width > 512")
    page.show_all_after()
    first = page.pixels()
    assert first.std() > 5
    browser.wait("document.getElementById('frame').classList.contains('mirrored')")
    browser.wait(IDLE)  # a mask has arrived
    page.run("document.getElementById('camera').click()")
    assert page.run("preview.hasCamera") is False
    assert page.run("document.getElementById('camera').ariaPressed") == "false"
    assert page.problem() == ""


def test_the_mask_is_shown_as_colours(open_page: Opener, bundle_folder: Path) -> None:
    page = open_page()
    page.run("document.getElementById('mask').click()")
    shown = decoded(str(page.run("document.getElementById('regions').toDataURL()"))).astype(int)
    groups = golden_picture(bundle_folder, "mask") / 255
    weights = np.concatenate([groups, 1 - groups.sum(-1, keepdims=True)], -1)
    wanted = weights @ np.array([[239, 131, 84], [125, 91, 166], [61, 139, 186], [22, 22, 26]])
    assert np.abs(shown - wanted).mean() < 3
    assert wanted[..., 0].std() > 30  # there is something to see


def damage(folder: Path, name: str) -> str:
    """One byte changed; the sentence that says so begins with the name."""
    path = folder / name
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    return f"{name} is damaged: its sha256 differs from bundle.json; copy the bundle again."


def test_a_corrupt_bundle_is_a_sentence(open_page: Opener, bundle_folder: Path, tmp_path: Path) -> None:
    network = next(p for p in (bundle_folder / "segmenter").iterdir() if p.suffix == ".tflite")
    for i, name in enumerate(
        ("styles/dramatic/lut_1.rgba8", "golden/image.png", f"segmenter/{network.name}")
    ):
        copy = Path(shutil.copytree(bundle_folder, tmp_path / str(i)))
        sentence = damage(copy, name)
        page = open_page(bundle=copy)
        assert page.problem() == sentence
        assert page.run("getComputedStyle(document.querySelector('main')).display") == "none"
    (copy / "golden/image.png").unlink()
    assert open_page(bundle=copy).problem() == "golden/image.png cannot be fetched (HTTP 404)."
    (copy / "bundle.json").write_text("{}")
    assert open_page(bundle=copy).problem() == "bundle.json is not of the schema edgekit/bundle."


@pytest.mark.parametrize("viewport", [DESKTOP, PHONE, Viewport(390, 844, dark=True)], ids=str)
def test_fits_the_window_and_asks_no_one_else(open_page: Opener, viewport: Viewport) -> None:
    page = open_page(viewport=viewport)
    page.run("document.querySelector('#styles label:last-child input').focus()")
    assert page.run("document.documentElement.scrollWidth <= innerWidth && scrollX === 0") is True
    names = page.run("performance.getEntriesByType('resource').map((entry) => entry.name)")
    assert isinstance(names, list) and len(names) > 10
    assert [name for name in names if not name.startswith(page.url)] == []
    assert [line for line in page.browser.console if "Refused" in line or "Content Security" in line] == []
    screenshot = np.asarray(Image.open(io.BytesIO(page.browser.screenshot())).convert("L"))
    corner = screenshot[-4:, :4].mean()
    assert corner < 64 if viewport.dark else corner > 192


def test_a_lost_gpu_is_a_sentence(open_page: Opener, browser: Browser) -> None:
    page = open_page()
    page.run(
        "preview.stage.renderer.canvas.getContext('webgl2').getExtension('WEBGL_lose_context').loseContext()"
    )
    browser.wait("!document.getElementById('problem').hidden")
    assert page.problem() == "The graphics driver was reset; reload the page."
