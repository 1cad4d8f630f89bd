"""This machine: LiteRT on the CPU in a process of its own."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from edgekit.devices import litert_process
from edgekit.devices.device import BenchPlan, DeviceInfo, DeviceState
from edgekit.errors import DeviceError
from edgekit.machine import cpu_model

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

CPUFREQ = Path("/sys/devices/system/cpu/cpufreq")


class Host:
    """The device `host`: this machine's CPU."""

    def __init__(self) -> None:
        self._launcher = litert_process.host_launcher()
        self.info = DeviceInfo(
            name="host",
            kind="host",
            model=cpu_model(),
            os=f"{platform.system()} {platform.release()}",
            abi=platform.machine(),
            cores=os.cpu_count(),
            simulated=False,
        )

    def state(self) -> DeviceState:
        return DeviceState(
            governors=tuple(_lines(CPUFREQ, "policy*/scaling_governor")),
            clocks_mhz=tuple(int(v) // 1000 for v in _lines(CPUFREQ, "policy*/scaling_cur_freq")),
            free_memory_mb=_free_memory_mb(),
            load_average=os.getloadavg()[0],
        )

    @contextmanager
    def open(
        self, artifacts: Sequence[Path], plan: BenchPlan
    ) -> Iterator[Sequence[litert_process.LiteRtSession]]:
        if plan.accelerator != "cpu":
            raise DeviceError(
                f"The host runner has no {plan.accelerator} delegate; use the `accelerator` cpu, or a phone."
            )
        with litert_process.sessions(self._launcher, artifacts, plan) as opened:
            yield opened

    def infer(
        self, artifact: Path, inputs: Sequence[NDArray[np.generic]], threads: int, timeout_s: float = 600.0
    ) -> list[list[NDArray[np.generic]]]:
        return litert_process.infer(self._launcher, artifact, inputs, threads, timeout_s)


def _lines(folder: Path, pattern: str) -> list[str]:
    return [path.read_text().strip() for path in sorted(folder.glob(pattern))]


def _free_memory_mb() -> float | None:
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
    except OSError:
        return None
    return next((int(s.split()[1]) / 1024 for s in lines if s.startswith("MemAvailable:")), None)
