from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scipy.sparse import block_diag, diags, hstack
from scipy.sparse.linalg import splu

from edgekit.color.fit import (
    BLOCK_SIDE,
    fit_error,
    fit_files,
    fit_region,
    held_out_blocks,
    lut_from_pairs,
    regularisation,
    second_differences,
    solved,
    trilinear_weights,
)
from edgekit.color.formats import read_lut
from edgekit.color.interpolation import tetrahedral, trilinear
from edgekit.color.lut import Lut3D, grid
from edgekit.color.styles import STYLES
from edgekit.errors import EdgekitError, LutError
from tests.color.samples import bent_lut, colours, picture, rough_lut


def edited(pixels: np.ndarray, lut: Lut3D) -> np.ndarray:
    return np.rint(tetrahedral(lut.table, pixels / 255.0) * 255).astype(np.uint8)


def test_the_weights_are_trilinear() -> None:
    lut = rough_lut(5)
    ours = trilinear_weights(colours(), 5) @ lut.table.reshape(-1, 3).astype(np.float64)
    assert np.abs(ours - trilinear(lut.table, colours())).max() < 1e-12


def test_second_differences_vanish_for_planes_alone() -> None:
    bend = second_differences(6)
    assert bend.shape == (3 * 36 * 4, 216)
    assert np.abs(bend @ grid(6).reshape(-1, 3)).max() < 1e-12
    curved = grid(6)[..., 1].reshape(-1) ** 2
    assert np.count_nonzero(np.abs(bend @ curved) > 1e-3) == 36 * 4  # along green alone


def test_a_smooth_table_is_found_again() -> None:
    rgb = np.random.default_rng(0).random((60_000, 3))
    wanted = bent_lut(17)
    found = lut_from_pairs(rgb, trilinear(wanted.table, rgb), 9)
    assert np.abs(trilinear(found.table, rgb) - trilinear(wanted.table, rgb)).mean() < 0.004


def test_unseen_colours_are_left_nearly_alone_and_the_table_stays_smooth() -> None:
    rgb = np.random.default_rng(0).random((20_000, 3)) * [0.3, 0.3, 0.3] + 0.3
    found = lut_from_pairs(rgb, np.clip(rgb + np.array([0.05, 0.0, -0.05]), 0, 1), 9)
    assert trilinear(found.table, np.array([0.45, 0.45, 0.45])) == pytest.approx([0.5, 0.45, 0.4], abs=0.003)
    steps = max(float(np.abs(np.diff(found.table, axis=axis)).max()) for axis in range(3))
    assert steps < 0.25  # the identity's is 0.125


@pytest.mark.slow
@pytest.mark.parametrize("tables", [1, 2])
def test_fine_tables_are_solved_as_if_directly(tables: int) -> None:
    """Also tables that soft masks couple, where most colours are in no picture."""
    size, generator = 19, np.random.default_rng(0)
    rgb = generator.random((20_000, 3)) * 0.4 + 0.3
    shares = generator.dirichlet(np.full(tables, 0.2), len(rgb))
    design = hstack([diags(share) @ trilinear_weights(rgb, size) for share in shares.T]).tocsr()
    system = (design.T @ design / len(rgb) + block_diag([0.01 * regularisation(size)] * tables)).tocsr()
    wanted = design.T @ (rgb**2 - rgb) / len(rgb)
    found = solved(system, wanted, np.zeros_like(wanted), size)
    residuals = np.linalg.norm(system @ found - wanted, axis=0) / np.linalg.norm(wanted, axis=0)
    assert (residuals <= 1.01e-6).all()
    assert np.abs(found - splu(system.tocsc()).solve(wanted)).max() < 1e-3


@pytest.mark.slow
def test_held_out_error_falls_and_is_not_that_of_the_fit() -> None:
    before = picture(300, 400)
    stream = io.BytesIO()
    Image.fromarray(edited(before, STYLES["dramatic"].luts()["hair"])).save(stream, "JPEG", quality=90)
    after = np.asarray(Image.open(stream))
    fit = fit_region(before, after, np.ones((300, 400), bool))
    assert fit.error.lab_l2_before > 10
    assert fit.error.lab_l2_after < 0.3 * fit.error.lab_l2_before
    assert fit.error.delta_e00_after < 0.4 * fit.error.delta_e00_before
    assert fit.n_fitted + fit.error.n == 300 * 400


@pytest.mark.slow
def test_a_change_that_no_table_explains_shows_in_the_error() -> None:
    before = picture(300, 400)
    after = np.random.default_rng(4).integers(0, 255, before.shape, np.uint8)
    fit = fit_region(before, after, np.ones((300, 400), bool))
    assert fit.error.lab_l2_after > 20


def test_the_error_of_no_change_is_zero() -> None:
    error = fit_error(Lut3D.identity(9), colours(), colours())
    assert (error.lab_l2_before, error.delta_e00_before) == (0, 0)
    assert error.lab_l2_after == pytest.approx(0, abs=1e-3)


def test_a_quarter_is_held_out_in_blocks() -> None:
    held = held_out_blocks((900, 1300), np.random.default_rng(1))
    assert held.shape == (900, 1300)
    assert 0.2 < held.mean() < 0.3
    assert (held[:BLOCK_SIDE, :BLOCK_SIDE] == held[0, 0]).all()


def test_regions_get_tables_of_their_own(tmp_path: Path) -> None:
    before = picture(240, 320)
    skin = np.zeros((240, 320), bool)
    skin[40:200, 60:180] = True
    after = np.where(skin[..., None], edited(before, bent_lut(9)), 255 - before).astype(np.uint8)
    for name, pixels in (("a", before), ("b", after), ("m", skin.astype(np.uint8) * 255)):
        Image.fromarray(pixels).save(tmp_path / f"{name}.png")
    paths = [tmp_path / f"{name}.png" for name in "abm"]
    fitted = fit_files(*paths, tmp_path / "f.cube", 9, force=False)
    assert [(each.path.name, each.region) for each in fitted] == [
        ("f.cube", "everything but skin"),
        ("f-skin.cube", "skin"),
    ]
    assert trilinear(read_lut(fitted[0].path).table, np.array([0.2, 0.3, 0.3])) == pytest.approx(
        [0.8, 0.7, 0.7], abs=0.03
    )
    expected = tetrahedral(bent_lut(9).table, before[100:110, 100:110] / 255)
    found = trilinear(read_lut(fitted[1].path).table, before[100:110, 100:110] / 255)
    assert np.abs(found - expected).mean() < 0.03
    with pytest.raises(EdgekitError, match="exists"):
        fit_files(*paths, tmp_path / "f.cube", 9, force=False)


def test_what_cannot_be_fitted_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LutError, match="one size"):
        fit_region(picture(40, 50), picture(50, 40), np.ones((40, 50), bool))
    with pytest.raises(LutError, match="too few"):
        fit_region(picture(40, 50), picture(40, 50), np.zeros((40, 50), bool))
    with pytest.raises(LutError, match=r"\.cube"):
        fit_files(tmp_path / "a.png", tmp_path / "b.png", None, tmp_path / "f.png", 9, force=False)
