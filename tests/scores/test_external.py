"""Models of others: folders of masks, and files whose input and output a description states."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from edgekit.artifact import Artifact
from edgekit.errors import EdgekitError, MissingDependency
from edgekit.runtimes import TensorType
from edgekit.runtimes.onnx import Onnx
from edgekit.scores import external
from edgekit.scores.baselines import Shown
from edgekit.scores.external import Described, MaskFolder, ModelFile, parsed_masks, parsed_model
from edgekit.scores.folder import evaluate
from edgekit.weights import Checkpoint
from tests.support.cli import edgekit
from tests.support.onnx_file import sigmoid_model
from tests.support.pictures import picture

PHOTO = picture(32, 48)
SHOWN = Shown("a.jpg", PHOTO)
DESCRIBED = Described("person", (16, 24), "NCHW", "probabilities", (1,))


class Pictures:
    """A runtime that keeps its input and gives what it was made with."""

    def __init__(self, dtype: type, outputs: Mapping[str, NDArray[Any]]) -> None:
        self.name = "made"
        self.inputs = {"x": TensorType((1, 3, 16, 24), np.dtype(dtype))}
        self._outputs = dict(outputs)

    def run(self, inputs: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        self.given = inputs["x"]
        return self._outputs


def found(outputs: Mapping[str, NDArray[Any]], dtype: type = np.float32, **described: Any) -> Any:
    """What a model of these outputs finds on the photo, and the input that it was given."""
    runtime = Pictures(dtype, outputs)
    model = external._Model(Path("m.onnx"), runtime, replace(DESCRIBED, **described))
    return model.find(SHOWN), runtime.given


PLANES = np.random.default_rng(0).random((1, 3, 16, 24)).astype(np.float32) / 3


def test_the_input_is_as_described() -> None:
    small = np.asarray(Image.fromarray(PHOTO).resize((24, 16), Image.Resampling.BILINEAR))
    _, plain = found({"y": PLANES})
    assert plain == pytest.approx(small.transpose(2, 0, 1)[None] / 255, abs=1e-6)
    _, scaled = found({"y": PLANES}, mean=(0.5, 0.4, 0.3), std=(0.2, 0.3, 0.4), bgr=True)
    levels = (small / 255 - [0.5, 0.4, 0.3]) / [0.2, 0.3, 0.4]
    assert scaled == pytest.approx(levels[..., ::-1].transpose(2, 0, 1)[None], abs=1e-5)
    _, given = found({"y": np.moveaxis(PLANES, 1, -1)}, np.uint8, layout="NHWC")
    assert given.dtype == np.uint8 and np.array_equal(given[0], small)


def test_the_output_is_as_described() -> None:
    probability, _ = found({"y": PLANES}, channels=(0, 2))
    assert probability.shape == (32, 48)
    # Bilinear with half-pixel centres: twice the size, a quarter of a pixel from the first centre.
    corner = PLANES[0, [0, 2], :2, :2].sum(0)
    weights = np.outer([0.75, 0.25], [0.75, 0.25])
    assert probability[1, 1] == pytest.approx((corner * weights).sum(), abs=1e-6)
    channels_last, _ = found({"y": np.moveaxis(PLANES, 1, -1)}, channels=(0, 2), layout="NHWC")
    assert np.array_equal(channels_last, probability)
    softmax, _ = found({"y": np.log(PLANES)}, values="logits")
    assert softmax[0, 0] == pytest.approx((PLANES[0, 1] / PLANES[0].sum(0))[0, 0], abs=1e-6)
    sigmoid, _ = found({"y": np.full((1, 16, 24), 2.0, np.float32)}, values="logits", channels=(0,))
    assert sigmoid == pytest.approx(1 / (1 + np.exp(-2)), abs=1e-6)
    levels, _ = found({"y": np.full((1, 3, 16, 24), 51, np.uint8)})
    assert levels == pytest.approx(0.2, abs=1e-6)
    labels, _ = found(
        {"y": PLANES, "z": np.arange(384).reshape(1, 16, 24)}, output="z", values="labels", channels=(0, 25)
    )
    assert labels.dtype == bool and labels.sum() == 8 and labels[:2, :2].all() and labels[2:4, 2:4].all()


@pytest.mark.parametrize(
    ("outputs", "described", "words"),
    [
        ({"y": PLANES, "z": PLANES}, {}, "gives y, z; name one as `output`"),
        ({"y": PLANES}, {"output": "z"}, "gives no 'z'; it gives y"),
        ({"y": PLANES}, {"channels": (3,)}, "gives 3 channels, so there is no channel 3"),
        ({"y": PLANES * 9}, {}, "gives probabilities outside 0 to 1; are they `logits`"),
        ({"y": PLANES * np.nan}, {}, "gives probabilities outside 0 to 1"),
        ({"y": PLANES.astype(np.int8)}, {}, "gives int8; convert it with an output of floats or bytes"),
        ({"y": PLANES[0, 0, 0]}, {}, r"of shape \(24,\), which is no picture"),
    ],
)
def test_what_does_not_fit_its_description_is_refused(
    outputs: dict[str, NDArray[Any]], described: dict[str, Any], words: str
) -> None:
    with pytest.raises(EdgekitError, match=words):
        found(outputs, **described)


def test_bytes_are_not_normalised() -> None:
    with pytest.raises(EdgekitError, match="takes bytes, so its description has neither `mean` nor `std`"):
        found({"y": PLANES}, np.uint8, mean=(0.5, 0.5, 0.5))


def described(file: Path, **values: Any) -> None:
    stated = {
        "group": "person",
        "size": [16, 24],
        "layout": "NCHW",
        "values": "probabilities",
        "channels": [0],
    }
    file.with_name(file.name + ".json").write_text(json.dumps(stated | values))


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"group": "dog"}, "is not the description of a model"),
        ({"size": [16, 5000]}, "is not the description of a model"),
        ({"std": [0, 1, 1]}, "is not the description of a model"),
        ({"channels": []}, "is not the description of a model"),
        ({"sizes": [1]}, "is not the description of a model"),
    ],
)
def test_a_wrong_description_is_one_sentence(tmp_path: Path, values: dict[str, Any], words: str) -> None:
    file = tmp_path / "m.tflite"
    described(file, **values)
    with pytest.raises(EdgekitError, match=words):
        ModelFile("m", file).detector(())


def test_a_missing_file_or_package_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    described(tmp_path / "m.onnx")
    with pytest.raises(EdgekitError, match=r"m\.onnx does not exist"):
        ModelFile("m", tmp_path / "m.onnx").detector(())
    (tmp_path / "m.onnx").write_bytes(b"junk")
    with pytest.raises(
        MissingDependency, match=r"An \.onnx model needs the package onnxruntime; install it with"
    ):
        ModelFile("m", tmp_path / "m.onnx").detector(())
    with pytest.raises(EdgekitError, match=r"There is no kind of model '.pth'; known: .tflite, .onnx"):
        ModelFile("m", tmp_path / "m.pth")


def test_onnx_runs_as_described(tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")
    file = tmp_path / "m.onnx"
    file.write_bytes(sigmoid_model((1, 3, 16, 24)))
    described(file, channels=[1])
    assert Onnx(file).inputs == {"x": TensorType((1, 3, 16, 24), np.dtype(np.float32))}
    soft = ModelFile("m", file).detector(()).find(Shown("a", np.full((16, 24, 3), (0, 51, 255), np.uint8)))
    assert soft == pytest.approx(1 / (1 + np.exp(-0.2)), abs=1e-6)
    file.write_bytes(b"junk")
    with pytest.raises(EdgekitError, match=r"m\.onnx cannot be loaded"):
        ModelFile("m", file).detector(())


@pytest.fixture
def photos(tmp_path: Path) -> tuple[Path, Path]:
    """Two photos whose labels show a face (11) on the left."""
    images, labels = tmp_path / "images", tmp_path / "labels"
    for place in (images, labels):
        place.mkdir()
    for i in range(2):
        truth = np.zeros((64, 90), np.uint8)
        truth[:, :30] = 11
        Image.fromarray(picture(64, 90, i)).save(images / f"{i}.jpg")
        Image.fromarray(truth).save(labels / f"{i}.png")
    return images, labels


def test_masks_stand_beside_the_parser(
    checkpoint: Checkpoint, photos: tuple[Path, Path], tmp_path: Path
) -> None:
    images, labels = photos
    for name in ("good", "short"):
        (tmp_path / name).mkdir()
    for i in range(2):
        mask = np.zeros((64, 90), np.uint8)
        mask[:, :30], mask[:, 30:40] = 255, 51
        Image.fromarray(mask).save(tmp_path / "good" / f"{i}.png")
    Image.fromarray(mask).save(tmp_path / "short" / "0.png")
    ran = edgekit(
        "evaluate", "--weights", checkpoint.folder, "--images", images, "--labels", labels, "--no-baselines",
        "--masks", f"mine={tmp_path / 'good'}:person", "--strata", "--json",
    )  # fmt: skip
    assert ran.code == 0, ran.err
    parser, mine = json.loads(ran.out)["models"]
    assert (mine["name"], mine["miou"], mine["groups"]) == (
        "mine",
        None,
        {"person": {"iou": 1.0, "iou_ci95": [1, 1]}},
    )
    assert mine["photo_means"]["person"]["mae"]["value"] == pytest.approx(0.2 * 10 / 90, abs=1e-5)
    assert {one["dimension"] for one in mine["strata"]} >= {"brightness", "people apart"}
    assert set(parser["photo_means"]) == {"person", "skin"}
    assert "Mean over photos, person" in ran.err
    Image.fromarray(mask[:9]).save(tmp_path / "good" / "1.png")
    for masks, words in (
        (
            MaskFolder("m", tmp_path / "short", "person"),
            r"has no mask 1\.png for the photo 1\.jpg \(1 are missing\)",
        ),
        (MaskFolder("m", tmp_path / "none", "person"), "is not a folder of masks"),
        (
            MaskFolder("m", tmp_path / "good", "person"),
            r"1\.png: has 90×9 pixels, but the label of 1\.jpg has 90×64",
        ),
    ):
        with pytest.raises(EdgekitError, match=words):
            evaluate(checkpoint, images=images, labels=labels, external=[masks])
    same = [MaskFolder("m", tmp_path / "good", "person")] * 2
    with pytest.raises(EdgekitError, match="Two models are called 'm'"):
        evaluate(checkpoint, images=images, labels=labels, external=same)


def test_a_tflite_file_of_others_scores_as_the_artifact(
    artifacts: dict[str, Artifact], checkpoint: Checkpoint, photos: tuple[Path, Path], tmp_path: Path
) -> None:
    """edgekit's own artifact, described as somebody else's: its first channel is skin."""
    images, labels = photos
    file = tmp_path / "theirs.tflite"
    file.write_bytes(artifacts["tflite"].path.read_bytes())
    described(file, group="skin", size=[128, 128], layout="NHWC")
    theirs = ModelFile("theirs", file).detector(()).find(Shown("a", picture(128, 128)))
    runtime = external.LiteRT(artifacts["tflite"].path)
    (given,) = runtime.inputs
    (mask,) = runtime.run({given: picture(128, 128)[None]}).values()
    assert theirs[::4, ::4].shape == mask.shape[1:3]
    centres = theirs.reshape(mask.shape[1], -1, mask.shape[2], 128 // mask.shape[2])[:, 1:3, :, 1:3].mean(
        (1, 3)
    )
    assert centres[1:-1, 1:-1] == pytest.approx(mask[0, 1:-1, 1:-1, 0] / 255, abs=0.1)
    found = evaluate(
        checkpoint, images=images, labels=labels, baselines=False, external=[ModelFile("theirs", file)]
    )
    assert [model.name for model in found.models][1:] == ["theirs"] and set(found.models[1].groups) == {
        "skin"
    }


def test_labels_have_to_tell_the_group(
    checkpoint: Checkpoint, photos: tuple[Path, Path], tmp_path: Path
) -> None:
    images, labels = photos
    skin = [checkpoint.class_names[i] for i in checkpoint.groups.skin]
    rest = [name for name in checkpoint.class_names if name not in skin]
    (labels / "labels.json").write_text(json.dumps({"11": skin, "0": rest}))
    with pytest.raises(EdgekitError, match="m finds person, which these labels do not tell apart"):
        evaluate(checkpoint, images=images, labels=labels, external=[MaskFolder("m", labels, "person")])


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("u2net", "is not of the form NAME=FOLDER:GROUP"),
        ("u2net=masks", "is not of the form NAME=FOLDER:GROUP"),
        ("=masks:person", "has to be one line of 1 to 80 printable characters"),
        ("u2net=masks:dog", "There is no group 'dog'"),
    ],
)
def test_masks_are_spelled_name_folder_group(text: str, words: str) -> None:
    assert parsed_masks("u2net=a:b=c:person") == MaskFolder("u2net", Path("a:b=c"), "person")
    with pytest.raises(EdgekitError, match=words):
        parsed_masks(text)


def test_models_are_spelled_name_file() -> None:
    assert parsed_model("a=b=c.onnx") == ModelFile("a", Path("b=c.onnx"))
    with pytest.raises(EdgekitError, match="is not of the form NAME=FILE"):
        parsed_model("a.onnx")
