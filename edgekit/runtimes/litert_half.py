"""LiteRT in half precision: a .tflite in which every floating-point tensor is rounded to fp16, as GPUs of phones do.

The model is edited before it is loaded: a pair of CASTs behind every operator rounds its result to fp16 and back, so
that LiteRT's own kernels compute each operator, in fp32, on inputs that fp16 holds. Constants are rounded too. int8
parts stay as they are. What overflows becomes infinite, and what is too small becomes 0.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from numpy.typing import NDArray

from edgekit.errors import ConversionError
from edgekit.runtimes import DEFAULT_THREADS, Tensors
from edgekit.runtimes.litert import LiteRT, operator_code, operator_name, packed, parsed, read_tflite

EXACT = "#exact"  # marks the tensor that holds an operator's result before it is rounded
OVERFLOW = 65520.0  # the least magnitude that rounds to infinity
MOST_WATCHED = 1 << 28  # values of tensors that are held at once: 1 GiB, less than a conversion takes
LEAST_NORMAL = 2.0**-14  # a GPU may take every smaller magnitude for 0
Types = schema.TensorType
STORED: Mapping[int, type[np.generic]] = {
    Types.FLOAT32: np.float32, Types.FLOAT16: np.float16, Types.INT8: np.int8, Types.UINT8: np.uint8,
    Types.INT16: np.int16, Types.INT32: np.int32,
}  # fmt: skip


@dataclass(frozen=True)
class Magnitudes:
    """The least and the largest magnitude of one tensor; not a number where one of its values is none."""

    least: float
    largest: float


class HalfLiteRT(LiteRT):
    """A .tflite open in LiteRT, with every floating-point tensor rounded to fp16. Taps return rounded tensors.

    `of_bytes` takes a model that `in_half` made.
    """

    name = "litert-fp16"
    computes_in_half = True

    def __init__(self, path: Path, taps: Sequence[str] = (), threads: int = DEFAULT_THREADS) -> None:
        self._open(in_half(read_tflite(path), path), path, taps, threads)

    def magnitudes(self, inputs: Tensors) -> dict[str, Magnitudes]:
        """Run the model once. Returns the magnitudes of the taps, which are not copied."""
        self._invoke(inputs)
        found = {}
        for name in self._taps:
            value = np.abs(self._interpreter.tensor(self._outputs[name]["index"])())
            found[name] = Magnitudes(float(value.min()), float(value.max()))
        return found


def magnitudes(path: Path, inputs: Tensors) -> dict[str, Magnitudes]:
    """The magnitudes of every operator's floating-point results before they are rounded to fp16, by tensor name."""
    data = in_half(read_tflite(path), path)
    tensors = [t for t in parsed(data, path).subgraphs[0].tensors if t.name.decode().endswith(EXACT)]
    found: dict[str, Magnitudes] = {}
    while tensors:
        sizes = np.cumsum([np.prod(tensor.shape, dtype=np.int64) for tensor in tensors])
        count = max(1, int(np.searchsorted(sizes, MOST_WATCHED, "right")))
        watched, tensors = [t.name.decode() for t in tensors[:count]], tensors[count:]
        runtime = HalfLiteRT.of_bytes(data, path, watched)
        found |= {name.removesuffix(EXACT): each for name, each in runtime.magnitudes(inputs).items()}
    return found


def in_half(data: bytes, path: Path) -> bytes:
    """The model with every floating-point tensor rounded to fp16. Raises ConversionError for a damaged one."""
    model = parsed(data, path)
    try:
        if len(model.subgraphs) != 1:
            raise ConversionError("tflite", "fp16", f"{path} has more than one subgraph.")
        _round_constants(model)
        _round_results(model, model.subgraphs[0])
        return packed(model)
    except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        raise ConversionError("tflite", "fp16", f"{path} contradicts itself ({error!r}).") from error


