"""Fit a smooth table to an example pair of pictures: regularised least squares, error on held-out blocks.

The unknown is the table's deviation d from the identity. With W the trilinear weights of the sampled
pixels and D the second differences along the three axes, it minimises

    mean |W·(identity + d) − after|²  +  smoothness · |D·d|² / N³  +  pull · |d|² / N³

so colours of the example are matched, colours between them are interpolated smoothly, and colours far
from all of them are left unchanged. The error is measured as the photo-adjustment literature does (Yan et
al., ACM TOG 2016): the mean L2 distance in CIELAB, here over whole blocks that are held out of the fit,
because pixels next to a fitted one would make the error look smaller than it is.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from edgekit.color.formats.cube import write_cube
from edgekit.color.interpolation import trilinear
from edgekit.color.lut import Lut3D, grid
from edgekit.color.rgb import FloatArray
from edgekit.errors import LutError
from edgekit.files import check_file_place
from edgekit.images import mask_from_picture, read_photo, srgb_bytes

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

DEFAULT_SIZE = 17  # a photo fills too few cells of a finer table
# Measured on three grades saved as JPEG: all values from 0.003 to 3 fit the example equally well, and 3 fits other
# pictures best.
SMOOTHNESS = 3.0
PULL = 1e-4  # matters only for colours that the example does not contain
HELD_OUT_SHARE = 0.25
BLOCK_SIDE = 32  # pixels; a held-out block is larger than any JPEG block
MAX_SAMPLES = 150_000  # enough for 17³ unknowns; fixes time and memory whatever the picture's size
MIN_SAMPLES = 500
COARSE_SIZE = 9  # points a side of the tables by which finer ones are solved
SOLVED = 1e-6  # residual of the equations, relative: a hundredth of an 8-bit level in the tables is far more
MOST_STEPS = 1000  # to it, for a channel: far more than two levels need
SURE_WEIGHT = 0.9  # pixels whose weight is below this for both regions belong to neither
SEED = 20_160  # the split and the sample are the same in every run


@dataclass(frozen=True)
class FitError:
    """Mean CIELAB L2 distance and mean ΔE2000 to the example on `n` held-out pixels, without and with the table."""

    n: int
    lab_l2_before: float
    lab_l2_after: float
    delta_e00_before: float
    delta_e00_after: float


@dataclass(frozen=True, eq=False)
class Fit:
    """A table fitted to `n_fitted` pixels, and its error on held-out pixels."""

    lut: Lut3D
    n_fitted: int
    error: FitError


def fit_region(
    before: NDArray[np.uint8],
    after: NDArray[np.uint8],
    region: NDArray[np.bool_],
    size: int = DEFAULT_SIZE,
    title: str = "",
) -> Fit:
    """Fit the table that maps `before` to `after` inside `region`.

    before, after: (H, W, 3) uint8 sRGB, the same scene pixel by pixel. region: (H, W). LutError when the
    sizes differ or the region is too small.
    """
    if before.shape != after.shape or before.shape[:2] != region.shape:
        raise LutError(
            None,
            None,
            f"the two pictures and the mask must have one size, not {before.shape[:2]}, "
            f"{after.shape[:2]} and {region.shape}.",
        )
    generator = np.random.default_rng(SEED)
    blocks = held_out_blocks(before.shape[:2], generator)
    fitted = _sample(region & ~blocks, generator)
    held_out = _sample(region & blocks, generator)
    if min(len(fitted[0]), len(held_out[0])) < MIN_SAMPLES:
        raise LutError(None, None, f"the region has too few pixels to fit and to measure ({region.sum():,}).")
    lut = lut_from_pairs(before[fitted] / 255.0, after[fitted] / 255.0, size, title)
    return Fit(lut, len(fitted[0]), fit_error(lut, before[held_out] / 255.0, after[held_out] / 255.0))


def lut_from_pairs(before: FloatArray, after: FloatArray, size: int = DEFAULT_SIZE, title: str = "") -> Lut3D:
    """The regularised least-squares table. before, after: (n, 3) encoded in [0, 1]."""
    weights = trilinear_weights(before, size)
    system = weights.T @ weights / len(before) + regularisation(size)
    wanted = weights.T @ (after - before) / len(before)  # trilinear weights reproduce the identity
    deviation = solved(system, wanted, np.zeros_like(wanted), size)
    table = np.clip(grid(size) + deviation.reshape(size, size, size, 3), 0.0, 1.0)
    return Lut3D(table.astype(np.float32), title=title)


def regularisation(size: int) -> csr_matrix:
    """The terms of smoothness and pull as a (size³, size³) matrix, for one picture's mean square error."""
    from scipy.sparse import identity

    bend = second_differences(size)
    points = size**3
    # A second difference shrinks with the square of the spacing; with this factor a curve costs the same at any size.
    stiffness = SMOOTHNESS * ((size - 1) / (DEFAULT_SIZE - 1)) ** 4
    return (stiffness / points) * (bend.T @ bend) + (PULL / points) * identity(points)


