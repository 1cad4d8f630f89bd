from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from edgekit.artifact import Artifact
from edgekit.errors import ConversionError, UnknownName
from edgekit.files import json_text, write_json
from edgekit.recipes import (
    BLOCKS,
    FIRST_BLOCKS,
    PLANNED_FOLDER,
    RECIPE_FILE,
    RECIPES,
    Recipe,
    block_of_tensor,
    read_recipe,
    recipe_named,
    tensor_pattern,
)
from edgekit.runtimes.litert import parsed
from edgekit.weights import BUNDLED_FOLDER


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


def test_pooling_is_part_of_a_recipe_and_changes_what_it_computes(tmp_path: Path) -> None:
    recipe = Recipe("pooled", pool={"stage3": 2, "stage4": 1})
    assert recipe.pool == {"stage3": 2}  # 1 averages nothing
    assert recipe.approximates and not recipe.quantises and not RECIPES["fp16"].approximates
    write_json(tmp_path / "pooled.json", recipe.to_json())
    assert read_recipe(tmp_path / "pooled.json") == recipe


def test_recipes_without_pooling_are_written_as_before_it_was_known(tmp_path: Path) -> None:
    for recipe in RECIPES.values():
        assert list(recipe.to_json()) == [
            "name", "compute", "mode", "blocks", "observer", "evidence", "version",
        ]  # fmt: skip
        write_json(tmp_path / f"{recipe.name}.json", recipe.to_json())
        assert read_recipe(tmp_path / f"{recipe.name}.json") == recipe
    kept = BUNDLED_FOLDER / PLANNED_FOLDER / RECIPE_FILE
    assert json_text(read_recipe(kept).to_json()) == kept.read_text(encoding="utf-8")


def test_pooling_of_what_has_no_attention_or_by_an_unknown_side_is_refused() -> None:
    with pytest.raises(UnknownName, match=r"stage with attention 'stage2'.*known: stage3, stage4, stage5"):
        Recipe("x", pool={"stage2": 2})
    for side in (3, True, 2.0):
        with pytest.raises(ConversionError, match=f"{side!r} of stage3 is none of the sides.*1, 2, 4"):
            Recipe("x", pool={"stage3": side})  # type: ignore[dict-item]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"pool": {"stage3": 3}}, "not an edgekit recipe.*at pool"),
        ({"pool": {"stage3": True}}, "not an edgekit recipe.*at pool"),
        ({"pool": {"stage3.0": 2}}, "stage with attention"),
        ({"pool": [2]}, "not an edgekit recipe"),
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
