"""Draw the bundled portrait in every preset, through the engine and the bundled network, as one picture.

    python -m benchmarks.contact_sheet [--out docs/images/styles.jpg] [--weights W]

The portrait is scikit-image's astronaut (NASA, public domain).
"""

from __future__ import annotations

import argparse
import io
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from edgekit.color.controls import NO_CONTROLS
from edgekit.color.engine import styled_pixels
from edgekit.color.layers import look_of_style
from edgekit.color.styles import STYLES
from edgekit.files import write_whole
from edgekit.images import astronaut
from edgekit.segmenter import Segmenter
from edgekit.weights import load_checkpoint

COLUMNS = 6
CROP = (20, 0, 430, 440)  # left, top, right, bottom: head, shoulders and the background on both sides
CELL_WIDTH = 246
GAP, CAPTION = 8, 26
PAPER, INK = (22, 22, 24), (235, 235, 235)
MAX_BYTES = 400_000


def main() -> None:
    """Draw the sheet."""
    plain = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=plain)
    parser.add_argument("--out", type=Path, default=Path("docs/images/styles.jpg"))
    parser.add_argument("--weights")
    arguments = parser.parse_args()
    photo = astronaut().image
    mask = Segmenter(load_checkpoint(arguments.weights)).groups(photo)
    cells: list[tuple[str, NDArray[np.generic]]] = [("Original", photo)]
    for style in STYLES.values():
        cells.append((style.title, styled_pixels(photo, look_of_style(style), NO_CONTROLS, mask)))
    write_whole(arguments.out, jpeg(sheet(cells)), replace=True)


def sheet(cells: list[tuple[str, np.ndarray]]) -> Image.Image:
    left, top, right, bottom = CROP
    height = round(CELL_WIDTH * (bottom - top) / (right - left))
    rows = -(-len(cells) // COLUMNS)
    size = (COLUMNS * (CELL_WIDTH + GAP) + GAP, rows * (height + CAPTION + GAP) + GAP)
    page = Image.new("RGB", size, PAPER)
    draw, font = ImageDraw.Draw(page), ImageFont.load_default(15)
    for index, (title, pixels) in enumerate(cells):
        x = GAP + index % COLUMNS * (CELL_WIDTH + GAP)
        y = GAP + index // COLUMNS * (height + CAPTION + GAP)
        cell = Image.fromarray(pixels).crop(CROP).resize((CELL_WIDTH, height), Image.Resampling.LANCZOS)
        page.paste(cell, (x, y))
        draw.text((x + 2, y + height + 4), title, INK, font)
    return page


def jpeg(page: Image.Image) -> bytes:
    """The best quality that stays below MAX_BYTES."""
    for quality in range(92, 40, -4):
        stream = io.BytesIO()
        page.save(stream, format="JPEG", quality=quality, subsampling="4:4:4", optimize=True)
        if stream.tell() <= MAX_BYTES:
            return stream.getvalue()
    raise SystemExit(f"the sheet does not fit into {MAX_BYTES:,} bytes")


if __name__ == "__main__":
    main()
