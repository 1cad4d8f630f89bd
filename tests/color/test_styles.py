"""The guarantees, for every preset and every control value that bends a colour."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edgekit.color.controls import GROUPS, NO_CONTROLS, SKIN, Controls, adjust, amount
from edgekit.color.formats import read_lut
from edgekit.color.grade import Grade, Tint, graded, lut_from_grade
from edgekit.color.interpolation import tetrahedral, trilinear
from edgekit.color.lut import Lut3D, grid
from edgekit.color.oklab import oklab_from_srgb, srgb_from_oklab
from edgekit.color.skin import change_between, skin_change, skin_locus
from edgekit.color.style_file import ANY_CONTROLS, largest_step, save_style, style_json
from edgekit.color.styles import COLOURLESS, KEPT, MOVED, STYLES, style_named
from edgekit.errors import EdgekitError, UnknownName
from tests.color.samples import bent_lut, colours

MAX_STEP_NEUTRAL = 5.0  # levels between neighbouring 8-bit inputs; docs/color.md states the same
MAX_STEP_ANY = 8.0
GREYS = np.repeat(np.linspace(0, 1, 256)[:, None], 3, axis=1)
LUTS = {name: style.luts() for name, style in STYLES.items()}


@pytest.mark.parametrize("name", STYLES)
@pytest.mark.parametrize("group", ["skin", "background"])
def test_greys_rise_and_stay_in_the_gamut_with_every_control(name: str, group: str) -> None:
    looked = tetrahedral(LUTS[name][group].table, GREYS)
    for controls in ANY_CONTROLS:
        for intensity in (0.0, 0.3, 1.0):
            k = amount(replace(controls, intensity=intensity), group)
            result = GREYS + k * (adjust(looked, controls, group) - GREYS)
            assert np.diff(result, axis=0).min() >= 0
            assert result.min() >= 0 and result.max() <= 1 + 1e-9


@pytest.mark.slow
@pytest.mark.parametrize("name", STYLES)
def test_no_step_is_larger_than_stated(name: str) -> None:
    for group in ("skin", "background"):
        assert largest_step(LUTS[name][group]) <= MAX_STEP_NEUTRAL
        assert max(largest_step(LUTS[name][group], c, group) for c in ANY_CONTROLS) <= MAX_STEP_ANY


@pytest.mark.parametrize("name", STYLES)
def test_the_skin_promise_holds(name: str) -> None:
    promise, change = STYLES[name].promise, skin_change(LUTS[name][SKIN])
    assert change.max_lightness <= promise.max_lightness
    if promise.max_hue_deg is None:
        assert change.max_hue_deg is None
    else:
        assert change.max_hue_deg is not None and change.max_hue_deg <= promise.max_hue_deg


@pytest.mark.parametrize("name", [n for n, s in STYLES.items() if s.promise is KEPT])
def test_surroundings_change_more_than_skin(name: str) -> None:
    skin = skin_change(LUTS[name][SKIN]).max_delta_e00
    assert skin < skin_change(LUTS[name]["background"]).max_delta_e00 or name == "neutral"
    assert skin < 3.2


def test_the_certificate_fails_for_a_table_that_moves_skin() -> None:
    change = skin_change(lut_from_grade(Grade(hue_turn_deg=25.0, brightness=0.4)))
    assert change.max_hue_deg is not None and change.max_hue_deg > MOVED.max_hue_deg  # type: ignore[operator]
    assert change.max_lightness > COLOURLESS.max_lightness
    assert change.max_delta_e00 > 5


def test_undertones_move_skin_where_they_say() -> None:
    shift = {name: skin_change(LUTS[name][SKIN]) for name in ("cool-rose", "rose-gold", "gold", "neutral")}
    assert shift["cool-rose"].mean_delta_a > 2 and shift["cool-rose"].mean_delta_b < -1
    assert shift["rose-gold"].mean_delta_a > 2
    assert shift["gold"].mean_delta_b > 2 and shift["gold"].mean_delta_a < 0
    assert shift["neutral"].mean_delta_a < -0.5 and shift["neutral"].mean_delta_b < -1


def test_protection_tightens_the_certificate() -> None:
    lut = LUTS["cool-rose"][SKIN]
    spared = skin_change(lut, Controls(skin_protection=0.5))
    assert spared.max_delta_e00 < 0.6 * skin_change(lut).max_delta_e00
    assert skin_change(lut, Controls(skin_protection=1.0)).max_delta_e00 == 0.0


def test_the_locus_is_wide_and_inside_srgb() -> None:
    locus = skin_locus()
    assert len(locus) > 120
    assert locus.min() >= 0 and locus.max() <= 1
    lightness = oklab_from_srgb(locus)[:, 0]
    assert lightness.min() < 0.25 and lightness.max() > 0.9


def test_hue_is_not_judged_near_grey() -> None:
    grey, warm_grey = np.full((4, 3), 0.5), np.full((4, 3), [0.51, 0.5, 0.5])
    assert change_between(grey, warm_grey).max_hue_deg is None


def test_a_hue_turn_across_180_degrees_is_measured_the_short_way() -> None:
    lab = np.array([[0.6, -0.1, 0.01]])
    turned = np.array([[0.6, -0.1, -0.01]])
    change = change_between(srgb_from_oklab(lab), srgb_from_oklab(turned))
    assert change.max_hue_deg is not None and change.max_hue_deg < 20


def test_no_grade_is_the_identity() -> None:
    assert np.abs(graded(colours(), Grade()) - colours()).max() < 1e-6


def test_black_and_white_has_no_colour() -> None:
    for name in ("muted-bw", "stark-bw"):
        for group in GROUPS:
            table = LUTS[name][group].table
            assert np.ptp(table, axis=-1).max() < 1e-5


def test_a_tint_goes_to_its_hue_and_spares_black_and_white() -> None:
    greys = graded(GREYS, Grade(midtones=Tint(hue_deg=245, chroma=0.03)))
    assert greys[0] == pytest.approx([0, 0, 0], abs=1e-6) and greys[-1] == pytest.approx([1, 1, 1], abs=1e-5)
    a, b = oklab_from_srgb(greys[128])[1:]
    assert np.degrees(np.arctan2(b, a)) % 360 == pytest.approx(245, abs=0.5)


def test_oklab_matches_the_published_pairs() -> None:
    # Ottosson 2020: XYZ (0.950, 1, 1.089) is L = 1; sRGB red is (0.628, 0.225, 0.126).
    assert oklab_from_srgb(np.array([1.0, 1.0, 1.0])) == pytest.approx([1, 0, 0], abs=1e-4)
    assert oklab_from_srgb(np.array([1.0, 0.0, 0.0])) == pytest.approx([0.628, 0.225, 0.126], abs=1e-3)
    assert srgb_from_oklab(oklab_from_srgb(colours())) == pytest.approx(colours(), abs=1e-6)


def test_a_step_is_found_where_there_is_one() -> None:
    table = Lut3D.identity(9).table.copy()
    table[4:, :, :, 1] = np.minimum(table[4:, :, :, 1] + 0.5, 1.0)
    assert largest_step(Lut3D(table)) == pytest.approx(0.5 * 8)
    assert largest_step(Lut3D.identity(9)) == pytest.approx(1.0, abs=1e-3)


def test_the_bound_holds_for_real_neighbours() -> None:
    lut, controls = bent_lut(9), Controls(tone=1.0, warmth=-1.0)
    rgb = np.random.default_rng(2).integers(0, 255, (20000, 3)).astype(float)
    bound = largest_step(lut, controls, "hair")
    seen = 0.0
    for axis in range(3):
        near = rgb.copy()
        near[:, axis] += 1
        ends = [adjust(trilinear(lut.table, c / 255), controls, "hair") for c in (rgb, near)]
        seen = max(seen, float(np.abs(ends[1] - ends[0]).max() * 255))
    assert 0.8 * bound < seen <= bound


def test_an_unknown_style_lists_the_known_ones() -> None:
    with pytest.raises(UnknownName, match="rich-contrast"):
        style_named("rich-contrst")


@pytest.mark.slow
def test_a_style_file_holds_numbers_promise_and_certificate(tmp_path: Path) -> None:
    paths = save_style(STYLES["gold"], tmp_path, force=False)
    saved = json.loads(paths[0].read_text())
    assert saved == style_json(STYLES["gold"])
    assert saved["skin"]["hue_turn_deg"] == 9.0
    certificate = saved["certificate"]
    assert certificate["neutral_controls"]["max_hue_deg"] <= certificate["promise"]["max_hue_deg"]
    assert certificate["any_controls"]["max_lightness"] > certificate["neutral_controls"]["max_lightness"]
    assert (read_lut(paths[1]).table == LUTS["gold"]["background"].table).all()
    assert (read_lut(paths[2]).table == LUTS["gold"][SKIN].table).all()
    with pytest.raises(EdgekitError, match="exists"):
        save_style(STYLES["gold"], tmp_path, force=False)


def test_a_finer_table_is_the_same_style() -> None:
    style, rgb = STYLES["warm"], colours()
    coarse, fine = (tetrahedral(style.luts(size)["hair"].table, rgb) for size in (33, 65))
    assert np.abs(coarse - fine).mean() < 0.5 / 255
    assert np.abs(style.luts(5)["hair"].table - graded(grid(5), style.everything)).max() < 1e-6
    assert (adjust(coarse, NO_CONTROLS, "hair") == coarse).all()
