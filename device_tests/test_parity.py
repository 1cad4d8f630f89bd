"""An artifact on the device gives PyTorch's logits and this machine's outputs."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest

from edgekit.artifact import Artifact
from edgekit.devices.agreement import disagreement
from edgekit.devices.device import Device
from edgekit.devices.host import Host
from edgekit.devices.runtime import opener_on
from edgekit.images import Folder, Picture, astronaut
from edgekit.runtimes import DEFAULT_THREADS


def pictures(images: Path | None, classes: int) -> Iterable[Picture]:
    return [astronaut()] if images is None else Folder(images, None, classes)


def test_logits_on_the_device_are_pytorchs(
    device: Device, artifacts: list[Artifact], images: Path | None
) -> None:
    """The report of `edgekit parity-check`, with its gates, passes with artifacts that run on the device."""
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
    """Every artifact's outputs, as an app gets them, agree with LiteRT's on this machine."""
    for artifact in artifacts:
        size = artifact.manifest.input_size
        inputs = [p.at(size)[None] for p in pictures(images, len(artifact.manifest.class_names))]
        here = Host().infer(artifact.path, inputs, DEFAULT_THREADS)
        there = device.infer(artifact.path, inputs, DEFAULT_THREADS)
        for a, b in zip(here, there, strict=True):
            assert not disagreement(artifact, a[0], b[0])
