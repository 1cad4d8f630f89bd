"""The segmenter as a user of the library meets it: a photo in, group weights or labels out."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from edgekit import console
from edgekit.artifact import Artifact, read_artifact
from edgekit.errors import EdgekitError
from edgekit.images import stretch
from edgekit.model.outputs import MASK_STRIDE, GroupWeights, mask_of
from edgekit.model.prepared import PreparedSegmenter
from edgekit.scores.metrics import labels_from_logits
from edgekit.scores.runners import artifact_runner, network_input
from edgekit.targets import TARGETS
from edgekit.weights import Checkpoint, load_checkpoint, require_skin

Photo = NDArray[np.uint8]  # (H, W, 3) sRGB
Logits = NDArray[np.float32]  # (classes, h, w)


class Segmenter:
    """The person parser, from a checkpoint or from an artifact.

    `source`: a `Checkpoint`, the path of one's folder or a hub id (run in PyTorch); an `Artifact` or the path of one
    (run in this machine's runtime for it); None for the bundled weights. `size`: side of the network's input in pixels,
    for a checkpoint; its own by default. `exact`: compute in float64, so that rounded results do not depend on the
    processor or its threads.

    Raises WeightsError or ConversionError for a source that cannot be read, EdgekitError for a `size` with an artifact.
    """

    def __init__(
        self,
        source: Checkpoint | Artifact | Path | str | None = None,
        *,
        size: int | None = None,
        exact: bool = False,
    ) -> None:
        opened = _opened(source)
        if isinstance(opened, Checkpoint):
            self._run: _FromCheckpoint | _FromArtifact = _FromCheckpoint(
                opened, size or opened.size_default, exact
            )
        elif size is not None:
            raise EdgekitError(f"`size` is fixed in {opened.path}; leave it out.")
        else:
            self._run = _FromArtifact(opened)

    @property
    def size(self) -> int:
        """Side of the network's square input in pixels."""
        return self._run.size

    @property
    def class_names(self) -> tuple[str, ...]:
        """Names of the classes, by label value."""
        return self._run.class_names

    def groups(self, photo: Photo) -> NDArray[np.float32]:
        """Weights of skin, hair and clothes: (h, w, 3) float32 in [0, 1]; the background is 1 minus their sum.

        photo: (H, W, 3) uint8 sRGB of any size; the whole frame is stretched to the network's input. (h, w) is the
        mask's own size, size/4 by default. Raises EdgekitError for an artifact with another output than groups.
        """
        return self._run.groups(stretch(photo, self.size))

    def labels(self, photo: Photo) -> NDArray[np.uint8]:
        """Class of every pixel: (H, W) uint8, indices into `class_names`.

        photo: (H, W, 3) uint8 sRGB of any size.
        """
        return labels_from_logits(self._run.logits(stretch(photo, self.size)), photo.shape[:2])


class _FromCheckpoint:
    def __init__(self, checkpoint: Checkpoint, size: int, exact: bool) -> None:
        self.size, self.class_names = size, checkpoint.class_names
        self._checkpoint = checkpoint
        self._dtype = torch.float64 if exact else torch.float32
        self._model = PreparedSegmenter(checkpoint).to(self._dtype)
        head = GroupWeights(checkpoint.groups, len(checkpoint.class_names), size // MASK_STRIDE, rgba=False)
        self._head = head.to(self._dtype)

    def _forward(self, image: Photo) -> torch.Tensor:
        with torch.inference_mode():
            logits: torch.Tensor = self._model(network_input(image, self._dtype))
        return logits

    def logits(self, image: Photo) -> Logits:
        logits: Logits = self._forward(image)[0].float().numpy()
        return logits

    def groups(self, image: Photo) -> NDArray[np.float32]:
        require_skin(self._checkpoint.groups, self.class_names, self._checkpoint.folder)
        with torch.inference_mode():
            return mask_of(self._head(self._forward(image)).float())


class _FromArtifact:
    def __init__(self, artifact: Artifact) -> None:
        self.size, self.class_names = artifact.manifest.size, artifact.manifest.class_names
        self._artifact = artifact
        with console.quiet_libraries():
            self._runner = artifact_runner(artifact)

    def logits(self, image: Photo) -> Logits:
        return self._runner.run(image).logits

    def groups(self, image: Photo) -> NDArray[np.float32]:
        output = self._artifact.manifest.output
        if output != "groups":
            raise EdgekitError(
                f"{self._artifact.path} delivers {output}; convert with `output` groups to style."
            )
        delivered = self._runner.run(image).delivered  # (3 or 4, h, w) in [0, 255]
        weights = delivered[:3].transpose(1, 2, 0) / 255.0
        return np.clip(weights, 0.0, 1.0).astype(np.float32)


def _opened(source: Checkpoint | Artifact | Path | str | None) -> Checkpoint | Artifact:
    if isinstance(source, (Checkpoint, Artifact)):
        return source
    if source is not None and Path(source).suffix in {target.suffix for target in TARGETS.values()}:
        return read_artifact(Path(source))
    with console.quiet_libraries():
        return load_checkpoint(source)
