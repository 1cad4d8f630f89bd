"""The rooms' arrows: bench imports devices and never the other way round, and nothing imports device_tests."""

from __future__ import annotations

import ast
from pathlib import Path

ROOT = Path(__file__).parents[2]


def imported(file: Path) -> set[str]:
    """The modules that a file names in an import, wherever it stands."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module is not None:
            found |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def importers(folders: list[str], module: str) -> list[str]:
    return sorted(
        str(file.relative_to(ROOT))
        for folder in folders
        for file in (ROOT / folder).rglob("*.py")
        if any(name == module or name.startswith(f"{module}.") for name in imported(file))
    )


def test_devices_import_nothing_of_bench() -> None:
    assert importers(["edgekit/devices"], "edgekit.benchmark") == []
    assert importers(["edgekit/benchmark"], "edgekit.devices") != []  # the reader of imports sees something


def test_nothing_imports_the_device_tests() -> None:
    everything = ["edgekit", "converters", "calibration", "benchmarks", "research", "tools", "tests"]
    assert importers(everything, "device_tests") == []


def test_the_children_of_litert_need_nothing_of_edgekit() -> None:
    for name in ("litert_child.py", "litert_profiler.py"):
        names = imported(ROOT / "edgekit/devices" / name)
        assert not {n for n in names if n.split(".")[0] in ("edgekit", "calibration", "converters")}
