"""A recipe and activation ranges to an int8 .tflite, through ai-edge-quantizer.

The attention products and softmax stay float whatever the recipe says: LiteRT 2.3 has no delegated int8
BATCH_MATMUL, and leaving XNNPACK for it made the model about five times slower (docs/quantization.md).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from converters.recipes import Recipe
from edgekit.errors import ConversionError
from edgekit.runtimes.litert import parsed

Ranges = Mapping[str, tuple[float, float]]

# Operators that are quantised inside a w8a8 block; LayerNorm's pieces have no block and stay float.
W8A8_OPERATORS = (
    "CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED", "LOGISTIC", "MUL", "ADD", "PAD", "CONCATENATION",
)  # fmt: skip
W8_OPERATORS = ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED")
ROOT = "segmenter"


def quantized(data: bytes, recipe: Recipe, ranges: Ranges | None) -> bytes:
    """The int8 model of a float .tflite with short tensor names.

    ranges: (low, high) of the float tensors by name. Raises ConversionError when the recipe needs ranges and
    none, or too few, are given.
    """
    from ai_edge_quantizer import qtyping, quantizer

    tool = quantizer.Quantizer(bytearray(data))
    for block in recipe.blocks_in("w8a8"):
        for operator in W8A8_OPERATORS:
            tool.add_static_config(scope_of(block), qtyping.TFLOperationName(operator), 8, 8)
    for block in recipe.blocks_in("w8"):
        for operator in W8_OPERATORS:
            tool.add_weight_only_config(scope_of(block), qtyping.TFLOperationName(operator), num_bits=8)
    if not recipe.needs_calibration:
        return bytes(tool.quantize(enable_progress_report=False).quantized_model)
    if ranges is None:
        raise ConversionError(
            "tflite",
            "quantise",
            f"recipe {recipe.name} has int8 activations; pass --calibration with photos.",
        )
    calibrated = {name: _statistics(low, high) for name, (low, high) in ranges.items()}
    try:
        result = tool.quantize(calibrated, enable_progress_report=False)
    except (ValueError, KeyError) as error:
        raise ConversionError("tflite", "quantise", f"the ranges do not fit this model ({error}).") from error
    return bytes(result.quantized_model)


def tensors_to_observe(data: bytes) -> tuple[str, ...]:
    """Names of the float tensors of a .tflite whose ranges a recipe may need: all that operators write."""
    from ai_edge_litert import schema_py_generated as schema

    graph = parsed(data, Path("the float model")).subgraphs[0]
    names = []
    for operator in graph.operators:
        for index in operator.outputs:
            tensor = graph.tensors[index]
            if tensor.type == schema.TensorType.FLOAT32:
                names.append(tensor.name.decode())
    return tuple(names)


def scope_of(block: str) -> str:
    """The expression that matches the output tensors of a block's operators, and of no other block's."""
    place = re.escape("/".join((ROOT, *block.split("."))))
    if re.search(r"\.\d+$", block) and block.startswith(("stage3", "stage4", "stage5")):
        return f"^{place}(:|;|$)"  # a layer's residual additions, not its attention and ffn
    return f"^{place}(/|:|;|$)"


def _statistics(low: float, high: float) -> dict[str, np.ndarray[tuple[int, ...], np.dtype[np.float32]]]:
    return {"min": np.array([[low]], np.float32), "max": np.array([[high]], np.float32)}
