"""The runner of the host and of emulated arm64: LiteRT in a process of its own.

It is started as a file and needs only the standard library, numpy and ai_edge_litert, so that it also runs without
edgekit. In a process of its own, nothing loaded or warmed before distorts load time, first inference and peak memory,
and a damaged model ends this process, not its parent.

    litert_child.py bench MODEL THREADS WARMUP      then lines `measure N` and `finish` on stdin
    litert_child.py infer MODEL THREADS IN.npz OUT.npz
    litert_child.py profile MODEL THREADS RUNS      time per operator, one JSON object on stdout
    litert_child.py probe MODEL THREADS             load, run once; one JSON object on stdout

The parent keeps standard input open as long as it lives; when it closes, this process ends at once.
"""

from __future__ import annotations

import json
import math
import os
import queue
import runpy
import sys
import threading
import time
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ai_edge_litert.interpreter import Interpreter

SEED = 0
# Seven times the largest activation of a segmenter at 1024 x 1024, its 18 logits at full size.
MOST_ELEMENTS = 1 << 27
# Address space that libraries and threads reserve without using it, on a machine of little memory.
LEAST_MEMORY_BYTES = 8 << 30


def main() -> None:
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # the runtime's own output must not mix with the answers
    commands = from_parent()
    limit_memory()
    job, model, threads = sys.argv[1], sys.argv[2], int(sys.argv[3])
    if job == "bench":
        bench(model, threads, int(sys.argv[4]), commands, answers)
    elif job == "infer":
        infer(model, threads, Path(sys.argv[4]), Path(sys.argv[5]))
    elif job == "profile":
        profiler = runpy.run_path(str(Path(__file__).with_name("litert_profiler.py")))
        print(json.dumps({"ops": profiler["profile"](model, threads, int(sys.argv[4]))}), file=answers)
    else:
        print(json.dumps(probe(model, threads)), file=answers)


def from_parent() -> Iterator[str]:
    """The lines of standard input. A thread reads them, and ends the process when the parent is gone."""
    lines: queue.SimpleQueue[str] = queue.SimpleQueue()

    def watch() -> None:
        unread = b""
        while chunk := os.read(0, 4096):
            *whole, unread = (unread + chunk).split(b"\n")
            for line in whole:
                lines.put(line.decode())
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
    return iter(lines.get, None)


