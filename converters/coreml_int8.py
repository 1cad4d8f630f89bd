"""int8 quantisation of ML Programs, on any machine: weights per channel, activations from given ranges.

coremltools' own `linear_quantize_activations` runs the model on a Mac to measure its ranges. Here the ranges are given
(the reference executor supplies them), and a pass of our own inserts `quantize`/`dequantize` pairs before the inputs of
chosen operations: one pair per tensor, scale and zero point computed in float64.
coremltools' passes leave matmul out, compute the zero point in fp16 (it overflows when a range passes 512),
repeat a pair for every reader of a tensor, and put a pair between a convolution and its silu.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from edgekit.errors import CalibrationError
from edgekit.recipes import block_of_parameter, layer_of

if TYPE_CHECKING:
    import coremltools as ct

QUANTIZABLE = ("conv", "linear", "matmul", "add")
INT8 = (-128, 127)
# fp16 holds this scale to 1 part in 32; a smaller one would lose its digits, and round to zero below 2⁻²⁵.
SMALLEST_SCALE = 2.0**-19
MIN_WEIGHTS = 0  # no minimum: quantise every chosen operation, however few weights it has

Range = tuple[float, float]


def blocks_of(model: ct.models.MLModel) -> dict[str, str]:
    """Map every quantisable operation's name to its block (`edgekit.recipes.BLOCKS`).

    A convolution or linear map carries its parameter's path in its weight's name; a matmul belongs to the block
    that computed its inputs; a residual addition of the transformer to its layer (`stage3.0`). Operations of the
    output head belong to no block.
    """
    found = blocks_of_operations(model)
    kinds = {op.name: op.op_type for op in program_of(model).operations if op.name in found}
    return {name: block for name, block in found.items() if kinds[name] in QUANTIZABLE}


def blocks_of_operations(model: ct.models.MLModel) -> dict[str, str]:
    """Map the name of every operation that lies in a block to that block; what follows an operation lies in its."""
    block_of_tensor: dict[str, str] = {}
    blocks: dict[str, str] = {}
    for op in program_of(model).operations:
        if op.op_type == "const" or op.op_type.startswith("constexpr"):
            continue
        block = _block(op, block_of_tensor)
        if block is None:
            continue
        block_of_tensor.update({output.name: block for output in op.outputs})
        blocks[op.name] = block
    return blocks


def _block(op: Any, block_of_tensor: Mapping[str, str]) -> str | None:
    if op.op_type in ("conv", "linear"):
        return block_of_parameter(op.weight.name)
    inputs = [block_of_tensor.get(variable.name) for variable in op.get_flattened_inputs()]
    known = [block for block in inputs if block is not None]
    if not known:
        return None
    block = known[-1]  # the residual is the first input of an addition, the block's own result the last
    return layer_of(block) if op.op_type == "add" else block


def program_of(model: ct.models.MLModel) -> Any:
    """The `main` function of a model made in this process (not one read from disk)."""
    return model._mil_program.functions["main"]  # no public way to the program


def activations_of(model: ct.models.MLModel, operations: Collection[str]) -> tuple[str, ...]:
    """The tensors whose ranges `quantize_activations` needs for these operations, in the order of the program."""
    names = (
        variable.name
        for op in program_of(model).operations
        if op.name in operations
        for _, variable in _activations(op)
    )
    return tuple(dict.fromkeys(names))


def _activations(op: Any) -> Iterator[tuple[str, Any]]:
    """Yield (parameter, variable) of the inputs that are computed, not constant or the program's own."""
    for parameter in ("x", "y"):
        variable = op.inputs.get(parameter)
        if variable is not None and variable.op is not None and variable.val is None:
            yield parameter, variable


