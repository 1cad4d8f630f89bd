"""Inputs that are no squares: both targets agree with PyTorch, and photos of any shape get a mask of their own."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image

import edgekit
from converters.conversion import made_before
from edgekit.artifact import Artifact, read_artifact
from edgekit.bundles.building import BuiltBundle
from edgekit.bundles.reading import read_bundle
from edgekit.errors import BundleError, ConversionError
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
from tests.conftest import copy_of
from tests.support.conversions import conversion_of, converted
from tests.support.pictures import picture
from tests.support.schemas import follows

WIDE, TALL = InputSize(128, 192), InputSize(192, 128)
AT_HAND = ("coreml", "tflite")  # the targets whose converters are always there
SHAPES = {"stretched": (150, 200), "wide": (60, 200), "tall": (200, 60)}  # of photos

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def frames(checkpoint: Checkpoint, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Artifact]:
    """The small checkpoint in float32, by target and size; each of the outputs once or more."""
    folder = tmp_path_factory.mktemp("frames")
    made: tuple[tuple[str, InputSize, OutputMode], ...] = (
        ("tflite", TALL, "groups"), ("tflite", WIDE, "logits"), ("coreml", TALL, "groups"), ("coreml", WIDE, "labels"),
    )  # fmt: skip
    return {
        f"{target} {size}": converted(checkpoint, target, "fp32", folder, output, size)
        for target, size, output in made
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


@pytest.mark.parametrize("name", ["tflite 192x128", "tflite 128x192", "coreml 192x128", "coreml 128x192"])
def test_logits_are_pytorchs_and_the_output_is_theirs(
    frames: dict[str, Artifact], checkpoint: Checkpoint, name: str
) -> None:
    manifest = frames[name].manifest
    size = manifest.input_size
    image = picture(*size.shape)
    outputs, expected = artifact_runner(frames[name]).run(image), expected_logits(checkpoint, image)
    assert outputs.logits.shape == expected.shape == (18, size.height // 16, size.width // 16)
    assert np.abs(outputs.logits - expected).max() <= 1e-3
    mask = (size.height // 4, size.width // 4)
    head = output_head(manifest.output, checkpoint.groups, 18, mask, rgba=manifest.target == "tflite")
    defined = head(torch.from_numpy(expected)[None])[0].numpy()
    assert outputs.delivered.shape == defined.shape
    if manifest.output == "labels":
        assert (outputs.delivered == defined).mean() > 0.999
    else:
        assert np.abs(outputs.delivered - defined).max() <= 1.0


def test_the_manifest_holds_the_shape_and_the_fit(frames: dict[str, Artifact]) -> None:
    for name, artifact in frames.items():
        manifest, size = read_artifact(artifact.path).manifest, name.split()[1]
        assert artifact.path.stem.startswith(f"seeded-{size}-fp32")
        assert json.loads(artifact.manifest_path.read_text())["size"] == size == manifest.size
        assert manifest.inputs[0].height_and_width == manifest.input_size.shape == InputSize.of(size).shape
        assert manifest.preprocessing == FRAME_PREPROCESSING_ID
    assert frames["tflite 192x128"].manifest.outputs[0].height_and_width == (48, 32)


def test_parity_passes_on_photos_of_every_shape(
    frames: dict[str, Artifact], checkpoint: Checkpoint, photos: Path
) -> None:
    report = parity_check(list(frames.values()), checkpoint, images=photos)
    assert report.passed
    for row in report.artifacts:
        assert row.metrics.n == len(SHAPES) and row.metrics.label_agreement == pytest.approx(1, abs=1e-3)


def test_flicker_is_that_of_pytorch(frames: dict[str, Artifact], checkpoint: Checkpoint) -> None:
    (row,) = parity_check([frames["tflite 192x128"]], checkpoint, stability=True).artifacts
    assert row.stability is not None and abs(row.stability.excess) < 1e-3


def test_the_waterfall_blames_nothing(
    frames: dict[str, Artifact], checkpoint: Checkpoint, photos: Path
) -> None:
    pictures = [Picture(path.name, read_image(path)) for path in sorted(photos.iterdir())]
    found = waterfall(frames["tflite 192x128"], checkpoint, pictures)
    assert found.blamed == ()


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_a_photo_of_any_shape_gets_a_mask_and_labels_of_its_own(
    frames: dict[str, Artifact], checkpoint: Checkpoint, shape: tuple[int, int]
) -> None:
    photo, fit = picture(*shape), fit_of(shape, TALL)
    reference = Segmenter(checkpoint, size=str(TALL))
    assert reference.size == TALL
    mask = reference.groups(photo)
    assert mask.shape == (fit.height // 4, fit.width // 4, 3)
    assert reference.labels(photo).shape == shape
    for target in AT_HAND:
        found = Segmenter(frames[f"{target} {TALL}"])
        assert np.abs(found.groups(photo) - mask).max() <= 2 / 255
        assert (found.labels(photo) == reference.labels(photo)).mean() > 0.999


def test_photos_are_styled(frames: dict[str, Artifact], photos: Path, tmp_path: Path) -> None:
    edgekit.style([photos], "dramatic", source=frames["tflite 192x128"], out=tmp_path / "styled")
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


def test_only_the_same_shape_was_made_before(frames: dict[str, Artifact], checkpoint: Checkpoint) -> None:
    artifact = frames["tflite 192x128"]
    same, target = conversion_of(checkpoint, "fp32", size=TALL), TARGETS["tflite"]
    assert made_before(target, same, artifact.path.parent) == artifact
    assert made_before(target, conversion_of(checkpoint, "fp32", size=256), artifact.path.parent) is None


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"size": "128x192"}, "its size is 128x192, and its input 'image' has the shape"),
        ({"size": 128}, "its size is 128, and its input 'image'"),
        ({"size": "500x384"}, "`size` is 500x384; each side must be a multiple of 64"),
        ({"size": "192x128x3"}, "at size: expected str matching regex"),
        ({"preprocessing": "stretch-bilinear-antialias-srgb-u8/1"}, "it fits photos by 'stretch-"),
    ],
)
def test_a_manifest_that_contradicts_itself_is_refused(
    frames: dict[str, Artifact], tmp_path: Path, change: dict[str, object], sentence: str
) -> None:
    copied = copy_of(frames["tflite 192x128"], tmp_path)
    values = json.loads(copied.manifest_path.read_text())
    copied.manifest_path.write_text(json.dumps(values | change))
    with pytest.raises(ConversionError, match=sentence):
        read_artifact(copied.path)


def test_a_file_of_another_shape_than_its_manifests_is_refused(
    frames: dict[str, Artifact], tmp_path: Path
) -> None:
    copied = copy_of(frames["tflite 192x128"], tmp_path)
    values = json.loads(copied.manifest_path.read_text())
    values["size"], values["inputs"][0]["shape"] = "128x192", [1, 128, 192, 3]
    copied.manifest_path.write_text(json.dumps(values))
    with pytest.raises(ConversionError, match="input 'image'"):
        Segmenter(copied.path).groups(picture(60, 60))


@pytest.fixture(scope="module")
def bundled(
    frames: dict[str, Artifact], checkpoint: Checkpoint, tmp_path_factory: pytest.TempPathFactory
) -> BuiltBundle:
    paths = [frames[f"{target} 192x128"].path for target in AT_HAND]
    out = tmp_path_factory.mktemp("bundle") / "bundle"
    return edgekit.bundle(checkpoint, paths, styles=["dramatic"], out=out)


def test_a_bundle_of_frames_is_read_again_and_draws_the_golden_picture(bundled: BuiltBundle) -> None:
    assert bundled.passed
    opened = read_bundle(bundled.opened.folder)
    for segmenter in opened.bundle.segmenters:
        assert (segmenter.input_size, segmenter.mask_size) == ("192x128", "48x32")
    golden = opened.bundle.golden
    fit = fit_of((golden.image.height, golden.image.width), TALL)
    assert (golden.mask.height, golden.mask.width) == (fit.height // 4, fit.width // 4)
    vectors = json.loads((opened.folder / "golden/vectors.json").read_text())
    assert any(each["height"] < each["input_height"] for each in vectors["fits"])
    assert follows(
        json.loads((bundled.opened.folder / "bundle.json").read_text()), "edgekit.bundles", "bundle"
    )


@pytest.mark.parametrize("size", ["192x", "0x128", "128x20000", "192X128", 1.5])
def test_a_bundle_of_no_shape_is_refused(bundled: BuiltBundle, tmp_path: Path, size: object) -> None:
    folder = Path(shutil.copytree(bundled.opened.folder, tmp_path / "bundle"))
    values = json.loads((folder / "bundle.json").read_text())
    values["segmenters"][0]["input_size"] = size
    (folder / "bundle.json").write_text(json.dumps(values))
    with pytest.raises(BundleError, match="size"):
        read_bundle(folder)
