"""Which recipe a conversion takes: the one asked for, the one kept with the weights, or the target's default."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgekit.errors import EdgekitError
from edgekit.files import write_json
from edgekit.recipes import (
    PLANNED_FOLDER,
    RECIPE_FILE,
    Recipe,
    keep_recipe,
    ranges_path,
    recipe_for,
    recipe_for_training,
    recipes_for_bundle,
)
from edgekit.targets import TARGETS

TFLITE, COREML = TARGETS["tflite"], TARGETS["coreml"]
PLANNED = Recipe("planned", mode="w8a8", blocks={"stem": "float"}, observer="percentile", evidence={"n": 3})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A checkpoint's folder with a planned recipe and ranges."""
    write_json(tmp_path / PLANNED_FOLDER / RECIPE_FILE, PLANNED.to_json())
    for target in TARGETS.values():
        write_json(ranges_path(tmp_path, target), {})
    return tmp_path


def test_a_bundle_takes_a_float_tflite_for_gpus_beside_one_with_int8(folder: Path, tmp_path: Path) -> None:
    def names(where: Path) -> list[tuple[str, str]]:
        return [(target.name, recipe.name) for target, recipe in recipes_for_bundle((COREML, TFLITE), where)]

    assert names(folder) == [("coreml", "w8"), ("tflite", "planned"), ("tflite", "fp16")]
    assert names(tmp_path / "elsewhere") == [("coreml", "w8"), ("tflite", "fp32")]


def test_the_kept_recipe_is_the_default_where_it_was_planned(folder: Path) -> None:
    assert recipe_for(TFLITE, folder) == PLANNED
    assert recipe_for(COREML, folder).name == "w8"
    assert recipe_for(TFLITE, folder, "fp16").name == "fp16"


def test_weights_without_a_plan_get_the_float_default(tmp_path: Path) -> None:
    assert recipe_for(TFLITE, tmp_path).name == "fp32"


def test_a_built_in_int8_recipe_takes_the_kept_observer_and_ones_own_does_not(folder: Path) -> None:
    everything = recipe_for(TFLITE, folder, "w8a8")
    assert (everything.observer, dict(everything.blocks)) == (PLANNED.observer, {})
    own = Recipe("own", mode="w8a8", observer="minmax")
    write_json(folder / "own.json", own.to_json())
    assert recipe_for(TFLITE, folder, folder / "own.json") == own


def test_trained_weights_keep_the_recipe_of_qat_and_no_older_plan(folder: Path) -> None:
    keep_recipe(folder, recipe_for_training("w8a8"))
    for name in (None, "w8a8"):
        recipe = recipe_for(TFLITE, folder, name)
        assert (recipe.mode, recipe.observer, dict(recipe.blocks)) == ("w8a8", "moving-average", {})
        assert recipe.evidence is None
    assert not any(ranges_path(folder, target).exists() for target in TARGETS.values())
    keep_recipe(folder, None)
    assert recipe_for(TFLITE, folder).name == "fp32"
    assert not (folder / PLANNED_FOLDER).exists()


def test_training_for_pooling_alone_is_training_for_something(tmp_path: Path) -> None:
    write_json(tmp_path / "pooled.json", Recipe("pooled", pool={"stage3": 4}).to_json())
    assert recipe_for_training(str(tmp_path / "pooled.json")).pool == {"stage3": 4}


def test_training_for_a_recipe_without_int8_is_refused() -> None:
    with pytest.raises(EdgekitError, match="quantises nothing"):
        recipe_for_training("fp16")
