"""Time `edgekit style`'s engine against Pillow doing the same work on one 12-megapixel picture.

    python -m benchmarks.cpu_engine [--runs 5] [--threads 1]

Both apply two 33-point tables and blend them by one mask of 128², in memory, no file read or written.
Pillow: the mask resized bilinearly, two `Color3DLUT` filters, one `Image.composite`. The two take turns,
so that another load on the machine meets both; the median is reported.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import time
from collections.abc import Callable
from importlib.metadata import version

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from edgekit.color.controls import NO_CONTROLS
from edgekit.color.engine import Layer, layers_from_style, styled_pixels
from edgekit.color.lut import Lut3D
from edgekit.color.styles import STYLES
from edgekit.images import astronaut

WIDTH, HEIGHT = 4000, 3000
MASK_SIDE = 128


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    cv2.setNumThreads(arguments.threads)  # else OpenCV would use every core inside a tile
    picture = Image.fromarray(astronaut().image).resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC)
    layers = layers_from_style(STYLES["dramatic"])
    rows = {name: row(picture, layers, mask, arguments) for name, mask in masks().items()}
    report = {
        "pixels": WIDTH * HEIGHT,
        "runs": arguments.runs,
        "threads": arguments.threads,
        "cpu_count": os.cpu_count(),
        "versions": {
            name: version(name) for name in ("numpy", "pillow", "opencolorio", "opencv-python-headless")
        },
        "masks": rows,
    }
    print(json.dumps(report, indent=2))


def row(
    picture: Image.Image, layers: dict[str, Layer], mask: NDArray[np.float32], arguments: argparse.Namespace
) -> dict[str, float]:
    pixels = np.asarray(picture)
    filters = {group: pillow_filter(layers[group].lut) for group in ("skin", "background")}
    skin = Image.fromarray(np.rint(mask[..., 0] * 255).astype(np.uint8))

    def edgekit() -> NDArray[np.uint8]:
        return np.asarray(
            styled_pixels(pixels, layers, NO_CONTROLS, mask, threads=arguments.threads), np.uint8
        )

    def pillow() -> NDArray[np.uint8]:
        alpha = skin.resize(picture.size, Image.Resampling.BILINEAR)
        on_skin, elsewhere = (picture.filter(filters[group]) for group in ("skin", "background"))
        return np.asarray(Image.composite(on_skin, elsewhere, alpha))

    difference = np.abs(edgekit().astype(int) - pillow())
    times = interleaved({"edgekit": edgekit, "pillow": pillow}, arguments.runs)
    return {
        **{f"{name}_ms": round(1e3 * statistics.median(t), 1) for name, t in times.items()},
        "ratio": round(statistics.median(times["edgekit"]) / statistics.median(times["pillow"]), 3),
        "mean_difference_levels": round(float(difference.mean()), 3),
    }


def interleaved(candidates: dict[str, Callable[[], object]], runs: int) -> dict[str, list[float]]:
    times: dict[str, list[float]] = {name: [] for name in candidates}
    for _ in range(runs):
        for name, run in candidates.items():
            start = time.perf_counter()
            run()
            times[name].append(time.perf_counter() - start)
    return times


def masks() -> dict[str, NDArray[np.float32]]:
    """A face-like ellipse with a soft edge, and the worst case: every pixel a mix."""
    y, x = np.mgrid[0:MASK_SIDE, 0:MASK_SIDE] / MASK_SIDE
    inside = 1.0 - ((x - 0.44) / 0.16) ** 2 - ((y - 0.3) / 0.2) ** 2
    ellipse = np.zeros((MASK_SIDE, MASK_SIDE, 3), np.float32)
    ellipse[..., 0] = 1.0 / (1.0 + np.exp(-12.0 * inside))
    everywhere = np.random.default_rng(7).uniform(0.1, 0.3, ellipse.shape).astype(np.float32)
    return {"ellipse": ellipse, "mixed everywhere": everywhere}


def pillow_filter(lut: Lut3D | None) -> ImageFilter.Color3DLUT:
    assert lut is not None
    return ImageFilter.Color3DLUT(lut.size, lut.table.transpose(2, 1, 0, 3).reshape(-1).tolist())


if __name__ == "__main__":
    main()
