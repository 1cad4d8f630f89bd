"""The CPU engine: the formula of `edgekit.color.controls`, at full resolution, in tiles.

Intensity, tone, color, warmth, protection and strengths are baked into one table per distinct layer, so that a
pixel costs one look-up per table and one weighted mean; grain is drawn over that. OpenColorIO does the look-up
(SIMD, float, tetrahedral) and OpenCV the mean. A tile and its copies fit the second-level cache; the memory in use is
the picture's, its result's, a second picture's and some 30 MB a thread.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from typing import cast

import numpy as np
from numpy.typing import NDArray

from edgekit.color.blur import blurred_colours, blurred_sums, copy_shape
from edgekit.color.controls import GROUPS, SKIN, Controls, adjust, amount
from edgekit.color.grain import CELLS, GRAIN, grained, noise
from edgekit.color.layers import (
    BACKGROUND,
    DRAWN_REGIONS,
    GROUP_REGIONS,
    REGIONS,
    Layer,
    Look,
    Source,
)
from edgekit.color.lut import Lut3D, grid
from edgekit.errors import EdgekitError

Pixels = NDArray[np.uint8] | NDArray[np.uint16]
# (mask (h, w, 3) float32, picture (H, W, 3) float32 encoded in [0, 1]) → (H, W, 3) float32 in [0, 1]
Refine = Callable[[NDArray[np.float32], NDArray[np.float32]], NDArray[np.float32]]

Lookup = Callable[[NDArray[np.float32]], None]  # (..., 4) float32 RGBA, changed in place

CHANNELS = (*GROUP_REGIONS, *DRAWN_REGIONS)  # of the weights: all regions but the background

TILE_SIDE = 256  # three float RGBA copies of a tile are 3 MB, about one core's cache
BAND_PIXELS = 1 << 20  # the upsampled mask of a band of rows is 12 MB, however wide the picture
# A curve of k ≤ 0.5 baked into a table of N points errs by k/4·(1/(N − 1))²: 0.03 of a level at 33.
BAKED_SIZE = 33
BAKED_COLOR_SIZE = 65  # color bends more between the points: its largest and smallest channel change places
REDOMAINED_SIZE = (
    65  # a table over another domain is sampled anew: its points do not lie on a grid over [0, 1]
)
MAX_THREADS = 4  # the work is bound by memory beyond that
# A tile where a layer never exceeds this weight skips its look-up: the error stays below 0.13 of a level.
NEGLIGIBLE_WEIGHT = 0.0005


def styled_pixels(
    pixels: Pixels,
    look: Look,
    controls: Controls,
    mask: NDArray[np.float32],
    refine: Refine | None = None,
    threads: int | None = None,
    drawn: NDArray[np.float32] | None = None,
) -> Pixels:
    """Style a picture. Returns one of the same shape and type.

    pixels: (H, W, 3) uint8 or uint16, encoded in the space the look's tables and picture are for.
    mask: (h, w, 3) float in [0, 1], weights of skin, hair, clothes, over the whole picture.
    refine: upsamples the mask to (H, W, 3); None is bilinear with half-pixel centres, one band of rows at a time.
    drawn: (h, w, 3) float in [0, 1], the user's map of the drawn regions, over the whole picture too; where it covers
    a pixel, the mask's weights are reduced.
    """
    mask = weights_of(mask)
    baked = baked_layers(look.layers, controls)
    whole = pixels.shape[:2]
    weights = Weights(
        mask if refine is None else refined_mask(refine, mask, pixels), _drawn_weights(look, drawn)
    )
    sources = {layer.source for layer in baked}
    picture = covering(look.picture, whole) if look.picture is not None and "picture" in sources else None
    blurred = [layer for layer in baked if layer.source == "blurred"]
    sums = _blurred(pixels, weights, blurred, look.blur) if blurred else None
    height, width = whole
    grain = GRAIN * controls.grain * controls.intensity
    result = np.empty_like(pixels)

    def run(rows: slice) -> None:
        band = weights.rows(whole, rows)
        soft = None if sums is None else upsampled_rows(sums, whole, rows)
        for columns in _slices(width, TILE_SIDE):
            tile = Tile(
                pixels[rows, columns],
                None if picture is None else picture[rows, columns],
                None if soft is None else soft[:, columns],
                None if grain == 0.0 else np.float32(grain) * noise(*_places(whole, rows, columns)),
            )
            result[rows, columns] = _styled_tile(tile, baked, band[:, columns])

    workers = threads or min(MAX_THREADS, os.cpu_count() or 1)
    with ThreadPoolExecutor(workers) as pool:
        list(pool.map(run, _slices(height, min(TILE_SIDE, max(1, BAND_PIXELS // width)))))
    return result


@dataclass(frozen=True, eq=False)
class Weights:
    """The weights of all regions but the background, over a picture.

    mask: (h, w, 3) of the groups, of any size. drawn: (h, w, 3) of the drawn regions, or None; where they overlap,
    they share.
    """

    mask: NDArray[np.float32]
    drawn: NDArray[np.float32] | None

    def rows(self, shape: tuple[int, int], rows: slice) -> NDArray[np.float32]:
        """The weights at some rows of a picture of `shape`: (rows, W, 3), or 6 of REGIONS with what is drawn."""
        groups = self.mask[rows] if self.mask.shape[:2] == shape else upsampled_rows(self.mask, shape, rows)
        if self.drawn is None:
            return groups
        drawn = upsampled_rows(self.drawn, shape, rows)
        drawn /= np.maximum(1.0, drawn.sum(axis=-1, keepdims=True))
        return np.concatenate([groups * (1.0 - drawn.sum(axis=-1, keepdims=True)), drawn], axis=-1)


def _drawn_weights(look: Look, drawn: NDArray[np.float32] | None) -> NDArray[np.float32] | None:
    """The map's weights of the regions that the look names; None if there are none."""
    named = np.array([look.layer_of(region) is not None for region in DRAWN_REGIONS])
    if drawn is None or not named.any():
        return None
    check_weights(drawn)
    return np.asarray(drawn * named, np.float32)