def solved(system: csr_matrix, wanted: FloatArray, start: FloatArray, size: int) -> FloatArray:
    """The solution of one table's equations, or of several tables' that are coupled.

    system: positive definite, with size³ rows for each table. wanted, start: (rows, 3). One table of up to DEFAULT_SIZE
    is solved directly, which is slow for finer ones. All else is solved by conjugate gradients from `start`,
    to SOLVED, with two levels: what is smooth by each table's equations at COARSE_SIZE, solved directly, and the rest
    by the diagonal (the additive preconditioner of Bramble, Pasciak and Xu, Mathematics of Computation 1990).
    """
    from scipy.sparse.linalg import LinearOperator, cg, splu

    points = size**3
    if len(wanted) == points and size <= DEFAULT_SIZE:
        direct: FloatArray = splu(system.tocsc()).solve(wanted)
        return direct
    parts = [slice(first, first + points) for first in range(0, len(wanted), points)]
    finer = trilinear_weights(grid(size).reshape(-1, 3), min(size, COARSE_SIZE))
    coarse = [splu((finer.T @ system[part, part] @ finer).tocsc()) for part in parts]
    diagonal: FloatArray = system.diagonal()

    def nearly(residual: FloatArray) -> FloatArray:
        smooth: list[FloatArray] = [
            finer @ lu.solve(finer.T @ residual[part]) for lu, part in zip(coarse, parts, strict=True)
        ]
        return np.concatenate(smooth) + residual / diagonal

    preconditioner = LinearOperator(system.shape, nearly)
    columns = [
        cg(system, column, x0=first, rtol=SOLVED, maxiter=MOST_STEPS, M=preconditioner)[0]
        for column, first in zip(wanted.T, start.T, strict=True)
    ]
    return np.stack(columns, axis=1)


def trilinear_weights(rgb: FloatArray, size: int) -> csr_matrix:
    """A sparse (n, size³) matrix whose row i interpolates a table, flattened [r, g, b], at colour i. rgb: (n, 3)."""
    from scipy.sparse import csr_matrix

    position = np.clip(rgb, 0.0, 1.0) * (size - 1)
    low = np.minimum(position.astype(np.intp), size - 2)
    fraction = position - low
    columns, values = [], []
    for corner in np.ndindex(2, 2, 2):
        index = low + np.array(corner)
        columns.append((index[:, 0] * size + index[:, 1]) * size + index[:, 2])
        values.append(np.where(np.array(corner), fraction, 1.0 - fraction).prod(axis=1))
    rows = np.tile(np.arange(len(rgb)), 8)
    shape = (len(rgb), size**3)
    return csr_matrix((np.concatenate(values), (rows, np.concatenate(columns))), shape=shape)


def second_differences(size: int) -> csr_matrix:
    """x[k−1] − 2·x[k] + x[k+1] along each axis of a flattened table: a sparse (3·size²·(size−2), size³) matrix."""
    from scipy.sparse import diags, identity, kron, vstack

    along = diags([1.0, -2.0, 1.0], [0, 1, 2], shape=(size - 2, size))
    eye = identity(size)
    axes = ((along, eye, eye), (eye, along, eye), (eye, eye, along))
    return vstack([kron(kron(r, g), b) for r, g, b in axes]).tocsr()


