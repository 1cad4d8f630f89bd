"""Float .tflite files of a few hundred bytes, built in place: one layer, or MUL and the operators named.

Small enough to run in microseconds, and their answers are known: tests of runners need no converter.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from numpy.typing import NDArray

from edgekit.runtimes.litert import packed, parsed

SHAPE = (1, 7, 5, 3)  # NHWC, H ≠ W
SCALES = np.array([0.5, -1.25, 3.0], np.float32)
OPERATORS = {
    "LOGISTIC": schema.BuiltinOperator.LOGISTIC,
    "ROUND": schema.BuiltinOperator.ROUND,  # no GPU kernel
    "SIGN": schema.BuiltinOperator.SIGN,  # XNNPACK leaves it to the reference kernels
}


def write_tiny(path: Path, *names: str, shape: tuple[int, ...] = SHAPE) -> Path:
    """x float32 of `shape` (last axis 3) → x · SCALES → each named unary operator in turn."""
    operators = [schema.BuiltinOperator.MUL, *(OPERATORS[name] for name in names)]
    model = schema.ModelT()
    model.version = 3
    model.description = "edgekit test"
    model.buffers = [schema.BufferT(), schema.BufferT()]
    model.buffers[1].data = np.frombuffer(SCALES.tobytes(), np.uint8)
    model.operatorCodes = [operator_code(operator) for operator in operators]
    graph = schema.SubGraphT()
    graph.tensors = [tensor("x", shape, 0), tensor("scales", (3,), 1)]
    graph.tensors += [tensor(f"y{i}", shape, 0) for i in range(len(operators))]
    graph.inputs = [0]
    graph.outputs = [len(graph.tensors) - 1]
    graph.operators = []
    for i in range(len(operators)):
        operator = schema.OperatorT()
        operator.opcodeIndex = i
        operator.inputs = [0, 1] if i == 0 else [i + 1]
        operator.outputs = [i + 2]
        if i == 0:
            operator.builtinOptionsType = schema.BuiltinOptions.MulOptions
            operator.builtinOptions = schema.MulOptionsT()
        graph.operators.append(operator)
    model.subgraphs = [graph]
    path.write_bytes(packed(model))
    return path


def expected(x: np.ndarray) -> np.ndarray:
    """What MUL then LOGISTIC gives for x."""
    return 1 / (1 + np.exp(-x * SCALES))


def operator_code(operator: int) -> schema.OperatorCodeT:
    code = schema.OperatorCodeT()
    code.builtinCode = operator
    code.deprecatedBuiltinCode = min(operator, 127)  # the schema: codes above 127 stand in builtinCode only
    code.version = 1
    return code


def tensor(name: str, shape: tuple[int, ...], buffer: int) -> schema.TensorT:
    tensor = schema.TensorT()
    tensor.name = name
    tensor.shape = list(shape)
    tensor.type = schema.TensorType.FLOAT32
    tensor.buffer = buffer
    return tensor


def write_operator(
    path: Path,
    name: str,
    inputs: Sequence[tuple[int, ...] | NDArray[np.generic]],
    output: tuple[int, ...],
    options: object | None = None,
) -> Path:
    """A file that holds one operator. inputs: the shape of a float32 input (x0, x1, …), or a constant's values."""
    kinds = {np.dtype(np.float32): schema.TensorType.FLOAT32, np.dtype(np.int32): schema.TensorType.INT32}
    model, graph, operator = schema.ModelT(), schema.SubGraphT(), schema.OperatorT()
    model.version, model.description, model.buffers = 3, "edgekit test", [schema.BufferT()]
    graph.tensors, graph.inputs = [], []
    for i, given in enumerate(inputs):
        if isinstance(given, tuple):
            graph.inputs.append(i)
            graph.tensors.append(tensor(f"x{i}", given, 0))
            continue
        model.buffers.append(schema.BufferT())
        model.buffers[-1].data = np.frombuffer(np.ascontiguousarray(given).tobytes(), np.uint8)
        graph.tensors.append(tensor(f"c{i}", given.shape, len(model.buffers) - 1))
        graph.tensors[-1].type = kinds[given.dtype]
    graph.tensors.append(tensor("y", output, 0))
    graph.outputs, graph.operators = [len(inputs)], [operator]
    operator.opcodeIndex, operator.inputs, operator.outputs = 0, list(range(len(inputs))), [len(inputs)]
    if options is not None:
        operator.builtinOptions = options
        operator.builtinOptionsType = getattr(schema.BuiltinOptions, type(options).__name__[:-1])
    model.operatorCodes = [operator_code(getattr(schema.BuiltinOperator, name))]
    model.subgraphs = [graph]
    path.write_bytes(packed(model))
    return path


