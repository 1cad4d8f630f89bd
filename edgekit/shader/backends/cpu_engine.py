"""edgekit's own CPU engine, which `edgekit style` uses, drawing the same frames as the shaders.

It styles whole upright pictures by tetrahedral look-up; the output's geometry is applied here without
resampling. It has no trilinear look-up, no drawn regions, no second picture and no turned mask (see
`can_draw`). It takes the mask as an argument, because a guided frame holds only coefficients.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from edgekit.color.controls import GROUPS
from edgekit.color.engine import Layer, styled_pixels
from edgekit.color.lut import Lut3D
from edgekit.shader import transforms
from edgekit.shader.backends.backend import Drawn
from edgekit.shader.oracle import Frame, mask_pixels, table_of
from edgekit.shader.refine import refine_named


class CpuEngine:
    device = "edgekit CPU engine (OpenColorIO, OpenCV)"

    def draw(self, frames: Sequence[Frame], mask: NDArray[np.floating]) -> list[Drawn]:
        """Draw the frames with one mask, (h, w, 3) of skin, hair, clothes in [0, 1]."""
        quantised = mask_pixels(mask)[..., :3].astype(np.float32) / np.float32(255.0)
        return [self._draw_one(frame, quantised) for frame in frames]

    def can_draw(self, frame: Frame) -> bool:
        """Whether the engine has every feature that the frame uses."""
        description = frame.description
        groups_only = not (description.textures_with("drawn-mask") or description.textures_with("picture"))
        upright_mask = np.array_equal(frame.mask_from_image, transforms.IDENTITY)
        return description.interpolation == "tetrahedral" and groups_only and upright_mask

    def _draw_one(self, frame: Frame, mask: NDArray[np.float32]) -> Drawn:
        image = np.asarray(frame.pixels["u_image"], np.uint8)
        styled = styled_pixels(
            np.ascontiguousarray(image[..., :3]),
            _layers(frame),
            frame.controls,
            mask,
            refine_named(frame.description.refinement.method),
        )
        whole: NDArray[np.uint8] = np.concatenate([styled, image[..., 3:]], axis=-1)
        centres = transforms.pixel_centres(frame.height, frame.width)
        at = transforms.apply(frame.image_from_output, centres) * np.array([image.shape[1], image.shape[0]])
        drawn: Drawn = whole[np.floor(at[..., 1]).astype(int), np.floor(at[..., 0]).astype(int)]
        return drawn


def _layers(frame: Frame) -> dict[str, Layer]:
    layers = {}
    for index, layer in enumerate(frame.description.layers):
        strength = frame.strengths.get(index, layer.strength)
        for region in layer.regions:
            if region in GROUPS and layer.texture is not None:
                table = table_of(frame.description.texture(layer.texture)).astype(np.float32)
                layers[region] = Layer(Lut3D(np.ascontiguousarray(table)), strength)
    return layers
