"""Every operator of the executor against a definition that is not its own.

That is coremltools' own value inference where it has one (the operation is built on constants only), else
plain numpy loops written from the MIL operator documentation. Shapes, strides, pads and scales differ per axis.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import coremltools as ct
import numpy as np
import pytest
import torch
from coremltools.converters.mil import Builder as mb
from coremltools.converters.mil.mil import Function, types
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from edgekit.errors import UnsupportedOperator
from edgekit.runtimes import mil_operators, mil_reference
from edgekit.runtimes.mil_operators import OPERATORS, Kernel, Operation
from edgekit.runtimes.mil_reference import AFFINE, MilFunction

Array = NDArray[Any]
Definition = Callable[..., Array | list[Array]]
MIL_TYPES = {"float32": types.fp32, "float16": types.fp16, "int32": types.int32, "int8": types.int8}
FP32_TOLERANCE = 2e-6  # relative to the largest value: sums of a few dozen products in another order
FP16_TOLERANCE = 2.0**-10  # one unit in the last place of fp16: numpy may round a tie's other neighbour


def noise(*shape: int, seed: int = 0, scale: float = 1.0) -> Array:
    return (np.random.default_rng(seed).standard_normal(shape) * scale).astype(np.float32)


def levels(*shape: int, seed: int = 0) -> Array:
    return np.random.default_rng(seed).integers(-128, 128, shape).astype(np.int8)


# -- numpy definitions, for the operators that coremltools cannot evaluate ------------------------------------


def silu(x: Array) -> Array:
    wide = x.astype(np.float64)
    return wide / (1 + np.exp(-wide))


def conv(
    x: Array,
    weight: Array,
    bias: Array | None = None,
    strides: tuple[int, int] = (1, 1),
    dilations: tuple[int, int] = (1, 1),
    groups: int = 1,
    pad_type: str = "valid",
    pad: tuple[int, int, int, int] = (0, 0, 0, 0),
) -> Array:
    """Convolution by its definition: one output value at a time."""
    sizes, kernel = x.shape[2:], weight.shape[2:]
    pads = [(pad[0], pad[1]), (pad[2], pad[3])] if pad_type == "custom" else [(0, 0), (0, 0)]
    if pad_type.startswith("same"):
        for axis in range(2):
            out = -(-sizes[axis] // strides[axis])
            total = max((out - 1) * strides[axis] + (kernel[axis] - 1) * dilations[axis] + 1 - sizes[axis], 0)
            before = total // 2 if pad_type == "same" else total - total // 2
            pads[axis] = (before, total - before)
    padded = np.pad(x.astype(np.float64), [(0, 0), (0, 0), *pads])
    extent = [(kernel[a] - 1) * dilations[a] + 1 for a in range(2)]
    height, width = ((padded.shape[2 + a] - extent[a]) // strides[a] + 1 for a in range(2))
    out_per_group, in_per_group = weight.shape[0] // groups, weight.shape[1]
    y = np.zeros((x.shape[0], weight.shape[0], height, width))
    for o in range(weight.shape[0]):
        first = o // out_per_group * in_per_group
        for i in range(height):
            for j in range(width):
                top, left = i * strides[0], j * strides[1]
                window = padded[
                    :,
                    first : first + in_per_group,
                    top : top + extent[0] : dilations[0],
                    left : left + extent[1] : dilations[1],
                ]
                y[:, o, i, j] = (window * weight[o].astype(np.float64)).sum((1, 2, 3))
    return y if bias is None else y + bias.astype(np.float64)[:, None, None]


def interpolated(x: Array, rows: Array, columns: Array) -> Array:
    """x at the given (fractional) rows and columns, bilinear, clamped at the border."""
    y = x.astype(np.float64)
    for axis, grid in ((2, rows), (3, columns)):
        grid = np.clip(grid, 0, y.shape[axis] - 1)
        low = np.floor(grid).astype(int)
        high = np.minimum(low + 1, y.shape[axis] - 1)
        shape = [1] * 4
        shape[axis] = -1
        share = (grid - low).reshape(shape)
        y = np.take(y, low, axis) * (1 - share) + np.take(y, high, axis) * share
    return y


def upsample_bilinear(
    x: Array, scale_factor_height: int, scale_factor_width: int, align_corners: bool
) -> Array:
    def grid(size: int, factor: int) -> Array:
        out = np.arange(size * factor)
        return out * (size - 1) / (size * factor - 1) if align_corners else (out + 0.5) / factor - 0.5

    return interpolated(x, grid(x.shape[2], scale_factor_height), grid(x.shape[3], scale_factor_width))


def resize_bilinear(x: Array, target_size_height: int, target_size_width: int, sampling_mode: str) -> Array:
    def grid(size: int, target: int) -> Array:
        out = np.arange(target)
        if sampling_mode == "STRICT_ALIGN_CORNERS":
            return out * (size - 1) / max(target - 1, 1)
        return out * size / target + 0.5 * size / target - 0.5

    return interpolated(x, grid(x.shape[2], target_size_height), grid(x.shape[3], target_size_width))


def avg_pool(
    x: Array, kernel_sizes: tuple[int, int], strides: tuple[int, int], pad_type: str, pad: object = None
) -> Array:
    """The mean of each window, without padding."""
    height, width = ((x.shape[2 + a] - kernel_sizes[a]) // strides[a] + 1 for a in range(2))
    y = np.zeros((*x.shape[:2], height, width))
    for i in range(height):
        for j in range(width):
            top, left = i * strides[0], j * strides[1]
            y[:, :, i, j] = x[:, :, top : top + kernel_sizes[0], left : left + kernel_sizes[1]].mean((2, 3))
    return y


# -- the cases ------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Case:
    """`tensors` are inputs of the program, `constants` are constants in it; `definition` None is coremltools."""

    op_type: str
    tensors: Mapping[str, Array | list[Array]]
    constants: Mapping[str, Any]
    definition: Definition | None = None
    target: Any = ct.target.iOS16

    @property
    def flat(self) -> dict[str, Array]:
        """The program's inputs by name; a list's members are numbered."""
        named: dict[str, Array] = {}
        for name, value in self.tensors.items():
            members = (
                {f"{name}{i}": v for i, v in enumerate(value)} if isinstance(value, list) else {name: value}
            )
            named.update(members)
        return named


X = noise(1, 3, 5, 7)
WEIGHT = noise(4, 3, 3, 2, seed=1)
BIAS = noise(4, seed=2)
WIDE = noise(2, 6, 4, seed=3, scale=3)
HALVES = np.array([[-1.25, -0.75, -0.25, 0.25], [0.75, 1.25, 60.0, -90.0]], np.float32)  # ties at scale 0.5
AXIS_SCALES = np.array([0.5, 0.125], np.float32)
TIED = np.array([[1.0, 3.0, 3.0], [2.0, -1.0, 2.0]], np.float32)


def conv_case(constants: Mapping[str, Any], x: Array = X, weight: Array = WEIGHT) -> Case:
    return Case("conv", {"x": x}, {"weight": weight, **constants}, conv)


CASES: Mapping[str, Case] = {
    "add broadcasts": Case("add", {"x": WIDE, "y": noise(6, 1, seed=4)}, {}),
    "add a constant": Case("add", {"x": WIDE}, {"y": noise(4, seed=4)}),
    "sub": Case("sub", {"x": WIDE, "y": noise(6, 1, seed=4)}, {}),
    "mul": Case("mul", {"x": WIDE, "y": noise(6, 1, seed=4)}, {}),
    "relu": Case("relu", {"x": WIDE}, {}),
    "sigmoid": Case("sigmoid", {"x": WIDE}, {}),
    "silu": Case("silu", {"x": WIDE}, {}, silu),
    "identity": Case("identity", {"x": WIDE}, {}),
    "cast to int32 truncates": Case("cast", {"x": WIDE}, {"dtype": "int32"}),
    "cast to fp16 rounds": Case("cast", {"x": WIDE}, {"dtype": "fp16"}),
    "cast to fp32": Case("cast", {"x": np.arange(-3, 3, dtype=np.int32)}, {"dtype": "fp32"}),
    "concat in the middle": Case("concat", {"values": [WIDE, noise(2, 3, 4)]}, {"axis": 1}),
    "concat from the end": Case("concat", {"values": [WIDE, noise(2, 6, 1), WIDE]}, {"axis": -1}),
    "split by sizes": Case("split", {"x": WIDE}, {"axis": 1, "split_sizes": np.array([1, 3, 2], np.int32)}),
    "split by number": Case("split", {"x": WIDE}, {"axis": -1, "num_splits": 2}),
    "reshape": Case("reshape", {"x": WIDE}, {"shape": np.array([4, -1, 3], np.int32)}),
    "transpose": Case("transpose", {"x": WIDE}, {"perm": np.array([2, 0, 1], np.int32)}),
    "transpose from the end": Case("transpose", {"x": WIDE}, {"perm": np.array([-1, 0, 1], np.int32)}),
    "expand_dims": Case("expand_dims", {"x": WIDE}, {"axes": np.array([0, 2], np.int32)}),
    "expand_dims at the end": Case("expand_dims", {"x": WIDE}, {"axes": np.array([-1, 1], np.int32)}),
    "squeeze one": Case("squeeze", {"x": noise(1, 3, 1, 2)}, {"axes": np.array([2], np.int32)}),
    "squeeze all": Case("squeeze", {"x": noise(1, 3, 1, 2)}, {}),
    "softmax last": Case("softmax", {"x": WIDE}, {"axis": -1}),
    "softmax middle": Case("softmax", {"x": WIDE}, {"axis": 1}),
    "reduce_mean of two axes": Case("reduce_mean", {"x": X}, {"axes": np.array([2, 3], np.int32), "keep_dims": True}),
    "reduce_mean dropped": Case("reduce_mean", {"x": X}, {"axes": np.array([1], np.int32), "keep_dims": False}),
    "reduce_mean of all": Case("reduce_mean", {"x": X}, {"keep_dims": False}),
    "reduce_argmax": Case("reduce_argmax", {"x": X}, {"axis": 1, "keep_dims": True}),
    "reduce_argmax dropped, first of equals": Case("reduce_argmax", {"x": TIED}, {"axis": -1, "keep_dims": False}),
    "linear": Case("linear", {"x": WIDE}, {"weight": noise(5, 4), "bias": noise(5, seed=7)}),
    "linear without bias": Case("linear", {"x": WIDE}, {"weight": noise(5, 4)}),
    "matmul": Case("matmul", {"x": WIDE, "y": noise(2, 4, 3)}, {}),
    "matmul, y transposed": Case("matmul", {"x": WIDE, "y": noise(2, 5, 4)}, {"transpose_y": True}),
    "matmul, x transposed": Case("matmul", {"x": WIDE, "y": noise(2, 6, 5)}, {"transpose_x": True}),
    "layer_norm": Case(
        "layer_norm",
        {"x": WIDE},
        {
            "axes": np.array([-1], np.int32),
            "gamma": noise(4, seed=5),
            "beta": noise(4, seed=6),
            "epsilon": np.float32(0.1),
        },
    ),
    "layer_norm bare, two axes": Case("layer_norm", {"x": WIDE}, {"axes": np.array([1, 2], np.int32)}),
    "avg_pool, windows apart": Case(
        "avg_pool", {"x": X}, {"kernel_sizes": (2, 3), "strides": (2, 3), "pad_type": "valid"}, avg_pool
    ),
    "avg_pool, no custom padding": Case(
        "avg_pool",
        {"x": X},
        {"kernel_sizes": (3, 2), "strides": (1, 2), "pad_type": "custom", "pad": (0, 0, 0, 0)},
        avg_pool,
    ),
    "conv valid": conv_case({"pad_type": "valid"}),
    "conv strides": conv_case({"strides": (2, 3), "bias": BIAS}),
    "conv dilations": conv_case({"dilations": (1, 3), "bias": BIAS}),
    "conv custom pads": conv_case({"pad_type": "custom", "pad": (2, 0, 1, 3), "strides": (2, 1)}),
    "conv even pads": conv_case({"pad_type": "custom", "pad": (1, 1, 2, 2), "dilations": (2, 1)}),
    "conv same": conv_case({"pad_type": "same", "strides": (2, 2)}, x=noise(1, 3, 6, 8)),
    "conv same_lower": conv_case({"pad_type": "same_lower", "strides": (2, 2)}, x=noise(1, 3, 6, 8)),
    "conv groups": conv_case({"groups": 2}, x=noise(2, 6, 5, 4)),
    "conv depthwise": conv_case({"groups": 4, "pad_type": "same"}, x=noise(1, 4, 5, 4), weight=noise(4, 1, 3, 3)),
    "upsample_bilinear, half-pixel centres": Case(
        "upsample_bilinear",
        {"x": X},
        {"scale_factor_height": 2, "scale_factor_width": 3, "align_corners": False},
        upsample_bilinear,
    ),
    "upsample_bilinear, aligned corners": Case(
        "upsample_bilinear",
        {"x": X},
        {"scale_factor_height": 2, "scale_factor_width": 3, "align_corners": True},
        upsample_bilinear,
    ),
    "resize_bilinear, half-pixel centres": Case(
        "resize_bilinear",
        {"x": X},
        {"target_size_height": 8, "target_size_width": 4, "sampling_mode": "UNALIGN_CORNERS"},
        resize_bilinear,
    ),
    "resize_bilinear, aligned corners": Case(
        "resize_bilinear",
        {"x": X},
        {"target_size_height": 8, "target_size_width": 4, "sampling_mode": "STRICT_ALIGN_CORNERS"},
        resize_bilinear,
    ),
    "quantize, ties to even, clipped": Case(
        "quantize",
        {"input": HALVES},
        {"scale": np.float32(0.5), "zero_point": np.int8(-3), "output_dtype": "int8"},
        target=ct.target.iOS17,
    ),
    "quantize without zero point": Case(
        "quantize", {"input": HALVES}, {"scale": np.float32(0.5), "output_dtype": "int8"}, target=ct.target.iOS17
    ),
    "quantize to uint8 per row": Case(
        "quantize",
        {"input": HALVES},
        {"scale": AXIS_SCALES, "zero_point": np.array([9, 120], np.uint8), "axis": 0, "output_dtype": "uint8"},
        target=ct.target.iOS17,
    ),
    "dequantize": Case(
        "dequantize",
        {"input": levels(2, 5)},
        {"scale": np.float32(0.3), "zero_point": np.int8(-7)},
        target=ct.target.iOS17,
    ),
    "dequantize without zero point, per column": Case(
        "dequantize",
        {"input": levels(3, 2)},
        {"scale": AXIS_SCALES, "axis": 1},
        target=ct.target.iOS17,
    ),
    "constexpr_affine_dequantize per row": Case(
        AFFINE,
        {},
        {
            "quantized_data": levels(2, 3),
            "zero_point": np.array([3, -4], np.int8),
            "scale": AXIS_SCALES,
            "axis": np.int32(0),
        },
    ),
    "constexpr_affine_dequantize per column": Case(
        AFFINE,
        {},
        {"quantized_data": levels(3, 2), "zero_point": np.int8(0), "scale": AXIS_SCALES, "axis": np.int32(1)},
    ),
}  # fmt: skip
HALF_CASES = sorted(
    name
    for name, case in CASES.items()
    if case.op_type not in ("cast", "quantize", "dequantize", AFFINE)
    or name in ("quantize, ties to even, clipped", "dequantize")
)


def halved(value: Any) -> Any:
    """Floats as fp16; everything else as it is."""
    if isinstance(value, list):
        return [halved(v) for v in value]
    is_float = isinstance(value, np.ndarray | np.generic) and value.dtype == np.float32
    return value.astype(np.float16) if is_float else value


def in_half(case: Case) -> Case:
    tensors = {name: halved(value) for name, value in case.tensors.items()}
    constants = {name: halved(value) for name, value in case.constants.items()}
    return Case(case.op_type, tensors, constants, case.definition, case.target)


def executed(case: Case) -> list[Array]:
    """What the executor makes of a program that holds the case's operation alone."""
    inputs = case.flat
    placeholders = {n: mb.placeholder(v.shape, dtype=MIL_TYPES[v.dtype.name]) for n, v in inputs.items()}
    with Function(placeholders, opset_version=case.target) as function:
        tensors = {
            name: [function.inputs[f"{name}{i}"] for i in range(len(value))]
            if isinstance(value, list)
            else function.inputs[name]
            for name, value in case.tensors.items()
        }
        made = getattr(mb, case.op_type)(**tensors, **case.constants)
        made = mb.identity(x=made) if case.op_type == AFFINE else made
        function.set_outputs(made if isinstance(made, list | tuple) else [made])
    wide = {n: v.astype(np.float32) if v.dtype == np.float16 else v for n, v in inputs.items()}
    results = MilFunction(function).run({name: torch.from_numpy(np.array(v)) for name, v in wide.items()})
    return [value.numpy() for value in results.values()]


