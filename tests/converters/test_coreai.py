"""Core AI: logits and groups against PyTorch in Apple's CPU runtime, and what is refused in one sentence."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import edgekit
from converters import coreai
from edgekit.artifact import Artifact, read_artifact
from edgekit.causes.explaining import explained
from edgekit.errors import BundleError, ConversionError, EdgekitError, MissingDependency
from edgekit.images import astronaut
from edgekit.parity.check import parity_check
from edgekit.parity.gates import Gates
from edgekit.parity.report import Status
from edgekit.runtimes import open_runtime
from edgekit.segmenter import Segmenter
from edgekit.weights import Checkpoint
from tests.support.cli import edgekit as command
from tests.support.conversions import conversion_of, converted
from tests.support.coreai import needs_coreai

WIDE = Gates(min_agreement=0.99)  # at 128² many labels hang on the last bits


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("coreai")


@pytest.fixture(scope="module")
def groups(checkpoint: Checkpoint, folder: Path) -> Artifact:
    return converted(checkpoint, "coreai", "fp32", folder)


# -- with the packages ------------------------------------------------------------------------------------------


@pytest.mark.slow
@needs_coreai
def test_groups_and_logits_are_pytorchs(groups: Artifact, checkpoint: Checkpoint) -> None:
    manifest = groups.manifest
    assert groups.path.suffix == ".aimodel" and manifest.minimum_os == "iOS 27"
    assert [(spec.name, spec.shape, spec.dtype) for spec in (*manifest.inputs, *manifest.outputs)] == [
        ("image", (1, 128, 128, 3), "uint8"),
        ("groups", (1, 32, 32, 4), "uint8"),
        ("logits", (1, 8, 8, 18), "float32"),
    ]
    assert {"coreai-torch", "coreai-core"} <= set(manifest.tools)
    report = parity_check([groups], checkpoint, gates=WIDE)
    (row,) = report.artifacts
    assert report.passed and row.runtime == "coreai-cpu"
    assert row.metrics.max_abs_logit < 1e-3
    assert not any(check.name.startswith("native") for check in row.checks)  # this is the native runtime


@pytest.mark.slow
@needs_coreai
def test_the_mask_is_that_of_the_checkpoint(groups: Artifact, checkpoint: Checkpoint) -> None:
    image = astronaut().image
    ours, theirs = (Segmenter(source, **size).groups(image) for source, size in sources(groups, checkpoint))
    assert np.abs(ours - theirs).max() < 2 / 255


def sources(artifact: Artifact, checkpoint: Checkpoint) -> list[tuple[Any, dict[str, Any]]]:
    return [(artifact, {}), (checkpoint, {"size": 128})]


@pytest.mark.slow
@needs_coreai
def test_logits_alone_and_the_same_model_again(checkpoint: Checkpoint, tmp_path: Path) -> None:
    """coreai-core names constants at random, so only what is computed is compared."""
    image = {"image": astronaut().at(128)[None]}
    made = [converted(checkpoint, "coreai", "fp32", tmp_path / name, output="logits") for name in "ab"]
    first, second = (open_runtime(artifact.path).run(image) for artifact in made)
    assert list(first) == ["logits"] and (first["logits"] == second["logits"]).all()


@pytest.mark.slow
@needs_coreai
def test_w8_stores_bytes_and_keeps_the_labels(
    groups: Artifact, checkpoint: Checkpoint, tmp_path: Path
) -> None:
    small = converted(checkpoint, "coreai", "w8", tmp_path)
    assert small.manifest.size_bytes < 0.6 * groups.manifest.size_bytes
    (row,) = parity_check([small], checkpoint, gates=Gates(min_agreement=0.9, max_skin_de=3.0)).artifacts
    assert 0.001 < row.metrics.max_abs_logit < 2
    assert row.status != Status.FAILED


@pytest.mark.slow
@needs_coreai
def test_an_aimodel_cannot_be_explained_or_bundled(
    groups: Artifact, checkpoint: Checkpoint, tmp_path: Path
) -> None:
    report = parity_check([groups], checkpoint, gates=WIDE)
    with pytest.raises(EdgekitError, match="Core AI gives no intermediate tensors"):
        explained(report, [groups], checkpoint)
    with pytest.raises(BundleError, match="artifacts for coreml and tflite, not for coreai"):
        edgekit.bundle(checkpoint, [groups.path], out=tmp_path / "bundle")


@pytest.mark.slow
@needs_coreai
def test_a_damaged_package_is_a_sentence(groups: Artifact, tmp_path: Path) -> None:
    import shutil

    copy = Path(shutil.copytree(groups.path, tmp_path / groups.path.name))
    program = copy / "main.mlirb"
    program.write_bytes(program.read_bytes()[:1000])
    with pytest.raises(ConversionError, match=r"aimodel"):
        open_runtime(copy)
    program.unlink()
    with pytest.raises(ConversionError, match=r"not a complete \.aimodel"):
        open_runtime(copy)
    with pytest.raises(ConversionError, match="has no output 'stem'"):
        open_runtime(groups.path, ("stem",))


# -- without them -----------------------------------------------------------------------------------------------


def test_labels_are_refused(checkpoint: Checkpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(coreai, "find_spec", lambda name: object())
    with pytest.raises(
        ConversionError, match=r"argmax within a Core AI model is wrong .* \(coreai-torch 116\)"
    ):
        coreai.check(conversion_of(checkpoint, "fp32", "labels"))


def test_int8_activations_are_refused_before_any_photo_is_read(
    checkpoint: Checkpoint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(coreai, "find_spec", lambda name: object())
    with pytest.raises(ConversionError, match="recipe w8a8 has int8 activations"):
        edgekit.convert(checkpoint, "coreai", size=128, recipe="w8a8", out=tmp_path)
    assert not list(tmp_path.iterdir())


def test_without_the_packages_it_says_what_to_install(
    checkpoint: Checkpoint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(coreai, "find_spec", lambda name: None)
    with pytest.raises(MissingDependency, match=r"pip install 'edgekit\[coreai\]'"):
        edgekit.convert(checkpoint, "coreai", size=128, out=tmp_path)
    ended = command(
        "convert", "--target", "coreai", "--weights", str(checkpoint.folder), "--size", "128",
        "--out", str(tmp_path / "out"),
    )  # fmt: skip
    assert ended.code == 3 and "pip install 'edgekit[coreai]'" in ended.err
    assert not (tmp_path / "out").exists()


def test_an_old_ios_is_refused(
    checkpoint: Checkpoint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(coreai, "find_spec", lambda name: object())
    with pytest.raises(ConversionError, match="Core AI models need iOS 27"):
        edgekit.convert(checkpoint, "coreai", size=128, minimum_ios=18, out=tmp_path)


@pytest.mark.slow
@needs_coreai
def test_the_package_beside_its_manifest_is_read_again(groups: Artifact) -> None:
    assert read_artifact(groups.path).manifest == groups.manifest
    metadata = json.loads((groups.path / "metadata.json").read_text())
    assert metadata["creatorDefinedMetadata"]["weights_sha256"] == groups.manifest.weights_sha256
