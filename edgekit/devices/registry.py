"""Devices by name, for `--device` and for the list of `edgekit devices`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from edgekit.devices import adb, arm64, host, macos
from edgekit.devices.device import Device
from edgekit.errors import EdgekitError
from edgekit.machine import cpu_model

NO_PHONE = "enable USB debugging in the phone's developer options, plug it in and accept the key"


@dataclass(frozen=True)
class Listed:
    """A row of `edgekit devices`. `state`: READY, NOT_RUN or adb's state; `reason`: why not READY, with advice."""

    name: str
    kind: str
    model: str
    state: str
    reason: str = ""
    simulated: bool = False


def open_device(name: str, runner: Path | None = None) -> Device:
    """Open the device of that name. Raises NoDevice if no device or several phones match."""
    if name in LOCAL:
        return LOCAL[name]()
    return adb.Phone(adb.pick(name, adb.connected()).serial, runner)


def list_devices() -> list[Listed]:
    """List every device that `open_device` knows, usable or not."""
    rows = [Listed("host", "host", cpu_model(), "READY")]
    missing = arm64.missing()
    rows.append(
        Listed("arm64", "qemu", "Cortex-A76 under qemu, for agreement only",
               "NOT_RUN" if missing else "READY", missing, simulated=True)
    )  # fmt: skip
    try:
        phones = adb.connected()
        rows += [
            Listed(p.serial, "adb", p.model, "READY" if p.usable else p.state, "" if p.usable else p.advice)
            for p in phones
        ]
        if not phones:
            rows.append(Listed("(a phone)", "adb", "", "NOT_RUN", NO_PHONE))
    except EdgekitError as error:
        rows.append(Listed("(a phone)", "adb", "", "NOT_RUN", str(error)))
    reason = macos.missing()
    return rows + [
        Listed(n, "coreml", "", "NOT_RUN" if reason else "READY", reason) for n in ("mac", "iphone")
    ]


LOCAL: Mapping[str, Callable[[], Device]] = {
    "host": host.Host,
    "arm64": arm64.Arm64,
    "mac": partial(macos.Apple, "mac"),
    "iphone": partial(macos.Apple, "iphone"),
}
