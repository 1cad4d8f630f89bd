"""The CPU engine: the formula of `edgekit.color.controls`, at full resolution, in tiles.

Intensity, tone, warmth, protection and strengths are baked into one table per distinct layer, so that a
pixel costs one look-up per table and one weighted mean. OpenColorIO does the look-up (SIMD, float,
tetrahedral) and OpenCV the mean. A tile and its copies fit the second-level cache; the memory in use is
the picture's, its result's and some 30 MB a thread.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import cast

import numpy as np
from numpy.typing import NDArray

from edgekit.color.controls import GROUPS, SKIN, Controls, adjust, amount
from edgekit.color.lut import Lut3D, grid
from edgekit.color.styles import Style
from edgekit.errors import EdgekitError, UnknownName

Pixels = NDArray[np.uint8] | NDArray[np.uint16]
# (mask (h, w, 3) float32, picture (H, W, 3) float32 encoded in [0, 1]) → (H, W, 3) float32 in [0, 1]
Refine = Callable[[NDArray[np.float32], NDArray[np.float32]], NDArray[np.float32]]

Lookup = Callable[[NDArray[np.float32]], None]  # (..., 4) float32 RGBA, changed in place

TILE_SIDE = 256  # three float RGBA copies of a tile are 3 MB, about one core's cache
BAND_PIXELS = 1 << 20  # the upsampled mask of a band of rows is 12 MB, however wide the picture
# A curve of k ≤ 0.5 baked into a table of N points errs by k/4·(1/(N − 1))²: 0.03 of a level at 33.
BAKED_SIZE = 33
REDOMAINED_SIZE = (
    65  # a table over another domain is sampled anew: its points do not lie on a grid over [0, 1]
)
MAX_THREADS = 4  # the work is bound by memory beyond that
# A tile where a layer never exceeds this weight skips its look-up: the error stays below 0.13 of a level.
NEGLIGIBLE_WEIGHT = 0.0005


@dataclass(frozen=True)
class Layer:
    """The styling of one group: a table over encoded sRGB, or None to leave it unchanged; strength in [0, 1]."""

    lut: Lut3D | None
    strength: float = 1.0

    def __post_init__(self) -> None:
        if not 0.0 <= self.strength <= 1.0:
            raise EdgekitError(f"a strength is {self.strength}; give a number from 0 to 1.")


def layers_from_style(style: Style) -> dict[str, Layer]:
    """The layers of a style: group → layer, for all four groups."""
    return {group: Layer(lut) for group, lut in style.luts().items()}


def layers_from_luts(everything: Lut3D, skin: Lut3D | None) -> dict[str, Layer]:
    """Layers with one table for everything but skin; skin has its own, or stays unchanged if that is None."""
    return {group: Layer(skin if group == SKIN else everything) for group in GROUPS}


def styled_pixels(
    pixels: Pixels,
    layers: Mapping[str, Layer],
    controls: Controls,
    mask: NDArray[np.float32],
    refine: Refine | None = None,
    threads: int | None = None,
) -> Pixels:
    """Style a picture. Returns one of the same shape and type.

    pixels: (H, W, 3) uint8 or uint16, encoded in the space the tables are for.
    mask: (h, w, 3) float in [0, 1], weights of skin, hair, clothes, over the whole picture.
    refine: upsamples the mask to (H, W, 3); None is bilinear with half-pixel centres, one band of rows at a time.
    """
    mask = weights_of(mask)
    baked = baked_layers(layers, controls)
    full = None if refine is None else refined_mask(refine, mask, pixels)
    height, width = pixels.shape[:2]
    result = np.empty_like(pixels)

    def run(rows: slice) -> None:
        band = upsampled_rows(mask, (height, width), rows) if full is None else full[rows]
        for columns in _slices(width, TILE_SIDE):
            result[rows, columns] = _styled_tile(pixels[rows, columns], baked, band[:, columns])

    workers = threads or min(MAX_THREADS, os.cpu_count() or 1)
    with ThreadPoolExecutor(workers) as pool:
        list(pool.map(run, _slices(height, min(TILE_SIDE, max(1, BAND_PIXELS // width)))))
    return result


def weights_of(mask: NDArray[np.floating]) -> NDArray[np.float32]:
    """Check a mask. Returns it as (h, w, 3) float32, divided by the sum of its groups where that exceeds 1."""
    if mask.ndim != 3 or mask.shape[2] != len(GROUPS) - 1 or 0 in mask.shape:
        raise EdgekitError(f"a mask has the shape (h, w, 3) for skin, hair, clothes, not {mask.shape}.")
    if not (np.isfinite(mask).all() and mask.min() >= 0.0 and mask.max() <= 1.0):
        raise EdgekitError("a mask holds weights from 0 to 1; this one has values outside that range.")
    total = np.maximum(mask.sum(axis=-1, keepdims=True), 1.0)
    return np.asarray(mask / total, np.float32)


@dataclass(frozen=True, eq=False)
class BakedLayer:
    """Groups that share one table with every control baked in; without a `lookup` they stay unchanged."""

    groups: tuple[str, ...]
    lookup: Lookup | None


def baked_layers(layers: Mapping[str, Layer], controls: Controls) -> tuple[BakedLayer, ...]:
    """The distinct tables c + amount·(adjust(lookup(c)) − c), each with the groups that use it."""
    unknown = sorted(set(layers) - set(GROUPS))
    if unknown:
        raise UnknownName("group", unknown[0], GROUPS)
    by_kind: dict[tuple[object, ...], list[str]] = {}
    for group in GROUPS:
        layer = layers.get(group, Layer(None))
        k = amount(controls, group, layer.strength)
        own_warmth = group == SKIN and controls.warmth != 0.0  # skin gets only a share of it
        kind = ("untouched",) if layer.lut is None or k == 0.0 else (id(layer.lut), k, own_warmth)
        by_kind.setdefault(kind, []).append(group)
    return tuple(_baked(tuple(groups), layers, controls) for groups in by_kind.values())


def _baked(groups: tuple[str, ...], layers: Mapping[str, Layer], controls: Controls) -> BakedLayer:
    layer = layers.get(groups[0], Layer(None))
    k = amount(controls, groups[0], layer.strength)
    if layer.lut is None or k == 0.0:
        return BakedLayer(groups, None)
    lut = layer.lut.resampled(_baked_size(layer.lut, controls))
    looked = np.clip(lut.table.astype(np.float64), 0.0, 1.0)
    start = grid(lut.size)
    table = start + k * (adjust(looked, controls, groups[0]) - start)
    return BakedLayer(groups, ocio_lookup(table.astype(np.float32)))


def _baked_size(lut: Lut3D, controls: Controls) -> int:
    """Points per side of the baked table: those of the table itself, and points between them if a curve is baked in."""
    if not lut.has_unit_domain:
        return max(REDOMAINED_SIZE, lut.size)
    if controls.tone == 0.0 and controls.warmth == 0.0:
        return lut.size  # a mix with the original is linear between the points: exact
    cells = lut.size - 1
    return cells * -(-(BAKED_SIZE - 1) // cells) + 1


def ocio_lookup(table: NDArray[np.float32], interpolation: str = "tetrahedral") -> Lookup:
    """OpenColorIO's CPU look-up, for (..., 4) float32 RGBA. table: (N, N, N, 3), `table[r, g, b]`."""
    import PyOpenColorIO as ocio

    kinds = {"trilinear": ocio.INTERP_LINEAR, "tetrahedral": ocio.INTERP_TETRAHEDRAL}
    transform = ocio.Lut3DTransform(gridSize=table.shape[0])
    transform.setInterpolation(kinds[interpolation])
    transform.setData(np.ascontiguousarray(table).reshape(-1))  # blue fastest
    processor = ocio.Config.CreateRaw().getProcessor(transform).getDefaultCPUProcessor()
    return cast(Lookup, processor.applyRGBA)


