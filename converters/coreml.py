"""Checkpoint to a Core ML ML Program through torch.export, on any machine.

coremltools 9 cannot convert a `torch.jit.trace` of this model under numpy 2 (its `int` operator fails), so the model
goes through `torch.export` and `run_decompositions`. The package is made reproducible after it is saved.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from converters.conversion import COLOUR, Conversion, Converted
from converters.coreml_costs import Cost, costs_of
from converters.coreml_int8 import (
    activations_of,
    blocks_of,
    program_of,
    quantize_activations,
    quantize_weights,
)
from edgekit import console
from edgekit.artifact import TensorSpec, tool_versions
from edgekit.errors import ConversionError
from edgekit.files import sha256_of
from edgekit.model.outputs import output_head
from edgekit.model.prepared import PreparedSegmenter
from edgekit.recipes import Recipe
from edgekit.runtimes.mil_reference import MilReference
from edgekit.weights import GROUP_NAMES

if TYPE_CHECKING:
    import coremltools as ct

SPECIFICATION = Path("Data/com.apple.CoreML/model.mlmodel")
# Identifiers in Manifest.json are derived from the content under this namespace, so that the same model gives the
# same bytes; coremltools draws them at random.
IDENTIFIER_NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, "https://edgekit.dev/mlpackage")
CONVERSION_DATE = "com.github.apple.coremltools.conversion_date"


class ImageSegmenter(nn.Module):
    """(1, 3, H, W) float RGB in [0, 255] (Core ML's image input) to the requested output, NCHW.

    `groups`: (1, 3, *mask) in [0, 255], an RGB image output (skin, hair, clothes).
    `labels`: (1, 1, *mask) class indices, a greyscale image output. `logits`: (1, classes, h, w).
    """

    def __init__(self, conversion: Conversion) -> None:
        super().__init__()
        checkpoint = conversion.checkpoint
        self.segmenter = PreparedSegmenter(checkpoint, norm="layer", pool=conversion.recipe.pool)
        classes = len(checkpoint.class_names)
        self.head = output_head(
            conversion.output, checkpoint.groups, classes, conversion.mask_shape, rgba=False
        )
        self.is_labels = conversion.output == "labels"

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        y: torch.Tensor = self.head(self.segmenter(image))
        return y.float() if self.is_labels else y


def convert(conversion: Conversion, path: Path) -> Converted:
    """Write the package to `path` and return the facts for its manifest."""
    image = TensorSpec("image", (1, 3, *conversion.size.shape), "uint8", "NCHW", (0.0, 255.0), COLOUR)
    output = conversion.output_spec(
        "NCHW", "float32" if conversion.output == "logits" else "uint8", rgba=False
    )
    model = _quantized(_ml_program(conversion), conversion)
    taps = {"logits": output.name if conversion.output == "logits" else _resized_tensor(model)}
    _describe(model, conversion)
    model.save(str(path))
    make_reproducible(path)
    tools = tool_versions("coremltools", "torch")
    return Converted((image,), (output,), taps, tools, _computed(conversion.recipe))


def _computed(recipe: Recipe) -> Recipe:
    """The recipe as Core ML computes it: in a quantised program, all that is not int8 is fp16, Core ML's default."""
    return replace(recipe, compute="fp16") if recipe.quantises else recipe


def observable(
    conversion: Conversion, folder: Path
) -> Callable[[NDArray[np.uint8]], dict[str, NDArray[np.float32]]]:
    """The float program as a function from a (H, W, 3) uint8 image to every tensor that a recipe may quantise."""
    model = _ml_program(conversion)
    path = folder / "float.mlpackage"
    model.save(str(path))
    names = activations_of(model, list(blocks_of(model)))
    runtime = MilReference(path, taps=names)

    def run(image: NDArray[np.uint8]) -> dict[str, NDArray[np.float32]]:
        tensors = runtime.run({"image": image[None]})
        return {name: tensors[name] for name in names}

    return run


def costs(conversion: Conversion) -> dict[str, Cost]:
    """What the converted program computes and moves, by block; any ranges do, for none are needed to count."""
    model = _ml_program(conversion)
    ranges = dict.fromkeys(activations_of(model, list(blocks_of(model))), (-1.0, 1.0))
    return costs_of(_quantized(model, replace(conversion, ranges=ranges)))


def _quantized(model: ct.models.MLModel, conversion: Conversion) -> ct.models.MLModel:
    """Quantise the recipe's blocks to int8: activations first, then weights."""
    recipe = conversion.recipe
    operations = {
        mode: [name for name, block in blocks_of(model).items() if recipe.mode_of(block) == mode]
        for mode in ("w8", "w8a8")
    }
    if not operations["w8"] and not operations["w8a8"]:
        return model
    console.say(f"  quantising ({recipe.name}) …")
    with_weights = {op.name for op in program_of(model).operations if op.op_type in ("conv", "linear")}
    if operations["w8a8"]:
        if conversion.ranges is None:
            raise ConversionError(
                "coreml",
                "quantise",
                f"recipe {recipe.name} has int8 activations; pass `calibration`, a folder of photos.",
            )
        model = quantize_activations(model, conversion.ranges, operations["w8a8"])
    chosen = [name for names in operations.values() for name in names if name in with_weights]
    return quantize_weights(model, chosen)


def _ml_program(conversion: Conversion) -> ct.models.MLModel:
    """The program before quantisation, in fp32 or fp16 (see `_computed`)."""
    import coremltools as ct

    console.say("  exporting and lowering the graph …")
    shape = (1, 3, *conversion.size.shape)
    rgb, grey = ct.colorlayout.RGB, ct.colorlayout.GRAYSCALE
    outputs = {
        "groups": ct.ImageType(name="groups", color_layout=rgb),
        "labels": ct.ImageType(name="labels", color_layout=grey),
        "logits": ct.TensorType(name="logits"),
    }
    recipe = _computed(conversion.recipe)
    precision = ct.precision.FLOAT32 if recipe.compute == "fp32" else ct.precision.FLOAT16
    target = ct.target.iOS17 if recipe.needs_calibration else ct.target.iOS16
    try:
        program = torch.export.export(ImageSegmenter(conversion).eval(), (torch.zeros(shape),))
        return ct.convert(
            program.run_decompositions({}),
            inputs=[ct.ImageType(name="image", shape=shape, color_layout=rgb)],
            outputs=[outputs[conversion.output]],
            convert_to="mlprogram",
            minimum_deployment_target=target,
            compute_precision=precision,
            skip_model_load=True,
        )
    except Exception as error:  # coremltools raises ValueError, RuntimeError, NotImplementedError and others
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ConversionError("coreml", "coremltools.convert", reason) from error


def _resized_tensor(model: ct.models.MLModel) -> str:
    """Name of the tensor that the last bilinear resize reads: the logits."""
    operations = reversed(program_of(model).operations)
    return next(str(op.x.name) for op in operations if op.op_type == "upsample_bilinear")


def _describe(model: ct.models.MLModel, conversion: Conversion) -> None:
    checkpoint = conversion.checkpoint
    height, width = conversion.size.shape
    model.short_description = f"Person parser ({len(checkpoint.class_names)} classes), {height}×{width}."
    model.author = "edgekit"
    model.user_defined_metadata.update(
        {
            "classes": json.dumps(checkpoint.class_names),
            "groups": json.dumps({g: list(i) for g, i in checkpoint.groups.items()}),
            "channels": json.dumps(GROUP_NAMES if conversion.output == "groups" else [conversion.output]),
            "recipe": json.dumps(conversion.recipe.to_json()),
            "weights_sha256": checkpoint.sha256,
        }
    )


def make_reproducible(path: Path) -> None:
    """Rewrite a package so that equal models give equal bytes: no date, a fixed order, identifiers from the content."""
    from coremltools.proto import Model_pb2

    file = path / SPECIFICATION
    specification = Model_pb2.Model.FromString(file.read_bytes())
    specification.description.metadata.userDefined.pop(CONVERSION_DATE, None)
    file.unlink()  # coremltools makes it readable by its owner only; a new file gets the usual permissions
    file.write_bytes(specification.SerializeToString(deterministic=True))
    manifest = json.loads((path / "Manifest.json").read_text())
    renamed: dict[str, str] = {}
    entries = sorted(manifest["itemInfoEntries"].items(), key=lambda entry: str(entry[1]["path"]))
    for old, entry in entries:
        content = sha256_of(path / "Data" / entry["path"])
        renamed[old] = str(uuid.uuid5(IDENTIFIER_NAMESPACE, f"{entry['path']} {content}"))
    manifest["itemInfoEntries"] = {renamed[old]: entry for old, entry in entries}
    manifest["rootModelIdentifier"] = renamed[manifest["rootModelIdentifier"]]
    (path / "Manifest.json").write_text(json.dumps(manifest, indent=4, sort_keys=True) + "\n")
