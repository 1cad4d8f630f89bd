"""Multiply-accumulates of a .tflite, against PyTorch's counter and by hand."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.model_cost import cost_of, input_of, macs_of
from edgekit.artifact import Artifact
from edgekit.model.outputs import GroupWeights
from edgekit.model.prepared import PreparedSegmenter
from edgekit.weights import Checkpoint


@pytest.mark.slow
def test_macs_are_those_of_an_independent_counter(
    artifacts: dict[str, Artifact], checkpoint: Checkpoint
) -> None:
    head = GroupWeights(checkpoint.groups, len(checkpoint.class_names), (32, 32), rgba=True)
    model = nn.Sequential(PreparedSegmenter(checkpoint, "rms"), head)
    with FlopCounterMode(display=False) as counter, torch.inference_mode():
        model(torch.zeros(1, 3, 128, 128))
    cost = cost_of(artifacts["tflite"].path)
    assert cost.macs == counter.get_total_flops() // 2
    assert cost.parameters == pytest.approx(sum(p.numel() for p in model.parameters()), rel=0.02)
    assert input_of(artifacts["tflite"].path)[1].shape == (1, 128, 128, 3)


@pytest.mark.parametrize(
    ("name", "inputs", "output", "expected"),
    [
        ("CONV_2D", [(1, 9, 8, 6), (10, 3, 2, 6), (10,)], (1, 5, 4, 10), 5 * 4 * 10 * 3 * 2 * 6),
        ("DEPTHWISE_CONV_2D", [(1, 9, 8, 6), (1, 3, 2, 12)], (1, 9, 8, 12), 9 * 8 * 12 * 3 * 2),
        ("FULLY_CONNECTED", [(7, 6), (5, 6)], (7, 5), 7 * 5 * 6),
        ("TRANSPOSE_CONV", [(4,), (5, 3, 2, 6), (1, 4, 3, 6)], (1, 8, 6, 5), 4 * 3 * 6 * 5 * 3 * 2),
        ("BATCH_MATMUL", [(2, 3, 4), (2, 4, 5)], (2, 3, 5), 2 * 3 * 5 * 4),
        ("LOGISTIC", [(1, 9)], (1, 9), 0),
    ],
)
def test_macs_by_hand(
    name: str, inputs: list[tuple[int, ...]], output: tuple[int, ...], expected: int
) -> None:
    tensors = [SimpleNamespace(shape=shape) for shape in (*inputs, output)]
    operator = SimpleNamespace(
        inputs=[*range(len(inputs)), -1], outputs=[len(inputs)], builtinOptions=SimpleNamespace(adjX=False)
    )
    assert macs_of(name, operator, tensors) == expected


def test_a_transposed_factor_is_counted_along_its_rows() -> None:
    tensors = [SimpleNamespace(shape=shape) for shape in ((2, 4, 3), (2, 4, 5), (2, 3, 5))]
    operator = SimpleNamespace(inputs=[0, 1], outputs=[2], builtinOptions=SimpleNamespace(adjX=True))
    assert macs_of("BATCH_MATMUL", operator, tensors) == 2 * 3 * 5 * 4
