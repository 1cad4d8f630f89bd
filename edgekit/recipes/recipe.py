"""Recipes: what is int8, what stays float, and how many keys attention sees, in one form that both converters read.

A recipe names blocks of the prepared model (`stem`, `stage3.0.attention`, `aspp`, …), never a runtime's
operators. Modes of a block: `float`; `w8` (weights stored as int8, computed in float); `w8a8`
(weights and activations int8).

A recipe names the stages with attention (`stage3`, `stage4`, `stage5`) for pooling: keys and values are averaged over
k×k tokens before their projections (spatial-reduction attention: PVT, arXiv 2102.12122, section 3.2, with averages,
which need no training, in place of its learned reduction).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Literal, get_args

from edgekit.errors import ConversionError, UnknownName
from edgekit.files import JsonValue
from edgekit.reading import JsonKind, read_json
from edgekit.recipes.blocks import BLOCKS, FIRST_BLOCKS, STAGE_DEPTHS

RECIPE_VERSION = 1
Mode = Literal["float", "w8", "w8a8"]
MODES: tuple[Mode, ...] = get_args(Mode)
Compute = Literal["fp32", "fp16"]
COMPUTES: tuple[Compute, ...] = get_args(Compute)
Pool = Literal[1, 2, 4]
POOLS: tuple[Pool, ...] = get_args(Pool)
OBSERVERS = ("minmax", "moving-average", "percentile", "mse")  # calibration/observers.py has one of each name


@dataclass(frozen=True)
class Recipe:
    """The number formats and the attention of a converted model.

    `compute`: the type of everything that is not quantised. `mode`: of every block that `blocks` does not name.
    `observer`: the rule that chooses activation ranges (calibration/observers.py). int8 weights are always
    symmetric, per output channel.
    `pool`: side k of the k×k tokens over which a stage's keys and values are averaged; 1, for a stage that is not
    named, averages nothing and is dropped.
    `evidence`: the measurements of the plan that made the recipe, free-form.
    """

    name: str
    compute: Compute = "fp32"
    mode: Mode = "float"
    blocks: Mapping[str, Mode] = field(default_factory=dict)
    observer: str = "minmax"
    evidence: JsonValue = None
    version: int = RECIPE_VERSION
    pool: Mapping[str, Pool] = field(default_factory=dict, kw_only=True)

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[a-z0-9][a-z0-9.-]{0,39}", self.name):
            raise ConversionError(
                "recipe", "name", f"{self.name!r} is not 1 to 40 lower-case letters, digits, '.' and '-'."
            )
        for kind, name, known in (
            ("compute type", self.compute, COMPUTES),
            ("observer", self.observer, OBSERVERS),
            *(("block", block, BLOCKS) for block in self.blocks),
            *(("mode", mode, MODES) for mode in (self.mode, *self.blocks.values())),
            *(("stage with attention", stage, tuple(STAGE_DEPTHS)) for stage in self.pool),
        ):
            if name not in known:
                raise UnknownName(kind, str(name), known)
        given: Mapping[str, object] = self.pool
        for stage, side in given.items():
            if type(side) is not int or side not in POOLS:
                known_sides = ", ".join(map(str, POOLS))
                raise ConversionError(
                    "recipe",
                    "pool",
                    f"{side!r} of {stage} is none of the sides that are known: {known_sides}.",
                )
        object.__setattr__(self, "pool", {stage: side for stage, side in self.pool.items() if side != 1})

    def mode_of(self, block: str) -> Mode:
        return self.blocks.get(block, self.mode)

    def blocks_in(self, mode: Mode) -> tuple[str, ...]:
        """The blocks of one mode, in the order in which data passes them."""
        return tuple(block for block in BLOCKS if self.mode_of(block) == mode)

    @property
    def quantises(self) -> bool:
        """Whether any block has int8 weights."""
        return any(self.mode_of(block) != "float" for block in BLOCKS)

    @property
    def needs_calibration(self) -> bool:
        """Whether any block has int8 activations, whose ranges must be calibrated."""
        return bool(self.blocks_in("w8a8"))

    @property
    def approximates(self) -> bool:
        """Whether the recipe changes the function that is computed, by rounding weights or by pooling attention."""
        return self.quantises or bool(self.pool)

    def to_json(self) -> dict[str, JsonValue]:
        """The recipe as JSON; without the key `pool` if nothing is pooled, as before recipes could pool."""
        values: dict[str, JsonValue] = asdict(self)
        if not self.pool:
            del values["pool"]
        return values


RECIPES: Mapping[str, Recipe] = {
    "fp32": Recipe("fp32"),
    "fp16": Recipe("fp16", "fp16"),
    "w8": Recipe("w8", mode="w8", blocks=dict.fromkeys(FIRST_BLOCKS, "float")),
    "w8a8": Recipe("w8a8", mode="w8a8", observer="percentile"),
}


def recipe_named(name: str, also: Sequence[str] = ()) -> Recipe:
    """A built-in recipe, or one saved as JSON (`planned.json`).

    UnknownName lists the built-in recipes and the other names that the caller accepts (`also`).
    """
    if name in RECIPES:
        return RECIPES[name]
    if name.endswith(".json"):
        return read_recipe(Path(name))
    raise UnknownName("recipe", name, (*RECIPES, *also, "a .json file"))


RECIPE = JsonKind(Recipe, "an edgekit recipe", version=("version", RECIPE_VERSION))


def read_recipe(path: Path) -> Recipe:
    """Read a saved recipe. ConversionError: unreadable, another version, unknown fields, blocks or modes."""
    return read_json(path, RECIPE, partial(ConversionError, "recipe", "read"))
