"""Core ML itself beside the reference executor, on a Mac: what each of its processors delivers, and how far apart."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgekit.artifact import Artifact
from edgekit.images import Picture
from edgekit.parity.report import NativeRow, ParityReport
from edgekit.runtimes import open_runtime
from edgekit.runtimes.coreml import why_not_native
from edgekit.targets import target_named

MOST_PHOTOS = 4
NATIVE = ("coreml-cpu", "coreml-gpu", "coreml-ane")


def with_native(
    report: ParityReport, artifacts: Sequence[Artifact], pictures: Iterable[Picture]
) -> ParityReport:
    """The report with `native` for every artifact that this machine's own Core ML runs; off a Mac, as it is.

    artifacts: those of the report, in its order. pictures: the first few are used.
    """
    if why_not_native():
        return report
    used = list(islice(pictures, MOST_PHOTOS))
    rows = (
        replace(row, native=native_rows(artifact, used))
        for row, artifact in zip(report.artifacts, artifacts, strict=True)
    )
    return replace(report, artifacts=tuple(rows))


def native_rows(artifact: Artifact, pictures: Sequence[Picture]) -> tuple[NativeRow, ...]:
    """A row per processor; none for a target that Core ML does not run."""
    target, manifest = target_named(artifact.manifest.target), artifact.manifest
    names = [name for name in NATIVE if name in target.runtimes]
    if not names or not pictures:
        return ()
    inputs = [{manifest.inputs[0].name: picture.at(manifest.size)[None]} for picture in pictures]
    reference = open_runtime(artifact.path)
    expected = [reference.run(each)[manifest.output].astype(np.float64) for each in inputs]
    rows = []
    for name in names:
        runtime = target.opener(name)(artifact.path, ())
        found = [runtime.run(each)[manifest.output].astype(np.float64) for each in inputs]
        pairs = list(zip(expected, found, strict=True))
        equal = np.mean(
            [(heaviest(a, manifest.output) == heaviest(b, manifest.output)).mean() for a, b in pairs]
        )
        largest = max(float(np.abs(a - b).max()) for a, b in pairs)
        rows.append(NativeRow(name, len(pictures), float(equal), largest))
    return tuple(rows)


def heaviest(output: NDArray[np.float64], kind: str) -> NDArray[Any]:
    """The class or group of every pixel. output: (1, C, h, w) as the package delivers it."""
    if kind == "labels":
        return output
    if kind == "groups":  # the background is what is left of 255
        output = np.concatenate([255 - output.sum(1, keepdims=True), output], 1)
    return np.asarray(output.argmax(1))
