"""The Metal texts that the app runs, executed on this machine's CPU: maths and syntax, not Apple's compiler."""

from __future__ import annotations

import base64
import json
import struct
from dataclasses import replace

import numpy as np
import pytest

from edgekit.bundles.reading import OpenBundle
from edgekit.color.controls import Controls
from edgekit.images import stretch
from edgekit.shader.oracle import Frame, render
from edgekit.shader.upload import uniform_block
from tests.ios.conftest import IOS_DEMO, description, pixels
from tests.ios.metal import Entry, MetalRunner, levels, texels
from tests.support.looks import picture_from_view, sensor_picture
from tests.support.pictures import picture

pytestmark = pytest.mark.system

STRETCH_TEXT = (IOS_DEMO / "EdgekitDemo" / "Rendering" / "Stretch.metal").read_text(encoding="utf-8")
STRETCH = Entry("stretch_fragment", "StretchOut", "StretchParams", (("sensor", "2d"),))
# Pillow rounds between its two passes, the shader does not.
STRETCH_MAX_LEVELS = 1


@pytest.fixture(scope="module")
def metal(tmp_path_factory: pytest.TempPathFactory) -> MetalRunner:
    return MetalRunner(tmp_path_factory.mktemp("metal"))


def golden_block(bundle: OpenBundle, **changes: float) -> bytes:
    """The uniform block for the golden picture, upright and uncropped."""
    golden = bundle.bundle.golden
    image = pixels(bundle, "image")
    shader = description(bundle, golden.style)
    controls = Controls(**{**golden.uniforms, **changes})
    slots = {"u_image": image, "u_mask": pixels(bundle, "mask")}
    return uniform_block(Frame(shader, slots, *image.shape[:2], controls))


def draw_golden(
    bundle: OpenBundle, metal: MetalRunner, block: bytes, mask: np.ndarray | None = None
) -> np.ndarray:
    """The golden picture drawn with its own mask, or with another."""
    image = pixels(bundle, "image")
    shader = description(bundle, bundle.bundle.golden.style)
    sampled = texels(shader, image, pixels(bundle, "mask") if mask is None else mask)
    return metal.draw_style(shader, sampled, block, image.shape[:2])


def test_the_golden_picture_given_its_mask(bundle: OpenBundle, metal: MetalRunner) -> None:
    drawn = draw_golden(bundle, metal, golden_block(bundle))
    bound = bundle.bundle.golden.given_mask_max_levels
    assert levels(drawn, pixels(bundle, "styled")) <= bound
    other = draw_golden(bundle, metal, golden_block(bundle, tone=-0.25))
    assert levels(other, pixels(bundle, "styled")) > 5 * bound


def test_the_masks_channel_order_shows(bundle: OpenBundle, metal: MetalRunner) -> None:
    """A BGRA buffer read as RGBA would give clothes for skin, and the picture would tell."""
    block = golden_block(bundle, skin_protection=1.0)  # at the golden 0.125 little hangs on where skin is
    mask = np.zeros_like(pixels(bundle, "mask"))
    half = mask.shape[1] // 2
    mask[:, :half, 0] = mask[:, half:, 2] = 255  # skin beside clothes, whatever the network sees at 128²
    mask[..., 3] = pixels(bundle, "mask")[..., 3]
    drawn = draw_golden(bundle, metal, block, mask[..., [2, 1, 0, 3]])
    straight = draw_golden(bundle, metal, block, mask)
    assert levels(drawn, straight) > 10 * bundle.bundle.golden.given_mask_max_levels


def test_the_vectors_blocks_are_drawn(bundle: OpenBundle, metal: MetalRunner) -> None:
    """Each block as the shared vectors hold it, of a small sensor and view of the same shapes, against the oracle."""
    vectors = json.loads(bundle.path(bundle.bundle.golden.vectors).read_text())
    mask = pixels(bundle, "mask")
    assert len(vectors["uniform_blocks"]) >= 6
    for vector in vectors["uniform_blocks"]:
        shader = description(bundle, vector["style"])
        view = vectors["transforms"][vector["transform"]]
        image = sensor_picture(view)
        height, width = view["view_height"] // 40, view["view_width"] // 40
        block = base64.b64decode(vector["block_base64"])
        drawn = metal.draw_style(shader, texels(shader, image, mask), block, (height, width))
        frame = Frame(
            shader,
            {"u_image": image, "u_mask": mask},
            height,
            width,
            Controls(**vector["values"]),
            image_from_output=np.reshape(view["image_from_output"], (3, 3)),
            mask_from_image=np.reshape(view["mask_from_image"], (3, 3)),
            picture_from_output=picture_from_view(shader, view),
        )
        assert levels(drawn, render(frame)) <= 2, vector
        turned = replace(frame, image_from_output=frame.image_from_output @ np.diag([-1.0, 1.0, 1.0]))
        assert levels(drawn, render(turned)) > 2


@pytest.mark.parametrize("turns", range(4))
@pytest.mark.parametrize(
    ("height", "width", "size"), [(108, 192, (32, 32)), (61, 40, (64, 48)), (300, 77, (40, 56))]
)
def test_stretch_is_pillows(
    metal: MetalRunner, turns: int, height: int, width: int, size: tuple[int, int]
) -> None:
    """The segmenter's input on the GPU: the sensor's picture turned clockwise, then as edgekit stretches."""
    sensor = picture(height, width, seed=turns)
    upright = np.ascontiguousarray(np.rot90(sensor, -turns))
    block = struct.pack("<5i", upright.shape[1], upright.shape[0], size[1], size[0], turns)
    opaque = np.concatenate([sensor, np.full((height, width, 1), 255, np.uint8)], -1)
    drawn = metal.draw(STRETCH_TEXT, STRETCH, [opaque], block, size)
    assert levels(drawn, stretch(upright, *size)) <= STRETCH_MAX_LEVELS
    assert (drawn[..., 3] == 255).all()
    assert levels(drawn, stretch(np.ascontiguousarray(np.rot90(sensor, 1 - turns)), *size)) > 20


def test_the_swift_struct_is_the_metal_struct() -> None:
    swift = (IOS_DEMO / "EdgekitDemo" / "Rendering" / "InputStretcher.swift").read_text(encoding="utf-8")
    fields = ["uprightWidth", "uprightHeight", "outputWidth", "outputHeight", "quarterTurns"]
    places = [swift.index(f"var {name}: Int32") for name in fields]
    assert places == sorted(places)
    metal_fields = ["upright_width", "upright_height", "output_width", "output_height", "quarter_turns"]
    places = [STRETCH_TEXT.index(f"int {name};") for name in metal_fields]
    assert places == sorted(places)
