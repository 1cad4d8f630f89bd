"""The small bundle and its copy that the bundle tests use; and the preview of another one in headless Chromium."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from edgekit.artifact import Artifact
from edgekit.bundles.writing import BundleContents, write_bundle
from edgekit.errors import EdgekitError
from edgekit.images import astronaut
from edgekit.preview.litert_js import litert_js
from edgekit.preview.server import Site, open_server, url_of
from edgekit.segmenter import Segmenter
from edgekit.weights import Checkpoint
from tests.bundles.conftest import damaged, made
from tests.preview.browser import Browser, Viewport
from tests.preview.pages import DESKTOP, READY, STYLES, Opener, Page
from tests.support.checkpoints import SIDE

__all__ = ["damaged", "made"]

CAMERA = ("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream")


@pytest.fixture(scope="module")
def litert() -> Path:
    try:
        return litert_js()
    except EdgekitError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def bundle_folder(
    checkpoint: Checkpoint, artifacts: dict[str, Artifact], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """A small network's .tflite, the default styles, and the portrait at the network's size: nothing is stretched."""
    image = astronaut().at(SIDE)
    weights = Segmenter(checkpoint, exact=True).groups(image)
    contents = BundleContents([artifacts["tflite"]], STYLES, "vibrant", image, weights)
    return write_bundle(contents, tmp_path_factory.mktemp("preview") / "bundle").folder


@pytest.fixture(scope="module")
def flags() -> tuple[str, ...]:
    """Chromium's flags for a module's browser."""
    return CAMERA


@pytest.fixture(scope="module")
def browser(flags: tuple[str, ...]) -> Iterator[Browser]:
    with Browser(*flags) as opened:
        yield opened


@pytest.fixture
def serve(litert: Path, bundle_folder: Path) -> Iterator[Callable[..., str]]:
    """Serves the page with a bundle at an address of its own; returns the address."""
    servers = []

    def served(bundle: Path = bundle_folder) -> str:
        server = open_server(Site(bundle, litert), port=0)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        servers.append(server)
        return url_of(server)

    yield served
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.fixture
def open_page(browser: Browser, serve: Callable[..., str]) -> Opener:
    def opened(viewport: Viewport = DESKTOP, **served: Path) -> Page:
        url = serve(**served)
        browser.console.clear()
        browser.open(url, viewport)
        browser.wait(READY)
        return Page(browser, url)

    return opened


@pytest.fixture
def downloads(browser: Browser, tmp_path: Path) -> Callable[[str], Path]:
    """Waits for a download of that name and returns its file."""
    folder = tmp_path / "downloads"
    browser.call("Browser.setDownloadBehavior", behavior="allow", downloadPath=str(folder))

    def named(name: str) -> Path:
        deadline = time.monotonic() + 60
        while not (folder / name).exists():
            assert time.monotonic() < deadline, [p.name for p in folder.glob("*")]
            time.sleep(0.05)
        return folder / name

    return named