def _blurred(
    pixels: Pixels, weights: Weights, layers: Sequence[BakedLayer], blur: float
) -> NDArray[np.float32]:
    """`blurred_sums` of a picture within the regions of `layers`, (h, w, 4), colours in [0, 1]."""
    height = copy_shape(pixels.shape[:2])[0]
    band = weights.rows((height, pixels.shape[1]), slice(0, height))
    region = np.zeros(band.shape[:2], np.float32)
    for layer in layers:
        region += _share(layer.regions, band)
    sums = blurred_sums(pixels, region, blur)
    sums[..., :3] /= largest_code(pixels)
    return sums


def covering(picture: NDArray[np.uint8], shape: tuple[int, int]) -> NDArray[np.uint8]:
    """The picture resized to cover (height, width), and cut to it about its middle."""
    import cv2

    height, width = shape
    scale = max(height / picture.shape[0], width / picture.shape[1])
    rows = min(picture.shape[0], max(1, round(height / scale)))
    columns = min(picture.shape[1], max(1, round(width / scale)))
    top, left = (picture.shape[0] - rows) // 2, (picture.shape[1] - columns) // 2
    cut = picture[top : top + rows, left : left + columns]
    if cut.shape[:2] == shape:
        return cut
    kind = cv2.INTER_AREA if scale < 1.0 else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(cut, (width, height), interpolation=kind), np.uint8)


def weights_of(mask: NDArray[np.floating]) -> NDArray[np.float32]:
    """Check a mask. Returns it as (h, w, 3) float32, divided by the sum of its groups where that exceeds 1."""
    check_weights(mask)
    total = np.maximum(mask.sum(axis=-1, keepdims=True), 1.0)
    return np.asarray(mask / total, np.float32)


def check_weights(mask: NDArray[np.floating]) -> None:
    """EdgekitError unless a mask has the shape (h, w, 3) and values in [0, 1]."""
    if mask.ndim != 3 or mask.shape[2] != len(GROUPS) - 1 or 0 in mask.shape:
        raise EdgekitError(f"a mask has the shape (h, w, 3) for skin, hair, clothes, not {mask.shape}.")
    if not (np.isfinite(mask).all() and mask.min() >= 0.0 and mask.max() <= 1.0):
        raise EdgekitError("a mask holds weights from 0 to 1; this one has values outside that range.")


@dataclass(frozen=True, eq=False)
class BakedLayer:
    """Regions that share one treatment with every control baked in.

    lookup: of the source's colours; None keeps them. amount: of the result that is mixed in; from the camera it is
    baked into the table.
    """

    regions: tuple[str, ...]
    source: Source
    lookup: Lookup | None
    amount: float = 1.0

    @property
    def untouched(self) -> bool:
        return self.source == "camera" and self.lookup is None


@lru_cache(maxsize=16)  # many photos are drawn with few looks
def baked_layers(layers: tuple[Layer, ...], controls: Controls) -> tuple[BakedLayer, ...]:
    """The distinct tables c + amount·(adjust(lookup(c)) − c), each with the regions that use it."""
    by_region = {region: layer for layer in layers for region in layer.regions}
    by_kind: dict[tuple[object, ...], list[str]] = {}
    for region in REGIONS:
        layer = by_region.get(region)
        k = 0.0 if layer is None else amount(controls, region, layer.strength)
        has_share = region == SKIN and (controls.color != 0.0 or controls.warmth != 0.0)
        kind: tuple[object, ...] = ("untouched",)
        if layer is not None and layer.changes and k > 0.0:
            kind = (layer.source, id(layer.lut), k, has_share)
        by_kind.setdefault(kind, []).append(region)
    return tuple(_baked(tuple(regions), by_region.get(regions[0]), controls) for regions in by_kind.values())


