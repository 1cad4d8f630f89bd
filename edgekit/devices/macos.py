"""Core ML on this Mac or on an iPhone plugged into it, through coremltools' own benchmarker.

coremltools.models.ml_program.experimental is Apple's: it builds, signs and starts its runner app with Xcode. It works
on macOS only; `missing` gives the reason elsewhere.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from edgekit.devices.device import BenchPlan, DeviceInfo, DeviceState, Measured, Opened
from edgekit.errors import DeviceError, NoDevice

if TYPE_CHECKING:
    import numpy as np
    from coremltools.models.ml_program.experimental.perf_utils import MLModelBenchmarker
    from coremltools.models.ml_program.experimental.remote_device import Device as AppleDevice
    from numpy.typing import NDArray

NEEDS_MAC = "Core ML runs on Apple devices only, and coremltools reaches them from a Mac with Xcode"
COMPUTE_UNITS = {"cpu": "CPU_ONLY", "gpu": "CPU_AND_GPU", "ane": "CPU_AND_NE", "all": "ALL"}


def missing() -> str:
    """The reason why Core ML cannot run here; empty on a Mac."""
    return "" if sys.platform == "darwin" else NEEDS_MAC


class Apple:
    """The devices `mac` and `iphone`."""

    def __init__(self, name: str) -> None:
        if reason := missing():
            raise NoDevice(f"{name}: {reason}.")
        self._device = iphone = _iphone() if name == "iphone" else None
        self.info = DeviceInfo(
            name=name,
            kind="coreml",
            model=iphone.name if iphone else "Mac",
            os=f"{iphone.os_version} ({iphone.os_build_number})" if iphone else "macOS",
            abi="arm64",
            cores=None,
            simulated=False,
        )

    def state(self) -> DeviceState:
        return DeviceState()

    @contextmanager
    def open(self, artifacts: Sequence[Path], plan: BenchPlan) -> Iterator[Sequence[AppleSession]]:
        import coremltools
        from coremltools.models.ml_program.experimental.perf_utils import MLModelBenchmarker

        if plan.accelerator not in COMPUTE_UNITS:
            raise DeviceError(
                f"Core ML has no `accelerator` {plan.accelerator}; use one of {', '.join(COMPUTE_UNITS)}."
            )
        units = coremltools.ComputeUnit[COMPUTE_UNITS[plan.accelerator]]
        models = [coremltools.models.MLModel(str(a), compute_units=units) for a in artifacts]
        yield [AppleSession(MLModelBenchmarker(m, self._device), plan) for m in models]

    def infer(
        self, artifact: Path, inputs: Sequence[NDArray[np.generic]], threads: int
    ) -> list[list[NDArray[np.generic]]]:
        raise DeviceError("Outputs of Core ML are compared on a Mac by edgekit parity-check, not here.")


class AppleSession:
    """One Core ML model, loaded once and timed by Apple's runner."""

    def __init__(self, benchmarker: MLModelBenchmarker, plan: BenchPlan) -> None:
        self._benchmarker, self._plan = benchmarker, plan
        self._load_ms = asyncio.run(benchmarker.benchmark_load(1)).samples[0]
        self._first_ms = asyncio.run(benchmarker.benchmark_predict(iterations=1)).samples[0]
        if plan.warmup_runs:
            asyncio.run(benchmarker.benchmark_predict(iterations=plan.warmup_runs))

    def measure(self, inferences: int) -> Measured:
        samples = asyncio.run(self._benchmarker.benchmark_predict(iterations=inferences)).samples
        return Measured(tuple(samples), len(samples))

    def finish(self) -> Opened:
        return Opened(
            load_ms=self._load_ms,
            first_inference_ms=self._first_ms,
            # Core ML does not report the unit that ran; its compute plan (edgekit bench placement) is only a plan.
            accelerator=f"{self._plan.accelerator} (asked; Core ML does not report the unit used)",
            partitions=None,
            undelegated_ops=None,
            peak_rss_mb=None,
            profile=(),
            runner="coremltools MLModelBenchmarker",
        )


def _iphone() -> AppleDevice:
    from coremltools.models.ml_program.experimental.remote_device import Device as AppleDevice
    from coremltools.models.ml_program.experimental.remote_device import DeviceType

    found = AppleDevice.get_connected_devices(DeviceType.IPHONE)
    if len(found) != 1:
        names = ", ".join(d.name for d in found) or "none"
        raise NoDevice(
            f"Exactly one connected iPhone is needed, found: {names}. Trust this Mac on the phone."
        )
    return found[0]
