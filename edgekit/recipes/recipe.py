"""Recipes: what is int8 and what stays float, in one target-neutral form that both converters read.

A recipe speaks of the prepared model's named blocks (`stem`, `stage3.0.attention`, `aspp`, …), never of a
runtime's operators. Modes of a block: `float`; `w8` (weights stored as int8, computed in float); `w8a8`
(weights and activations int8).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Literal, get_args

from edgekit.errors import ConversionError, UnknownName
from edgekit.files import JsonValue
from edgekit.recipes.blocks import BLOCKS, FIRST_BLOCKS

RECIPE_VERSION = 1
Mode = Literal["float", "w8", "w8a8"]
MODES: tuple[Mode, ...] = get_args(Mode)
Compute = Literal["fp32", "fp16"]


@dataclass(frozen=True)
class Recipe:
    """How numbers are stored and computed.

    `compute`: type of everything that is not quantised. `mode`: of every block that `blocks` does not name.
    `observer`: how activation ranges are chosen (calibration/observers.py). Weights are always int8,
    symmetric, per output channel.
    `evidence`: what was measured when it was planned, free-form.
    """

    name: str
    compute: Compute = "fp32"
    mode: Mode = "float"
    blocks: Mapping[str, Mode] = field(default_factory=dict)
    observer: str = "minmax"
    evidence: JsonValue = None
    version: int = RECIPE_VERSION

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[a-z0-9][a-z0-9.-]{0,39}", self.name):
            raise ConversionError(
                "recipe", "name", f"{self.name!r} is not lower-case letters, digits, '.' and '-'."
            )
        for block, mode in self.blocks.items():
            if block not in BLOCKS:
                raise UnknownName("block", block, BLOCKS)
            if mode not in MODES:
                raise UnknownName("mode", str(mode), MODES)

    def mode_of(self, block: str) -> Mode:
        return self.blocks.get(block, self.mode)

    def blocks_in(self, mode: Mode) -> tuple[str, ...]:
        """The blocks of one mode, in the order of the data."""
        return tuple(block for block in BLOCKS if self.mode_of(block) == mode)

    @property
    def quantises(self) -> bool:
        """Whether any block has int8 weights."""
        return any(self.mode_of(block) != "float" for block in BLOCKS)

    @property
    def needs_calibration(self) -> bool:
        return bool(self.blocks_in("w8a8"))

    def to_json(self) -> JsonValue:
        values: JsonValue = asdict(self)
        return values


RECIPES: Mapping[str, Recipe] = {
    "fp32": Recipe("fp32"),
    "fp16": Recipe("fp16", "fp16"),
    "w8": Recipe("w8", mode="w8", blocks=dict.fromkeys(FIRST_BLOCKS, "float")),
    "w8a8": Recipe("w8a8", mode="w8a8", observer="percentile"),
}


def recipe_named(name: str) -> Recipe:
    """A built-in recipe, or one saved as JSON (`planned.json`). UnknownName lists the built-in ones."""
    if name in RECIPES:
        return RECIPES[name]
    if name.endswith(".json"):
        return read_recipe(Path(name))
    raise UnknownName("recipe", name, (*RECIPES, "a .json file"))


def read_recipe(path: Path) -> Recipe:
    """A saved recipe. ConversionError: unreadable, another version, unknown fields."""
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        if values["version"] != RECIPE_VERSION:
            raise ConversionError(
                "recipe",
                "read",
                f"{path} has version {values['version']}; this edgekit reads {RECIPE_VERSION}.",
            )
        return Recipe(**values)
    except OSError as error:
        raise ConversionError("recipe", "read", f"{path} cannot be read ({error.strerror}).") from error
    except KeyError as error:
        raise ConversionError(
            "recipe", "read", f"{path} is not an edgekit recipe (it states no version)."
        ) from error
    except (ValueError, TypeError) as error:
        raise ConversionError("recipe", "read", f"{path} is not an edgekit recipe ({error}).") from error