def _baked(regions: tuple[str, ...], layer: Layer | None, controls: Controls) -> BakedLayer:
    k = 0.0 if layer is None else amount(controls, regions[0], layer.strength)
    if layer is None or not layer.changes or k == 0.0:
        return BakedLayer(regions, "camera", None)
    points = _points(controls)
    if layer.lut is None:
        lookup = ocio_lookup(_table(grid(points), 1.0, regions[0], controls)) if points else None
        return BakedLayer(regions, layer.source, lookup, k)
    lut = layer.lut.resampled(_baked_size(layer.lut, points))
    mixed = k if layer.source == "camera" else 1.0
    table = _table(np.clip(lut.table.astype(np.float64), 0.0, 1.0), mixed, regions[0], controls)
    return BakedLayer(regions, layer.source, ocio_lookup(table), k / mixed)


def _table(looked: NDArray[np.float64], mixed: float, region: str, controls: Controls) -> NDArray[np.float32]:
    """A table's colours, adjusted, of which only the share `mixed` replaces the colour looked up."""
    start = grid(len(looked))
    return (start + mixed * (adjust(looked, controls, region) - start)).astype(np.float32)


def _points(controls: Controls) -> int:
    """Points per side that the controls need to be baked in; 0 where they bend nothing."""
    if controls.color != 0.0:
        return BAKED_COLOR_SIZE
    return BAKED_SIZE if controls.tone != 0.0 or controls.warmth != 0.0 else 0


def _baked_size(lut: Lut3D, points: int) -> int:
    """Points per side of the baked table: those of the table itself, and `points` or more by points between them."""
    if not lut.has_unit_domain:
        return max(REDOMAINED_SIZE, lut.size)
    if not points:
        return lut.size  # a mix with the original is linear between the points: exact
    cells = lut.size - 1
    return cells * -(-(points - 1) // cells) + 1


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

    mask: (h, w, channels). shape: (H, W) of the picture. Returns (rows, W, channels) float32.
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


@dataclass(frozen=True, eq=False)
class Tile:
    """Where the colours of one tile are from: (h, w, 3) codes of the photo and of the second picture, and the blur's
    sums, (h, w, 4); and the grain over them, (h, w), as `grained` takes it.
    """

    pixels: Pixels
    picture: NDArray[np.uint8] | None
    sums: NDArray[np.float32] | None
    grain: NDArray[np.float32] | None

    def colours(self, source: Source, camera: NDArray[np.float32]) -> NDArray[np.float32]:
        """(h, w, 4) float32 in [0, 1], a new array. camera: those of the photo."""
        if source == "camera":
            return camera.copy()
        if source == "picture":
            if self.picture is None:
                raise EdgekitError("a layer shows a picture, and the look has none.")
            return _rgba(self.picture)
        assert self.sums is not None
        soft = camera.copy()
        soft[..., :3] = blurred_colours(self.sums, camera[..., :3])
        return soft


def _styled_tile(tile: Tile, baked: tuple[BakedLayer, ...], weights: NDArray[np.float32]) -> Pixels:
    """The weighted mean of the layers' colours, (h, w, 3). weights: (h, w, 3 or 6), as `Weights.rows` gives them."""
    import cv2

    shares = [_share(layer.regions, weights) for layer in baked]
    used = [k for k, share in enumerate(shares) if share.max() > NEGLIGIBLE_WEIGHT]
    if tile.grain is None and all(baked[k].untouched for k in used):
        return tile.pixels
    camera = _rgba(tile.pixels)
    mixed, total = _looked_up(baked[used[0]], tile, camera), shares[used[0]]
    for k in used[1:]:
        colours = _looked_up(baked[k], tile, camera)
        mixed = np.asarray(cv2.blendLinear(mixed, colours, total, shares[k]), np.float32)
        total = total + shares[k]
    if tile.grain is not None:
        mixed[..., :3] = grained(mixed[..., :3], tile.grain)
    return _codes(mixed, tile.pixels)


def _places(
    shape: tuple[int, int], rows: slice, columns: slice
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The x and y, in cells of the grain, of a tile's columns and rows. shape: (H, W) of the photo."""
    scale = CELLS / max(shape)
    x, y = ((np.arange(part.start, part.stop) + 0.5) * scale for part in (columns, rows))
    return x, y


def _looked_up(layer: BakedLayer, tile: Tile, camera: NDArray[np.float32]) -> NDArray[np.float32]:
    """The layer's colours, (h, w, 4). camera: those of the photo, which are not modified."""
    if layer.untouched:
        return camera
    colours = tile.colours(layer.source, camera)
    if layer.lookup is not None:
        layer.lookup(colours)
    if layer.amount != 1.0:
        colours = camera + np.float32(layer.amount) * (colours - camera)
    return colours


def _share(regions: tuple[str, ...], weights: NDArray[np.float32]) -> NDArray[np.float32]:
    """The sum of these regions' weights, (h, w) float32. weights: (h, w, 3 or 6), as `Weights.rows` gives them."""
    channels = CHANNELS[: weights.shape[-1]]
    others = [name for name in channels if (name in regions) != (BACKGROUND in regions)]
    share = np.zeros(weights.shape[:2], np.float32)
    for name in others:
        share += weights[..., channels.index(name)]
    return np.maximum(1.0 - share, 0.0) if BACKGROUND in regions else share


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
