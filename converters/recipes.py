"""Recipes: what is int8 and what stays float, in one target-neutral form."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Literal

from edgekit.errors import UnknownName
from edgekit.files import JsonValue

RECIPE_VERSION = 1


@dataclass(frozen=True)
class Recipe:
    """How numbers are stored and computed. `compute` is the type of every tensor that is not quantised."""

    name: str
    compute: Literal["fp32", "fp16"]
    version: int = RECIPE_VERSION

    def to_json(self) -> JsonValue:
        return asdict(self)


RECIPES: Mapping[str, Recipe] = {
    "fp32": Recipe("fp32", "fp32"),
    "fp16": Recipe("fp16", "fp16"),
}


def recipe_named(name: str) -> Recipe:
    """A built-in recipe; UnknownName lists them."""
    if name not in RECIPES:
        raise UnknownName("recipe", name, RECIPES)
    return RECIPES[name]
