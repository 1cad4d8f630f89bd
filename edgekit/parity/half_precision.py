"""What fp16 makes of an artifact: GPUs of phones compute a float .tflite in half precision, whatever its recipe is.

The range of fp16 is the danger: what exceeds 65504 becomes infinite, and a divisor that a GPU takes for 0 does the
same to its quotient. Both are found operator by operator, on the artifact's own tensors.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import islice

from edgekit import console
from edgekit.artifact import Artifact
from edgekit.errors import ConversionError
from edgekit.images import Picture, astronaut
from edgekit.model.reference import ReferenceSegmenter
from edgekit.parity.graphs import Node, nodes_of
from edgekit.parity.report import HalfPrecision, ParityReport, RangeFault
from edgekit.runtimes.litert_half import LEAST_NORMAL, OVERFLOW, HalfLiteRT, Magnitudes, magnitudes
from edgekit.scores.counts import LogitDifference
from edgekit.scores.runners import Image, Runner, TorchRunner, artifact_runner, predictions
from edgekit.targets import target_named
from edgekit.weights import Checkpoint

HALF_ADVICE = "keep this artifact on the CPU, or train or scale the weights to smaller activations"
MOST_PHOTOS = 4  # labels that fp16 changes show on a few; a folder of photos is not run twice for them
# Operators that divide by their last input, or take its logarithm: 0 gives an infinite result.
DIVIDING = frozenset({"DIV", "LOG", "RSQRT"})


def with_half_precision(
    report: ParityReport, artifacts: Sequence[Artifact], checkpoint: Checkpoint, pictures: Iterable[Picture]
) -> ParityReport:
    """The report with `half_precision` for every artifact whose target has a runtime for it.

    artifacts: those of the report, in its order. pictures: the first few are used. A file that cannot be computed in
    half precision has a note in place of it.
    """
    used, rows, notes = list(islice(pictures, MOST_PHOTOS)), list(report.artifacts), list(report.notes)
    for i, artifact in enumerate(artifacts):
        if used and runs_in_half(artifact):
            try:
                rows[i] = replace(rows[i], half_precision=half_precision(artifact, checkpoint, used))
            except ConversionError as error:
                notes.append(f"{artifact.path.name} was not computed in half precision: {error}")
    return replace(report, artifacts=tuple(rows), notes=tuple(notes))


def runs_in_half(artifact: Artifact) -> bool:
    """Whether this machine can compute the artifact in half precision."""
    return HalfLiteRT.name in target_named(artifact.manifest.target).runtimes


def half_precision(artifact: Artifact, checkpoint: Checkpoint, pictures: Sequence[Picture]) -> HalfPrecision:
    """The artifact in half precision against PyTorch on these pictures, and its faults on the first."""
    size, opener = (
        artifact.manifest.input_size,
        target_named(artifact.manifest.target).opener(HalfLiteRT.name),
    )
    reference = TorchRunner(size, ReferenceSegmenter(checkpoint))
    runners: dict[str, Runner] = {"pytorch": reference, "half": artifact_runner(artifact, opener)}
    difference, equal = LogitDifference(), 0.0
    for _, found in predictions(runners, pictures):
        difference.add(found["pytorch"].logits, found["half"].logits)
        equal += float((found["pytorch"].input_labels == found["half"].input_labels).mean())
    faults = range_faults(artifact, pictures[0].at(size))
    return HalfPrecision(len(pictures), difference.max_abs, equal / len(pictures), faults)


def range_faults(artifact: Artifact, image: Image) -> tuple[RangeFault, ...]:
    """Where half precision overflows or underflows on one image, in the order in which data passes.

    image: (H, W, 3) uint8 RGB, the network's input.
    """
    found = magnitudes(artifact.path, {artifact.manifest.inputs[0].name: image[None]})
    return faults_among(nodes_of(artifact.path), found)


def faults_among(nodes: Iterable[Node], found: Mapping[str, Magnitudes]) -> tuple[RangeFault, ...]:
    """The faults of these operators. found: each float tensor's magnitudes before it is rounded.

    What an operator makes of inputs that are infinite already is no fault of its own.
    """
    faults = []
    for node in nodes:
        read = [found[name] for name in node.inputs if name in found]
        if not all(each.largest < OVERFLOW for each in read):
            continue
        for name in node.outputs:
            if name not in found:
                continue
            divisor, largest = read[-1].least if read else math.inf, found[name].largest
            if not largest < OVERFLOW:
                faults.append(RangeFault("overflow", node.kind, name, node.place, node.block, largest))
            elif node.kind in DIVIDING and divisor < LEAST_NORMAL:
                faults.append(RangeFault("underflow", node.kind, name, node.place, node.block, divisor))
    return tuple(faults)


def half_precision_warning(artifact: Artifact) -> str:
    """A sentence on the range faults that the bundled portrait shows; empty if there are none, or no runtime."""
    if not runs_in_half(artifact):
        return ""
    with console.quiet_libraries():
        faults = range_faults(artifact, astronaut().at(artifact.manifest.size))
    if not faults:
        return ""
    return f"in half precision, as on a phone's GPU, {artifact.path.name} {fault_sentence(faults)}; {HALF_ADVICE}"


def half_sentence(half: HalfPrecision) -> str:
    """The result as a clause: the share of equal labels, and what lies outside fp16's range."""
    photos = "one photo" if half.photos == 1 else f"{half.photos} photos"
    range_ = f"it {fault_sentence(half.faults)}" if half.faults else "every tensor fits into its range"
    return f"{half.label_agreement:.2%} of PyTorch's labels on {photos}, and {range_}"


def fault_sentence(faults: Sequence[RangeFault]) -> str:
    """The faults as a sentence that names the first: `overflows in stage3.0.norm_before (MUL gives 82000), and …`."""
    first = faults[0]
    verb = "gives" if first.kind == "overflow" else "reads"
    more = f", and {len(faults) - 1} more" if len(faults) > 1 else ""
    form = ".0f" if abs(first.value) >= 1 else ".3g"  # a sum of 82000, or a divisor of 1e-05
    value = format(first.value, form) if math.isfinite(first.value) else "what is no number"
    return f"{first.kind}s in {first.block or first.place} ({first.operator} {verb} {value}){more}"
