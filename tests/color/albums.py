"""Folders of photos for runs over them, and ways to end such runs."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from tests.color.samples import picture


def made_album(folder: Path, photos: int, size: tuple[int, int] = (30, 40)) -> None:
    (folder / "album" / "deep").mkdir(parents=True)
    for k in range(photos):
        name = f"deep/{k:02}.png" if k % 3 == 2 else f"{k:02}.jpg"
        Image.fromarray(np.roll(picture(*size), k, axis=0)).save(folder / "album" / name)
    left = np.zeros((12, 16, 3), np.uint8)
    left[:, :8, 0] = 255
    Image.fromarray(left).save(folder / "mask.png")


class Stop:
    """Masks for the first photos, then Ctrl-C."""

    def __init__(self, after: int) -> None:
        self.left = after

    def __call__(self, path: Path) -> Callable[[np.ndarray], np.ndarray]:
        return self._segment

    def _segment(self, image: np.ndarray) -> np.ndarray:
        if not self.left:
            raise KeyboardInterrupt
        self.left -= 1
        return np.full((4, 4, 3), 0.3, np.float32)


def forked_processes() -> Any:
    """A way to fork processes that have edgekit imported and nothing else begun."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["edgekit.styling"])
    return context
