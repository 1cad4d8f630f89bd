"""An artifact on the device, or in another runtime, gives PyTorch's logits and this machine's outputs."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest

from edgekit.artifact import Artifact
from edgekit.devices.agreement import disagreement
from edgekit.images import Folder, Picture, astronaut
from edgekit.runtimes import Opener, open_runtime


def pictures(images: Path | None, classes: int) -> Iterable[Picture]:
    return [astronaut()] if images is None else Folder(images, None, classes)


def test_logits_on_the_device_are_pytorchs(
    there: Opener, artifacts: list[Artifact], images: Path | None
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
        opener=there,
    )
    present.print_report(report)
    assert report.passed, [a.reason for a in report.artifacts if a.reason]


def test_the_device_delivers_what_this_machine_delivers(
    there: Opener, artifacts: list[Artifact], images: Path | None
) -> None:
    """Every artifact's outputs, as an app gets them, agree with LiteRT's on this machine."""
    for artifact in artifacts:
        name, size = artifact.manifest.inputs[0].name, artifact.manifest.input_size
        here, runtime = open_runtime(artifact.path), there(artifact.path, ())
        for picture in pictures(images, len(artifact.manifest.class_names)):
            given = {name: picture.at(size)[None]}
            ours, theirs = (each.run(given)[artifact.manifest.output] for each in (here, runtime))
            assert not disagreement(artifact, ours, theirs)