def defined(case: Case) -> list[Array]:
    """What the case's definition says; coremltools' value inference on constants where it has none."""
    if case.definition is not None:
        wide = {n: np.asarray(v, np.float64) for n, v in case.tensors.items()}
        made = case.definition(**wide, **case.constants)
        return made if isinstance(made, list) else [made]
    with Function({}, opset_version=case.target):
        made = getattr(mb, case.op_type)(**case.tensors, **case.constants)
    variables = made if isinstance(made, list | tuple) else [made]
    return [np.asarray(v.op.materialized_val_inference() if v.val is None else v.val) for v in variables]


def agrees(case: Case, tolerance: float) -> bool:
    """Every output of the executor has the shape of its definition and lies within the tolerance."""
    got, wanted = executed(case), defined(case)
    return len(got) == len(wanted) and all(
        g.shape == w.shape
        and np.allclose(g, w.astype(np.float64), rtol=tolerance, atol=tolerance * np.abs(w).max())
        for g, w in zip(got, wanted, strict=True)
    )


def is_half(value: Array) -> bool:
    """Nothing is lost when the value is stored as fp16."""
    return value.dtype != np.float32 or bool((value == value.astype(np.float16)).all())


def passes(name: str) -> bool:
    """The case in fp32, and in fp16 where the operator takes it."""
    if not agrees(CASES[name], FP32_TOLERANCE):
        return False
    half = in_half(CASES[name])
    return name not in HALF_CASES or (
        agrees(half, FP16_TOLERANCE)
        and (CASES[name].op_type == "cast" or all(is_half(value) for value in executed(half)))
    )


