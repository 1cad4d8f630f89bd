"""Recipes kept with weights: `planned/` in a checkpoint's folder.

It holds the recipe that was planned for the weights, or that they were trained for, and the activation ranges of each
target's float graph, so that `convert` needs neither a choice nor photos.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from edgekit.errors import EdgekitError
from edgekit.files import write_json
from edgekit.recipes.recipe import RECIPES, Recipe, read_recipe, recipe_named
from edgekit.targets import TARGETS, Target

PLANNED_FOLDER = "planned"
RECIPE_FILE = "recipe.json"
CALIBRATION_FILE = "calibration.json"  # which photos gave the ranges
QAT_OBSERVER = "moving-average"  # as in edgekit/training/qat.py: the mean of each picture's extremes


def ranges_path(folder: Path, target: Target) -> Path:
    """The file in a checkpoint's folder for a target's activation ranges."""
    return folder / PLANNED_FOLDER / f"ranges-{target.name}.json"


def recipe_for(target: Target, folder: Path, name: str | Path | None = None) -> Recipe:
    """The recipe `name` (built-in or a .json file); without a name the one kept in `folder`, else the target's default.

    A built-in recipe with int8 activations takes the observer of the kept recipe, whose ranges are kept too.
    """
    kept = folder / PLANNED_FOLDER / RECIPE_FILE
    if name is None:
        kept_is_used = kept.is_file() and target.plans
        return read_recipe(kept) if kept_is_used else recipe_named(target.default_recipe)
    recipe = recipe_named(str(name), also=("auto",))
    if recipe.needs_calibration and str(name) in RECIPES and kept.is_file():
        return replace(recipe, observer=read_recipe(kept).observer)
    return recipe


def recipes_for_bundle(targets: Iterable[Target], folder: Path) -> Iterator[tuple[Target, Recipe]]:
    """Every target with the recipe of its artifact in a bundle, and beside one with int8 weights the one for GPUs."""
    for target in targets:
        recipe = recipe_for(target, folder)
        yield target, recipe
        if target.gpu_recipe is not None and recipe.quantises:
            yield target, recipe_named(target.gpu_recipe)


def recipe_for_training(name: str) -> Recipe:
    """The recipe to train for, with the observer that is closest to the ranges of training.

    The evidence of an earlier plan is dropped, because it was measured with other weights. Raises EdgekitError for a
    recipe with neither int8 nor pooling.
    """
    recipe = recipe_named(name)
    if not recipe.approximates:
        raise EdgekitError(
            f"`qat` {name}: this recipe quantises nothing; choose one with int8 weights, such as w8a8."
        )
    return replace(recipe, observer=QAT_OBSERVER, evidence=None)


def keep_recipe(folder: Path, recipe: Recipe | None) -> None:
    """Save the recipe that fine-tuning targeted beside the checkpoint, where `convert` finds it.

    A recipe and ranges that the folder holds already belong to other weights and are removed.
    """
    planned = folder / PLANNED_FOLDER
    ranges = (ranges_path(folder, target) for target in TARGETS.values())
    for path in (planned / RECIPE_FILE, planned / CALIBRATION_FILE, *ranges):
        path.unlink(missing_ok=True)
    if recipe is not None:
        write_json(planned / RECIPE_FILE, recipe.to_json())
    elif planned.is_dir() and not any(planned.iterdir()):
        planned.rmdir()
