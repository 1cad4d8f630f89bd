"""Ablation: which block, taken back to float, returns how much. Measured as the planner measures."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from calibration.planner import Point
from calibration.trials import FloatGraph, LiteRTTrials
from converters import tflite
from edgekit import console
from edgekit.artifact import Artifact
from edgekit.causes.rebuilt import Rebuilt, conversion_of, ranges_in
from edgekit.images import Picture, fit_of
from edgekit.parity.blame import Ablation, Measured, Operator
from edgekit.parity.picture import PixelGate
from edgekit.recipes import Pool, Recipe, recipe_named
from edgekit.targets import target_named
from edgekit.weights import Checkpoint

TRIED_BLOCKS = 8  # each takes a quantisation and an inference per photo: seconds


def why_not_ablated(artifact: Artifact) -> str:
    """The reason why no block of the artifact can be taken back to float here; empty if one can."""
    target = target_named(artifact.manifest.target)
    if not artifact.manifest.recipe.quantises:
        return "no block of the recipe is int8"
    if not target.plans:
        return f"this machine cannot time {target.title}; a recipe found on TFLite converts to it too"
    return ""


def ablated(
    artifact: Artifact,
    checkpoint: Checkpoint,
    made: Rebuilt,
    pictures: Sequence[Picture],
    operators: Sequence[Operator],
) -> tuple[Measured, tuple[Ablation, ...]]:
    """The recipe converted again, and with each of its noisiest int8 blocks in float, best first.

    operators: the artifact's local errors, by which the blocks to try are chosen.
    """
    recipe, size = artifact.manifest.recipe, artifact.manifest.input_size
    ranges = {recipe.observer: ranges_in(artifact.path)}

    def graph(pool: Mapping[str, Pool]) -> FloatGraph:
        if pool == recipe.pool:
            return FloatGraph(made.export.path.read_bytes(), lambda: ranges)
        return FloatGraph(tflite.float_model(conversion_of(artifact, checkpoint, recipe_named("fp32"))), dict)

    judged = [Picture(picture.name, picture.at(size)) for picture in pictures]
    fits = [fit_of(picture.image.shape[:2], size) for picture in pictures]
    gate = PixelGate(checkpoint)
    with tempfile.TemporaryDirectory() as folder, console.quiet_libraries():
        trials = LiteRTTrials(
            graph,
            judged,
            checkpoint.groups.skin,
            Path(folder),
            made.export.logits_name,
            (lambda image, expected, got: gate(image, expected, got)["skin"])
            if checkpoint.groups.skin
            else None,
            fits,
        )
        before = _measured(trials.measure(recipe))
        blocks = console.track(_noisiest(recipe, operators), TRIED_BLOCKS, "taking blocks back to float")
        found = [Ablation(block, _measured(trials.measure(in_float(recipe, block)))) for block in blocks]
    return before, tuple(sorted(found, key=lambda each: badness(each.measured)))


def in_float(recipe: Recipe, block: str) -> Recipe:
    """The recipe with one block in float."""
    return replace(recipe, blocks={**recipe.blocks, block: "float"}, evidence=None)


def badness(measured: Measured) -> tuple[float, float]:
    """What recipes are compared by: the final picture's skin; where there is none, labels."""
    return measured.skin_delta_e00_p95 or 0.0, 1 - measured.label_agreement


def _noisiest(recipe: Recipe, operators: Sequence[Operator]) -> list[str]:
    """The int8 blocks whose worst operator is worst."""
    worst: dict[str, float] = {}
    for each in operators:
        block = each.error.block
        if block is not None and recipe.mode_of(block) != "float":
            worst[block] = min(worst.get(block, each.error.snr_db), each.error.snr_db)
    return sorted(worst, key=lambda block: worst[block])[:TRIED_BLOCKS]


def _measured(point: Point) -> Measured:
    return Measured(point.agreement, point.skin_delta_e00_p95, point.size_bytes, point.cost)
