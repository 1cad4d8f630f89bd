"""Quantisation-aware training: PyTorch's fake quantisation in the forward pass, straight-through gradients.

Weights are rounded to int8, symmetrically, with one scale per output channel from their current maximum. In the
blocks that a recipe computes in int8, the inputs of every convolution, linear layer and silu are rounded to 8 bits
too, asymmetrically, over one range per tensor: an exponential average of each picture's extremes (Jacob et al., arXiv
1712.05877, section 3.1). silu is computed as the runtimes do it, x times an 8-bit sigmoid. BatchNorm's statistics are
frozen: the deployed graph has them folded in, and a per-channel weight scale is the same before and after folding.

The layers' classes are exchanged in place and add range buffers only, so the trained weights are an ordinary
checkpoint; `unrounded` is the network without rounding, which is what parity compares an artifact with. The rounding
happens in Hugging Face's graph; the exported graph has LayerNorm's scale folded into the next layer, so its
activations are rounded on slightly different grids.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager

import torch
from torch import nn
from transformers.activations import SiLUActivation

from edgekit.training.distributed import count, summed

RANGE_MOMENTUM = 0.01  # the ranges follow the weights over about 100 steps
RANGE_BATCHES = 8  # observed before the first step, which would otherwise start from empty ranges
RANGE_KEY = "input_range"
WEIGHT_PEAK = 127  # symmetric int8: −127…127
LEVELS = 255  # 0…255
SIGMOID_STEP = 1 / 256  # LiteRT's int8 LOGISTIC has this fixed output scale
SCALE_FLOOR = 1e-8  # a channel or tensor of zeros

# From a module's name to its mode: `float` (not rounded), `w8` (weights rounded), `w8a8` (weights and input rounded).
ModeOf = Callable[[str], str]


def rounded_weight(weight: torch.Tensor) -> torch.Tensor:
    """The (out, …) float32 weight, rounded to its int8 grid; the gradient passes unchanged."""
    peak = weight.detach().abs().flatten(1).amax(1)
    scale = (peak / WEIGHT_PEAK).clamp_min(SCALE_FLOOR)
    zero = torch.zeros_like(scale, dtype=torch.int32)
    return torch.fake_quantize_per_channel_affine(weight, scale, zero, 0, -WEIGHT_PEAK, WEIGHT_PEAK)


def rounded_input(x: torch.Tensor, low: torch.Tensor, high: torch.Tensor) -> torch.Tensor:
    """x (any shape, float32), rounded to the 8-bit grid of [low, high], which contains 0; no gradient outside it."""
    scale = ((high - low) / LEVELS).clamp_min(SCALE_FLOOR)
    zero = (-low / scale).round().int()
    return torch.fake_quantize_per_tensor_affine(x, scale, zero, 0, LEVELS)


class _RangedInput(nn.Module):
    """A layer whose input is rounded. input_range: (2,) float32, the running least and greatest input."""

    input_range: torch.Tensor

    def _input(self, x: torch.Tensor) -> torch.Tensor:
        if self.training:
            self._observe(x.detach())
        return rounded_input(x.float(), self.input_range[0], self.input_range[1])

    def _observe(self, x: torch.Tensor) -> None:
        each = x.flatten(1)  # (B, n): extremes per picture, as calibration/observers.py averages them
        low, high = each.amin(1).clamp_max(0).mean(), each.amax(1).clamp_min(0).mean()
        extremes = summed(torch.stack([low, high]).float()) / count()
        started = bool((self.input_range != 0).any())
        self.input_range.lerp_(extremes, RANGE_MOMENTUM) if started else self.input_range.copy_(extremes)


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
    """Replace, in place, convolutions, linear layers and silus by layers that round according to their modes."""
    device = next((p.device for p in model.parameters()), None)
    for name, module in model.named_modules():
        rounded = ROUNDED[mode_of(name)].get(type(module))
        if rounded is None:
            continue
        if issubclass(rounded, _RangedInput):
            module.register_buffer(RANGE_KEY, torch.zeros(2, device=device))
        module.__class__ = rounded


@contextmanager
def unrounded(model: nn.Module) -> Iterator[None]:
    """The model as it was before `prepare`, for the time of the block: the same weights, nothing rounded."""
    plain = {rounded: kind for kinds in ROUNDED.values() for kind, rounded in kinds.items()}
    changed = [(module, type(module)) for module in model.modules() if type(module) in plain]
    for module, kind in changed:
        module.__class__ = plain[kind]
    try:
        yield
    finally:
        for module, kind in changed:
            module.__class__ = kind


def freeze_statistics(model: nn.Module) -> None:
    """Keep BatchNorm's statistics as they are; to be called after every `model.train()`."""
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.eval()


def observe(model: nn.Module, inputs: Iterable[torch.Tensor]) -> None:
    """Start the input ranges from the first RANGE_BATCHES of `inputs`, (B, 3, H, W) float32 each."""
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
