from __future__ import annotations

import tracemalloc

import numpy as np
import pytest

from edgekit.color.controls import GROUPS, NO_CONTROLS, Controls, adjust, amount, blend
from edgekit.color.engine import (
    Layer,
    layers_from_luts,
    layers_from_style,
    styled_pixels,
    upsampled_rows,
    weights_of,
)
from edgekit.color.interpolation import tetrahedral
from edgekit.color.lut import Lut3D, grid
from edgekit.color.styles import STYLES
from edgekit.errors import EdgekitError, UnknownName
from tests.color.samples import bent_lut, mask, picture, rough_lut

ALL_CONTROLS = [
    NO_CONTROLS,
    Controls(intensity=0.35),
    Controls(tone=0.9, warmth=-0.8, skin_protection=0.3),
    Controls(intensity=0.7, tone=-1.0, warmth=1.0),
]


def bilinear(weights: np.ndarray, height: int, width: int) -> np.ndarray:
    """The mask at every pixel by the definition: half-pixel centres, clamped. float64."""
    h, w = weights.shape[:2]
    y = np.clip((np.arange(height) + 0.5) * h / height - 0.5, 0, h - 1)
    x = np.clip((np.arange(width) + 0.5) * w / width - 0.5, 0, w - 1)
    y0, x0 = np.minimum(y.astype(int), h - 2), np.minimum(x.astype(int), w - 2)
    fy, fx = (y - y0)[:, None, None], (x - x0)[None, :, None]
    rows = weights[y0] * (1 - fy) + weights[y0 + 1] * fy
    return np.asarray(rows[:, x0] * (1 - fx) + rows[:, x0 + 1] * fx)


def oracle(
    pixels: np.ndarray, layers: dict[str, Layer], controls: Controls, weights: np.ndarray
) -> np.ndarray:
    """The formula of `controls`, in float64, with the tetrahedral oracle. Returns levels, unrounded."""
    largest = np.iinfo(pixels.dtype).max
    c = pixels / largest
    styled, amounts = {}, {}
    for group, layer in layers.items():
        if layer.lut is not None:
            styled[group] = adjust(
                tetrahedral(layer.lut.table, layer.lut.unit_from_input(c)), controls, group
            )
            amounts[group] = amount(controls, group, layer.strength)
    return blend(c, styled, amounts, bilinear(weights, *pixels.shape[:2])) * largest


LAYERS = {
    "style": layers_from_style(STYLES["dramatic"]),
    "mono": layers_from_style(STYLES["stark-bw"]),
    "skin untouched": layers_from_luts(bent_lut(13), None),
    "four tables": {
        group: Layer(rough_lut(5, seed), strength)
        for seed, (group, strength) in enumerate(zip(GROUPS, (1.0, 0.5, 0.8, 0.9), strict=True))
    },
    "one group": {"clothes": Layer(bent_lut(17))},
}


@pytest.mark.parametrize("controls", ALL_CONTROLS)
@pytest.mark.parametrize("name", LAYERS)
@pytest.mark.parametrize("shape", [(97, 143), (300, 271), (1, 1), (1, 700), (600, 3)])
def test_8_bits_are_within_one_level_of_the_oracle(
    name: str, controls: Controls, shape: tuple[int, int]
) -> None:
    if name == "four tables" and (controls.tone or controls.warmth):
        controls = Controls(intensity=controls.intensity)  # noise bends more in a cell than any real table
    pixels, layers = picture(*shape), LAYERS[name]
    styled = styled_pixels(pixels, layers, controls, mask())
    assert styled.shape == pixels.shape and styled.dtype == np.uint8
    assert np.abs(styled - oracle(pixels, layers, controls, mask())).max() <= 1.0


@pytest.mark.parametrize("name", ["style", "skin untouched", "one group"])
def test_16_bits_keep_their_precision(name: str) -> None:
    pixels = picture(120, 90, np.uint16)
    styled = styled_pixels(pixels, LAYERS[name], NO_CONTROLS, mask())
    assert styled.dtype == np.uint16
    assert np.abs(styled - oracle(pixels, LAYERS[name], NO_CONTROLS, mask())).max() <= 2.0  # of 65535


def test_a_wrong_oracle_is_noticed() -> None:
    pixels, layers = picture(), LAYERS["skin untouched"]
    styled = styled_pixels(pixels, layers, NO_CONTROLS, mask())
    swapped = mask()[..., ::-1]
    assert np.abs(styled - oracle(pixels, layers, NO_CONTROLS, swapped)).max() > 10
    assert np.abs(styled - oracle(pixels, layers, Controls(intensity=0.5), mask())).max() > 10


def test_nothing_changes_at_zero_intensity_or_without_layers() -> None:
    pixels = picture()
    for layers, controls in ((LAYERS["style"], Controls(intensity=0.0, tone=1.0)), ({}, NO_CONTROLS)):
        assert (styled_pixels(pixels, layers, controls, mask()) == pixels).all()