BIAS = np.array([2.0, -0.5, 0.25], np.float32)
LAYER_RANGES = {"x": (-1.0, 3.0), "segmenter/stem": (-4.0, 8.0)}
X = np.array([[1.0, -1.0, 3.0]], np.float32)


def layer(kind: str, weights: NDArray[np.float32], source: str = "x") -> bytes:
    """`source` → one layer called stem; weights (out, in), or (channels, 1) of a depthwise convolution."""
    options = {
        "FULLY_CONNECTED": schema.FullyConnectedOptionsT(),
        "CONV_2D": schema.Conv2DOptionsT(),
        "DEPTHWISE_CONV_2D": schema.DepthwiseConv2DOptionsT(),
    }[kind]
    shape: tuple[int, ...] = (1, 3)
    if kind != "FULLY_CONNECTED":
        options.strideH = options.strideW = options.dilationHFactor = options.dilationWFactor = 1
        shape = (1, 1, 1, 3)
        weights = weights[:, None, None, :] if kind == "CONV_2D" else weights.T[None, None]
    if kind == "DEPTHWISE_CONV_2D":
        options.depthMultiplier = 1
    graph = schema.SubGraphT()
    graph.tensors = [tensor(source, shape, 0), tensor("w", weights.shape, 1), tensor("b", BIAS.shape, 2)]
    graph.tensors.append(tensor("segmenter/stem", shape, 0))
    graph.inputs, graph.outputs = [0], [3]
    operator = schema.OperatorT()
    operator.inputs, operator.outputs = [0, 1, 2], [3]
    operator.builtinOptions = options
    operator.builtinOptionsType = getattr(schema.BuiltinOptions, type(options).__name__[:-1])
    graph.operators = [operator]
    code = operator_code(getattr(schema.BuiltinOperator, kind))
    model = schema.ModelT()
    model.version, model.description, model.operatorCodes, model.subgraphs = 3, "", [code], [graph]
    model.signatureDefs = []  # ai-edge-quantizer goes through them
    model.buffers = [schema.BufferT() for _ in range(3)]
    for buffer, values in zip(model.buffers[1:], (weights, BIAS), strict=True):
        buffer.data = np.frombuffer(np.ascontiguousarray(values).tobytes(), np.uint8)
    return packed(model)


def with_stored_weights(data: bytes, stored: NDArray[np.generic], scale: list[float] | None) -> bytes:
    """The layer with its weights behind a DEQUANTIZE, as converters write fp16 and int8 weights."""
    model = parsed(data, Path("layer"))
    graph = model.subgraphs[0]
    expanded = graph.tensors[1]
    source = schema.TensorT()
    source.name, source.shape, source.buffer = b"stored", expanded.shape, 1
    source.type = schema.TensorType.INT8 if scale else schema.TensorType.FLOAT16
    if scale:
        source.quantization = schema.QuantizationParametersT()
        source.quantization.scale = np.array(scale, np.float32)
        source.quantization.zeroPoint = np.zeros(len(scale), np.int64)
    model.buffers[1].data = np.frombuffer(stored.tobytes(), np.uint8)
    expanded.buffer = 0
    graph.tensors.append(source)
    code = schema.OperatorCodeT()
    code.builtinCode = code.deprecatedBuiltinCode = schema.BuiltinOperator.DEQUANTIZE
    code.version = 3
    model.operatorCodes.append(code)
    operator = schema.OperatorT()
    operator.opcodeIndex, operator.inputs, operator.outputs = 1, [len(graph.tensors) - 1], [1]
    graph.operators = [operator, *graph.operators]
    return packed(model)
