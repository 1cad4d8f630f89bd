"""Comparison of artifacts with PyTorch: every picture runs through PyTorch and through every artifact."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import cast

import numpy as np
import torch

from edgekit.artifact import Artifact, require_weights
from edgekit.errors import ConversionError
from edgekit.images import InputSize, Picture
from edgekit.model.outputs import OutputMode, output_head
from edgekit.model.prepared import PreparedSegmenter
from edgekit.model.reference import ReferenceSegmenter
from edgekit.parity.gates import Gates, gates_for
from edgekit.parity.picture import PixelGate
from edgekit.parity.report import Check, ParityReport, Status
from edgekit.parity.stability import flicker_of
from edgekit.parity.tally import Subject, Tally
from edgekit.runtimes import Opener, in_half_precision, open_runtime
from edgekit.scores.runners import (
    Prediction,
    Runner,
    RuntimeRunner,
    TorchRunner,
    artifact_runner,
    predictions,
)
from edgekit.scores.strata import Traits, traits_of
from edgekit.targets import Target, target_named
from edgekit.weights import Checkpoint

# Names a runner: a PyTorch graph and its input size, or ARTIFACT and its index.
Key = tuple[str, InputSize | int]
PYTORCH, PREPARED, ARTIFACT = "pytorch", "prepared", "artifact"


@dataclass(frozen=True)
class Candidate:
    """An artifact, open in a runtime."""

    artifact: Artifact
    runner: RuntimeRunner


def check_parity(
    artifacts: Sequence[Artifact],
    checkpoint: Checkpoint,
    pictures: Iterable[Picture],
    stated: Gates,
    in_picture: PixelGate | None = None,
    opener: Opener = open_runtime,
    stability: Collection[str] = (),
) -> ParityReport:
    """Compare every artifact with PyTorch, and with the artifact before it, on every picture.

    `opener` opens the artifacts in their runtime: here, or on a device. `stability`: names of the pictures on which
    flicker is measured too.

    Raises ConversionError for an artifact made from other weights, CalibrationError if no picture is usable.
    """
    comparison = Comparison(artifacts, checkpoint, in_picture, opener)
    for picture in pictures:
        comparison.add(picture, flicker=picture.name in stability)
    return comparison.report(stated)


class Comparison:
    """Artifacts that are open beside the checkpoint in PyTorch, with their counts over the pictures so far.

    Raises ConversionError for an artifact made from other weights.
    """

    tally: Tally

    def __init__(
        self,
        artifacts: Sequence[Artifact],
        checkpoint: Checkpoint,
        in_picture: PixelGate | None = None,
        opener: Opener = open_runtime,
    ) -> None:
        for artifact in artifacts:
            require_weights(artifact, checkpoint)
        self._checkpoint, self._in_picture = checkpoint, in_picture
        self._candidates = [Candidate(artifact, artifact_runner(artifact, opener)) for artifact in artifacts]
        self._sizes = {candidate.runner.size for candidate in self._candidates}
        self._runners = _runners(checkpoint, self._candidates, self._sizes)
        self.begin()

    def begin(self, tally: Tally | None = None) -> Tally:
        """The counts that pictures are added to from now on: those given, or none yet."""
        classes, skin = len(self._checkpoint.class_names), self._checkpoint.groups.skin
        self.tally = tally or Tally.empty(len(self._candidates), classes, skin)
        return self.tally

    def add(self, picture: Picture, flicker: bool = False) -> None:
        """Count one picture for every artifact. flicker: whether its stability is measured too."""
        ((_, found),) = predictions(self._runners, [picture])
        for size in self._sizes:
            self.tally.prepared.add(found[PYTORCH, size].logits, found[PREPARED, size].logits)
        self._count(picture, found)
        if flicker:
            self._count_flicker(picture)
        self.tally.pictures += 1

    def subjects(self, stated: Gates) -> tuple[Subject, ...]:
        """The artifacts for a report, each with its recipe's gates and those stated."""
        return tuple(_subject(candidate, stated) for candidate in self._candidates)

    def report(self, stated: Gates) -> ParityReport:
        """The report on the pictures so far. Raises CalibrationError if there are none."""
        return self.tally.report(self.subjects(stated), self._checkpoint.class_names)

    def _count(self, picture: Picture, found: Mapping[Key, Prediction]) -> None:
        """Count one picture for every artifact; its predecessor is the previous model of the same input size."""
        previous: dict[InputSize, Prediction] = {}
        traits: dict[InputSize, Traits] = {}
        for i, (candidate, counts) in enumerate(zip(self._candidates, self.tally.counts, strict=True)):
            artifact, size = candidate.artifact, candidate.runner.size
            reference, prediction = found[PYTORCH, size], found[ARTIFACT, i]
            _check_logits(artifact, reference, prediction)
            if size not in traits:
                traits[size] = _traits(picture, reference, self._checkpoint.groups.skin)
            counts.add(
                picture,
                traits[size],
                reference,
                previous.get(size, found[PREPARED, size]),
                prediction,
                _output_error_levels(artifact, self._checkpoint, prediction),
                self._in_picture(reference.image, reference.logits, prediction.logits)
                if self._in_picture
                else {},
            )
            previous[size] = prediction

    def _count_flicker(self, picture: Picture) -> None:
        styled = None if self._in_picture is None else self._in_picture.styled
        references = {size: flicker_of(picture, self._runners[PYTORCH, size], styled) for size in self._sizes}
        for candidate, counts in zip(self._candidates, self.tally.counts, strict=True):
            found = flicker_of(picture, candidate.runner, styled)
            counts.add_stability(picture.name, found, references[candidate.runner.size])


