"""A recipe and activation ranges to an int8 .tflite, through ai-edge-quantizer.

The attention products and softmax stay float whatever the recipe says: LiteRT 2.3 has no delegated int8
BATCH_MATMUL, and leaving XNNPACK for it made the model about five times slower (docs/quantization.md).
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import numpy as np

from converters.recipes import Recipe

Ranges = Mapping[str, tuple[float, float]]

# Operators that are quantised inside a w8a8 block; LayerNorm's pieces have no block and stay float.
W8A8_OPERATORS = (
    "CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED", "LOGISTIC", "MUL", "ADD", "PAD", "CONCATENATION",
)  # fmt: skip
W8_OPERATORS = ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED")
ROOT = "segmenter"


def quantized(data: bytes, recipe: Recipe, ranges: Ranges) -> bytes:
    """data: a float .tflite with short tensor names. ranges: (low, high) of every float tensor by name."""
    from ai_edge_quantizer import qtyping, quantizer

    tool = quantizer.Quantizer(bytearray(data))
    for block in recipe.blocks_in("w8a8"):
        for operator in W8A8_OPERATORS:
            tool.add_static_config(scope_of(block), qtyping.TFLOperationName(operator), 8, 8)
    for block in recipe.blocks_in("w8"):
        for operator in W8_OPERATORS:
            tool.add_weight_only_config(scope_of(block), qtyping.TFLOperationName(operator), num_bits=8)
    calibrated = {name: _statistics(low, high) for name, (low, high) in ranges.items()}
    result = tool.quantize(calibrated if recipe.needs_calibration else None, enable_progress_report=False)
    return bytes(result.quantized_model)


def scope_of(block: str) -> str:
    """The expression that matches the output tensors of a block's operators, and of no other block's."""
    place = re.escape("/".join((ROOT, *block.split("."))))
    if re.search(r"\.\d+$", block) and block.startswith(("stage3", "stage4", "stage5")):
        return f"^{place}(:|;|$)"  # a layer's residual additions, not its attention and ffn
    return f"^{place}(/|:|;|$)"


def _statistics(low: float, high: float) -> dict[str, np.ndarray[tuple[int, ...], np.dtype[np.float32]]]:
    return {"min": np.array([[low]], np.float32), "max": np.array([[high]], np.float32)}
