"""Checkpoint to a Core ML ML Program through torch.export, on any machine.

coremltools 9 cannot trace this model under numpy 2 (`torch.jit.trace`, its `int` operator fails), so the
way is `torch.export` and `run_decompositions`. The package is made reproducible after it is saved.
"""

from __future__ import annotations

import json
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from converters.conversion import COLOUR, Conversion, Converted
from edgekit.artifact import TensorSpec, tool_versions
from edgekit.errors import ConversionError
from edgekit.files import sha256_of
from edgekit.model.outputs import output_head
from edgekit.model.prepared import PreparedSegmenter
from edgekit.weights import GROUP_NAMES

if TYPE_CHECKING:
    import coremltools as ct

MINIMUM_OS = "iOS 16"
SPECIFICATION = Path("Data/com.apple.CoreML/model.mlmodel")
# Identifiers in Manifest.json are derived from the content under this namespace, so the same model gives the
# same bytes; coremltools draws them at random.
IDENTIFIER_NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, "https://edgekit.dev/mlpackage")
CONVERSION_DATE = "com.github.apple.coremltools.conversion_date"


class ImageSegmenter(nn.Module):
    """(1, 3, size, size) float RGB in [0, 255] (Core ML's image input) to the output asked for, NCHW.

    `groups`: (1, 3, mask, mask) in [0, 255], an RGB image output (skin, hair, clothes).
    `labels`: (1, 1, mask, mask) class indices, a greyscale image output. `logits`: (1, classes, h, w).
    """

    def __init__(self, conversion: Conversion) -> None:
        super().__init__()
        checkpoint = conversion.checkpoint
        self.segmenter = PreparedSegmenter(checkpoint, norm="layer")
        classes = len(checkpoint.class_names)
        self.head = output_head(
            conversion.output, checkpoint.groups, classes, conversion.mask_size, rgba=False
        )
        self.is_labels = conversion.output == "labels"

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        y: torch.Tensor = self.head(self.segmenter(image))
        return y.float() if self.is_labels else y


def convert(conversion: Conversion, path: Path) -> Converted:
    """Write the package `path` and return what its manifest must say."""
    import coremltools as ct

    image = TensorSpec(
        "image", (1, 3, conversion.size, conversion.size), "uint8", "NCHW", (0.0, 255.0), COLOUR
    )
    output = conversion.output_spec(
        "NCHW", "float32" if conversion.output == "logits" else "uint8", rgba=False
    )
    model = _ml_program(conversion, ct.target.iOS16)
    taps = {"logits": output.name if conversion.output == "logits" else _resized_tensor(model)}
    _describe(model, conversion)
    model.save(str(path))
    make_reproducible(path)
    return Converted((image,), (output,), taps, MINIMUM_OS, tool_versions("coremltools", "torch"))


def _ml_program(conversion: Conversion, target: Any) -> ct.models.MLModel:
    import coremltools as ct

    shape = (1, 3, conversion.size, conversion.size)
    rgb, grey = ct.colorlayout.RGB, ct.colorlayout.GRAYSCALE
    outputs = {
        "groups": ct.ImageType(name="groups", color_layout=rgb),
        "labels": ct.ImageType(name="labels", color_layout=grey),
        "logits": ct.TensorType(name="logits"),
    }
    precision = ct.precision.FLOAT16 if conversion.recipe.compute == "fp16" else ct.precision.FLOAT32
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
    operations = model._mil_program.functions["main"].operations  # no public way to the program
    return next(str(op.x.name) for op in reversed(operations) if op.op_type == "upsample_bilinear")


def _describe(model: ct.models.MLModel, conversion: Conversion) -> None:
    checkpoint = conversion.checkpoint
    model.short_description = (
        f"Person parser ({len(checkpoint.class_names)} classes), {conversion.size}×{conversion.size}."
    )
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
    """Rewrite a package's specification without its date and in a fixed order, and derive its identifiers."""
    from coremltools.proto import Model_pb2

    file = path / SPECIFICATION
    specification = Model_pb2.Model.FromString(file.read_bytes())
    specification.description.metadata.userDefined.pop(CONVERSION_DATE, None)
    file.write_bytes(specification.SerializeToString(deterministic=True))
    manifest = json.loads((path / "Manifest.json").read_text())
    renamed: dict[str, str] = {}
    entries = sorted(manifest["itemInfoEntries"].items(), key=lambda entry: str(entry[1]["path"]))
    for old, entry in entries:
        content = sha256_of(path / "Data" / entry["path"])
        renamed[old] = str(uuid.uuid5(IDENTIFIER_NAMESPACE, f"{entry['path']} {content}"))
    manifest["itemInfoEntries"] = {renamed[old]: entry for old, entry in entries}
    manifest["rootModelIdentifier"] = renamed[manifest["rootModelIdentifier"]]
    (path / "Manifest.json").write_text(json.dumps(manifest, indent=4) + "\n")
