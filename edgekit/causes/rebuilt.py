"""The checkpoint's own models at an artifact's size, made again: what the artifact is compared with, stage by stage."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from converters import tflite
from converters.conversion import Conversion
from converters.tflite_int8 import quantized
from edgekit import console
from edgekit.artifact import Artifact
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


def rebuilt(artifact: Artifact, checkpoint: Checkpoint, folder: Path) -> Rebuilt:
    """Convert the checkpoint by the artifact's target for every stage before the artifact's recipe."""
    recipe = artifact.manifest.recipe
    recipes = {FLOAT: replace(recipe_named("fp32"), pool=recipe.pool), **variant_recipes(recipe)}
    made = _tflite_variants if target_named(artifact.manifest.target).plans else _variants
    with console.quiet_libraries():
        variants = made(artifact, checkpoint, recipes, folder)
    return Rebuilt(variants[0], variants)


def conversion_of(artifact: Artifact, checkpoint: Checkpoint, recipe: Recipe) -> Conversion:
    """The conversion that gave the artifact, with another recipe."""
    manifest = artifact.manifest
    mask_shape = (0, 0) if manifest.output == "logits" else manifest.outputs[0].height_and_width
    return Conversion(checkpoint, manifest.input_size, recipe, manifest.output, mask_shape)


def _variants(
    artifact: Artifact, checkpoint: Checkpoint, recipes: Mapping[str, Recipe], folder: Path
) -> tuple[Variant, ...]:
    target, variants = target_named(artifact.manifest.target), []
    for stage, recipe in recipes.items():
        path = folder / f"{recipe.name}{target.suffix}"
        converted = target.converted(conversion_of(artifact, checkpoint, recipe), path)
        variants.append(Variant(stage, path, converted.taps["logits"]))
    return tuple(variants)


def _tflite_variants(
    artifact: Artifact, checkpoint: Checkpoint, recipes: Mapping[str, Recipe], folder: Path
) -> tuple[Variant, ...]:
    """All from one export, which takes most of the time."""
    target = target_named(artifact.manifest.target)
    data, variants = tflite.float_model(conversion_of(artifact, checkpoint, recipes[FLOAT])), []
    logits = "logits" if artifact.manifest.output == "logits" else target.logits_names[0]
    for stage, recipe in recipes.items():
        path = folder / f"{recipe.name}{target.suffix}"
        path.write_bytes(quantized(data, recipe, None) if recipe.quantises else data)
        variants.append(Variant(stage, path, logits))
    return tuple(variants)


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
