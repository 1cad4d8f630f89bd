from __future__ import annotations

import json
from pathlib import Path

import pytest

from edgekit.artifact import Artifact, check_artifact_place, read_artifact
from edgekit.errors import ConversionError, EdgekitError
from edgekit.targets import TARGETS
from edgekit.weights import Checkpoint
from tests.support.hostile import UNREADABLE


def test_manifest_says_what_an_app_must_know(artifacts: dict[str, Artifact], checkpoint: Checkpoint) -> None:
    for target, layout, channels in (("tflite", "NHWC", 4), ("coreml", "NCHW", 3)):
        manifest = read_artifact(artifacts[target].path).manifest
        assert manifest == artifacts[target].manifest
        assert manifest.inputs[0].channels == ("red", "green", "blue")
        assert manifest.inputs[0].range == (0.0, 255.0)
        assert manifest.outputs[0].layout == layout
        assert len(manifest.outputs[0].channels) == channels
        assert manifest.class_names == checkpoint.class_names
        assert manifest.groups["skin"] == checkpoint.groups.skin
        assert manifest.weights_sha256 == checkpoint.sha256
        assert manifest.size_bytes > 1e6
        assert {"edgekit", "torch"} <= set(manifest.tools)
    assert artifacts["coreml"].manifest.minimum_os == "iOS 16"


def test_changed_bytes_are_refused(copied: dict[str, Artifact]) -> None:
    path = copied["tflite"].path
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    weights = copied["coreml"].path / "Data/com.apple.CoreML/weights/weight.bin"
    weights.write_bytes(weights.read_bytes()[:-100])
    for artifact in copied.values():
        with pytest.raises(ConversionError, match="does not match the sha256 in its manifest"):
            read_artifact(artifact.path)


def test_a_file_added_to_a_package_is_noticed(copied: dict[str, Artifact]) -> None:
    (copied["coreml"].path / "Data" / "extra.bin").write_bytes(b"x")
    with pytest.raises(ConversionError, match="does not match"):
        read_artifact(copied["coreml"].path)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "is not JSON"),
        ("[]", "not an edgekit manifest"),
        ('{"schema_version": 99}', "schema version 99"),
        ('{"schema_version": 1}', "not an edgekit manifest"),
    ],
)
def test_foreign_manifests_are_refused(copied: dict[str, Artifact], text: str, words: str) -> None:
    copied["tflite"].manifest_path.write_text(text)
    with pytest.raises(ConversionError, match=words):
        read_artifact(copied["tflite"].path)


def test_missing_parts_are_named(copied: dict[str, Artifact], tmp_path: Path) -> None:
    copied["tflite"].manifest_path.unlink()
    with pytest.raises(ConversionError, match=r"\.tflite\.json does not exist; convert the model again"):
        read_artifact(copied["tflite"].path)
    with pytest.raises(ConversionError, match="does not exist"):
        read_artifact(tmp_path / "a.tflite")
    with pytest.raises(ConversionError, match=r"is not a \.mlpackage or \.tflite or \.aimodel"):
        read_artifact(tmp_path / "a.onnx")


def test_unknown_fields_are_refused(copied: dict[str, Artifact]) -> None:
    path = copied["tflite"].manifest_path
    path.write_text(json.dumps(json.loads(path.read_text()) | {"surprise": 1}))
    with pytest.raises(ConversionError, match="surprise"):
        read_artifact(copied["tflite"].path)


@pytest.mark.parametrize("kind", ["pipe", "socket", "dangling", "endless"])
def test_a_package_holds_files_only(copied: dict[str, Artifact], kind: str) -> None:
    UNREADABLE[kind](copied["coreml"].path / "Data" / "x")
    with pytest.raises(ConversionError, match="a Core ML package holds files only"):
        read_artifact(copied["coreml"].path)


def test_edgekit_knows_every_file_of_its_packages(copied: dict[str, Artifact]) -> None:
    package = copied["coreml"].path
    check_artifact_place(package, TARGETS["coreml"], replace=True)
    (package / "notes.txt").write_text("mine")
    with pytest.raises(EdgekitError, match=r"holds notes\.txt, which edgekit did not write"):
        check_artifact_place(package, TARGETS["coreml"], replace=True)
