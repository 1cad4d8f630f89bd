"""The interface of every device: its description, its readable state, and timing and running artifacts on it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from edgekit.errors import EdgekitError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

# Android's PowerManager.THERMAL_STATUS_* in order; the index is the number dumpsys prints.
THERMAL_STATUS = ("none", "light", "moderate", "severe", "critical", "emergency", "shutdown")
ACCELERATORS = ("cpu", "gpu", "nnapi", "ane", "all")  # nnapi is legacy: Android 15 deprecated it
# No inference, load or wait is longer than a day, and no phone or workstation has more processors than this.
LONGEST_S = 86_400.0
LONGEST_MS = LONGEST_S * 1e3
MOST_CORES = 1024
DEFAULT_THREADS = 2  # allowed on a machine with one processor too


@dataclass(frozen=True)
class DeviceInfo:
    """Identity of a device. Figures of a `simulated` one can show agreement, never speed."""

    name: str
    kind: str
    model: str
    os: str
    abi: str
    cores: int | None
    simulated: bool


@dataclass(frozen=True)
class DeviceState:
    """Readable conditions that affect latency; None (or empty) if the device does not report one."""

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
    """Duration and conditions of a measurement: at least `runs` inferences and `seconds`, after `warmup_runs`.

    `threads`: CPU threads of the runtime. `runs_per_launch`: inferences in one launch of a phone's runner; above 1,
    only their means are measured. `hottest_status`: the index in THERMAL_STATUS above which a device is left to cool,
    for at most `cool_down_s`. `timeout_s`: the longest silence of a runner before it is killed.
    """

    runs: int = 50
    seconds: float = 10.0
    warmup_runs: int = 5
    threads: int = DEFAULT_THREADS
    accelerator: str = "cpu"
    runs_per_launch: int = 1
    profile: bool = False
    hottest_status: int = 1
    cool_down_s: float = 120.0
    timeout_s: float = 600.0


# Lowest and highest value of each number in a plan.
BOUNDS: Mapping[str, tuple[float, float]] = {
    "runs": (1, 1_000_000),
    "seconds": (0, LONGEST_S),
    "warmup_runs": (0, 100_000),
    "threads": (1, MOST_CORES),
    "runs_per_launch": (1, 100_000),
    "hottest_status": (0, len(THERMAL_STATUS) - 1),
    "cool_down_s": (0, LONGEST_S),
    "timeout_s": (0.1, LONGEST_S),
}


def check_plan(plan: BenchPlan, device: DeviceInfo) -> None:
    """Raise EdgekitError unless every number of the plan is within its bounds and the device has the processors."""
    for name, (least, most) in BOUNDS.items():
        value: float = getattr(plan, name)
        if not least <= value <= most:  # this refuses NaN too
            raise EdgekitError(f"`{name}` is {value:g}; it must be at least {least:g} and at most {most:g}.")
    check_threads(plan.threads, device.cores, device.name)


def check_threads(threads: int, cores: int | None, device: str) -> None:
    """Raise EdgekitError unless a device with `cores` processors (None: unknown) can run that many threads at once.

    More threads than processors only wait for one another, and tens of thousands take a machine down.
    """
    most = MOST_CORES if cores is None else max(cores, DEFAULT_THREADS)
    if not 1 <= threads <= most:
        reason = "" if cores is None else f", because {device} has {cores} processors"
        raise EdgekitError(f"`threads` is {threads}; it must be at least 1 and at most {most}{reason}.")


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
    """Facts about an artifact on a device beside its steady latency: loading, memory, partitions; None if unknown."""

    load_ms: float
    first_inference_ms: float
    accelerator: str
    partitions: int | None
    undelegated_ops: tuple[str, ...] | None
    peak_rss_mb: float | None
    profile: tuple[OpTime, ...]
    runner: str


class Session(Protocol):
    """One artifact, loaded and warm on a device."""

    def measure(self, inferences: int) -> Measured:
        """Time that many inferences (or one launch's worth) in a steady state."""
        ...

    def finish(self) -> Opened:
        """End the session and return its facts about the artifact. Raises DeviceError if it did not end properly."""
        ...


class Device(Protocol):
    """The host, an adb phone, emulated arm64 or an Apple device."""

    @property
    def info(self) -> DeviceInfo: ...

    def state(self) -> DeviceState: ...

    def open(self, artifacts: Sequence[Path], plan: BenchPlan) -> AbstractContextManager[Sequence[Session]]:
        """Open a session per artifact, in order; everything is removed from the device when the block ends."""
        ...

    def infer(
        self, artifact: Path, inputs: Sequence[NDArray[np.generic]], threads: int
    ) -> list[list[NDArray[np.generic]]]:
        """Run one LiteRT artifact on each input (batch 1, the artifact's shape and type); outputs per input."""
        ...
