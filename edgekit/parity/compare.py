"""Comparison of artifacts with PyTorch: every picture runs through PyTorch and through every artifact."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray

from edgekit.artifact import Artifact, require_weights
from edgekit.errors import CalibrationError, ConversionError
from edgekit.images import Picture
from edgekit.model.outputs import OutputMode, output_head
from edgekit.model.prepared import PreparedSegmenter
from edgekit.model.reference import ReferenceSegmenter
from edgekit.parity.counts import ParityCounts
from edgekit.parity.gates import Gates, gates_for, judge, overall
from edgekit.parity.report import ArtifactReport, Check, ParityReport, Status
from edgekit.runtimes import open_runtime
from edgekit.scores.counts import LogitDifference
from edgekit.scores.runners import (
    Image,
    Logits,
    Opener,
    Prediction,
    Runner,
    RuntimeRunner,
    TorchRunner,
    artifact_runner,
    predictions,
)
from edgekit.targets import Target, target_named
from edgekit.weights import Checkpoint

# From the network's input, the reference's logits and the artifact's to the ΔE2000 between the two final pictures, as
# region name to (n,) values.
PictureDifference = Callable[[Image, Logits, Logits], Mapping[str, NDArray[np.float64]]]
# Names a runner: a PyTorch graph and its input size, or ARTIFACT and its index.
Key = tuple[str, int]
PYTORCH, PREPARED, ARTIFACT = "pytorch", "prepared", "artifact"


@dataclass(frozen=True)
class Candidate:
    """An artifact, open in a runtime, with its counts so far."""

    artifact: Artifact
    runner: RuntimeRunner
    counts: ParityCounts


def check_parity(
    artifacts: Sequence[Artifact],
    checkpoint: Checkpoint,
    pictures: Iterable[Picture],
    stated: Gates,
    picture_difference: PictureDifference | None = None,
    opener: Opener = open_runtime,
) -> ParityReport:
    """Compare every artifact with PyTorch, and with the artifact before it, on every picture.

    `opener` opens the artifacts in their runtime: here, or on a device.

    Raises ConversionError for an artifact made from other weights, CalibrationError if no picture is usable.
    """
    for artifact in artifacts:
        require_weights(artifact, checkpoint)
    classes = len(checkpoint.class_names)
    candidates = [Candidate(a, artifact_runner(a, opener), ParityCounts.empty(classes)) for a in artifacts]
    sizes = {candidate.runner.size for candidate in candidates}
    prepared, n = LogitDifference(), 0
    for picture, found in predictions(_runners(checkpoint, candidates, sizes), pictures):
        for size in sizes:
            prepared.add(found[PYTORCH, size].logits, found[PREPARED, size].logits)
        _count(checkpoint, candidates, picture, found, picture_difference)
        n += 1
    if n == 0:
        raise CalibrationError("No picture could be used; nothing was compared.")
    reports = tuple(_report(candidate, checkpoint, stated) for candidate in candidates)
    passed = all(report.status == Status.PASSED for report in reports)
    return ParityReport(passed, reports, prepared.max_abs, n, (), ())


def _runners(
    checkpoint: Checkpoint, candidates: Sequence[Candidate], sizes: Iterable[int]
) -> dict[Key, Runner]:
    """Hugging Face's graph and the prepared one at every size, then the artifacts in their order."""
    graphs = {PYTORCH: ReferenceSegmenter(checkpoint), PREPARED: PreparedSegmenter(checkpoint)}
    runners: dict[Key, Runner] = {
        (name, size): TorchRunner(size, graph) for name, graph in graphs.items() for size in sizes
    }
    return runners | {(ARTIFACT, i): candidate.runner for i, candidate in enumerate(candidates)}


def _count(
    checkpoint: Checkpoint,
    candidates: Sequence[Candidate],
    picture: Picture,
    found: Mapping[Key, Prediction],
    picture_difference: PictureDifference | None,
) -> None:
    """Count one picture for every artifact; its predecessor is the previous model of the same input size."""
    previous: dict[int, Prediction] = {}
    for i, candidate in enumerate(candidates):
        artifact, size = candidate.artifact, candidate.runner.size
        reference, prediction = found[PYTORCH, size], found[ARTIFACT, i]
        _check_logits(artifact, reference, prediction)
        candidate.counts.add(
            picture,
            reference,
            previous.get(size, found[PREPARED, size]),
            prediction,
            _output_error_levels(artifact, checkpoint, prediction),
            picture_difference(reference.image, reference.logits, prediction.logits)
            if picture_difference
            else {},
        )
        previous[size] = prediction


def _check_logits(artifact: Artifact, reference: Prediction, prediction: Prediction) -> None:
    """Raise ConversionError if the logits' shape is not PyTorch's."""
    if prediction.logits.shape != reference.logits.shape:
        raise ConversionError(
            artifact.manifest.target,
            "parity",
            f"{artifact.path} gives logits of shape {prediction.logits.shape}, "
            f"PyTorch {reference.logits.shape}.",
        )


def _output_error_levels(artifact: Artifact, checkpoint: Checkpoint, prediction: Prediction) -> float:
    """Largest difference in 8-bit levels between the output and its definition on the same logits.

    For labels, the share of differing pixels; for logits, the largest absolute difference.
    """
    output, delivered = artifact.manifest.output, prediction.delivered
    if output == "logits":
        return float(np.abs(delivered - prediction.logits).max())
    head = output_head(
        cast(OutputMode, output),
        checkpoint.groups,
        len(checkpoint.class_names),
        delivered.shape[-1],
        rgba=delivered.shape[0] == 4,
    )
    defined = head(torch.from_numpy(prediction.logits)[None])[0].numpy()
    if output == "labels":
        return float((defined != delivered).mean())
    return float(np.abs(defined - delivered).max())


def _report(candidate: Candidate, checkpoint: Checkpoint, stated: Gates) -> ArtifactReport:
    """The artifact's metrics, judged by its recipe's gates and those stated."""
    manifest = candidate.artifact.manifest
    metrics = candidate.counts.metrics(checkpoint.class_names, checkpoint.groups.skin)
    checks = judge(metrics, gates_for(manifest.recipe).overridden(stated))
    native = native_runtime(target_named(manifest.target))
    if native is not None:
        checks = (*checks, native)
    failed = [check.name for check in checks if check.status == Status.FAILED]
    return ArtifactReport(
        path=str(candidate.artifact.path),
        target=manifest.target,
        recipe=manifest.recipe_name,
        runtime=candidate.runner.runtime.name,
        status=overall(checks),
        reason=f"failed: {', '.join(failed)}" if failed else "",
        metrics=metrics,
        checks=checks,
    )


def native_runtime(target: Target) -> Check | None:
    """A NOT_RUN check for the target's own runtime if this machine cannot run it; None if it can."""
    reason = target.why_unproved()
    return None if reason is None else Check(f"native {target.title}", Status.NOT_RUN, reason=reason)
