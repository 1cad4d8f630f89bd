"""What every device is: a description, a state that can be read, and a way to time or run artifacts."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

# Android's PowerManager.THERMAL_STATUS_* in order; the index is the number dumpsys prints.
THERMAL_STATUS = ("none", "light", "moderate", "severe", "critical", "emergency", "shutdown")
ACCELERATORS = ("cpu", "gpu", "nnapi", "ane", "all")


@dataclass(frozen=True)
class DeviceInfo:
    """Which device this is. `simulated` figures may prove agreement, never speed."""

    name: str
    kind: str
    model: str
    os: str
    abi: str
    cores: int | None
    simulated: bool


@dataclass(frozen=True)
class DeviceState:
    """What changes latency and can be read; None where the device does not tell."""

    governors: tuple[str, ...] = ()
    clocks_mhz: tuple[int, ...] = ()
    battery_percent: int | None = None
    charging: bool | None = None
    battery_temperature_c: float | None = None
    thermal_status: int | None = None
    free_memory_mb: float | None = None
    load_average: float | None = None


@dataclass(frozen=True)
class BenchPlan:
    """How to measure: at least `runs` inferences and at least `seconds`, after `warmup_runs`."""

    runs: int = 50
    seconds: float = 10.0
    warmup_runs: int = 5
    threads: int = 2
    accelerator: str = "cpu"
    runs_per_launch: int = 1
    profile: bool = False
    hottest_status: int = 1
    cool_down_s: float = 120.0
    timeout_s: float = 600.0


@dataclass(frozen=True)
class OpTime:
    """One row of a per-operator profile: mean time per inference of all operators of one kind."""

    name: str
    kind: str
    mean_ms: float


@dataclass(frozen=True)
class Measured:
    """Inferences timed together. `latency_ms` holds one figure per inference, or a launch's mean."""

    latency_ms: tuple[float, ...]
    inferences: int


@dataclass(frozen=True)
class Opened:
    """What was learnt of an artifact on the device apart from steady state; None where unknown."""

    load_ms: float
    first_inference_ms: float
    accelerator: str
    partitions: int | None
    undelegated_ops: tuple[str, ...] | None
    peak_rss_mb: float | None
    profile: tuple[OpTime, ...]
    runner: str


class Session(Protocol):
    """One artifact made ready on a device."""

    def measure(self, inferences: int) -> Measured:
        """Time that many inferences (or one launch's worth) in a steady state."""
        ...

    def finish(self) -> Opened:
        """End orderly and tell what was learnt; a session that did not end well raises DeviceError."""
        ...


class Device(Protocol):
    """host, an adb phone, emulated arm64."""

    @property
    def info(self) -> DeviceInfo: ...

    def state(self) -> DeviceState: ...

    def open(self, artifacts: Sequence[Path], plan: BenchPlan) -> AbstractContextManager[Sequence[Session]]:
        """Sessions for the artifacts, in order; everything is removed when the block ends."""
        ...

    def infer(
        self, artifact: Path, inputs: Sequence[NDArray[np.generic]], threads: int
    ) -> list[list[NDArray[np.generic]]]:
        """Outputs of one LiteRT artifact for each input (batch 1, the artifact's shape and type)."""
        ...