def quantize_weights(model: ct.models.MLModel, operations: Collection[str]) -> ct.models.MLModel:
    """Quantise the weights of these conv and linear operations to int8, symmetric, per output channel.

    They are stored as iOS 16 reads them: `constexpr_affine_dequantize`.
    """
    import coremltools as ct

    optimize = ct.optimize.coreml
    config = optimize.OpLinearQuantizerConfig(mode="linear_symmetric", weight_threshold=MIN_WEIGHTS)
    names = {name: config for name in operations}
    with np.errstate(divide="ignore", invalid="ignore"):  # a channel of zeros gets scale 0, which is right
        return optimize.linear_quantize_weights(model, optimize.OptimizationConfig(op_name_configs=names))


def quantize_activations(
    model: ct.models.MLModel,
    ranges: Mapping[str, Range],
    operations: Collection[str],
    symmetric: Collection[str] = (),
) -> ct.models.MLModel:
    """Quantise the computed inputs of these operations (conv, linear, matmul, add) to int8, per tensor.

    `ranges`: lowest and highest value of each tensor in `activations_of(model, operations)`. Tensors named in
    `symmetric` get zero point 0. The model must have been converted for iOS 17 or later.
    Raises CalibrationError for a tensor without a usable range.
    """
    from coremltools import _SPECIFICATION_VERSION_IOS_17
    from coremltools.models.utils import _apply_graph_pass

    scales = {name: affine(name, ranges, name in symmetric) for name in activations_of(model, operations)}
    return _apply_graph_pass(
        model, _pass(scales, operations), spec_version=_SPECIFICATION_VERSION_IOS_17, skip_model_load=True
    )


@dataclass(frozen=True)
class Affine:
    """value = (level − zero_point) · scale, levels from −128 to 127."""

    scale: float
    zero_point: int


def affine(name: str, ranges: Mapping[str, Range], symmetric: bool) -> Affine:
    """Scale and zero point that cover a tensor's range and zero; a range too narrow for an fp16 scale is widened."""
    if name not in ranges:
        raise CalibrationError(f"Tensor {name} of the Core ML program has no range; calibrate it first.")
    low, high = min(ranges[name][0], 0.0), max(ranges[name][1], 0.0)
    if not np.isfinite((low, high)).all():
        raise CalibrationError(f"Tensor {name} has the range {ranges[name]}, which is not finite.")
    if symmetric:
        return Affine(max(-low, high, SMALLEST_SCALE * INT8[1]) / INT8[1], 0)
    scale = max((high - low) / (INT8[1] - INT8[0]), SMALLEST_SCALE)
    return Affine(scale, int(np.clip(round(INT8[0] - low / scale), *INT8)))


def _pass(scales: Mapping[str, Affine], operations: Collection[str]) -> Any:
    """A graph pass that inserts one quantize/dequantize pair after each tensor, for these operations only."""
    from coremltools.converters.mil import Builder as mb
    from coremltools.converters.mil.mil import types
    from coremltools.converters.mil.mil.passes.graph_pass import AbstractGraphPass
    from coremltools.converters.mil.mil.passes.helper import block_context_manager

    def pair(variable: Any, before: Any) -> Any:
        known = scales[variable.name]
        kind = np.float16 if variable.dtype == types.fp16 else np.float32
        scale, zero_point = kind(known.scale), np.int8(known.zero_point)
        levels = mb.quantize(
            input=variable,
            scale=scale,
            zero_point=zero_point,
            output_dtype="int8",
            name=f"{variable.name}_int8",
            before_op=before,
        )
        return mb.dequantize(
            input=levels,
            scale=scale,
            zero_point=zero_point,
            name=f"{variable.name}_dequantized",
            before_op=before,
        )

    class InsertPairs(AbstractGraphPass):  # type: ignore[misc]
        def apply(self, prog: Any) -> None:
            for function in prog.functions.values():
                self._insert(function)

        @block_context_manager  # type: ignore[untyped-decorator]
        def _insert(self, block: Any) -> None:
            pairs: dict[str, Any] = {}
            for op in list(block.operations):
                if op.name not in operations:
                    continue
                changed = {}
                for parameter, variable in list(_activations(op)):
                    if variable.name not in pairs:
                        pairs[variable.name] = pair(variable, op)
                    changed[parameter] = pairs[variable.name]
                op.set_inputs(**changed)

    return InsertPairs()