# -- the tests ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", CASES)
def test_fp32_follows_the_definition(name: str) -> None:
    got, wanted = executed(CASES[name]), defined(CASES[name])
    assert [g.shape for g in got] == [w.shape for w in wanted]
    for g, w in zip(got, wanted, strict=True):
        np.testing.assert_allclose(g, w, rtol=FP32_TOLERANCE, atol=FP32_TOLERANCE * np.abs(w).max())
        assert w.dtype.kind != "i" or g.dtype == w.dtype


@pytest.mark.parametrize("name", HALF_CASES)
def test_fp16_is_the_definition_rounded_once(name: str) -> None:
    case = in_half(CASES[name])
    for g, w in zip(executed(case), defined(case), strict=True):
        wanted = w.astype(np.float64)
        np.testing.assert_allclose(g, wanted, rtol=FP16_TOLERANCE, atol=FP16_TOLERANCE * np.abs(wanted).max())
        assert is_half(g)


def test_every_operator_has_a_case() -> None:
    assert {case.op_type for case in CASES.values()} == {*OPERATORS, AFFINE}


def test_fp16_sums_are_not_rounded_in_between() -> None:
    """2048 + 1 + 1 + … is stuck at 2048 in fp16 arithmetic; one rounding at the end keeps the ones."""
    weight = np.array([[2048.0, *[1.0] * 64]], np.float32)
    case = in_half(Case("linear", {"x": np.ones((1, 65), np.float32)}, {"weight": weight}))
    assert executed(case)[0].item() == 2112


