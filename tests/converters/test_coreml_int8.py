from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

import coremltools as ct
import numpy as np
import pytest
import torch
from coremltools.converters.mil import Builder as mb
from numpy.typing import NDArray

from converters import coreml, coreml_int8
from converters.conversion import Conversion
from converters.coreml_costs import OTHER, Precision, costs_of, total
from converters.coreml_int8 import (
    Affine,
    activations_of,
    affine,
    blocks_of,
    program_of,
    quantize_activations,
    quantize_weights,
)
from edgekit.errors import CalibrationError
from edgekit.images import InputSize
from edgekit.recipes import BLOCKS, FIRST_BLOCKS, Recipe
from edgekit.runtimes.mil_reference import MilFunction, MilReference, operator_counts
from edgekit.weights import Checkpoint
from tests.support.pictures import picture

SIZE = 128


@pytest.fixture(scope="module")
def parser(checkpoint: Checkpoint) -> ct.models.MLModel:
    """The small parser at 128² in fp16 for iOS 17, with its group output."""
    return coreml._ml_program(Conversion(checkpoint, InputSize.of(SIZE), Recipe("w8a8", mode="w8a8")))


def kinds(model: ct.models.MLModel) -> dict[str, str]:
    return {op.name: op.op_type for op in program_of(model).operations}


def watched_ranges(model: ct.models.MLModel, image: NDArray[np.uint8]) -> dict[str, tuple[float, float]]:
    ranges: dict[str, tuple[float, float]] = {}

    def watch(name: str, value: torch.Tensor) -> None:
        ranges[name] = (float(value.min()), float(value.max()))

    x = torch.from_numpy(image.copy()).permute(2, 0, 1)[None].float()
    MilFunction(program_of(model)).run({"image": x}, watch)
    return ranges


# -- blocks -----------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_every_block_of_the_recipes_has_operations_and_no_other(parser: ct.models.MLModel) -> None:
    assert set(blocks_of(parser).values()) == set(BLOCKS)


@pytest.mark.slow
def test_operations_are_where_they_belong(parser: ct.models.MLModel) -> None:
    blocks, kind = blocks_of(parser), kinds(parser)
    found = {block: sorted(kind[n] for n, b in blocks.items() if b == block) for block in BLOCKS}
    assert found["stem"] == ["conv"]
    assert found["stage1.0"] == ["conv"] * 3
    assert found["stage2.1"] == ["add", *["conv"] * 3]
    assert found["stage3.down"] == ["conv"] * 3
    assert found["stage5.down"] == ["conv"] * 3
    assert found["stage4.2.attention"] == ["linear"] * 4 + ["matmul"] * 8
    assert found["stage4.2.ffn"] == ["linear"] * 2
    assert found["stage4.2"] == ["add"] * 2
    assert found["aspp"] == ["add", *["conv"] * 7]
    assert found["classifier"] == ["conv"]
    head = [op.name for op in program_of(parser).operations if op.op_type == "conv"][-1]
    assert head not in blocks  # the group weights of the output stay float


# -- scales -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("interval", "symmetric", "expected"),
    [
        ((-1.0, 4.1), False, Affine(5.1 / 255, -78)),
        ((0.5, 5.1), False, Affine(5.1 / 255, -128)),  # zero is always a level: padding stays exact
        ((-5.1, -0.5), False, Affine(5.1 / 255, 127)),
        ((-1.0, 2.54), True, Affine(0.02, 0)),
        ((-2.54, 1.0), True, Affine(0.02, 0)),
        ((-1000.0, 1550.0), False, Affine(10.0, -28)),  # −128 · 1550 does not fit fp16
        ((0.0, 0.0), False, Affine(coreml_int8.SMALLEST_SCALE, -128)),
        ((0.0, 1e-9), True, Affine(coreml_int8.SMALLEST_SCALE, 0)),
    ],
)
def test_levels_of_a_range(interval: tuple[float, float], symmetric: bool, expected: Affine) -> None:
    got = affine("t", {"t": interval}, symmetric)
    assert got.scale == pytest.approx(expected.scale)
    assert got.zero_point == expected.zero_point
    assert np.float16(got.scale) > 0


def test_ranges_must_be_there_and_finite() -> None:
    with pytest.raises(CalibrationError, match="Tensor t of the Core ML program has no range"):
        affine("t", {}, False)
    with pytest.raises(CalibrationError, match="not finite"):
        affine("t", {"t": (0.0, float("nan"))}, False)
    with pytest.raises(CalibrationError, match="not finite"):
        affine("t", {"t": (float("-inf"), 1.0)}, True)


