"""The waterfall adds up, and leaves a healthy artifact in peace."""

from __future__ import annotations

import sys
from dataclasses import fields, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter
from numpy.typing import NDArray

from edgekit.artifact import Artifact
from edgekit.errors import CalibrationError
from edgekit.images import Picture, astronaut
from edgekit.parity.blame import (
    BLEND,
    DELIVERED,
    FLOAT,
    FP16,
    POOLED,
    PREPARED,
    PREPROCESSING,
    RUNTIME,
    SECOND_RUNTIME,
    STAGES,
    UPSAMPLING,
    W8,
    W8A8,
    Loss,
    Waterfall,
)
from edgekit.parity.losses import GRID, shares_of
from edgekit.parity.report import Status
from edgekit.parity.stages import bounds_of, own_stage, variant_recipes, waterfall
from edgekit.recipes import RECIPES, Recipe
from edgekit.runtimes import Tensors
from edgekit.runtimes.litert import LiteRT, ReferenceLiteRT
from edgekit.weights import Checkpoint
from tests.support.pictures import picture

PICTURES = (astronaut(), Picture("made", picture(150, 210)))


@pytest.fixture(scope="module")
def healthy(artifacts: dict[str, Artifact], checkpoint: Checkpoint) -> dict[str, Waterfall]:
    return {name: waterfall(artifact, checkpoint, PICTURES) for name, artifact in artifacts.items()}


def test_a_healthy_artifact_is_not_blamed(healthy: dict[str, Waterfall]) -> None:
    found = healthy["tflite"]
    assert found.blamed == ()
    ran = [stage.name for stage in found.stages]
    assert ran == [name for name in STAGES if name not in (POOLED, FP16, W8, W8A8)]
    assert {stage.status for stage in found.stages} == {Status.PASSED}


def test_pooled_attention_is_a_stage_after_the_prepared_graph(
    artifacts: dict[str, Artifact], checkpoint: Checkpoint
) -> None:
    recipe = Recipe("pooled", pool={"stage3": 4})
    artifact = artifacts["tflite"]  # which does not pool: its stage takes back what pooling lost
    said = replace(artifact, manifest=replace(artifact.manifest, recipe=recipe))
    found = {stage.name: stage for stage in waterfall(said, checkpoint, PICTURES).stages}
    assert list(found).index(POOLED) == list(found).index(PREPARED) + 1
    pooled, exported = found[POOLED].share, found[FLOAT].share
    assert pooled is not None and exported is not None
    assert pooled.labels is not None and pooled.labels > 0.001
    assert exported.labels == -pooled.labels and found[FLOAT].blamed


@pytest.mark.parametrize("target", ["tflite", "coreml"])
def test_shares_add_up_to_the_total_exactly(healthy: dict[str, Waterfall], target: str) -> None:
    found = healthy[target]
    for metric in (field.name for field in fields(Loss)):
        shares = [getattr(stage.share, metric) for stage in found.stages if stage.share is not None]
        assert sum(share for share in shares if share is not None) == getattr(found.total, metric)
        for photo in found.photos:
            values = [v for loss in photo.losses.values() if (v := getattr(loss, metric)) is not None]
            own = [v for share in photo.shares.values() if (v := getattr(share, metric)) is not None]
            assert sum(own) == values[-1]
    assert found.total.skin_delta_e00_p95 is not None and found.total.skin_delta_e00_p95 > 0


@pytest.mark.parametrize("seed", range(5))
def test_any_losses_add_up(seed: int) -> None:
    rng = np.random.default_rng(seed)
    stages = {name: Loss(*(round(v * GRID) / GRID for v in rng.exponential(9, 4))) for name in STAGES}
    shares = shares_of(stages)
    for metric in (field.name for field in fields(Loss)):
        assert sum(getattr(share, metric) for share in shares.values()) == getattr(stages[BLEND], metric)


def test_losses_can_cancel_and_steps_cannot(artifacts: dict[str, Artifact], checkpoint: Checkpoint) -> None:
    """An artifact that hands over wrong colours twice is right again, and both stages are seen."""
    manifest = artifacts["tflite"].manifest
    inputs = (replace(manifest.inputs[0], channels=("blue", "green", "red")),)
    twice = replace(artifacts["tflite"], manifest=replace(manifest, inputs=inputs))
    found = {stage.name: stage for stage in waterfall(twice, checkpoint, PICTURES[:1]).stages}
    step, share = found[PREPROCESSING].step, found[PREPROCESSING].share
    assert step is not None and share == step and step.labels is not None and step.labels > 0.1
    assert found[DELIVERED].blamed == ()


