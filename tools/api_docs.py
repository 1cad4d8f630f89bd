"""Write docs/api.md from the docstrings of the public API (`import edgekit`).

python -m tools.api_docs            # writes docs/api.md
python -m tools.api_docs --check    # exits 1 when docs/api.md is not what would be written
"""

from __future__ import annotations

import argparse
import dataclasses
import inspect
from collections.abc import Callable, Iterator
from pathlib import Path

import edgekit
from edgekit.console import quiet_libraries, say

MOST_COLUMNS = 88  # of a signature on one line
PAGE = Path(__file__).parent.parent / "docs" / "api.md"
HEAD = """# Python API

`import edgekit` offers the names below; each is imported when it is first used, so the import itself loads neither
torch nor coremltools. Photos are numpy arrays, (height, width, 3) uint8 sRGB. Every error that edgekit raises on
purpose is an `EdgekitError` whose text is one sentence. `examples/convert_check_bundle.py` is a whole program.

This page is made from the docstrings by `python -m tools.api_docs`.
"""


def page() -> str:
    """The text of docs/api.md."""
    with quiet_libraries():
        members = {name: getattr(edgekit, name) for name in edgekit.__all__}
    functions = {name: member for name, member in members.items() if inspect.isfunction(member)}
    classes = {name: member for name, member in members.items() if inspect.isclass(member)}
    parts = [HEAD, "## Functions\n", *(_function(f"edgekit.{name}", f) for name, f in functions.items())]
    parts += ["## Types\n", *(_class(name, c) for name, c in classes.items())]
    return "\n".join(parts).rstrip() + "\n"


def _function(name: str, function: Callable[..., object], level: str = "###") -> str:
    return f"{level} `{name}`\n\n```python\n{_signature(name, function)}\n```\n\n{_prose(function)}\n"


def _signature(name: str, function: Callable[..., object]) -> str:
    """The signature on one line where it fits, else one parameter a line; types as the source writes them."""
    signature = inspect.signature(function)
    parameters = [p for p in signature.parameters.values() if p.name != "self"]
    rows = [_parameter(parameter) for parameter in parameters]
    keyword_only = [p.kind == inspect.Parameter.KEYWORD_ONLY for p in parameters]
    if any(keyword_only):
        rows.insert(keyword_only.index(True), "*")
    short = name.removeprefix("edgekit.")
    constructs = function.__name__ == "__init__"
    returns = "" if constructs else f" -> {_type(signature.return_annotation)}"
    one_line = f"{short}({', '.join(rows)}){returns}"
    if len(one_line) <= MOST_COLUMNS:
        return one_line
    return f"{short}(\n" + "".join(f"    {row},\n" for row in rows) + f"){returns}"


def _parameter(parameter: inspect.Parameter) -> str:
    default = parameter.default
    text = f"{parameter.name}: {_type(parameter.annotation)}"
    if default is inspect.Parameter.empty:
        return text
    if isinstance(default, Path):
        return f'{text} = Path("{default}")'
    return f"{text} = {default!r}".replace("'", '"')


def _type(annotation: object) -> str:
    return annotation if isinstance(annotation, str) else getattr(annotation, "__name__", str(annotation))


def _class(name: str, kind: type) -> str:
    parts = [f"### `edgekit.{name}`\n", f"{_prose(kind)}\n"]
    if dataclasses.is_dataclass(kind):
        fields = [f"| `{field.name}` | `{_type(field.type)}` |" for field in dataclasses.fields(kind)]
        parts += [
            "| field | type |",
            "|---|---|",
            *(row.replace(" | None`", " \\| None`") for row in fields),
            "",
        ]
    parts += [_member(name, attribute, member) for attribute, member in _public(kind)]
    return "\n".join(parts)


def _public(kind: type) -> Iterator[tuple[str, object]]:
    """The class's own documented methods and properties, and its constructor where that is not a dataclass's."""
    for attribute, member in vars(kind).items():
        is_constructor = attribute == "__init__" and not dataclasses.is_dataclass(kind)
        is_member = not attribute.startswith("_") and (
            inspect.isfunction(member) or isinstance(member, property)
        )
        if (is_member and inspect.getdoc(member)) or (is_constructor and not issubclass(kind, Exception)):
            yield attribute, member


def _member(name: str, attribute: str, member: object) -> str:
    if attribute == "__init__":
        return f"```python\n{_signature(name, member)}\n```\n"  # type: ignore[arg-type]  # a function
    if isinstance(member, property):
        return f"#### `{name}.{attribute}`\n\n{_prose(member)}\n"
    return _function(f"{name}.{attribute}", member, "####")  # type: ignore[arg-type]  # a function


def _prose(member: object) -> str:
    return inspect.getdoc(member) or ""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--check", action="store_true", help="only compare")
    text = page()
    if not parser.parse_args().check:
        PAGE.write_text(text, encoding="utf-8")
        say(f"wrote {PAGE}")
    elif PAGE.read_text(encoding="utf-8") != text:
        raise SystemExit("docs/api.md is not what the docstrings say; run: python -m tools.api_docs")


if __name__ == "__main__":
    main()
