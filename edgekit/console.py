"""What a command prints: one JSON object on standard output, everything else on standard error."""

from __future__ import annotations

import logging
import os
import sys
import tempfile
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TextIO, TypeVar

from edgekit.files import json_text

if TYPE_CHECKING:
    from rich.table import Table

T = TypeVar("T")

PIPED_WIDTH = 120  # columns of a table in a log, where nobody can widen the window

DEBUG_VARIABLE = "EDGEKIT_DEBUG"
_people: list[TextIO] = []  # where people read while the libraries are silenced; empty: standard error


def people() -> TextIO:
    """The stream for people."""
    return _people[-1] if _people else sys.stderr


def say(text: str = "") -> None:
    """A line for people, on standard error."""
    print(text, file=people(), flush=True)


def print_json(value: object) -> None:
    """The command's one JSON object, on standard output."""
    sys.stdout.write(json_text(value))
    sys.stdout.flush()


def print_table(table: Table) -> None:
    """A rich table on standard error."""
    from rich.console import Console

    width = None if people().isatty() else PIPED_WIDTH
    Console(file=people(), width=width).print(table)


def track(items: Iterable[T], total: int, what: str) -> Iterator[T]:
    """`items`, with a progress bar when people read on a terminal."""
    if not people().isatty():
        yield from items
        return
    from rich.console import Console
    from rich.progress import track as rich_track

    yield from rich_track(
        items, description=what, total=total, console=Console(file=people()), transient=True
    )


@contextmanager
def quiet_libraries() -> Iterator[None]:
    """Keep what libraries print, from C++ too, out of both streams; with --debug it goes to standard error.

    `say` and `track` still reach people.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    kept_out, kept_err = os.dup(1), os.dup(2)
    debug = DEBUG_VARIABLE in os.environ
    with (
        tempfile.TemporaryFile() as sink,
        os.fdopen(os.dup(kept_err), "w", buffering=1) as stream,
        warnings.catch_warnings(),
    ):
        if not debug:
            warnings.simplefilter("ignore")
            os.dup2(sink.fileno(), 2)
        os.dup2(2, 1)
        level = logging.root.manager.disable
        logging.disable(logging.NOTSET if debug else logging.WARNING)
        _people.append(stream)
        try:
            yield
        finally:
            _people.pop()
            logging.disable(level)
            sys.stdout.flush()
            sys.stderr.flush()
            os.dup2(kept_out, 1)
            os.dup2(kept_err, 2)
            os.close(kept_out)
            os.close(kept_err)
