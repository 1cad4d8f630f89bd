"""`edgekit finetune` in float64 that writes the loss and the samples of every step: what torchrun starts in tests.

    torchrun … tests/training/recorded.py FOLDER finetune --data …

Process r writes FOLDER/steps-<r>.json: a list of [loss, [[index, [height, width]], …]].
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import torch

from edgekit.cli import main
from edgekit.model.reference import ReferenceSegmenter
from edgekit.training import loop, samples


def run(folder: Path) -> None:
    """Run the command line with every step recorded."""
    steps: list[tuple[float, Any]] = []
    drawn: list[Any] = []
    step, batches = loop.Learner._step, samples._Batches.__iter__

    def recorded_step(*arguments: Any) -> float:
        loss = step(*arguments)
        steps.append((loss, drawn[len(steps)]))
        place = folder / f"steps-{os.environ.get('RANK', '0')}.json"
        place.write_text(json.dumps(steps))
        return loss

    def recorded_batches(self: Any) -> Any:
        for batch in batches(self):
            if self._samples.epoch:  # epoch 0 is of the ranges that `--qat` starts from
                drawn.append([(index, size.shape) for index, size in batch])
            yield batch

    loop.Learner._step = recorded_step  # type: ignore[method-assign]
    samples._Batches.__iter__ = recorded_batches  # type: ignore[method-assign]
    train_in_float64()
    main()


def train_in_float64() -> None:
    """So that steps can be compared: BatchNorm of a few pooled pixels makes 1e-3 of float32's rounding."""
    trainable, class_weights = loop.trainable, loop.class_weights

    def doubled(*arguments: Any) -> ReferenceSegmenter:
        model = trainable(*arguments).double()
        model.register_forward_pre_hook(in_float64)
        return model

    loop.trainable = doubled
    loop.class_weights = lambda *arguments: class_weights(*arguments).double()
    loop.cpu_computes_bfloat16 = lambda: False
    torch.Tensor.float = torch.Tensor.double  # type: ignore[method-assign]


def in_float64(model: torch.nn.Module, inputs: tuple[torch.Tensor]) -> tuple[torch.Tensor]:
    return (inputs[0].double(),)


if __name__ == "__main__":
    run(Path(sys.argv.pop(1)))
