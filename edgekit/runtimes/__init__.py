"""Runtimes: one callable interface, numpy in and numpy out, over everything that can run the parser."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from edgekit.targets import target_of

Tensors = Mapping[str, NDArray[Any]]
DEFAULT_THREADS = 2


class Runtime(Protocol):
    """A model open in one runtime.

    `run` takes inputs by name ((1, H, W, 3) uint8 for the artifacts' `image`) and returns the outputs
    by name, and every intermediate tensor that was named in `taps` when the runtime was opened.
    """

    @property
    def name(self) -> str: ...
    def run(self, inputs: Tensors) -> dict[str, NDArray[Any]]: ...


# Opens an artifact in a runtime, here or on a device; the names are intermediate tensors to return as well.
Opener = Callable[[Path, Sequence[str]], Runtime]


class TensorType(NamedTuple):
    """Shape and type of a tensor; None for a side that the file leaves open."""

    shape: tuple[int | None, ...]
    dtype: np.dtype[Any]


class ForeignRuntime(Runtime, Protocol):
    """A runtime of models that edgekit did not convert: their inputs are found in the file."""

    @property
    def inputs(self) -> Mapping[str, TensorType]: ...


@runtime_checkable
class ReadsImages(Protocol):
    """A runtime whose file says in which order it reads the channels of an RGB image."""

    @property
    def channel_order(self) -> tuple[int, int, int]: ...


@runtime_checkable
class ComputesInHalf(Protocol):
    """A runtime that rounds every floating-point tensor to fp16, whatever the artifact's recipe."""

    @property
    def computes_in_half(self) -> bool: ...


def in_half_precision(runtime: Runtime) -> bool:
    """Whether a runtime rounds what the recipe leaves in float32 to fp16."""
    return isinstance(runtime, ComputesInHalf) and runtime.computes_in_half


def image_order(runtime: Runtime) -> tuple[int, int, int]:
    """The order in which a runtime's graph reads the channels of an RGB image: (2, 1, 0) where its file says BGR."""
    return runtime.channel_order if isinstance(runtime, ReadsImages) else (0, 1, 2)


def open_runtime(path: Path, taps: Sequence[str] = (), threads: int = DEFAULT_THREADS) -> Runtime:
    """Open the artifact at `path` in the runtime for its suffix; native Core ML is opened as `runtimes.coreml.CoreML`.

    Raises UnknownName for another suffix, ConversionError for a damaged file, UnsupportedOperator.
    """
    return target_of(path).opened(path, tuple(taps), threads)


def opener_of(name: str | None) -> Opener:
    """A function that opens artifacts in the runtime of that name (`Target.runtimes`), or in their own for None."""
    if name is None:
        return open_runtime
    return lambda path, taps: target_of(path).opener(name)(path, taps)
