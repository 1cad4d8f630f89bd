"""The comparison itself: each picture once through PyTorch, then through every artifact."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, cast

import numpy as np
import torch
from numpy.typing import NDArray

from edgekit.artifact import Artifact
from edgekit.errors import CalibrationError, ConversionError
from edgekit.model.outputs import OutputMode, output_head
from edgekit.model.prepared import PreparedSegmenter
from edgekit.model.reference import ReferenceSegmenter
from edgekit.parity.gates import Gates, gates_for, judge, overall
from edgekit.parity.report import ArtifactReport, Check, Metrics, ParityReport, Status
from edgekit.runtimes import Runtime, open_runtime
from edgekit.runtimes.coreml import why_not_native
from edgekit.scores.metrics import Confusion, boundary_f_score, labels_from_logits, ratio_interval
from edgekit.weights import Checkpoint

Logits = NDArray[np.float32]  # (classes, h, w)
Labels = NDArray[np.uint8]  # (H, W)


class PictureLike(Protocol):
    """A picture that can be brought to a network's input size: (size, size, 3) uint8 sRGB."""

    @property
    def image(self) -> NDArray[np.uint8]: ...
    @property
    def labels(self) -> Labels | None: ...
    def at(self, size: int) -> NDArray[np.uint8]: ...


# The final picture made with the reference's and with the artifact's logits: region to ΔE2000 of its pixels.
PixelGate = Callable[[NDArray[np.uint8], Logits, Logits], Mapping[str, NDArray[np.float64]]]
# A path and the names of the intermediate tensors wanted, to a runtime that gives them.
Opener = Callable[[Path, Sequence[str]], Runtime]


@dataclass(frozen=True)
class Expectation:
    """What PyTorch says of one picture at one size."""

    image: NDArray[np.uint8]  # (size, size, 3)
    logits: Logits
    labels: Labels  # at the input's size
    truth: Labels | None
    labels_at_truth: Labels | None  # at the true labels' size
    prepared_labels: Labels
    prepared_max_abs: float


class Reference:
    """The checkpoint in PyTorch: Hugging Face's graph, and the prepared one beside it."""

    def __init__(self, checkpoint: Checkpoint) -> None:
        self._reference = ReferenceSegmenter(checkpoint)
        self._prepared = PreparedSegmenter(checkpoint)

    def expect(self, picture: PictureLike, size: int) -> Expectation:
        image = picture.at(size)
        x = torch.from_numpy(image.copy()).permute(2, 0, 1)[None].float()  # (1, 3, size, size) in [0, 255]
        with torch.inference_mode():
            logits, prepared = self._reference(x)[0].numpy(), self._prepared(x)[0].numpy()
        truth = picture.labels
        return Expectation(
            image=image,
            logits=logits,
            labels=labels_from_logits(logits, (size, size)),
            truth=truth,
            labels_at_truth=None if truth is None else labels_from_logits(logits, truth.shape),
            prepared_labels=labels_from_logits(prepared, (size, size)),
            prepared_max_abs=float(np.abs(logits - prepared).max()),
        )


class Candidate:
    """An artifact open in a runtime: picture in, logits and delivered output out."""

    def __init__(self, artifact: Artifact, opener: Opener = open_runtime) -> None:
        self.artifact = artifact
        manifest = artifact.manifest
        self._logits_name = manifest.taps["logits"]
        taps = () if self._logits_name == manifest.output else (self._logits_name,)
        self.runtime = opener(artifact.path, taps)

    def run(self, image: NDArray[np.uint8]) -> tuple[Logits, NDArray[np.float64]]:
        """image: (size, size, 3) uint8. Returns logits (classes, h, w) and the output (channels, H, W)."""
        manifest = self.artifact.manifest
        outputs = self.runtime.run({manifest.inputs[0].name: image[None]})
        logits = self._channels_first(outputs[self._logits_name])
        delivered = self._channels_first(outputs[manifest.output])
        return np.ascontiguousarray(logits, np.float32), delivered.astype(np.float64)

    def _channels_first(self, tensor: NDArray[Any]) -> NDArray[Any]:
        """(1, …) in the runtime's layout to (channels, H, W)."""
        first: NDArray[Any] = tensor[0]
        return first.transpose(2, 0, 1) if self.artifact.manifest.target == "tflite" else first


