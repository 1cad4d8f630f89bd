"""Fit tables to edits that treat regions differently, and find which groups of the mask are treated alike.

The engine mixes tables by the mask's weights: with w_g of the groups g and T of the region that g lies in, an edited
colour is Σ_g w_g · T(x). So the tables of all regions are one regularised least-squares problem, soft edges included,
of the same terms as `edgekit.color.fit` has for one table. Regions of few pixels count as much as large ones, and
pixels that no table explains count less (Huber's weights, by reweighted least squares). Four groups can be divided
into a given number of regions in at most seven ways: every division is fitted, and the one with the smallest error on
pixels that were held out is taken, whole photos of them where there are enough.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from edgekit.color.controls import GROUPS
from edgekit.color.fit import (
    DEFAULT_SIZE,
    MAX_SAMPLES,
    MIN_SAMPLES,
    SEED,
    FitError,
    distances,
    held_out_blocks,
    regularisation,
    trilinear_weights,
)
from edgekit.color.interpolation import trilinear
from edgekit.color.layers import Layer
from edgekit.color.lut import Lut3D, grid
from edgekit.color.rgb import FloatArray
from edgekit.errors import LutError

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

PHOTOS_TO_HOLD_OUT = 4  # every fourth photo is held out where there are this many; else blocks of every photo
SEARCHED_SIZE = (
    9  # points a side of the tables by which divisions are compared: enough to tell, and soon fitted
)
REWEIGHTINGS = 3
SOLVED = 1e-6  # residual of the equations, relative: a hundredth of an 8-bit level in the tables is far more
HUBER = 1.345  # robust scales: 95 % as efficient as least squares where errors are normal (Huber, 1981)
MOST_BALANCE = 10.0  # how much more a pixel of a rare group counts than one of an average one
Regions = tuple[tuple[str, ...], ...]


@dataclass(frozen=True, eq=False)
class Pair:
    """A photo before and after: (H, W, 3) uint8 sRGB. weights: (H, W, 3) of skin, hair and clothes."""

    before: NDArray[np.uint8]
    after: NDArray[np.uint8]
    weights: NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Pixels:
    """before, after: (n, 3) encoded in [0, 1]. weights: (n, 4) of GROUPS. photos: that they are from."""

    before: FloatArray
    after: FloatArray
    weights: FloatArray
    photos: int = 1


@dataclass(frozen=True, eq=False)
class FittedRegions:
    """A table for each region. regions: the groups of each. unseen: groups with too few pixels to have a table.

    errors: on held-out pixels, of these tables, of one table for all and of one for each group, by these names.
    """

    regions: Regions
    luts: tuple[Lut3D, ...]
    unseen: tuple[str, ...]
    errors: dict[str, FitError]

    def layers(self) -> tuple[Layer, ...]:
        """The layers of the look; groups without a table stay as they are."""
        return tuple(Layer(groups, lut) for groups, lut in zip(self.regions, self.luts, strict=True))


def fit_regions(pairs: Sequence[Pair], count: int, size: int = DEFAULT_SIZE) -> FittedRegions:
    """Fit `count` tables and find the groups that each is for.

    LutError for pairs whose pictures differ in size, and for more regions than groups that the photos show.
    """
    fitting, held_out = _split(pairs)
    shown = [g for g, total in zip(GROUPS, fitting.weights.sum(axis=0), strict=True) if total >= MIN_SAMPLES]
    if len(shown) < count:
        raise LutError(None, None, f"the photos show {len(shown)} regions ({', '.join(shown)}), not {count}.")

    def error_of(regions: Regions) -> float:
        luts = _fitted(fitting, regions, min(size, SEARCHED_SIZE))
        return _error(luts, regions, held_out).lab_l2_after

    best = min(divisions(shown, count), key=error_of)
    compared = {
        "regions": best,
        "one table": (tuple(shown),),
        "one table a group": tuple((g,) for g in shown),
    }
    luts = {regions: _fitted(fitting, regions, size) for regions in dict.fromkeys(compared.values())}
    return FittedRegions(
        best,
        luts[best],
        tuple(group for group in GROUPS if group not in shown),
        {name: _error(luts[regions], regions, held_out) for name, regions in compared.items()},
    )


def held_out_distances(pairs: Sequence[Pair], layers: Sequence[Layer]) -> FitError:
    """The distances of given tables on the pixels that `fit_regions` would hold out of these pairs."""
    luts = [layer.lut for layer in layers if layer.lut is not None]
    return _error(luts, tuple(layer.regions for layer in layers if layer.lut is not None), _split(pairs)[1])


def divisions(groups: Sequence[str], count: int) -> Iterator[Regions]:
    """Every way to divide the groups into `count` regions; the groups of each, and the regions, in their order."""
    if not groups:
        if count == 0:
            yield ()
        return
    *others, last = groups
    for regions in divisions(others, count - 1) if count else ():
        yield (*regions, (last,))
    for regions in divisions(others, count):
        for i, region in enumerate(regions):
            yield (*regions[:i], (*region, last), *regions[i + 1 :])


def _split(pairs: Sequence[Pair]) -> tuple[Pixels, Pixels]:
    """Sampled pixels to fit, and those held out."""
    generator = np.random.default_rng(SEED)
    most = MAX_SAMPLES // len(pairs)
    parts: tuple[list[Pixels], list[Pixels]] = ([], [])
    for i, pair in enumerate(pairs):
        shape = pair.before.shape
        if pair.after.shape != shape or pair.weights.shape != shape:
            sizes = f"{shape[:2]}, {pair.after.shape[:2]} and {pair.weights.shape[:2]}"
            raise LutError(
                None, None, f"a photo, its edited version and its mask must have one size, not {sizes}."
            )
        if len(pairs) >= PHOTOS_TO_HOLD_OUT:
            held_out = np.full(shape[:2], i % PHOTOS_TO_HOLD_OUT == PHOTOS_TO_HOLD_OUT - 1)
        else:
            held_out = held_out_blocks(shape[:2], generator)
        for part, chosen in zip(parts, (~held_out, held_out), strict=True):
            places = np.flatnonzero(chosen)
            if len(places) > most:
                places = np.sort(generator.choice(places, most, replace=False))
            part.append(_pixels(pair, places))
    fitting, measured = (
        Pixels(
            np.concatenate([pixels.before for pixels in part]),
            np.concatenate([pixels.after for pixels in part]),
            np.concatenate([pixels.weights for pixels in part]),
            sum(len(pixels.before) > 0 for pixels in part),
        )
        for part in parts
    )
    if min(len(fitting.before), len(measured.before)) < MIN_SAMPLES:
        raise LutError(None, None, "the photos have too few pixels to fit and to measure.")
    return fitting, measured


def _pixels(pair: Pair, places: NDArray[np.intp]) -> Pixels:
    weights = pair.weights.reshape(-1, 3)[places].astype(np.float64)
    rest = np.clip(1.0 - weights.sum(axis=1, keepdims=True), 0.0, 1.0)
    before, after = (picture.reshape(-1, 3)[places] / 255.0 for picture in (pair.before, pair.after))
    return Pixels(before, after, np.concatenate([weights, rest], axis=1))


def _fitted(pixels: Pixels, regions: Regions, size: int) -> tuple[Lut3D, ...]:
    """The tables of all regions at once, by reweighted least squares."""
    from scipy.sparse import block_diag, diags, hstack

    points, n = size**3, len(pixels.before)
    lookup = trilinear_weights(pixels.before, size)
    shares = _region_weights(pixels, regions)
    design: csr_matrix = hstack([diags(share) @ lookup for share in shares.T]).tocsr()
    # The more is seen, the less is presumed.
    regular = block_diag([regularisation(size) / pixels.photos] * len(regions))
    change = pixels.after - pixels.before  # trilinear weights reproduce the identity
    balance = _balance(shares)
    counts = balance
    deviation: FloatArray = np.zeros((points * len(regions), 3))
    for _ in range(REWEIGHTINGS):
        weighted = diags(counts) @ design
        system = (design.T @ weighted / n + regular).tocsc()
        deviation = _solved(system, weighted.T @ change / n, deviation, points)
        counts = balance * _huber(np.linalg.norm(design @ deviation - change, axis=1))
    tables = np.clip(grid(size) + deviation.reshape(len(regions), size, size, size, 3), 0.0, 1.0)
    return tuple(
        Lut3D(table.astype(np.float32), title=", ".join(region))
        for table, region in zip(tables, regions, strict=True)
    )


def _solved(system: csr_matrix, wanted: FloatArray, start: FloatArray, points: int) -> FloatArray:
    """The solution of a system of blocks of `points`, one a region, which only soft edges of the masks couple.

    So conjugate gradients, begun with each block solved alone, need few steps. wanted, start: (blocks × points, 3).
    """
    from scipy.sparse.linalg import LinearOperator, cg, splu

    parts = [slice(i, i + points) for i in range(0, len(wanted), points)]
    alone = [splu(system[part, part]) for part in parts]

    def precondition(vector: FloatArray) -> FloatArray:
        return np.concatenate([block.solve(vector[part]) for block, part in zip(alone, parts, strict=True)])

    by_blocks = LinearOperator(system.shape, precondition)
    columns = [
        cg(system, column, x0=first, rtol=SOLVED, M=by_blocks)[0]
        for column, first in zip(wanted.T, start.T, strict=True)
    ]
    return np.stack(columns, axis=1)


def _region_weights(pixels: Pixels, regions: Regions) -> FloatArray:
    """(n, regions): the sum of the weights of each region's groups."""
    columns = [[GROUPS.index(group) for group in region] for region in regions]
    return np.stack([pixels.weights[:, each].sum(axis=1) for each in columns], axis=1)


def _balance(shares: FloatArray) -> FloatArray:
    """(n,): what each pixel counts, so that every region counts alike."""
    mean = shares.mean(axis=0)
    counts: FloatArray = shares @ np.minimum(1.0 / (len(mean) * np.maximum(mean, 1e-9)), MOST_BALANCE)
    return counts


def _huber(residuals: FloatArray) -> FloatArray:
    """Huber's weights of residuals, whose scale is that of their median."""
    scale = max(float(np.median(residuals)) / 0.6745, 1e-9)
    return np.minimum(1.0, HUBER * scale / np.maximum(residuals, 1e-12))


def _mixed(luts: Sequence[Lut3D], regions: Regions, pixels: Pixels) -> FloatArray:
    """The colours that the tables give, (n, 3): mixed by the weights, as the engine does."""
    shares = _region_weights(pixels, regions)
    result = pixels.before.copy()
    for lut, share in zip(luts, shares.T, strict=True):
        result += share[:, None] * (trilinear(lut.table, pixels.before) - pixels.before)
    return np.clip(result, 0.0, 1.0)


def _error(luts: Sequence[Lut3D], regions: Regions, pixels: Pixels) -> FitError:
    return distances(pixels.before, _mixed(luts, regions, pixels), pixels.after)
