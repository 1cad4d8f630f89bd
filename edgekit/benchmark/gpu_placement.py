"""What GPUs would make of a .tflite: by the classic delegate's rules, by faults as reported, and by asking LiteRT 2.

Apps reach a phone's GPU through TensorFlow Lite's delegate or through LiteRT 2's CompiledModel. The first is judged by
its own source. The second is asked here, on this machine's GPU or on SwiftShader, because its source is not public.
Neither says that a phone computes rightly: graphs that GPUs were reported to compute wrongly in silence are named.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgekit.errors import ConversionError, MissingDependency
from edgekit.runtimes.litert import operator_name
from edgekit.runtimes.litert_gpu import LiteRTGpu

DELEGATE, ASKED = "GPU", "GPU, LiteRT 2"  # processors, as findings name them
# The GPU delegate holds tensors as batch, height, width, channels.
MOST_GPU_DIMENSIONS = 4
# Operators that tensorflow/lite/tools/versioning/gpu_compatibility.cc accepts, without recurrent and lookup operators,
# which no segmenter has.
GPU_OPERATORS = frozenset([
    "ABS", "ADD", "ADD_N", "ATAN2", "AVERAGE_POOL_2D", "BATCH_MATMUL", "CAST", "CEIL", "CONCATENATION",
    "CONV_2D", "COS", "CUMSUM", "DENSIFY", "DEPTHWISE_CONV_2D", "DEPTH_TO_SPACE", "DEQUANTIZE", "DIV",
    "DYNAMIC_UPDATE_SLICE", "ELU", "EQUAL", "EXP", "FLOOR", "FLOOR_DIV", "FLOOR_MOD", "FULLY_CONNECTED",
    "GATHER", "GELU", "GREATER", "GREATER_EQUAL", "HARD_SWISH", "LEAKY_RELU", "LESS", "LESS_EQUAL", "LOG",
    "LOGICAL_AND", "LOGISTIC", "MAXIMUM", "MAX_POOL_2D", "MEAN", "MINIMUM", "MIRROR_PAD", "MUL", "NEG",
    "NOT_EQUAL", "ONE_HOT", "PACK", "PAD", "PADV2", "POW", "PRELU", "QUANTIZE", "REDUCE_MAX",
    "REDUCE_MIN", "REDUCE_PROD", "RELU", "RELU6", "RELU_N1_TO_1", "RESHAPE", "RESIZE_BILINEAR",
    "RESIZE_NEAREST_NEIGHBOR", "RSQRT", "SELECT", "SELECT_V2", "SIGN", "SIN", "SLICE", "SOFTMAX",
    "SPACE_TO_DEPTH", "SPLIT", "SPLIT_V", "SQRT", "SQUARE", "SQUARED_DIFFERENCE", "STABLEHLO_CLAMP",
    "STRIDED_SLICE", "SUB", "SUM", "TANH", "TILE", "TRANSPOSE", "TRANSPOSE_CONV",
])  # fmt: skip
GPU_3D_OR_4D_ONLY = frozenset({"SLICE", "STRIDED_SLICE", "PAD", "PADV2", "MIRROR_PAD"})  # by the same source


@dataclass(frozen=True)
class PlacementFinding:
    """A reason why a processor would not run all of an artifact, or not faster. `severity`: WARNING or NOTE."""

    processor: str
    severity: str
    text: str


def delegate_findings(model: Any) -> list[PlacementFinding]:
    """What TensorFlow Lite's GPU delegate would refuse or not gain from."""
    tensors, kinds = activations(model), kinds_of(activations(model))
    high = sorted({t.name.decode() for t in tensors if len(t.shape) > MOST_GPU_DIMENSIONS})
    dynamic = [t for t in tensors if t.shapeSignature is not None and -1 in list(t.shapeSignature)]
    refused = ", ".join(f"{count} {name}" for name, count in _gpu_refuses(model).most_common())
    problems = {
        f"the delegate refuses {refused}": refused,
        f"{len(high)} tensors have more than 4 dimensions, first {high[:1]}": high,
        f"{len(dynamic)} tensors have a dynamic shape": dynamic,
        f"{kinds['INT16']} int16 tensors, which the delegate leaves to the CPU": kinds["INT16"],
    }
    found = [PlacementFinding(DELEGATE, "WARNING", text) for text, applies in problems.items() if applies]
    if kinds["INT8"]:
        found.append(
            PlacementFinding(
                DELEGATE, "NOTE", "int8 is computed in floating point there: smaller, not faster"
            )
        )
    return found


