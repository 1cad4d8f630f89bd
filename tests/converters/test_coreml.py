from __future__ import annotations

import json
import shutil
from pathlib import Path

import coremltools as ct
import pytest

from converters import coreml
from edgekit.artifact import Artifact
from edgekit.errors import ConversionError
from edgekit.files import sha256_of
from edgekit.runtimes.mil_reference import operator_counts
from edgekit.weights import Checkpoint
from tests.support.conversions import conversion_of


@pytest.fixture(scope="module")
def path(artifacts: dict[str, Artifact]) -> Path:
    return artifacts["coreml"].path


def test_image_in_and_image_out(path: Path) -> None:
    specification = ct.models.MLModel(str(path), skip_model_load=True).get_spec()
    image, groups = specification.description.input[0], specification.description.output[0]
    rgb = ct.proto.FeatureTypes_pb2.ImageFeatureType.RGB
    assert (image.name, image.type.imageType.width, image.type.imageType.colorSpace) == ("image", 128, rgb)
    assert (groups.name, groups.type.imageType.width, groups.type.imageType.colorSpace) == ("groups", 32, rgb)
    assert specification.specificationVersion == 7  # iOS 16


def test_metadata_says_classes_and_provenance(path: Path, checkpoint: Checkpoint) -> None:
    model = ct.models.MLModel(str(path), skip_model_load=True)
    metadata = model.user_defined_metadata
    assert json.loads(metadata["classes"]) == list(checkpoint.class_names)
    assert json.loads(metadata["channels"]) == ["skin", "hair", "clothes"]
    assert metadata["weights_sha256"] == checkpoint.sha256
    assert not any("date" in key for key in metadata)


def test_few_reshapes_and_transposes_are_left(path: Path) -> None:
    counts = operator_counts(path)
    assert counts["reshape"] == 18
    assert counts["transpose"] == 18


@pytest.mark.slow
def test_same_inputs_give_the_same_bytes(checkpoint: Checkpoint, path: Path, tmp_path: Path) -> None:
    coreml.convert(conversion_of(checkpoint, "fp16"), tmp_path / "again.mlpackage")
    assert sha256_of(tmp_path / "again.mlpackage") == sha256_of(path)


def test_identifiers_follow_the_content(path: Path, tmp_path: Path) -> None:
    def identifier(package: Path) -> str:
        manifest = json.loads((package / "Manifest.json").read_text())
        assert manifest["rootModelIdentifier"] in manifest["itemInfoEntries"]
        return str(manifest["rootModelIdentifier"])

    copy = Path(shutil.copytree(path, tmp_path / "copy.mlpackage"))
    coreml.make_reproducible(copy)
    assert identifier(copy) == identifier(path)
    model = ct.models.MLModel(str(copy), skip_model_load=True)
    model.author = "somebody else"
    model.save(str(tmp_path / "other.mlpackage"))
    coreml.make_reproducible(tmp_path / "other.mlpackage")
    assert identifier(tmp_path / "other.mlpackage") != identifier(path)


@pytest.mark.slow
def test_a_failing_conversion_is_one_sentence(
    checkpoint: Checkpoint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*args: object, **options: object) -> None:
        raise NotImplementedError("no lowering for frobnicate\nlong trace")

    monkeypatch.setattr(ct, "convert", broken)
    with pytest.raises(ConversionError) as caught:
        coreml.convert(conversion_of(checkpoint, "fp16"), tmp_path / "a.mlpackage")
    assert str(caught.value) == "coreml, coremltools.convert: no lowering for frobnicate"
    assert list(tmp_path.iterdir()) == []
