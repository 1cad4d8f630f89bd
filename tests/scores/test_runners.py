"""Runners give what their graphs and files give, and the loop prepares each picture once per size."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from edgekit.artifact import Artifact
from edgekit.errors import ConversionError
from edgekit.images import InputSize, Picture, Size, fit_of
from edgekit.scores.metrics import labels_from_logits
from edgekit.scores.runners import (
    Outputs,
    TorchRunner,
    artifact_runner,
    predictions,
    reference_runner,
    union_probability,
)
from edgekit.weights import Checkpoint
from tests.support.pictures import picture


class Stretches(Picture):
    """A picture that remembers the sizes it was brought to."""

    def at(self, size: Size) -> NDArray[np.uint8]:
        self.__dict__.setdefault("sizes", []).append(str(size))
        return super().at(size)


class Means:
    """One class per colour, on one cell."""

    def __init__(self, size: Size) -> None:
        self.size = InputSize.of(size)

    def run(self, image: NDArray[np.uint8]) -> Outputs:
        logits = image.mean((0, 1), dtype=np.float32)[:, None, None]
        return Outputs(logits, logits.astype(np.float64))


def test_a_picture_is_brought_to_each_size_once() -> None:
    made = Stretches("made", picture(30, 50))
    ((shown, found),) = predictions({"a": Means(192), "b": Means(192), "c": Means("128x192")}, [made])
    assert shown is made and sorted(made.__dict__["sizes"]) == ["128x192", "192"]
    assert found["a"].image.base is found["b"].image.base and found["c"].image.shape == (128, 192, 3)
    assert list(found) == ["a", "b", "c"]


def test_pictures_are_read_one_at_a_time() -> None:
    read = []

    def folder() -> object:
        for i in range(3):
            read.append(i)
            yield Picture(str(i), picture(20, 30, i))

    next(iter(predictions({"a": Means(128)}, folder())))  # type: ignore[arg-type]
    assert read == [0]


def test_torch_gets_rgb_channels_first_in_bytes() -> None:
    given: list[torch.Tensor] = []

    def forward(images: torch.Tensor) -> torch.Tensor:
        given.append(images)
        return images[:, :2, ::4, ::4]

    image = picture(128, 192)
    outputs = TorchRunner(InputSize(128, 192), forward).run(image)
    assert given[0].shape == (1, 3, 128, 192) and given[0].dtype == torch.float32
    assert np.array_equal(given[0][0].permute(1, 2, 0).numpy(), image)
    assert outputs.logits.shape == (2, 32, 48) and np.array_equal(outputs.logits, outputs.delivered)


def test_a_letterboxed_picture_is_judged_without_its_padding() -> None:
    class Rows:
        """The mean of every block of 16 pixels, as one class."""

        size = InputSize.of("192x128")

        def run(self, image: NDArray[np.uint8]) -> Outputs:
            blocks = image.reshape(12, 16, 8, 16, 3).mean((1, 3, 4), dtype=np.float32)[None]
            return Outputs(blocks, blocks.astype(np.float64))

    wide = np.full((50, 100, 3), 200, np.uint8)
    assert not fit_of(wide.shape[:2], Rows.size).is_stretched
    ((_, found),) = predictions({"a": Rows()}, [Picture("wide", wide)])
    assert found["a"].image.shape == (64, 128, 3) and found["a"].image.min() == 200
    assert found["a"].logits.shape == (1, 4, 8) and found["a"].logits.min() == 200
    assert found["a"].outputs.logits.shape == (1, 12, 8) and found["a"].outputs.logits.min() < 200
    assert found["a"].labels((50, 100)).shape == (50, 100)


def test_an_artifact_and_the_checkpoint_give_the_same_logits(
    artifacts: dict[str, Artifact], checkpoint: Checkpoint
) -> None:
    runners = {target: artifact_runner(artifact) for target, artifact in artifacts.items()}
    ((_, found),) = predictions(
        {**runners, "reference": reference_runner(checkpoint)}, [Picture("made", picture(90, 140))]
    )
    reference = found["reference"].logits
    assert np.abs(found["tflite"].logits - reference).max() < 1e-3
    assert np.abs(found["coreml"].logits - reference).max() < 0.5
    assert found["tflite"].outputs.delivered.shape == (4, 32, 32)  # groups: skin, hair, clothes, background
    labels = found["tflite"].labels((45, 70))
    assert np.array_equal(labels, labels_from_logits(found["tflite"].logits, (45, 70)))
    assert found["tflite"].labels((45, 70)) is labels
    assert found["tflite"].input_labels.shape == (128, 128)


def test_a_manifest_without_logits_is_a_sentence(artifacts: dict[str, Artifact]) -> None:
    artifact = artifacts["tflite"]
    with pytest.raises(ConversionError, match="names no tensor of logits"):
        artifact_runner(replace(artifact, manifest=replace(artifact.manifest, taps={})))


def test_the_probability_of_a_group_by_hand() -> None:
    logits = np.log(
        np.array([[[1, 2]], [[3, 4]], [[4, 2]]], np.float32)
    )  # probabilities 1/8 3/8 4/8 and 2/8 4/8 2/8
    found = union_probability(logits, (1, 2), (2, 4))
    # Twice the columns, with half-pixel centres: a quarter of the way to the next pixel.
    row = [7 / 8, 7 / 8 * 0.75 + 6 / 8 * 0.25, 7 / 8 * 0.25 + 6 / 8 * 0.75, 6 / 8]
    assert found == pytest.approx(np.array([row, row]), abs=1e-6)
    assert found.dtype == np.float32
