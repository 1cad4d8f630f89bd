"""The published JSON Schemas, `schema/<name>.schema.json` of a package, and whether a value follows one."""

from __future__ import annotations

import json
from functools import cache
from importlib import resources

from jsonschema import Draft202012Validator


@cache
def schema_text(package: str, name: str) -> str:
    """The text of a published schema: `schema_text("edgekit.shader", "shader-description")`."""
    return (resources.files(package) / "schema" / f"{name}.schema.json").read_text(encoding="utf-8")


def follows(value: object, package: str, name: str) -> bool:
    """Whether a parsed JSON value follows a published schema."""
    valid: bool = Draft202012Validator(json.loads(schema_text(package, name))).is_valid(value)
    return valid
