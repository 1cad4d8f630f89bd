"""The reference: `MobileViTForSemanticSegmentation` exactly as transformers runs it."""

from __future__ import annotations

import torch
from torch import nn
from transformers import MobileViTForSemanticSegmentation

from edgekit.weights import Checkpoint


class ReferenceSegmenter(nn.Module):
    """Hugging Face's own graph from RGB to logits.

    Input: (B, 3, H, W) float32 RGB in [0, 255]. Output: (B, classes, H/stride, W/stride) float32 logits.
    """

    def __init__(self, checkpoint: Checkpoint) -> None:
        super().__init__()
        self.bgr = checkpoint.bgr
        self.model = MobileViTForSemanticSegmentation(checkpoint.config)
        self.model.load_state_dict(dict(checkpoint.state_dict), strict=False)  # checked by load_checkpoint
        self.eval()

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        pixels = image / 255
        if self.bgr:
            pixels = pixels.flip(1)
        logits: torch.Tensor = self.model(pixel_values=pixels).logits
        return logits
