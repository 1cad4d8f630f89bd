"""Core ML on Apple devices: refused with the reason elsewhere; the session's bookkeeping on a stand-in.

The stand-in has the shape of coremltools 9.0's MLModelBenchmarker. Nothing here has run on a Mac.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass

import pytest

from edgekit.devices.device import BenchPlan
from edgekit.devices.macos import AppleSession
from edgekit.devices.registry import open_device
from edgekit.errors import NoDevice


@pytest.mark.skipif(sys.platform == "darwin", reason="a Mac has what is refused here")
@pytest.mark.parametrize("name", ["mac", "iphone"])
def test_off_a_mac_it_says_why(name: str) -> None:
    with pytest.raises(NoDevice, match=f"{name}: Core ML runs on Apple devices only"):
        open_device(name)


@dataclass(frozen=True)
class Measurement:
    samples: list[float]


class Benchmarker:
    """Answers like coremltools: a load time, then a slow first prediction, then 10, 11, 12 … ms."""

    def __init__(self) -> None:
        self.predictions = 0

    async def benchmark_load(self, iterations: int = 1) -> Measurement:
        return Measurement([321.0] * iterations)

    async def benchmark_predict(self, iterations: int = 1) -> Measurement:
        first = self.predictions
        self.predictions += iterations
        return Measurement([90.0 if i == 0 else 10.0 + i for i in range(first, first + iterations)])


def test_load_first_and_steady_state_are_kept_apart() -> None:
    session = AppleSession(Benchmarker(), BenchPlan(warmup_runs=2, accelerator="ane"))  # type: ignore[arg-type]
    measured = session.measure(3)
    seen = session.finish()
    assert measured.latency_ms == (13.0, 14.0, 15.0)  # after the first and two of warm-up
    assert (seen.load_ms, seen.first_inference_ms) == (321.0, 90.0)
    assert seen.accelerator.startswith("ane (asked") and seen.partitions is None
