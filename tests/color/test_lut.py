from __future__ import annotations

import numpy as np
import pytest

from edgekit.color.interpolation import INTERPOLATIONS, interpolation, tetrahedral, trilinear
from edgekit.color.lut import Lut3D, grid
from edgekit.errors import LutError, UnknownName
from tests.color.samples import bent_lut, colours, rough_lut


def test_red_is_the_first_axis() -> None:
    table = Lut3D.identity(4).table
    assert table[3, 0, 1] == pytest.approx([1, 0, 1 / 3])


@pytest.mark.parametrize("size", [2, 17, 33, 129])
def test_the_identity_gives_back_every_colour(size: int) -> None:
    rgb = colours(500)
    for read in INTERPOLATIONS.values():
        assert np.abs(read(Lut3D.identity(size).table, rgb) - rgb).max() < 1e-6


@pytest.mark.parametrize(
    ("table", "complaint"),
    [
        (np.zeros((4, 4, 5, 3), np.float32), "shape"),
        (np.zeros((4, 4, 4, 4), np.float32), "shape"),
        (np.zeros((1, 1, 1, 3), np.float32), "2 to 129"),
        (np.zeros((130, 130, 130, 3), np.float32), "2 to 129"),
        (np.zeros((3, 3, 3, 3), np.float64), "float32"),
        (np.full((3, 3, 3, 3), np.nan, np.float32), "finite"),
        (np.full((3, 3, 3, 3), np.inf, np.float32), "finite"),
    ],
)
def test_a_wrong_table_is_refused(table: np.ndarray, complaint: str) -> None:
    with pytest.raises(LutError, match=complaint):
        Lut3D(table)


@pytest.mark.parametrize("high", [(1.0, 0.0, 1.0), (1.0, 1.0, float("nan")), (1.0, 1.0, float("inf"))])
def test_an_empty_domain_is_refused(high: tuple[float, float, float]) -> None:
    with pytest.raises(LutError, match="domain"):
        Lut3D(Lut3D.identity(2).table, domain_max=high)


def test_both_interpolations_agree_with_opencolorio() -> None:
    import PyOpenColorIO as ocio

    rgb = colours()
    kinds = {"trilinear": ocio.INTERP_LINEAR, "tetrahedral": ocio.INTERP_TETRAHEDRAL}
    for name, lut in ((n, lut) for n in kinds for lut in (rough_lut(), bent_lut(33))):
        transform = ocio.Lut3DTransform(gridSize=lut.size)
        transform.setInterpolation(kinds[name])
        transform.setData(lut.table.reshape(-1))
        theirs = np.ascontiguousarray(rgb, np.float32)
        ocio.Config.CreateRaw().getProcessor(transform).getDefaultCPUProcessor().applyRGB(theirs)
        assert np.abs(theirs - interpolation(name)(lut.table, rgb)).max() < 2e-6


def test_the_two_interpolations_differ_and_swapped_axes_show() -> None:
    lut, rgb = rough_lut(), colours()
    assert np.abs(trilinear(lut.table, rgb) - tetrahedral(lut.table, rgb)).max() > 0.1
    for read in (trilinear, tetrahedral):
        swapped = lut.table.transpose(2, 1, 0, 3)
        assert np.abs(read(swapped, rgb) - read(lut.table, rgb)).max() > 0.3


def test_tetrahedral_keeps_greys_of_a_grey_diagonal_grey() -> None:
    table = rough_lut(7).table.copy()
    k = np.arange(7)
    table[k, k, k] = (k / 6)[:, None]
    greys = np.repeat(np.linspace(0, 1, 101)[:, None], 3, axis=1)
    assert np.abs(tetrahedral(table, greys) - greys).max() < 1e-6
    assert np.abs(trilinear(table, greys) - greys).max() > 0.05


def test_colours_outside_the_range_clamp() -> None:
    lut = rough_lut()
    for read in (trilinear, tetrahedral):
        outside = read(lut.table, np.array([[-3.0, 0.4, 1.7]]))
        assert outside == pytest.approx(read(lut.table, np.array([[0.0, 0.4, 1.0]])))


def test_resampling_to_a_multiple_of_the_cells_changes_nothing() -> None:
    lut, rgb = bent_lut(9), colours()
    assert np.abs(tetrahedral(lut.resampled(33).table, rgb) - tetrahedral(lut.table, rgb)).max() < 1e-6
    assert lut.resampled(9) is lut


@pytest.mark.parametrize("size", [17, 33, 64])
def test_resampling_a_smooth_table_stays_close(size: int) -> None:
    rgb = colours()
    coarse = bent_lut(33).resampled(size)
    assert coarse.size == size
    assert np.abs(tetrahedral(coarse.table, rgb) - tetrahedral(bent_lut(33).table, rgb)).max() < 0.01


def test_resampling_applies_the_domain() -> None:
    wide = Lut3D(grid(5).astype(np.float32), domain_min=(0.0, -1.0, 0.0), domain_max=(2.0, 1.0, 4.0))
    table = wide.resampled(3).table
    assert table[2, 2, 2] == pytest.approx([0.5, 1.0, 0.25])
    assert table[0, 1, 0] == pytest.approx([0.0, 0.75, 0.0])


def test_an_unknown_interpolation_lists_the_known_ones() -> None:
    with pytest.raises(UnknownName, match="tetrahedral"):
        interpolation("tetrahedrl")