def _round_constants(model: Any) -> None:
    """Round every float constant; a constant that a DEQUANTIZE expands is stored expanded, and rounded."""
    graph, kept = model.subgraphs[0], []
    for operator in graph.operators:
        expands = operator_name(model, operator) == "DEQUANTIZE"
        source = graph.tensors[operator.inputs[0]] if expands else None
        if source is not None and model.buffers[source.buffer].data is not None:
            expanded = graph.tensors[operator.outputs[0]]
            model.buffers.append(schema.BufferT())
            expanded.buffer = len(model.buffers) - 1
            _store(model, expanded, _values(model, source))
        else:
            kept.append(operator)
    graph.operators = kept
    for tensor in graph.tensors:
        if tensor.type == Types.FLOAT32 and model.buffers[tensor.buffer].data is not None:
            _store(model, tensor, _values(model, tensor))


def _store(model: Any, tensor: Any, values: NDArray[np.float32]) -> None:
    with np.errstate(over="ignore"):
        rounded = values.astype(np.float16).astype(np.float32)
    model.buffers[tensor.buffer].data = np.frombuffer(rounded.tobytes(), np.uint8)


def _values(model: Any, tensor: Any) -> NDArray[np.float32]:
    """A constant's values, dequantised."""
    stored = np.frombuffer(bytes(model.buffers[tensor.buffer].data), STORED[tensor.type])
    values = stored.reshape(() if tensor.shape is None else tuple(tensor.shape)).astype(np.float32)
    quantization = tensor.quantization
    if tensor.type == Types.FLOAT32 or quantization is None or quantization.scale is None:
        return values
    shape = [1] * values.ndim
    shape[quantization.quantizedDimension] = len(quantization.scale)
    scale, zero = (np.reshape(each, shape) for each in (quantization.scale, quantization.zeroPoint))
    return np.asarray((values - zero) * scale, np.float32)


def _round_results(model: Any, graph: Any) -> None:
    """Put a pair of CASTs behind every operator that computes a float tensor, and behind float inputs."""
    cast, operators, rounded_inputs = operator_code(model, schema.BuiltinOperator.CAST, 1), [], {}
    for index in graph.inputs:
        if graph.tensors[index].type == Types.FLOAT32:
            rounded_inputs[int(index)] = len(graph.tensors)
            graph.tensors.append(_like(graph.tensors[index], "#rounded", Types.FLOAT32))
            operators += _casts(graph, cast, index, rounded_inputs[int(index)])
    for operator in graph.operators:
        operator.inputs = np.array([rounded_inputs.get(int(i), i) for i in operator.inputs], np.int32)
        operators.append(operator)
        outputs = [int(index) for index in operator.outputs]
        for place, index in enumerate(outputs):
            if graph.tensors[index].type == Types.FLOAT32:
                outputs[place] = len(graph.tensors)
                graph.tensors.append(_like(graph.tensors[index], EXACT, Types.FLOAT32))
                operators += _casts(graph, cast, outputs[place], index)
        operator.outputs = np.array(outputs, np.int32)
    graph.operators = operators


def _casts(graph: Any, cast: int, source: int, result: int) -> list[Any]:
    """Two operators that round the tensor `source` to fp16 and write it to the tensor `result` as fp32."""
    half = len(graph.tensors)
    graph.tensors.append(_like(graph.tensors[result], "#half", Types.FLOAT16))
    made = []
    for read, written in ((source, half), (half, result)):
        operator, options = schema.OperatorT(), schema.CastOptionsT()
        options.inDataType, options.outDataType = graph.tensors[read].type, graph.tensors[written].type
        operator.opcodeIndex = cast
        operator.inputs, operator.outputs = np.array([read], np.int32), np.array([written], np.int32)
        operator.builtinOptionsType, operator.builtinOptions = schema.BuiltinOptions.CastOptions, options
        made.append(operator)
    return made


def _like(tensor: Any, suffix: str, kind: int) -> Any:
    made = schema.TensorT()
    made.name, made.shape, made.shapeSignature = tensor.name + suffix.encode(), tensor.shape, None
    made.type, made.buffer = kind, 0
    return made
