"""A stand-in for LiteRT's benchmark_model: the same flags and text, the same runtime underneath.

No registry ships the native program. This one runs the artifact with the installed LiteRT and prints
what tflite/tools/benchmark/benchmark_model.cc prints, so that a test double of a phone has a payload.
"""

import sys
import time
from pathlib import Path

import numpy as np
from ai_edge_litert.interpreter import Interpreter

flags = dict(argument.removeprefix("--").split("=", 1) for argument in sys.argv[1:])


RUNNING = (
    "Running benchmark for at least 1 iterations and at least 0 seconds "
    "but terminate if exceeding 150 seconds."
)


def log(text: str) -> None:
    print(f"INFO: {text}", file=sys.stderr)


def count_line(times_us: list[int]) -> str:
    if len(set(times_us)) == 1:
        return f"count={len(times_us)} curr={times_us[-1]}" + (" (all same)" if len(times_us) > 1 else "")
    return (
        f"count={len(times_us)} first={times_us[0]} curr={times_us[-1]} min={min(times_us)} "
        f"max={max(times_us)} avg={np.mean(times_us):.6g} std={int(np.std(times_us))}"
    )


def timed_us() -> int:
    start = time.perf_counter_ns()
    interpreter.invoke()
    return max(1, (time.perf_counter_ns() - start) // 1000)


log("STARTING!")
log(f"Graph: [{flags['graph']}]")
start = time.perf_counter_ns()
interpreter = Interpreter(flags["graph"], num_threads=int(flags["num_threads"]))
interpreter.allocate_tensors()
init_us = (time.perf_counter_ns() - start) // 1000
log(f"Loaded model {flags['graph']}")
log("XNNPACK delegate created.")
log("Explicitly applied XNNPACK delegate, and the model graph will be completely executed by the delegate.")
if flags["use_gpu"] == "true":
    log("GPU acceleration is unsupported on this platform.")
detail = interpreter.get_input_details()[0]
if "input_layer_value_files" in flags:
    raw = Path(flags["input_layer_value_files"].partition(":")[2]).read_bytes()
    interpreter.set_tensor(detail["index"], np.frombuffer(raw, detail["dtype"]).reshape(detail["shape"]))
log(f"Initialized session in {init_us / 1e3}ms.")
log(RUNNING)
warmup = [timed_us() for _ in range(int(flags["warmup_runs"]))]
log(count_line(warmup) + "\n")
log(RUNNING)
measured = [timed_us() for _ in range(int(flags["num_runs"]))]
log(count_line(measured) + "\n")
log(
    f"Inference timings in us: Init: {init_us}, First inference: {warmup[0]}, "
    f"Warmup (avg): {np.mean(warmup):.6g}, Inference (avg): {np.mean(measured):.6g}"
)
if flags.get("report_peak_memory_footprint") == "true":
    log("Overall peak memory footprint (MB) via periodic monitoring: 61.5")
if "output_filepath" in flags:
    outputs = [interpreter.get_tensor(d["index"]) for d in interpreter.get_output_details()]
    Path(flags["output_filepath"]).write_bytes(b"".join(o.tobytes() for o in outputs))
