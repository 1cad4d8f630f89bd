"""The numpy oracle of the whole pass: what each part of a description means."""

from dataclasses import replace

import numpy as np
import pytest

from edgekit.color.controls import Controls
from edgekit.color.interpolation import tetrahedral, trilinear
from edgekit.color.layers import Layer, Look, everything_but_skin
from edgekit.color.lut import Lut3D
from edgekit.errors import ShaderError
from edgekit.shader import transforms
from edgekit.shader.backends.cases import (
    GEOMETRIES,
    IMAGE_HEIGHT,
    IMAGE_WIDTH,
    LUT_PAIRS,
    description_of,
    frame_of,
    guide_of,
    image,
    mask_weights,
    rough_lut,
    swirl_lut,
    warm_lut,
)
from edgekit.shader.compose import describe, refinement_named, rgba8_of
from edgekit.shader.oracle import Frame, mask_pixels, mask_slots, render, sample_linear, shares

PAIR = LUT_PAIRS["warm 33³ + swirl 17³"]
LEFT, RIGHT = (0, slice(0, 10)), (0, slice(-10, None))


def halves(region: int) -> np.ndarray:
    """(1, 2, 3) mask: the left half wholly one group, the right half background."""
    mask = np.zeros((1, 2, 3))
    mask[0, 0, region] = 1.0
    return mask


def frame(layers: tuple[Layer, ...], mask: np.ndarray, controls: Controls = Controls(), **more) -> Frame:  # noqa: B008
    description = describe(Look(layers), refinement=refinement_named("bilinear"), dialects=())
    pixels = {"u_image": image(), "u_mask": mask_pixels(mask), **more}
    return Frame(description, pixels, IMAGE_HEIGHT, IMAGE_WIDTH, controls)


def colours() -> np.ndarray:
    return image()[..., :3] / 255.0


def quantised(lut: Lut3D) -> np.ndarray:
    n = lut.size
    levels = np.frombuffer(rgba8_of(lut), np.uint8).reshape(n, n, n, 4)[..., :3]  # (b, g, r, 3)
    return levels.swapaxes(0, 2) / 255.0


def test_the_identity_table_changes_nothing() -> None:
    identity = Lut3D.identity(2)
    drawn = render(frame(everything_but_skin(identity, identity), mask_weights()))
    assert np.abs(drawn - image()).max() < 1e-9


def test_background_styled_and_person_untouched() -> None:
    drawn = render(frame((Layer(("background",), warm_lut(9)),), halves(2)))
    expected = trilinear(quantised(warm_lut(9)), colours()) * 255
    assert np.abs(drawn[LEFT][..., :3] - image()[LEFT][..., :3]).max() < 1e-9
    assert np.abs(drawn[RIGHT][..., :3] - expected[RIGHT]).max() < 1e-9


@pytest.mark.parametrize("region", [0, 1, 2])
def test_each_group_has_its_channel(region: int) -> None:
    name = ("skin", "hair", "clothes")[region]
    drawn = render(frame((Layer((name,), swirl_lut(5)),), halves(region)))
    expected = trilinear(quantised(swirl_lut(5)), colours()) * 255
    assert np.abs(drawn[LEFT][..., :3] - expected[LEFT]).max() < 1e-9
    assert np.abs(drawn[RIGHT] - image()[RIGHT]).max() < 1e-9


def test_alpha_passes_through() -> None:
    drawn = render(frame(everything_but_skin(warm_lut(9)), mask_weights()))
    assert np.abs(drawn[..., 3] - image()[..., 3]).max() < 1e-9


def test_zero_intensity_and_full_protection() -> None:
    layers = everything_but_skin(warm_lut(9), swirl_lut(5))
    off = render(frame(layers, halves(0), Controls(intensity=0.0)))
    assert np.abs(off - image()).max() < 1e-9
    protected = render(frame(layers, halves(0), Controls(skin_protection=1.0, tone=0.4, warmth=1.0)))
    assert np.abs(protected[LEFT] - image()[LEFT]).max() < 1e-9
    assert np.abs(protected[RIGHT] - image()[RIGHT]).max() > 20


def test_a_part_of_a_photo_has_the_grain_of_the_whole() -> None:
    """As the page draws large photos, tile by tile."""
    layers, controls = (Layer(("background",), swirl_lut(9)),), Controls(grain=1.0)
    whole = render(frame(layers, halves(0), controls))
    assert np.abs(whole - render(frame(layers, halves(0)))).max() > 10
    part = frame(layers, halves(0), controls)
    height, width = part.pixels["u_image"].shape[:2]
    top, left = 3, 5
    cut = np.ascontiguousarray(part.pixels["u_image"][top:, left:])
    place = transforms.crop(left / width, top / height, (width - left) / width, (height - top) / height)
    unit = np.diag([width / max(height, width), height / max(height, width), 1.0])
    tile = replace(
        part, pixels={**part.pixels, "u_image": cut}, height=height - top, width=width - left,
        mask_from_image=place, grain_from_image=unit @ place,
    )  # fmt: skip
    assert np.abs(render(tile) - whole[top:, left:]).max() < 1e-6
    alone = replace(tile, grain_from_image=None)
    assert np.abs(render(alone) - whole[top:, left:]).max() > 10


