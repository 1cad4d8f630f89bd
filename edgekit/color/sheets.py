"""Pictures for people: the mask over a photo, before and after, a photo in many styles.

Sheets are 8-bit sRGB, small enough for a screen. What they show is drawn by the engine that styles the photo.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from edgekit.color.controls import GROUPS
from edgekit.color.difference import SkinDifference
from edgekit.color.engine import Pixels, upsampled_rows
from edgekit.overlay import OPACITY

Picture = NDArray[np.uint8]  # (h, w, 3) sRGB
Colour = tuple[int, int, int]

MASK_SIDE, PANEL_SIDE, CELL_SIDE = 1600, 800, 480  # the longest side of a photo on each sheet, in pixels
MARGIN = 16
LINE = 26  # of a caption, in pixels
FONT_SIZE = 20
WIDEST_TEXT = 400  # that a narrow picture makes room for
INK, GREY, PAPER = (20, 20, 20), (110, 110, 110), (255, 255, 255)
# Skin, hair, clothes: the colours that `--mask` pictures use, softened to leave the photo visible.
TINTS: tuple[Colour, ...] = ((235, 60, 60), (60, 200, 80), (70, 110, 240))
SHEET_SHAPE = 1.3  # width by height of a screen, about, and of paper
FOUND_SHARE = 0.0005  # of the photo; a group below it is noise at an edge


@dataclass(frozen=True, eq=False)
class Cell:
    """A picture with the lines of its caption; the first is dark, the others grey."""

    picture: Picture
    caption: tuple[str, ...]


def reduced(pixels: Pixels, side: int) -> Pixels:
    """(h, w, 3) pixels of at most `side` along the longer side, each the mean of those it stands for."""
    import cv2

    height, width = pixels.shape[:2]
    scale = side / max(height, width)
    if scale >= 1.0:
        return pixels
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), pixels.dtype)  # type: ignore[return-value]


def mask_at(mask: NDArray[np.float32], shape: tuple[int, int]) -> NDArray[np.float32]:
    """The mask for a picture of that (H, W): (H, W, 3) float32, whether it has to grow or to shrink."""
    import cv2

    if mask.shape[0] <= shape[0]:
        return upsampled_rows(mask, shape, slice(0, shape[0]))
    return np.asarray(cv2.resize(mask, shape[::-1], interpolation=cv2.INTER_AREA), np.float32)


def tinted(picture: Picture, weights: NDArray[np.float32]) -> Picture:
    """The picture with each group in its colour. weights: (h, w, 3) of skin, hair, clothes, as the picture."""
    share = OPACITY * weights
    mixed = picture * (1 - share.sum(-1, keepdims=True)) + share @ np.asarray(TINTS, np.float32)
    return np.asarray(np.rint(np.clip(mixed, 0, 255)), np.uint8)


def mask_sheet(picture: Picture, weights: NDArray[np.float32]) -> Picture:
    """The picture tinted by group, with a legend below. weights: (h, w, 3) of skin, hair, clothes, as the picture."""
    shown = tinted(picture, weights)
    shares = weights.reshape(-1, 3).mean(axis=0)
    entries = [
        (f"{group}  {part:.1%}", tint)
        for group, part, tint in zip(GROUPS[:-1], shares, TINTS, strict=True)
        if part >= FOUND_SHARE
    ]
    return _with_legend(shown, entries or [("no skin, hair or clothes found", PAPER)])


def comparison_sheet(
    before: Picture, after: Picture, everywhere: Picture, look: str, difference: SkinDifference | None
) -> Picture:
    """The photo, its styled copy, and the same table everywhere, with the ΔE2000 of skin below each."""
    if difference is None:
        kept = without = "no skin found"
    else:
        kept = _delta(difference.mean, difference.p95)
        without = _delta(difference.everywhere_mean, difference.everywhere_p95)
    cells = [
        Cell(before, ("before",)),
        Cell(after, (look, kept)),
        Cell(everywhere, (f"{look}: its table everywhere", without)),
    ]
    height, width = before.shape[:2]
    return grid(cells, columns=1 if width > 2 * height else 3)


def _delta(mean: float, p95: float) -> str:
    return f"skin: Delta E2000 mean {mean:.1f}, p95 {p95:.1f}"  # Pillow's own font has no Greek


def contact_sheet(cells: Sequence[Cell]) -> Picture:
    """The cells in a grid that is nearly as high as wide and nearly full."""
    height, width = cells[0].picture.shape[:2]

    def lack(columns: int) -> float:
        rows = -(-len(cells) // columns)
        shape = (columns * width) / (rows * (height + LINE))
        return abs(math.log(shape / SHEET_SHAPE)) + (columns * rows - len(cells)) / len(cells)

    return grid(cells, min(range(1, len(cells) + 1), key=lack))


def grid(cells: Sequence[Cell], columns: int) -> Picture:
    """The cells row by row, each with its caption below."""
    font = _font()
    texts = max(font.getlength(_printable(text)) for cell in cells for text in cell.caption)
    width = max(min(math.ceil(texts), WIDEST_TEXT), *(cell.picture.shape[1] for cell in cells))
    height = max(cell.picture.shape[0] for cell in cells)
    lines = max(len(cell.caption) for cell in cells)
    step_x, step_y = width + MARGIN, height + LINE * lines + MARGIN
    rows = -(-len(cells) // columns)
    canvas = Image.new("RGB", (MARGIN + columns * step_x, MARGIN + rows * step_y), PAPER)
    draw = ImageDraw.Draw(canvas)
    for index, cell in enumerate(cells):
        left, top = MARGIN + index % columns * step_x, MARGIN + index // columns * step_y
        canvas.paste(Image.fromarray(cell.picture), (left, top))
        for line, text in enumerate(cell.caption):
            y = top + height + line * LINE + 3
            draw.text((left, y), _fitting(text, width, font), fill=GREY if line else INK, font=font)
    return np.asarray(canvas)


def _with_legend(picture: Picture, entries: Sequence[tuple[str, Colour]]) -> Picture:
    font = _font()
    swatch = FONT_SIZE
    widths = [swatch + 8 + math.ceil(font.getlength(text)) + 2 * MARGIN for text, _ in entries]
    height, width = picture.shape[:2]
    wide = max(width, MARGIN + max(widths))
    rows = [[0]]
    for index in range(1, len(entries)):  # as many beside each other as there is room for
        fits = MARGIN + sum(widths[k] for k in [*rows[-1], index]) <= wide
        rows[-1].append(index) if fits else rows.append([index])
    canvas = Image.new("RGB", (wide, height + len(rows) * LINE + MARGIN), PAPER)
    canvas.paste(Image.fromarray(picture))
    draw = ImageDraw.Draw(canvas)
    for row, indices in enumerate(rows):
        left, top = MARGIN, height + MARGIN // 2 + row * LINE
        for index in indices:
            text, colour = entries[index]
            draw.rectangle((left, top + 3, left + swatch - 2, top + swatch + 1), fill=colour)
            draw.text((left + swatch + 8, top), text, fill=INK, font=font)
            left += widths[index]
    return np.asarray(canvas)


def _fitting(text: str, width: int, font: ImageFont.FreeTypeFont) -> str:
    """The text cut to the width."""
    known = _printable(text)
    if font.getlength(known) <= width:
        return known
    while known and font.getlength(known + "...") > width:
        known = known[:-1]
    return known + "..."


def _printable(text: str) -> str:
    """The text in letters that the font has."""
    return text.encode("ascii", "replace").decode()


def _font() -> ImageFont.FreeTypeFont:
    font = ImageFont.load_default(FONT_SIZE)
    assert isinstance(
        font, ImageFont.FreeTypeFont
    )  # Pillow's wheels have FreeType; without it there are no sizes
    return font
