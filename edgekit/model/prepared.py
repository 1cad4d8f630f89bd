"""The prepared model: the checkpoint's weights in a graph that exports to few, well-supported operators.

Every rewrite is exact up to float rounding; a test holds the logits to the reference within 1e-9 in float64.

- BatchNorm is folded into the convolution before it; /255 and the RGB→BGR flip into the first one.
- The transformer's residual stream is only ever read by LayerNorms, which ignore its mean over channels and
  its scale. So the linear maps that write the stream are centred once and LayerNorm may become RMSNorm
  (SliceGPT, arXiv 2401.15024, section 3.1), and the stream is kept small enough to be squared in fp16.
- LayerNorm's scale and shift are folded into the linear map that reads it. The key bias adds the same number to
  every score of a row, which softmax cancels; the value bias passes through attention unchanged (rows sum to one)
  and is folded into the output projection; 1/√d is folded into the query.
- Attention runs head by head on (4, N, d) tensors: no reshape or transpose to make or undo a head axis
  (Apple, "Deploying Transformers on the Apple Neural Engine", principle 2).
- ASPP's pooled branch is constant over the picture: it becomes a bias of the projection (no resize, no
  broadcast, a fifth less to concatenate).

Only pooling, where a recipe asks for it, changes the function: a stage's keys and values are then averaged over k×k
tokens, so that its attention computes a k²-th of the products (edgekit/model/pooling.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import torch
from torch import nn
from torch.nn import functional as F

from edgekit.model.folding import STREAM_SCALE, Folding
from edgekit.model.pooling import averaged_tokens
from edgekit.model.stages import PATCH, STAGES
from edgekit.recipes import STAGE2_DEPTH, STAGE_DEPTHS
from edgekit.weights import Checkpoint

NormForm = Literal["layer", "rms"]
FIRST_GAIN = (
    8 / STREAM_SCALE
)  # of a stage's first norm, which reads the stream before any layer has added to it


class Convolution(nn.Module):
    """Convolution with bias, "same" padding for odd kernels, then silu, relu or nothing."""

    def __init__(
        self,
        c_in: int,
        c_out: int,
        kernel: int,
        activation: str | None,
        *,
        stride: int = 1,
        dilation: int = 1,
        groups: int = 1,
    ) -> None:
        super().__init__()
        padding = (kernel - 1) // 2 * dilation
        self.conv = nn.Conv2d(c_in, c_out, kernel, stride, padding, dilation, groups, bias=True)
        self.activation = activation

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.conv(x)
        if self.activation == "silu":
            return F.silu(x)
        return F.relu(x) if self.activation == "relu" else x


class InvertedResidual(nn.Module):
    """MobileNetV2's block (arXiv 1801.04381)."""

    def __init__(self, c_in: int, c_out: int, expand: int, stride: int, dilation: int = 1) -> None:
        super().__init__()
        self.expand = Convolution(c_in, expand, 1, "silu")
        self.depthwise = Convolution(
            expand, expand, 3, "silu", stride=stride, dilation=dilation, groups=expand
        )
        self.reduce = Convolution(expand, c_out, 1, None)
        self.residual = stride == 1 and c_in == c_out

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y: torch.Tensor = self.reduce(self.depthwise(self.expand(x)))
        return x + y if self.residual else y