def upsampled_rows(mask: NDArray[np.float32], shape: tuple[int, int], rows: slice) -> NDArray[np.float32]:
    """Upsample some rows of a mask: bilinear, half-pixel centres, clamped at the border.

    mask: (h, w, 3). shape: (H, W) of the picture. Returns (rows, W, 3) float32.
    """
    import cv2

    height, width = shape
    y = (np.arange(rows.start, rows.stop) + 0.5) * (mask.shape[0] / height) - 0.5
    y = np.clip(y, 0.0, mask.shape[0] - 1.0)
    low = np.minimum(y.astype(np.intp), max(mask.shape[0] - 2, 0))
    high = np.minimum(low + 1, mask.shape[0] - 1)
    share = (y - low).astype(np.float32)[:, None, None]
    wanted = mask[low] * (1.0 - share) + mask[high] * share  # (rows, w, 3)
    wide = cv2.resize(wanted, (width, len(y)), interpolation=cv2.INTER_LINEAR)
    return np.asarray(wide, np.float32)


def _styled_tile(pixels: Pixels, baked: tuple[BakedLayer, ...], weights: NDArray[np.float32]) -> Pixels:
    """The weighted mean of the layers' colours, (h, w, 3). pixels: (h, w, 3). weights: (h, w, 3)."""
    import cv2

    shares = [_share(layer.groups, weights) for layer in baked]
    used = [k for k, share in enumerate(shares) if share.max() > NEGLIGIBLE_WEIGHT]
    if all(baked[k].lookup is None for k in used):
        return pixels
    source = _rgba(pixels)
    mixed, total = _looked_up(baked[used[0]], source), shares[used[0]]
    for k in used[1:]:
        colours = _looked_up(baked[k], source)
        mixed = np.asarray(cv2.blendLinear(mixed, colours, total, shares[k]), np.float32)
        total = total + shares[k]
    return _codes(mixed, pixels)