def test_what_cannot_run_says_why(healthy: dict[str, Waterfall]) -> None:
    stages = {stage.name: stage for stage in healthy["coreml"].stages}
    assert stages[RUNTIME].status == stages[FLOAT].status == Status.NOT_RUN
    assert "explain" in stages[FLOAT].reason and stages[RUNTIME].reason
    (second,) = healthy["tflite"].beside
    assert second.name == SECOND_RUNTIME and (
        second.status != Status.NOT_RUN or "tensorflow" in second.reason
    )
    assert healthy["coreml"].beside == ()


def test_another_runtime_is_a_stage_and_is_blamed(
    artifacts: dict[str, Artifact], checkpoint: Checkpoint
) -> None:
    artifact, runs = artifacts["tflite"], []

    class Mirrored(LiteRT):
        def run(self, inputs: Tensors) -> dict[str, NDArray[Any]]:
            runs.append(self)
            return {name: value[:, :, ::-1] for name, value in super().run(inputs).items()}

    found = waterfall(artifact, checkpoint, PICTURES[:1], opener=Mirrored)
    assert RUNTIME in [stage.name for stage in found.blamed] and runs


class Shifted(Interpreter):  # type: ignore[misc]
    """An interpreter that errs: every float is moved one column to the right."""

    def get_tensor(self, index: int, subgraph_index: int = 0) -> NDArray[Any]:
        value = super().get_tensor(index, subgraph_index)
        return np.roll(value, 1, 2) if value.dtype == np.float32 and value.ndim == 4 else value


@pytest.mark.parametrize(("interpreter", "blamed"), [(Interpreter, False), (Shifted, True)])
def test_a_second_runtime_is_measured_from_the_first(
    artifacts: dict[str, Artifact],
    checkpoint: Checkpoint,
    monkeypatch: pytest.MonkeyPatch,
    interpreter: type[Interpreter],
    blamed: bool,
) -> None:
    """TensorFlow stands in for itself here: its package is not among those that the tests install."""
    monkeypatch.setitem(
        sys.modules, "tensorflow", SimpleNamespace(lite=SimpleNamespace(Interpreter=interpreter))
    )
    found = waterfall(artifacts["tflite"], checkpoint, PICTURES[:1])
    (second,) = found.beside
    runtime = next(stage for stage in found.stages if stage.name == RUNTIME)
    assert second.share is None and bool(second.blamed) == blamed and found.blamed == ()
    assert (second.step == Loss(0.0, 0.0, 0.0, 0.0)) == (second.loss == runtime.loss) == (not blamed)


def test_no_picture_is_an_error(artifacts: dict[str, Artifact], checkpoint: Checkpoint) -> None:
    with pytest.raises(CalibrationError, match="No picture"):
        waterfall(artifacts["tflite"], checkpoint, [])


@pytest.mark.parametrize(
    ("recipe", "own", "before"),
    [
        (RECIPES["fp32"], FLOAT, []),
        (RECIPES["fp16"], FP16, [FLOAT]),
        (RECIPES["w8"], W8, [FLOAT]),
        (RECIPES["w8a8"], W8A8, [FLOAT, W8]),
        (Recipe("planned", "fp16", "w8a8", {"aspp": "float", "stem": "w8"}), W8A8, [FLOAT, FP16, W8]),
    ],
)
def test_a_recipe_has_the_stages_of_its_number_formats(recipe: Recipe, own: str, before: list[str]) -> None:
    assert own_stage(recipe) == own
    recipes = variant_recipes(recipe)
    assert list(recipes) == before
    if W8 in recipes:
        assert not recipes[W8].needs_calibration
        assert recipes[W8].mode_of("aspp") == ("float" if recipe.blocks else "w8")


def test_every_stage_has_a_bound() -> None:
    for recipe in RECIPES.values():
        assert set(bounds_of(recipe)) == {*STAGES, SECOND_RUNTIME}
        assert bounds_of(recipe)[UPSAMPLING].labels is None


def test_reference_kernels_run_without_a_delegate(artifacts: dict[str, Artifact]) -> None:
    path: Path = artifacts["tflite"].path
    assert ReferenceLiteRT(path).partitions == 0
    assert LiteRT(path).partitions == 1