def _subject(candidate: Candidate, stated: Gates) -> Subject:
    artifact, manifest = candidate.artifact, candidate.artifact.manifest
    runtime, recipe = candidate.runner.runtime, manifest.recipe
    computed = replace(recipe, compute="fp16") if in_half_precision(runtime) else recipe
    return Subject(
        path=str(artifact.path),
        sha256=manifest.sha256,
        target=manifest.target,
        recipe=manifest.recipe_name,
        runtime=runtime.name,
        gates=gates_for(computed).overridden(stated),
        native=native_runtime(target_named(manifest.target)),
    )


def _runners(
    checkpoint: Checkpoint, candidates: Sequence[Candidate], sizes: Iterable[InputSize]
) -> dict[Key, Runner]:
    """Hugging Face's graph and the prepared one at every size, then the artifacts in their order."""
    graphs = {PYTORCH: ReferenceSegmenter(checkpoint), PREPARED: PreparedSegmenter(checkpoint)}
    runners: dict[Key, Runner] = {
        (name, size): TorchRunner(size, graph) for name, graph in graphs.items() for size in sizes
    }
    return runners | {(ARTIFACT, i): candidate.runner for i, candidate in enumerate(candidates)}


def _traits(picture: Picture, reference: Prediction, skin: Sequence[int]) -> Traits:
    """The picture's traits: by its true labels where it has them, else by the reference's."""
    if picture.labels is not None and picture.labels.shape == picture.image.shape[:2]:
        return traits_of(picture.image, picture.labels, skin)
    return traits_of(reference.image, reference.input_labels, skin)


def _check_logits(artifact: Artifact, reference: Prediction, prediction: Prediction) -> None:
    """Raise ConversionError if the logits' shape is not PyTorch's."""
    if prediction.outputs.logits.shape != reference.outputs.logits.shape:
        raise ConversionError(
            artifact.manifest.target,
            "parity",
            f"{artifact.path} gives logits of shape {prediction.outputs.logits.shape}, "
            f"PyTorch {reference.outputs.logits.shape}.",
        )


def _output_error_levels(artifact: Artifact, checkpoint: Checkpoint, prediction: Prediction) -> float:
    """Largest difference in 8-bit levels between the output and its definition on the same logits.

    For labels, the share of differing pixels; for logits, the largest absolute difference.
    """
    output, (logits, delivered) = artifact.manifest.output, prediction.outputs
    if output == "logits":
        return float(np.abs(delivered - logits).max())
    head = output_head(
        cast(OutputMode, output),
        checkpoint.groups,
        len(checkpoint.class_names),
        (delivered.shape[1], delivered.shape[2]),
        rgba=delivered.shape[0] == 4,
    )
    defined = head(torch.from_numpy(logits)[None])[0].numpy()
    if output == "labels":
        return float((defined != delivered).mean())
    return float(np.abs(defined - delivered).max())


def native_runtime(target: Target) -> Check | None:
    """A NOT_RUN check for the target's own runtime if this machine cannot run it; None if it can."""
    reason = target.why_unproved()
    return None if reason is None else Check(f"native {target.title}", Status.NOT_RUN, reason=reason)
