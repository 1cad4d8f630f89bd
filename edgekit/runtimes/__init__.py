"""Runtimes: one callable interface, numpy in and numpy out, over everything that can run the parser."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from numpy.typing import NDArray

from edgekit.targets import target_of

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
    """Open the artifact at `path` in the runtime for its suffix; native Core ML is opened as `runtimes.coreml.CoreML`.

    Raises UnknownName for another suffix, ConversionError for a damaged file, UnsupportedOperator.
    """
    return target_of(path).opened(path, tuple(taps), threads)
