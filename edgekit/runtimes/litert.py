"""LiteRT: run a .tflite on this machine's CPU through XNNPACK and read any of its tensors."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any, Self

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter, OpResolverType
from numpy.typing import NDArray

from edgekit.errors import ConversionError, MissingDependency
from edgekit.reading import read_bytes, shown
from edgekit.runtimes import DEFAULT_THREADS, Tensors, TensorType

MOST_BYTES = 1 << 30  # forty times what edgekit converts; a flatbuffer ends at 2 GiB
BUILTINS = {code: name for name, code in vars(schema.BuiltinOperator).items() if isinstance(code, int)}


class LiteRT:
    """A .tflite open in LiteRT's interpreter with the XNNPACK delegate.

    `taps` become extra outputs of the graph before it is loaded, so that the same delegated kernels run with and
    without them; quantised taps are returned dequantised.
    """

    name = "litert"

    def __init__(self, path: Path, taps: Sequence[str] = (), threads: int = DEFAULT_THREADS) -> None:
        self._open(read_tflite(path), path, taps, threads)

    @classmethod
    def of_bytes(cls, data: bytes, path: Path, taps: Sequence[str] = ()) -> Self:
        """The runtime of a .tflite that is no file; `path` stands in errors."""
        runtime = cls.__new__(cls)
        runtime._open(data, path, taps, DEFAULT_THREADS)
        return runtime

    def _open(self, data: bytes, path: Path, taps: Sequence[str], threads: int) -> None:
        self._taps = tuple(taps)
        try:
            self._interpreter = self._opened(with_outputs(data, taps, path) if taps else data, threads)
            self._interpreter.allocate_tensors()
        except (ValueError, RuntimeError) as error:
            reason = str(error).splitlines()[0]
            raise ConversionError("tflite", "load", f"{path} cannot be loaded ({reason}).") from error
        self._inputs = {d["name"]: d for d in self._interpreter.get_input_details()}
        self._outputs = {d["name"]: d for d in self._interpreter.get_output_details()}

    def _opened(self, content: bytes, threads: int) -> Any:
        """An interpreter of the model's bytes."""
        return Interpreter(model_content=content, num_threads=threads)

    def run(self, inputs: Tensors) -> dict[str, NDArray[Any]]:
        """Run the model once. Returns its outputs by name.

        Raises ConversionError for inputs that are not the model's, or of a wrong shape or type.
        """
        self._invoke(inputs)
        return {name: self._read(name, detail) for name, detail in self._outputs.items()}

    def _invoke(self, inputs: Tensors) -> None:
        if set(inputs) != set(self._inputs):
            names = ", ".join(self._inputs)
            raise ConversionError("tflite", "run", f"inputs must be {names}, not {list(inputs)}.")
        for name, value in inputs.items():
            try:
                self._interpreter.set_tensor(self._inputs[name]["index"], value)
            except ValueError as error:
                raise ConversionError("tflite", "run", f"input {name!r}: {error}.") from error
        self._interpreter.invoke()

    @property
    def inputs(self) -> dict[str, TensorType]:
        """Shape and type of every input, by name."""
        return {
            name: TensorType(tuple(map(int, detail["shape"])), np.dtype(detail["dtype"]))
            for name, detail in self._inputs.items()
        }

    @property
    def partitions(self) -> int:
        """The number of subgraphs that XNNPACK runs; 1 means that no operator fell back to the plain kernels."""
        operators = self._interpreter._get_ops_details()  # the only way to ask; private but stable
        return sum(operator["op_name"] == "DELEGATE" for operator in operators)

    def _read(self, name: str, detail: dict[str, Any]) -> NDArray[Any]:
        value: NDArray[Any] = self._interpreter.get_tensor(detail["index"])
        scales = detail["quantization_parameters"]["scales"]
        if name in self._taps and scales.size:
            zero_points = detail["quantization_parameters"]["zero_points"]
            levels = value.astype(np.float32) - zero_points
            return np.asarray(levels * scales, np.float32)
        return value


