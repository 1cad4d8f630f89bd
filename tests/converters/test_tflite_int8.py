"""int8 operators on tiny graphs whose answers are known."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from converters.tflite_int8 import quantized, with_room_for_biases
from edgekit.recipes import Recipe
from edgekit.runtimes.litert import LiteRT
from tests.support.tiny_tflite import BIAS, LAYER_RANGES, X, layer


def weights_of(kind: str, smallest: float) -> NDArray[np.float32]:
    """Output 0 has next to no weights; the others have ordinary ones."""
    rows = np.array([[0.0, smallest, 0.0], [1.0, 0.5, -0.5], [0.25, 1.0, 0.75]], np.float32)
    return rows[:, 1:2] if kind == "DEPTHWISE_CONV_2D" else rows


@pytest.mark.parametrize("kind", ["FULLY_CONNECTED", "CONV_2D", "DEPTHWISE_CONV_2D"])
@pytest.mark.parametrize("smallest", [0.0, 1e-20, -1e-10])
def test_the_bias_of_a_dead_channel_survives(kind: str, smallest: float, tmp_path: Path) -> None:
    """int32 would end before the bias in steps of such weights; it was clipped to nothing."""
    weights = weights_of(kind, smallest)
    data = quantized(layer(kind, weights), Recipe("all", mode="w8a8"), LAYER_RANGES)
    (tmp_path / "m.tflite").write_bytes(data)
    runner = LiteRT(tmp_path / "m.tflite")
    (found,) = runner.run({"x": X.reshape((1, 3) if kind == "FULLY_CONNECTED" else (1, 1, 1, 3))}).values()
    right = (X * weights.T if kind == "DEPTHWISE_CONV_2D" else X @ weights.T) + BIAS
    assert found.reshape(1, 3) == pytest.approx(right, abs=1.5 * 12 / 255)  # steps of the output


def test_a_model_without_dead_channels_is_left_as_it_is() -> None:
    data = layer("CONV_2D", weights_of("CONV_2D", 1.0))
    assert with_room_for_biases(data, ("stem",), LAYER_RANGES) is data


def test_only_blocks_computed_in_int8_are_touched() -> None:
    data = layer("CONV_2D", weights_of("CONV_2D", 0.0))
    assert with_room_for_biases(data, ("stem",), LAYER_RANGES) != data
    assert with_room_for_biases(data, ("aspp",), LAYER_RANGES) is data
    assert with_room_for_biases(data, (), LAYER_RANGES) is data
    only_weights = quantized(data, Recipe("every", mode="w8"), None)
    assert only_weights != data
