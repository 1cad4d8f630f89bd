"""Half precision: every float tensor of a .tflite is rounded, and nothing else changes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from numpy.typing import NDArray

from edgekit.artifact import Artifact
from edgekit.errors import ConversionError
from edgekit.runtimes.litert import LiteRT, packed, parsed
from edgekit.runtimes.litert_half import HalfLiteRT, Magnitudes, in_half, magnitudes
from tests.support.pictures import picture
from tests.support.tiny_faults import large_sum
from tests.support.tiny_tflite import BIAS, SCALES, SHAPE, X, layer, with_stored_weights, write_tiny


def rounded(values: NDArray[np.floating]) -> NDArray[np.float32]:
    with np.errstate(over="ignore"):
        return values.astype(np.float16).astype(np.float32)


def test_inputs_constants_and_every_result_are_rounded(tmp_path: Path) -> None:
    x = np.random.default_rng(1).normal(size=SHAPE).astype(np.float32)
    found = HalfLiteRT(write_tiny(tmp_path / "a.tflite", "LOGISTIC"), taps=("y0",)).run({"x": x})
    product = rounded(rounded(x) * rounded(SCALES))
    assert (found["y0"] == product).all()
    assert (found["y1"] == rounded(found["y1"])).all()
    assert np.abs(found["y1"] - 1 / (1 + np.exp(-product))).max() < 2**-11


def test_what_is_too_large_becomes_infinite_and_what_is_too_small_zero(tmp_path: Path) -> None:
    x = np.full(SHAPE, 30000.0, np.float32)
    x[0, 1] = 1e-8
    found = HalfLiteRT(write_tiny(tmp_path / "a.tflite")).run({"x": x})["y0"]
    assert (found[0, 0, 0] == [15000, -37504, np.inf]).all()  # 37500 lies between two numbers that fp16 holds
    assert (found[0, 1] == 0).all()


def test_a_sum_overflows_as_its_total_does_in_half_precision(tmp_path: Path) -> None:
    """LiteRT 9249: squeeze-and-excite by SUM gave NaN on a GPU."""
    path = large_sum(tmp_path / "a.tflite")
    x = np.full((1, 32, 64, 3), [31.0, 33.0, -33.0], np.float32)
    assert (LiteRT(path).run({"x0": x})["y"] == 2048 * x[:1, :1, :1]).all()
    assert (HalfLiteRT(path).run({"x0": x})["y"].ravel() == [63488, np.inf, -np.inf]).all()
    assert magnitudes(path, {"x0": x}) == {"y": Magnitudes(63488.0, 67584.0)}


@pytest.mark.parametrize(
    ("stored", "scale"),
    [
        (np.array([[0.1, -2, 3], [4, 5.5, -6], [7, 8, 0.9]], np.float16), None),
        (np.array([[1, -2, 3], [4, 5, -6], [7, 8, 127]], np.int8), [0.1, 0.01, 0.5]),
    ],
    ids=["fp16", "int8 per channel"],
)
def test_stored_weights_are_expanded_and_rounded(
    stored: NDArray[np.generic], scale: list[float] | None, tmp_path: Path
) -> None:
    data = with_stored_weights(layer("FULLY_CONNECTED", np.zeros((3, 3), np.float32)), stored, scale)
    (path := tmp_path / "a.tflite").write_bytes(data)
    weights = rounded(stored.astype(np.float32) * np.array(scale or [1, 1, 1], np.float32)[:, None])
    x = np.array([[0.3, -1.7, 2.9]], np.float32)
    found = HalfLiteRT(path).run({"x": x})["segmenter/stem"]
    assert (found == rounded(rounded(x) @ weights.T + rounded(BIAS))).all()


def test_an_int8_artifact_keeps_its_int8_parts(tmp_path: Path) -> None:
    data = layer("FULLY_CONNECTED", np.eye(3, dtype=np.float32))
    (path := tmp_path / "a.tflite").write_bytes(data)
    assert np.abs(HalfLiteRT(path).run({"x": X})["segmenter/stem"] - (X + BIAS)).max() < 0.01
    kinds = {tensor.type for tensor in parsed(in_half(data, path), path).subgraphs[0].tensors}
    assert kinds == {schema.TensorType.FLOAT32, schema.TensorType.FLOAT16}


def test_the_parser_in_half_precision(artifacts: dict[str, Artifact]) -> None:
    artifact = artifacts["tflite"]
    image = {"image": picture(128, 128)[None]}
    tap = artifact.manifest.taps["logits"]
    exact, half = (open_(artifact.path, (tap,)).run(image)[tap] for open_ in (LiteRT, HalfLiteRT))
    assert 0 < np.abs(exact - half).max() < 0.5
    assert (half == rounded(half)).all()
    found = magnitudes(artifact.path, image)
    assert np.abs(half).max() == rounded(np.array(found[tap].largest))
    assert all(0 <= each.least <= each.largest < 65504 for each in found.values())


@pytest.mark.parametrize("watched", [1, 1 << 12, 1 << 26])
def test_magnitudes_do_not_depend_on_how_many_tensors_are_watched_at_once(
    watched: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edgekit.runtimes.litert_half.MOST_WATCHED", watched)
    x = np.full(SHAPE, [2.0, -4.0, 1.0], np.float32)
    found = magnitudes(write_tiny(tmp_path / "a.tflite", "LOGISTIC"), {"x": x})
    assert found["y0"] == Magnitudes(1.0, 5.0)
    assert list(found) == ["y0", "y1"] and found["y1"].largest < 1


def test_a_model_of_two_subgraphs_is_refused(tmp_path: Path) -> None:
    path = write_tiny(tmp_path / "a.tflite")
    model = parsed(path.read_bytes(), path)
    model.subgraphs = [model.subgraphs[0]] * 2
    with pytest.raises(ConversionError, match="more than one subgraph"):
        in_half(packed(model), path)


def test_a_model_that_contradicts_itself_is_refused(tmp_path: Path) -> None:
    path = write_tiny(tmp_path / "a.tflite")
    model = parsed(path.read_bytes(), path)
    model.subgraphs[0].operators[0].outputs = np.array([99], np.int32)
    with pytest.raises(ConversionError, match="contradicts itself"):
        in_half(packed(model), path)
