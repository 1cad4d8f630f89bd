from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from skimage.color import rgb2lab

from edgekit.color.controls import (
    CONTROL_RANGES,
    GROUPS,
    NO_CONTROLS,
    Controls,
    adjust,
    amount,
    blend,
    curve,
    group_weight,
    share,
    vivid,
)
from edgekit.color.skin import change_between, skin_locus
from edgekit.color.styles import KEPT
from edgekit.errors import EdgekitError
from tests.color.samples import colours

EXTREMES = [
    Controls(tone=t, warmth=w, color=c)
    for t, w, c in product((-1.0, -0.4, 0.0, 0.7, 1.0), (-1.0, 0.0, 1.0), (-1.0, 0.0, 0.6, 1.0))
]


def test_zero_is_the_identity() -> None:
    rgb = colours()
    for group in GROUPS:
        assert (adjust(rgb, NO_CONTROLS, group) == rgb).all()


@pytest.mark.parametrize("controls", EXTREMES)
@pytest.mark.parametrize("group", ["skin", "background"])
def test_black_and_white_stay_and_greys_rise(controls: Controls, group: str) -> None:
    ramp = np.repeat(np.linspace(0, 1, 256)[:, None], 3, axis=1)
    adjusted = adjust(ramp, controls, group)
    assert adjusted[0] == pytest.approx([0, 0, 0], abs=1e-12)
    assert adjusted[-1] == pytest.approx([1, 1, 1])
    assert (np.diff(adjusted, axis=0) > 0).all()


@pytest.mark.parametrize("controls", EXTREMES)
def test_every_colour_stays_in_the_gamut(controls: Controls) -> None:
    adjusted = adjust(colours(), controls, "clothes")
    assert adjusted.min() >= -1e-12 and adjusted.max() <= 1 + 1e-12


def test_the_directions_are_those_of_the_names() -> None:
    grey = np.full((1, 3), 0.5)
    assert (adjust(grey, Controls(tone=1), "hair") > 0.6).all()
    warm = adjust(grey, Controls(warmth=1), "hair")[0]
    assert warm[0] > 0.5 > warm[1] > warm[2]
    assert warm == pytest.approx([0.558, 0.491, 0.397], abs=0.004)  # daylight of 4500 K, see WARMTH_RGB
    skin = adjust(grey, Controls(warmth=1), "skin")[0]
    assert abs(skin[2] - 0.5) == pytest.approx(abs(warm[2] - 0.5) / 3)


def test_tone_comes_before_warmth() -> None:
    both = adjust(np.full((1, 3), 0.3), Controls(tone=0.8, warmth=0.9), "hair")[0, 2]
    toned = 0.3 + 0.5 * 0.8 * 0.3 * 0.7
    assert both == pytest.approx(toned - 0.40 * 0.9 * toned * (1 - toned))


def test_color_comes_between_tone_and_warmth() -> None:
    colour, controls = np.array([0.3, 0.5, 0.6]), Controls(tone=0.8, color=-0.5, warmth=0.9)
    toned = colour + 0.4 * colour * (1 - colour)
    muted = toned - 0.25 * (toned - np.sqrt(toned**2 @ [0.2126, 0.7152, 0.0722]))
    warmed = muted + 0.9 * np.array([0.23, -0.04, -0.40]) * muted * (1 - muted)
    assert adjust(colour, controls, "hair") == pytest.approx(warmed)


def test_vivid_is_its_formula() -> None:
    colour = np.array([0.2, 0.5, 0.7])
    grey = np.sqrt(0.2126 * 0.04 + 0.7152 * 0.25 + 0.0722 * 0.49)
    assert vivid(colour, 0.5) == pytest.approx(colour + 0.5 * 4 * 0.2 * 0.3 * (colour - grey))
    assert vivid(colour, -1.0) == pytest.approx((colour + grey) / 2)