def _looked_up(layer: BakedLayer, source: NDArray[np.float32]) -> NDArray[np.float32]:
    """The layer's colours for `source`, (h, w, 4), which is not modified. Returns the same shape."""
    if layer.lookup is None:
        return source
    colours = source.copy()
    layer.lookup(colours)
    return colours


def _share(groups: tuple[str, ...], weights: NDArray[np.float32]) -> NDArray[np.float32]:
    """The sum of these groups' weights, (h, w) float32."""
    background = GROUPS[-1]
    others = [g for g in GROUPS[:-1] if (g in groups) != (background in groups)]
    share = np.zeros(weights.shape[:2], np.float32)
    for group in others:
        share += weights[..., GROUPS.index(group)]
    return np.maximum(1.0 - share, 0.0) if background in groups else share


def _rgba(pixels: Pixels) -> NDArray[np.float32]:
    """Convert (h, w, 3) codes to (h, w, 4) float32 in [0, 1]."""
    import cv2

    codes = cv2.cvtColor(np.ascontiguousarray(pixels), cv2.COLOR_RGB2RGBA)
    return np.multiply(codes, np.float32(1.0 / largest_code(pixels)), dtype=np.float32)


def _codes(rgba: NDArray[np.float32], like: Pixels) -> Pixels:
    """Convert (h, w, 4) float32 in [0, 1] to (h, w, 3) codes, rounded, of the type of `like`."""
    import cv2

    largest = largest_code(like)
    if like.dtype == np.uint8:
        codes = cv2.convertScaleAbs(rgba, alpha=largest)
    else:
        codes = np.rint(np.clip(rgba, 0.0, 1.0) * np.float32(largest)).astype(like.dtype)
    return cast(Pixels, cv2.cvtColor(codes, cv2.COLOR_RGBA2RGB))


def largest_code(pixels: Pixels) -> int:
    return 65535 if pixels.dtype == np.uint16 else 255


def refined_mask(refine: Refine, mask: NDArray[np.float32], pixels: Pixels) -> NDArray[np.float32]:
    """The mask at the picture's size, refined: (H, W, 3) float32. pixels: (H, W, 3) codes."""
    picture = pixels.astype(np.float32) / np.float32(largest_code(pixels))
    full = refine(mask, picture)
    if full.shape != pixels.shape:
        raise EdgekitError(f"a refined mask has the picture's shape {pixels.shape}, not {full.shape}.")
    return weights_of(np.clip(full, 0.0, 1.0))


def _slices(length: int, step: int) -> Iterator[slice]:
    for start in range(0, length, step):
        yield slice(start, min(start + step, length))
