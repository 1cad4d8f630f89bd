"""The command line without a process of its own: arguments in; exit code and both streams out."""

from __future__ import annotations

import contextlib
import io
import sys
from dataclasses import dataclass
from unittest import mock

from edgekit.cli import main


@dataclass(frozen=True)
class Ran:
    """What a command did: its exit code, and what it printed on standard output and standard error."""

    code: int
    out: str
    err: str

    @property
    def sentence(self) -> str:
        """Standard error on one line."""
        return " ".join(self.err.split())


def edgekit(*arguments: str) -> Ran:
    """Run `edgekit arguments…` in this process, in the current directory."""
    out, err, code = io.StringIO(), io.StringIO(), 0
    with (
        mock.patch.object(sys, "argv", ["edgekit", *arguments]),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        try:
            main()
        except SystemExit as stop:
            code = stop.code if isinstance(stop.code, int) else 0 if stop.code is None else 1
    return Ran(code, out.getvalue(), err.getvalue())
