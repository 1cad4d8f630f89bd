"""PyTorch as a runtime: the reference that everything else is compared with."""

from __future__ import annotations

from typing import Any

import torch
from numpy.typing import NDArray
from torch import nn

from edgekit.runtimes import Tensors


class PyTorch:
    """A module that takes (1, 3, size, size) float RGB in [0, 255], fed (1, size, size, 3) uint8 `image`."""

    name = "pytorch"

    def __init__(self, module: nn.Module, output: str) -> None:
        self._module = module
        self._output = output

    def run(self, inputs: Tensors) -> dict[str, NDArray[Any]]:
        image = torch.from_numpy(inputs["image"].copy()).permute(0, 3, 1, 2).float()
        with torch.inference_mode():
            return {self._output: self._module(image).numpy()}