def test_untouched_groups_keep_every_bit() -> None:
    pixels = picture(dtype=np.uint16)
    all_skin = np.zeros((4, 5, 3), np.float32)
    all_skin[..., 0] = 1.0
    controls = Controls(tone=1.0, warmth=1.0)
    assert (styled_pixels(pixels, LAYERS["skin untouched"], controls, all_skin) == pixels).all()


def test_threads_and_tiles_do_not_show() -> None:
    pixels = picture(530, 777)
    one = styled_pixels(pixels, LAYERS["style"], NO_CONTROLS, mask(), threads=1)
    assert (one == styled_pixels(pixels, LAYERS["style"], NO_CONTROLS, mask(), threads=3)).all()
    part = styled_pixels(pixels, LAYERS["style"], NO_CONTROLS, np.full((2, 2, 3), 0.2, np.float32))
    whole = np.full((530, 777, 3), 0.2, np.float32)
    assert (part == styled_pixels(pixels, LAYERS["style"], NO_CONTROLS, whole)).all()


def test_memory_is_bounded_by_the_picture() -> None:
    pixels = np.zeros((2000, 6000, 3), np.uint8)
    pixels[:] = picture(1, 6000)
    tracemalloc.start()
    styled_pixels(pixels, LAYERS["style"], NO_CONTROLS, mask(128, 128), threads=1)
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak_bytes < pixels.nbytes + 60 * 2**20  # floats of the whole picture alone would be 192 MB


def test_a_band_of_the_mask_is_that_of_the_whole() -> None:
    whole = bilinear(mask(), 301, 203)
    assert np.abs(upsampled_rows(mask(), (301, 203), slice(0, 301)) - whole).max() < 1e-5
    assert np.abs(upsampled_rows(mask(), (301, 203), slice(117, 180)) - whole[117:180]).max() < 1e-5
    smaller = upsampled_rows(mask(40, 60), (20, 30), slice(0, 20))
    assert smaller.shape == (20, 30, 3)


def test_a_mask_of_one_texel() -> None:
    texel = np.array([[[0.25, 0.0, 0.5]]], np.float32)
    assert upsampled_rows(texel, (7, 9), slice(2, 5)) == pytest.approx(np.broadcast_to(texel, (3, 9, 3)))


def test_a_refinement_takes_the_mask_to_full_size() -> None:
    pixels, seen = picture(50, 70), []

    def refine(weights: np.ndarray, guide: np.ndarray) -> np.ndarray:
        seen.append((weights.shape, guide.shape, guide.dtype, float(guide.max())))
        return np.where(guide[..., :1] > 0.5, [0.0, 0.0, 1.0], [1.0, 0.0, 0.0]).astype(np.float32)

    layers = {"clothes": Layer(Lut3D((1 - grid(2)).astype(np.float32)))}
    styled = styled_pixels(pixels, layers, NO_CONTROLS, mask(), refine)
    bright = pixels[..., 0] > 127
    assert (styled[bright] == 255 - pixels[bright]).all()
    assert (styled[~bright] == pixels[~bright]).all()
    assert seen == [((13, 19, 3), (50, 70, 3), np.float32, pytest.approx(1.0, abs=0.1))]


def test_a_refinement_of_another_size_is_refused() -> None:
    with pytest.raises(EdgekitError, match="refined"):
        styled_pixels(picture(), LAYERS["style"], NO_CONTROLS, mask(), lambda m, g: m)


def test_weights_above_one_are_divided() -> None:
    weights = weights_of(np.array([[[0.8, 0.8, 0.4], [0.1, 0.2, 0.3]]]))
    assert weights[0] == pytest.approx(np.array([[0.4, 0.4, 0.2], [0.1, 0.2, 0.3]]))


@pytest.mark.parametrize(
    "wrong",
    [
        np.zeros((4, 4), np.float32),
        np.zeros((4, 4, 4), np.float32),
        np.zeros((0, 4, 3), np.float32),
        np.full((4, 4, 3), 255.0),
        np.full((4, 4, 3), -0.1),
        np.full((4, 4, 3), np.nan),
    ],
)
def test_a_wrong_mask_is_refused(wrong: np.ndarray) -> None:
    with pytest.raises(EdgekitError, match="mask"):
        styled_pixels(picture(), LAYERS["style"], NO_CONTROLS, wrong)


def test_an_unknown_group_and_a_wrong_strength_are_refused() -> None:
    with pytest.raises(UnknownName, match="background"):
        styled_pixels(picture(), {"skyn": Layer(bent_lut())}, NO_CONTROLS, mask())
    with pytest.raises(EdgekitError, match="strength"):
        Layer(bent_lut(), 1.2)


def test_a_table_over_another_domain_is_applied_through_it() -> None:
    wide = Lut3D(grid(9).astype(np.float32) ** 2, domain_max=(2.0, 2.0, 2.0))
    layers = layers_from_luts(wide, wide)
    pixels = picture()
    styled = styled_pixels(pixels, layers, NO_CONTROLS, mask())
    assert np.abs(styled - oracle(pixels, layers, NO_CONTROLS, mask())).max() <= 1.0
