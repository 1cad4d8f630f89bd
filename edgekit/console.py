"""What a command prints: one JSON object on standard output, everything else on standard error."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

from edgekit.files import json_text

if TYPE_CHECKING:
    from rich.table import Table

T = TypeVar("T")


def say(text: str = "") -> None:
    """A line for people, on standard error."""
    print(text, file=sys.stderr, flush=True)


def print_json(value: object) -> None:
    """The command's one JSON object, on standard output."""
    sys.stdout.write(json_text(value))
    sys.stdout.flush()


def print_table(table: Table) -> None:
    """A rich table on standard error."""
    from rich.console import Console

    Console(stderr=True).print(table)


def track(items: Iterable[T], total: int, what: str) -> Iterator[T]:
    """`items`, with a progress bar on standard error when that is a terminal."""
    if not sys.stderr.isatty():
        yield from items
        return
    from rich.console import Console
    from rich.progress import track as rich_track

    yield from rich_track(items, description=what, total=total, console=Console(stderr=True), transient=True)


@contextmanager
def libraries_on_stderr() -> Iterator[None]:
    """Send what libraries print on standard output, from C++ too, to standard error."""
    sys.stdout.flush()
    kept = os.dup(1)
    try:
        os.dup2(2, 1)
        yield
    finally:
        sys.stdout.flush()
        os.dup2(kept, 1)
        os.close(kept)
