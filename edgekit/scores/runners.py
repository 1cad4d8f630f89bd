"""Runners take a network's input and return logits and the delivered output; `predictions` runs them on pictures."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray

from edgekit.artifact import Artifact
from edgekit.errors import ConversionError
from edgekit.images import Fit, InputSize, Picture, fit_of
from edgekit.model.outputs import resized
from edgekit.model.reference import ReferenceSegmenter
from edgekit.runtimes import Opener, Runtime, open_runtime
from edgekit.scores.metrics import labels_from_logits
from edgekit.targets import target_named
from edgekit.weights import Checkpoint

Image = NDArray[np.uint8]  # (H, W, 3) sRGB, the network's input
Logits = NDArray[np.float32]  # (classes, h, w)
Labels = NDArray[np.uint8]  # (H, W)
K = TypeVar("K")


class Outputs(NamedTuple):
    """A runner's result for one image: logits, and the output that an app would get, (channels, H, W)."""

    logits: Logits
    delivered: NDArray[np.float64]


class Runner(Protocol):
    """A segmenter that runs somewhere. `size`: of its input."""

    @property
    def size(self) -> InputSize: ...
    def run(self, image: Image) -> Outputs: ...


def network_input(image: Image, dtype: torch.dtype = torch.float32) -> torch.Tensor:
    """The image as PyTorch's graphs take it: (1, 3, H, W) RGB in [0, 255]."""
    return torch.from_numpy(image.copy()).permute(2, 0, 1)[None].to(dtype)


@dataclass(frozen=True)
class TorchRunner:
    """A PyTorch graph. `forward`: (1, 3, H, W) float32 RGB in [0, 255] to (1, classes, h, w) logits."""

    size: InputSize
    forward: Callable[[torch.Tensor], torch.Tensor]

    def run(self, image: Image) -> Outputs:
        with torch.inference_mode():
            logits = self.forward(network_input(image))[0].float().cpu().numpy()
        return Outputs(logits, logits)


@dataclass(frozen=True)
class RuntimeRunner:
    """A converted model open in a runtime, with the names of its tensors and whether their channels come last."""

    runtime: Runtime
    size: InputSize
    image_name: str
    logits_name: str
    output_name: str
    channels_last: bool

    def run(self, image: Image) -> Outputs:
        outputs = self.runtime.run({self.image_name: image[None]})
        for name in (self.logits_name, self.output_name):
            if name not in outputs:
                raise ConversionError(
                    "artifact", "run", f"the file gives no {name!r}, which its manifest names."
                )
        logits = np.ascontiguousarray(self._channels_first(outputs[self.logits_name]), np.float32)
        return Outputs(logits, self._channels_first(outputs[self.output_name]).astype(np.float64))

    def _channels_first(self, tensor: NDArray[Any]) -> NDArray[Any]:
        """(1, …) in the runtime's layout to (channels, H, W)."""
        first: NDArray[Any] = tensor[0]
        return first.transpose(2, 0, 1) if self.channels_last else first


def reference_runner(checkpoint: Checkpoint) -> TorchRunner:
    """A runner of the checkpoint in PyTorch with Hugging Face's graph at the checkpoint's own size."""
    return TorchRunner(InputSize.of(checkpoint.size_default), ReferenceSegmenter(checkpoint))


def artifact_runner(artifact: Artifact, opener: Opener = open_runtime) -> RuntimeRunner:
    """A runner of an artifact; its logits are read from inside the graph if its output is something else."""
    manifest = artifact.manifest
    target = target_named(manifest.target)
    if opener is open_runtime:
        target.try_out(artifact.path)
    logits = manifest.taps.get("logits")
    if logits is None:
        raise ConversionError(
            manifest.target,
            "run",
            f"the manifest of {artifact.path} names no tensor of logits; convert again.",
        )
    return RuntimeRunner(
        runtime=opener(artifact.path, () if logits == manifest.output else (logits,)),
        size=manifest.input_size,
        image_name=manifest.inputs[0].name,
        logits_name=logits,
        output_name=manifest.output,
        channels_last=target.layout == "NHWC",
    )


@dataclass(frozen=True)
class Prediction:
    """A runner's result for one picture.

    `image`, `logits`: of the part of the network's input that shows the picture. `outputs`: of the whole input.
    """

    image: Image
    logits: Logits
    outputs: Outputs
    _labels: dict[tuple[int, ...], Labels] = field(default_factory=dict, repr=False, compare=False)

    def labels(self, shape: tuple[int, ...]) -> Labels:
        """(H, W) labels at any resolution, cached because many candidates are compared with one reference."""
        if shape not in self._labels:
            self._labels[shape] = labels_from_logits(self.logits, shape)
        return self._labels[shape]

    @property
    def input_labels(self) -> Labels:
        """(H, W) labels of `image`."""
        return self.labels(self.image.shape[:2])


def predictions(
    runners: Mapping[K, Runner], pictures: Iterable[Picture]
) -> Iterator[tuple[Picture, dict[K, Prediction]]]:
    """Yield each picture with every runner's prediction. A picture is resized once per input size."""
    sizes = {runner.size for runner in runners.values()}
    for picture in pictures:
        fits = {size: fit_of(picture.image.shape[:2], size) for size in sizes}
        images = {size: picture.at(size) for size in sizes}
        yield (
            picture,
            {
                key: prediction_of(images[runner.size], runner.run(images[runner.size]), fits[runner.size])
                for key, runner in runners.items()
            },
        )


def prediction_of(image: Image, outputs: Outputs, fit: Fit) -> Prediction:
    """The result for a picture that lies in an input, (H, W, 3), as `fit` says."""
    return Prediction(fit.shown(image), fit.shown_planes(outputs.logits), outputs)


def union_probability(logits: Logits, members: Sequence[int], shape: Sequence[int]) -> NDArray[np.float32]:
    """(H, W) probability of a set of classes: softmax at the logits' own size, summed, then a bilinear resize."""
    summed = torch.from_numpy(logits).softmax(0)[list(members)].sum(0)
    planes: NDArray[np.float32] = resized(summed[None, None], shape)[0, 0].clamp(0, 1).numpy()
    return planes
