"""Layers of a network in several processes that compute what one process computes from the whole batch.

PyTorch's SyncBatchNorm runs on GPUs only; this BatchNorm runs on both, so what the tests prove is what trains.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn.modules.dropout import _DropoutNd

from edgekit.training import distributed


class SharedBatchNorm2d(nn.BatchNorm2d):
    """BatchNorm with the statistics of the whole batch."""

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        if not self.training:
            return super().forward(input)
        wide = input.to(self.weight.dtype)  # (B, C, H, W)
        mean = _mean_of_all(wide)
        centred = wide - mean
        variance = _mean_of_all(centred.square())
        self._follow(mean.detach().flatten(), variance.detach().flatten(), input[:, 0].numel())
        scale = self.weight[:, None, None] * (variance + self.eps).rsqrt()
        return (centred * scale + self.bias[:, None, None]).to(input.dtype)

    def _follow(self, mean: torch.Tensor, variance: torch.Tensor, values: int) -> None:
        """Move the running statistics towards the batch's. values: per channel in this process."""
        assert self.running_mean is not None and self.running_var is not None and self.momentum is not None
        everywhere = values * distributed.count()
        self.running_mean.lerp_(mean, self.momentum)
        self.running_var.lerp_(variance * everywhere / (everywhere - 1), self.momentum)
        if self.num_batches_tracked is not None:
            self.num_batches_tracked += 1


def _mean_of_all(x: torch.Tensor) -> torch.Tensor:
    """(C, 1, 1), the mean of each channel over the batches of all processes, which are equally large."""
    return distributed.summed(x.mean((0, 2, 3))[:, None, None]) / distributed.count()


class _SharedDropout(_DropoutNd):
    """Dropout that draws for the whole batch and takes the share of this process. The first axis is the batch's."""

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        if not self.training or self.p == 0:
            return input
        rows = len(input)
        ones = torch.empty_strided(
            (rows * distributed.count(), *input.shape[1:]),
            input.stride(),
            dtype=input.dtype,
            device=input.device,
        ).fill_(1)
        start = rows * distributed.rank()
        kept: torch.Tensor = super().forward(ones)
        return input * kept[start : start + rows]


class SharedDropout(_SharedDropout, nn.Dropout):
    pass


class SharedDropout2d(_SharedDropout, nn.Dropout2d):
    pass


SHARED: dict[type[nn.Module], type[nn.Module]] = {
    nn.BatchNorm2d: SharedBatchNorm2d,
    nn.Dropout: SharedDropout,
    nn.Dropout2d: SharedDropout2d,
}


def share(model: nn.Module) -> None:
    """Exchange, in place, the layers that would depend on the number of processes; with one process, none."""
    if distributed.count() == 1:
        return
    for module in model.modules():
        module.__class__ = SHARED.get(type(module), type(module))
