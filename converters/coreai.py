"""Checkpoint to a Core AI .aimodel through torch.export and coreai-torch, on any machine: NHWC bytes in and out.

The extra `coreai` is needed. It names constants at random, so the same weights give the same model in other bytes.
Argmax is not offered: within a model it was reported to be wrong on an iPhone 17 Pro (coreai-torch 116). Nor are int8
activations: coreai-opt places them on a graph of its own.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.nn.utils import parametrize

from converters.conversion import COLOUR, Conversion, Converted
from edgekit import console
from edgekit.artifact import TensorSpec, tool_versions
from edgekit.errors import ConversionError, MissingDependency
from edgekit.model.outputs import OutputMode, output_head
from edgekit.model.prepared import PreparedSegmenter
from edgekit.recipes import Recipe, block_of_parameter

LOGITS: OutputMode = "logits"
INT8_LEVELS = 127  # symmetric int8


class ByteSegmenter(nn.Module):
    """(1, height, width, 3) uint8 RGB to the requested output and the logits, channels last.

    `groups`: (1, h, w, 4) uint8 (skin, hair, clothes, background; they sum to 255 up to rounding).
    `logits`: (1, h, w, classes) float32; always an output, because Core AI gives no intermediate tensors.
    """

    def __init__(self, conversion: Conversion) -> None:
        super().__init__()
        checkpoint = conversion.checkpoint
        self.segmenter = PreparedSegmenter(checkpoint, norm="layer", pool=conversion.recipe.pool)
        classes = len(checkpoint.class_names)
        self.head = output_head(
            conversion.output, checkpoint.groups, classes, conversion.mask_shape, rgba=True
        )
        self.only_logits = conversion.output == LOGITS
        self.dtype = torch.float16 if conversion.recipe.compute == "fp16" else torch.float32

    def forward(self, image: torch.Tensor) -> tuple[torch.Tensor, ...]:
        logits = self.segmenter(image.to(self.dtype).permute(0, 3, 1, 2))
        last = logits.float().permute(0, 2, 3, 1)
        if self.only_logits:
            return (last,)
        rounded = (self.head(logits) + 0.5).to(torch.uint8)
        return rounded.permute(0, 2, 3, 1), last


class Int8Weight(nn.Module):
    """A weight that is stored as int8, symmetric and per output channel, and expanded when the model is compiled."""

    levels: torch.Tensor
    scale: torch.Tensor

    def __init__(self, weight: torch.Tensor) -> None:
        super().__init__()
        largest = weight.abs().amax(tuple(range(1, weight.ndim)), keepdim=True)  # (out, 1, …)
        scale = torch.where(largest > 0, largest / INT8_LEVELS, 1.0)
        self.register_buffer("levels", (weight / scale).round().to(torch.int8))
        self.register_buffer("scale", scale)

    def forward(self, _: torch.Tensor) -> torch.Tensor:
        expanded: torch.Tensor = torch.ops.coreai.constexpr_blockwise_shift_scale(self.levels, self.scale)
        return expanded


def check(conversion: Conversion) -> None:
    """Raise MissingDependency without the extra, ConversionError for what Core AI is not offered."""
    if find_spec("coreai_torch") is None:
        raise MissingDependency("coreai-torch", "The target coreai", extra="coreai")
    if conversion.output == "labels":
        raise ConversionError(
            "coreai",
            "output",
            "argmax within a Core AI model is wrong on an iPhone 17 Pro (coreai-torch 116); use `output` groups or "
            "logits.",
        )
    if conversion.recipe.needs_calibration:
        raise ConversionError(
            "coreai",
            "recipe",
            f"recipe {conversion.recipe.name} has int8 activations, which coreai-opt places on a graph that has none "
            "of a recipe's blocks; use fp32, fp16 or w8.",
        )


def convert(conversion: Conversion, path: Path) -> Converted:
    """Write the .aimodel to `path` and return the facts for its manifest."""
    console.say("  exporting and lowering the graph …")
    names: list[OutputMode] = [LOGITS] if conversion.output == LOGITS else [conversion.output, LOGITS]
    try:
        program = _program(conversion, names)
        # It is saved under a name of its own kind, which `path` may not have while the artifact is staged.
        named = path.with_name(f"{path.name}.aimodel")
        _save(program, named, conversion)
        named.rename(path)
    except Exception as error:  # coreai-torch raises ValueError, RuntimeError, NotImplementedError and others
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ConversionError("coreai", "coreai_torch", reason) from error
    image = TensorSpec("image", (1, *conversion.size.shape, 3), "uint8", "NHWC", (0.0, 255.0), COLOUR)
    kinds = {"groups": "uint8", LOGITS: "float32"}
    outputs = tuple(
        replace(conversion, output=name).output_spec("NHWC", kinds[name], rgba=True) for name in names
    )
    tools = tool_versions("coreai-torch", "coreai-core", "torch")
    return Converted((image,), outputs, {LOGITS: LOGITS}, tools, conversion.recipe)


def _program(conversion: Conversion, names: Sequence[str]) -> Any:
    """The Core AI program of the conversion."""
    from coreai_torch import TorchConverter, get_decomp_table

    model = ByteSegmenter(conversion).eval()
    _store_as_int8(model.segmenter, conversion.recipe)
    model.to(model.dtype)
    example = torch.zeros(1, *conversion.size.shape, 3, dtype=torch.uint8)
    exported = torch.export.export(model, (example,)).run_decompositions(get_decomp_table())
    converter = TorchConverter(mode=TorchConverter.Mode.RELEASE)
    converter.add_exported_program(exported, input_names=["image"], output_names=list(names))
    return converter.to_coreai()


def _store_as_int8(segmenter: nn.Module, recipe: Recipe) -> None:
    """Store the weights of the recipe's w8 blocks as int8."""
    import coreai_torch._compression.custom_layers  # noqa: F401  # registers the operator; there is no public way

    for name, module in list(segmenter.named_modules()):
        if not isinstance(module, nn.Conv2d | nn.Linear):
            continue
        block = block_of_parameter(f"p_segmenter_{name.replace('.', '_')}_weight")
        if block is not None and recipe.mode_of(block) == "w8":
            parametrize.register_parametrization(module, "weight", Int8Weight(module.weight.detach()))


def _save(program: Any, path: Path, conversion: Conversion) -> None:
    """Write the program with what an app must know of it."""
    checkpoint = conversion.checkpoint

    def describe(metadata: Any) -> None:
        metadata.author = "edgekit"
        metadata.model_description = f"Person parser ({len(checkpoint.class_names)} classes)."
        metadata.set_custom("classes", json.dumps(checkpoint.class_names))
        metadata.set_custom("recipe", json.dumps(conversion.recipe.to_json()))
        metadata.set_custom("weights_sha256", checkpoint.sha256)

    program.save_asset(path).update_metadata(describe)