def _gpu_refuses(model: Any) -> Counter[str]:
    """Count the operators that the GPU delegate's compatibility rules do not accept."""
    refused: Counter[str] = Counter()
    for graph in model.subgraphs:
        for operator in graph.operators:
            name = operator_name(model, operator)
            rank = len(graph.tensors[operator.inputs[0]].shape) if len(operator.inputs) else 4
            if name not in GPU_OPERATORS:
                refused[name] += 1
            elif name in GPU_3D_OR_4D_ONLY and rank not in (3, 4):
                refused[f"{rank}-D {name}"] += 1
    return refused


def reported_faults(model: Any) -> list[PlacementFinding]:
    """The operators that a GPU was reported to compute wrongly without an error, by LiteRT's issue numbers."""
    counts: Counter[str] = Counter()
    for graph in model.subgraphs:
        for operator in graph.operators:
            inputs = [graph.tensors[i] for i in operator.inputs if i >= 0]
            counts.update(_faults_of(operator_name(model, operator), operator, inputs, model))
    return [
        PlacementFinding(DELEGATE, severity, f"{counts[text]} {text}")
        for text, severity in REPORTED.items()
        if counts[text]
    ]


PADDED = "PAD of a rank-3 tensor, whose rows come out shifted (LiteRT 9272)"
SUMMED = "SUM, whose running total is kept in fp16 and overflows above 65504 (LiteRT 9249)"
TRANSPOSED = "BATCH_MATMUL with a square transposed operand, which a GPU reads untransposed in LiteRT 2.1 (LiteRT 8913)"
MIXED = "ADD or MUL of tensors of different ranks, which a GPU aligns wrongly in LiteRT 2.1 (LiteRT 8980)"
RANK_3 = (
    "BATCH_MATMUL on rank-3 tensors, computed wrongly in one other graph on Mali and Adreno (LiteRT 8619); hold the "
    "phone to the bundle's golden picture"
)
REPORTED = {PADDED: "WARNING", SUMMED: "WARNING", TRANSPOSED: "WARNING", MIXED: "WARNING", RANK_3: "NOTE"}


def _faults_of(name: str, operator: Any, inputs: list[Any], model: Any) -> list[str]:
    ranks = [len(tensor.shape) for tensor in inputs]
    if name in ("PAD", "PADV2"):
        return [PADDED] if ranks[0] == 3 else []
    if name == "SUM":
        return [SUMMED]
    if name in ("ADD", "MUL"):
        computed = {len(t.shape) for t in inputs if model.buffers[t.buffer].data is None}
        return [MIXED] if len(computed) > 1 else []
    if name != "BATCH_MATMUL":
        return []
    options = operator.builtinOptions
    turned = [t for t, flag in zip(inputs, (options.adjX, options.adjY), strict=True) if flag]
    square = any(t.shape[-1] == t.shape[-2] for t in turned)
    return [TRANSPOSED] * square + [RANK_3] * (max(ranks) == 3)


def asked(artifact: Path) -> list[PlacementFinding]:
    """What LiteRT's GPU backend makes of the file when it is loaded here; empty where there is nothing to ask."""
    try:
        runtime = LiteRTGpu(artifact)
    except MissingDependency as error:
        return [PlacementFinding(ASKED, "NOTE", f"not asked: {error}")]
    except ConversionError as error:
        return [PlacementFinding(ASKED, "WARNING", str(error))]
    if not runtime.fully_accelerated:
        return [
            PlacementFinding(ASKED, "WARNING", f"leaves operators to the CPU, asked on {runtime.adapter}")
        ]
    return [PlacementFinding(ASKED, "NOTE", f"takes every operator, asked on {runtime.adapter}")]


def activations(model: Any) -> list[Any]:
    """The computed tensors of all subgraphs: those without constant data."""
    return [
        tensor
        for graph in model.subgraphs
        for tensor in graph.tensors
        if model.buffers[tensor.buffer].data is None and tensor.shape is not None
    ]


def kinds_of(tensors: list[Any]) -> Counter[str]:
    from ai_edge_litert import schema_py_generated as schema

    names = {code: name for name, code in vars(schema.TensorType).items() if isinstance(code, int)}
    return Counter(names[tensor.type] for tensor in tensors)
