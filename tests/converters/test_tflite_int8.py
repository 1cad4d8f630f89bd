"""int8 operators on tiny graphs whose answers are known."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from numpy.typing import NDArray

from converters.tflite_int8 import quantized, with_room_for_biases
from edgekit.recipes import Recipe
from edgekit.runtimes.litert import LiteRT, packed
from tests.support.tiny_tflite import operator_code, tensor

BIAS = np.array([2.0, -0.5, 0.25], np.float32)
RANGES = {"x": (-1.0, 3.0), "segmenter/stem": (-4.0, 8.0)}
X = np.array([[1.0, -1.0, 3.0]], np.float32)


def layer(kind: str, weights: NDArray[np.float32], source: str = "x") -> bytes:
    """`source` → one layer called stem; weights (out, in), or (channels, 1) of a depthwise convolution."""
    options = {
        "FULLY_CONNECTED": schema.FullyConnectedOptionsT(),
        "CONV_2D": schema.Conv2DOptionsT(),
        "DEPTHWISE_CONV_2D": schema.DepthwiseConv2DOptionsT(),
    }[kind]
    shape: tuple[int, ...] = (1, 3)
    if kind != "FULLY_CONNECTED":
        options.strideH = options.strideW = options.dilationHFactor = options.dilationWFactor = 1
        shape = (1, 1, 1, 3)
        weights = weights[:, None, None, :] if kind == "CONV_2D" else weights.T[None, None]
    if kind == "DEPTHWISE_CONV_2D":
        options.depthMultiplier = 1
    graph = schema.SubGraphT()
    graph.tensors = [tensor(source, shape, 0), tensor("w", weights.shape, 1), tensor("b", BIAS.shape, 2)]
    graph.tensors.append(tensor("segmenter/stem", shape, 0))
    graph.inputs, graph.outputs = [0], [3]
    operator = schema.OperatorT()
    operator.inputs, operator.outputs = [0, 1, 2], [3]
    operator.builtinOptions = options
    operator.builtinOptionsType = getattr(schema.BuiltinOptions, type(options).__name__[:-1])
    graph.operators = [operator]
    code = operator_code(getattr(schema.BuiltinOperator, kind))
    model = schema.ModelT()
    model.version, model.description, model.operatorCodes, model.subgraphs = 3, "", [code], [graph]
    model.signatureDefs = []  # ai-edge-quantizer goes through them
    model.buffers = [schema.BufferT() for _ in range(3)]
    for buffer, values in zip(model.buffers[1:], (weights, BIAS), strict=True):
        buffer.data = np.frombuffer(np.ascontiguousarray(values).tobytes(), np.uint8)
    return packed(model)


def weights_of(kind: str, smallest: float) -> NDArray[np.float32]:
    """Output 0 has next to no weights; the others have ordinary ones."""
    rows = np.array([[0.0, smallest, 0.0], [1.0, 0.5, -0.5], [0.25, 1.0, 0.75]], np.float32)
    return rows[:, 1:2] if kind == "DEPTHWISE_CONV_2D" else rows


@pytest.mark.parametrize("kind", ["FULLY_CONNECTED", "CONV_2D", "DEPTHWISE_CONV_2D"])
@pytest.mark.parametrize("smallest", [0.0, 1e-20, -1e-10])
def test_the_bias_of_a_dead_channel_survives(kind: str, smallest: float, tmp_path: Path) -> None:
    """int32 would end before the bias in steps of such weights; it was clipped to nothing."""
    weights = weights_of(kind, smallest)
    data = quantized(layer(kind, weights), Recipe("all", mode="w8a8"), RANGES)
    (tmp_path / "m.tflite").write_bytes(data)
    runner = LiteRT(tmp_path / "m.tflite")
    (found,) = runner.run({"x": X.reshape((1, 3) if kind == "FULLY_CONNECTED" else (1, 1, 1, 3))}).values()
    right = (X * weights.T if kind == "DEPTHWISE_CONV_2D" else X @ weights.T) + BIAS
    assert found.reshape(1, 3) == pytest.approx(right, abs=1.5 * 12 / 255)  # steps of the output


def test_a_model_without_dead_channels_is_left_as_it_is() -> None:
    data = layer("CONV_2D", weights_of("CONV_2D", 1.0))
    assert with_room_for_biases(data, ("stem",), RANGES) is data


def test_only_blocks_computed_in_int8_are_touched() -> None:
    data = layer("CONV_2D", weights_of("CONV_2D", 0.0))
    assert with_room_for_biases(data, ("stem",), RANGES) != data
    assert with_room_for_biases(data, ("aspp",), RANGES) is data
    assert with_room_for_biases(data, (), RANGES) is data
    only_weights = quantized(data, Recipe("every", mode="w8"), None)
    assert only_weights != data
