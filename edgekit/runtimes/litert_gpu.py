"""LiteRT on a GPU: a .tflite through LiteRT 2.x's CompiledModel API, on the WebGPU backend of ML Drift.

It is the code that runs on phones, on another driver: this machine's GPU, or SwiftShader where there is none, which
computes in fp32 on the CPU. That shows whether the backend takes the graph and computes it rightly; it says nothing of
a phone's fp16 (`litert_half` does), and nothing of speed. The native code runs in a process of its own.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
import weakref
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgekit.errors import ConversionError, MissingProgram, printable
from edgekit.processes import Output, child, clean_environment, ending
from edgekit.runtimes import Tensors, swiftshader
from edgekit.runtimes.litert import parsed, read_tflite, with_outputs

CHILD = Path(__file__).with_name("litert_gpu_child.py")
# SwiftShader loads and runs the parser at 256×256 in seconds on one core; a driver that takes this long hangs.
TIMEOUT_S = 300.0
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


@dataclass(frozen=True)
class TensorDetail:
    """An input or output of the loaded model. `dtype`: numpy's name of it, such as uint8."""

    name: str
    shape: tuple[int, ...]
    dtype: str


class LiteRTGpu:
    """A .tflite open on LiteRT's GPU backend, in a process that ends with this object.

    `taps` become extra outputs; quantised taps are returned dequantised. `adapter`: the device that computes.
    `fully_accelerated`: False if LiteRT leaves some operators to the CPU.

    Raises MissingProgram without a GPU and without SwiftShader, ConversionError for a file that cannot be loaded.
    """

    def __init__(self, path: Path, taps: Sequence[str] = ()) -> None:
        data = read_tflite(path)
        self._scales = _scales(parsed(data, path), taps)
        stack = ExitStack()
        weakref.finalize(self, stack.close)
        self._folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="edgekit-gpu-")))
        (self._folder / "model.tflite").write_bytes(with_outputs(data, taps, path) if taps else data)
        self._child, ready = _started(stack, path, self._folder)
        found = ADAPTER.search(_log(self._folder))
        name, kind = (found["name"], found["kind"]) if found else ("an unnamed device", "")
        self.adapter = Adapter(printable(name), SIMULATED.search(f"{name} {kind}") is not None)
        self.fully_accelerated = ready["fully_accelerated"] is True
        self._inputs, self._outputs = (
            tuple(TensorDetail(each["name"], tuple(each["shape"]), each["dtype"]) for each in ready[side])
            for side in ("inputs", "outputs")
        )

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
        if set(inputs) != {each.name for each in self._inputs}:
            names = ", ".join(each.name for each in self._inputs)
            raise ConversionError("tflite", "run", f"inputs must be {names}, not {list(inputs)}.")
        for each in self._inputs:
            shape, kind = inputs[each.name].shape, inputs[each.name].dtype
            if shape != each.shape or kind.name != each.dtype:
                reason = f"input {each.name!r} must be {each.shape} {each.dtype}, not {shape} {kind}."
                raise ConversionError("tflite", "run", reason)
        given = {str(i): np.ascontiguousarray(inputs[each.name]) for i, each in enumerate(self._inputs)}
        np.savez(self._folder / "in.npz", **given)  # type: ignore[arg-type]
        self._child.ask()
        with np.load(self._folder / "out.npz", allow_pickle=False) as archive:
            found = {each.name: archive[str(i)] for i, each in enumerate(self._outputs)}
        return {name: self._restored(name, value) for name, value in found.items()}

    def _restored(self, name: str, value: NDArray[Any]) -> NDArray[Any]:
        if name not in self._scales or value.dtype.kind == "f":
            return value
        scale, zero_point = self._scales[name]
        return ((value.astype(np.float32) - zero_point) * scale).astype(np.float32)


class _Child:
    """The process that runs one model, and its answers. `path` stands in errors."""

    def __init__(self, stack: ExitStack, path: Path, folder: Path, environment: Mapping[str, str]) -> None:
        argv = [sys.executable, "-I", CHILD, folder / "model.tflite", folder]
        self._process = stack.enter_context(child(argv, {**clean_environment(), **environment}, stdin=True))
        self._output, self._path = Output(self._process), path

    def ask(self) -> Mapping[str, Any]:
        """Run the inputs that lie in the folder. Raises ConversionError where that fails."""
        assert self._process.stdin is not None
        with suppress(OSError):  # a child that has ended answers nothing
            self._process.stdin.write(b"run\n")
            self._process.stdin.flush()
        answer = self.answer()
        if "error" in answer:
            raise self.refused(answer["error"])
        return answer

    def answer(self) -> Mapping[str, Any]:
        """The next answer; ConversionError if the child crashes, hangs or answers nonsense."""
        line = self._output.line(TIMEOUT_S)
        if line is None:
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(timeout=5 if self._output.ended else 0)
            code = self._process.returncode
            how = f"gave no answer within {TIMEOUT_S:g} s" if code is None else ending(code)
            raise ConversionError("tflite", "gpu", f"{self._path}: LiteRT's GPU backend {how}.")
        answer: Mapping[str, Any] = json.loads(line)
        return answer

    def refused(self, error: str) -> ConversionError:
        reasons = [line.strip() for line in error.splitlines() if "ERROR:" not in line]
        reason = printable(reasons[-1] if reasons else "it gives no reason")
        return ConversionError(
            "tflite", "gpu", f"{self._path} does not run on LiteRT's GPU backend: {reason}"
        )


def _started(stack: ExitStack, path: Path, folder: Path) -> tuple[_Child, Mapping[str, Any]]:
    """A child that has loaded the model, and its answer: on this machine's GPU, or else on SwiftShader."""
    first = _Child(stack, path, folder, {})
    answer = first.answer()
    if "error" in answer and NO_ADAPTER in _log(folder):
        driver = swiftshader.library()
        if driver is None:
            raise MissingProgram("chromium", "LiteRT's GPU backend, on a machine without a GPU,", ADVICE)
        (folder / "log").unlink()
        first = _Child(stack, path, folder, swiftshader.environment(driver, folder))
        answer = first.answer()
    if "error" in answer:
        raise first.refused(answer["error"])
    return first, answer


def _log(folder: Path) -> str:
    """What LiteRT and the driver printed so far."""
    return (folder / "log").read_text(encoding="utf-8", errors="replace")


def _scales(model: Any, taps: Sequence[str]) -> dict[str, tuple[float, int]]:
    """Scale and zero point of the taps that hold integers."""
    found = {}
    for tensor in model.subgraphs[0].tensors:
        quantization = tensor.quantization
        if tensor.name.decode() in taps and quantization is not None and quantization.scale is not None:
            found[tensor.name.decode()] = (float(quantization.scale[0]), int(quantization.zeroPoint[0]))
    return found
