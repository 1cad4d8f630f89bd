"""Time per operator on this machine, XNNPACK's operators included, from LiteRT's own profiler.

The Python interpreter has no profiler, but libLiteRt.so in the ai-edge-litert package exports LiteRT's C API
(litert/c/litert_profiler.h, litert_compiled_model.h). litert_child.py runs this in its own process, because a wrong
call into a C library ends the process:

    litert_child.py profile MODEL THREADS RUNS      one JSON object on stdout: {"ops": [[name, kind, ms], …]}
"""

from __future__ import annotations

import ctypes
import importlib.util
import re
import sys
from pathlib import Path

CPU = 1  # kLiteRtHwAcceleratorCpu
WARMUP_RUNS = 3
# A row of the summary: the kind (one or more words), then start, first, mean ms per call, %, cumulated %, memory,
# calls; then [name]:index. The name is the model's own and may hold anything.
FIGURE, SHARE, CALLS = r"[0-9]{1,9}\.[0-9]{1,9}", r"[0-9]{1,9}\.[0-9]{1,9}%", r"[0-9]{1,9}"
FIGURES = tuple(map(re.compile, (FIGURE, FIGURE, FIGURE, SHARE, SHARE, FIGURE, CALLS)))
END_OF_NAME = re.compile(r"\]:[0-9]{1,9}\s*$")


class Layout(ctypes.Structure):
    """LiteRtLayout: rank in the low 7 bits of `packed`."""

    _fields_ = (
        ("packed", ctypes.c_uint32),
        ("dimensions", ctypes.c_int32 * 8),
        ("strides", ctypes.c_uint32 * 8),
    )


class RankedTensorType(ctypes.Structure):
    """LiteRtRankedTensorType."""

    _fields_ = (("element_type", ctypes.c_int32), ("layout", Layout))


class Model:
    """A .tflite compiled with profiling on; nothing is freed, because the process ends soon."""

    def __init__(self, path: str, threads: int) -> None:
        spec = importlib.util.find_spec("ai_edge_litert")
        assert spec is not None and spec.origin is not None
        self._library = ctypes.CDLL(str(Path(spec.origin).parent / "libLiteRt.so"))
        self._kept: list[object] = []
        self._environment = self._made("LiteRtCreateEnvironment", 0, None)
        model = self._made("LiteRtCreateModelFromFile", self._environment, path.encode())
        options = self._options(threads)
        self._compiled = self._made("LiteRtCreateCompiledModel", self._environment, model, options)
        signature = self._made("LiteRtGetModelSignature", model, ctypes.c_size_t(0))
        self._inputs = self._buffers("Input", signature)
        self._outputs = self._buffers("Output", signature)

    def run(self) -> None:
        self._call(
            "LiteRtRunCompiledModel", self._compiled, ctypes.c_size_t(0),
            ctypes.c_size_t(len(self._inputs)), self._inputs,
            ctypes.c_size_t(len(self._outputs)), self._outputs,
        )  # fmt: skip

    def profile(self, runs: int) -> str:
        """Run the model that many times and return the profiler's summary."""
        profiler = self._made("LiteRtCompiledModelGetProfiler", self._compiled)
        self._call("LiteRtStartProfiler", profiler)
        for _ in range(runs):
            self.run()
        self._call("LiteRtStopProfiler", profiler)
        summary = ctypes.c_char_p()
        self._call("LiteRtGetProfileSummary", profiler, self._compiled, ctypes.byref(summary))
        return (summary.value or b"").decode("utf-8", "replace")

    def _options(self, threads: int) -> ctypes.c_void_p:
        """Options for the CPU, that many threads and profiling; two are TOML texts under their payload names."""
        options = self._made("LiteRtCreateOptions")
        self._call("LiteRtSetOptionsHardwareAccelerators", options, CPU)
        texts = {
            "runtime_options_string": "enable_profiling = true\n",
            "xnnpack": f"num_threads = {threads}\n",
        }
        release = ctypes.CFUNCTYPE(None, ctypes.c_void_p)(lambda _: None)
        for name, text in texts.items():
            payload = ctypes.create_string_buffer(text.encode())
            self._kept += [payload, release]
            address = ctypes.cast(payload, ctypes.c_void_p)
            opaque = self._made("LiteRtCreateOpaqueOptions", name.encode(), address, release)
            self._call("LiteRtAddOpaqueOptions", options, opaque)
        return options

    def _buffers(self, side: str, signature: ctypes.c_void_p) -> ctypes.Array[ctypes.c_void_p]:
        """One zeroed buffer per input or output of the first signature."""
        count = ctypes.c_size_t()
        self._call(f"LiteRtGetNumSignature{side}s", signature, ctypes.byref(count))
        buffers = (ctypes.c_void_p * count.value)()
        for i in range(count.value):
            index = ctypes.c_size_t(i)
            tensor = self._made(f"LiteRtGetSignature{side}TensorByIndex", signature, index)
            kind = RankedTensorType()
            self._call("LiteRtGetRankedTensorType", tensor, ctypes.byref(kind))
            wanted = self._made(
                f"LiteRtGetCompiledModel{side}BufferRequirements", self._compiled, ctypes.c_size_t(0), index
            )
            buffer = self._made(
                "LiteRtCreateManagedTensorBufferFromRequirements",
                self._environment, ctypes.byref(kind), wanted,
            )  # fmt: skip
            buffers[i] = buffer.value
        return buffers

    def _made(self, function: str, *arguments: object) -> ctypes.c_void_p:
        """The handle that the function writes to its last argument."""
        handle = ctypes.c_void_p()
        self._call(function, *arguments, ctypes.byref(handle))
        return handle

    def _call(self, function: str, *arguments: object) -> None:
        status = getattr(self._library, function)(*arguments)
        if status != 0:
            sys.exit(f"{function} failed with status {status}")


def operators(summary: str, runs: int) -> list[tuple[str, str, float]]:
    """(name, kind, mean ms per inference) of the summary's run-order table."""
    table = summary.split("Top by Computation Time")[0]
    return [row for line in table.splitlines() if (row := _row(line, runs)) is not None]


def _row(line: str, runs: int) -> tuple[str, str, float] | None:
    """Read a row at the first place in the line where all its figures match, in time linear in the line's length."""
    if END_OF_NAME.search(line) is None:
        return None
    words = list(re.finditer(r"\S+", line))
    for i in range(1, len(words) - len(FIGURES)):
        figures, name = words[i : i + len(FIGURES)], words[i + len(FIGURES)]
        if name.group().startswith("[") and all(
            form.fullmatch(word.group()) for form, word in zip(FIGURES, figures, strict=True)
        ):
            kind = line[words[0].start() : words[i - 1].end()].removeprefix("Delegate/")
            mean_ms, calls = float(figures[2].group()), int(figures[-1].group())
            return line[name.start() :].rstrip(), kind, mean_ms * calls / runs
    return None


def profile(path: str, threads: int, runs: int) -> list[tuple[str, str, float]]:
    """(name, kind, mean ms per inference) of every operator, after a warm-up. Ends the process on failure."""
    model = Model(path, threads)
    for _ in range(WARMUP_RUNS):
        model.run()
    ops = operators(model.profile(runs), runs)
    if not ops:
        sys.exit("the profiler's summary holds no operator; its format is unknown")
    return ops