def test_strength_is_linear() -> None:
    layers = (Layer(("background",), warm_lut(9), 0.6),)
    full = frame(layers, np.zeros((1, 1, 3)))
    whole = render(replace(full, strengths={0: 1.0})) - image()
    assert np.abs(render(full) - image() - 0.6 * whole).max() < 1e-9


def test_drawn_regions_take_from_the_groups() -> None:
    drawn_mask = np.zeros((1, 2, 4), np.uint8)
    drawn_mask[0, 0, 1] = 255
    layers = (Layer(("skin",), warm_lut(9)), Layer(("drawn_2",), swirl_lut(5)))
    drawn = render(frame(layers, np.dstack([np.ones((1, 2, 1)), np.zeros((1, 2, 2))]), u_drawn=drawn_mask))
    swirl = trilinear(quantised(swirl_lut(5)), colours()) * 255
    warm = trilinear(quantised(warm_lut(9)), colours()) * 255
    assert np.abs(drawn[LEFT][..., :3] - swirl[LEFT]).max() < 1e-9
    assert np.abs(drawn[RIGHT][..., :3] - warm[RIGHT]).max() < 1e-9


def test_the_second_picture_stands_in_for_a_table() -> None:
    picture = np.ascontiguousarray(image()[:, ::-1])
    drawn = render(frame((Layer(("background",), source="picture"),), halves(0), u_picture=picture))
    assert np.abs(drawn[RIGHT][..., :3] - picture[RIGHT][..., :3]).max() < 1e-9
    assert np.abs(drawn[LEFT] - image()[LEFT]).max() < 1e-9


def test_interpolations_are_the_color_package_s() -> None:
    rough = rough_lut(7)
    assert np.abs(tetrahedral(rough.table, colours()) - trilinear(rough.table, colours())).max() > 0.05
    for name, read in (("trilinear", trilinear), ("tetrahedral", tetrahedral)):
        description = describe(Look((Layer(("background",), rough),)), interpolation=name, dialects=())
        slots = mask_slots(description, np.zeros((2, 3, 3)), np.full((2, 3, 3), 0.5))
        drawn = render(Frame(description, {"u_image": image(), **slots}, IMAGE_HEIGHT, IMAGE_WIDTH))
        assert np.abs(drawn[..., :3] - read(quantised(rough), colours()) * 255).max() < 0.05


def test_geometry_moves_the_picture_and_its_mask_together() -> None:
    description = description_of("trilinear", "bilinear", PAIR)
    upright = render(frame_of(description, GEOMETRIES[0]))
    rotated = render(frame_of(description, GEOMETRIES[1]))
    assert np.abs(rotated - np.rot90(upright, -1)).max() < 1e-6


def test_guided_slots_are_only_for_the_groups_that_are_read() -> None:
    guided = refinement_named("guided")
    description = describe(Look(everything_but_skin(warm_lut(5))), refinement=guided, dialects=())
    assert list(mask_slots(description, mask_weights(), guide_of(image()))) == ["u_coefficients_skin"]


def test_shares_never_exceed_one() -> None:
    raw = np.array([[0.9, 0.8, -0.5], [1.7, 0.0, 0.0], [0.2, 0.3, 0.4]])
    assert np.allclose(shares(raw), [[0.9 / 1.7, 0.8 / 1.7, 0.0], [1.0, 0.0, 0.0], [0.2, 0.3, 0.4]])


def test_linear_sampling_at_and_between_texels() -> None:
    texture = np.array([[[0.0], [4.0]], [[2.0], [10.0]]])  # (2 rows, 2 columns, 1)
    places = np.array([[0.25, 0.25], [0.5, 0.25], [0.25, 0.5], [0.5, 0.5], [1.0, 1.0], [0.0, 0.75]])
    assert np.allclose(sample_linear(texture, places)[:, 0], [0.0, 2.0, 1.0, 4.0, 10.0, 2.0])


def test_a_missing_texture_is_named() -> None:
    description = description_of("trilinear", "guided", PAIR)
    with pytest.raises(ShaderError, match="u_coefficients_skin"):
        Frame(description, {"u_image": image()}, 5, 7)
