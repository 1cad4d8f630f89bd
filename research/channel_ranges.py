"""How unequal the channels of each convolution's output are: what one int8 scale for all of them must serve.

    python -m research.channel_ranges --calibration DIR [--photos 16]

For every convolution of the prepared model: largest |value| of the widest and of the median channel over the
photos, and whether an exact rescaling between this layer and the next exists (it does after a linear layer; a
silu in between asks for one more multiplication).
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

import numpy as np
import torch

from calibration.dataset import read_calibration_set
from edgekit.console import quiet_libraries
from edgekit.model.prepared import Convolution, PreparedSegmenter
from edgekit.scores.runners import network_input
from edgekit.weights import load_checkpoint


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calibration", type=Path, required=True)
    parser.add_argument("--photos", type=int, default=16)
    arguments = parser.parse_args()
    with quiet_libraries():
        checkpoint = load_checkpoint()
        photos = read_calibration_set(
            arguments.calibration, checkpoint.size_default, limit=arguments.photos
        ).images
    model = PreparedSegmenter(checkpoint)
    widest: dict[str, torch.Tensor] = {}

    def watch(name: str) -> None:
        def hook(_: torch.nn.Module, __: object, output: torch.Tensor) -> None:
            largest = output.abs().amax((0, 2, 3))
            widest[name] = torch.maximum(widest.get(name, torch.zeros_like(largest)), largest)

        model.get_submodule(name).register_forward_hook(hook)

    convolutions = {
        n: m for n, m in model.named_modules() if isinstance(m, Convolution) and n != "classifier"
    }
    for name in convolutions:
        watch(name)
    with torch.inference_mode():
        for photo in photos:
            model(network_input(photo))
    print(f"N = {len(photos)} photos, {os.cpu_count()} cores, torch {torch.__version__}\n")
    print(
        "| output of | live channels | widest | median | ratio | exact rescaling |\n|---|---|---|---|---|---|"
    )
    for name, module in convolutions.items():
        values = widest[name].numpy()
        live = values[values > 0]  # a relu channel may never fire
        median = float(np.median(live))
        ratio = values.max() / median
        exact = "yes" if module.activation in (None, "relu") else "no"
        print(
            f"| {name} | {len(live)} of {len(values)} | {values.max():.2f} | {median:.3f} | {ratio:.0f} | {exact} |"
        )


if __name__ == "__main__":
    main()
