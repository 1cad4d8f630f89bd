"""LiteRT on a GPU: a .tflite through LiteRT 2.x's CompiledModel API, on the WebGPU backend of ML Drift.

It is the code that runs on phones, on another driver: this machine's GPU, or SwiftShader where there is none, which
computes in fp32 on the CPU. That shows whether the backend takes the graph and computes it rightly; it says nothing of
a phone's fp16 (`litert_half` does), and nothing of speed.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgekit.errors import MissingProgram, printable
from edgekit.runtimes import Tensors, swiftshader
from edgekit.runtimes.litert import parsed, read_tflite, with_outputs
from edgekit.runtimes.served import Served, Workplace

ADAPTER = re.compile(r"Selected adapter: (?P<name>.+?), arch=.*adapterType=(?P<kind>.+)")
NO_ADAPTER = "No adapters found"
SIMULATED = re.compile(r"swiftshader|llvmpipe|\bCPU\b", re.IGNORECASE)
ADVICE = "install Chromium or Google Chrome, whose SwiftShader stands in for one"


@dataclass(frozen=True)
class Adapter:
    """The device that computes. `simulated`: its driver computes on the CPU, so times on it mean nothing."""

    name: str
    simulated: bool

    def __str__(self) -> str:
        return f"{self.name} (simulated)" if self.simulated else self.name


class LiteRTGpu:
    """A .tflite open on LiteRT's GPU backend, in a process that ends with this object.

    `taps` become extra outputs; quantised taps are returned dequantised. `adapter`: the device that computes.
    `fully_accelerated`: False if LiteRT leaves some operators to the CPU.

    Raises MissingProgram without a GPU and without SwiftShader, ConversionError for a file that cannot be loaded.
    """

    def __init__(self, path: Path, taps: Sequence[str] = ()) -> None:
        data = read_tflite(path)
        self._scales = _scales(parsed(data, path), taps)
        self._workplace = Workplace(self)
        (self._workplace.folder / "model.tflite").write_bytes(
            with_outputs(data, taps, path) if taps else data
        )
        self._served = _loaded(path, self._workplace)
        found = ADAPTER.search(self._workplace.log)
        name, kind = (found["name"], found["kind"]) if found else ("an unnamed device", "")
        self.adapter = Adapter(printable(name), SIMULATED.search(f"{name} {kind}") is not None)
        self.fully_accelerated = self._served.ready["fully_accelerated"] is True

    @property
    def name(self) -> str:
        """The runtime with its device, as reports show it."""
        return f"litert-gpu on {self.adapter}{'' if self.fully_accelerated else ', partly on the CPU'}"

    @property
    def computes_in_half(self) -> bool:
        """Whether the device computes in fp16, as a GPU does by default; what simulates one has no fp16."""
        return not self.adapter.simulated

    def run(self, inputs: Tensors) -> dict[str, NDArray[Any]]:
        """Run the model once. Returns outputs and taps by name.

        Raises ConversionError for inputs that are not the model's, and where the backend fails or crashes.
        """
        return {name: self._restored(name, value) for name, value in self._served.run(inputs).items()}

    def _restored(self, name: str, value: NDArray[Any]) -> NDArray[Any]:
        if name not in self._scales or value.dtype.kind == "f":
            return value
        scale, zero_point = self._scales[name]
        return ((value.astype(np.float32) - zero_point) * scale).astype(np.float32)


def _loaded(path: Path, workplace: Workplace) -> Served:
    """The model on this machine's GPU, or else on SwiftShader."""
    model = workplace.folder / "model.tflite"

    def served(environment: dict[str, str]) -> Served:
        return Served(
            "litert-gpu", model, path, target="tflite", title="LiteRT's GPU backend",
            workplace=workplace, environment=environment,
        )  # fmt: skip

    first = served({})
    if "error" in first.ready and NO_ADAPTER in workplace.log:
        driver = swiftshader.library()
        if driver is None:
            raise MissingProgram("chromium", "LiteRT's GPU backend, on a machine without a GPU,", ADVICE)
        first = served(swiftshader.environment(driver, workplace.folder))
    first.require()
    return first


def _scales(model: Any, taps: Sequence[str]) -> dict[str, tuple[float, int]]:
    """Scale and zero point of the taps that hold integers."""
    found = {}
    for tensor in model.subgraphs[0].tensors:
        quantization = tensor.quantization
        if tensor.name.decode() in taps and quantization is not None and quantization.scale is not None:
            found[tensor.name.decode()] = (float(quantization.scale[0]), int(quantization.zeroPoint[0]))
    return found