class Comparison:
    """Running sums of one artifact against the reference."""

    def __init__(self, candidate: Candidate, checkpoint: Checkpoint, pixel_gate: PixelGate | None) -> None:
        self.candidate = candidate
        self._checkpoint = checkpoint
        self._pixel_gate = pixel_gate
        classes = len(checkpoint.class_names)
        self._agreement = Confusion(classes)
        self._truth, self._truth_reference = Confusion(classes), Confusion(classes)
        self._skin_counts: list[tuple[int, int]] = []
        self._boundary: list[float] = []
        self._delta_e00: dict[str, list[NDArray[np.float64]]] = {}
        self._n = self._values = self._pixels = self._same = self._same_as_previous = 0
        self._max_abs = self._squared = self._output_error = 0.0
        self._low, self._high = math.inf, -math.inf

    @property
    def size(self) -> int:
        return self.candidate.artifact.manifest.size

    def add(self, expected: Expectation, previous: Labels) -> Labels:
        """Compare one picture; returns the artifact's labels at the input's size."""
        logits, delivered = self.candidate.run(expected.image)
        if logits.shape != expected.logits.shape:
            raise ConversionError(
                self.candidate.artifact.manifest.target,
                "parity",
                f"{self.candidate.artifact.path} gives logits of shape {logits.shape}, "
                f"PyTorch {expected.logits.shape}.",
            )
        labels = labels_from_logits(logits, expected.labels.shape)
        self._add_logits(expected.logits, logits)
        self._n += 1
        self._pixels += labels.size
        self._same += int((labels == expected.labels).sum())
        self._same_as_previous += int((labels == previous).sum())
        self._agreement.add(expected.labels, labels)
        self._boundary.append(boundary_f_score(expected.labels, labels))
        self._output_error = max(self._output_error, self._error_of_output(logits, delivered))
        self._add_truth(expected, logits)
        if self._pixel_gate is not None:
            for region, values in self._pixel_gate(expected.image, expected.logits, logits).items():
                self._delta_e00.setdefault(region, []).append(values)
        return labels

    def _add_logits(self, expected: Logits, logits: Logits) -> None:
        difference = (logits - expected).astype(np.float64)
        largest = float(np.abs(difference).max())
        self._max_abs = math.nan if math.isnan(largest) else max(self._max_abs, largest)
        self._squared += float((difference**2).sum())
        self._values += difference.size
        self._low, self._high = min(self._low, float(expected.min())), max(self._high, float(expected.max()))

    def _add_truth(self, expected: Expectation, logits: Logits) -> None:
        if expected.truth is None or expected.labels_at_truth is None:
            return
        labels = labels_from_logits(logits, expected.truth.shape)
        one = Confusion(len(self._checkpoint.class_names))
        one.add(expected.truth, labels)
        self._skin_counts.append(one.union_counts(self._checkpoint.groups.skin))
        self._truth.counts += one.counts
        self._truth_reference.add(expected.truth, expected.labels_at_truth)

    def _error_of_output(self, logits: Logits, delivered: NDArray[np.float64]) -> float:
        """Largest level difference of the output and its definition on the same logits; for labels a share."""
        manifest = self.candidate.artifact.manifest
        if manifest.output == "logits":
            return float(np.abs(delivered - logits).max())
        head = output_head(
            cast(OutputMode, manifest.output),
            self._checkpoint.groups,
            len(self._checkpoint.class_names),
            delivered.shape[-1],
            rgba=delivered.shape[0] == 4,
        )
        defined = head(torch.from_numpy(logits)[None])[0].numpy()
        if manifest.output == "labels":
            return float((defined != delivered).mean())
        return float(np.abs(defined - delivered).max())

    def metrics(self) -> Metrics:
        skin = self._checkpoint.groups.skin
        names = self._checkpoint.class_names
        labelled = len(self._skin_counts)
        hits, unions = zip(*self._skin_counts, strict=True) if labelled else ((), ())
        mse, peak = self._squared / self._values, self._high - self._low
        return Metrics(
            n=self._n,
            max_abs_logit=self._max_abs,
            psnr_db=None if mse == 0 else 10 * math.log10(peak**2 / mse),
            label_agreement=self._same / self._pixels,
            previous_label_agreement=self._same_as_previous / self._pixels,
            mean_iou_agreement=_known(self._agreement.miou),
            skin_iou_agreement=_known(self._agreement.union_iou(skin)),
            boundary_agreement=float(np.mean(self._boundary)),
            output_error_levels=self._output_error,
            per_class_iou_agreement={
                n: _known(v) for n, v in zip(names, self._agreement.per_class_iou, strict=True)
            },
            n_labelled=labelled,
            miou=_known(self._truth.miou),
            miou_reference=_known(self._truth_reference.miou),
            skin_iou=_known(self._truth.union_iou(skin)),
            skin_iou_reference=_known(self._truth_reference.union_iou(skin)),
            skin_iou_ci95=ratio_interval(hits, unions) if labelled else None,
            skin_delta_e00_p95=self._delta_e00_p95("skin"),
            edge_delta_e00_p95=self._delta_e00_p95("edge"),
            elsewhere_delta_e00_p95=self._delta_e00_p95("elsewhere"),
        )

    def _delta_e00_p95(self, region: str) -> float | None:
        """95th percentile over a region's pixels in all pictures; None where there are none."""
        values = self._delta_e00.get(region, [])
        pixels = np.concatenate(values) if values else np.empty(0)
        return float(np.percentile(pixels, 95)) if pixels.size else None

    def report(self, stated: Gates) -> ArtifactReport:
        manifest = self.candidate.artifact.manifest
        metrics = self.metrics()
        checks = judge(metrics, gates_for(manifest.recipe_name).overridden(stated))
        if manifest.target == "coreml":
            checks = (*checks, native_coreml())
        failed = [check.name for check in checks if check.status == "FAILED"]
        return ArtifactReport(
            path=str(self.candidate.artifact.path),
            target=manifest.target,
            recipe=manifest.recipe_name,
            runtime=self.candidate.runtime.name,
            status=overall(checks),
            reason=f"failed: {', '.join(failed)}" if failed else "",
            metrics=metrics,
            checks=checks,
        )


