"""A kind of folder that edgekit could write: an index and one file."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from edgekit.files import FolderKind, staged_folder

INDEX = "index.txt"


def listed(folder: Path) -> Collection[str] | None:
    """The toy kind's index: one relative path a line, itself included."""
    index = folder / INDEX
    return index.read_text().split("\n") if index.is_file() else None


TOY = FolderKind("a toy", listed)


def write_toy(path: Path, content: str = "new", *, replace: bool = False) -> None:
    with staged_folder(path, TOY, replace=replace) as folder:
        (folder / "sub").mkdir()
        (folder / "sub" / "a").write_text(content)
        (folder / INDEX).write_text(f"{INDEX}\nsub/a")
