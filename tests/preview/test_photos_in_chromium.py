"""Several photos on the page, their masks, and what is saved of them, in headless Chromium."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from edgekit.color.controls import Controls
from edgekit.color.engine import styled_pixels
from edgekit.color.layers import look_of_style
from edgekit.color.styles import style_named
from tests.preview.browser import Browser
from tests.preview.pages import IDLE, IN_CHROMIUM, Opener, Page, written
from tests.support.cli import edgekit
from tests.support.pictures import picture

pytestmark = IN_CHROMIUM

WAITING = "document.getElementById('busy').textContent.startsWith('Finding')"
SAVED = "!document.getElementById('save').disabled"
# Masks are found, but given to the page one by one, when `held` is called; `asked` counts them.
HOLD_MASKS = """(() => {
  const {segmenter} = preview, own = segmenter.segment.bind(segmenter);
  window.held = [];
  window.asked = 0;
  segmenter.segment = async (picture) => {
    window.asked += 1;
    const answer = await own(picture);
    await new Promise((resolve) => held.push(resolve));
    return answer;
  };
})()"""
GIVE_MASK = "held.shift()()"


def shows(page: Page, photo: NDArray[np.uint8]) -> bool:
    """The page shows the photo as it is."""
    return np.array_equal(page.pixels(), photo)


def test_a_new_photo_is_drawn_as_it_is_until_its_own_mask_is_there(
    open_page: Opener, browser: Browser, tmp_path: Path
) -> None:
    page = open_page()
    page.click("mask")
    page.show_all_after()
    assert page.run("document.getElementById('regions').hidden") is False
    page.run(HOLD_MASKS)
    photo = picture(60, 90)
    page.give(*written([(tmp_path / "new.png", photo)]))
    browser.wait("window.held.length === 1")
    assert shows(page, photo)
    assert page.run("document.getElementById('regions').hidden") is True  # the mask was the last picture's
    page.run(GIVE_MASK)
    browser.wait(IDLE)
    assert np.abs(page.pixels() - photo.astype(int)).mean() > 2
    assert page.run("document.getElementById('regions').hidden") is False


def test_a_mask_that_comes_late_is_not_drawn_over_the_next_photo(
    open_page: Opener, browser: Browser, tmp_path: Path
) -> None:
    page = open_page()
    page.show_all_after()
    page.run(HOLD_MASKS)
    first, second = picture(60, 90), picture(80, 50, seed=1)
    page.give(*written([(tmp_path / "first.png", first)]))
    browser.wait("window.held.length === 1")
    page.give(*written([(tmp_path / "second.png", second)]))
    browser.wait("document.getElementById('picture').width === 50")
    page.run(GIVE_MASK)
    browser.wait("window.held.length === 1")  # the first photo's mask was found; the second's is on its way
    assert shows(page, second)
    assert page.run(WAITING) is True
    page.run(GIVE_MASK)
    browser.wait(IDLE)
    assert not shows(page, second)

    page.run("document.querySelector('#strip input').click()")  # back to the first, whose mask was kept
    browser.wait("document.getElementById('picture').width === 90")
    browser.wait(IDLE)
    assert not shows(page, first)
    assert page.run("window.asked") == 2


def test_photos_are_leafed_through_with_the_keyboard_and_taken_away(
    open_page: Opener, browser: Browser, tmp_path: Path
) -> None:
    page = open_page()
    assert page.run("document.getElementById('photos').hidden") is True
    pictures = {"a.png": picture(40, 60), "b.png": picture(50, 70, 1), "c.png": picture(60, 80, 2)}
    (tmp_path / "notes.txt").write_text("not a photo")
    page.give(*written([(tmp_path / name, p) for name, p in pictures.items()]), tmp_path / "notes.txt")
    browser.wait("document.querySelectorAll('#strip label').length === 3")
    browser.wait("!document.getElementById('problem').hidden")
    assert page.problem() == "notes.txt is not a picture that this browser can open; try a JPEG or PNG."
    assert page.run("document.getElementById('picture').width") == 60  # the first is shown
    assert {"a.png", "b.png", "c.png"} <= set(page.controls("radio"))

    page.run("document.querySelector('#strip :checked').focus()")
    page.press("ArrowRight", 39)
    browser.wait("document.getElementById('picture').width === 70")
    browser.wait(IDLE)
    page.click("remove")
    browser.wait("document.getElementById('picture').width === 80")  # the next one
    browser.wait(IDLE)
    page.click("remove")
    browser.wait("document.getElementById('picture').width === 60")
    assert page.run("document.getElementById('photos').hidden") is True
    assert page.run("document.activeElement.id") == "file"


def test_no_more_photos_are_kept_than_is_said(open_page: Opener, browser: Browser, tmp_path: Path) -> None:
    page = open_page()
    photos = written([(tmp_path / f"{i}.png", picture(8, 9, i)) for i in range(41)])
    page.give(*photos)
    browser.wait("!document.getElementById('problem').hidden")
    assert page.problem() == "The page takes 40 photos at once: the first 40 of the 41."
    page.give(photos[40])
    browser.wait("document.querySelector('#strip label').title === '1.png'")  # the oldest left
    assert page.run("document.querySelectorAll('#strip label').length") == 40


def test_a_picture_is_saved_at_its_own_size_as_the_cpu_engine_styles_it(
    open_page: Opener, browser: Browser, downloads: Callable[[str], Path], tmp_path: Path
) -> None:
    page = open_page()
    photo = picture(1500, 2600)  # larger than the page shows it, and than a tile on one side
    page.give(*written([(tmp_path / "holiday.png", photo)]))
    browser.wait("document.getElementById('picture').width === 2560")
    browser.wait(IDLE)
    page.run("preview.stage.set({controls: {intensity: 0.9, warmth: 0.2}})")
    page.click("save-picture")
    saved = np.asarray(Image.open(downloads("holiday-vibrant.png")).convert("RGB"))
    browser.wait(SAVED)
    assert page.text("saved") == "holiday-vibrant.png: 2600×1500 pixels."
    mask = shown_mask(page)
    layers, controls = look_of_style(style_named("vibrant")), Controls(intensity=0.9, warmth=0.2)
    wanted = styled_pixels(photo, layers, controls, mask)
    assert np.abs(saved.astype(int) - wanted).max() <= 2
    assert np.abs(wanted.astype(int) - photo).mean() > 2


def shown_mask(page: Page) -> NDArray[np.float32]:
    """(h, w, 3): the mask of the shown picture."""
    text = page.run("JSON.stringify({...preview.stage.mask, mask: [...preview.stage.mask.mask]})")
    mask = json.loads(str(text))
    pixels = np.array(mask["mask"], np.float32).reshape(mask["height"], mask["width"], 4)
    return pixels[..., :3] / np.float32(255)


def test_a_picture_that_no_browser_draws_is_saved_smaller(
    open_page: Opener, browser: Browser, downloads: Callable[[str], Path], tmp_path: Path
) -> None:
    page = open_page()
    Image.fromarray(picture(20, 17000)).save(tmp_path / "wide.jpg")
    page.give(tmp_path / "wide.jpg")
    browser.wait("document.getElementById('picture').width === 2560")
    page.click("save-picture")
    with Image.open(downloads("wide-vibrant.jpg")) as saved:
        assert (saved.format, saved.size) == ("JPEG", (16384, 19))
    browser.wait(SAVED)
    assert page.text("saved") == (
        "wide-vibrant.jpg: 16384×19 pixels instead of 17000×20, because not every browser draws a larger picture."
    )


def test_before_and_after_are_saved_side_by_side(
    open_page: Opener, browser: Browser, downloads: Callable[[str], Path], tmp_path: Path
) -> None:
    page = open_page()
    photo = picture(90, 60)
    page.give(*written([(tmp_path / "tall.png", photo)]))
    browser.wait("document.getElementById('picture').width === 60")
    page.click("save-comparison")
    saved = np.asarray(Image.open(downloads("tall-vibrant-compare.png")).convert("RGB"))
    browser.wait(SAVED)
    assert saved.shape == (90, 121, 3)
    page.show_all_after()
    assert np.array_equal(saved[:, :60], photo)
    assert (saved[:, 60] == 255).all()
    assert np.abs(saved[:, 61:].astype(int) - page.pixels()).max() <= 1


def test_all_photos_are_saved_in_a_zip(
    open_page: Opener, browser: Browser, downloads: Callable[[str], Path], tmp_path: Path
) -> None:
    page = open_page()
    assert page.run("document.getElementById('save-all').hidden") is True
    first, second, third = picture(40, 60), picture(50, 70, 1), picture(60, 80, 2)
    photos = written(
        [(tmp_path / "x/é.png", first), (tmp_path / "y/é.png", second), (tmp_path / "z.jpg", third)]
    )
    page.give(*photos)
    browser.wait("document.querySelectorAll('#strip label').length === 3")
    page.click("save-all")
    with zipfile.ZipFile(downloads("photos-vibrant.zip")) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == ["é-vibrant.png", "é-vibrant-2.png", "z-vibrant.jpg"]
        opened = [Image.open(io.BytesIO(archive.read(name))) for name in archive.namelist()]
        dates = [info.date_time[:3] for info in archive.infolist()]
    browser.wait(SAVED)
    assert page.text("saved") == "photos-vibrant.zip: 3 photos."
    assert [image.size for image in opened] == [(60, 40), (70, 50), (80, 60)]
    assert all(year >= 2024 for year, _, _ in dates)
    page.show_all_after()
    assert np.abs(np.asarray(opened[0].convert("RGB")).astype(int) - page.pixels()).max() <= 1


def test_the_camera_is_saved_and_gives_way_to_the_last_photo(
    open_page: Opener, browser: Browser, downloads: Callable[[str], Path], tmp_path: Path
) -> None:
    page = open_page()
    page.give(*written([(tmp_path / "still.png", picture(40, 60))]))
    browser.wait("document.getElementById('picture').width === 60")
    page.click("camera")
    browser.wait("document.getElementById('picture').width > 512")
    page.click("save-picture")
    with Image.open(downloads("camera-vibrant.jpg")) as saved:
        assert saved.format == "JPEG"
        assert saved.width == page.run("document.getElementById('picture').width")
        assert np.asarray(saved).std() > 5
    page.click("camera")
    browser.wait("document.getElementById('picture').width === 60")
    browser.wait(IDLE)
    assert page.problem() == ""


def test_a_painted_mask_is_drawn_taken_back_saved_and_read_by_the_command_line(
    open_page: Opener,
    browser: Browser,
    downloads: Callable[[str], Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    page = open_page()
    page.give(*written([(tmp_path / "a.png", picture(90, 120))]))
    browser.wait("document.getElementById('picture').width === 120")
    browser.wait(IDLE)
    found = shown_mask(page)
    page.click("brush")
    assert page.run("document.getElementById('regions').hidden") is False
    assert page.run("document.getElementById('undo').disabled") is True
    page.run("document.querySelector('[name=region][value=hair]').click()")
    page.paint((0.25, 0.5), (0.75, 0.5))
    painted = shown_mask(page)
    middle = painted[painted.shape[0] // 2]
    width = len(middle)
    assert (middle[width * 3 // 10 : width * 7 // 10] == (0, 1, 0)).all()
    assert np.array_equal(painted[0], found[0])  # far from the stroke

    page.show_all_after()
    page.click("save-mask")
    mask = downloads("a-mask.png")
    browser.wait("document.getElementById('saved').textContent !== 'Saving …'")
    assert page.text("saved") == "a-mask.png: edgekit style a.png --mask a-mask.png"
    monkeypatch.chdir(tmp_path)
    ran = edgekit("style", "a.png", "--style", "vibrant", "--mask", mask)
    assert ran.code == 0, ran
    assert np.abs(np.asarray(Image.open("styled/a.png")).astype(int) - page.pixels()).max() <= 2

    page.click("undo")
    assert np.array_equal(shown_mask(page), found)
    assert page.run("document.getElementById('undo').disabled") is True
    page.click("brush")
    assert page.run("document.getElementById('brush-area').hidden") is True