def fit_error(lut: Lut3D, before: FloatArray, after: FloatArray) -> FitError:
    """The distance from `before` to `after`, without and with the table. Both (n, 3) encoded in [0, 1]."""
    return distances(before, trilinear(lut.table, before), after)


def distances(before: FloatArray, fitted: FloatArray, after: FloatArray) -> FitError:
    """The distances to `after` from `before` and from what tables made of it. All (n, 3) encoded in [0, 1]."""
    from skimage.color import deltaE_ciede2000, rgb2lab

    wanted, given, got = (rgb2lab(rgb) for rgb in (after, before, fitted))
    l2 = [float(np.linalg.norm(lab - wanted, axis=-1).mean()) for lab in (given, got)]
    de = [float(np.mean(deltaE_ciede2000(lab, wanted))) for lab in (given, got)]  # type: ignore[no-untyped-call]
    return FitError(len(before), l2[0], l2[1], de[0], de[1])


def held_out_blocks(shape: tuple[int, ...], generator: np.random.Generator) -> NDArray[np.bool_]:
    """A (H, W) mask that is True on a random quarter of the blocks."""
    height, width = shape[:2]
    blocks = generator.random((-(-height // BLOCK_SIDE), -(-width // BLOCK_SIDE))) < HELD_OUT_SHARE
    whole = np.repeat(np.repeat(blocks, BLOCK_SIDE, axis=0), BLOCK_SIDE, axis=1)
    return np.asarray(whole[:height, :width])


def _sample(region: NDArray[np.bool_], generator: np.random.Generator) -> tuple[NDArray[np.intp], ...]:
    """Row and column indices of at most MAX_SAMPLES pixels of the region."""
    rows, columns = np.nonzero(region)
    if len(rows) > MAX_SAMPLES:
        chosen = generator.choice(len(rows), MAX_SAMPLES, replace=False)
        rows, columns = rows[chosen], columns[chosen]
    return rows, columns


@dataclass(frozen=True)
class FittedFile:
    """A written table: its region and its error on held-out pixels."""

    path: Path
    region: str
    size: int
    n_fitted: int
    error: FitError


def fit_files(
    before: Path, after: Path, mask: Path | None, out: Path, size: int, force: bool
) -> list[FittedFile]:
    """Fit a table to two photos and write it to `out`.

    With a mask, whose white is skin, `out` is fitted to everything else and `<out>-skin` to skin.
    """
    if out.suffix.lower() != ".cube":
        raise LutError(out, None, "a fitted table is written as .cube; give `out` that extension.")
    pictures = [srgb_bytes(read_photo(path)) for path in (before, after)]
    shape = pictures[0].shape[:2]
    regions = {"everything": (out, np.ones(shape, bool))}
    if mask is not None:
        skin = _mask_weights(mask, shape)
        regions = {
            "everything but skin": (out, skin <= 1.0 - SURE_WEIGHT),
            "skin": (out.with_name(f"{out.stem}-skin{out.suffix}"), skin >= SURE_WEIGHT),
        }
    inputs = [before, after] if mask is None else [before, after, mask]
    for path, _ in regions.values():
        check_file_place(path, replace=force, inputs=inputs)
    fits = {
        name: fit_region(pictures[0], pictures[1], region, size, f"{out.stem}, {name}")
        for name, (_, region) in regions.items()
    }
    for name, (path, _) in regions.items():
        write_cube(path, fits[name].lut, replace=force)
    return [
        FittedFile(regions[name][0], name, fit.lut.size, fit.n_fitted, fit.error)
        for name, fit in fits.items()
    ]


def _mask_weights(path: Path, shape: tuple[int, ...]) -> NDArray[np.float32]:
    """The mask's skin, resized bilinearly to the photo's size: (H, W) float32 in [0, 1]."""
    import cv2

    skin = mask_from_picture(path)[..., 0]
    height, width = shape[:2]
    return np.asarray(cv2.resize(skin, (width, height), interpolation=cv2.INTER_LINEAR), np.float32)
