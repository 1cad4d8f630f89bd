"""The checkpoint's own models at an artifact's size, made again: what the artifact is compared with, stage by stage."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from converters import tflite
from converters.conversion import Conversion
from converters.tflite_int8 import quantized
from edgekit import console
from edgekit.artifact import Artifact
from edgekit.files import json_text
from edgekit.parity.blame import FLOAT
from edgekit.parity.stages import Variant, variant_recipes
from edgekit.recipes import Recipe, recipe_named
from edgekit.runtimes.litert import parsed, read_tflite
from edgekit.targets import target_named
from edgekit.weights import Checkpoint

QUANTIZED_SUFFIX = "_quantized"  # ai-edge-quantizer's, for the int8 copy of a float tensor


@dataclass(frozen=True)
class Rebuilt:
    """Models of one checkpoint in a temporary folder. `export`: the float one, whose tensors have the artifact's names.

    `variants`: those that stand for the stages before the artifact's recipe.
    """

    export: Variant
    variants: tuple[Variant, ...]


class Conversions:
    """Models of one checkpoint, converted into a folder: each once, however many artifacts and stages ask for it."""

    def __init__(self, checkpoint: Checkpoint, folder: Path) -> None:
        self._checkpoint, self._folder = checkpoint, folder
        self._made: dict[str, tuple[Path, str]] = {}  # what was asked for to file and logits' name

    def rebuilt(self, artifact: Artifact) -> Rebuilt:
        """The models that stand for every stage before the artifact's recipe, made by its target."""
        recipe = artifact.manifest.recipe
        variants = tuple(
            self.variant(artifact, stage, each)
            for stage, each in {FLOAT: _float_of(recipe), **variant_recipes(recipe)}.items()
        )
        return Rebuilt(variants[0], variants)

    def variant(self, artifact: Artifact, stage: str, recipe: Recipe) -> Variant:
        """The model that the artifact would be with another recipe, which needs no ranges."""
        conversion = conversion_of(artifact, self._checkpoint, recipe)
        asked = (artifact.manifest.target, str(conversion.size), conversion.output, conversion.mask_shape)
        key = json_text([*asked, recipe.to_json()])
        if key not in self._made:
            path = self._folder / f"{len(self._made)}-{recipe.name}{target_named(asked[0]).suffix}"
            with console.quiet_libraries():
                self._made[key] = (path, self._logits_of_converted(artifact, conversion, path))
        return Variant(stage, *self._made[key])

    def _logits_of_converted(self, artifact: Artifact, conversion: Conversion, path: Path) -> str:
        """Write the model; its logits' name. Every .tflite comes from one export, which takes most of the time."""
        target, recipe = target_named(artifact.manifest.target), conversion.recipe
        if not target.plans:
            return target.converted(conversion, path).taps["logits"]
        if recipe == _float_of(recipe):
            path.write_bytes(tflite.float_model(conversion))
        else:
            data = self.variant(artifact, FLOAT, _float_of(recipe)).path.read_bytes()
            path.write_bytes(quantized(data, recipe, None) if recipe.quantises else data)
        return "logits" if artifact.manifest.output == "logits" else target.logits_names[0]


def _float_of(recipe: Recipe) -> Recipe:
    """The float32 recipe with the same pooling."""
    return replace(recipe_named("fp32"), pool=recipe.pool)


def conversion_of(artifact: Artifact, checkpoint: Checkpoint, recipe: Recipe) -> Conversion:
    """The conversion that gave the artifact, with another recipe."""
    manifest = artifact.manifest
    mask_shape = (0, 0) if manifest.output == "logits" else manifest.outputs[0].height_and_width
    return Conversion(checkpoint, manifest.input_size, recipe, manifest.output, mask_shape)


def ranges_in(path: Path) -> dict[str, tuple[float, float]]:
    """The activation ranges that an int8 .tflite was made with, read from its scales: float tensor to (low, high)."""
    model = parsed(read_tflite(path), path)
    graph, ranges = model.subgraphs[0], {}
    for index in (index for operator in graph.operators for index in operator.outputs):
        tensor = graph.tensors[index]
        known = tensor.quantization
        if known is None or known.scale is None or index in graph.outputs:
            continue
        low, high = (float(known.scale[0]) * (level - int(known.zeroPoint[0])) for level in INT8)
        ranges[tensor.name.decode().removesuffix(QUANTIZED_SUFFIX)] = (low, high)
    return ranges


INT8 = (np.iinfo(np.int8).min, np.iinfo(np.int8).max)
