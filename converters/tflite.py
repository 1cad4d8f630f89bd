"""Checkpoint to .tflite through litert-torch: NHWC bytes in, bytes or floats out."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from converters import flatbuffer
from converters.conversion import COLOUR, Conversion, Converted
from converters.tflite_int8 import quantized, tensors_to_observe
from edgekit import console
from edgekit.artifact import TensorSpec, tool_versions
from edgekit.errors import ConversionError
from edgekit.model.outputs import output_head
from edgekit.model.prepared import PreparedSegmenter
from edgekit.runtimes.litert import LiteRT, packed, parsed
from edgekit.weights import GROUP_NAMES

BYTE_SCALE = 1.0  # a stored byte is the value itself: 0…255


class ByteSegmenter(nn.Module):
    """(1, H, W, 3) uint8 RGB to the requested output, channels last.

    `groups`: (1, *mask, 4) uint8 (skin, hair, clothes, background; they sum to 255 up to rounding).
    `labels`: (1, *mask, 1) uint8. `logits`: (1, h, w, classes) float32.
    """

    def __init__(self, segmenter: nn.Module, conversion: Conversion) -> None:
        super().__init__()
        checkpoint = conversion.checkpoint
        self.segmenter = segmenter
        classes = len(checkpoint.class_names)
        self.head = output_head(
            conversion.output, checkpoint.groups, classes, conversion.mask_shape, rgba=True
        )
        self.as_bytes = conversion.output != "logits"

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        x = image.to(torch.float32).permute(0, 3, 1, 2)
        y = self.head(self.segmenter(x)).permute(0, 2, 3, 1)
        output: torch.Tensor = y.to(torch.uint8) if self.as_bytes else y
        return output


def convert(conversion: Conversion, path: Path) -> Converted:
    """Write the .tflite to `path` and return the facts for its manifest."""
    data = float_model(conversion)
    recipe = conversion.recipe
    if recipe.quantises:
        console.say(f"  quantising ({recipe.name}) …")
        data = quantized(data, recipe, conversion.ranges)
    elif recipe.compute == "fp16":
        data = _half_weights(data)
    return finished(data, conversion, path)


def tools() -> dict[str, str]:
    """Versions of the packages that determine a .tflite's content."""
    return tool_versions("litert-torch", "litert-converter", "ai-edge-quantizer", "ai-edge-litert", "torch")


def _specs(conversion: Conversion) -> tuple[TensorSpec, TensorSpec]:
    image = TensorSpec("image", (1, *conversion.size.shape, 3), "uint8", "NHWC", (0.0, 255.0), COLOUR)
    dtype = "float32" if conversion.output == "logits" else "uint8"
    return image, conversion.output_spec("NHWC", dtype, rgba=True)


def float_model(conversion: Conversion, segmenter: nn.Module | None = None) -> bytes:
    """The .tflite before quantisation, with tensors named by their place in the model.

    segmenter: (1, 3, H, W) float RGB in [0, 255] to logits; by default the prepared model of the recipe.
    """
    import litert_torch

    console.say("  exporting and lowering the graph …")
    if segmenter is None:
        segmenter = PreparedSegmenter(conversion.checkpoint, norm="rms", pool=conversion.recipe.pool)
    model = ByteSegmenter(segmenter, conversion).eval()
    example = (torch.zeros(1, *conversion.size.shape, 3, dtype=torch.uint8),)
    try:
        edge = litert_torch.convert(model, example)
    except Exception as error:  # litert-torch raises bare RuntimeErrors and MLIR errors of many types
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ConversionError("tflite", "litert_torch.convert", reason) from error
    tree = parsed(bytes(edge.model_content()), Path("the converted model"))
    flatbuffer.shorten_names(tree, roots=("segmenter", "head"))
    image, output = _specs(conversion)
    flatbuffer.name_interface(tree, [image.name], [output.name])
    return packed(tree)


def observable(
    conversion: Conversion, folder: Path
) -> Callable[[NDArray[np.uint8]], dict[str, NDArray[np.float32]]]:
    """The float model as a function from a (H, W, 3) uint8 image to every tensor that a recipe may quantise."""
    data = float_model(conversion)
    path = folder / "float.tflite"
    path.write_bytes(data)
    names = [name for name in tensors_to_observe(data) if not name.startswith("head")]
    output = conversion.output
    runtime = LiteRT(path, taps=[name for name in names if name != output])

    def run(image: NDArray[np.uint8]) -> dict[str, NDArray[np.float32]]:
        tensors = runtime.run({"image": image[None]})
        return {name: tensors[name] for name in names}

    return run


def _half_weights(data: bytes) -> bytes:
    """Store the weights as fp16; XNNPACK then computes in fp32, the GPU in fp16."""
    from ai_edge_quantizer import quantizer
    from ai_edge_quantizer.algorithm_manager import AlgorithmName

    scope = quantizer.Quantizer(bytearray(data))
    scope.add_weight_only_config(".*", "*", num_bits=16, algorithm_key=AlgorithmName.FLOAT_CASTING)
    return bytes(scope.quantize().quantized_model)


def finished(data: bytes, conversion: Conversion, path: Path) -> Converted:
    """Write a quantised or float model to `path` with metadata and labels; return the facts for its manifest."""
    image, output = _specs(conversion)
    model = parsed(data, path)
    flatbuffer.cast_to_quantization(model, BYTE_SCALE)
    logits = flatbuffer.last_resize_input(model)
    height, width = conversion.size.shape
    description = f"Person parser, {height}x{width}, recipe {conversion.recipe.name}."
    flatbuffer.add_metadata(model, conversion.checkpoint.name, description, image, output)
    labels = (
        (*GROUP_NAMES, "background") if conversion.output == "groups" else conversion.checkpoint.class_names
    )
    path.write_bytes(flatbuffer.append_labels(packed(model), labels))
    taps = {"logits": output.name if conversion.output == "logits" or logits is None else logits}
    return Converted((image,), (output,), taps, tools(), conversion.recipe)
