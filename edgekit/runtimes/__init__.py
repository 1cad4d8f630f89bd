"""Runtimes: one callable interface, numpy in and numpy out, over everything that can run the parser."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from numpy.typing import NDArray

from edgekit.errors import UnknownName

Tensors = Mapping[str, NDArray[Any]]
DEFAULT_THREADS = 2


class Runtime(Protocol):
    """A model open in one runtime.

    `run` takes inputs by name ((1, size, size, 3) uint8 for the artifacts' `image`) and returns the outputs
    by name, and every intermediate tensor that was named in `taps` when the runtime was opened.
    """

    @property
    def name(self) -> str: ...
    def run(self, inputs: Tensors) -> dict[str, NDArray[Any]]: ...


def open_runtime(path: Path, taps: Sequence[str] = (), threads: int = DEFAULT_THREADS) -> Runtime:
    """The runtime that runs `path` on this machine, by suffix; native Core ML is opened by its own name.

    Raises UnknownName for another suffix, ConversionError for a damaged file, UnsupportedOperator.
    """
    if path.suffix not in RUNTIMES:
        raise UnknownName("kind of artifact", path.suffix, RUNTIMES)
    return RUNTIMES[path.suffix](path, taps, threads)


def _litert(path: Path, taps: Sequence[str], threads: int) -> Runtime:
    from edgekit.runtimes.litert import LiteRT

    return LiteRT(path, taps, threads)


def _mil_reference(path: Path, taps: Sequence[str], threads: int) -> Runtime:
    from edgekit.runtimes.mil_reference import MilReference

    return MilReference(path, taps, threads)


RUNTIMES: Mapping[str, Callable[[Path, Sequence[str], int], Runtime]] = {
    ".tflite": _litert,
    ".mlpackage": _mil_reference,
}
