"""Time `edgekit style`'s engine against Pillow doing the same work on one 12-megapixel picture.

    python -m benchmarks.cpu_engine [--runs 5] [--threads 1] [--write]

Both apply two 33-point tables and blend them by one mask of 128², in memory, no file read or written.
Pillow: the mask resized bilinearly, two `Color3DLUT` filters, one `Image.composite`. The two take turns,
so that another load on the machine meets both; medians.
"""

from __future__ import annotations

import argparse
import statistics

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from benchmarks import harness
from edgekit.color.controls import NO_CONTROLS
from edgekit.color.engine import styled_pixels
from edgekit.color.layers import Look, look_of_style
from edgekit.color.lut import Lut3D
from edgekit.color.styles import STYLES
from edgekit.images import astronaut

WIDTH, HEIGHT = 4000, 3000
MASK_SIDE = 128


def main() -> None:
    """Time both on two masks, and publish the figure `cpu-engine`."""
    parser = harness.parser(__doc__)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    cv2.setNumThreads(options.threads)  # else OpenCV would use every core inside a tile
    picture = Image.fromarray(astronaut().image).resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC)
    look = look_of_style(STYLES["dramatic"])
    rows = [row(name, picture, look, mask, options) for name, mask in masks().items()]
    columns = ("mask", "edgekit ms", "Pillow ms", "edgekit / Pillow", "mean difference, levels of 255")
    made_with = harness.machine(
        "numpy", "pillow", "opencolorio", "opencv-python-headless", threads=options.threads
    )
    n = f"{options.runs} interleaved runs on {WIDTH} × {HEIGHT} pixels"
    harness.publish(options, "cpu-engine", n, made_with, harness.table(columns, rows))


def row(
    name: str,
    picture: Image.Image,
    look: Look,
    mask: NDArray[np.float32],
    options: argparse.Namespace,
) -> tuple[object, ...]:
    """One mask's cells: both times, their ratio, and how far apart the two pictures are."""
    pixels = np.asarray(picture)
    luts = {region: layer.lut for layer in look.layers for region in layer.regions}
    filters = {region: pillow_filter(luts[region]) for region in ("skin", "background")}
    skin = Image.fromarray(np.rint(mask[..., 0] * 255).astype(np.uint8))

    def edgekit() -> NDArray[np.uint8]:
        return np.asarray(styled_pixels(pixels, look, NO_CONTROLS, mask, threads=options.threads), np.uint8)

    def pillow() -> NDArray[np.uint8]:
        alpha = skin.resize(picture.size, Image.Resampling.BILINEAR)
        on_skin, elsewhere = (picture.filter(filters[group]) for group in ("skin", "background"))
        return np.asarray(Image.composite(on_skin, elsewhere, alpha))

    difference = np.abs(edgekit().astype(int) - pillow()).mean()
    times = harness.interleaved_ms({"edgekit": edgekit, "Pillow": pillow}, options.runs, warm_up=0)
    ours, theirs = (statistics.median(samples) for samples in times.values())
    return name, f"{ours:.0f}", f"{theirs:.0f}", f"{ours / theirs:.2f}", f"{difference:.3f}"


def masks() -> dict[str, NDArray[np.float32]]:
    """A face-like ellipse with a soft edge, and the worst case: every pixel a mix."""
    y, x = np.mgrid[0:MASK_SIDE, 0:MASK_SIDE] / MASK_SIDE
    inside = 1.0 - ((x - 0.44) / 0.16) ** 2 - ((y - 0.3) / 0.2) ** 2
    ellipse = np.zeros((MASK_SIDE, MASK_SIDE, 3), np.float32)
    ellipse[..., 0] = 1.0 / (1.0 + np.exp(-12.0 * inside))
    everywhere = np.random.default_rng(7).uniform(0.1, 0.3, ellipse.shape).astype(np.float32)
    return {"face-like ellipse": ellipse, "every pixel a mix": everywhere}


def pillow_filter(lut: Lut3D | None) -> ImageFilter.Color3DLUT:
    assert lut is not None
    return ImageFilter.Color3DLUT(lut.size, lut.table.transpose(2, 1, 0, 3).reshape(-1).tolist())


if __name__ == "__main__":
    main()
