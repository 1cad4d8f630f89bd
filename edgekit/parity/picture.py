"""The final-picture gate: one style drawn with PyTorch's mask and with the artifact's, and their ΔE2000."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.ndimage import binary_dilation

from edgekit.color.controls import Controls
from edgekit.color.difference import SKIN_WEIGHT, delta_e00
from edgekit.color.engine import styled_pixels, upsampled_rows
from edgekit.color.layers import Look, look_of_style
from edgekit.color.styles import style_named
from edgekit.images import Shape
from edgekit.model.outputs import MASK_STRIDE, GroupWeights, mask_of
from edgekit.scores.metrics import boundaries
from edgekit.weights import Checkpoint

STYLE = "dramatic"  # the preset that changes colours most and spares skin, so that a wrong mask shows most
EDGE_PX = 8  # half a logit's side at stride 16: in this band two masks may differ without either being wrong

Logits = NDArray[np.float32]  # (classes, h, w)
Mask = NDArray[np.float32]  # (h, w, 3) of skin, hair, clothes in [0, 1]


@dataclass(frozen=True)
class PixelGate:
    """Computes ΔE2000 between the two final pictures, by region of the reference's mask."""

    checkpoint: Checkpoint

    def __call__(
        self, image: NDArray[np.uint8], reference: Logits, candidate: Logits
    ) -> Mapping[str, NDArray[np.float64]]:
        """Return region name to ΔE2000 of its pixels, (n,). image: (H, W, 3) uint8 sRGB, of these logits."""
        masks = [self.mask(logits, image.shape[:2]) for logits in (reference, candidate)]
        difference = delta_e00(*(styled(image, mask) for mask in masks))
        regions = regions_of(masks[0], image.shape[:2])
        return {name: difference[region] for name, region in regions.items()}

    def styled(self, image: NDArray[np.uint8], logits: Logits) -> NDArray[np.uint8]:
        """The final picture with the mask of these logits; both pictures are (H, W, 3) uint8 sRGB."""
        return styled(image, self.mask(logits, image.shape[:2]))

    def mask(self, logits: Logits, image: Shape) -> Mask:
        """The `groups` output for these logits, (h, w, 3) in [0, 1]. image: height and width of their image."""
        height, width = image
        mask_shape = (height // MASK_STRIDE, width // MASK_STRIDE)
        head = GroupWeights(self.checkpoint.groups, len(self.checkpoint.class_names), mask_shape, rgba=False)
        return mask_of(head(torch.from_numpy(np.ascontiguousarray(logits))[None]))


def styled(image: NDArray[np.uint8], mask: Mask) -> NDArray[np.uint8]:
    """The picture in STYLE, (H, W, 3) uint8 sRGB as the image. mask: (h, w, 3) in [0, 1]."""
    return np.asarray(styled_pixels(image, _look(), Controls(), mask), np.uint8)


@cache
def _look() -> Look:
    return look_of_style(style_named(STYLE))


def regions_of(mask: Mask, shape: tuple[int, int]) -> dict[str, NDArray[np.bool_]]:
    """Masks of skin, of the band around group boundaries outside skin, and of the rest, (H, W) each."""
    weights = upsampled_rows(mask, shape, slice(0, shape[0]))  # (H, W, 3)
    edge = binary_dilation(boundaries(heaviest(weights)), np.ones((2 * EDGE_PX + 1,) * 2, bool))
    skin = weights[..., 0] > SKIN_WEIGHT
    return {"skin": skin, "edge": edge & ~skin, "elsewhere": ~(skin | edge)}


def heaviest(weights: Mask) -> NDArray[np.intp]:
    """The index of every pixel's heaviest group, the background last. weights: (H, W, 3). Returns (H, W)."""
    return np.asarray(np.concatenate([weights, 1 - weights.sum(-1, keepdims=True)], -1).argmax(-1))
