"""The reference: `MobileViTForSemanticSegmentation` exactly as transformers runs it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, cast

import torch
from torch import nn
from torch.nn import functional as F
from transformers import MobileViTForSemanticSegmentation
from transformers.models.mobilevit.modeling_mobilevit import MobileViTSelfAttention

from edgekit.model.pooling import averaged_tokens
from edgekit.model.stages import PATCH
from edgekit.recipes import STAGE_DEPTHS
from edgekit.weights import Checkpoint

FIRST_STAGE = 2  # of the encoder's layers, the one that is stage 3
STAGES = ("stem", "stage1", "stage2", *STAGE_DEPTHS)  # of the backbone, in order


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


def up_to_stage(model: ReferenceSegmenter, stage: str) -> tuple[nn.Module, ...]:
    """The modules of the backbone from the first to the end of a stage of STAGES."""
    backbone = cast(Any, model.model.mobilevit)
    return (backbone.conv_stem, *backbone.encoder.layer)[: STAGES.index(stage) + 1]


def fuse_attention(model: ReferenceSegmenter, pool: Mapping[str, int]) -> None:
    """Change the graph, in place, to what a recipe with `pool` computes, for training; its parameters stay the same.

    Attention becomes one operator, which never holds all products of queries and keys, and no longer drops any out.
    """
    for i, stage in enumerate(STAGE_DEPTHS):
        layer = cast(Any, model.model.mobilevit.encoder.layer[FIRST_STAGE + i])
        tokens = _Tokens(pool.get(stage, 1))
        layer.conv_1x1.register_forward_hook(tokens.note_grid)
        for block in layer.transformer.layer:
            block.attention.attention.__class__ = _FusedSelfAttention
            block.attention.attention.tokens = tokens


@contextmanager
def unpooled(model: nn.Module) -> Iterator[None]:
    """The graph of `fuse_attention` with attention to all tokens, for the time of the block."""
    stages = [module.tokens for module in model.modules() if isinstance(module, _FusedSelfAttention)]
    sides = [tokens.side for tokens in stages]
    for tokens in stages:
        tokens.side = 1
    try:
        yield
    finally:
        for tokens, side in zip(stages, sides, strict=True):
            tokens.side = side


@dataclass
class _Tokens:
    """A stage's tokens: the side of the squares that are averaged, and the grid of those that came last."""

    side: int
    grid: tuple[int, int] = (0, 0)

    def note_grid(self, module: nn.Module, inputs: object, output: torch.Tensor) -> None:
        """Note the grid of the tokens of a (B, C, H, W) map: H/2 rows and W/2 columns in each sequence."""
        self.grid = (output.shape[2] // PATCH, output.shape[3] // PATCH)


class _FusedSelfAttention(MobileViTSelfAttention):
    """Hugging Face's attention, to keys and values averaged over squares of tokens. hidden_states: (B, N, C)."""

    tokens: _Tokens

    def forward(self, hidden_states: torch.Tensor) -> torch.Tensor:
        side = self.tokens.side
        seen = averaged_tokens(hidden_states, self.tokens.grid, side) if side > 1 else hidden_states
        mixed = F.scaled_dot_product_attention(
            self._by_head(self.query(hidden_states)),
            self._by_head(self.key(seen)),
            self._by_head(self.value(seen)),
        )
        return mixed.transpose(1, 2).flatten(2)

    def _by_head(self, x: torch.Tensor) -> torch.Tensor:
        """(B, N, C) to (B, heads, N, d)."""
        shape = (*x.shape[:2], int(self.num_attention_heads), int(self.attention_head_size))
        return x.reshape(shape).transpose(1, 2)
