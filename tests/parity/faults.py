"""Edits that put a fault into a .tflite."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgekit.artifact import Artifact
from edgekit.runtimes.litert import packed, parsed, read_tflite


def edited(artifact: Artifact, edit: Callable[[Any], None]) -> Artifact:
    """The artifact, whose .tflite's object tree was changed in place."""
    model = parsed(read_tflite(artifact.path), artifact.path)
    edit(model)
    artifact.path.write_bytes(packed(model))
    return artifact


def constant(model: Any, name: str) -> tuple[Any, NDArray[np.float32]]:
    """The buffer of a constant float tensor, and a copy of its values."""
    (tensor,) = (t for t in model.subgraphs[0].tensors if t.name == name.encode())
    buffer = model.buffers[tensor.buffer]
    return buffer, np.frombuffer(bytes(buffer.data), np.float32).reshape(tensor.shape).copy()


def zeroed(name: str) -> Callable[[Any], None]:
    """An edit that zeroes a constant."""

    def zero(model: Any) -> None:
        buffer, values = constant(model, name)
        buffer.data = np.zeros_like(values).reshape(-1).view(np.uint8)

    return zero
