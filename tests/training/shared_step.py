"""Compares one training step in several processes with the same step in one: what torchrun starts in a test.

Every process computes both, in float64, and prints the largest differences as JSON into FOLDER/<rank>.json.
"""

from __future__ import annotations

import copy
import json
import sys
from collections.abc import Iterable
from pathlib import Path

import torch
from torch import nn
from torch.nn import functional as F

from edgekit.training import distributed, qat
from edgekit.training.loop import trainable
from edgekit.training.losses import cross_entropy, distillation, mean_jaccard, union_jaccard
from edgekit.training.shared_layers import share
from edgekit.weights import load_checkpoint

BATCH, CLASSES = 4, 18


def batch() -> tuple[torch.Tensor, torch.Tensor]:
    """(B, 3, 128, 192) float64 pictures and (B, 32, 48) labels; the halves of the batch are labelled differently."""
    draws = torch.Generator().manual_seed(0)
    pictures = torch.rand(BATCH, 3, 128, 192, generator=draws, dtype=torch.double) * 255
    labels = torch.randint(0, CLASSES, (BATCH, 32, 48), generator=draws)
    labels[0, :9], labels[3, :, :20] = 255, 4
    return pictures, labels


def loss_of(model: nn.Module, pictures: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Every term of every objective."""
    logits = F.interpolate(model(pictures), size=labels.shape[-2:], mode="bilinear")
    weights = torch.linspace(1, 2, CLASSES, dtype=torch.double)
    sets = torch.eye(CLASSES, dtype=torch.bool)
    terms = [
        cross_entropy(logits, labels, weights),
        union_jaccard(logits, labels, (11, 14)),
        mean_jaccard(logits, labels),
        mean_jaccard(logits, labels, sets),
        distillation(logits, logits.detach().roll(1, 1), weights),
    ]
    return torch.stack(terms).sum()


def stepped(model: nn.Module, pictures: torch.Tensor, labels: torch.Tensor) -> float:
    """The loss of one step, with its gradients in the model."""
    torch.manual_seed(5)  # of dropout
    loss = loss_of(model, pictures, labels)
    loss.backward()
    distributed.average_gradients(list(model.parameters()))
    return float(loss.detach())


def input_range(pictures: torch.Tensor) -> torch.Tensor:
    """The input range that quantisation-aware training takes from one batch."""
    layer = nn.Sequential(nn.Conv2d(3, 1, 1))
    qat.prepare(layer, lambda name: "w8a8")
    qat.observe(layer, [pictures.float()])
    found: torch.Tensor = layer[0].input_range
    return found


def differences(checkpoint: Path) -> dict[str, float]:
    model = trainable(load_checkpoint(checkpoint), torch.device("cpu"), dropout=0.1).double().train()
    alone, whole = copy.deepcopy(model), batch()
    brighter = whole[0] * torch.arange(1, BATCH + 1)[:, None, None, None]
    expected, expected_range = stepped(alone, *whole), input_range(brighter)
    with distributed.joined():
        own = tuple(torch.stack(distributed.own_of_batch(list(tensor), 1)) for tensor in whole)
        found_range = input_range(torch.stack(distributed.own_of_batch(list(brighter), 1)))
        share(model)
        loss = stepped(model, *own)
        return {
            "rank": distributed.rank(),
            "processes": distributed.count(),
            "rows": len(own[0]),
            "loss": abs(loss - expected),
            "gradients": _largest(zip(gradients(alone), gradients(model), strict=True)),
            "statistics": _largest(zip(alone.buffers(), model.buffers(), strict=True)),
            "range": _largest([(expected_range, found_range)]),
        }


def gradients(model: nn.Module) -> list[torch.Tensor]:
    return [parameter.grad for parameter in model.parameters() if parameter.grad is not None]


def _largest(pairs: Iterable[tuple[torch.Tensor, torch.Tensor]]) -> float:
    return max(float((a - b).abs().max()) / (1 + float(a.abs().max())) for a, b in pairs)


if __name__ == "__main__":
    folder, checkpoint = (Path(name) for name in sys.argv[1:])
    found = differences(checkpoint)
    (folder / f"{found['rank']}.json").write_text(json.dumps(found))
