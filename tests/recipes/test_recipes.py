from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from edgekit.artifact import Artifact
from edgekit.errors import ConversionError, UnknownName
from edgekit.files import write_json
from edgekit.recipes import (
    BLOCKS,
    FIRST_BLOCKS,
    RECIPES,
    Recipe,
    block_of_tensor,
    read_recipe,
    recipe_named,
    tensor_pattern,
)
from edgekit.runtimes.litert import parsed


def test_blocks_are_those_of_the_model(artifacts: dict[str, Artifact]) -> None:
    path = artifacts["tflite"].path
    graph = parsed(path.read_bytes(), path).subgraphs[0]
    scopes = [graph.tensors[i].name.decode() for operator in graph.operators for i in operator.outputs]
    assert {block_of_tensor(scope) for scope in scopes} - {None} == set(BLOCKS)
    for scope in scopes:
        owners = [block for block in BLOCKS if re.search(tensor_pattern(block), scope)]
        assert owners == [block for block in [block_of_tensor(scope)] if block is not None]


def test_modes_default_and_override() -> None:
    recipe = Recipe("mix", mode="w8a8", blocks={"stem": "float", "aspp": "w8"})
    assert recipe.mode_of("stage2.0") == "w8a8"
    assert recipe.blocks_in("w8") == ("aspp",)
    assert recipe.needs_calibration
    assert not RECIPES["w8"].needs_calibration
    assert RECIPES["w8"].blocks_in("float") == FIRST_BLOCKS == BLOCKS[:6]


def test_a_recipe_survives_the_disk(tmp_path: Path) -> None:
    recipe = Recipe("planned", mode="w8a8", blocks={"stem": "w8"}, observer="percentile", evidence={"n": 3})
    write_json(tmp_path / "planned.json", recipe.to_json())
    assert recipe_named(str(tmp_path / "planned.json")) == recipe


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"version": 9}, "version 9"),
        ({"frob": 1}, "not an edgekit recipe"),
        ({"name": "A/../b"}, "lower-case"),
    ],
)
def test_foreign_recipes_are_refused(tmp_path: Path, change: dict[str, object], words: str) -> None:
    values = RECIPES["w8a8"].to_json()
    assert isinstance(values, dict)
    (tmp_path / "r.json").write_text(json.dumps(values | change))
    with pytest.raises(ConversionError, match=words):
        read_recipe(tmp_path / "r.json")


def test_json_that_states_no_version_is_refused(tmp_path: Path) -> None:
    (tmp_path / "r.json").write_text('{"mode": "w8"}')
    with pytest.raises(ConversionError, match="it states no version"):
        read_recipe(tmp_path / "r.json")


def test_unknown_blocks_and_modes_list_the_known() -> None:
    with pytest.raises(UnknownName, match="block 'stage9'"):
        Recipe("x", blocks={"stage9": "w8"})
    with pytest.raises(UnknownName, match="mode 'w4'"):
        Recipe("x", blocks={"stem": "w4"})  # type: ignore[dict-item]
    with pytest.raises(ConversionError, match="does not exist"):
        read_recipe(Path("nowhere.json"))
