"""The outputs of a converted segmenter: group weights for the shader, labels, or logits.

Each is defined once, as a torch module. The exported graph contains it, and checks apply it to the reference
logits for the expected output.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, get_args

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional as F

from edgekit.images import InputSize, Shape
from edgekit.weights import Groups

OutputMode = Literal["groups", "labels", "logits"]
OUTPUT_MODES: tuple[OutputMode, ...] = get_args(OutputMode)
MASK_STRIDE = 4  # the mask is size/4: 128² for a 512² input, four times the logits' resolution


def mask_shape_of(size: InputSize) -> Shape:
    """(height, width) of the mask, unless another one is asked for."""
    return size.height // MASK_STRIDE, size.width // MASK_STRIDE


def resized(logits: torch.Tensor, size: Sequence[int]) -> torch.Tensor:
    """Resize (B, C, h, w) to (B, C, *size), bilinear with half-pixel centres, like Hugging Face's post-processing."""
    return F.interpolate(logits, size=tuple(size), mode="bilinear", align_corners=False)


class GroupWeights(nn.Module):
    """Turn logits into the weights of skin, hair and clothes in [0, 255], and of the background if `rgba`.

    Input: (1, classes, h, w). Output: (1, 3 or 4, *mask_shape) float32; the four sum to 255.
    """

    members: torch.Tensor

    def __init__(self, groups: Groups, classes: int, mask_shape: Shape, rgba: bool) -> None:
        super().__init__()
        members = torch.zeros(4, classes)
        for row, (_, indices) in enumerate(groups.items()):
            members[row, list(indices)] = 255
        members[3] = 255 - members[:3].sum(0)
        kept = members if rgba else members[:3]
        self.register_buffer("members", kept[:, :, None, None].contiguous(), persistent=False)
        self.mask_shape = mask_shape

    def forward(self, logits: torch.Tensor) -> torch.Tensor:
        weights = torch.softmax(resized(logits, self.mask_shape), 1)
        return F.conv2d(weights, self.members)


def mask_of(weights: torch.Tensor) -> NDArray[np.float32]:
    """The mask for styling, (h, w, 3) in [0, 1], from the (1, 3, h, w) output of `GroupWeights`.

    Rounding can lift a sum of probabilities slightly above 1; such values are clamped.
    """
    mask: NDArray[np.float32] = (weights[0] / 255).clamp(0, 1).permute(1, 2, 0).contiguous().numpy()
    return mask


class Labels(nn.Module):
    """Turn logits into the class of each mask pixel: (1, classes, h, w) to (1, 1, *mask_shape) int64."""

    def __init__(self, mask_shape: Shape) -> None:
        super().__init__()
        self.mask_shape = mask_shape

    def forward(self, logits: torch.Tensor) -> torch.Tensor:
        return resized(logits, self.mask_shape).argmax(1, keepdim=True)


def output_head(mode: OutputMode, groups: Groups, classes: int, mask_shape: Shape, rgba: bool) -> nn.Module:
    """The module that turns logits into the output of this mode."""
    if mode == "groups":
        return GroupWeights(groups, classes, mask_shape, rgba)
    return Labels(mask_shape) if mode == "labels" else nn.Identity()
