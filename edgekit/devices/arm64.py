"""LiteRT's own arm64 build under qemu: it shows the results of arm64 kernels, not a phone's speed.

The sysroot (Debian's arm64 Python and LiteRT's arm64 wheel) is made by tools/install-arm64-sysroot.sh.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from edgekit.devices import litert_process
from edgekit.devices.device import BenchPlan, DeviceInfo, DeviceState
from edgekit.errors import DeviceError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

QEMU = "qemu-aarch64-static"
# qemu's default CPU `max` gave a wrong numpy matmul; Cortex-A76 (2018) has the dot product instructions of today's
# phones. The sysroot's /proc/cpuinfo names the same core, as XNNPACK's cpuinfo library requires.
CPU = "cortex-a76"
SYSROOT_VARIABLE = "EDGEKIT_ARM64_SYSROOT"
DEFAULT_SYSROOT = Path("~/.cache/edgekit/arm64-sysroot").expanduser()
# Emulation is 150 to 500 times slower than the same work on this machine.
SLOWDOWN_TIMEOUT_S = 3600.0


def sysroot() -> Path:
    return Path(os.environ.get(SYSROOT_VARIABLE, DEFAULT_SYSROOT))


def missing() -> str:
    """The reason why arm64 cannot run here; empty if it can."""
    if shutil.which(QEMU) is None:
        return f"{QEMU} is not installed (Debian: apt install qemu-user-static)"
    if not (sysroot() / "usr/bin/python3.11").exists():
        return f"no arm64 sysroot in {sysroot()}; make it with tools/install-arm64-sysroot.sh"
    return ""


class Arm64:
    """The device `arm64`: LiteRT emulated on this machine."""

    def __init__(self) -> None:
        if reason := missing():
            raise DeviceError(f"arm64: {reason}.")
        self._launcher = launcher()
        self.info = DeviceInfo(
            name="arm64",
            kind="qemu",
            model=f"{CPU} under qemu",
            os="Debian arm64 userland",
            abi="arm64-v8a",
            cores=os.cpu_count(),
            simulated=True,
        )

    def state(self) -> DeviceState:
        return DeviceState()

    @contextmanager
    def open(
        self, artifacts: Sequence[Path], plan: BenchPlan
    ) -> Iterator[Sequence[litert_process.LiteRtSession]]:
        if plan.accelerator != "cpu":
            raise DeviceError(f"Emulated arm64 has no {plan.accelerator}; use the `accelerator` cpu.")
        if plan.profile:
            raise DeviceError("A profile of emulated arm64 would be qemu's; profile on the host or a phone.")
        with litert_process.sessions(self._launcher, artifacts, plan) as opened:
            yield opened

    def infer(
        self,
        artifact: Path,
        inputs: Sequence[NDArray[np.generic]],
        threads: int,
        timeout_s: float = SLOWDOWN_TIMEOUT_S,
    ) -> list[list[NDArray[np.generic]]]:
        return litert_process.infer(self._launcher, artifact, inputs, threads, timeout_s)


def launcher(qemu: Sequence[str] = (QEMU,)) -> litert_process.Launcher:
    """The launcher of the emulated interpreter; `qemu` is the emulator with what else it is told."""
    return litert_process.Launcher(
        "arm64", _python(sysroot(), qemu), {"PATH": os.environ["PATH"]}, emulated=True
    )


def _python(root: Path, qemu: Sequence[str] = (QEMU,)) -> tuple[str, ...]:
    """The command of the emulated interpreter, with its own libraries and wheels and none of this machine's."""
    libraries = f"{root}/lib/aarch64-linux-gnu:{root}/usr/lib/aarch64-linux-gnu"
    return (
        *qemu, "-cpu", CPU, "-L", str(root),
        "-E", f"PYTHONHOME={root}/usr", "-E", f"PYTHONPATH={root}/site", "-E", f"LD_LIBRARY_PATH={libraries}",
        f"{root}/usr/bin/python3.11", "-s",
    )  # fmt: skip
