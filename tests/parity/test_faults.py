"""Seeded faults: each is caught, and blamed on the stage and the operator where it was put."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from converters.tflite_int8 import quantized
from edgekit.artifact import Artifact
from edgekit.images import InputSize, Picture, astronaut
from edgekit.parity.blame import (
    BLEND,
    DELIVERED,
    FLOAT,
    FP16,
    PREPROCESSING,
    UPSAMPLING,
    Loss,
    Operator,
    Waterfall,
)
from edgekit.parity.drift import as_read, first_bad, local_errors, tensors_of
from edgekit.parity.graphs import nodes_of
from edgekit.parity.stages import App, sampled, shaded, waterfall
from edgekit.recipes import Recipe
from edgekit.runtimes.litert import operator_name
from edgekit.shader import mistakes, oracle
from edgekit.weights import Checkpoint
from tests.parity.faults import constant, edited, zeroed
from tests.support.checkpoints import SIDE

PORTRAIT = astronaut()
# Random weights at 128² turn the last bits of fp16 into labels; on a trained network the bounds are parity's.
RANDOM_WEIGHTS = {FP16: Loss(labels=0.03, groups=0.03)}


def blamed(found: Waterfall) -> list[str]:
    return [stage.name for stage in found.blamed]


def bad_operator(artifact: Artifact, export: Path, recipe: Recipe | None = None) -> Operator | None:
    image = PORTRAIT.at(SIDE)
    nodes = nodes_of(export)
    tensors: dict[str, NDArray[Any]] = dict(
        tensors_of(artifact, [name for node in nodes for name in node.outputs], image)
    )
    tensors |= as_read(artifact, image)
    return first_bad(local_errors(nodes, tensors, recipe or artifact.manifest.recipe))


# --- preprocessing


def test_red_and_blue_swapped_by_the_app(artifacts: dict[str, Artifact], checkpoint: Checkpoint) -> None:
    app = App(network_input=lambda photo, size: PORTRAIT.at(size)[..., ::-1])
    assert blamed(waterfall(artifacts["tflite"], checkpoint, [PORTRAIT], app=app)) == [PREPROCESSING]


def test_red_and_blue_swapped_in_the_package(copied: dict[str, Artifact], checkpoint: Checkpoint) -> None:
    """Core ML hands BGR to a program whose image input says so."""
    from coremltools.proto import FeatureTypes_pb2, Model_pb2

    file = copied["coreml"].path / "Data/com.apple.CoreML/model.mlmodel"
    specification = Model_pb2.Model.FromString(file.read_bytes())
    specification.description.input[0].type.imageType.colorSpace = FeatureTypes_pb2.ImageFeatureType.BGR
    file.write_bytes(specification.SerializeToString())
    found = waterfall(copied["coreml"], checkpoint, [PORTRAIT], bounds=RANDOM_WEIGHTS)
    assert blamed(found) == [PREPROCESSING]
    assert bad_operator(copied["coreml"], copied["coreml"].path) is None


def test_half_a_pixel_lost_where_the_photo_is_resized(
    artifacts: dict[str, Artifact], checkpoint: Checkpoint
) -> None:
    """Corners aligned with corners: at the left edge the frame is half a pixel off, at the right half a pixel the other
    way."""

    def corners(photo: NDArray[np.uint8], size: InputSize) -> NDArray[np.uint8]:
        shift = (size.width / photo.shape[1] - 1) / 2
        moved = Image.fromarray(photo).transform(
            (photo.shape[1], photo.shape[0]),
            Image.Transform.AFFINE,
            (1, 0, shift, 0, 1, shift),
            Image.Resampling.BILINEAR,
        )
        return Picture("moved", np.asarray(moved)).at(size)

    found = waterfall(artifacts["tflite"], checkpoint, [PORTRAIT], app=App(network_input=corners))
    assert blamed(found) == [PREPROCESSING]


# --- the graph


def test_a_bias_zeroed_in_one_block(
    copied: dict[str, Artifact], artifacts: dict[str, Artifact], checkpoint: Checkpoint
) -> None:
    broken = edited(copied["tflite"], zeroed("segmenter/stage4/fusion/conv"))
    assert blamed(waterfall(broken, checkpoint, [PORTRAIT])) == [FLOAT]
    found = bad_operator(broken, artifacts["tflite"].path)
    assert found is not None and found.kind == "CONV_2D"
    assert (found.error.block, found.error.place) == ("stage4.fusion", "stage4.fusion.conv")


def test_one_norm_forced_to_int8(copied: dict[str, Artifact], artifacts: dict[str, Artifact]) -> None:
    """The file's norm rounds to 8 bits although no recipe says so."""
    from ai_edge_quantizer import qtyping, quantizer

    data = artifacts["tflite"].path.read_bytes()
    tool = quantizer.Quantizer(bytearray(data))
    names = r"^segmenter/stage4/1/norm_before"
    for kind in ("MUL", "FULLY_CONNECTED"):
        tool.add_static_config(names, qtyping.TFLOperationName(kind), 8, 8)
    wide = {
        name: {"min": np.array([[-8.0]], np.float32), "max": np.array([[8.0]], np.float32)}
        for name in (node.outputs[0] for node in nodes_of(artifacts["tflite"].path))
    }
    copied["tflite"].path.write_bytes(
        bytes(tool.quantize(wide, enable_progress_report=False).quantized_model)
    )
    found = bad_operator(copied["tflite"], artifacts["tflite"].path)
    assert found is not None and found.error.place == "stage4.1.norm_before" and found.error.block is None


