"""Core ML on this Mac or on an iPhone plugged into it, through coremltools' own benchmarker.

coremltools.models.ml_program.experimental is Apple's: it builds, signs and starts its runner app with
Xcode. Off macOS nothing of it works, and every entry here says so.
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
    """What stands in the way of Core ML here; empty on a Mac."""
    return "" if sys.platform == "darwin" else NEEDS_MAC


class Apple:
    """`--device mac` and `--device iphone`."""

    def __init__(self, name: str) -> None:
        if reason := missing():
            raise NoDevice(f"{name}: {reason}.")
        self._device = _iphone() if name == "iphone" else None
        told = self._device
        self.info = DeviceInfo(
            name=name,
            kind="coreml",
            model=told.name if told else "Mac",
            os=f"{told.os_version} ({told.os_build_number})" if told else "macOS",
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
                f"Core ML knows the `accelerator` {', '.join(COMPUTE_UNITS)}, not {plan.accelerator}."
            )
        units = coremltools.ComputeUnit[COMPUTE_UNITS[plan.accelerator]]
        models = [coremltools.models.MLModel(str(a), compute_units=units) for a in artifacts]
        yield [AppleSession(MLModelBenchmarker(m, self._device), plan) for m in models]

    def infer(
        self, artifact: Path, inputs: Sequence[NDArray[np.generic]], threads: int
    ) -> list[list[NDArray[np.generic]]]:
        raise DeviceError("Parity of Core ML on a Mac is edgekit parity-check's, not this suite's.")


class AppleSession:
    """One Core ML model loaded once; times are the ones Apple's runner reports."""

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
            # Core ML never tells where it ran; the compute plan (edgekit bench placement) is a plan.
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
