"""What a converted segmenter gives: group weights for the shader, labels, or logits.

The same definition in torch (in the graph) and in numpy (for checks), so that an exported output can be
compared with what the reference logits say it should be.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, get_args

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional as F

from edgekit.weights import Groups

OutputMode = Literal["groups", "labels", "logits"]
OUTPUT_MODES: tuple[OutputMode, ...] = get_args(OutputMode)
MASK_STRIDE = 4  # the mask is size/4: 128² for a 512² input, four times the logits' resolution


def resized(logits: torch.Tensor, size: Sequence[int]) -> torch.Tensor:
    """(B, C, h, w) to (B, C, *size), bilinear with half-pixel centres, as HF's post-processing does."""
    return F.interpolate(logits, size=tuple(size), mode="bilinear", align_corners=False)


class GroupWeights(nn.Module):
    """Logits to the weights of skin, hair and clothes in [0, 255], and of the background when `rgba`.

    Input: (1, classes, h, w). Output: (1, 3 or 4, mask, mask) float32; the four sum to 255.
    """

    members: torch.Tensor

    def __init__(self, groups: Groups, classes: int, mask_size: int, rgba: bool) -> None:
        super().__init__()
        members = torch.zeros(4, classes)
        for row, (_, indices) in enumerate(groups.items()):
            members[row, list(indices)] = 255
        members[3] = 255 - members[:3].sum(0)
        kept = members if rgba else members[:3]
        self.register_buffer("members", kept[:, :, None, None].contiguous(), persistent=False)
        self.mask_size = mask_size

    def forward(self, logits: torch.Tensor) -> torch.Tensor:
        weights = torch.softmax(resized(logits, (self.mask_size, self.mask_size)), 1)
        return F.conv2d(weights, self.members)


def mask_of(weights: torch.Tensor) -> NDArray[np.float32]:
    """(1, 3, h, w) of GroupWeights to the (h, w, 3) mask in [0, 1] that pictures are styled with.

    Sums of probabilities that a float's last bit puts above 1 are cut.
    """
    mask: NDArray[np.float32] = (weights[0] / 255).clamp(0, 1).permute(1, 2, 0).contiguous().numpy()
    return mask


class Labels(nn.Module):
    """Logits to the class of each mask pixel: (1, classes, h, w) to (1, 1, mask, mask) int64."""

    def __init__(self, mask_size: int) -> None:
        super().__init__()
        self.mask_size = mask_size

    def forward(self, logits: torch.Tensor) -> torch.Tensor:
        return resized(logits, (self.mask_size, self.mask_size)).argmax(1, keepdim=True)


def output_head(mode: OutputMode, groups: Groups, classes: int, mask_size: int, rgba: bool) -> nn.Module:
    """The module that turns logits into the output asked for."""
    if mode == "groups":
        return GroupWeights(groups, classes, mask_size, rgba)
    return Labels(mask_size) if mode == "labels" else nn.Identity()
