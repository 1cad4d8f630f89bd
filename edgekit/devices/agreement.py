"""Agreement of two machines' outputs for one artifact.

Two machines round differently: float sums are added in another order, and integer requantisation differs by one step
(benchmarks/arm64_agreement.py; docs/bench.md has the figures).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgekit.artifact import Artifact

LEAST_EQUAL_LABELS = {"fp32": 0.9999, "fp16": 0.998}
LEAST_EQUAL_LABELS_INT8 = 0.99
MOST_LEVELS = 2


def disagreement(artifact: Artifact, here: NDArray[Any], there: NDArray[Any]) -> str:
    """A sentence on how an output on a device differs from this machine's by more than rounding; empty if it agrees.

    here, there: the output without its batch axis. Labels are compared, by argmax over the last axis unless the
    artifact delivers labels. Group weights of float recipes are compared in 8-bit levels too.
    """
    name, recipe, output = artifact.path.name, artifact.manifest.recipe_name, artifact.manifest.output
    if here.shape != there.shape or here.dtype != there.dtype:
        return f"{name}: {there.dtype} of shape {there.shape} there, {here.dtype} of shape {here.shape} here"
    labels = [x if output == "labels" else x.argmax(axis=-1) for x in (here, there)]
    equal, least = np.mean(labels[0] == labels[1]), LEAST_EQUAL_LABELS.get(recipe, LEAST_EQUAL_LABELS_INT8)
    if equal < least:
        return f"{name}: {equal:.2%} of the labels are equal, {least:.2%} are expected"
    if output == "groups" and recipe in LEAST_EQUAL_LABELS:
        levels = int(np.abs(here.astype(int) - there.astype(int)).max())
        if levels > MOST_LEVELS:
            return f"{name}: weights differ by {levels} levels, at most {MOST_LEVELS} are rounding"
    return ""