def test_one_convolutions_weights_transposed_in_the_package(
    copied: dict[str, Artifact], artifacts: dict[str, Artifact], checkpoint: Checkpoint
) -> None:
    package = copied["coreml"].path
    transpose_weights(package, "p_segmenter_stage3_fusion_conv_weight")
    assert blamed(waterfall(copied["coreml"], checkpoint, [PORTRAIT], bounds=RANDOM_WEIGHTS)) == [FP16]
    found = bad_operator(copied["coreml"], artifacts["coreml"].path)
    assert found is not None and found.kind == "conv"
    assert (found.error.block, found.error.place) == ("stage3.fusion", "stage3.fusion.conv")


def transpose_weights(package: Path, name: str) -> None:
    """Swap height and width of a convolution's fp16 weights (out, in, h, w) in the package's weight file."""
    from edgekit.runtimes.mil_reference import load_program

    _, program = load_program(package)
    (weight,) = {
        op.weight.name: op.weight
        for op in program.operations
        if op.op_type == "conv" and op.weight.name.startswith(name)
    }.values()
    values = np.asarray(weight.val)
    file = package / "Data/com.apple.CoreML/weights/weight.bin"
    data = file.read_bytes()
    assert data.count(values.tobytes()) == 1
    file.write_bytes(data.replace(values.tobytes(), np.ascontiguousarray(values.swapaxes(2, 3)).tobytes()))


def test_a_dead_channels_bias_clipped(
    copied: dict[str, Artifact], artifacts: dict[str, Artifact], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A channel with almost no weights and a bias: in int32 steps of its scales the bias does not fit."""
    from converters import tflite_int8

    name = "segmenter/stage4/local/conv"

    def kill(model: Any) -> None:
        buffer, weights = constant(model, f"{name}:1")  # (out, h, w, in)
        weights[3] = 1e-12
        buffer.data = weights.reshape(-1).view(np.uint8)
        buffer, bias = constant(model, name)
        bias[3] = 20.0
        buffer.data = bias.view(np.uint8)

    folder = copied["tflite"].path.parent
    export = folder / "export.tflite"
    shutil.copyfile(artifacts["tflite"].path, export)
    edited(replace(artifacts["tflite"], path=export), kill)
    image, nodes = PORTRAIT.at(SIDE), nodes_of(export)
    dead = replace(artifacts["tflite"], path=export)
    values = tensors_of(dead, [node.outputs[0] for node in nodes], image)
    ranges = {tensor: (float(v.min()), float(v.max())) for tensor, v in values.items()}
    recipe = Recipe("local", blocks={"stage4.local": "w8a8"})
    results = {}
    for with_room in (True, False):
        if not with_room:
            monkeypatch.setattr(tflite_int8, "with_room_for_biases", lambda data, blocks, ranges: data)
        copied["tflite"].path.write_bytes(quantized(export.read_bytes(), recipe, ranges))
        results[with_room] = bad_operator(copied["tflite"], export, recipe)
    assert results[True] is None
    clipped = results[False]
    assert clipped is not None and clipped.kind == "CONV_2D" and clipped.error.block == "stage4.local"


# --- after the network


def swap_head(model: Any) -> None:
    """Exchange two rows of the head's group matrix."""
    graph = model.subgraphs[0]
    (operator,) = (o for o in graph.operators if graph.tensors[o.outputs[0]].name == b"head:5")
    assert operator_name(model, operator) == "CONV_2D"
    buffer = model.buffers[graph.tensors[operator.inputs[1]].buffer]
    values = np.frombuffer(bytes(buffer.data), np.float32).reshape(graph.tensors[operator.inputs[1]].shape)
    buffer.data = np.ascontiguousarray(values[[0, 2, 1, 3]]).reshape(-1).view(np.uint8)


def test_the_order_of_groups_swapped_in_the_output(
    copied: dict[str, Artifact], checkpoint: Checkpoint
) -> None:
    """Hair and clothes: skin keeps its colour, and only the groups show it."""
    assert blamed(waterfall(edited(copied["tflite"], swap_head), checkpoint, [PORTRAIT])) == [DELIVERED]


def test_half_a_texel_lost_where_the_mask_is_sampled(
    artifacts: dict[str, Artifact], checkpoint: Checkpoint
) -> None:
    def corners(mask: NDArray[Any], shape: tuple[int, int]) -> NDArray[Any]:
        wide = sampled(mask, shape)
        half = shape[0] // mask.shape[0] // 2
        return np.pad(wide, ((half, 0), (half, 0), (0, 0)), "edge")[: shape[0], : shape[1]]

    found = waterfall(artifacts["tflite"], checkpoint, [PORTRAIT], app=App(upsampled=corners))
    assert blamed(found) == [UPSAMPLING]


def test_a_lut_without_half_texel_offset(
    artifacts: dict[str, Artifact], checkpoint: Checkpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(oracle, "interpolation", lambda name: mistakes.half_texel)
    found = waterfall(artifacts["tflite"], checkpoint, [PORTRAIT], app=App(drawn=shaded))
    assert blamed(found) == [BLEND]
