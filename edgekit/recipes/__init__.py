"""Recipes: what is int8 and what stays float, per named block of the model."""

from edgekit.recipes.blocks import (
    BLOCKS,
    FIRST_BLOCKS,
    STAGE2_DEPTH,
    STAGE_DEPTHS,
    block_of_module,
    block_of_parameter,
    block_of_tensor,
    layer_of,
    tensor_pattern,
)
from edgekit.recipes.kept import (
    CALIBRATION_FILE,
    PLANNED_FOLDER,
    QAT_OBSERVER,
    RECIPE_FILE,
    keep_recipe,
    ranges_path,
    recipe_for,
    recipe_for_training,
)
from edgekit.recipes.recipe import MODES, RECIPES, Compute, Mode, Recipe, read_recipe, recipe_named

__all__ = [
    "BLOCKS",
    "CALIBRATION_FILE",
    "FIRST_BLOCKS",
    "MODES",
    "PLANNED_FOLDER",
    "QAT_OBSERVER",
    "RECIPES",
    "RECIPE_FILE",
    "STAGE2_DEPTH",
    "STAGE_DEPTHS",
    "Compute",
    "Mode",
    "Recipe",
    "block_of_module",
    "block_of_parameter",
    "block_of_tensor",
    "keep_recipe",
    "layer_of",
    "ranges_path",
    "read_recipe",
    "recipe_for",
    "recipe_for_training",
    "recipe_named",
    "tensor_pattern",
]
