"""A parity check of a folder of photos, from what it is made of to its counts."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from edgekit.artifact import Artifact, read_artifact
from edgekit.images import Folder, Picture
from edgekit.parity.compare import Comparison
from edgekit.parity.gates import Gates
from edgekit.parity.picture import PixelGate
from edgekit.parity.shards import SHARD, Inputs
from edgekit.parity.stability import chosen
from edgekit.parity.tally import Tally
from edgekit.runtimes import opener_of
from edgekit.scores.shards import Counted, Journal, count_photos
from edgekit.weights import Checkpoint


@dataclass
class OpenCheck:
    """Artifacts that are open beside the checkpoint, and the photos that they are compared on."""

    comparison: Comparison
    folder: Folder
    inputs: Inputs

    def count(self, resume: Path | None, shard: tuple[int, int]) -> Counted[Inputs, Tally]:
        """Count the photos, or a shard of them, and keep what was counted in `resume`."""
        flickering = chosen(self.inputs.photos) if self.inputs.stability else frozenset()
        journal = None if resume is None else Journal(SHARD, resume, self.inputs, *shard)
        tally = self.comparison.begin(None if journal is None else journal.tally)

        def add(picture: Picture) -> None:
            self.comparison.add(picture, flicker=picture.name in flickering)

        return count_photos(self.folder, self.inputs, shard, journal, tally, add, "comparing pictures")


@dataclass(frozen=True)
class CheckJob:
    """What is compared and on which photos, as a value."""

    checkpoint: Checkpoint
    artifacts: tuple[Artifact | Path, ...]
    images: Path
    labels: Path | None
    stated: Gates
    stability: bool
    runtime: str | None

    @property
    def anywhere(self) -> CheckJob:
        """The job for a process with another current directory."""
        return replace(
            self,
            artifacts=tuple(
                (each.path if isinstance(each, Artifact) else each).absolute() for each in self.artifacts
            ),
            images=self.images.absolute(),
            labels=None if self.labels is None else self.labels.absolute(),
        )

    def opened(self) -> OpenCheck:
        """The check with its models open.

        Raises CalibrationError for photos that cannot be used, ConversionError for an artifact.
        """
        checkpoint = self.checkpoint
        folder = Folder(self.images, self.labels, len(checkpoint.class_names))
        in_picture = PixelGate(checkpoint) if checkpoint.groups.skin else None
        artifacts = [each if isinstance(each, Artifact) else read_artifact(each) for each in self.artifacts]
        comparison = Comparison(artifacts, checkpoint, in_picture, opener_of(self.runtime))
        inputs = Inputs(
            checkpoint.sha256,
            tuple(checkpoint.class_names),
            tuple(checkpoint.groups.skin),
            comparison.subjects(self.stated),
            folder.names,
            self.labels is not None,
            self.stability,
        )
        return OpenCheck(comparison, folder, inputs)
