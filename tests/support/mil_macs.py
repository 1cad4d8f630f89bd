"""Multiply-accumulates of an ML Program by the precision of their factors."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Any, Literal

from converters.coreml_int8 import program_of

if TYPE_CHECKING:
    import coremltools as ct

MULTIPLYING = ("conv", "linear", "matmul")
Precision = Literal["w8a8", "w8", "float"]


def macs_by_precision(model: ct.models.MLModel) -> dict[Precision, int]:
    """Multiply-accumulates of one run, by the precision of both factors.

    `w8a8`: both factors are int8; `w8`: int8 weights and float activations; `float`: the rest.
    """
    totals: dict[Precision, int] = {"w8a8": 0, "w8": 0, "float": 0}
    for op in program_of(model).operations:
        if op.op_type in MULTIPLYING:
            totals[_precision(op)] += macs(op)
    return totals


def macs(op: Any) -> int:
    """Multiply-accumulates of a conv, linear or matmul operation."""
    outputs = prod(int(n) for n in op.outputs[0].shape)
    if op.op_type == "matmul":
        transposed = op.transpose_x is not None and bool(op.transpose_x.val)
        return outputs * int(op.x.shape[-2 if transposed else -1])
    return outputs * prod(int(n) for n in op.weight.shape[1:])  # (out, in / groups, …)


def _precision(op: Any) -> Precision:
    factors = (op.x, op.y if op.op_type == "matmul" else op.weight)
    int8 = [
        f.op is not None and f.op.op_type in ("dequantize", "constexpr_affine_dequantize") for f in factors
    ]
    if all(int8):
        return "w8a8"
    return "w8" if int8[1] and op.op_type != "matmul" else "float"
