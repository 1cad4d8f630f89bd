"""Core ML's ML Program operators, as this project emits them, defined on PyTorch's CPU kernels.

Values are float32 tensors. An operator whose type in the program is fp16 computes in fp32, and its result is
rounded once to fp16 (`mil_reference` does that). Each entry of `OPERATORS` reads an operation's constant
parameters once and returns the function of its tensor inputs. Parameters have the meaning of the MIL operator
documentation (coremltools.converters.mil.mil.ops.defs.iOS15–iOS17).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from edgekit.errors import UnsupportedOperator

Function = Callable[..., Tensor | tuple[Tensor, ...]]
TORCH_TYPES: Mapping[str, torch.dtype] = {
    "fp16": torch.float32,  # rounded by the executor, kept wide
    "fp32": torch.float32,
    "int32": torch.int32,
    "int8": torch.int8,
    "uint8": torch.uint8,
    "bool": torch.bool,
}
BYTE_RANGES: Mapping[str, tuple[int, int]] = {"int8": (-128, 127), "uint8": (0, 255)}


@dataclass(frozen=True)
class Operation:
    """A MIL operation: its type, the name of its first output and its inputs as MIL variables."""

    op_type: str
    output: str
    inputs: Mapping[str, Any]

    def value(self, name: str) -> Any:
        """The constant given for a parameter, or None when it was left out."""
        variable = self.inputs.get(name)
        return None if variable is None else variable.val

    def integers(self, name: str, default: Sequence[int] = ()) -> list[int]:
        value = self.value(name)
        return list(default) if value is None else [int(v) for v in np.atleast_1d(value)]

    def integer(self, name: str, default: int) -> int:
        value = self.value(name)
        return default if value is None else int(value)

    def number(self, name: str, default: float) -> float:
        value = self.value(name)
        return default if value is None else float(value)

    def flag(self, name: str, default: bool = False) -> bool:
        value = self.value(name)
        return default if value is None else bool(value)

    def text(self, name: str, default: str) -> str:
        value = self.value(name)
        return default if value is None else str(value)

    def unsupported(self, feature: str) -> UnsupportedOperator:
        return UnsupportedOperator("coreml", f"{self.op_type} with {feature}", self.output)


@dataclass(frozen=True)
class Kernel:
    """An executable operator. `function` takes the inputs named in `tensors`, in order; None for a missing one."""

    tensors: tuple[str, ...]
    function: Function


def _unary(function: Callable[[Tensor], Tensor]) -> Callable[[Operation], Kernel]:
    return lambda op: Kernel(("x",), function)


def _binary(function: Callable[[Tensor, Tensor], Tensor]) -> Callable[[Operation], Kernel]:
    return lambda op: Kernel(("x", "y"), function)


def _same_padding(size: int, kernel: int, stride: int, dilation: int, lower: bool) -> tuple[int, int]:
    """Padding of MIL's `same` (`same_lower`): the output is ⌈size/stride⌉, and an odd pixel goes after (before)."""
    total = max(0, (-(-size // stride) - 1) * stride + dilation * (kernel - 1) + 1 - size)
    small, large = total // 2, total - total // 2
    return (large, small) if lower else (small, large)


def _conv(op: Operation) -> Kernel:
    strides, dilations = op.integers("strides", (1, 1)), op.integers("dilations", (1, 1))
    groups, pad_type = op.integer("groups", 1), op.text("pad_type", "valid")
    pads = op.integers("pad", (0, 0, 0, 0))  # top, bottom, left, right
    if len(strides) != 2 or pad_type not in ("valid", "custom", "same", "same_lower"):
        raise op.unsupported(f"{len(strides)} spatial axes and pad_type {pad_type!r}")

    def run(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        top, bottom, left, right = pads if pad_type == "custom" else (0, 0, 0, 0)
        if pad_type.startswith("same"):
            lower = pad_type == "same_lower"
            top, bottom = _same_padding(x.shape[2], weight.shape[2], strides[0], dilations[0], lower)
            left, right = _same_padding(x.shape[3], weight.shape[3], strides[1], dilations[1], lower)
        if top == bottom and left == right:
            return F.conv2d(x, weight, bias, strides, (top, left), dilations, groups)
        return F.conv2d(F.pad(x, (left, right, top, bottom)), weight, bias, strides, 0, dilations, groups)

    return Kernel(("x", "weight", "bias"), run)


def _avg_pool(op: Operation) -> Kernel:
    kernel, strides = op.integers("kernel_sizes"), op.integers("strides", (1, 1))
    padded = op.text("pad_type", "valid") != "valid" and any(op.integers("pad", (0,)))
    if len(kernel) != 2 or padded or op.flag("ceil_mode"):
        raise op.unsupported(f"{len(kernel)} spatial axes, padding or ceil_mode")
    return Kernel(("x",), lambda x: F.avg_pool2d(x, kernel, strides))


def _linear(op: Operation) -> Kernel:
    return Kernel(("x", "weight", "bias"), F.linear)


def _matmul(op: Operation) -> Kernel:
    over_x, over_y = op.flag("transpose_x"), op.flag("transpose_y")

    def run(x: Tensor, y: Tensor) -> Tensor:
        return (x.mT if over_x else x) @ (y.mT if over_y else y)

    return Kernel(("x", "y"), run)


def _layer_norm(op: Operation) -> Kernel:
    axes, epsilon = op.integers("axes"), op.number("epsilon", 1e-5)

    def run(x: Tensor, gamma: Tensor | None, beta: Tensor | None) -> Tensor:
        if sorted(axis % x.ndim for axis in axes) != list(range(x.ndim - len(axes), x.ndim)):
            raise op.unsupported(f"axes {axes} of {x.ndim}")
        return F.layer_norm(x, x.shape[x.ndim - len(axes) :], gamma, beta, epsilon)

    return Kernel(("x", "gamma", "beta"), run)


def _softmax(op: Operation) -> Kernel:
    axis = op.integer("axis", -1)
    return Kernel(("x",), lambda x: torch.softmax(x, axis))


def _reduce_mean(op: Operation) -> Kernel:
    axes, keep = op.integers("axes"), op.flag("keep_dims")
    return Kernel(("x",), lambda x: x.mean(axes or None, keepdim=keep))


def _reduce_argmax(op: Operation) -> Kernel:
    axis, keep = op.integer("axis", -1), op.flag("keep_dims", True)
    if op.text("output_dtype", "int32") != "int32":
        raise op.unsupported(f"output_dtype {op.text('output_dtype', '')!r}")
    return Kernel(("x",), lambda x: x.argmax(axis, keepdim=keep).to(torch.int32))


def _concat(op: Operation) -> Kernel:
    axis = op.integer("axis", 0)
    if op.flag("interleave"):
        raise op.unsupported("interleave")
    return Kernel(("values",), lambda *values: torch.cat(values, axis))


def _split(op: Operation) -> Kernel:
    axis, sizes, count = op.integer("axis", 0), op.integers("split_sizes"), op.integer("num_splits", 0)

    def run(x: Tensor) -> tuple[Tensor, ...]:
        parts: tuple[Tensor, ...] = torch.split(x, sizes or x.shape[axis] // count, axis)
        return parts

    return Kernel(("x",), run)


def _reshape(op: Operation) -> Kernel:
    shape = op.integers("shape")
    if 0 in shape:
        raise op.unsupported("a 0 in its shape")
    return Kernel(("x",), lambda x: x.reshape(shape))


def _transpose(op: Operation) -> Kernel:
    order = op.integers("perm")
    return Kernel(("x",), lambda x: x.permute(order))


def _expand_dims(op: Operation) -> Kernel:
    axes = op.integers("axes")

    def run(x: Tensor) -> Tensor:
        rank = x.ndim + len(axes)
        for axis in sorted(axis % rank for axis in axes):
            x = x.unsqueeze(axis)
        return x

    return Kernel(("x",), run)


def _squeeze(op: Operation) -> Kernel:
    axes = op.integers("axes")
    return Kernel(("x",), lambda x: x.squeeze(axes) if axes else x.squeeze())


def _cast(op: Operation) -> Kernel:
    wanted = op.text("dtype", "fp32")
    if wanted not in TORCH_TYPES:
        raise op.unsupported(f"dtype {wanted!r}")
    return Kernel(("x",), lambda x: x.to(TORCH_TYPES[wanted]))


def _upsample_bilinear(op: Operation) -> Kernel:
    scale = (op.number("scale_factor_height", 1.0), op.number("scale_factor_width", 1.0))
    corners = op.flag("align_corners", True)
    if not all(factor.is_integer() for factor in scale):
        raise op.unsupported(f"fractional factors {scale}")
    if not op.flag("half_pixel_centers", not corners) and not corners:
        raise op.unsupported("neither align_corners nor half_pixel_centers")

    def run(x: Tensor) -> Tensor:
        size = [int(extent * factor) for extent, factor in zip(x.shape[2:], scale, strict=True)]
        return F.interpolate(x, size=size, mode="bilinear", align_corners=corners)

    return Kernel(("x",), run)


def _resize_bilinear(op: Operation) -> Kernel:
    size = [op.integer("target_size_height", 1), op.integer("target_size_width", 1)]
    mode = op.text("sampling_mode", "DEFAULT")
    if mode not in ("UNALIGN_CORNERS", "STRICT_ALIGN_CORNERS"):
        raise op.unsupported(f"sampling_mode {mode!r}")
    corners = mode == "STRICT_ALIGN_CORNERS"
    return Kernel(("x",), lambda x: F.interpolate(x, size=size, mode="bilinear", align_corners=corners))


def _along(values: Tensor, axis: int, rank: int) -> Tensor:
    """Shape a per-channel vector to broadcast along `axis`; a scalar is returned unchanged."""
    if values.ndim == 0:
        return values
    shape = [1] * rank
    shape[axis] = -1
    return values.reshape(shape)


def _quantize(op: Operation) -> Kernel:
    """clip(round_half_even(x / scale) + zero_point): iOS17 `quantize`."""
    kind, axis = op.text("output_dtype", "int8"), op.integer("axis", 0)
    low, high = BYTE_RANGES[kind]

    def run(x: Tensor, scale: Tensor, zero: Tensor | None) -> Tensor:
        levels = (
            x / _along(scale, axis, x.ndim)
        ).round_()  # in place on its own copy: half the memory traffic
        if zero is not None:
            levels.add_(_along(zero, axis, x.ndim))
        return levels.clamp_(low, high).to(TORCH_TYPES[kind])

    return Kernel(("input", "scale", "zero_point"), run)


def _dequantize(op: Operation) -> Kernel:
    """(input − zero_point) · scale: iOS17 `dequantize`."""
    axis = op.integer("axis", 0)

    def run(x: Tensor, scale: Tensor, zero: Tensor | None) -> Tensor:
        levels = x.to(torch.float32)
        if zero is not None:
            levels.sub_(_along(zero, axis, x.ndim))
        return levels.mul_(_along(scale, axis, x.ndim))

    return Kernel(("input", "scale", "zero_point"), run)


def affine_dequantized(op: Operation) -> NDArray[np.float32]:
    """The weight behind a `constexpr_affine_dequantize`: (quantized_data − zero_point) · scale along `axis`."""
    data: NDArray[Any] = np.asarray(op.value("quantized_data"), np.float32)
    shape = [1] * data.ndim
    shape[op.integer("axis", 0)] = -1
    scale, zero = (np.asarray(op.value(name), np.float32) for name in ("scale", "zero_point"))
    scale, zero = (v.reshape(shape) if v.ndim else v for v in (scale, zero))
    return np.asarray((data - zero) * scale, np.float32)


# Operators that only move, select or reinterpret values, whose results need no rounding.
EXACT = frozenset({"reshape", "transpose", "split", "concat", "expand_dims", "squeeze", "relu", "identity"})

OPERATORS: Mapping[str, Callable[[Operation], Kernel]] = {
    "add": _binary(torch.add),
    "avg_pool": _avg_pool,
    "cast": _cast,
    "concat": _concat,
    "conv": _conv,
    "dequantize": _dequantize,
    "expand_dims": _expand_dims,
    "identity": _unary(lambda x: x),
    "layer_norm": _layer_norm,
    "linear": _linear,
    "matmul": _matmul,
    "mul": _binary(torch.mul),
    "quantize": _quantize,
    "reduce_argmax": _reduce_argmax,
    "reduce_mean": _reduce_mean,
    "relu": _unary(torch.relu),
    "reshape": _reshape,
    "resize_bilinear": _resize_bilinear,
    "sigmoid": _unary(torch.sigmoid),
    "silu": _unary(F.silu),
    "softmax": _softmax,
    "split": _split,
    "squeeze": _squeeze,
    "sub": _binary(torch.sub),
    "transpose": _transpose,
    "upsample_bilinear": _upsample_bilinear,
}
