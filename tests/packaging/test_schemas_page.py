"""docs/schemas.md states the versions that the code writes, and what readers do with fields they do not know."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from calibration.planner import JOURNAL_VERSION
from calibration.ranges import read_ranges
from edgekit.artifact import SCHEMA_VERSION as MANIFEST_VERSION
from edgekit.benchmark import app_report, report
from edgekit.bundles import format as bundle_format
from edgekit.bundles.golden import VECTORS_SCHEMA
from edgekit.color.style_file import SCHEMA as STYLE_SCHEMA
from edgekit.errors import EdgekitError
from edgekit.recipes import RECIPE_VERSION, read_recipe
from edgekit.shader import description
from edgekit.weights import BUNDLED_FOLDER

PAGE = (Path(__file__).parent.parent.parent / "docs/schemas.md").read_text(encoding="utf-8")
PLANNED = BUNDLED_FOLDER / "planned"
RANGES_VERSION = json.loads((PLANNED / "ranges-tflite.json").read_text(encoding="utf-8"))["version"]
SHADER_SCHEMA = '"schema": "edgekit/shader-description"'


@pytest.mark.parametrize(
    ("file", "fields"),
    [
        ("artifact manifest", [f'"schema_version": {MANIFEST_VERSION}']),
        ("recipe, ", [f'"version": {RECIPE_VERSION}']),
        ("activation ranges", [f'"version": {RANGES_VERSION}']),
        ("bundle index", [f'"schema": "{bundle_format.SCHEMA}"', f'"schema_version": {bundle_format.SCHEMA_VERSION}']),
        ("golden vectors", [f'"schema": "{VECTORS_SCHEMA}"']),
        ("shader description", [SHADER_SCHEMA, f'"schema_version": {description.SCHEMA_VERSION}']),
        ("bench report", [f'"schema": "{report.SCHEMA}"']),
        ("the demo app's benchmark", [f'"schema": "{app_report.SCHEMA}"']),
        ("style, ", [f'"schema": "{STYLE_SCHEMA}"']),
        ("planner's journal", [f'"version": {JOURNAL_VERSION}']),
    ],
)  # fmt: skip
def test_the_page_states_the_version(file: str, fields: list[str]) -> None:
    (row,) = (line for line in PAGE.splitlines() if line.startswith(f"| {file}"))
    for field in fields:
        assert f"`{field}`" in row


@pytest.mark.parametrize(
    ("name", "read"), [("recipe.json", read_recipe), ("ranges-tflite.json", read_ranges)]
)
def test_strict_readers_name_a_field_that_they_do_not_know(
    name: str, read: Callable[[Path], object], tmp_path: Path
) -> None:
    values = json.loads((PLANNED / name).read_text(encoding="utf-8"))
    (tmp_path / name).write_text(json.dumps(values), encoding="utf-8")
    read(tmp_path / name)
    (tmp_path / name).write_text(json.dumps({**values, "wherefore": 1}), encoding="utf-8")
    with pytest.raises(EdgekitError, match="wherefore"):
        read(tmp_path / name)
