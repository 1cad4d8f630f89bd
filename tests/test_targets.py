"""Targets: adding one is one entry in the table."""

from __future__ import annotations

from pathlib import Path

import pytest

import edgekit
from edgekit.artifact import read_artifact
from edgekit.errors import ConversionError, UnknownName
from edgekit.runtimes import open_runtime
from edgekit.targets import TARGETS, target_of, targets_named
from edgekit.weights import Checkpoint
from tests.support.toy_target import TOY


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
    assert [target.name for target in targets_named("all")] == [
        "coreml",
        "tflite",
        "toy",
    ]  # coreai is asked for


def test_unknown_targets_and_suffixes_name_the_known_ones() -> None:
    with pytest.raises(UnknownName, match=r"There is no target 'onnx'; known: coreml, tflite, coreai, all"):
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