class ReferenceLiteRT(LiteRT):
    """A .tflite open in LiteRT's interpreter on its reference kernels, which define each operator, without a delegate.

    They compute one value at a time: tens of times slower than XNNPACK.
    """

    name = "litert-reference"

    def _opened(self, content: bytes, threads: int) -> Any:
        kernels = OpResolverType.BUILTIN_REF
        return Interpreter(model_content=content, num_threads=threads, experimental_op_resolver_type=kernels)


class TensorFlowLite(LiteRT):
    """A .tflite open in the interpreter that TensorFlow carries: other binaries of the same kernels and delegate.

    Raises MissingDependency without the extra `tensorflow`.
    """

    name = "tensorflow"

    def _opened(self, content: bytes, threads: int) -> Any:
        try:
            import tensorflow as tf
        except ImportError as error:
            raise MissingDependency("tensorflow", "TensorFlow's interpreter", extra="tensorflow") from error
        return tf.lite.Interpreter(model_content=content, num_threads=threads)


def read_tflite(path: Path) -> bytes:
    """The bytes of a .tflite; ConversionError when missing or of another kind."""
    refused = partial(ConversionError, "tflite", "load")
    data = read_bytes(path, MOST_BYTES, refused)
    if data[4:8] != b"TFL3":
        raise refused(f"{shown(path)} is not a .tflite file.")
    return data


def with_outputs(data: bytes, names: Sequence[str], path: Path) -> bytes:
    """The model with the named tensors as further outputs of its main subgraph."""
    model = parsed(data, path)
    graph = model.subgraphs[0]
    index = {tensor.name.decode(): i for i, tensor in enumerate(graph.tensors)}
    missing = [name for name in names if name not in index]
    if missing:
        raise ConversionError("tflite", "load", f"{path} has no tensor {missing[0]!r}.")
    graph.outputs = np.array([*graph.outputs, *(index[name] for name in names)], np.int32)
    model.signatureDefs = None  # it would not cover the new outputs
    return packed(model)


def parsed(data: bytes, path: Path) -> Any:
    """The schema's object tree (ModelT), with every buffer inside it. ConversionError for damaged bytes."""
    try:
        model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(data, 0))
        for buffer in model.buffers:
            if buffer.offset > 1:  # ai-edge-quantizer stores constants behind the flatbuffer
                buffer.data = np.frombuffer(data, np.uint8, buffer.size, buffer.offset)
            buffer.offset = buffer.size = 0
    except Exception as error:  # flatbuffers has no verifier: damage surfaces as any exception
        raise ConversionError("tflite", "load", f"{path} is damaged or truncated.") from error
    return model


def packed(model: Any) -> bytes:
    """The bytes of a schema object tree."""
    builder = flatbuffers.Builder(1 << 24)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def operator_name(model: Any, operator: Any) -> str:
    """The builtin name, such as CONV_2D, of an operator in a schema object tree."""
    code = model.operatorCodes[operator.opcodeIndex]
    name: str = BUILTINS[max(code.builtinCode, code.deprecatedBuiltinCode)]
    return name


def operator_code(model: Any, builtin: int, version: int) -> int:
    """The index of a builtin operator among the model's operator codes, where it is added if it is absent."""
    for index, code in enumerate(model.operatorCodes):
        if max(code.builtinCode, code.deprecatedBuiltinCode) == builtin:
            return index
    code = schema.OperatorCodeT()
    code.builtinCode = builtin
    code.deprecatedBuiltinCode = min(builtin, 127)  # the schema's rule for old readers
    code.version = version
    model.operatorCodes.append(code)
    return len(model.operatorCodes) - 1


def operator_counts(path: Path) -> dict[str, int]:
    """The number of each builtin operator in a .tflite, most frequent first."""
    model = parsed(read_tflite(path), path)
    counts = Counter(operator_name(model, operator) for operator in model.subgraphs[0].operators)
    return dict(counts.most_common())
