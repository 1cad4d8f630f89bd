"""The executor on whole packages: the small parser against PyTorch, image conventions, damaged packages."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import coremltools as ct
import numpy as np
import pytest
import torch
from coremltools.converters.mil import Builder as mb
from numpy.typing import NDArray

from converters import coreml
from converters.conversion import Conversion
from edgekit.artifact import Artifact
from edgekit.errors import ConversionError, UnsupportedOperator
from edgekit.images import InputSize
from edgekit.model.outputs import output_head
from edgekit.model.prepared import PreparedSegmenter
from edgekit.recipes import recipe_named
from edgekit.runtimes import open_runtime
from edgekit.runtimes.mil_reference import MilReference, operator_counts
from edgekit.scores.metrics import labels_from_logits
from edgekit.weights import Checkpoint
from tests.support.pictures import picture

SIZE = 128
SPECIFICATION = "Data/com.apple.CoreML/model.mlmodel"
WEIGHTS = "Data/com.apple.CoreML/weights/weight.bin"


@pytest.fixture(scope="module")
def image() -> NDArray[np.uint8]:
    """(1, 128, 128, 3)"""
    return picture(SIZE, SIZE, seed=5)[None]


@pytest.fixture(scope="module")
def expected(checkpoint: Checkpoint, image: NDArray[np.uint8]) -> NDArray[np.float32]:
    """The prepared model's logits in PyTorch: (1, 18, 8, 8)."""
    x = torch.from_numpy(image.copy()).permute(0, 3, 1, 2).float()
    with torch.inference_mode():
        return PreparedSegmenter(checkpoint)(x).numpy()