# -- a program small enough to know every number -----------------------------------------------------------------

WEIGHT = np.array(
    [[1.0, -0.5, 0.25], [12.7, 0.1, 0.0], [0.3, -0.31, 0.02], [-3.0, 2.0, 1.0], [0.0, 0.0, 0.0]], np.float32
)  # a large, a small and an empty row: scales are per row


@pytest.fixture
def small() -> ct.models.MLModel:
    """out = relu(x Wᵀ) + x V, with V computed (so it is an activation of its matmul)."""

    @mb.program(input_specs=[mb.TensorSpec((4, 3)), mb.TensorSpec((3, 5))], opset_version=ct.target.iOS17)
    def program(x: Any, v: Any) -> Any:
        twice = mb.mul(x=x, y=np.float32(2), name="twice")
        first = mb.linear(x=twice, weight=WEIGHT, name="first")
        second = mb.matmul(x=twice, y=mb.relu(x=v, name="positive"), name="second")
        return mb.add(x=mb.relu(x=first), y=second, name="out")

    return ct.convert(
        program,
        convert_to="mlprogram",
        minimum_deployment_target=ct.target.iOS17,
        compute_precision=ct.precision.FLOAT32,
        skip_model_load=True,
    )


SMALL_RANGES = {"twice": (-2.0, 3.1), "positive": (0.0, 1.0)}


def test_one_pair_per_tensor_and_only_the_named_operations_read_it(small: ct.models.MLModel) -> None:
    assert activations_of(small, ("first", "second")) == ("twice", "positive")
    both = program_of(quantize_activations(small, SMALL_RANGES, ("first", "second")))
    read = [op.input.name for op in both.operations if op.op_type == "quantize"]
    assert read == ["twice", "positive"]
    one = program_of(quantize_activations(small, SMALL_RANGES, ("second",)))
    operations = {op.name: op for op in one.operations}
    assert operations["first"].x.name == "twice"
    assert operations["second"].x.name == "twice_dequantized"


def test_values_are_those_of_the_definition(small: ct.models.MLModel) -> None:
    rng = np.random.default_rng(0)
    x, v = rng.uniform(-1, 1.5, (4, 3)).astype(np.float32), rng.uniform(-1, 1, (3, 5)).astype(np.float32)

    def rounded(t: NDArray[Any], low: float, high: float) -> NDArray[Any]:
        scale = (high - low) / 255
        zero = round(-128 - low / scale)
        return (np.clip(np.rint(t / scale) + zero, -128, 127) - zero) * scale

    steps = np.maximum(np.abs(WEIGHT).max(1, keepdims=True), 1e-9) / 127
    weight = np.rint(WEIGHT / steps) * steps
    twice, positive = rounded(2 * x, -2.0, 3.1), rounded(np.maximum(v, 0), 0.0, 1.0)
    wanted = np.maximum(twice @ weight.T, 0) + twice @ positive
    names = ("first", "second")
    model = quantize_weights(quantize_activations(small, SMALL_RANGES, names), ("first",))
    inputs = {"x": torch.from_numpy(x), "v": torch.from_numpy(v)}
    got = MilFunction(program_of(model)).run(inputs)["out"].numpy()
    np.testing.assert_allclose(got, wanted, rtol=1e-5, atol=1e-5)
    plain = MilFunction(program_of(small)).run(inputs)["out"].numpy()
    assert np.abs(plain - wanted).max() > 1e-3  # the levels do show


def macs(model: ct.models.MLModel) -> dict[Precision, int]:
    return total(costs_of(model)).macs


def test_macs_are_counted_by_what_is_multiplied(small: ct.models.MLModel) -> None:
    linear = matmul = 4 * 3 * 5
    assert macs(small) == {"w8a8": 0, "w8": 0, "float": linear + matmul}
    weights = quantize_weights(small, ("first",))
    assert macs(weights) == {"w8a8": 0, "w8": linear, "float": matmul}
    activations = quantize_activations(small, SMALL_RANGES, ("first",))
    assert macs(activations) == {"w8a8": 0, "w8": 0, "float": linear + matmul}
    first = quantize_weights(activations, ("first",))
    assert macs(first) == {"w8a8": linear, "w8": 0, "float": matmul}
    both = quantize_weights(quantize_activations(small, SMALL_RANGES, ("first", "second")), ("first",))
    assert macs(both) == {"w8a8": linear + matmul, "w8": 0, "float": 0}


