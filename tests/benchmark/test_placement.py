"""Where operators would land: each rule on a model that breaks it, and on one that does not."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema

from edgekit.benchmark.placement import place
from edgekit.devices.profiles import FILE, Sourced, profile_named, profiles
from edgekit.errors import ConversionError, UnknownName
from edgekit.runtimes.litert import packed, parsed, read_tflite
from tests.support.cli import edgekit
from tests.support.tiny_tflite import write_tiny

PIXEL = profile_named("pixel 6")
SNAPDRAGON = profile_named("Galaxy S23")


def texts(path: Path, processor: str) -> list[str]:
    return [f.text for f in place(path, PIXEL).findings if f.processor == processor]


def test_a_plain_float_model_stays_where_it_is(tmp_path: Path) -> None:
    placement = place(write_tiny(tmp_path / "a.tflite", "LOGISTIC"), PIXEL)
    assert (placement.status, placement.cpu_partitions, placement.cpu_outside) == ("PLANNED", 1, ())
    assert placement.warnings == ()


def test_many_partitions_are_a_warning_that_names_the_operators(tmp_path: Path) -> None:
    placement = place(write_tiny(tmp_path / "a.tflite", "SIGN", "LOGISTIC", "SIGN", "LOGISTIC"), PIXEL)
    assert placement.cpu_partitions == 3
    assert placement.warnings == ("CPU: 3 XNNPACK partitions; outside run 2 SIGN",)


def test_two_partitions_are_bearable(tmp_path: Path) -> None:
    placement = place(write_tiny(tmp_path / "a.tflite", "SIGN", "LOGISTIC"), PIXEL)
    assert placement.cpu_partitions == 2 and placement.cpu_outside == ("SIGN",)
    assert placement.warnings == ()


def test_an_operator_the_gpu_refuses_is_named(tmp_path: Path) -> None:
    assert texts(write_tiny(tmp_path / "a.tflite", "ROUND", "LOGISTIC"), "GPU") == [
        "the delegate refuses 1 ROUND"
    ]


def test_five_dimensions_leave_the_gpu(tmp_path: Path) -> None:
    five = write_tiny(tmp_path / "a.tflite", "LOGISTIC", shape=(1, 2, 5, 4, 3))
    assert texts(five, "GPU") == ["3 tensors have more than 4 dimensions, first ['x']"]


def test_a_dynamic_shape_leaves_the_gpu(tmp_path: Path) -> None:
    path = write_tiny(tmp_path / "a.tflite", "LOGISTIC")
    model = parsed(read_tflite(path), path)
    model.subgraphs[0].tensors[0].shapeSignature = np.array([-1, 7, 5, 3], np.int32)
    path.write_bytes(packed(model))
    assert texts(path, "GPU") == ["1 tensors have a dynamic shape"]


def quantized(path: Path, kind: int) -> Path:
    """MUL and LOGISTIC in an integer type."""
    write_tiny(path, "LOGISTIC")
    model = parsed(read_tflite(path), path)
    width = np.int8 if kind == schema.TensorType.INT8 else np.int16
    model.buffers[1].data = np.frombuffer(np.array([1, 2, 3], width).tobytes(), np.uint8)
    for tensor in model.subgraphs[0].tensors:
        tensor.type = kind
        tensor.quantization = schema.QuantizationParametersT()
        last = tensor.name == b"y1"
        scale = (1 / 256 if kind == schema.TensorType.INT8 else 1 / 32768) if last else 0.01
        zero = -128 if last and kind == schema.TensorType.INT8 else 0
        tensor.quantization.scale = np.array([scale], np.float32)
        tensor.quantization.zeroPoint = np.array([zero], np.int64)
    for code in model.operatorCodes:
        code.version = 2
    path.write_bytes(packed(model))
    return path


def test_int16_leaves_gpu_and_xnnpack(tmp_path: Path) -> None:
    placement = place(quantized(tmp_path / "a.tflite", schema.TensorType.INT16), PIXEL)
    assert "GPU: 3 int16 tensors, which the delegate leaves to the CPU" in placement.warnings
    assert placement.cpu_partitions == 0 and set(placement.cpu_outside) == {"MUL", "LOGISTIC"}


def test_int8_on_a_phone_whose_npu_gains_nothing_is_a_warning(tmp_path: Path) -> None:
    artifact = quantized(tmp_path / "a.tflite", schema.TensorType.INT8)
    assert not any("NPU" in warning for warning in place(artifact, SNAPDRAGON).warnings)
    no_gain = replace(SNAPDRAGON, npu_int8=Sourced(False, "http://example.org"))
    assert "NPU: Hexagon Tensor Processor gains nothing from int8" in place(artifact, no_gain).warnings
    assert "no source says whether Pixel 6's NPU runs int8" in texts(artifact, "NPU")
    assert any("floating point" in text for text in texts(artifact, "GPU"))


def test_the_other_kind_of_artifact_is_not_planned(tmp_path: Path) -> None:
    tiny = write_tiny(tmp_path / "a.tflite")
    placement = place(tiny, profile_named("iPhone 12"))
    assert placement.status == "NOT_RUN" and "coreml" in placement.reason
    assert place(tmp_path / "b.mlpackage", PIXEL).status == "NOT_RUN"


@pytest.mark.skipif(sys.platform == "darwin", reason="a Mac has the plan")
def test_core_ml_is_not_planned_off_a_mac(tmp_path: Path) -> None:
    placement = place(tmp_path / "b.mlpackage", profile_named("iPhone 12"))
    assert (placement.status, placement.reason) == ("NOT_RUN", "Core ML's compute plan needs a Mac")


def test_a_damaged_artifact_is_an_error(tmp_path: Path) -> None:
    broken = tmp_path / "a.tflite"
    broken.write_bytes(b"....TFL3" + bytes(64))
    with pytest.raises(ConversionError, match=r"a\.tflite"):
        place(broken, PIXEL)


def test_the_command_says_it_in_json(tmp_path: Path) -> None:
    artifact = write_tiny(tmp_path / "a.tflite", "ROUND")
    ended = edgekit("bench", "placement", str(artifact), "--phone", "pixel 6", "--json")
    assert ended.code == 0, ended.err
    printed = json.loads(ended.out)
    assert printed["phone"] == "Pixel 6"
    assert printed["placements"][0]["findings"][0]["text"] == "the delegate refuses 1 ROUND"


# ---- the profiles -----------------------------------------------------------------------------------


def test_a_dozen_phones_every_figure_with_its_source() -> None:
    assert len(profiles()) >= 12
    assert {p.runtime for p in profiles()} == {"coreml", "tflite"}
    rows = json.loads(FILE.read_text())["phones"]
    for row in rows:
        for name, cell in row.items():
            if name not in ("name", "runtime") and cell is not None:
                value, source = cell
                assert value is not None and source.startswith("http"), (row["name"], name)


def test_an_unknown_phone_lists_the_known_ones() -> None:
    with pytest.raises(UnknownName, match=r"Pixel 66.*known: iPhone 12"):
        profile_named("Pixel 66")


# ---- the planner ------------------------------------------------------------------------------------


@pytest.mark.slow
def test_the_planner_refuses_an_unknown_phone_before_it_starts(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "edgekit", "plan", "--calibration", str(tmp_path), "--phone", "Pixel 66"]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert ended.returncode == 3 and "Pixel 66" in ended.stderr
