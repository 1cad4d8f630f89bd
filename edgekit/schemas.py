"""The published JSON Schemas, `schema/<name>.schema.json` of a package, and where a value leaves one."""

from __future__ import annotations

import json
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jsonschema.protocols import Validator


@cache
def schema_text(package: str, name: str) -> str:
    """The text of a published schema: `schema_text("edgekit.shader", "shader-description")`."""
    schema = resources.files(package) / "schema" / f"{name}.schema.json"
    return schema.read_text(encoding="utf-8")


def first_problem(value: object, package: str, name: str) -> str | None:
    """`at <place>: <what is wrong>` for the first place where a parsed JSON value leaves the schema, else None."""
    errors = _validator(package, name).iter_errors(value)
    problem = next(iter(sorted(errors, key=lambda e: list(map(str, e.path)))), None)
    if problem is None:
        return None
    return f"at {'/'.join(map(str, problem.path)) or 'the top level'}: {problem.message}"


@cache
def _validator(package: str, name: str) -> Validator:
    from jsonschema import Draft202012Validator

    return Draft202012Validator(json.loads(schema_text(package, name)))
