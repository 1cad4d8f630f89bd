"""Draw a segmentation over its picture."""

from __future__ import annotations

import base64
import colorsys
import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

OPACITY = 0.6
GOLDEN_ANGLE = 0.618034  # spreads any number of hues evenly (Ankerl, 2009)
LEGEND_WIDTH, LEGEND_ROW = 150, 18


def palette(classes: int) -> NDArray[np.uint8]:
    """One colour per class, (classes, 3) uint8 RGB; class 0, the background, is black."""
    hues = [colorsys.hsv_to_rgb((i * GOLDEN_ANGLE) % 1, 0.75, 1) for i in range(classes)]
    colours = np.round(np.array(hues) * 255).astype(np.uint8)
    colours[0] = 0
    return colours


def overlay(image: NDArray[np.uint8], labels: NDArray[np.uint8], names: tuple[str, ...]) -> Image.Image:
    """The picture tinted by class, with a legend of the classes found. image: (H, W, 3) uint8. labels: (H, W)."""
    colours = palette(len(names))
    tinted = image * (1 - OPACITY) + colours[labels] * OPACITY
    shown = np.where((labels > 0)[..., None], tinted, image).round().astype(np.uint8)
    height, width = labels.shape
    canvas = Image.new("RGB", (width + LEGEND_WIDTH, height), "white")
    canvas.paste(Image.fromarray(shown))
    draw = ImageDraw.Draw(canvas)
    found = [i for i in np.unique(labels) if i > 0]
    for row, index in enumerate(found):
        top = 6 + row * LEGEND_ROW
        draw.rectangle((width + 8, top + 2, width + 20, top + 14), fill=tuple(int(v) for v in colours[index]))
        draw.text((width + 26, top + 2), f"{names[index]}  {np.mean(labels == index):.1%}", fill="black")
    if not found:
        draw.text((width + 8, 8), "no person found", fill="black")
    return canvas


def data_uri(picture: Image.Image) -> str:
    """The picture as a JPEG data URI, for a self-contained page."""
    buffer = io.BytesIO()
    picture.convert("RGB").save(buffer, "JPEG", quality=88)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode()


def png_bytes(picture: Image.Image) -> bytes:
    """The picture as a PNG file."""
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    return buffer.getvalue()
