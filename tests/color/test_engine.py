from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from PIL import Image

from edgekit.color.controls import GROUPS, NO_CONTROLS, Controls, adjust, amount, blend
from edgekit.color.engine import baked_layers, styled_pixels, upsampled_rows, weights_of
from edgekit.color.grain import CELLS, GRAIN, grained
from edgekit.color.interpolation import tetrahedral
from edgekit.color.layers import Layer, Look, everything_but_skin, look_of_style
from edgekit.color.lut import Lut3D, grid
from edgekit.color.styles import STYLES
from edgekit.errors import EdgekitError
from edgekit.shader.oracle import grain_noise
from edgekit.shader.transforms import pixel_centres
from tests.color.samples import bent_lut, mask, picture, rough_lut

ALL_CONTROLS = [
    NO_CONTROLS,
    Controls(intensity=0.35),
    Controls(tone=0.9, warmth=-0.8, skin_protection=0.3),
    Controls(intensity=0.7, tone=-1.0, warmth=1.0),
    Controls(intensity=0.9, grain=1.0),
    # Color is baked into 65 points a side, half a second for each table.
    pytest.param(Controls(color=1.0), marks=pytest.mark.slow),
    pytest.param(
        Controls(intensity=0.9, tone=0.6, warmth=-0.5, skin_protection=0.2, color=-1.0),
        marks=pytest.mark.slow,
    ),
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


def oracle(pixels: np.ndarray, look: Look, controls: Controls, weights: np.ndarray) -> np.ndarray:
    """The formula of `controls`, in float64, with the tetrahedral oracle. Returns levels, unrounded."""
    largest = np.iinfo(pixels.dtype).max
    c = pixels / largest
    styled, amounts = {}, {}
    for group in GROUPS:
        layer = look.layer_of(group)
        if layer is not None and layer.lut is not None:
            styled[group] = adjust(
                tetrahedral(layer.lut.table, layer.lut.unit_from_input(c)), controls, group
            )
            amounts[group] = amount(controls, group, layer.strength)
    mixed = blend(c, styled, amounts, bilinear(weights, *pixels.shape[:2]))
    height, width = pixels.shape[:2]
    places = pixel_centres(height, width) * [width, height] * (CELLS / max(height, width))
    return grained(mixed, GRAIN * controls.grain * controls.intensity * grain_noise(places)) * largest


LOOKS = {
    "style": look_of_style(STYLES["dramatic"]),
    "mono": look_of_style(STYLES["stark-bw"]),
    "skin untouched": Look(everything_but_skin(bent_lut(13))),
    "four tables": Look(
        tuple(
            Layer((group,), rough_lut(5, seed), strength)
            for seed, (group, strength) in enumerate(zip(GROUPS, (1.0, 0.5, 0.8, 0.9), strict=True))
        )
    ),
    "one group": Look((Layer(("clothes",), bent_lut(17)),)),
}


BEACH = Look(
    (
        Layer(("background",), source="picture"),
        Layer(("clothes", "drawn_2"), bent_lut(9), 0.7, "blurred"),
        Layer(("drawn_1",), rough_lut(5)),
    ),
    picture=picture(70, 110)[:, ::-1],
)


@pytest.mark.parametrize("controls", ALL_CONTROLS)
@pytest.mark.parametrize("name", LOOKS)
@pytest.mark.parametrize("shape", [(97, 143), (300, 271), (1, 1), (1, 700), (600, 3)])
def test_8_bits_are_within_one_level_of_the_oracle(
    name: str, controls: Controls, shape: tuple[int, int]
) -> None:
    if name == "four tables" and (controls.tone or controls.warmth or controls.color):
        controls = Controls(intensity=controls.intensity)  # noise bends more in a cell than any real table
    pixels, look = picture(*shape), LOOKS[name]
    styled = styled_pixels(pixels, look, controls, mask())
    assert styled.shape == pixels.shape and styled.dtype == np.uint8
    assert np.abs(styled - oracle(pixels, look, controls, mask())).max() <= 1.0


@pytest.mark.parametrize("name", ["style", "skin untouched", "one group"])
def test_16_bits_keep_their_precision(name: str) -> None:
    pixels = picture(120, 90, np.uint16)
    styled = styled_pixels(pixels, LOOKS[name], NO_CONTROLS, mask())
    assert styled.dtype == np.uint16
    assert np.abs(styled - oracle(pixels, LOOKS[name], NO_CONTROLS, mask())).max() <= 2.0  # of 65535


def test_a_wrong_oracle_is_noticed() -> None:
    pixels, look = picture(), LOOKS["skin untouched"]
    styled = styled_pixels(pixels, look, NO_CONTROLS, mask())
    swapped = mask()[..., ::-1]
    assert np.abs(styled - oracle(pixels, look, NO_CONTROLS, swapped)).max() > 10
    assert np.abs(styled - oracle(pixels, look, Controls(intensity=0.5), mask())).max() > 10


def test_nothing_changes_at_zero_intensity() -> None:
    pixels = picture()
    for look in (*LOOKS.values(), BEACH):
        assert (styled_pixels(pixels, look, Controls(intensity=0.0, tone=1.0), mask()) == pixels).all()


def test_untouched_groups_keep_every_bit() -> None:
    pixels = picture(dtype=np.uint16)
    all_skin = np.zeros((4, 5, 3), np.float32)
    all_skin[..., 0] = 1.0
    controls = Controls(tone=1.0, warmth=1.0)
    assert (styled_pixels(pixels, LOOKS["skin untouched"], controls, all_skin) == pixels).all()


def test_threads_and_tiles_do_not_show() -> None:
    pixels = picture(530, 777)
    one = styled_pixels(pixels, LOOKS["style"], NO_CONTROLS, mask(), threads=1)
    assert (one == styled_pixels(pixels, LOOKS["style"], NO_CONTROLS, mask(), threads=3)).all()
    part = styled_pixels(pixels, LOOKS["style"], NO_CONTROLS, np.full((2, 2, 3), 0.2, np.float32))
    whole = np.full((530, 777, 3), 0.2, np.float32)
    assert (part == styled_pixels(pixels, LOOKS["style"], NO_CONTROLS, whole)).all()


def test_memory_is_bounded_by_the_picture() -> None:
    pixels = np.zeros((2000, 6000, 3), np.uint8)
    pixels[:] = picture(1, 6000)
    tracemalloc.start()
    styled_pixels(pixels, LOOKS["style"], NO_CONTROLS, mask(128, 128), threads=1)
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

    look = Look((Layer(("clothes",), Lut3D((1 - grid(2)).astype(np.float32))),))
    styled = styled_pixels(pixels, look, NO_CONTROLS, mask(), refine)
    bright = pixels[..., 0] > 127
    assert (styled[bright] == 255 - pixels[bright]).all()
    assert (styled[~bright] == pixels[~bright]).all()
    assert seen == [((13, 19, 3), (50, 70, 3), np.float32, pytest.approx(1.0, abs=0.1))]


def test_a_refinement_of_another_size_is_refused() -> None:
    with pytest.raises(EdgekitError, match="refined"):
        styled_pixels(picture(), LOOKS["style"], NO_CONTROLS, mask(), lambda m, g: m)


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
        styled_pixels(picture(), LOOKS["style"], NO_CONTROLS, wrong)


def test_a_table_over_another_domain_is_applied_through_it() -> None:
    wide = Lut3D(grid(9).astype(np.float32) ** 2, domain_max=(2.0, 2.0, 2.0))
    look = Look(everything_but_skin(wide, wide))
    pixels = picture()
    styled = styled_pixels(pixels, look, NO_CONTROLS, mask())
    assert np.abs(styled - oracle(pixels, look, NO_CONTROLS, mask())).max() <= 1.0


def left_half(region: int, height: int = 4, width: int = 8) -> np.ndarray:
    weights = np.zeros((height, width, 3), np.float32)
    weights[:, : width // 2, region] = 1.0
    return weights


def test_a_picture_covers_the_background_about_its_middle() -> None:
    behind = np.zeros((40, 200, 3), np.uint8)
    behind[:, 60:140] = (10, 200, 30)  # the middle, which is all that a square photo shows
    look = Look((Layer(("background",), source="picture"),), picture=behind)
    pixels = picture(64, 64)
    styled = styled_pixels(pixels, look, NO_CONTROLS, left_half(0, 64, 64))
    assert (styled[:, :32] == pixels[:, :32]).all()
    assert (styled[:, 40:] == (10, 200, 30)).all()


def test_what_is_drawn_takes_from_the_groups_and_gets_its_own_layer() -> None:
    negative = Lut3D((1 - grid(2)).astype(np.float32))
    look = Look((Layer(("skin",), source="camera"), Layer(("drawn_2",), negative)))
    pixels, everywhere_skin = picture(20, 40), np.full((4, 8, 3), [1.0, 0.0, 0.0], np.float32)
    styled = styled_pixels(pixels, look, NO_CONTROLS, everywhere_skin, drawn=left_half(1, 20, 40))
    assert (styled[:, :19] == 255 - pixels[:, :19]).all()
    assert (styled[:, 21:] == pixels[:, 21:]).all()
    other = styled_pixels(pixels, look, NO_CONTROLS, everywhere_skin, drawn=left_half(0, 20, 40))
    assert (other == pixels).all()  # drawn_1 has no layer


def test_a_blurred_background_shows_nothing_of_the_person() -> None:
    pixels = np.zeros((90, 120, 3), np.uint8)
    pixels[:, :60] = (250, 20, 20)  # the person
    pixels[:, 60:] = (20, 60, 200)
    look = Look((Layer(("background",), source="blurred"),), blur=0.05)
    weights = left_half(0, 90, 120)
    styled = styled_pixels(pixels, look, NO_CONTROLS, weights)
    assert (styled[:, :60] == pixels[:, :60]).all()
    # Only the mixture of the two pixels at the edge is left of the person; a plain Gaussian would show 125 levels.
    assert np.abs(styled[:, 60:].astype(int) - (20, 60, 200)).max() <= 6


def test_a_blur_removes_detail_and_keeps_the_mean() -> None:
    noise = np.random.default_rng(3).integers(0, 256, (96, 128, 3)).astype(np.uint8)
    look = Look((Layer(("background",), source="blurred"),), blur=0.05)
    styled = styled_pixels(noise, look, NO_CONTROLS, np.zeros((4, 4, 3), np.float32))
    assert styled.std() < noise.std() / 8
    assert abs(styled.mean() - noise.mean()) < 2


def test_the_blur_is_the_same_at_every_size() -> None:
    small = np.asarray(Image.fromarray(picture(96, 128)).resize((128, 96)))
    large = np.asarray(Image.fromarray(small).resize((1024, 768), Image.Resampling.BICUBIC))
    look = Look((Layer(("background",), source="blurred"),), blur=0.03)
    blurred = [
        styled_pixels(pixels, look, NO_CONTROLS, np.zeros((4, 4, 3), np.float32)) for pixels in (small, large)
    ]
    reduced = np.asarray(Image.fromarray(blurred[1]).resize((128, 96), Image.Resampling.BOX))
    assert np.abs(reduced.astype(int) - blurred[0]).max() <= 4


def test_the_tables_of_a_look_are_made_once_for_many_photos() -> None:
    layers = Look((Layer(("hair",), STYLES["warm"].luts()["hair"]),)).layers
    assert baked_layers(layers, NO_CONTROLS) is baked_layers(layers, NO_CONTROLS)
    assert baked_layers(layers, NO_CONTROLS) is not baked_layers(layers, Controls(intensity=0.5))
