"""What a Core ML program computes and moves, block by block, where its time cannot be had: on any machine without iOS.

Counts, not measurements: multiply-accumulates by the precision of their factors, and the bytes that its operations read
and write if nothing stays on the chip between two of them. A level is read and written as one byte; what only turns
levels into values or back belongs to its neighbours and costs nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from math import prod
from typing import TYPE_CHECKING, Any, Literal

from converters.coreml_int8 import blocks_of_operations, program_of

if TYPE_CHECKING:
    import coremltools as ct

MULTIPLYING = ("conv", "linear", "matmul")
WEIGHTS, FROM_LEVELS, TO_LEVELS = "constexpr_affine_dequantize", "dequantize", "quantize"
OTHER = "other"  # in place of a block: what lies outside them, as the output head
Precision = Literal["w8a8", "w8", "float"]
PRECISIONS: tuple[Precision, ...] = ("w8a8", "w8", "float")


@dataclass
class Cost:
    """Of one run. macs: by the precision of both factors; "w8a8": both are int8, "w8": the weights are.

    weight_bytes: read. activation_bytes: read and written.
    """

    macs: dict[Precision, int] = field(default_factory=lambda: dict.fromkeys(PRECISIONS, 0))
    weight_bytes: int = 0
    activation_bytes: int = 0

    def add(self, other: Cost) -> None:
        for precision, count in other.macs.items():
            self.macs[precision] += count
        self.weight_bytes += other.weight_bytes
        self.activation_bytes += other.activation_bytes

    @property
    def bytes(self) -> int:
        return self.weight_bytes + self.activation_bytes


def costs_of(model: ct.models.MLModel) -> dict[str, Cost]:
    """The cost of every block of a model made in this process, in the program's order, and of OTHER."""
    found: dict[str, Cost] = {}
    blocks = blocks_of_operations(model)
    for op in _costing(program_of(model).operations):
        found.setdefault(blocks.get(op.name, OTHER), Cost()).add(_cost(op))
    return found


def total(costs: Mapping[str, Cost]) -> Cost:
    """The cost of all blocks together."""
    whole = Cost()
    for cost in costs.values():
        whole.add(cost)
    return whole


def _costing(operations: Iterable[Any]) -> Iterator[Any]:
    """The operations that compute."""
    free = ("const", FROM_LEVELS, TO_LEVELS)
    return (op for op in operations if op.op_type not in free and not op.op_type.startswith("constexpr"))


def _cost(op: Any) -> Cost:
    cost = Cost()
    if op.op_type in MULTIPLYING:
        cost.macs[_precision(op)] = _macs(op)
    for variable in op.get_flattened_inputs():
        if _is_weight(variable):
            cost.weight_bytes += _bytes(variable)
        elif variable.val is None:
            cost.activation_bytes += _bytes(variable)
    cost.activation_bytes += sum(_written(variable) for variable in op.outputs)
    return cost


def _macs(op: Any) -> int:
    """Multiply-accumulates of a conv, linear or matmul operation."""
    outputs = prod(int(n) for n in op.outputs[0].shape)
    if op.op_type == "matmul":
        transposed = op.transpose_x is not None and bool(op.transpose_x.val)
        return outputs * int(op.x.shape[-2 if transposed else -1])
    return outputs * prod(int(n) for n in op.weight.shape[1:])  # (out, in / groups, …)


def _precision(op: Any) -> Precision:
    first, second = _holds_levels(op.x), _holds_levels(op.y if op.op_type == "matmul" else op.weight)
    if first and second:
        return "w8a8"
    return "w8" if second and op.op_type != "matmul" else "float"


def _holds_levels(variable: Any) -> bool:
    return variable.op is not None and variable.op.op_type in (FROM_LEVELS, WEIGHTS)


def _is_weight(variable: Any) -> bool:
    """Whether it is a constant of several numbers: weights or a bias, not a parameter such as an axis."""
    return variable.op is not None and variable.op.op_type in ("const", WEIGHTS) and len(variable.shape) > 0


def _bytes(variable: Any) -> int:
    """Bytes to read a tensor once: one a level, else those of its type."""
    return prod(int(n) for n in variable.shape) * (1 if _holds_levels(variable) else _width(variable))


def _written(variable: Any) -> int:
    """Bytes to write a tensor once, as levels if nothing else is read of it."""
    readers = [op.op_type for op in variable.child_ops]
    levels = bool(readers) and all(kind == TO_LEVELS for kind in readers)
    return prod(int(n) for n in variable.shape) * (1 if levels else _width(variable))


def _width(variable: Any) -> int:
    from coremltools.converters.mil.mil import types

    return int(types.nptype_from_builtin(variable.dtype)().itemsize)