@pytest.fixture(scope="module")
def fp32_logits(checkpoint: Checkpoint, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("fp32") / "logits.mlpackage"
    coreml.convert(Conversion(checkpoint, InputSize.of(SIZE), recipe_named("fp32"), "logits"), path)
    return path


@pytest.fixture(scope="module")
def fp16_labels(checkpoint: Checkpoint, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The package and the name of its logits."""
    path = tmp_path_factory.mktemp("fp16") / "labels.mlpackage"
    converted = coreml.convert(
        Conversion(checkpoint, InputSize.of(SIZE), recipe_named("fp16"), "labels"), path
    )
    return path, converted.taps["logits"]


@pytest.mark.slow
def test_fp32_logits_are_pytorchs(
    fp32_logits: Path, image: NDArray[np.uint8], expected: NDArray[np.float32]
) -> None:
    logits = MilReference(fp32_logits).run({"image": image})["logits"]
    assert logits.shape == (1, 18, 8, 8)
    assert logits.dtype == np.float32
    assert np.abs(logits - expected).max() <= 1e-3
    swapped = MilReference(fp32_logits).run({"image": image[..., ::-1].copy()})["logits"]
    assert np.abs(swapped - expected).max() > 0.1  # the picture does reach the logits, in this colour order


def test_fp16_groups_follow_pytorch(
    artifacts: dict[str, Artifact],
    checkpoint: Checkpoint,
    image: NDArray[np.uint8],
    expected: NDArray[np.float32],
) -> None:
    artifact = artifacts["coreml"]
    tap = artifact.manifest.taps["logits"]
    outputs = open_runtime(artifact.path, taps=(tap,)).run({"image": image})
    assert list(outputs) == ["groups", tap]
    groups, logits = outputs["groups"], outputs[tap]
    assert (groups.shape, groups.dtype) == ((1, 3, SIZE // 4, SIZE // 4), np.uint8)
    noise = np.square(logits - expected).mean() / np.square(expected).mean()
    assert -10 * np.log10(noise) > 40  # dB; labels at 128² hang on less than float16's last bits
    head = output_head("groups", checkpoint.groups, 18, (SIZE // 4, SIZE // 4), rgba=False)
    assert np.abs(head(torch.from_numpy(logits))[0].numpy() - groups[0]).max() <= 2


@pytest.mark.slow
def test_fp16_labels_are_the_argmax_of_the_tapped_logits(
    fp16_labels: tuple[Path, str], checkpoint: Checkpoint, image: NDArray[np.uint8]
) -> None:
    path, tap = fp16_labels
    outputs = MilReference(path, taps=(tap,)).run({"image": image})
    labels, logits = outputs["labels"], outputs[tap]
    assert (labels.shape, labels.dtype) == ((1, 1, SIZE // 4, SIZE // 4), np.uint8)
    defined = labels_from_logits(logits[0], (SIZE // 4, SIZE // 4))
    assert len(np.unique(defined)) > 1
    assert (labels[0, 0] == defined).mean() >= 0.998
    assert (logits == logits.astype(np.float16)).all()


@pytest.mark.slow
def test_any_tensor_can_be_tapped(fp16_labels: tuple[Path, str], image: NDArray[np.uint8]) -> None:
    path, tap = fp16_labels
    alone = MilReference(path).run({"image": image})
    both = MilReference(path, taps=(tap, "labels")).run({"image": image})
    assert list(alone) == ["labels"]
    assert list(both) == ["labels", tap]
    assert (both["labels"] == alone["labels"]).all()
    with pytest.raises(ConversionError, match="no tensor 'nowhere'"):
        MilReference(path, taps=("nowhere",))


@pytest.mark.slow
def test_threads_are_given_back(fp16_labels: tuple[Path, str], image: NDArray[np.uint8]) -> None:
    before = torch.get_num_threads()
    MilReference(fp16_labels[0], threads=1).run({"image": image})
    assert torch.get_num_threads() == before


@pytest.mark.slow
@pytest.mark.parametrize(
    ("inputs", "match"),
    [
        ({}, "inputs must be image, not"),
        ({"picture": np.zeros((1, SIZE, SIZE, 3), np.uint8)}, "inputs must be image"),
        ({"image": np.zeros((1, 3, SIZE, SIZE), np.uint8)}, r"must be \(1, 128, 128, 3\) uint8"),
        ({"image": np.zeros((1, SIZE, 64, 3), np.uint8)}, r"not \(1, 128, 64, 3\)"),
        ({"image": np.zeros((1, SIZE, SIZE, 3), np.float32)}, "not .* float32"),
    ],
)
def test_wrong_inputs(
    fp16_labels: tuple[Path, str], inputs: dict[str, NDArray[np.uint8]], match: str
) -> None:
    with pytest.raises(ConversionError, match=match):
        MilReference(fp16_labels[0]).run(inputs)


# -- packages made by hand ------------------------------------------------------------------------------------


def saved(program: object, path: Path) -> Path:
    """A MIL program as a package at `path`, in fp32."""
    model = ct.convert(
        program,
        convert_to="mlprogram",
        minimum_deployment_target=ct.target.iOS16,
        compute_precision=ct.precision.FLOAT32,
        skip_model_load=True,
    )
    model.save(str(path))
    return path


def declare_images(path: Path, *names: str) -> None:
    """Turn tensors of a package's interface into RGB images of the same size."""
    from coremltools.proto import FeatureTypes_pb2, Model_pb2

    specification = Model_pb2.Model.FromString((path / SPECIFICATION).read_bytes())
    description = specification.description
    for feature in (*description.input, *description.output):
        if feature.name in names:
            feature.type.imageType.CopyFrom(
                FeatureTypes_pb2.ImageFeatureType(
                    height=64, width=70, colorSpace=FeatureTypes_pb2.ImageFeatureType.RGB
                )
            )
    (path / SPECIFICATION).write_bytes(specification.SerializeToString())


def test_image_outputs_are_rounded_and_clipped(tmp_path: Path) -> None:
    """An image comes in as levels and goes out as the nearest level from 0 to 255; rows stay rows."""

    @mb.program(input_specs=[mb.TensorSpec((1, 3, 64, 70))], opset_version=ct.target.iOS16)
    def program(image: object) -> object:
        return mb.add(x=mb.mul(x=image, y=np.float32(1.4)), y=np.float32(-20.25), name="out")

    path = saved(program, tmp_path / "levels.mlpackage")
    declare_images(path, "image", "out")
    image = picture(64, 70)[None]
    out = MilReference(path).run({"image": image})["out"]
    wanted = np.clip(np.rint(image.transpose(0, 3, 1, 2) * 1.4 - 20.25), 0, 255)
    assert wanted.min() == 0
    assert wanted.max() == 255
    assert out.dtype == np.uint8
    assert np.abs(out - wanted).max() <= 1  # fp32 and float64 may fall on either side of a half
    assert (out == wanted).mean() > 0.999


def test_tensors_go_in_and_out_as_they_are(tmp_path: Path) -> None:
    @mb.program(input_specs=[mb.TensorSpec((2, 3))], opset_version=ct.target.iOS16)
    def program(x: object) -> object:
        return mb.mul(x=x, y=np.float32(300), name="out")

    x = np.array([[0.5, -2, 3], [1, 0, -1.25]], np.float32)
    out = MilReference(saved(program, tmp_path / "tensor.mlpackage")).run({"x": x})["out"]
    np.testing.assert_array_equal(out, x * 300)


@pytest.mark.parametrize("name", ["erf", "cumsum", "sin"])
def test_foreign_operator_is_named(name: str, tmp_path: Path) -> None:
    @mb.program(input_specs=[mb.TensorSpec((2, 3))], opset_version=ct.target.iOS16)
    def program(x: object) -> object:
        return getattr(mb, name)(x=mb.add(x=x, y=np.float32(1)), name="made")

    path = saved(program, tmp_path / "foreign.mlpackage")
    with pytest.raises(UnsupportedOperator, match=name) as caught:
        MilReference(path)
    assert caught.value.operator == name


def test_unknown_operator_type_is_named(artifacts: dict[str, Artifact], tmp_path: Path) -> None:
    """An operator that coremltools' own loader does not know either."""
    from coremltools.proto import Model_pb2

    path = tmp_path / "later.mlpackage"
    shutil.copytree(artifacts["coreml"].path, path)
    specification = Model_pb2.Model.FromString((path / SPECIFICATION).read_bytes())
    block = next(iter(specification.mlProgram.functions["main"].block_specializations.values()))
    next(op for op in block.operations if op.type == "layer_norm").type = "rms_norm_of_2031"
    (path / SPECIFICATION).write_bytes(specification.SerializeToString())
    with pytest.raises(UnsupportedOperator, match="rms_norm_of_2031"):
        MilReference(path)


def test_operator_counts_are_of_the_saved_package(artifacts: dict[str, Artifact]) -> None:
    counts = operator_counts(artifacts["coreml"].path)
    assert counts["layer_norm"] == 21
    assert "const" not in counts


# -- damaged packages -----------------------------------------------------------------------------------------


def cut(file: Path, share: float) -> None:
    data = file.read_bytes()
    file.write_bytes(data[: int(len(data) * share)])


DAMAGE: dict[str, Callable[[Path], object]] = {
    "no manifest": lambda p: (p / "Manifest.json").unlink(),
    "manifest is junk": lambda p: (p / "Manifest.json").write_text("{"),
    "manifest is empty": lambda p: (p / "Manifest.json").write_text("{}"),
    "no specification": lambda p: (p / SPECIFICATION).unlink(),
    "specification cut in half": lambda p: cut(p / SPECIFICATION, 0.5),
    "specification nearly whole": lambda p: cut(p / SPECIFICATION, 0.999),
    "specification is junk": lambda p: (p / SPECIFICATION).write_bytes(bytes(range(256)) * 64),
    "specification is empty": lambda p: (p / SPECIFICATION).write_bytes(b""),
    "no weights": lambda p: (p / WEIGHTS).unlink(),
    "weights cut in half": lambda p: cut(p / WEIGHTS, 0.5),
    "weights nearly whole": lambda p: cut(p / WEIGHTS, 0.999),
    "weights are junk": lambda p: (p / WEIGHTS).write_bytes(b"junk" * 4096),
    "weights are empty": lambda p: (p / WEIGHTS).write_bytes(b""),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_damage_is_one_sentence(damage: str, artifacts: dict[str, Artifact], tmp_path: Path) -> None:
    path = tmp_path / "damaged.mlpackage"
    shutil.copytree(artifacts["coreml"].path, path)
    DAMAGE[damage](path)
    with pytest.raises(ConversionError) as caught:
        MilReference(path)
    sentence = str(caught.value)
    assert not isinstance(caught.value, UnsupportedOperator)
    assert sentence.startswith("coreml, load: ")
    assert str(path) in sentence
    assert "\n" not in sentence


def test_a_file_is_not_a_package(tmp_path: Path) -> None:
    (tmp_path / "a.mlpackage").write_bytes(b"junk")
    with pytest.raises(ConversionError, match=r"no Manifest\.json"):
        MilReference(tmp_path / "a.mlpackage")
