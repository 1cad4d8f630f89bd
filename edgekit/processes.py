"""Child processes that always end: each has its own process group, which is killed whole on a deadline."""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from edgekit.errors import DeviceError, MissingProgram, printable

# A program that prints more than this is broken; the rest is not read and the child is killed.
MOST_OUTPUT_BYTES = 8 << 20


@dataclass(frozen=True)
class Completed:
    """The result of a child process. `code` is None if it had to be killed (deadline, or too much output)."""

    stdout: str
    stderr: str
    code: int | None


def run(
    argv: Sequence[str | Path], timeout_s: float, env: Mapping[str, str] | None = None, stdin: bool = False
) -> Completed:
    """Run a program to its end or to the deadline, whichever is first; its output is returned in both cases."""
    with child(argv, env, stdin) as process:
        output = Output(process)
        ended = output.read_until(lambda: False, time.monotonic() + timeout_s)
        with suppress(subprocess.TimeoutExpired):
            process.wait(timeout=5 if ended else 0)
        return Completed(output.text("stdout"), output.text("stderr"), process.returncode)


@contextmanager
def child(
    argv: Sequence[str | Path], env: Mapping[str, str] | None = None, stdin: bool = False
) -> Iterator[subprocess.Popen[bytes]]:
    """A running child with piped output in its own process group; killed whole when the block ends.

    With `stdin`, its standard input stays open as long as the block and this process live. A child that ends when its
    input does (litert_child.py) outlives neither, even if this process is killed and cannot clean up.
    """
    command = [str(a) for a in argv]
    try:
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE if stdin else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=None if env is None else dict(env),
            start_new_session=True,
        )
    except FileNotFoundError as error:
        raise MissingProgram(command[0], "This device", "install it and put it on the PATH") from error
    except OSError as error:
        raise DeviceError(f"{command[0]} could not be started: {error.strerror}.") from error
    try:
        yield process
    finally:
        kill_group(process)


def kill_group(process: subprocess.Popen[bytes]) -> None:
    """Kill the child and everything it started in its process group, and reap it."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    for pipe in (process.stdin, process.stdout, process.stderr):
        if pipe is not None:
            with suppress(OSError):
                pipe.close()


class Output:
    """A child's output on both streams so far."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._bytes = {"stdout": bytearray(), "stderr": bytearray()}
        self._taken = 0
        self._selector = selectors.DefaultSelector()
        for name, pipe in (("stdout", process.stdout), ("stderr", process.stderr)):
            if pipe is not None:
                self._selector.register(pipe, selectors.EVENT_READ, name)

    @property
    def ended(self) -> bool:
        """Both streams are closed: the child has ended or is about to."""
        return not self._selector.get_map()

    def text(self, stream: str) -> str:
        return bytes(self._bytes[stream]).decode("utf-8", "replace")

    def line(self, timeout_s: float) -> str | None:
        """The next whole line of standard output; None if the child ends or the time is over first."""
        out = self._bytes["stdout"]
        self.read_until(lambda: b"\n" in out[self._taken :], time.monotonic() + timeout_s)
        end = out.find(b"\n", self._taken)
        if end < 0:
            return None
        line = bytes(out[self._taken : end]).decode("utf-8", "replace")
        self._taken = end + 1
        return line

    def read_until(self, enough: Callable[[], bool], deadline: float) -> bool:
        """Read until `enough()` or both streams end (True); False on the deadline or too much output."""
        while not enough() and self._selector.get_map():
            left = deadline - time.monotonic()
            if left <= 0:
                return False
            for key, _ in self._selector.select(left):
                chunk = os.read(key.fd, 65536)
                self._bytes[key.data] += chunk
                if not chunk:
                    self._selector.unregister(key.fileobj)
                if len(self._bytes[key.data]) > MOST_OUTPUT_BYTES:
                    return False
        return True


def ending(code: int) -> str:
    return f"was killed by signal {-code}" if code < 0 else f"ended with code {code}"


def last_line(text: str) -> str:
    lines = [line for line in text.splitlines() if line.strip()]
    return printable(lines[-1]) if lines else "it printed nothing."


def clean_environment() -> dict[str, str]:
    """This process's environment without the variables that would change the runner's Python or libraries."""
    dropped = ("PYTHONPATH", "PYTHONHOME", "PYTHONSTARTUP", "LD_PRELOAD")
    return {k: v for k, v in os.environ.items() if k not in dropped}
