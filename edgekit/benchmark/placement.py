"""Prediction of the processors that would run an artifact's operators on a phone.

CPU: partitions of the real runtime, whose XNNPACK delegate divides the graph when it is loaded here (with the same
LiteRT version and operator list as on arm64). GPU: the rules in the delegate's own source, because the analyzer inside
the ai-edge-litert package calls every operator compatible. NPU: the integer types in the phone's profile. This is not
a measurement; `edgekit bench` on the phone is.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from edgekit.console import print_table
from edgekit.devices.macos import missing
from edgekit.devices.probe import probe
from edgekit.devices.profiles import Profile
from edgekit.errors import ConversionError, printable
from edgekit.files import JsonValue
from edgekit.runtimes.litert import operator_name, parsed, read_tflite
from edgekit.targets import target_of

# Each partition boundary costs a copy and a synchronisation; edgekit's own artifacts have no more than this.
MOST_PARTITIONS = 2
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


@dataclass(frozen=True)
class Placement:
    """The prediction for one artifact on one phone. `status`: PLANNED, or NOT_RUN with the reason."""

    artifact: Path
    phone: str
    status: str
    reason: str
    cpu_partitions: int | None
    cpu_outside: tuple[str, ...]
    findings: tuple[PlacementFinding, ...]

    @property
    def warnings(self) -> tuple[str, ...]:
        return tuple(f"{f.processor}: {f.text}" for f in self.findings if f.severity == "WARNING")


def place(artifact: Path, phone: Profile) -> Placement:
    """Predict the placement of an artifact on a phone. Raises ConversionError for a damaged file.

    A .tflite is loaded and run in a process of its own, so that a file that crashes it is an ordinary error here.
    """
    target = target_of(artifact)
    if target.name != phone.runtime:
        reason = f"{phone.name} takes {phone.runtime} artifacts"
        return Placement(artifact, phone.name, "NOT_RUN", reason, None, (), ())
    if target.apple:
        return _core_ml(artifact, phone)
    model = parsed(read_tflite(artifact), artifact)
    found = probe(artifact)
    left = found.undelegated_ops
    try:
        findings = (*_cpu(found.partitions, left), *_gpu(model), *_npu(model, phone))
    except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        raise ConversionError("tflite", "placement", f"{artifact} contradicts itself ({error!r}).") from error
    return Placement(artifact, phone.name, "PLANNED", "", found.partitions, left, findings)


def _partitions_text(partitions: int) -> str:
    return f"{partitions} XNNPACK partition" + ("s" if partitions != 1 else "")


def _cpu(partitions: int, outside: Sequence[str]) -> list[PlacementFinding]:
    if partitions <= MOST_PARTITIONS:
        return []
    counts = ", ".join(f"{n} {name}" for name, n in Counter(outside).most_common(5))
    return [
        PlacementFinding(
            "CPU", "WARNING", f"{_partitions_text(partitions)}; outside run {counts or 'no operators'}"
        )
    ]


def _gpu(model: Any) -> list[PlacementFinding]:
    tensors, kinds = _activations(model), _kinds(_activations(model))
    high = sorted({t.name.decode() for t in tensors if len(t.shape) > MOST_GPU_DIMENSIONS})
    dynamic = [t for t in tensors if t.shapeSignature is not None and -1 in list(t.shapeSignature)]
    refused = ", ".join(f"{count} {name}" for name, count in _gpu_refuses(model).most_common())
    problems = {
        f"the delegate refuses {refused}": refused,
        f"{len(high)} tensors have more than 4 dimensions, first {high[:1]}": high,
        f"{len(dynamic)} tensors have a dynamic shape": dynamic,
        f"{kinds['INT16']} int16 tensors, which the delegate leaves to the CPU": kinds["INT16"],
    }
    found = [PlacementFinding("GPU", "WARNING", text) for text, applies in problems.items() if applies]
    if kinds["INT8"]:
        found.append(
            PlacementFinding("GPU", "NOTE", "int8 is computed in floating point there: smaller, not faster")
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


def _npu(model: Any, phone: Profile) -> list[PlacementFinding]:
    kinds = _kinds(_activations(model))
    found = []
    for kind, figure in (("INT8", phone.npu_int8), ("INT16", phone.npu_int16)):
        if kinds[kind] and figure.value is False:
            found.append(
                PlacementFinding("NPU", "WARNING", f"{phone.npu.value} gains nothing from {kind.lower()}")
            )
        elif kinds[kind] and figure.value is None:
            found.append(
                PlacementFinding(
                    "NPU", "NOTE", f"no source says whether {phone.name}'s NPU runs {kind.lower()}"
                )
            )
    if not kinds["INT8"] and not kinds["INT16"] and phone.npu_int8.value:
        found.append(
            PlacementFinding("NPU", "NOTE", "float activations; integer ones would use the NPU better")
        )
    return found


def _activations(model: Any) -> list[Any]:
    """The computed tensors of all subgraphs: those without constant data."""
    return [
        tensor
        for graph in model.subgraphs
        for tensor in graph.tensors
        if model.buffers[tensor.buffer].data is None and tensor.shape is not None
    ]


def _kinds(tensors: list[Any]) -> Counter[str]:
    from ai_edge_litert import schema_py_generated as schema

    names = {code: name for name, code in vars(schema.TensorType).items() if isinstance(code, int)}
    return Counter(names[tensor.type] for tensor in tensors)


def _core_ml(artifact: Path, phone: Profile) -> Placement:
    """Count operators per preferred device in Core ML's compute plan, which exists on a Mac only."""
    if missing():
        return Placement(artifact, phone.name, "NOT_RUN", "Core ML's compute plan needs a Mac", None, (), ())
    import coremltools
    from coremltools.models.compute_plan import MLComputePlan

    model = coremltools.models.MLModel(str(artifact))
    plan = MLComputePlan.load_from_path(model.get_compiled_model_path())
    counts: Counter[str] = Counter()
    for function in plan.model_structure.program.functions.values():
        for operation in function.block.operations:
            usage = plan.get_compute_device_usage_for_mlprogram_operation(operation)
            if usage is not None:
                counts[type(usage.preferred_compute_device).__name__] += 1
    text = ", ".join(f"{count} operators on {device}" for device, count in counts.most_common())
    reason = "Core ML's plan for this Mac, not for the phone"
    return Placement(
        artifact, phone.name, "PLANNED", reason, None, (), (PlacementFinding("Core ML", "NOTE", text),)
    )


def placement_json(placement: Placement) -> dict[str, JsonValue]:
    values = asdict(placement)
    return {**values, "artifact": str(placement.artifact)}


def print_placements(placements: Sequence[Placement]) -> None:
    """Print a table of the placements, all on one phone."""
    from rich.table import Column, Table

    table = Table(
        Column("artifact", overflow="fold"),
        "processor",
        "",
        "what would happen",
        title=f"on {placements[0].phone}",
    )
    for p in placements:
        name = printable(p.artifact.name)
        if p.status == "NOT_RUN":
            table.add_row(name, "", "NOT_RUN", p.reason)
            continue
        if p.cpu_partitions is not None:
            outside = f"; {len(p.cpu_outside)} operators outside" if p.cpu_outside else ""
            table.add_row(name, "CPU", "", f"{_partitions_text(p.cpu_partitions)}{outside}")
        for finding in p.findings:
            table.add_row(name, finding.processor, finding.severity, printable(finding.text, 500))
    print_table(table)
