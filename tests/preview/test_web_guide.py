"""docs/web.md's page, run as written: plain files on a plain server, in headless Chromium."""

from __future__ import annotations

import functools
import io
import re
import shutil
import threading
import time
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from edgekit.bundles.reading import OpenBundle
from edgekit.color.controls import Controls
from edgekit.color.engine import styled_pixels
from edgekit.color.layers import look_of_style
from edgekit.color.styles import style_named
from edgekit.errors import EdgekitError
from edgekit.preview.litert_js import litert_js
from edgekit.preview.server import PAGE
from edgekit.segmenter import Segmenter
from tests.preview.browser import Browser, Viewport

GUIDE = Path(__file__).parent.parent.parent / "docs/web.md"
SIZE = 128  # the small bundle's input: the browser has nothing to stretch
WINDOW = Viewport(800, 600)


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Requests are no news."""


def page_in_guide() -> str:
    text = GUIDE.read_text(encoding="utf-8")
    block = re.search(r"```html\n(.*?)```", text, re.S)
    assert block is not None
    return block[1]


def files_in_guide() -> list[str]:
    """The modules that the guide says to copy."""
    line = re.search(r"^edgekit/ +(.*), from edgekit/preview/page$", GUIDE.read_text(encoding="utf-8"), re.M)
    assert line is not None
    return line[1].split()


def test_the_guide_names_all_modules_that_its_page_needs() -> None:
    copied = set(files_in_guide())
    for name in copied:
        text = (PAGE / name).read_text(encoding="utf-8")
        needed = set(re.findall(r"from '\./([\w.-]+)'|new URL\('([\w.-]+)'", text))
        assert {first or second for first, second in needed} <= copied, name


@pytest.mark.slow
@pytest.mark.system
@pytest.mark.skipif(
    shutil.which("chromium") is None and shutil.which("google-chrome") is None,
    reason="needs chromium; tools/install-system-packages.sh installs it",
)
def test_the_guide_works_as_written(made: OpenBundle, tmp_path: Path) -> None:
    try:
        shutil.copytree(litert_js(), tmp_path / "litert")
    except EdgekitError as error:
        pytest.skip(str(error))
    shutil.copytree(made.folder, tmp_path / "bundle")
    (tmp_path / "edgekit").mkdir()
    for name in files_in_guide():
        shutil.copy(PAGE / name, tmp_path / "edgekit" / name)
    style = "<style>body, img, canvas { margin: 0; display: block }</style>"
    (tmp_path / "index.html").write_text(page_in_guide() + style, encoding="utf-8")
    photo = np.asarray(Image.open(made.folder / "golden/image.png").convert("RGB").resize((SIZE, SIZE)))
    Image.fromarray(photo).save(tmp_path / "photo.jpg", format="PNG")  # browsers look at the bytes

    handler = functools.partial(Quiet, directory=str(tmp_path))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server, Browser() as browser:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        browser.open(f"http://127.0.0.1:{server.server_address[1]}/", WINDOW)
        drawn = styled_canvas(browser)
        server.shutdown()
    segmenter = made.path(made.bundle.segmenter("tflite").path)
    layers = look_of_style(style_named(made.bundle.default_style))
    wanted = styled_pixels(photo, layers, Controls(warmth=0.25), Segmenter(segmenter).groups(photo))
    assert np.abs(drawn.astype(int) - wanted).max() <= 4  # 2 of the GPU, 2 of the mask's rounding
    assert np.abs(wanted.astype(int) - photo).mean() > 2  # a style was drawn: random weights see little skin


def styled_canvas(browser: Browser) -> NDArray[np.uint8]:
    """The canvas below the photo, as it is seen, when it has stopped being black."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        seen = np.asarray(Image.open(io.BytesIO(browser.screenshot())).convert("RGB"))
        canvas = seen[SIZE : 2 * SIZE, :SIZE]
        if canvas.max() > 0 and canvas.min() < 255:
            return canvas
        time.sleep(0.2)
    raise AssertionError(f"nothing was drawn; console: {browser.console}")
