"""Fold Hugging Face's tensors into those of the prepared model, in float64 until the last step."""

from __future__ import annotations

from collections.abc import Mapping

import torch

BATCH_NORM_EPS = 1e-5  # MobileViTConvLayer's constant
# The factor of the transformer's residual stream to the reference's: trained streams reach several hundred, and the
# squares in an RMSNorm must stay below fp16's 65504, yet well above its smallest number. A power of two does not round.
STREAM_SCALE = 1 / 16
Pair = tuple[torch.Tensor, torch.Tensor]  # weight (out, in, …), bias (out,)


class Folding:
    """Collects the prepared model's state dict from the reference's, one named block at a time."""

    def __init__(self, source: Mapping[str, torch.Tensor], heads: int) -> None:
        self._source = {key: value.double() for key, value in source.items()}
        self._heads = heads
        self._target: dict[str, torch.Tensor] = {}

    def state_dict(self, dtype: torch.dtype) -> dict[str, torch.Tensor]:
        return {key: value.to(dtype).contiguous() for key, value in self._target.items()}

    def stem(self, name: str, prefix: str, bgr: bool) -> None:
        """Fold the first convolution so that it takes RGB in [0, 255]; its padding is 0 in either range."""
        weight, bias = self._convolution(prefix)
        self._put(f"{name}.conv", (weight.flip(1) if bgr else weight) / 255, bias)

    def convolution(self, name: str, prefix: str) -> None:
        self._put(f"{name}.conv", *self._convolution(prefix))

    def residual(self, name: str, prefix: str) -> None:
        for ours, theirs in (("expand", "expand_1x1"), ("depthwise", "conv_3x3"), ("reduce", "reduce_1x1")):
            self.convolution(f"{name}.{ours}", f"{prefix}.{theirs}")

    def mobilevit_block(self, name: str, prefix: str, depth: int) -> None:
        self.residual(f"{name}.down", f"{prefix}.downsampling_layer")
        self.convolution(f"{name}.local", f"{prefix}.conv_kxk")
        self._put(f"{name}.to_tokens.conv", *_into_stream(*self._convolution(f"{prefix}.conv_1x1")))
        for i in range(depth):
            self._transformer_layer(f"{name}.layers.{i}", f"{prefix}.transformer.layer.{i}")
        projection = self._convolution(f"{prefix}.conv_projection")
        self._put(f"{name}.from_tokens.conv", *self._after_norm(f"{prefix}.layernorm", *projection))
        self.convolution(f"{name}.fusion", f"{prefix}.fusion")

    def atrous_pyramid(self, name: str, prefix: str, branches: int) -> None:
        for i in range(branches):
            self.convolution(f"{name}.branches.{i}", f"{prefix}.convs.{i}")
        self.convolution(f"{name}.pooled", f"{prefix}.convs.{branches}.conv_1x1")
        weight, bias = self._convolution(f"{prefix}.project")
        split = weight.shape[1] * branches // (branches + 1)  # the pooled branch comes last
        self._put(f"{name}.projection.conv", weight[:, :split], bias)
        self._put(f"{name}.pooled_projection.conv", weight[:, split:], torch.zeros_like(bias))

    def _put(self, name: str, weight: torch.Tensor, bias: torch.Tensor | None) -> None:
        self._target[f"{name}.weight"] = weight
        if bias is not None:
            self._target[f"{name}.bias"] = bias

    def _convolution(self, prefix: str) -> Pair:
        """Fold a convolution and the BatchNorm after it, if any, into one weight and bias."""
        weight = self._source[f"{prefix}.convolution.weight"]
        bias = self._source.get(f"{prefix}.convolution.bias", weight.new_zeros(weight.shape[0]))
        norm = f"{prefix}.normalization"
        if f"{norm}.weight" not in self._source:
            return weight, bias
        gain = self._source[f"{norm}.weight"] / (self._source[f"{norm}.running_var"] + BATCH_NORM_EPS).sqrt()
        shift = self._source[f"{norm}.bias"] - self._source[f"{norm}.running_mean"] * gain
        return weight * gain.reshape(-1, 1, 1, 1), bias * gain + shift

    def _linear(self, prefix: str) -> Pair:
        weight = self._source[f"{prefix}.weight"]
        return weight, self._source.get(f"{prefix}.bias", weight.new_zeros(weight.shape[0]))

    def _after_norm(self, norm: str, weight: torch.Tensor, bias: torch.Tensor) -> Pair:
        """Fold a norm's γ and β into the linear map after it: W(γ ⊙ n + β) + b as a map of n.

        weight: (out, in) or (out, in, 1, 1).
        """
        gamma, beta = self._source[f"{norm}.weight"], self._source[f"{norm}.bias"]
        flat = weight.flatten(1)  # (out, in)
        return (flat * gamma).reshape(weight.shape), bias + flat @ beta

    def _transformer_layer(self, name: str, prefix: str) -> None:
        attention, norm = f"{prefix}.attention.attention", f"{prefix}.layernorm_before"
        query, query_bias = self._after_norm(norm, *self._linear(f"{attention}.query"))
        key, _ = self._after_norm(norm, *self._linear(f"{attention}.key"))
        value, value_bias = self._after_norm(norm, *self._linear(f"{attention}.value"))
        out, out_bias = self._linear(f"{prefix}.attention.output.dense")
        scale = (query.shape[0] // self._heads) ** -0.5
        self._put(f"{name}.attention.query", query * scale, query_bias * scale)
        self._put(f"{name}.attention.key", key, None)
        self._put(f"{name}.attention.value", value, None)
        self._put(f"{name}.attention.out", *_into_stream(out, out_bias + out @ value_bias))
        up = self._after_norm(f"{prefix}.layernorm_after", *self._linear(f"{prefix}.intermediate.dense"))
        self._put(f"{name}.ffn.up", *up)
        self._put(f"{name}.ffn.down", *_into_stream(*self._linear(f"{prefix}.output.dense")))


def _into_stream(weight: torch.Tensor, bias: torch.Tensor) -> Pair:
    """Make a map's outputs zero-mean over the channels and scale them by STREAM_SCALE.

    The LayerNorms that read the stream remove its mean and its scale anyway.
    """
    return (weight - weight.mean(0, keepdim=True)) * STREAM_SCALE, (bias - bias.mean()) * STREAM_SCALE
