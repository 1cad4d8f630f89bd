"""Targets: adding one is one entry in the table."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import edgekit
from converters.conversion import Conversion, Converted
from edgekit.artifact import TensorSpec, read_artifact
from edgekit.errors import ConversionError, UnknownName
from edgekit.runtimes import open_runtime
from edgekit.targets import TARGETS, Target, target_of, targets_named
from edgekit.weights import Checkpoint

TOY = Target(
    name="toy",
    title="Toy",
    suffix=".toy",
    is_folder=False,
    layout="NHWC",
    default_recipe="fp16",
    minimum_os="ToyOS 3",
    minimum_os_int8="ToyOS 4",
    logits_names=("logits",),
    plans=False,
    apple=False,
    convert="tests.test_targets:convert_toy",
    observe="tests.test_targets:observe_toy",
    runtime="tests.test_targets:ToyRuntime",
    unproved="tests.test_targets:why_unproved",
)


def convert_toy(conversion: Conversion, path: Path) -> Converted:
    path.write_text(conversion.recipe.name)
    image = TensorSpec(
        "image", (1, conversion.size, conversion.size, 3), "uint8", "NHWC", (0.0, 255.0), ("r", "g", "b")
    )
    output = conversion.output_spec("NHWC", "uint8", rgba=True)
    return Converted((image,), (output,), {"logits": "groups"}, {"toy": "1"}, conversion.recipe)


class ToyRuntime:
    name = "toy"

    def __init__(self, path: Path, taps: tuple[str, ...], threads: int) -> None:
        self.recipe = path.read_text()

    def run(self, inputs: object) -> dict[str, NDArray[Any]]:
        return {"groups": np.zeros((1, 2, 2, 4), np.uint8)}


def why_unproved() -> str:
    return "a toy proves nothing"


def test_a_target_is_one_entry(
    checkpoint: Checkpoint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(TARGETS, "toy", TOY)
    (made,) = edgekit.convert(checkpoint, "toy", size=128, out=tmp_path)
    assert made.path.name.endswith("-128-fp16.toy")
    read = read_artifact(made.path)
    assert (read.manifest.target, read.manifest.minimum_os, read.manifest.recipe_name) == (
        "toy",
        "ToyOS 3",
        "fp16",
    )
    runtime = open_runtime(made.path)
    assert (runtime.name, list(runtime.run({}))) == ("toy", ["groups"])
    assert TOY.why_unproved() == "a toy proves nothing"
    assert [target.name for target in targets_named("all")] == ["coreml", "tflite", "toy"]


def test_unknown_targets_and_suffixes_name_the_known_ones() -> None:
    with pytest.raises(UnknownName, match=r"There is no target 'onnx'; known: coreml, tflite, all"):
        targets_named("onnx")
    with pytest.raises(UnknownName, match=r"'.onnx'; known: .mlpackage, .tflite"):
        target_of(Path("a.onnx"))


def test_a_file_of_another_target_than_its_manifest_says_is_refused(
    checkpoint: Checkpoint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(TARGETS, "toy", TOY)
    (made,) = edgekit.convert(checkpoint, "toy", size=128, out=tmp_path)
    other = tmp_path / "a.tflite"
    other.write_bytes(made.path.read_bytes())
    other.with_name("a.tflite.json").write_text(made.manifest_path.read_text())
    with pytest.raises(ConversionError, match="toy"):
        read_artifact(other)


def test_loading_the_table_loads_no_converter() -> None:
    assert all(isinstance(target.convert, str) for target in TARGETS.values())
