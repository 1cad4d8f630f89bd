"""The preview opened in headless Chromium, and what a person does with it."""

from __future__ import annotations

import base64
import io
import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from edgekit.bundles.writing import DEFAULT_STYLES
from tests.preview.browser import Browser, Viewport

IN_CHROMIUM = [
    pytest.mark.slow,
    pytest.mark.system,
    pytest.mark.skipif(
        shutil.which("chromium") is None and shutil.which("google-chrome") is None,
        reason="needs chromium; tools/install-system-packages.sh installs it",
    ),
]
STYLES = DEFAULT_STYLES  # enough to overflow a phone's row
DESKTOP, PHONE = Viewport(1360, 860), Viewport(390, 844)
READY = "document.body.ariaBusy === 'false'"
IDLE = "document.getElementById('busy').textContent === ''"  # the shown picture has its mask
# Drawing and reading in one task: a WebGL canvas is empty after it was shown.
PIXELS = "(preview.stage.draw(), preview.stage.renderer.canvas.toDataURL('image/png'))"


@dataclass(frozen=True)
class Page:
    """The preview, opened and ready; `preview` in scripts is the page's own object."""

    browser: Browser
    url: str

    def run(self, script: str) -> object:
        return self.browser.run(
            f"(async () => {{ const {{preview}} = await import('/page/preview.mjs'); return {script} }})()"
        )

    def pixels(self) -> NDArray[np.uint8]:
        """(H, W, 3): what the page draws now."""
        return decoded(str(self.run(PIXELS)))

    def drag_slider(self, name: str, value: float) -> None:
        self.run(
            f"(() => {{ const s = document.querySelector('[name={name}]'); s.value = {value}; "
            "s.dispatchEvent(new Event('input')) })()"
        )

    def click(self, element: str) -> None:
        self.run(f"document.getElementById('{element}').click()")

    def text(self, element: str) -> str:
        return str(self.run(f"document.getElementById('{element}').textContent"))

    def show_all_after(self) -> None:
        self.run("preview.stage.set({divider: 0})")

    def problem(self) -> str:
        return self.text("problem")

    def give(self, *photos: Path) -> None:
        """Choose photos with the file dialog's input."""
        root = self.browser.call("DOM.getDocument")["root"]["nodeId"]
        node = self.browser.call("DOM.querySelector", nodeId=root, selector="#file")["nodeId"]
        self.browser.call("DOM.setFileInputFiles", files=[str(photo) for photo in photos], nodeId=node)

    def paint(self, *points: tuple[float, float]) -> None:
        """A stroke of the mouse through these points, in fractions of the picture."""
        box = json.loads(
            str(self.run("JSON.stringify(document.getElementById('brush-area').getBoundingClientRect())"))
        )
        places = [{"x": box["x"] + x * box["width"], "y": box["y"] + y * box["height"]} for x, y in points]
        mouse: dict[str, object] = {"button": "left", "buttons": 1, "clickCount": 1}
        self.browser.call("Input.dispatchMouseEvent", type="mousePressed", **places[0], **mouse)
        for place in places[1:]:
            self.browser.call("Input.dispatchMouseEvent", type="mouseMoved", **place, **mouse)
        self.browser.call("Input.dispatchMouseEvent", type="mouseReleased", **places[-1], **mouse)

    def press(self, key: str, code: int) -> None:
        for kind in ("rawKeyDown", "keyUp"):
            self.browser.call(
                "Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=code
            )

    def controls(self, *roles: str) -> list[str]:
        """The names that a screen reader reads for the controls of these roles."""
        nodes = self.browser.call("Accessibility.getFullAXTree")["nodes"]
        found = [n for n in nodes if n.get("role", {}).get("value") in roles and not n.get("ignored")]
        return [n.get("name", {}).get("value", "") for n in found]


Opener = Callable[..., Page]


def decoded(data_url: str) -> NDArray[np.uint8]:
    data = base64.b64decode(data_url.partition(",")[2])
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))


def golden_picture(bundle: Path, name: str) -> NDArray[np.uint8]:
    return np.asarray(Image.open(bundle / "golden" / f"{name}.png").convert("RGB"))


def written(photos: Sequence[tuple[Path, NDArray[np.uint8]]]) -> list[Path]:
    """The photos as files; their folders are made."""
    for path, pixels in photos:
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(path)
    return [path for path, _ in photos]
