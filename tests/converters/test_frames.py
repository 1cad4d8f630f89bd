"""Inputs that are no squares: both targets agree with PyTorch, and photos of any shape get a mask of their own."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image

import edgekit
from converters.conversion import made_before
from edgekit.artifact import Artifact, read_artifact
from edgekit.errors import ConversionError
from edgekit.images import FRAME_PREPROCESSING_ID, InputSize, Picture, fit_of, read_image
from edgekit.model.outputs import OutputMode, output_head
from edgekit.model.reference import ReferenceSegmenter
from edgekit.parity.check import parity_check
from edgekit.parity.stages import waterfall
from edgekit.recipes import Recipe
from edgekit.scores.runners import artifact_runner, network_input
from edgekit.segmenter import Segmenter
from edgekit.targets import TARGETS
from edgekit.weights import Checkpoint
from tests.support.conversions import conversion_of, converted
from tests.support.pictures import picture

WIDE, TALL = InputSize(128, 192), InputSize(192, 128)
SHAPES = {"stretched": (150, 200), "wide": (60, 200), "tall": (200, 60)}  # of photos

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def frames(
    checkpoint: Checkpoint, tmp_path_factory: pytest.TempPathFactory
) -> dict[tuple[str, InputSize], Artifact]:
    """The small checkpoint at both shapes, for both targets, in float32."""
    folder = tmp_path_factory.mktemp("frames")
    return {
        (target, size): converted(checkpoint, target, "fp32", folder, size=size)
        for target in TARGETS
        for size in (WIDE, TALL)
    }


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("photos")
    for i, (name, shape) in enumerate(SHAPES.items()):
        Image.fromarray(picture(*shape, i)).save(folder / f"{name}.png")
    return folder


def expected_logits(checkpoint: Checkpoint, image: NDArray[np.uint8]) -> NDArray[np.float32]:
    with torch.inference_mode():
        logits: NDArray[np.float32] = ReferenceSegmenter(checkpoint)(network_input(image))[0].numpy()
    return logits


@pytest.mark.parametrize("size", [WIDE, TALL], ids=str)
@pytest.mark.parametrize("target", list(TARGETS))
def test_logits_are_pytorchs_and_the_groups_are_theirs(
    frames: dict[tuple[str, InputSize], Artifact], checkpoint: Checkpoint, target: str, size: InputSize
) -> None:
    artifact = frames[target, size]
    assert artifact.path.stem == f"seeded-{size}-fp32"
    image = picture(*size.shape)
    outputs = artifact_runner(artifact).run(image)
    expected = expected_logits(checkpoint, image)
    assert outputs.logits.shape == expected.shape == (18, size.height // 16, size.width // 16)
    assert np.abs(outputs.logits - expected).max() <= 1e-3
    mask = (size.height // 4, size.width // 4)
    head = output_head("groups", checkpoint.groups, 18, mask, rgba=target == "tflite")
    defined = head(torch.from_numpy(expected)[None])[0].numpy()
    assert outputs.delivered.shape == defined.shape
    assert np.abs(outputs.delivered - defined).max() <= 1.0


@pytest.mark.parametrize("target", list(TARGETS))
@pytest.mark.parametrize("output", ["labels", "logits"])
def test_other_outputs(checkpoint: Checkpoint, target: str, output: OutputMode, tmp_path: Path) -> None:
    artifact = converted(checkpoint, target, "fp32", tmp_path, output, WIDE)
    image = picture(*WIDE.shape)
    outputs, expected = artifact_runner(artifact).run(image), expected_logits(checkpoint, image)
    if output == "logits":
        assert np.abs(outputs.delivered - expected).max() <= 1e-3
        return
    assert outputs.delivered.shape == (1, 32, 48)
    defined = output_head(output, checkpoint.groups, 18, (32, 48), rgba=False)(
        torch.from_numpy(expected)[None]
    )
    assert (outputs.delivered == defined[0].numpy()).mean() > 0.999


def test_the_manifest_holds_the_shape_and_the_fit(frames: dict[tuple[str, InputSize], Artifact]) -> None:
    for (_, size), artifact in frames.items():
        manifest = read_artifact(artifact.path).manifest
        assert json.loads(artifact.manifest_path.read_text())["size"] == str(size) == manifest.size
        assert (
            manifest.input_size == manifest.inputs[0].height_and_width == size.shape
            or manifest.input_size == size
        )
        assert manifest.inputs[0].height_and_width == size.shape
        assert manifest.outputs[0].height_and_width == (size.height // 4, size.width // 4)
        assert manifest.preprocessing == FRAME_PREPROCESSING_ID


def test_parity_passes_on_photos_of_every_shape(
    frames: dict[tuple[str, InputSize], Artifact], checkpoint: Checkpoint, photos: Path
) -> None:
    report = parity_check(list(frames.values()), checkpoint, images=photos, stability=True)
    assert report.passed
    for row in report.artifacts:
        assert row.metrics.n == len(SHAPES) and row.metrics.label_agreement == pytest.approx(1, abs=1e-3)


def test_the_waterfall_blames_nothing(
    frames: dict[tuple[str, InputSize], Artifact], checkpoint: Checkpoint, photos: Path
) -> None:
    pictures = [Picture(path.name, read_image(path)) for path in sorted(photos.iterdir())]
    found = waterfall(frames["tflite", TALL], checkpoint, pictures)
    assert found.blamed == ()


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_a_photo_of_any_shape_gets_a_mask_and_labels_of_its_own(
    frames: dict[tuple[str, InputSize], Artifact], checkpoint: Checkpoint, shape: tuple[int, int]
) -> None:
    photo, fit = picture(*shape), fit_of(shape, TALL)
    reference = Segmenter(checkpoint, size=str(TALL))
    assert reference.size == TALL
    mask = reference.groups(photo)
    assert mask.shape == (fit.height // 4, fit.width // 4, 3)
    assert reference.labels(photo).shape == shape
    for target in TARGETS:
        found = Segmenter(frames[target, TALL])
        assert np.abs(found.groups(photo) - mask).max() <= 2 / 255
        assert (found.labels(photo) == reference.labels(photo)).mean() > 0.999


def test_photos_are_styled(
    frames: dict[tuple[str, InputSize], Artifact], photos: Path, tmp_path: Path
) -> None:
    edgekit.style([photos], "dramatic", source=frames["tflite", WIDE], out=tmp_path / "styled")
    for name, shape in SHAPES.items():
        styled = read_image(tmp_path / "styled" / f"{name}.png")
        assert styled.shape[:2] == shape and (styled != read_image(photos / f"{name}.png")).any()


def test_int8_takes_ranges_from_photos_fitted_alike(
    checkpoint: Checkpoint, photos: Path, tmp_path: Path
) -> None:
    recipe = Recipe("int8", mode="w8a8", observer="minmax")
    artifact = converted(checkpoint, "tflite", recipe, tmp_path, size=TALL, calibration=photos)
    image = picture(*TALL.shape)
    found, expected = artifact_runner(artifact).run(image).logits, expected_logits(checkpoint, image)
    assert np.corrcoef(found.ravel(), expected.ravel())[0, 1] > 0.95


def test_only_the_same_shape_was_made_before(
    frames: dict[tuple[str, InputSize], Artifact], checkpoint: Checkpoint
) -> None:
    artifact = frames["tflite", WIDE]
    same, target = conversion_of(checkpoint, "fp32", size=WIDE), TARGETS["tflite"]
    assert made_before(target, same, artifact.path.parent) == artifact
    assert made_before(target, conversion_of(checkpoint, "fp32", size=256), artifact.path.parent) is None


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"size": "192x128"}, "its size is 192x128, and its input 'image' has the shape"),
        ({"size": 128}, "its size is 128, and its input 'image'"),
        ({"size": "500x384"}, "`size` 500x384 is not made of multiples of 64"),
        ({"size": "128x192x3"}, "at size: expected str matching regex"),
        ({"preprocessing": "stretch-bilinear-antialias-srgb-u8/1"}, "it fits photos by 'stretch-"),
    ],
)
def test_a_manifest_that_contradicts_itself_is_refused(
    frames: dict[tuple[str, InputSize], Artifact], tmp_path: Path, change: dict[str, object], sentence: str
) -> None:
    from tests.conftest import copy_of

    copied = copy_of(frames["tflite", WIDE], tmp_path)
    values = json.loads(copied.manifest_path.read_text())
    copied.manifest_path.write_text(json.dumps(values | change))
    with pytest.raises(ConversionError, match=sentence):
        read_artifact(copied.path)


def test_a_file_of_another_shape_than_its_manifests_is_refused(
    frames: dict[tuple[str, InputSize], Artifact], tmp_path: Path
) -> None:
    from tests.conftest import copy_of

    copied = copy_of(frames["tflite", WIDE], tmp_path)
    values = json.loads(copied.manifest_path.read_text())
    values["size"], values["inputs"][0]["shape"] = "192x128", [1, 192, 128, 3]
    copied.manifest_path.write_text(json.dumps(values))
    with pytest.raises(ConversionError, match="input 'image'"):
        Segmenter(copied.path).groups(picture(60, 60))