def native_coreml() -> Check:
    """The check that parity does not make: what the operating system's Core ML gives."""
    reason = why_not_native() or "parity runs the reference executor, not this Mac's Core ML"
    return Check("native Core ML", Status.NOT_RUN, reason=reason)


def check_parity(
    artifacts: Sequence[Artifact],
    checkpoint: Checkpoint,
    pictures: Iterable[PictureLike],
    stated: Gates,
    pixel_gate: PixelGate | None = None,
    opener: Opener = open_runtime,
) -> ParityReport:
    """Compare every artifact with PyTorch and the one before it on every picture.

    `opener` decides where the artifacts run: here, or on a device.

    Raises ConversionError for an artifact made from other weights, CalibrationError when no picture is usable.
    """
    for artifact in artifacts:
        require_weights(artifact, checkpoint)
    reference = Reference(checkpoint)
    comparisons = [Comparison(Candidate(artifact, opener), checkpoint, pixel_gate) for artifact in artifacts]
    prepared_max_abs, n = 0.0, 0
    for picture in pictures:
        expected = {size: reference.expect(picture, size) for size in {c.size for c in comparisons}}
        prepared_max_abs = max(prepared_max_abs, *(e.prepared_max_abs for e in expected.values()))
        _compare_one(comparisons, expected)
        n += 1
    if n == 0:
        raise CalibrationError("No picture could be used; nothing was compared.")
    reports = tuple(comparison.report(stated) for comparison in comparisons)
    passed = all(report.status == "PASSED" for report in reports)
    return ParityReport(passed, reports, prepared_max_abs, n, (), ())


def require_weights(artifact: Artifact, checkpoint: Checkpoint) -> None:
    """ConversionError for an artifact that was made from other weights than the checkpoint's."""
    if artifact.manifest.weights_sha256 != checkpoint.sha256:
        raise ConversionError(
            artifact.manifest.target,
            "parity",
            f"{artifact.path} was made from other weights than {checkpoint.folder}; pass them with --weights.",
        )


def _compare_one(comparisons: Sequence[Comparison], expected: dict[int, Expectation]) -> None:
    """Run the artifacts in order; each is also compared with the one before it at the same size."""
    previous = {size: expectation.prepared_labels for size, expectation in expected.items()}
    for comparison in comparisons:
        previous[comparison.size] = comparison.add(expected[comparison.size], previous[comparison.size])


def _known(value: float) -> float | None:
    """JSON has no NaN: a mean over nothing is null."""
    return None if math.isnan(value) else float(value)