# -- wrong kernels must be noticed ------------------------------------------------------------------------------


def _with(operation: Operation, **changed: Any) -> Operation:
    """The operation with some parameters read as other constants."""

    @dataclass(frozen=True)
    class Constant:
        val: Any

    inputs = {**operation.inputs, **{name: Constant(value) for name, value in changed.items()}}
    return Operation(operation.op_type, operation.output, inputs)


def _round_half_up(op: Operation) -> Kernel:
    right = OPERATORS_AS_THEY_ARE["quantize"](op)

    def run(x: Tensor, scale: Tensor, zero: Tensor | None) -> Tensor:
        axis = mil_operators._along(scale, op.integer("axis", 0), x.ndim)
        return right.function(torch.floor(x / axis + 0.5) * axis, scale, zero)

    return Kernel(right.tensors, run)


OPERATORS_AS_THEY_ARE = dict(OPERATORS)


def _changed(op_type: str, **change: Callable[[Operation], Any]) -> Callable[[Operation], Kernel]:
    make = OPERATORS_AS_THEY_ARE[op_type]
    return lambda op: make(_with(op, **{name: value(op) for name, value in change.items()}))


MUTANTS: Mapping[str, tuple[str, Callable[[Operation], Kernel]]] = {
    "strides swapped": ("conv", _changed("conv", strides=lambda op: op.integers("strides", (1, 1))[::-1])),
    "dilations swapped": ("conv", _changed("conv", dilations=lambda op: op.integers("dilations", (1, 1))[::-1])),
    "pads swapped": ("conv", _changed("conv", pad=lambda op: op.integers("pad", (0, 0, 0, 0))[::-1])),
    "same_lower as same": (
        "conv",
        _changed("conv", pad_type=lambda op: op.text("pad_type", "valid").removesuffix("_lower")),
    ),
    "groups forgotten in the order": (
        "conv",
        lambda op: Kernel(
            ("x", "weight", "bias"),
            lambda x, w, b: OPERATORS_AS_THEY_ARE["conv"](op).function(x.flip(1), w, b),
        ),
    ),
    "bias forgotten": (
        "linear",
        lambda op: Kernel(("x", "weight", "bias"), lambda x, weight, bias: F.linear(x, weight)),
    ),
    "rounding half up": ("quantize", _round_half_up),
    "quantised along another axis": ("quantize", _changed("quantize", axis=lambda op: 1 - op.integer("axis", 0))),
    "zero point forgotten": (
        "dequantize",
        lambda op: Kernel(
            ("input", "scale", "zero_point"),
            lambda x, scale, zero: OPERATORS_AS_THEY_ARE["dequantize"](op).function(x, scale, None),
        ),
    ),
    "softmax over another axis": ("softmax", _changed("softmax", axis=lambda op: 0)),
    "argmax takes the last of equals": (
        "reduce_argmax",
        lambda op: Kernel(
            ("x",),
            lambda x: (
                x.shape[op.integer("axis", -1)]
                - 1
                - OPERATORS_AS_THEY_ARE["reduce_argmax"](op).function(x.flip(op.integer("axis", -1)))
            ),
        ),
    ),
    "matmul without transposing": ("matmul", lambda op: Kernel(("x", "y"), lambda x, y: x @ y)),
    "epsilon forgotten": ("layer_norm", _changed("layer_norm", epsilon=lambda op: 0.0)),
    "transposed back": (
        "transpose",
        lambda op: Kernel(("x",), lambda x: x.permute(list(np.argsort(op.integers("perm"))))),
    ),
    "concat along the first axis": ("concat", _changed("concat", axis=lambda op: 0)),
    "corners always aligned": ("upsample_bilinear", _changed("upsample_bilinear", align_corners=lambda op: True)),
    "corners never aligned": (
        "resize_bilinear",
        _changed("resize_bilinear", sampling_mode=lambda op: "UNALIGN_CORNERS"),
    ),
    "cast rounds": (
        "cast",
        lambda op: Kernel(("x",), lambda x: OPERATORS_AS_THEY_ARE["cast"](op).function(x.round())),
    ),
}  # fmt: skip