@pytest.mark.parametrize("color", [-1.0, 1.0])
def test_color_leaves_greys_and_its_vivid_end_leaves_what_is_saturated(color: float) -> None:
    greys = np.repeat(np.linspace(0, 1, 256)[:, None], 3, axis=1)
    assert vivid(greys, color) == pytest.approx(greys, abs=1e-12)
    face = colours()
    face[np.arange(len(face)), face.argmax(axis=1)] = 1.0
    kept = vivid(face, max(color, 0.0))
    assert kept == pytest.approx(face, abs=1e-12)


@pytest.mark.parametrize("color", [-1.0, 1.0])
def test_color_takes_one_level_at_most_to_two_and_keeps_their_order(color: float) -> None:
    rgb = colours()
    for channel in range(3):
        step = np.minimum(1 - rgb[:, channel], 1 / 255)
        beside = rgb.copy()
        beside[:, channel] += step
        moved = (vivid(beside, color) - vivid(rgb, color))[step > 1e-6] / step[step > 1e-6, None]
        assert np.abs(moved).max() <= 2.0
        assert moved[:, channel].min() >= 0.0


@pytest.mark.parametrize("color", [-1.0, 1.0])
def test_color_keeps_skin_within_the_promise_of_a_kept_style(color: float) -> None:
    locus = skin_locus()
    change = change_between(locus, vivid(locus, color * share("skin")))
    assert change.max_hue_deg is not None and change.max_hue_deg <= KEPT.max_hue_deg
    assert change.max_lightness <= 0.5
    whole = change_between(locus, vivid(locus, color))  # without its share it would not be kept
    assert whole.max_delta_e00 > 2 * change.max_delta_e00
    skin = np.array([[201, 143, 120]]) / 255
    moved = adjust(skin, Controls(color=color), "skin") - skin
    assert moved == pytest.approx(vivid(skin, color / 3) - skin)


@pytest.mark.parametrize("color", [-1.0, -0.5, 0.5, 1.0])
def test_color_keeps_lightness_and_hue_nearly(color: float) -> None:
    rgb = colours()
    change = rgb2lab(vivid(rgb, color)) - rgb2lab(rgb)
    assert np.abs(change[:, 0]).max() < 10
    assert np.abs(change[:, 0]).mean() < 2
    turn = change_between(rgb, vivid(rgb, color)).max_hue_deg
    assert turn is not None and turn < (18 if color < 0 else 6)  # the line through blue is not one of hue


def test_the_curve_is_its_formula() -> None:
    assert curve(np.array([0.25]), 0.5)[0] == pytest.approx(0.25 + 0.5 * 0.25 * 0.75)


def test_protection_spares_skin_alone() -> None:
    controls = Controls(intensity=0.5, skin_protection=0.75)
    assert amount(controls, "skin", 0.8) == pytest.approx(0.5 * 0.8 * 0.25)
    assert amount(controls, "hair", 0.8) == pytest.approx(0.4)


def test_the_blend_weighs_each_group_and_leaves_the_rest() -> None:
    c = np.array([[0.2, 0.4, 0.6]])
    weights = np.array([[0.5, 0.2, 0.1]])
    styled = {"skin": np.array([[1.0, 0.0, 0.0]]), "background": np.array([[0.0, 0.0, 1.0]])}
    result = blend(c, styled, {"skin": 0.5, "background": 1.0}, weights)
    assert result[0] == pytest.approx(
        c[0] + 0.25 * (styled["skin"][0] - c[0]) + 0.2 * (styled["background"][0] - c[0])
    )


def test_the_background_is_what_the_mask_leaves() -> None:
    weights = np.array([[0.5, 0.2, 0.1], [0.6, 0.3, 0.2]])
    assert group_weight(weights, "background") == pytest.approx([0.2, 0.0])
    assert group_weight(weights, "clothes") == pytest.approx([0.1, 0.2])


@pytest.mark.parametrize("control", [c.name for c in CONTROL_RANGES])
@pytest.mark.parametrize("value", [-1.01, 1.01, float("nan")])
def test_a_control_out_of_range_is_refused(control: str, value: float) -> None:
    with pytest.raises(EdgekitError, match=control):
        Controls(**{control: value})
