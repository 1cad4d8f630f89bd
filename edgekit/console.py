"""Printing: results to standard output, progress and notes to standard error.

With --json, standard output holds one JSON object and nothing else; results for people then go to standard error too.
Every line is cleaned and shortened, so that names from files and bundles cannot control the terminal.
"""

from __future__ import annotations

import logging
import os
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, TextIO, TypeVar

from edgekit.errors import MOST_SENTENCE_CHARS, UNPRINTABLE
from edgekit.files import json_text

if TYPE_CHECKING:
    from rich.table import Table

T = TypeVar("T")

PIPED_COLUMNS = 1000  # wide enough that no cell of a piped table is folded
ENDING_CHARACTERS = 200  # kept from the end of a line that is too long, beside its beginning

DEBUG_VARIABLE = "EDGEKIT_DEBUG"
_results_are_json = [False]
_muted = [False]
_people: list[TextIO] = []  # streams to the real standard error while libraries are silenced


def mute(muted: bool) -> None:
    """Set whether this process prints nothing: of several that run one command, one prints."""
    _muted[0] = muted


def people() -> TextIO:
    """The stream for people: standard error, also while libraries are silenced; of a muted process, none."""
    if _muted[0]:
        return _nowhere()
    return _people[-1] if _people else sys.stderr


@cache
def _nowhere() -> TextIO:
    return Path(os.devnull).open("w")  # for the life of the process


def clean(text: str) -> str:
    """The text as one line of bounded length, without characters that control the terminal."""
    if len(text) > MOST_SENTENCE_CHARS:
        text = f"{text[: MOST_SENTENCE_CHARS - ENDING_CHARACTERS]} … {text[-ENDING_CHARACTERS:]}"
    return UNPRINTABLE.sub("", text).replace("\n", " ").replace("\t", " ")


def say(text: str = "") -> None:
    """Print a line of progress, or a note, on standard error."""
    print(clean(text), file=people(), flush=True)


def expect_json(expected: bool) -> bool:
    """Set whether standard output is reserved for one JSON object; typer calls this for --json."""
    _results_are_json[0] = expected
    return expected


def results() -> TextIO:
    """The stream for results: standard output, or with --json the one for people."""
    return people() if _results_are_json[0] or _muted[0] else sys.stdout


def show(text: str = "") -> None:
    """Print a line of the result on standard output (with --json, on standard error)."""
    print(clean(text), file=results(), flush=True)


def print_json(value: object) -> None:
    """Print the command's one JSON object on standard output."""
    stream = people() if _muted[0] else sys.stdout
    stream.write(json_text(value))
    stream.flush()


def print_table(table: Table) -> None:
    """Print a table of results where `show` prints: folded to a terminal's width, unfolded if piped."""
    from rich.console import Console

    for column in table.columns:
        column.no_wrap, column.overflow = False, "fold"
    width = None if results().isatty() else PIPED_COLUMNS
    Console(file=results(), width=width).print(table)


def track(items: Iterable[T], total: int, description: str) -> Iterator[T]:
    """Yield `items`, with a progress bar if standard error is a terminal."""
    if not people().isatty():
        yield from items
        return
    from rich.console import Console
    from rich.progress import track as rich_track

    yield from rich_track(
        items, description=description, total=total, console=Console(file=people()), transient=True
    )


@contextmanager
def quiet_libraries() -> Iterator[None]:
    """Discard the output of libraries, C++ included; with --debug it goes to standard error.

    `say` and `track` still print.
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
    """Attach a sentence to an interruption of the block: `kept()` names the saved work and how to resume."""
    try:
        yield
    except KeyboardInterrupt as interrupt:
        if not interrupt.args:
            interrupt.args = (kept(),)
        raise


def kept_by(interrupt: KeyboardInterrupt) -> str:
    """The sentence of the innermost `interruptible` about saved work."""
    return str(interrupt.args[0]) if interrupt.args else "nothing half-written was left."
