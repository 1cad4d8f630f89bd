"""The time budget of one frame, stage by stage: camera → resize → segmenter → refinement → shader.

Only resize and segmenter can be timed here; the demo app times a phone's camera and GPU, and its report carries all
stages. A stage that was not timed is NOT_RUN with the reason. With such a stage, the verdict on 30 frames per second
is either NO or OPEN, never YES.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass

import numpy as np

from edgekit.files import JsonValue

STAGES = ("camera", "resize", "segmenter", "refinement", "shader")
FRAME_MS = 1000 / 30
NOT_HERE = {
    "camera": "there is no camera here; the demo app's benchmark times it",
    "resize": "the phone's own resize is timed by the demo app's benchmark",
    "segmenter": "the artifact was not measured",
    "refinement": "runs on the phone's GPU in the shader's pass; the demo app's benchmark times it",
    "shader": "runs on the phone's GPU; the demo app's benchmark times it",
}
# Resize times vary with the machine's other work; their median is stable after this many runs.
RESIZE_RUNS = 30
RESIZE_WARMUP = 3


@dataclass(frozen=True)
class FrameStage:
    """The time of one stage. `status`: MEASURED, or NOT_RUN with the reason."""

    name: str
    status: str
    p50_ms: float | None = None
    p90_ms: float | None = None
    reason: str = ""


@dataclass(frozen=True)
class FrameBudget:
    """All five stages of one artifact on one device, for frames of one size."""

    device: str
    simulated: bool
    artifact: str
    input_size: int | str | None
    stages: tuple[FrameStage, ...]

    @property
    def known_ms(self) -> float:
        """Sum of the measured medians: a lower bound for a frame whose stages run one after another."""
        return sum(stage.p50_ms or 0.0 for stage in self.stages)

    @property
    def verdict(self) -> str:
        """Whether 30 frames per second are possible: NO, YES, OPEN while stages are missing, NOT_RUN if simulated."""
        if self.simulated:
            return "NOT_RUN"
        if self.known_ms > FRAME_MS:
            return "NO"
        return "YES" if all(stage.status == "MEASURED" for stage in self.stages) else "OPEN"


def measured_stage(name: str, samples_ms: Sequence[float]) -> FrameStage:
    p50, p90 = (float(v) for v in np.percentile(samples_ms, [50, 90]))
    return FrameStage(name, "MEASURED", p50, p90)


def budget(
    device: str, simulated: bool, artifact: str, input_size: int | str | None, stages: Sequence[FrameStage]
) -> FrameBudget:
    """The budget with all stages in order; those not given are NOT_RUN."""
    known = {stage.name: stage for stage in stages}
    rows = tuple(known.get(name, FrameStage(name, "NOT_RUN", reason=NOT_HERE[name])) for name in STAGES)
    return FrameBudget(device, simulated, artifact, input_size, rows)


def time_stage(name: str, work: Callable[[], object], runs: int = RESIZE_RUNS) -> FrameStage:
    """Time a stage in this process, after a warm-up."""
    for _ in range(RESIZE_WARMUP):
        work()
    samples = []
    for _ in range(runs):
        start = time.perf_counter()
        work()
        samples.append((time.perf_counter() - start) * 1e3)
    return measured_stage(name, samples)


def budget_json(budget: FrameBudget) -> dict[str, JsonValue]:
    return {**asdict(budget), "known_ms": budget.known_ms, "fits_30_fps": budget.verdict}
