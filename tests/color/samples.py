"""Asymmetric tables, pictures and masks that several tests share."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edgekit.color.lut import Lut3D, grid

IDENTITY_2 = "0 0 0\n1 0 0\n0 1 0\n1 1 0\n0 0 1\n1 0 1\n0 1 1\n1 1 1\n"  # rows of a .cube


def bent_lut(size: int = 9) -> Lut3D:
    """A smooth table that treats every channel differently and mixes them: no swap of axes hides in it."""
    r, g, b = np.moveaxis(grid(size), -1, 0)
    table = np.stack([r**1.4 * 0.9 + 0.06 * b, g**0.8 * 0.95, 0.1 + 0.7 * b**1.2 + 0.15 * r * g], axis=-1)
    return Lut3D(np.clip(table, 0, 1).astype(np.float32), title="bent")


def rough_lut(size: int = 5, seed: int = 3) -> Lut3D:
    """Noise: every wrong corner or weight shows."""
    return Lut3D(np.random.default_rng(seed).random((size, size, size, 3), np.float32))


def colours(count: int = 4000, seed: int = 1) -> NDArray[np.float64]:
    """(count, 3) in [0, 1], corners, faces and exact table points among them."""
    rgb = np.random.default_rng(seed).random((count, 3))
    rgb[:200] = np.round(rgb[:200])
    rgb[200:400, 0] = 1.0
    rgb[400:600] = np.round(rgb[400:600] * 8) / 8
    rgb[600:700] = rgb[600:700, :1]
    return rgb


def picture(height: int = 97, width: int = 143, dtype: type = np.uint8) -> NDArray[np.uint8]:
    """(height, width, 3): gradients and noise in the type's full range."""
    y, x = np.mgrid[0:height, 0:width]
    rgb = np.stack([x / width, y / height, (x + 2 * y) / (width + 2 * height)], axis=-1)
    rgb += np.random.default_rng(5).normal(0, 0.03, rgb.shape)
    codes: NDArray[np.uint8] = np.rint(np.clip(rgb, 0, 1) * np.iinfo(dtype).max).astype(dtype)
    return codes


def mask(height: int = 13, width: int = 19) -> NDArray[np.float32]:
    """(height, width, 3): an off-centre blob of skin, hair above it, clothes below, soft everywhere."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float32) / (height, width)[0]
    centres = ((0.7, 0.4), (0.6, 0.15), (0.8, 0.9))
    near = [np.exp(-12 * ((x - cx) ** 2 + (y - cy) ** 2)) for cx, cy in centres]
    weights = np.stack(near, axis=-1)
    return np.asarray(weights / np.maximum(weights.sum(axis=-1, keepdims=True), 1), np.float32)


def baked(lut: Lut3D, form: str) -> str:
    """The text OpenColorIO itself writes for a table in one of its formats."""
    import PyOpenColorIO as ocio

    transform = ocio.Lut3DTransform(gridSize=lut.size)
    transform.setInterpolation(ocio.INTERP_TETRAHEDRAL)
    transform.setData(lut.table.reshape(-1))
    group, config = ocio.GroupTransform([transform]), ocio.Config.CreateRaw()
    if "CLF" in form:
        return str(group.write("Academy/ASC Common LUT Format", config))
    target = ocio.ColorSpace(name="target")
    target.setTransform(group, ocio.COLORSPACE_DIR_FROM_REFERENCE)
    config.addColorSpace(target)
    config.addColorSpace(ocio.ColorSpace(name="source"))
    baker = ocio.Baker()
    baker.setConfig(config)
    baker.setFormat(form)
    baker.setInputSpace("source")
    baker.setTargetSpace("target")
    baker.setCubeSize(lut.size)
    return str(baker.bake())
