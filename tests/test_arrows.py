"""Every import arrow runs down: a room imports only rooms below it (docs/architecture.md draws them)."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

# From the bottom up; rooms in one row do not import each other.
ROWS: tuple[tuple[str, ...], ...] = (
    ("errors", "caches", "_version"),
    ("files", "processes", "reading", "overlay"),
    ("console", "machine"),
    ("cluster", "images", "targets"),
    ("recipes",),
    ("weights",),
    ("artifact", "model"),
    ("runtimes",),
    ("scores", "color"),
    ("shader",),
    ("parity", "segmenter"),
    ("converters", "fitting", "merging", "segmenting", "styling"),
    ("calibration", "devices"),
    ("benchmark", "bundles", "causes", "training"),
    ("preview",),
    ("pipeline",),
    ("demo",),
    ("commands",),
    ("cli",),
    ("__main__",),
)
LEVEL = {room: level for level, row in enumerate(ROWS) for room in row}
PACKAGES = ("edgekit", "converters", "calibration")
FILES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))


def room_of(module: str) -> str | None:
    """The room of a module of ours: `edgekit.shader.emit` → shader. None for others', and for `edgekit` itself."""
    parts = module.split(".")
    if parts[0] in ("converters", "calibration"):
        return parts[0]
    return parts[1] if parts[0] == "edgekit" and len(parts) > 1 else None


def imports_of(path: Path) -> Iterator[tuple[str, bool]]:
    """(module, whether inside a function) of every import that runs; those for type checkers only are left out."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    typing_only = {
        id(node)
        for block in ast.walk(tree)
        if isinstance(block, ast.If) and ast.unparse(block.test) == "TYPE_CHECKING"
        for node in ast.walk(block)
    }
    inside = {
        id(node)
        for function in ast.walk(tree)
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
        for node in ast.walk(function)
    }
    for node in ast.walk(tree):
        if id(node) in typing_only:
            continue
        if isinstance(node, ast.Import):
            yield from ((alias.name, id(node) in inside) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module is not None:
            names = (
                [f"{node.module}.{alias.name}" for alias in node.names]
                if node.module == "edgekit"
                else [node.module]
            )
            yield from ((name, id(node) in inside) for name in names)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_arrows_run_down(path: Path) -> None:
    own = room_of(".".join(path.relative_to(ROOT).with_suffix("").parts))
    if own in (None, "__init__"):
        return
    assert own in LEVEL, f"{own} has no row: say where it stands"
    for module, _ in imports_of(path):
        room = room_of(module)
        if room is None or room == own or room == "__version__":
            continue
        assert room in LEVEL, module
        assert LEVEL[room] < LEVEL[own], f"{path} imports {module}, which stands beside or above it"


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_own_modules_are_imported_at_the_top(path: Path) -> None:
    """What keeps `--help` light is that the commands import lazily; nobody else has a reason to."""
    if path.is_relative_to(ROOT / "edgekit" / "commands"):
        return
    hidden = [module for module, inside in imports_of(path) if inside and room_of(module) is not None]
    assert not hidden


def test_nothing_imports_what_is_not_shipped() -> None:
    for path in FILES:
        for module, _ in imports_of(path):
            assert module.split(".")[0] not in ("tests", "benchmarks", "research", "device_tests", "tools"), (
                path
            )


def test_one_module_knows_ray() -> None:
    knowing = [path for path in FILES if any(module.split(".")[0] == "ray" for module, _ in imports_of(path))]
    assert knowing == [ROOT / "edgekit" / "cluster.py"]


@pytest.mark.parametrize(
    "name", ["devices/litert_child.py", "devices/litert_profiler.py", "runtimes/served_child.py"]
)
def test_children_run_without_edgekit(name: str) -> None:
    modules = {module.split(".")[0] for module, _ in imports_of(ROOT / "edgekit" / name)}
    assert modules and not modules & set(PACKAGES)
