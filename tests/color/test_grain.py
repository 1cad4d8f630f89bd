from __future__ import annotations

import numpy as np
import pytest
from skimage.color import rgb2lab

from edgekit.color.controls import Controls, curve
from edgekit.color.engine import styled_pixels
from edgekit.color.grain import CELLS, GRAIN, grained, lattice, noise
from edgekit.color.layers import Layer, Look
from edgekit.color.skin import change_between, skin_locus
from edgekit.shader.oracle import grain_noise
from tests.color.samples import bent_lut, colours, mask, picture

HAIR_ALONE = Look((Layer(("hair",), bent_lut(9)),))


def pcg(v: int) -> int:
    """The hash in Python's integers, cut to 32 bits at every step."""
    state = (v * 747796405 + 2891336453) & 0xFFFFFFFF
    word = ((state >> ((state >> 28) + 4)) ^ state) * 277803737 & 0xFFFFFFFF
    return word >> 22 ^ word


@pytest.mark.parametrize("at", [(0, 0), (1, 0), (0, 1), (1535, 1023), (-1, 7), (3, -1)])
def test_the_lattice_is_the_hash_of_whole_numbers(at: tuple[int, int]) -> None:
    x, y = (v & 0xFFFFFFFF for v in at)
    bits = pcg(x + pcg(y) & 0xFFFFFFFF)
    value = lattice(np.array([at[0]]), np.array([at[1]]))[0]
    assert value == ((bits & 65535) - (bits >> 16)) / 65536


def test_the_grid_is_the_noise_of_every_place() -> None:
    x, y = np.linspace(-0.4, 61.3, 97), np.linspace(3.2, 4.9, 61)
    places = np.stack(np.meshgrid(x, y), axis=-1)
    assert np.abs(noise(x, y) - grain_noise(places)).max() < 1e-5


@pytest.mark.parametrize("offset", [0.0, 0.25, 0.5])
def test_it_deviates_as_much_between_the_lattice_points_as_on_them(offset: float) -> None:
    at = np.arange(300) + offset
    n = noise(at, at)
    assert n.std() == pytest.approx(np.sqrt(1 / 6), rel=0.02)
    assert abs(n.mean()) < 0.01


def test_it_has_no_steps() -> None:
    """So that a GPU's rounding moves it by nothing that is seen."""
    x = np.linspace(0, 40, 400_001)
    assert np.abs(np.diff(noise(x, np.array([7.3])), axis=1)).max() < 1e-3


def test_every_colour_stays_in_the_gamut_and_black_and_white_stay() -> None:
    rgb = colours()
    assert GRAIN * 2 <= 1  # |n| is at most 2
    for k in (-1.0, 1.0):
        moved = grained(rgb, np.full(len(rgb), k))
        assert moved.min() >= 0 and moved.max() <= 1
    ends = np.array([[0.0, 0, 0], [1, 1, 1], [1, 0, 0.5]])
    assert (grained(ends, np.ones(3)) == ends).all()


def test_it_is_strongest_in_mid_tones_and_has_the_stated_size() -> None:
    n = noise(np.arange(256) * 0.37, np.arange(200) * 0.37)
    ramp = np.linspace(0, 1, 11)
    levels = [(255 * grained(np.full((*n.shape, 3), v), GRAIN * n)[..., 1]).std() for v in ramp]
    assert int(np.argmax(levels)) == 5
    assert levels[5] == pytest.approx(13, abs=0.5)
    assert np.diff(levels[:6]).min() > 0 and np.diff(levels[5:]).max() < 0


def test_it_is_lightness_and_hardly_hue() -> None:
    """As the figures in `edgekit/color/grain.py`: against a curve of every channel's own."""
    locus, k = skin_locus(), GRAIN * np.sqrt(1 / 6)
    turns = {
        name: np.mean([hue_turn(locus, locus_moved) for locus_moved in moved])
        for name, moved in {
            "grain": [grained(locus, np.full(len(locus), s * k)) for s in (-1, 1)],
            "curve": [curve(locus, s * k) for s in (-1, 1)],
        }.items()
    }
    assert turns["grain"] == pytest.approx(0.3, abs=0.05)
    assert turns["curve"] == pytest.approx(1.2, abs=0.05)
    worst = change_between(locus, grained(locus, np.full(len(locus), 2 * GRAIN))).max_hue_deg
    assert worst is not None and worst < 9


def hue_turn(before: np.ndarray, after: np.ndarray) -> float:
    a, b = (np.rad2deg(np.arctan2(*rgb2lab(rgb)[:, :0:-1].T)) for rgb in (before, after))
    return float(np.abs((b - a + 180) % 360 - 180).mean())


@pytest.mark.parametrize(("factor", "share"), [(2, 0.75), (3, 0.65)])
def test_a_preview_shows_the_grain_of_the_whole_photo(factor: int, share: float) -> None:
    """A photo reduced to the size of a preview has the pattern of the preview, nearly as strong."""
    small = grey(CELLS // 12 * 8, CELLS)
    large = grey(factor * CELLS // 12 * 8, factor * CELLS)
    reduced = large.reshape(small.shape[0], factor, CELLS, factor).mean((1, 3))
    assert np.corrcoef(reduced.ravel(), small.ravel())[0, 1] > 0.8
    assert share < reduced.std() / small.std() < 1


def grey(height: int, width: int) -> np.ndarray:
    """The green of a grained grey picture."""
    pixels = np.full((height, width, 3), 128, np.uint8)
    return styled_pixels(pixels, HAIR_ALONE, Controls(grain=1.0), np.zeros((2, 3, 3), np.float32))[..., 1]


def test_it_lies_over_all_regions_and_goes_with_the_intensity() -> None:
    pixels, weights = picture(90, 140), mask(9, 14)
    plain = styled_pixels(pixels, HAIR_ALONE, Controls(), weights)
    full, half, none = (
        styled_pixels(pixels, HAIR_ALONE, Controls(intensity, grain=1.0), weights)
        for intensity in (1.0, 0.5, 0.0)
    )
    assert (none == pixels).all()
    middle = (plain.min(-1) > 60) & (plain.max(-1) < 195)
    untouched = middle & (plain == pixels).all(-1)
    for region in (middle, untouched):
        assert region.sum() > 200
        assert np.abs(full[region].astype(int) - plain[region]).mean() > 3
    strength = [np.abs(p[untouched].astype(int) - pixels[untouched]).mean() for p in (half, full)]
    assert strength[0] == pytest.approx(strength[1] / 2, rel=0.1)


def test_it_leaves_the_mean() -> None:
    pixels = np.full((600, 900, 3), 128, np.uint8)
    grainy = styled_pixels(pixels, HAIR_ALONE, Controls(grain=1.0), np.zeros((2, 3, 3), np.float32))
    assert abs(grainy.mean() - 128) < 0.3
    assert (grainy[..., 0] == grainy[..., 2]).all()
