"""The runner of the host and of emulated arm64: LiteRT in a process of its own.

Started as a file, with the standard library, numpy and ai_edge_litert only, so that it also runs
where edgekit is not installed. A process of its own keeps load time, first inference and peak memory
honest: nothing is loaded, allocated or warmed before.

    litert_child.py bench MODEL THREADS WARMUP      then lines `measure N` and `finish` on stdin
    litert_child.py infer MODEL THREADS IN.npz OUT.npz
"""

from __future__ import annotations

import json
import os
import sys
import time
from importlib import metadata
from pathlib import Path
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from ai_edge_litert.interpreter import Interpreter

SEED = 0


def main() -> None:
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # whatever the runtime prints on stdout must not mix with the answers
    job, model, threads = sys.argv[1], sys.argv[2], int(sys.argv[3])
    if job == "bench":
        bench(model, threads, int(sys.argv[4]), answers)
    else:
        infer(model, threads, Path(sys.argv[4]), Path(sys.argv[5]))


def bench(model: str, threads: int, warmup_runs: int, answers: IO[str]) -> None:
    """Load, run once, warm up, then answer `measure N` with N times until `finish`."""
    interpreter, opened = load(model, threads)
    fill_inputs(interpreter)
    first_ms = timed(interpreter)
    for _ in range(warmup_runs):
        interpreter.invoke()
    answer = {"event": "ready", "first_inference_ms": first_ms, **opened}
    print(json.dumps(answer), file=answers)
    for line in sys.stdin:
        command, _, count = line.strip().partition(" ")
        if command == "finish":
            break
        print(
            json.dumps({"event": "samples", "ms": [timed(interpreter) for _ in range(int(count))]}),
            file=answers,
        )
    print(json.dumps({"event": "end", "peak_rss_mb": peak_rss_mb()}), file=answers)


def infer(model: str, threads: int, inputs: Path, outputs: Path) -> None:
    """Every array of IN.npz through the model; OUT.npz holds `<input name>/<output number>`."""
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


def load(model: str, threads: int) -> tuple[Interpreter, dict[str, float | int | str | list[str]]]:
    """The interpreter and what loading it showed."""
    from ai_edge_litert.interpreter import Interpreter

    start = time.perf_counter()
    interpreter = Interpreter(model, num_threads=threads)
    interpreter.allocate_tensors()
    load_ms = (time.perf_counter() - start) * 1e3
    partitions, left = partitions_of(interpreter)
    version = metadata.version("ai-edge-litert")
    return interpreter, {
        "load_ms": load_ms, "partitions": partitions, "undelegated_ops": left, "runtime": version,
    }  # fmt: skip


def partitions_of(interpreter: Interpreter) -> tuple[int, list[str]]:
    """(number of delegate nodes, names of the operators that really run outside them).

    The plan lists the replaced operators too. Walking back from the outputs, a tensor's producer is the
    delegate node that writes it, if there is one.
    """
    ops = interpreter._get_ops_details()
    producer = {}
    for op in ops:
        for tensor in op["outputs"]:
            if tensor not in producer or op["op_name"] == "DELEGATE":
                producer[int(tensor)] = op
    waiting = [detail["index"] for detail in interpreter.get_output_details()]
    seen: set[int] = set()
    left: dict[int, str] = {}
    while waiting:
        tensor = int(waiting.pop())
        if tensor in seen or tensor not in producer:
            continue
        seen.add(tensor)
        op = producer[tensor]
        waiting += [int(t) for t in op["inputs"] if t >= 0]
        if op["op_name"] != "DELEGATE":
            left[op["index"]] = op["op_name"]
    return sum(op["op_name"] == "DELEGATE" for op in ops), [left[i] for i in sorted(left)]


def fill_inputs(interpreter: Interpreter) -> None:
    """Noise in every input: [0, 255] for bytes, [-128, 127] for int8, [0, 1) for floats."""
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
    """One inference in ms, without copies in or out."""
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
