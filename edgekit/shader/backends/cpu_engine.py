"""edgekit's own CPU engine, which `edgekit style` uses, drawing the same frames as the shaders.

It styles whole upright pictures by tetrahedral look-up; the output's geometry is applied here without
resampling. It has no trilinear look-up and no turned mask or picture (see `can_draw`). It takes the mask
as an argument, because a guided frame holds only coefficients.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from edgekit.color.engine import styled_pixels
from edgekit.color.layers import DEFAULT_BLUR, Layer, Look, Source
from edgekit.color.lut import Lut3D
from edgekit.shader import transforms
from edgekit.shader.backends.backend import Drawn
from edgekit.shader.description import BLUR, PICTURE
from edgekit.shader.oracle import Frame, mask_pixels, table_of, texels_of
from edgekit.shader.refine import refine_named


class CpuEngine:
    device = "edgekit CPU engine (OpenColorIO, OpenCV)"

    def draw(self, frames: Sequence[Frame], mask: NDArray[np.floating]) -> list[Drawn]:
        """Draw the frames with one mask, (h, w, 3) of skin, hair, clothes in [0, 1]."""
        quantised = mask_pixels(mask)[..., :3].astype(np.float32) / np.float32(255.0)
        return [self._draw_one(frame, quantised) for frame in frames]

    def can_draw(self, frame: Frame) -> bool:
        """Whether the engine has every feature that the frame uses."""
        pictures = frame.description.textures_with("picture")
        upright_mask = np.array_equal(frame.mask_from_image, transforms.IDENTITY)
        aligned = not pictures or np.array_equal(frame.picture_matrix, frame.image_from_output)
        return frame.description.interpolation == "tetrahedral" and upright_mask and aligned

    def _draw_one(self, frame: Frame, mask: NDArray[np.float32]) -> Drawn:
        image = np.asarray(frame.pixels["u_image"], np.uint8)
        drawn_map = frame.pixels.get("u_drawn")
        styled = styled_pixels(
            np.ascontiguousarray(image[..., :3]),
            _look(frame),
            frame.controls,
            mask,
            refine_named(frame.description.refinement.method),
            drawn=None if drawn_map is None else (drawn_map[..., :3] / 255.0).astype(np.float32),
        )
        whole: NDArray[np.uint8] = np.concatenate([styled, image[..., 3:]], axis=-1)
        centres = transforms.pixel_centres(frame.height, frame.width)
        at = transforms.apply(frame.image_from_output, centres) * np.array([image.shape[1], image.shape[0]])
        drawn: Drawn = whole[np.floor(at[..., 1]).astype(int), np.floor(at[..., 0]).astype(int)]
        return drawn


def _look(frame: Frame) -> Look:
    description, picture = frame.description, None
    luts = {
        texture.name: Lut3D(np.ascontiguousarray(table_of(texture).astype(np.float32)))
        for texture in description.textures_with("lut")
    }
    for texture in description.textures_with("picture"):
        picture = np.ascontiguousarray(texels_of(frame, texture)[..., :3], np.uint8)
    layers = tuple(
        Layer(
            layer.regions,
            luts.get(layer.texture or ""),
            frame.strengths.get(index, layer.strength),
            SOURCES.get(layer.source or layer.texture or "", "camera"),
        )
        for index, layer in enumerate(description.layers)
    )
    return Look(layers, picture=picture, blur=frame.blur_deviation if description.passes else DEFAULT_BLUR)


SOURCES: Mapping[str, Source] = {PICTURE: "picture", BLUR: "blurred"}  # slot → the layer's source
