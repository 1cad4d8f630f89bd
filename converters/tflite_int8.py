"""int8 quantisation of a float .tflite by a recipe and activation ranges, through ai-edge-quantizer.

The attention products and softmax always stay float: no delegate of LiteRT 2.3 runs an int8 BATCH_MATMUL, and running
it outside XNNPACK made the model about five times slower (docs/quantization.md).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgekit.errors import ConversionError
from edgekit.recipes import Recipe, tensor_pattern
from edgekit.runtimes.litert import operator_name, packed, parsed

Ranges = Mapping[str, tuple[float, float]]

# Operators that are quantised inside a w8a8 block; LayerNorm's pieces have no block and stay float.
W8A8_OPERATORS = (
    "CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED", "LOGISTIC", "MUL", "ADD", "PAD", "CONCATENATION",
)  # fmt: skip
W8_OPERATORS = ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED")
OUTPUT_AXIS = {"CONV_2D": 0, "DEPTHWISE_CONV_2D": 3, "FULLY_CONNECTED": 0}  # of the weights
BIAS_ROOM = 2.0**30  # half of int32's range; the other half is for the products that are added to the bias
WEIGHT_LEVELS = 127  # symmetric int8
INPUT_LEVELS = 255


def quantized(data: bytes, recipe: Recipe, ranges: Ranges | None) -> bytes:
    """Quantise a float .tflite with short tensor names and return the int8 one.

    ranges: (low, high) of the float tensors by name. Raises ConversionError if the recipe needs ranges and none, or
    too few, are given.
    """
    from ai_edge_quantizer import qtyping, quantizer

    int8_blocks = recipe.blocks_in("w8a8")
    if ranges is not None:
        data = with_room_for_biases(data, int8_blocks, ranges)
    tool = quantizer.Quantizer(bytearray(data))
    for block in int8_blocks:
        for operator in W8A8_OPERATORS:
            tool.add_static_config(tensor_pattern(block), qtyping.TFLOperationName(operator), 8, 8)
    for block in recipe.blocks_in("w8"):
        for operator in W8_OPERATORS:
            tool.add_weight_only_config(tensor_pattern(block), qtyping.TFLOperationName(operator), num_bits=8)
    if not recipe.needs_calibration:
        return bytes(tool.quantize(enable_progress_report=False).quantized_model)
    if ranges is None:
        raise ConversionError(
            "tflite",
            "quantise",
            f"recipe {recipe.name} has int8 activations; pass `calibration`, a folder of photos.",
        )
    calibrated = {name: _statistics(low, high) for name, (low, high) in ranges.items()}
    try:
        result = tool.quantize(calibrated, enable_progress_report=False)
    except (ValueError, KeyError) as error:
        raise ConversionError("tflite", "quantise", f"the ranges do not fit this model ({error}).") from error
    return bytes(result.quantized_model)


def with_room_for_biases(data: bytes, blocks: Sequence[str], ranges: Ranges) -> bytes:
    """Return the float model with every bias in `blocks` representable in int8 operators.

    They add an int32 bias in steps of (input's step × channel's weight step). Training leaves dead channels, whose
    weights are almost zero while the bias is not; there the bias exceeds int32 and ai-edge-quantizer 0.10 clips it
    silently. The largest weight of such a channel is raised until the bias takes half of int32's range; for any input,
    the output moves by less than 1/30 000 of the bias.
    """
    model = parsed(data, Path("the float model"))
    graph, changed = model.subgraphs[0], False
    scope = re.compile("|".join(tensor_pattern(block) for block in blocks) or "$^")
    for operator in graph.operators:
        axis = OUTPUT_AXIS.get(operator_name(model, operator))
        if axis is None or not scope.search(graph.tensors[operator.outputs[0]].name.decode()):
            continue
        if len(operator.inputs) < 3 or operator.inputs[2] < 0:
            continue  # no bias
        source, weights, bias = (graph.tensors[index] for index in operator.inputs[:3])
        low, high = ranges.get(source.name.decode(), (0.0, 0.0))
        step = (max(high, 0.0) - min(low, 0.0)) / INPUT_LEVELS
        values, added = _constant(model, weights), _constant(model, bias)
        if values is None or added is None or step <= 0:
            continue
        raised = _raised(values, axis, np.abs(added) * (WEIGHT_LEVELS / BIAS_ROOM / step))
        if raised is not None:
            model.buffers[weights.buffer].data = raised.reshape(-1).view(np.uint8)
            changed = True
    return packed(model) if changed else data


def _raised(
    weights: NDArray[np.float32], axis: int, least: NDArray[np.floating]
) -> NDArray[np.float32] | None:
    """Raise the largest weight of each channel along `axis` to at least `least`.

    Returns None if every channel already reaches `least`.
    """
    channels_first = np.moveaxis(weights, axis, 0)
    rows = channels_first.reshape(len(least), -1).copy()
    small = np.flatnonzero(np.abs(rows).max(1) < least)
    if not small.size:
        return None
    rows[small, np.abs(rows[small]).argmax(1)] = least[small]
    return np.ascontiguousarray(np.moveaxis(rows.reshape(channels_first.shape), 0, axis))


def _constant(model: Any, tensor: Any) -> NDArray[np.float32] | None:
    """Values of a constant float32 tensor; None for any other tensor."""
    from ai_edge_litert import schema_py_generated as schema

    data = model.buffers[tensor.buffer].data
    if tensor.type != schema.TensorType.FLOAT32 or data is None:
        return None
    return np.frombuffer(bytes(data), np.float32).reshape(tensor.shape)


def tensors_to_observe(data: bytes) -> tuple[str, ...]:
    """Names of the float tensors of a .tflite whose ranges a recipe may need: every operator's outputs."""
    from ai_edge_litert import schema_py_generated as schema

    graph = parsed(data, Path("the float model")).subgraphs[0]
    names = []
    for operator in graph.operators:
        for index in operator.outputs:
            tensor = graph.tensors[index]
            if tensor.type == schema.TensorType.FLOAT32:
                names.append(tensor.name.decode())
    return tuple(names)


def _statistics(low: float, high: float) -> dict[str, np.ndarray[tuple[int, ...], np.dtype[np.float32]]]:
    return {"min": np.array([[low]], np.float32), "max": np.array([[high]], np.float32)}
