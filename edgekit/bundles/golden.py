"""The golden picture and the shared test vectors: what every platform must reproduce."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from edgekit.color.blur import COPY_SIDE, copy_shape
from edgekit.color.controls import Controls
from edgekit.files import JsonValue
from edgekit.images import InputSize, fit_of
from edgekit.shader import transforms
from edgekit.shader.description import ShaderDescription
from edgekit.shader.oracle import Frame, Pixels, mask_pixels, mask_slots, render
from edgekit.shader.upload import uniform_block

VECTORS_SCHEMA = "edgekit/bundle-vectors"
# Every control away from its default and from its ends, so that a swapped one shows.
GOLDEN_CONTROLS = Controls(
    intensity=0.875, tone=0.25, warmth=-0.375, skin_protection=0.125, color=0.625, grain=0.375
)
VECTOR_CONTROLS = (
    Controls(),
    GOLDEN_CONTROLS,
    Controls(intensity=0.5, tone=-0.75, warmth=0.625, skin_protection=1.0, color=-0.5, grain=1.0),
)


@dataclass(frozen=True)
class ViewCase:
    """A camera preview: the sensor's frame, how it stands, whether it is mirrored, and the view it fills."""

    sensor_width: int
    sensor_height: int
    quarter_turns: int
    mirror: bool
    view_width: int
    view_height: int

    def image_from_output(self) -> transforms.Matrix3:
        return transforms.sensor_from_view(
            (self.sensor_width, self.sensor_height),
            self.quarter_turns,
            self.mirror,
            (self.view_width, self.view_height),
        )

    def mask_from_image(self) -> transforms.Matrix3:
        return transforms.upright_from_sensor(self.quarter_turns)


# No case is its own mirror image, turned picture or crop: every mistake changes some matrix.
VIEW_CASES = (
    *(
        ViewCase(1920, 1080, turns, mirror, *view)
        for turns in range(4)
        for mirror in (False, True)
        for view in ((1080, 2400), (1600, 900))
    ),
    ViewCase(640, 480, 1, True, 1000, 1000),
    ViewCase(4000, 3000, 0, False, 801, 603),
)


# Photos and inputs of which some are stretched and some letterboxed, on either side and at every rounding.
FIT_PHOTOS = (
    (4032, 3024),
    (3024, 4032),
    (1920, 1080),
    (1080, 1920),
    (640, 640),
    (333, 1000),
    (2204, 970),
    (1, 5000),
)
# Shapes (height, width) of which some sides are halves when they are brought to a blur's copy.
COPIED_PHOTOS = (*FIT_PHOTOS, (512, 3), (5, 512), (61, 97), (256, 100), (300, 257))
FIT_SIZES = tuple(InputSize.of(size) for size in ("512", "512x384", "384x512", "448x640", "768x320"))


@dataclass(frozen=True)
class GoldenPictures:
    """(H, W, 4) uint8 each: the picture, the reference's group weights, and what the oracle draws."""

    image: NDArray[np.uint8]
    mask: NDArray[np.uint8]
    styled: NDArray[np.uint8]


def golden_pictures(
    description: ShaderDescription, image: NDArray[np.uint8], weights: NDArray[np.floating]
) -> GoldenPictures:
    """image: (H, W, 3) uint8 sRGB; weights: (h, w, 3) of skin, hair, clothes in [0, 1]."""
    opaque = np.full((*image.shape[:2], 1), 255, np.uint8)
    rgba = np.concatenate([image, opaque], -1)
    styled = styled_levels(description, rgba, weights)
    return GoldenPictures(rgba, mask_pixels(weights), np.round(styled).astype(np.uint8))


def styled_levels(
    description: ShaderDescription, rgba: NDArray[np.uint8], weights: NDArray[np.floating]
) -> NDArray[np.float64]:
    """(H, W, 4) in 8-bit levels: the oracle's picture with GOLDEN_CONTROLS, on which nothing is drawn."""
    undrawn = np.zeros((1, 1, 4), np.uint8)
    pixels: dict[str, Pixels] = {each.name: undrawn for each in description.textures_with("drawn-mask")}
    pixels["u_image"] = rgba
    pixels |= mask_slots(description, weights, guide_of(rgba, weights.shape[:2]))
    height, width = rgba.shape[:2]
    return render(Frame(description, pixels, height, width, GOLDEN_CONTROLS))


def guide_of(rgba: NDArray[np.uint8], shape: tuple[int, ...]) -> NDArray[np.float64]:
    """(h, w, 3) in [0, 1]: the picture at the mask's size, for the guided filter."""
    import cv2

    small = cv2.resize(rgba[..., :3], (shape[1], shape[0]), interpolation=cv2.INTER_AREA)
    guide: NDArray[np.float64] = small.astype(np.float64) / 255.0
    return guide


def vectors(descriptions: Mapping[str, ShaderDescription], hashes: Mapping[str, str]) -> JsonValue:
    """golden/vectors.json. descriptions: by style; hashes: path in the bundle → sha256."""
    views: list[JsonValue] = [
        {
            **asdict(case),
            "image_from_output": [float(v) for v in case.image_from_output().flat],
            "mask_from_image": [float(v) for v in case.mask_from_image().flat],
        }
        for case in VIEW_CASES
    ]
    blocks: list[JsonValue] = []
    for style, description in descriptions.items():
        for index, controls in enumerate(VECTOR_CONTROLS):
            view = (5 * len(blocks) + index) % len(VIEW_CASES)
            block = uniform_block(_frame(description, controls, VIEW_CASES[view]))
            blocks.append(
                {
                    "style": style,
                    "values": asdict(controls),
                    "transform": view,
                    "block_base64": base64.b64encode(block).decode(),
                }
            )
    return {
        "schema": VECTORS_SCHEMA,
        "schema_version": 1,
        "transforms": views,
        "uniform_blocks": blocks,
        "fits": [_fit(photo, size) for size in FIT_SIZES for photo in FIT_PHOTOS],
        "copies": [_copy(photo) for photo in COPIED_PHOTOS],
        "hashes": [{"path": path, "sha256": sha256} for path, sha256 in hashes.items()],
    }


def _fit(photo: tuple[int, int], size: InputSize) -> JsonValue:
    """Where a photo lies in an input; all in pixels."""
    fit = fit_of(photo, size)
    return {
        "photo_height": photo[0],
        "photo_width": photo[1],
        "input_height": size.height,
        "input_width": size.width,
        "height": fit.height,
        "width": fit.width,
    }


def _copy(photo: tuple[int, int]) -> JsonValue:
    """The size of the small copy that a blur's passes draw; all in pixels."""
    height, width = copy_shape(photo)
    return {
        "photo_height": photo[0],
        "photo_width": photo[1],
        "longest_side": COPY_SIDE,
        "height": height,
        "width": width,
    }


def _frame(description: ShaderDescription, controls: Controls, case: ViewCase) -> Frame:
    """A frame of the sensor's size without content: only its uniforms are read."""
    names = [texture.name for texture in description.textures if texture.data is None]
    empty = np.zeros((case.sensor_height, case.sensor_width, 4), np.uint8)
    return Frame(
        description,
        {name: empty for name in names},
        case.view_height,
        case.view_width,
        controls,
        image_from_output=case.image_from_output(),
        mask_from_image=case.mask_from_image(),
    )
