"""The segmenter as a user of the library meets it: a photo in, group weights or labels out."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from edgekit import console
from edgekit.artifact import Artifact, read_artifact
from edgekit.errors import EdgekitError
from edgekit.images import InputSize, Size, fit_of, fitted
from edgekit.model.outputs import GroupWeights, mask_of, mask_shape_of
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
    (run in this machine's runtime for it); None for the bundled weights. `size`: of a checkpoint's input, as `convert`
    takes it; its own by default. `exact`: compute in float64, so that rounded results do not depend on the
    processor or its threads.

    Raises WeightsError or ConversionError for a source that cannot be read, EdgekitError for a `size` with an artifact.
    """

    def __init__(
        self,
        source: Checkpoint | Artifact | Path | str | None = None,
        *,
        size: Size | None = None,
        exact: bool = False,
    ) -> None:
        opened = _opened(source)
        if isinstance(opened, Checkpoint):
            chosen = InputSize.of(opened.size_default if size is None else size)
            self._run: _FromCheckpoint | _FromArtifact = _FromCheckpoint(opened, chosen, exact)
        elif size is not None:
            raise EdgekitError(f"`size` is fixed in {opened.path}; leave it out.")
        else:
            self._run = _FromArtifact(opened)

    @property
    def size(self) -> InputSize:
        """Height and width of the network's input."""
        return self._run.size

    @property
    def class_names(self) -> tuple[str, ...]:
        """Names of the classes, by label value."""
        return self._run.class_names

    def groups(self, photo: Photo) -> NDArray[np.float32]:
        """Weights of skin, hair and clothes: (h, w, 3) float32 in [0, 1]; the background is 1 minus their sum.

        photo: (H, W, 3) uint8 sRGB of any size, shown whole to the network. (h, w) is the mask's own size, by default a
        quarter of the input's sides, without what a letterboxed photo leaves empty. Raises EdgekitError for an artifact
        with another output than groups.
        """
        fit = fit_of(photo.shape[:2], self.size)
        return fit.shown(self._run.groups(fitted(photo, fit)))

    def labels(self, photo: Photo) -> NDArray[np.uint8]:
        """Class of every pixel: (H, W) uint8, indices into `class_names`.

        photo: (H, W, 3) uint8 sRGB of any size.
        """
        fit = fit_of(photo.shape[:2], self.size)
        logits = fit.shown_planes(self._run.logits(fitted(photo, fit)))
        return labels_from_logits(logits, photo.shape[:2])

    def labels_and_groups(self, photo: Photo) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
        """What `labels` and `groups` return, from one run of the network."""
        fit = fit_of(photo.shape[:2], self.size)
        logits, groups = self._run.both(fitted(photo, fit))
        return labels_from_logits(fit.shown_planes(logits), photo.shape[:2]), fit.shown(groups)


class _FromCheckpoint:
    def __init__(self, checkpoint: Checkpoint, size: InputSize, exact: bool) -> None:
        self.size, self.class_names = size, checkpoint.class_names
        self._checkpoint = checkpoint
        self._dtype = torch.float64 if exact else torch.float32
        self._model = PreparedSegmenter(checkpoint).to(self._dtype)
        head = GroupWeights(checkpoint.groups, len(checkpoint.class_names), mask_shape_of(size), rgba=False)
        self._head = head.to(self._dtype)

    def _forward(self, image: Photo) -> torch.Tensor:
        with torch.inference_mode():
            logits: torch.Tensor = self._model(network_input(image, self._dtype))
        return logits

    def logits(self, image: Photo) -> Logits:
        logits: Logits = self._forward(image)[0].float().numpy()
        return logits

    def groups(self, image: Photo) -> NDArray[np.float32]:
        return self.both(image)[1]

    def both(self, image: Photo) -> tuple[Logits, NDArray[np.float32]]:
        require_skin(self._checkpoint.groups, self.class_names, self._checkpoint.folder)
        logits = self._forward(image)
        with torch.inference_mode():
            return logits[0].float().numpy(), mask_of(self._head(logits).float())


class _FromArtifact:
    def __init__(self, artifact: Artifact) -> None:
        self.size, self.class_names = artifact.manifest.input_size, artifact.manifest.class_names
        self._artifact = artifact
        with console.quiet_libraries():
            self._runner = artifact_runner(artifact)

    def logits(self, image: Photo) -> Logits:
        return self._runner.run(image).logits

    def groups(self, image: Photo) -> NDArray[np.float32]:
        return self.both(image)[1]

    def both(self, image: Photo) -> tuple[Logits, NDArray[np.float32]]:
        output = self._artifact.manifest.output
        if output != "groups":
            raise EdgekitError(
                f"{self._artifact.path} delivers {output}; convert with `output` groups to style."
            )
        logits, delivered = self._runner.run(image)  # delivered: (3 or 4, h, w) in [0, 255]
        weights = delivered[:3].transpose(1, 2, 0) / 255.0
        return logits, np.clip(weights, 0.0, 1.0).astype(np.float32)


def _opened(source: Checkpoint | Artifact | Path | str | None) -> Checkpoint | Artifact:
    if isinstance(source, (Checkpoint, Artifact)):
        return source
    if source is not None and Path(source).suffix in {target.suffix for target in TARGETS.values()}:
        return read_artifact(Path(source))
    with console.quiet_libraries():
        return load_checkpoint(source)
