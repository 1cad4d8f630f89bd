"""ONNX Runtime: run an .onnx file of somebody else's on this machine's CPU."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgekit.errors import ConversionError, MissingDependency
from edgekit.reading import check_regular_file, shown
from edgekit.runtimes import DEFAULT_THREADS, Tensors, TensorType

MOST_BYTES = 1 << 31  # where a protobuf ends
TYPES = {"tensor(float)": np.float32, "tensor(float16)": np.float16, "tensor(uint8)": np.uint8}


class Onnx:
    """An .onnx file open in ONNX Runtime. Raises MissingDependency without onnxruntime, ConversionError."""

    name = "onnxruntime"

    def __init__(self, path: Path, threads: int = DEFAULT_THREADS) -> None:
        check_regular_file(path, MOST_BYTES, lambda sentence: ConversionError("onnx", "load", sentence))
        try:
            import onnxruntime
        except ImportError as error:
            raise MissingDependency("onnxruntime", "An .onnx model") from error
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        try:
            self._session = onnxruntime.InferenceSession(
                str(path), options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # its classes of error share no other base
            raise ConversionError("onnx", "load", f"{shown(path)} cannot be loaded ({error}).") from error

    @property
    def inputs(self) -> dict[str, TensorType]:
        """Shape and type of every input, by name. ConversionError for a type that holds no picture."""
        return {tensor.name: _type_of(tensor) for tensor in self._session.get_inputs()}

    def run(self, inputs: Tensors) -> dict[str, NDArray[Any]]:
        """Run the model once. Returns its outputs by name. ConversionError for inputs that it does not take."""
        names = [tensor.name for tensor in self._session.get_outputs()]
        try:
            return dict(zip(names, self._session.run(names, dict(inputs)), strict=True))
        except Exception as error:  # as above
            raise ConversionError("onnx", "run", f"{error}.") from error


def _type_of(tensor: Any) -> TensorType:
    if tensor.type not in TYPES:
        raise ConversionError(
            "onnx", "load", f"the input {tensor.name!r} is a {tensor.type}; known: {', '.join(TYPES)}."
        )
    shape = tuple(side if isinstance(side, int) else None for side in tensor.shape)
    return TensorType(shape, np.dtype(TYPES[tensor.type]))