@pytest.mark.parametrize("mutant", MUTANTS)
def test_a_wrong_kernel_fails_a_case(mutant: str, monkeypatch: pytest.MonkeyPatch) -> None:
    op_type, kernel = MUTANTS[mutant]
    names = [name for name, case in CASES.items() if case.op_type == op_type]
    assert all(passes(name) for name in names)
    monkeypatch.setitem(OPERATORS, op_type, kernel)  # type: ignore[arg-type]
    assert not all(_passes_or_raises(name) for name in names)


def _passes_or_raises(name: str) -> bool:
    try:
        return passes(name)
    except RuntimeError:  # shapes that do not fit
        return False


def test_unrounded_fp16_fails_a_case(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mil_reference, "EXACT", frozenset(OPERATORS))
    assert not all(passes(name) for name in HALF_CASES)


def test_operators_marked_exact_never_leave_fp16() -> None:
    exact = [name for name in HALF_CASES if CASES[name].op_type in mil_operators.EXACT]
    assert {CASES[name].op_type for name in exact} == mil_operators.EXACT
    for name in exact:
        case = in_half(CASES[name])
        assert all(is_half(value) for value in executed(case))


# -- parameters that the executor does not define are refused, never guessed ----------------------------------


REFUSED: Mapping[str, tuple[str, dict[str, Any], str]] = {
    "conv in one dimension": ("conv", {"x": noise(1, 3, 9), "weight": noise(4, 3, 2)}, "1 spatial axes"),
    "layer_norm over the first axis": ("layer_norm", {"x": WIDE, "axes": [0]}, "axes"),
    "concat interleaved": ("concat", {"values": [X, X], "axis": 1, "interleave": True}, "interleave"),
    "resize with another grid": (
        "resize_bilinear",
        {"x": X, "target_size_height": 8, "target_size_width": 4, "sampling_mode": "ALIGN_CORNERS"},
        "sampling_mode 'ALIGN_CORNERS'",
    ),
    "upsample without a grid": (
        "upsample_bilinear",
        {"x": X, "scale_factor_height": 2, "align_corners": False, "half_pixel_centers": False},
        "half_pixel_centers",
    ),
    "upsample to a fraction": (
        "upsample_bilinear",
        {"x": X, "scale_factor_height": 1.5, "scale_factor_width": 2.0, "align_corners": False},
        "fractional",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_other_parameters_are_refused(name: str) -> None:
    op_type, arguments, reason = REFUSED[name]
    tensors = {n: v for n, v in arguments.items() if n in ("x", "values")}
    constants = {n: v for n, v in arguments.items() if n not in tensors}
    with pytest.raises(UnsupportedOperator, match=op_type) as caught:
        executed(Case(op_type, tensors, constants))
    assert reason in caught.value.operator