class TokenNorm(nn.Module):
    """LayerNorm over the channels without scale and shift (they are folded into the next linear map).

    Its input is the stream, which is centred already and is STREAM_SCALE times the reference's. On such an input
    `rms` equals LayerNorm: x / √(mean(x²) + ε), with the mean as a linear map because TFLite's MEAN drops the axis
    and costs a reshape. Core ML keeps its own layer_norm. `gain` multiplies the input first: at the beginning of a
    stage the stream is so small that its squares would underflow in fp16.
    """

    mean: torch.Tensor
    mean_bias: torch.Tensor

    def __init__(self, channels: int, eps: float, form: NormForm, gain: float = 1.0) -> None:
        super().__init__()
        self.form = form
        self.gain = gain
        self.eps = eps * (STREAM_SCALE * gain) ** 2
        if form == "rms":
            self.register_buffer("mean", torch.full((1, channels), 1 / channels), persistent=False)
            self.register_buffer("mean_bias", torch.full((1,), self.eps), persistent=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if self.gain != 1.0:
            x = x * self.gain
        if self.form == "rms":
            return x * torch.rsqrt(F.linear(x * x, self.mean, self.mean_bias))
        return F.layer_norm(x, x.shape[-1:], eps=self.eps)


class Attention(nn.Module):
    """Multi-head self-attention, head by head, to keys and values averaged over `pool`² tokens.

    x: (4, N, C), tokens in the rows and columns of `grid`.
    """

    def __init__(self, channels: int, heads: int, pool: int) -> None:
        super().__init__()
        self.head_size = channels // heads
        self.pool = pool
        self.query = nn.Linear(channels, channels)
        self.key = nn.Linear(channels, channels, bias=False)
        self.value = nn.Linear(channels, channels, bias=False)
        self.out = nn.Linear(channels, channels)

    def forward(self, x: torch.Tensor, grid: tuple[int, int]) -> torch.Tensor:
        seen = x if self.pool == 1 else averaged_tokens(x, grid, self.pool)  # (4, M, C), M = N/pool²
        queries = self.query(x).split(self.head_size, -1)  # heads × (4, N, d)
        keys = self.key(seen).split(self.head_size, -1)  # heads × (4, M, d)
        values = self.value(seen).split(self.head_size, -1)
        mixed = [
            torch.softmax(q @ k.transpose(-1, -2), -1) @ v  # (4, N, M) @ (4, M, d)
            for q, k, v in zip(queries, keys, values, strict=True)
        ]
        out: torch.Tensor = self.out(torch.cat(mixed, -1))
        return out


class FeedForward(nn.Module):
    """The transformer's feed-forward block: two linear maps with silu between them. x: (4, N, C)."""

    def __init__(self, channels: int, hidden: int) -> None:
        super().__init__()
        self.up = nn.Linear(channels, hidden)
        self.down = nn.Linear(hidden, channels)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        out: torch.Tensor = self.down(F.silu(self.up(x)))
        return out


class TransformerLayer(nn.Module):
    """Attention and feed-forward block, each added to the stream.

    x: (4, N, C), tokens in the rows and columns of `grid`.
    """

    def __init__(
        self,
        channels: int,
        hidden: int,
        heads: int,
        pool: int,
        norm_before: TokenNorm,
        norm_after: TokenNorm,
    ) -> None:
        super().__init__()
        self.norm_before = norm_before
        self.norm_after = norm_after
        self.attention = Attention(channels, heads, pool)
        self.ffn = FeedForward(channels, hidden)

    def forward(self, x: torch.Tensor, grid: tuple[int, int]) -> torch.Tensor:
        x = x + self.attention(self.norm_before(x), grid)
        out: torch.Tensor = x + self.ffn(self.norm_after(x))
        return out


def unfold(x: torch.Tensor) -> torch.Tensor:
    """Turn (B, C, H, W) into (4·B, H/2·W/2, C): one token sequence per position in the 2×2 patch."""
    b, c, h, w = x.shape
    x = x.permute(0, 2, 3, 1)  # (B, H, W, C)
    x = x.reshape(b * h // 2, PATCH, w // 2, PATCH * c)  # (row, row in patch, column, column in patch × C)
    x = x.transpose(0, 1)  # (row in patch, row, column, column in patch × C)
    x = x.reshape(PATCH, b * h // 2 * (w // 2), PATCH, c)  # (row in patch, B × patch, column in patch, C)
    x = x.transpose(1, 2)  # (row in patch, column in patch, B × patch, C)
    return x.reshape(PATCH * PATCH * b, h // 2 * (w // 2), c)  # (pixel in patch × B, patch, C)


def fold(x: torch.Tensor, h: int, w: int) -> torch.Tensor:
    """The inverse of `unfold`: (4·B, H/2·W/2, C) to (B, C, H, W)."""
    n, _, c = x.shape
    b = n // (PATCH * PATCH)
    x = x.reshape(PATCH, PATCH, b * h // 2 * (w // 2), c)  # (row in patch, column in patch, B × patch, C)
    x = x.transpose(1, 2)  # (row in patch, B × patch, column in patch, C)
    x = x.reshape(PATCH, b * h // 2, w // 2, PATCH * c)  # (row in patch, row, column, column in patch × C)
    x = x.transpose(0, 1)  # (row, row in patch, column, column in patch × C)
    return x.reshape(b, h, w, c).permute(0, 3, 1, 2)


class MobileViTBlock(nn.Module):
    """MobileViT's block: local convolutions, attention over interleaved patches, fusion (arXiv 2110.02178)."""

    def __init__(
        self,
        down: InvertedResidual,
        channels: int,
        tokens: int,
        hidden: int,
        depth: int,
        heads: int,
        pool: int,
        eps: float,
        form: NormForm,
    ) -> None:
        super().__init__()
        self.down = down
        self.local = Convolution(channels, channels, 3, "silu")
        self.to_tokens = Convolution(channels, tokens, 1, None)
        self.norm = TokenNorm(tokens, eps, form)
        first = TokenNorm(tokens, eps, form, gain=FIRST_GAIN)
        self.layers = nn.ModuleList(
            TransformerLayer(tokens, hidden, heads, pool, self.norm if i else first, self.norm)
            for i in range(depth)
        )
        self.from_tokens = Convolution(tokens, channels, 1, "silu")
        self.fusion = Convolution(2 * channels, channels, 3, "silu")

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.down(x)
        _, _, h, w = x.shape
        tokens = unfold(self.to_tokens(self.local(x)))  # (4, N, C)
        for layer in self.layers:
            tokens = layer(tokens, (h // PATCH, w // PATCH))
        y = self.from_tokens(fold(self.norm(tokens), h, w))
        out: torch.Tensor = self.fusion(torch.cat([x, y], 1))
        return out


class AtrousPyramid(nn.Module):
    """DeepLabV3's ASPP (arXiv 1706.05587) with the pooled branch as a bias of the projection."""

    def __init__(self, c_in: int, c_out: int, rates: tuple[int, ...]) -> None:
        super().__init__()
        self.branches = nn.ModuleList([Convolution(c_in, c_out, 1, "relu")])
        self.branches.extend(Convolution(c_in, c_out, 3, "relu", dilation=rate) for rate in rates)
        self.pooled = Convolution(c_in, c_out, 1, "relu")
        self.pooled_projection = Convolution(c_out, c_out, 1, None)
        self.projection = Convolution((1 + len(rates)) * c_out, c_out, 1, None)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        picture = self.pooled_projection(self.pooled(x.mean((2, 3), keepdim=True)))  # (1, C, 1, 1)
        return F.relu(self.projection(torch.cat([b(x) for b in self.branches], 1)) + picture)


class PreparedSegmenter(nn.Module):
    """The export-friendly graph from RGB to logits.

    Input: (1, 3, H, W) float32 RGB in [0, 255], H and W multiples of 64.
    Output: (1, classes, H/stride, W/stride) float32 logits.

    `pool`: a recipe's; without it the graph computes what Hugging Face's does.
    """

    def __init__(
        self, checkpoint: Checkpoint, norm: NormForm = "layer", pool: Mapping[str, int] | None = None
    ) -> None:
        super().__init__()
        config = checkpoint.config
        neck = config.neck_hidden_sizes
        self.stem = Convolution(3, neck[0], 3, "silu", stride=2)
        self.stage1 = nn.Sequential(self._residual(config, neck[0], neck[1], 1))
        self.stage2 = nn.Sequential(
            *(
                self._residual(config, neck[1 if i == 0 else 2], neck[2], 2 if i == 0 else 1)
                for i in range(STAGE2_DEPTH)
            )
        )
        stages = [
            MobileViTBlock(
                self._residual(config, neck[2 + i], neck[3 + i], shape.stride, shape.dilation),
                channels=neck[3 + i],
                tokens=config.hidden_sizes[i],
                hidden=int(config.hidden_sizes[i] * config.mlp_ratio),
                depth=depth,
                heads=config.num_attention_heads,
                pool=(pool or {}).get(stage, 1),
                eps=config.layer_norm_eps,
                form=norm,
            )
            for i, (shape, (stage, depth)) in enumerate(
                zip(STAGES[config.output_stride], STAGE_DEPTHS.items(), strict=True)
            )
        ]
        self.stage3, self.stage4, self.stage5 = stages
        self.aspp = AtrousPyramid(neck[5], config.aspp_out_channels, tuple(config.atrous_rates))
        self.classifier = Convolution(config.aspp_out_channels, len(checkpoint.class_names), 1, None)
        self.load_state_dict(prepared_state_dict(checkpoint))
        self.eval()

    @staticmethod
    def _residual(config: object, c_in: int, c_out: int, stride: int, dilation: int = 1) -> InvertedResidual:
        from transformers.models.mobilevit.modeling_mobilevit import make_divisible

        expand = make_divisible(round(c_in * config.expand_ratio), 8)  # type: ignore[attr-defined]
        return InvertedResidual(c_in, c_out, expand, stride, dilation)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        x = self.stage2(self.stage1(self.stem(image)))
        x = self.stage5(self.stage4(self.stage3(x)))
        logits: torch.Tensor = self.classifier(self.aspp(x))
        return logits


def prepared_state_dict(
    checkpoint: Checkpoint, dtype: torch.dtype = torch.float32
) -> dict[str, torch.Tensor]:
    """Hugging Face's tensors, folded in float64 and renamed for `PreparedSegmenter`."""
    config = checkpoint.config
    folding = Folding(checkpoint.state_dict, config.num_attention_heads)
    encoder = "mobilevit.encoder.layer"
    folding.stem("stem", "mobilevit.conv_stem", checkpoint.bgr)
    folding.residual("stage1.0", f"{encoder}.0.layer.0")
    for i in range(STAGE2_DEPTH):
        folding.residual(f"stage2.{i}", f"{encoder}.1.layer.{i}")
    for i, (stage, depth) in enumerate(STAGE_DEPTHS.items()):
        folding.mobilevit_block(stage, f"{encoder}.{i + 2}", depth)
    folding.atrous_pyramid("aspp", "segmentation_head.aspp", 1 + len(config.atrous_rates))
    folding.convolution("classifier", "segmentation_head.classifier")
    return folding.state_dict(dtype)
