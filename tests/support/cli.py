"""The command line: in this process where that proves the same, as a process of its own where it does not."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO
from unittest import mock

from edgekit import console
from edgekit.cli import main

ROOT = Path(__file__).parent.parent.parent
ENVIRONMENT = {"COLUMNS": "200", "PYTHONPATH": str(ROOT)}


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


@contextlib.contextmanager
def captured_stream(descriptor: int, name: str) -> Iterator[TextIO]:
    """A file that receives what Python and native libraries write to a standard stream."""
    getattr(sys, name).flush()
    kept = os.dup(descriptor)
    with tempfile.TemporaryFile("w+", encoding="utf-8") as file:
        os.dup2(file.fileno(), descriptor)
        try:
            with (
                open(descriptor, "w", encoding="utf-8", closefd=False) as stream,
                mock.patch.object(sys, name, stream),
            ):
                yield file
        finally:
            os.dup2(kept, descriptor)
            os.close(kept)


def edgekit(*arguments: str | Path) -> Ran:
    """Run `edgekit arguments…` in this process, in the current directory."""
    words, code = [str(argument) for argument in arguments], 0
    on_termination = signal.getsignal(signal.SIGTERM)  # main() has its own
    with captured_stream(1, "stdout") as out, captured_stream(2, "stderr") as err:
        with mock.patch.object(sys, "argv", ["edgekit", *words]), mock.patch.dict(os.environ, ENVIRONMENT):
            try:
                main()
            except SystemExit as stop:
                code = stop.code if isinstance(stop.code, int) else 0 if stop.code is None else 1
            finally:
                signal.signal(signal.SIGTERM, on_termination)
                console.expect_json(False)  # which a process would forget
            sys.stdout.flush()
            sys.stderr.flush()
        out.seek(0)
        err.seek(0)
        return Ran(code, out.read(), err.read())


def edgekit_process(*arguments: str | Path, cwd: Path | None = None, timeout_s: float = 300) -> Ran:
    """Run `python -m edgekit arguments…` as a process of its own."""
    command = [sys.executable, "-m", "edgekit", *(str(argument) for argument in arguments)]
    run = subprocess.run(
        command,
        capture_output=True,
        text=True,
        cwd=cwd,
        env={**os.environ, **ENVIRONMENT},
        timeout=timeout_s,
        check=False,
    )
    return Ran(run.returncode, run.stdout, run.stderr)