def test_bytes_are_those_of_every_operand_once(small: ct.models.MLModel) -> None:
    # fp32: mul 48 + 48, linear 48 + weights 60 + bias 20 + 80, relu 60 + 60, matmul 48 + 60 + 80, relu 80 + 80, add 240
    plain = total(costs_of(small))
    assert (plain.weight_bytes, plain.activation_bytes) == (
        60 + 20,
        48 + 48 + 48 + 80 + 120 + 188 + 160 + 240,
    )
    int8 = quantize_weights(quantize_activations(small, SMALL_RANGES, ("first", "second")), ("first",))
    # What two readers want as levels is written and read as levels: 12 numbers of `twice`, 15 of `positive`.
    levels = total(costs_of(int8))
    assert (levels.weight_bytes, levels.activation_bytes) == (
        15 + 20, 48 + 12 + 12 + 80 + 60 + 15 + 12 + 15 + 80 + 160 + 240,
    )  # fmt: skip
    assert set(costs_of(small)) == {OTHER}


# -- the parser -------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_w8_rounds_the_weights_of_the_chosen_blocks_and_no_others(parser: ct.models.MLModel) -> None:
    kept_float = {"classifier", *FIRST_BLOCKS}
    blocks, kind = blocks_of(parser), kinds(parser)
    weighted = [n for n in blocks if kind[n] in ("conv", "linear")]
    model = quantize_weights(parser, [n for n in weighted if blocks[n] not in kept_float])
    assert blocks_of(model) == blocks  # names survive, and so does what is float
    by_name = {op.name: op for op in program_of(model).operations}
    assert {blocks[n] for n in weighted if by_name[n].weight.op.op_type == "const"} == kept_float


@pytest.mark.slow
def test_w8a8_runs_from_disk_with_every_product_int8(parser: ct.models.MLModel, tmp_path: Path) -> None:
    image = picture(SIZE, SIZE)
    blocks, kind = blocks_of(parser), kinds(parser)
    chosen = [n for n in blocks if kind[n] != "add"]
    activations = quantize_activations(parser, watched_ranges(parser, image), chosen)
    model = quantize_weights(activations, [n for n in chosen if kind[n] != "matmul"])
    counted = macs(model)
    assert counted["w8"] == 0
    assert set(costs_of(model)) == {*BLOCKS, OTHER}
    whole, plain = total(costs_of(model)), total(costs_of(parser))
    assert sum(counted.values()) == sum(plain.macs.values())
    assert (
        0.45 < whole.weight_bytes / plain.weight_bytes < 0.55
        and whole.activation_bytes < plain.activation_bytes
    )
    assert counted["float"] / sum(counted.values()) < 0.01  # the output head
    model.save(str(tmp_path / "w8a8.mlpackage"))
    assert operator_counts(tmp_path / "w8a8.mlpackage")["quantize"] == len(activations_of(parser, chosen))
    tap = [op.outputs[0].name for op in program_of(parser).operations if op.op_type == "conv"][-2]
    pixels = torch.from_numpy(image.copy()).permute(2, 0, 1)[None].float()
    logits, rounded = (
        MilFunction(program_of(p), (tap,)).run({"image": pixels})[tap] for p in (parser, model)
    )
    assert (rounded - logits).abs().max() > 1e-2  # the levels do show
    saved = MilReference(tmp_path / "w8a8.mlpackage", taps=(tap,)).run({"image": image[None]})[tap]
    np.testing.assert_array_equal(saved, rounded.numpy())  # the bytes on disk say the same


# -- what is used of coremltools without being public ----------------------------------------------------------


@pytest.mark.slow
def test_coremltools_still_has_what_is_used_of_it(parser: ct.models.MLModel) -> None:
    from coremltools.converters.mil.mil import Operation
    from coremltools.converters.mil.mil.passes.graph_pass import AbstractGraphPass
    from coremltools.converters.mil.mil.passes.helper import block_context_manager
    from coremltools.models.utils import _apply_graph_pass

    assert ct._SPECIFICATION_VERSION_IOS_17 == 8
    assert {"mlmodel", "graph_pass", "spec_version", "skip_model_load"} <= set(
        inspect.signature(_apply_graph_pass).parameters
    )
    assert "input_kvs" in inspect.signature(Operation.set_inputs).parameters
    assert issubclass(type(coreml_int8._pass({}, ())), AbstractGraphPass)
    assert callable(block_context_manager)
    assert parser._mil_program.functions["main"].operations
