"""The command line: one thin file per command under `edgekit/commands`, and one place that prints errors.

Exit codes: 0 done, 1 a check failed, 2 usage, 3 an edgekit error (one sentence; --debug shows it).
Nothing heavy is imported here or at the top of a command's file: `edgekit --help` stays instant.
"""

from __future__ import annotations

import os
import re
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import typer
import typer.core

from edgekit import __version__, console
from edgekit.commands import COMMANDS
from edgekit.console import DEBUG_VARIABLE
from edgekit.errors import MOST_SENTENCE_CHARS, EdgekitError, printable


class _Program(typer.core.TyperGroup):
    """The commands; errors of usage, which repeat words of the command line, are made safe to print."""

    def make_context(self, *args: Any, **kwargs: Any) -> Any:
        with _printable_usage():
            return super().make_context(*args, **kwargs)

    def invoke(self, ctx: Any) -> Any:
        with _printable_usage():
            return super().invoke(ctx)


@contextmanager
def _printable_usage() -> Iterator[None]:
    try:
        yield
    except typer.TyperException as error:
        if isinstance(message := getattr(error, "message", None), str):
            error.message = printable(message, MOST_SENTENCE_CHARS)
        raise


app = typer.Typer(
    name="edgekit",
    cls=_Program,
    help="Convert a person parser to Core ML and TFLite: calibrated int8, parity checks, one fused LUT shader.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

for _name, _command in COMMANDS.items():
    if isinstance(_command, typer.Typer):
        app.add_typer(_command, name=_name)
    else:
        app.command(_name)(_command)


def _print_version(wanted: bool) -> None:
    if wanted:
        print(f"edgekit {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    debug: bool = typer.Option(False, "--debug", help="Show the traceback of an error."),
    version: bool = typer.Option(
        False, "--version", callback=_print_version, is_eager=True, help="Print the version."
    ),
) -> None:
    if debug:
        os.environ[DEBUG_VARIABLE] = "1"


@cache
def _program() -> Any:
    """The commands as a click program, made once: reading hundreds of options from signatures takes a while."""
    return typer.main.get_command(app)


def spelled(sentence: str) -> str:
    """Replace parameters that a library's sentence names in backticks by options: `out` → --out.

    A name that is no command's option only loses its backticks.
    """
    options = {
        str(parameter.name): str(max(parameter.opts, key=len))
        for command in _commands(_program())
        for parameter in command.params
    }
    return re.sub(r"`([a-z_]+)`", lambda found: options.get(found[1], found[1]), sentence)


def _commands(command: Any) -> Iterator[Any]:
    """Yield a click command and its subcommands (typer brings its own click, so the type has no public name)."""
    yield command
    for inner in getattr(command, "commands", {}).values():
        yield from _commands(inner)


def main() -> None:
    """Run the command line; the only place that turns an EdgekitError into text and an exit code."""
    signal.signal(signal.SIGTERM, _terminated)
    try:
        _run()
    except EdgekitError as error:
        if os.environ.get(DEBUG_VARIABLE):
            raise
        console.say(f"edgekit: {spelled(str(error))}")
        raise SystemExit(3) from None
    except KeyboardInterrupt as interrupt:
        was, code = ("terminated", 143) if isinstance(interrupt, Terminated) else ("interrupted", 130)
        console.say(f"edgekit: {was}; {spelled(console.kept_by(interrupt))}")
        raise SystemExit(code) from None
    except BrokenPipeError:  # `edgekit … | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise SystemExit(0) from None


def _run() -> None:
    """Run the command. Typer makes an exit code of an interrupt; here it is an interrupt again, with its words."""
    try:
        _program()()
    except SystemExit as stop:
        cause = None if stop.__context__ is None else stop.__context__.__cause__
        if isinstance(cause, KeyboardInterrupt):
            raise cause from None
        raise


class Terminated(KeyboardInterrupt):
    """SIGTERM, treated as Ctrl-C: half-written output is removed, and a sentence about saved work is printed."""


def _terminated(number: int, frame: object) -> None:
    raise Terminated
