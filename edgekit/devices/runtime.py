"""A runtime for the parity check that runs an artifact on a device."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from edgekit.artifact import read_artifact
from edgekit.devices.device import Device
from edgekit.errors import DeviceError
from edgekit.runtimes import DEFAULT_THREADS, Tensors


class DeviceRuntime:
    """A .tflite run on a device: inputs are pushed, outputs pulled, once per call."""

    def __init__(self, device: Device, path: Path, threads: int = DEFAULT_THREADS) -> None:
        self._device, self._artifact, self._threads = device, read_artifact(path), threads
        simulated = " (simulated)" if device.info.simulated else ""
        self.name = f"litert on {device.info.name}{simulated}"

    def run(self, inputs: Tensors) -> dict[str, NDArray[Any]]:
        """Outputs by their names in the manifest, in the order the artifact has them."""
        manifest = self._artifact.manifest
        value = inputs[manifest.inputs[0].name]
        (outputs,) = self._device.infer(self._artifact.path, [value], self._threads)
        return {spec.name: out for spec, out in zip(manifest.outputs, outputs, strict=True)}


def opener_on(device: Device) -> Callable[[Path, Sequence[str]], DeviceRuntime]:
    """An opener for `edgekit.parity.compare.check_parity` that opens artifacts on the device instead of here."""

    def opened(path: Path, taps: Sequence[str]) -> DeviceRuntime:
        if taps:
            raise DeviceError(
                f"{path}: a device returns outputs only, and this artifact's output is not its logits; "
                f"convert one whose `output` is logits."
            )
        return DeviceRuntime(device, path)

    return opened
