"""The artifact on the device is the same model."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest

from edgekit.artifact import Artifact
from edgekit.devices.device import Device
from edgekit.devices.host import Host
from edgekit.devices.runtime import opener_on
from edgekit.images import Folder, Picture, astronaut
from edgekit.runtimes import DEFAULT_THREADS

# Between two machines the same artifact rounds differently: sums in another order in float, one step of a
# requantisation in integers (benchmarks/arm64_agreement.py; docs/bench.md has the figures).
SAME_LABELS = {"fp32": 0.9999, "fp16": 0.998}
SAME_LABELS_INT8 = 0.99
MOST_LEVELS = 2


def pictures(images: Path | None, classes: int) -> Iterable[Picture]:
    return [astronaut()] if images is None else Folder(images, None, classes)


def test_logits_on_the_device_are_pytorchs(
    device: Device, artifacts: list[Artifact], images: Path | None
) -> None:
    """The very ParityReport of `edgekit parity-check`, with its gates, run on the device."""
    with_logits = [a for a in artifacts if a.manifest.output == "logits"]
    if not with_logits:
        pytest.skip("NOT_RUN: no artifact has logits as its output; edgekit convert --output logits")
    from edgekit.parity import present
    from edgekit.parity.compare import check_parity
    from edgekit.parity.gates import Gates
    from edgekit.weights import load_checkpoint

    checkpoint = load_checkpoint(None)
    report = check_parity(
        with_logits,
        checkpoint,
        pictures(images, len(checkpoint.class_names)),
        Gates(),
        opener=opener_on(device),
    )
    present.print_report(report)
    assert report.passed, [a.reason for a in report.artifacts if a.reason]


def test_the_device_delivers_what_this_machine_delivers(
    device: Device, artifacts: list[Artifact], images: Path | None
) -> None:
    """Every artifact's outputs, as the app gets them, against LiteRT here."""
    for artifact in artifacts:
        size = artifact.manifest.size
        inputs = [p.at(size)[None] for p in pictures(images, len(artifact.manifest.class_names))]
        here = Host().infer(artifact.path, inputs, DEFAULT_THREADS)
        there = device.infer(artifact.path, inputs, DEFAULT_THREADS)
        for a, b in zip(here, there, strict=True):
            compare_outputs(artifact, a[0], b[0])


def compare_outputs(artifact: Artifact, here: np.ndarray, there: np.ndarray) -> None:
    """Labels by argmax where the last axis holds classes or groups, by value where it holds labels."""
    assert here.shape == there.shape and here.dtype == there.dtype
    labels = [x if artifact.manifest.output == "labels" else x.argmax(axis=-1) for x in (here, there)]
    least = SAME_LABELS.get(artifact.manifest.recipe_name, SAME_LABELS_INT8)
    assert np.mean(labels[0] == labels[1]) >= least, artifact.path.name
    if artifact.manifest.output == "groups" and artifact.manifest.recipe_name in SAME_LABELS:
        assert np.abs(here.astype(int) - there.astype(int)).max() <= MOST_LEVELS, artifact.path.name
