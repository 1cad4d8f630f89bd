"""Recipes that pool attention, in both targets: the pooled graph's logits, its operators, and int8 on top of it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image

from converters import coreml
from converters.coreml_int8 import activations_of, blocks_of, program_of
from edgekit.artifact import Artifact, read_artifact
from edgekit.model.prepared import PreparedSegmenter
from edgekit.parity import check as parity
from edgekit.parity.gates import Gates
from edgekit.recipes import Pool, Recipe
from edgekit.runtimes import mil_reference, open_runtime
from edgekit.runtimes.litert import LiteRT, operator_counts
from edgekit.scores.runners import artifact_runner
from edgekit.weights import Checkpoint
from tests.support.checkpoints import SIDE
from tests.support.conversions import conversion_of, converted
from tests.support.pictures import picture

POOL: Mapping[str, Pool] = {"stage3": 4, "stage4": 2}
LAYERS = 2 + 4  # of stages 3 and 4
POOLED = Recipe("pooled", pool=POOL)

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def pooled(checkpoint: Checkpoint, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Artifact]:
    """The small checkpoint at 128² with pooled attention, in float."""
    folder = tmp_path_factory.mktemp("pooled")
    return {target: converted(checkpoint, target, POOLED, folder) for target in ("tflite", "coreml")}


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("photos")
    for i in range(3):
        Image.fromarray(picture(150 + i, 180, i)).save(folder / f"{i}.png")
    return folder


def logits_of(artifact: Artifact) -> NDArray[np.float32]:
    """(classes, h, w) of the same picture."""
    return artifact_runner(artifact, open_runtime).run(picture(SIDE, SIDE)).logits


def expected_logits(checkpoint: Checkpoint, pool: Mapping[str, int]) -> NDArray[np.float32]:
    x = torch.from_numpy(picture(SIDE, SIDE).copy()).permute(2, 0, 1)[None].float()
    with torch.inference_mode():
        logits: NDArray[np.float32] = PreparedSegmenter(checkpoint, pool=pool)(x)[0].numpy()
    return logits


@pytest.mark.parametrize("target", ["tflite", "coreml"])
def test_a_pooled_artifact_has_the_pooled_graphs_logits(
    pooled: dict[str, Artifact], checkpoint: Checkpoint, target: str
) -> None:
    found = logits_of(pooled[target])
    assert np.abs(found - expected_logits(checkpoint, POOL)).max() <= 1e-3
    assert np.abs(found - expected_logits(checkpoint, {})).max() > 0.05


def test_the_manifest_holds_the_pooling(pooled: dict[str, Artifact]) -> None:
    for artifact in pooled.values():
        assert read_artifact(artifact.path).manifest.recipe == POOLED


def test_pooling_costs_an_average_and_two_reshapes_a_layer_and_no_partition(
    pooled: dict[str, Artifact], artifacts: dict[str, Artifact]
) -> None:
    before, after = (operator_counts(found["tflite"].path) for found in (artifacts, pooled))
    added = {name: after[name] - before.get(name, 0) for name in after if after[name] != before.get(name, 0)}
    assert added == {"AVERAGE_POOL_2D": LAYERS, "RESHAPE": 2 * LAYERS}
    assert LiteRT(pooled["tflite"].path).partitions == 1
    before, after = (mil_reference.operator_counts(found["coreml"].path) for found in (artifacts, pooled))
    assert after["avg_pool"] == LAYERS and after["matmul"] == before["matmul"]


def test_int8_and_pooling_go_together(checkpoint: Checkpoint, photos: Path, tmp_path: Path) -> None:
    """The ranges are those of the pooled graph's tensors: with another graph's, tensors would have none."""
    recipe = Recipe("both", mode="w8a8", observer="percentile", pool=POOL)
    found = logits_of(converted(checkpoint, "tflite", recipe, tmp_path, calibration=photos))
    pooled, plain = expected_logits(checkpoint, POOL), expected_logits(checkpoint, {})
    assert np.abs(found - pooled).mean() < np.abs(found - plain).mean()


def test_an_ml_program_rounds_keys_and_values_after_the_average(checkpoint: Checkpoint) -> None:
    recipe = Recipe("both", mode="w8a8", pool=POOL)
    model = coreml._ml_program(conversion_of(checkpoint, recipe))
    blocks = blocks_of(model)
    reads = {
        op.weight.name.partition("attention_")[2].partition("_")[0]: op.x.name
        for op in program_of(model).operations
        if op.op_type == "linear" and blocks.get(op.name) == "stage3.1.attention"
    }
    assert reads["key"] == reads["value"] != reads["query"]
    assert {reads["key"], reads["query"]} <= set(activations_of(model, list(blocks)))


def test_parity_compares_with_the_network_that_pools_nothing(
    pooled: dict[str, Artifact], checkpoint: Checkpoint
) -> None:
    (report,) = parity.parity_check(
        [pooled["tflite"]], checkpoint, gates=Gates(min_agreement=0.9999)
    ).artifacts
    by_name = {check.name: check for check in report.checks}
    assert report.metrics.max_abs_logit is not None and report.metrics.max_abs_logit > 0.05
    assert "max |Δlogit|" not in by_name  # fp32's own bound does not apply
    assert by_name["label agreement, this photo"].status.name == "FAILED"
