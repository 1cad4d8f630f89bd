"""Draw the bundled portrait in every preset, and at places of the pad, through the engine and the bundled network.

    python -m benchmarks.contact_sheet [--out docs/images] [--weights W]

The portrait is scikit-image's astronaut (NASA, public domain).
"""

from __future__ import annotations

import argparse
import io
from itertools import product
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from edgekit.color.controls import NO_CONTROLS, Controls
from edgekit.color.engine import styled_pixels
from edgekit.color.layers import look_of_style
from edgekit.color.styles import STYLES
from edgekit.files import write_whole
from edgekit.images import astronaut
from edgekit.segmenter import Segmenter
from edgekit.weights import load_checkpoint

STYLE_COLUMNS = 6
PAD_STYLE, PAD_STEPS = "natural", (-1.0, -0.5, 0.0, 0.5, 1.0)
CROP = (20, 0, 430, 440)  # left, top, right, bottom: head, shoulders and the background on both sides
CELL_WIDTH, PAD_CELL_WIDTH = 246, 150
GAP, CAPTION = 8, 26
PAPER, INK = (22, 22, 24), (235, 235, 235)
STYLES_BYTES, PAD_BYTES = 400_000, 200_000


Cells = list[tuple[str, NDArray[np.generic]]]


def main() -> None:
    """Draw both sheets."""
    plain = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=plain)
    parser.add_argument("--out", type=Path, default=Path("docs/images"), help="the folder")
    parser.add_argument("--weights")
    arguments = parser.parse_args()
    photo = astronaut().image
    mask = Segmenter(load_checkpoint(arguments.weights)).groups(photo)
    styles: Cells = [("Original", photo)]
    for style in STYLES.values():
        styles.append((style.title, styled_pixels(photo, look_of_style(style), NO_CONTROLS, mask)))
    pad: Cells = []
    look = look_of_style(STYLES[PAD_STYLE])
    for tone, color in product(reversed(PAD_STEPS), PAD_STEPS):  # bright on top, vivid on the right
        controls = Controls(tone=tone, color=color)
        pad.append((f"tone {tone:g}, color {color:g}", styled_pixels(photo, look, controls, mask)))
    for name, page, bytes_at_most in (
        ("styles.jpg", sheet(styles, STYLE_COLUMNS, CELL_WIDTH), STYLES_BYTES),
        ("pad.jpg", sheet(pad, len(PAD_STEPS), PAD_CELL_WIDTH), PAD_BYTES),
    ):
        write_whole(arguments.out / name, jpeg(page, bytes_at_most), replace=True)


def sheet(cells: Cells, columns: int, width: int) -> Image.Image:
    left, top, right, bottom = CROP
    height = round(width * (bottom - top) / (right - left))
    rows = -(-len(cells) // columns)
    size = (columns * (width + GAP) + GAP, rows * (height + CAPTION + GAP) + GAP)
    page = Image.new("RGB", size, PAPER)
    draw, font = ImageDraw.Draw(page), ImageFont.load_default(15)
    for index, (title, pixels) in enumerate(cells):
        x = GAP + index % columns * (width + GAP)
        y = GAP + index // columns * (height + CAPTION + GAP)
        cell = Image.fromarray(pixels).crop(CROP).resize((width, height), Image.Resampling.LANCZOS)
        page.paste(cell, (x, y))
        draw.text((x + 2, y + height + 4), title, INK, font)
    return page


def jpeg(page: Image.Image, bytes_at_most: int) -> bytes:
    """The best quality of at most so many bytes."""
    for quality in range(92, 40, -4):
        stream = io.BytesIO()
        page.save(stream, format="JPEG", quality=quality, subsampling="4:4:4", optimize=True)
        if stream.tell() <= bytes_at_most:
            return stream.getvalue()
    raise SystemExit(f"the sheet does not fit into {bytes_at_most:,} bytes")


if __name__ == "__main__":
    main()
