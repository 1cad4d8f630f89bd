"""Runners give what their graphs and files give, and the loop prepares each picture once per size."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from edgekit.artifact import Artifact
from edgekit.errors import ConversionError
from edgekit.images import Picture
from edgekit.scores.metrics import labels_from_logits
from edgekit.scores.runners import Outputs, TorchRunner, artifact_runner, predictions, reference_runner
from edgekit.weights import Checkpoint
from tests.support.pictures import picture


class Stretches(Picture):
    """A picture that remembers the sizes it was brought to."""

    def at(self, size: int) -> NDArray[np.uint8]:
        self.__dict__.setdefault("sizes", []).append(size)
        return super().at(size)


class Means:
    """One class per colour, on one cell."""

    def __init__(self, size: int) -> None:
        self.size = size

    def run(self, image: NDArray[np.uint8]) -> Outputs:
        logits = image.mean((0, 1), dtype=np.float32)[:, None, None]
        return Outputs(logits, logits.astype(np.float64))


def test_a_picture_is_brought_to_each_size_once() -> None:
    made = Stretches("made", picture(30, 50))
    ((shown, found),) = predictions({"a": Means(16), "b": Means(16), "c": Means(8)}, [made])
    assert shown is made and sorted(made.__dict__["sizes"]) == [8, 16]
    assert found["a"].image is found["b"].image and found["c"].image.shape == (8, 8, 3)
    assert list(found) == ["a", "b", "c"]


def test_pictures_are_read_one_at_a_time() -> None:
    read = []

    def folder() -> object:
        for i in range(3):
            read.append(i)
            yield Picture(str(i), picture(20, 30, i))

    next(iter(predictions({"a": Means(8)}, folder())))  # type: ignore[arg-type]
    assert read == [0]


def test_torch_gets_rgb_channels_first_in_bytes() -> None:
    given: list[torch.Tensor] = []

    def forward(images: torch.Tensor) -> torch.Tensor:
        given.append(images)
        return images[:, :2, ::4, ::4]

    image = picture(32, 32)
    outputs = TorchRunner(32, forward).run(image)
    assert given[0].shape == (1, 3, 32, 32) and given[0].dtype == torch.float32
    assert np.array_equal(given[0][0].permute(1, 2, 0).numpy(), image)
    assert outputs.logits.shape == (2, 8, 8) and np.array_equal(outputs.logits, outputs.delivered)


def test_an_artifact_and_the_checkpoint_give_the_same_logits(
    artifacts: dict[str, Artifact], checkpoint: Checkpoint
) -> None:
    runners = {target: artifact_runner(artifact) for target, artifact in artifacts.items()}
    ((_, found),) = predictions(
        {**runners, "reference": reference_runner(checkpoint, 128)}, [Picture("made", picture(90, 140))]
    )
    reference = found["reference"].logits
    assert np.abs(found["tflite"].logits - reference).max() < 1e-3
    assert np.abs(found["coreml"].logits - reference).max() < 0.5
    assert found["tflite"].delivered.shape == (4, 32, 32)  # groups: skin, hair, clothes, background
    labels = found["tflite"].labels((45, 70))
    assert np.array_equal(labels, labels_from_logits(found["tflite"].logits, (45, 70)))
    assert found["tflite"].labels((45, 70)) is labels
    assert found["tflite"].input_labels.shape == (128, 128)


def test_a_manifest_without_logits_is_a_sentence(artifacts: dict[str, Artifact]) -> None:
    artifact = artifacts["tflite"]
    with pytest.raises(ConversionError, match="names no tensor of logits"):
        artifact_runner(replace(artifact, manifest=replace(artifact.manifest, taps={})))
