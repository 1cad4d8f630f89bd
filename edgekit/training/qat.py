"""Quantisation-aware training: int8 rounding in the forward pass, straight through in the backward one.

Weights: int8, symmetric, one scale per output channel, from their present maximum. In the blocks that a recipe
computes in int8 also the inputs of every convolution, linear layer and silu: 8 bits, asymmetric, one range per
tensor, an exponential average of each picture's extremes (Jacob et al., arXiv 1712.05877, section 3.1). silu is
what the runtimes make of it: x times an 8-bit sigmoid. BatchNorm's statistics are frozen: the deployed graph has
them folded in, and a per-channel weight scale is the same before and after folding. The rounding is PyTorch's own
fake quantisation.

The classes are exchanged in place and add only range buffers, so the trained weights are an ordinary
checkpoint. The rounding happens in Hugging Face's graph; the exported graph folds LayerNorm's scale into
the next layer, so its activations are rounded on slightly other grids.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager

import torch
from torch import nn
from transformers.activations import SiLUActivation

RANGE_MOMENTUM = 0.01  # the ranges follow the weights over about 100 steps
RANGE_BATCHES = 8  # seen before the first step, so that it does not start from empty ranges
RANGE_KEY = "input_range"
WEIGHT_PEAK = 127  # symmetric int8: −127…127
LEVELS = 255  # 0…255
SIGMOID_STEP = 1 / 256  # LiteRT's int8 LOGISTIC has this fixed output scale
SCALE_FLOOR = 1e-8  # a channel or tensor of zeros

# Of a module, by its name: `float` (left as it is), `w8` (its weights rounded), `w8a8` (its input too).
ModeOf = Callable[[str], str]


def rounded_weight(weight: torch.Tensor) -> torch.Tensor:
    """(out, …) float32 on its int8 grid; the gradient passes as if nothing had happened."""
    peak = weight.detach().abs().flatten(1).amax(1)
    scale = (peak / WEIGHT_PEAK).clamp_min(SCALE_FLOOR)
    zero = torch.zeros_like(scale, dtype=torch.int32)
    return torch.fake_quantize_per_channel_affine(weight, scale, zero, 0, -WEIGHT_PEAK, WEIGHT_PEAK)


def rounded_input(x: torch.Tensor, low: torch.Tensor, high: torch.Tensor) -> torch.Tensor:
    """Any shape, float32, on the 8-bit grid of [low, high], which contains 0; no gradient outside it."""
    scale = ((high - low) / LEVELS).clamp_min(SCALE_FLOOR)
    zero = (-low / scale).round().int()
    return torch.fake_quantize_per_tensor_affine(x, scale, zero, 0, LEVELS)


class _RangedInput(nn.Module):
    """The part that layers with a rounded input share. `input_range`: (2,) float32, least and greatest input seen."""

    input_range: torch.Tensor

    def _input(self, x: torch.Tensor) -> torch.Tensor:
        if self.training:
            self._observe(x.detach())
        return rounded_input(x.float(), self.input_range[0], self.input_range[1])

    def _observe(self, x: torch.Tensor) -> None:
        each = x.flatten(1)  # a picture's extremes, as calibration/observers.py averages them
        low, high = each.amin(1).clamp_max(0).mean(), each.amax(1).clamp_min(0).mean()
        seen = torch.stack([low, high]).float()
        started = bool((self.input_range != 0).any())
        self.input_range.lerp_(seen, RANGE_MOMENTUM) if started else self.input_range.copy_(seen)


class WeightRoundedConv2d(nn.Conv2d):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y: torch.Tensor = self._conv_forward(x, rounded_weight(self.weight), self.bias)
        return y


class WeightRoundedLinear(nn.Linear):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return nn.functional.linear(x, rounded_weight(self.weight), self.bias)


class RoundedConv2d(_RangedInput, WeightRoundedConv2d):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return super().forward(self._input(x))


class RoundedLinear(_RangedInput, WeightRoundedLinear):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return super().forward(self._input(x))


class RoundedSiLU(_RangedInput):
    """x·σ(x) with x and σ(x) on 8-bit grids; the product is rounded by the layer that reads it."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self._input(x)
        return x * torch.fake_quantize_per_tensor_affine(torch.sigmoid(x), SIGMOID_STEP, 0, 0, LEVELS)


ROUNDED: Mapping[str, Mapping[type[nn.Module], type[nn.Module]]] = {
    "float": {},
    "w8": {nn.Conv2d: WeightRoundedConv2d, nn.Linear: WeightRoundedLinear},
    "w8a8": {nn.Conv2d: RoundedConv2d, nn.Linear: RoundedLinear, SiLUActivation: RoundedSiLU},
}


def prepare(model: nn.Module, mode_of: ModeOf) -> None:
    """Exchange convolutions, linear layers and silus, in place, for ones that round as their modes say."""
    device = next((p.device for p in model.parameters()), None)
    for name, module in model.named_modules():
        rounded = ROUNDED[mode_of(name)].get(type(module))
        if rounded is None:
            continue
        if issubclass(rounded, _RangedInput):
            module.register_buffer(RANGE_KEY, torch.zeros(2, device=device))
        module.__class__ = rounded


def freeze_statistics(model: nn.Module) -> None:
    """BatchNorm keeps its statistics from here on; call after every `train()`."""
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.eval()


def observe(model: nn.Module, inputs: Iterable[torch.Tensor]) -> None:
    """Let the ranges see RANGE_BATCHES batches before training starts."""
    with torch.no_grad(), _training(model):
        freeze_statistics(model)
        for _, x in zip(range(RANGE_BATCHES), inputs, strict=False):
            model(x)


@contextmanager
def _training(model: nn.Module) -> Iterator[None]:
    model.train()
    try:
        yield
    finally:
        model.eval()