def limit_memory() -> None:
    """Limit this process's memory to the machine's, so that a huge model fails instead of stalling the machine."""
    if sys.platform == "linux":
        import resource

        most = max(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"), LEAST_MEMORY_BYTES)
        resource.setrlimit(resource.RLIMIT_AS, (most, most))


def bench(model: str, threads: int, warmup_runs: int, commands: Iterator[str], answers: IO[str]) -> None:
    """Load, run once, warm up, then answer each `measure N` with N latencies until `finish`."""
    interpreter, opened = load(model, threads)
    fill_inputs(interpreter)
    first_ms = timed(interpreter)
    for _ in range(warmup_runs):
        interpreter.invoke()
    answer = {"event": "ready", "first_inference_ms": first_ms, **opened}
    print(json.dumps(answer), file=answers)
    for line in commands:
        command, _, count = line.strip().partition(" ")
        if command == "finish":
            break
        print(
            json.dumps({"event": "samples", "ms": [timed(interpreter) for _ in range(int(count))]}),
            file=answers,
        )
    print(json.dumps({"event": "end", "peak_rss_mb": peak_rss_mb()}), file=answers)


def infer(model: str, threads: int, inputs: Path, outputs: Path) -> None:
    """Run every array of IN.npz through the model; OUT.npz holds `<input name>/<output number>`."""
    import numpy as np

    interpreter, _ = load(model, threads)
    index = interpreter.get_input_details()[0]["index"]
    results = {}
    for name, value in np.load(inputs).items():
        interpreter.set_tensor(index, value)
        interpreter.invoke()
        for number, detail in enumerate(interpreter.get_output_details()):
            results[f"{name}/{number}"] = interpreter.get_tensor(detail["index"])
    np.savez(outputs, **results)


def probe(model: str, threads: int) -> dict[str, object]:
    """Run one inference and return its input and output tensors, and the facts from `load`."""
    interpreter, opened = load(model, threads)
    fill_inputs(interpreter)
    interpreter.invoke()
    inputs, outputs = interpreter.get_input_details(), interpreter.get_output_details()
    return {
        "inputs": [described(detail) for detail in inputs],
        "outputs": [described(detail) for detail in outputs],
        **opened,
    }


def described(detail: dict[str, Any]) -> dict[str, object]:
    import numpy as np

    shape = [int(n) for n in detail["shape"]]
    return {"name": detail["name"], "shape": shape, "dtype": np.dtype(detail["dtype"]).name}


def load(model: str, threads: int) -> tuple[Interpreter, dict[str, float | int | str | list[str]]]:
    """The interpreter, with its load time, partitions, operators outside them and runtime version."""
    from ai_edge_litert.interpreter import Interpreter

    start = time.perf_counter()
    interpreter = Interpreter(model, num_threads=threads)
    made = time.perf_counter()
    check_sizes(interpreter)
    checked = time.perf_counter()
    interpreter.allocate_tensors()
    load_ms = (made - start + time.perf_counter() - checked) * 1e3
    partitions, left = partitions_of(interpreter)
    version = metadata.version("ai-edge-litert")
    return interpreter, {
        "load_ms": load_ms, "partitions": partitions, "undelegated_ops": left, "runtime": version,
    }  # fmt: skip


def check_sizes(interpreter: Interpreter) -> None:
    """End the process if a tensor of the model is so large that computing it would take minutes."""
    for detail in interpreter.get_tensor_details():
        elements = math.prod(int(n) for n in detail["shape"])
        if elements > MOST_ELEMENTS:
            sys.exit(f"tensor {detail['index']} has {elements} elements, more than any segmenter's")


def partitions_of(interpreter: Interpreter) -> tuple[int, list[str]]:
    """(number of delegate nodes, names of the operators that run outside them).

    The interpreter also lists the operators that a delegate replaced. They are left out by walking back from the
    outputs: a tensor's producer is the delegate node that writes it, if there is one.
    """
    ops = interpreter._get_ops_details()
    producer = {}
    for op in ops:
        for tensor in op["outputs"]:
            if tensor not in producer or op["op_name"] == "DELEGATE":
                producer[int(tensor)] = op
    waiting = [detail["index"] for detail in interpreter.get_output_details()]
    visited: set[int] = set()
    left: dict[int, str] = {}
    while waiting:
        tensor = int(waiting.pop())
        if tensor in visited or tensor not in producer:
            continue
        visited.add(tensor)
        op = producer[tensor]
        waiting += [int(t) for t in op["inputs"] if t >= 0]
        if op["op_name"] != "DELEGATE":
            left[op["index"]] = op["op_name"]
    return sum(op["op_name"] == "DELEGATE" for op in ops), [left[i] for i in sorted(left)]


def fill_inputs(interpreter: Interpreter) -> None:
    """Fill every input with noise: [0, 255] for bytes, [-128, 127] for int8, [0, 1) for floats."""
    import numpy as np

    noise = np.random.default_rng(SEED)
    for detail in interpreter.get_input_details():
        value = noise.random(tuple(detail["shape"]))
        kind = np.dtype(detail["dtype"])
        if kind.kind in "iu":
            span = np.iinfo(kind)
            value = np.floor(value * 256) + (0 if kind.kind == "u" else max(span.min, -128))
        interpreter.set_tensor(detail["index"], value.astype(kind))


def timed(interpreter: Interpreter) -> float:
    """Time one inference in ms, without copies in or out."""
    start = time.perf_counter()
    interpreter.invoke()
    return (time.perf_counter() - start) * 1e3


def peak_rss_mb() -> float:
    """Peak resident memory of this process.

    VmHWM, not ru_maxrss: Linux carries the parent's peak over fork and exec into ru_maxrss.
    """
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
        kilobytes = next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:"))
        return kilobytes / 1024
    except (OSError, StopIteration):
        import resource

        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak / (1 << 20) if sys.platform == "darwin" else peak / 1024


if __name__ == "__main__":
    main()
