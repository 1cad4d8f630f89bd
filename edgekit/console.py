"""What a command prints, and where.

Results go to standard output, progress and notes to standard error. With --json standard output holds one JSON object
and nothing else: results for people go to standard error too. Names out of files and bundles cannot steer the terminal:
every line is cleaned and shortened here.
"""

from __future__ import annotations

import logging
import os
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TextIO, TypeVar

from edgekit.errors import MOST_SENTENCE_CHARS, UNPRINTABLE
from edgekit.files import json_text

if TYPE_CHECKING:
    from rich.table import Table

T = TypeVar("T")

PIPED_COLUMNS = 1000  # a table that is piped is whole, however wide
ENDING_CHARACTERS = 200  # of a line that is too long; its beginning is kept as well

DEBUG_VARIABLE = "EDGEKIT_DEBUG"
_results_are_json = [False]
_people: list[TextIO] = []  # where people read while the libraries are silenced; empty: standard error


def people() -> TextIO:
    """The stream for people."""
    return _people[-1] if _people else sys.stderr


def clean(text: str) -> str:
    """The text as one harmless line of bounded length: nothing in it steers the terminal."""
    if len(text) > MOST_SENTENCE_CHARS:
        text = f"{text[: MOST_SENTENCE_CHARS - ENDING_CHARACTERS]} … {text[-ENDING_CHARACTERS:]}"
    return UNPRINTABLE.sub("", text).replace("\n", " ").replace("\t", " ")


def say(text: str = "") -> None:
    """A line of progress, or a note, on standard error."""
    print(clean(text), file=people(), flush=True)


def expect_json(expected: bool) -> bool:
    """Say whether standard output is for one JSON object; typer calls this for --json."""
    _results_are_json[0] = expected
    return expected


def results() -> TextIO:
    """The stream for results: standard output, unless that is for the JSON object."""
    return people() if _results_are_json[0] else sys.stdout


def show(text: str = "") -> None:
    """A line of the result, on standard output (on standard error with --json)."""
    print(clean(text), file=results(), flush=True)


def print_json(value: object) -> None:
    """The command's one JSON object, on standard output."""
    sys.stdout.write(json_text(value))
    sys.stdout.flush()


def print_table(table: Table) -> None:
    """A table of results, where `show` writes: folded to a terminal's width, whole where it is piped."""
    from rich.console import Console

    for column in table.columns:
        column.no_wrap, column.overflow = False, "fold"
    width = None if results().isatty() else PIPED_COLUMNS
    Console(file=results(), width=width).print(table)


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


@contextmanager
def interruptible(kept: Callable[[], str]) -> Iterator[None]:
    """Around work that keeps something when it is interrupted: `kept` says what, and how to go on."""
    try:
        yield
    except KeyboardInterrupt as interrupt:
        if not interrupt.args:
            interrupt.args = (kept(),)
        raise


def kept_by(interrupt: KeyboardInterrupt) -> str:
    """What the innermost `interruptible` said was kept."""
    return str(interrupt.args[0]) if interrupt.args else "nothing half-written was left."
