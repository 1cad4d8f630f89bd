"""Fit tables to edits that treat regions differently, and find which groups of the mask are treated alike.

The engine mixes tables by the mask's weights: with w_g of the groups g and T of the region that g lies in, an edited
colour is Σ_g w_g · T(x). So the tables of all regions are one regularised least-squares problem, soft edges included,
of the same terms as `edgekit.color.fit` has for one table. Regions of few pixels count as much as large ones; pixels
whose region is unsure hardly count, and pixels that no table explains count less (Huber's weights, by reweighted least
squares). Four groups can be divided into a given number of regions in at most seven ways: every division is fitted,
and the one with the smallest error on pixels that were held out is taken, whole photos of them where there are enough;
its tables are then fitted to all pixels.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from edgekit import console
from edgekit.color.controls import GROUPS
from edgekit.color.fit import (
    MIN_SAMPLES,
    SEED,
    FitError,
    distances,
    held_out_blocks,
    regularisation,
    solved,
    trilinear_weights,
)
from edgekit.color.grade import DEFAULT_SIZE
from edgekit.color.interpolation import trilinear
from edgekit.color.layers import Layer
from edgekit.color.lut import Lut3D, grid
from edgekit.color.rgb import FloatArray
from edgekit.errors import LutError

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

PHOTOS_TO_HOLD_OUT = 4  # every fourth photo is held out where there are this many; else blocks of every photo
MAX_SAMPLES = 2_000_000  # the rounding of photos to 8 bits averages out
# Of the tables by which divisions are compared: enough to tell, and soon fitted.
SEARCHED_SIZE = 9
SEARCHED_SAMPLES = 150_000
STIFFNESS = 0.1  # of `fit`'s smoothness and pull
REWEIGHTINGS = 3
HUBER = 1.345  # robust scales: 95 % as efficient as least squares where errors are normal (Huber, 1981)
SURENESS = 16  # a pixel counts by this power of its largest weight: a fifth at 0.9, a hundredth at 0.75
LEAST_SHARE = 0.002  # half a level of an 8-bit mask; less is nothing, which leaves the equations sparse
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

    @classmethod
    def joined(cls, parts: Sequence[Pixels], photos: int) -> Pixels:
        """The pixels of all parts, which are from so many photos."""
        return cls(
            np.concatenate([pixels.before for pixels in parts]),
            np.concatenate([pixels.after for pixels in parts]),
            np.concatenate([pixels.weights for pixels in parts]),
            photos,
        )

    def thinned(self, most: int) -> Pixels:
        """At most so many of them, evenly from all photos."""
        every = slice(None, None, -(-len(self.before) // most))
        return Pixels(self.before[every], self.after[every], self.weights[every], self.photos)


@dataclass(frozen=True, eq=False)
class FittedRegions:
    """A table for each region. regions: the groups of each. unseen: groups with too few pixels to have a table.

    errors: on held-out pixels, of these regions, of one table for all and of one for each group, by these names; the
    tables judged there are fitted to the other pixels, those that are returned to all. layers: of the looks that draw
    them, by the same names; groups without a table stay as they are.
    """

    regions: Regions
    luts: tuple[Lut3D, ...]
    unseen: tuple[str, ...]
    errors: dict[str, FitError]
    layers: dict[str, tuple[Layer, ...]]


def fit_regions(pairs: Sequence[Pair], count: int, size: int = DEFAULT_SIZE) -> FittedRegions:
    """Fit `count` tables and find the groups that each is for.

    LutError for pairs whose pictures differ in size, and for more regions than groups that the photos show.
    """
    fitting, held_out = _split(pairs)
    shown = [g for g, total in zip(GROUPS, fitting.weights.sum(axis=0), strict=True) if total >= MIN_SAMPLES]
    if len(shown) < count:
        raise LutError(None, None, f"the photos show {len(shown)} regions ({', '.join(shown)}), not {count}.")

    candidates, small = list(divisions(shown, count)), min(size, SEARCHED_SIZE)
    few, others = (pixels.thinned(SEARCHED_SAMPLES) for pixels in (fitting, held_out))
    errors = {
        regions: _error(_fitted(few, regions, small), regions, others).lab_l2_after
        for regions in console.track(candidates, len(candidates), "comparing divisions")
    }
    compared = {
        "regions": min(candidates, key=lambda regions: errors[regions]),
        "one table": (tuple(shown),),
        "one table a group": tuple((group,) for group in shown),
    }
    different = list(dict.fromkeys(compared.values()))
    everything = Pixels.joined((fitting, held_out), len(pairs))
    told, luts = {}, {}
    for regions in console.track(different, len(different), "fitting tables"):
        told[regions] = _error(_fitted(fitting, regions, size), regions, held_out)
        luts[regions] = _fitted(everything, regions, size)
    best = compared["regions"]
    return FittedRegions(
        best,
        luts[best],
        tuple(group for group in GROUPS if group not in shown),
        {name: told[regions] for name, regions in compared.items()},
        {
            name: tuple(Layer(groups, lut) for groups, lut in zip(regions, luts[regions], strict=True))
            for name, regions in compared.items()
        },
    )


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
        Pixels.joined(part, sum(len(pixels.before) > 0 for pixels in part)) for part in parts
    )
    if min(len(fitting.before), len(measured.before)) < MIN_SAMPLES:
        raise LutError(None, None, "the photos have too few pixels to fit and to measure.")
    return fitting, measured


def _pixels(pair: Pair, places: NDArray[np.intp]) -> Pixels:
    weights = pair.weights.reshape(-1, 3)[places].astype(np.float64)
    shares = np.concatenate([weights, np.clip(1.0 - weights.sum(axis=1, keepdims=True), 0.0, 1.0)], axis=1)
    shares[shares < LEAST_SHARE] = 0.0
    before, after = (picture.reshape(-1, 3)[places] / 255.0 for picture in (pair.before, pair.after))
    return Pixels(before, after, shares / shares.sum(axis=1, keepdims=True))


def _fitted(pixels: Pixels, regions: Regions, size: int) -> tuple[Lut3D, ...]:
    """The tables of all regions at once, by reweighted least squares."""
    from scipy.sparse import block_diag, diags, hstack

    n, lookup = len(pixels.before), trilinear_weights(pixels.before, size)
    shares = _region_weights(pixels, regions)
    design: csr_matrix = hstack([diags(share) @ lookup for share in shares.T]).tocsr()
    design.eliminate_zeros()
    # The more is seen, the less is presumed.
    regular = block_diag([regularisation(size) * STIFFNESS / pixels.photos] * len(regions))
    change = pixels.after - pixels.before  # trilinear weights reproduce the identity
    deviation: FloatArray = np.zeros((design.shape[1], 3))
    counts = balance = _balance(shares)
    for _ in range(REWEIGHTINGS):
        weighted = diags(counts) @ design
        system = (design.T @ weighted / n + regular).tocsr()
        deviation = solved(system, weighted.T @ change / n, deviation, size)
        counts = balance * _huber(np.linalg.norm(design @ deviation - change, axis=1))
    tables = np.clip(grid(size) + deviation.reshape(len(regions), size, size, size, 3), 0.0, 1.0)
    return tuple(
        Lut3D(table.astype(np.float32), title=", ".join(region))
        for table, region in zip(tables, regions, strict=True)
    )


def _region_weights(pixels: Pixels, regions: Regions) -> FloatArray:
    """(n, regions): the sum of the weights of each region's groups."""
    columns = [[GROUPS.index(group) for group in region] for region in regions]
    return np.stack([pixels.weights[:, each].sum(axis=1) for each in columns], axis=1)


def _balance(shares: FloatArray) -> FloatArray:
    """(n,): what each pixel counts, so that every region counts alike, and a pixel that may be of two hardly at all."""
    mean = shares.mean(axis=0)
    counts: FloatArray = shares @ np.minimum(1.0 / (len(mean) * np.maximum(mean, 1e-9)), MOST_BALANCE)
    surely: FloatArray = shares.max(axis=1) ** SURENESS
    return counts * surely / float(surely.mean())  # masks that are nowhere sure count as others do


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
