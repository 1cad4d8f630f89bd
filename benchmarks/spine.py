"""Float artifacts beside the plain conversions: latency and operator counts.

    python -m benchmarks.spine [--runs 20] [--size 512] [--write]

Core ML runs on the reference executor and is set against PyTorch: how long parity takes, not how fast a phone is.
Publishes two figures, `float` and `operators`.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import torch

from benchmarks import harness
from benchmarks.models import PLAIN, converted, plain_coreml, plain_tflite, planar
from edgekit.console import quiet_libraries
from edgekit.files import size_bytes_of
from edgekit.images import astronaut
from edgekit.model.reference import ReferenceSegmenter
from edgekit.runtimes import open_runtime
from edgekit.runtimes.litert import operator_counts as tflite_counts
from edgekit.runtimes.mil_reference import operator_counts as coreml_counts
from edgekit.weights import load_checkpoint

PYTORCH = "PyTorch eager (Hugging Face's model)"
COREML = "edgekit Core ML fp16"


def main() -> None:
    """Convert, count, time, and publish both figures."""
    parser = harness.parser(__doc__)
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--size", type=int, default=512)
    options = parser.parse_args()
    torch.set_num_threads(harness.THREADS)
    image = astronaut().at(options.size)
    with tempfile.TemporaryDirectory() as name, quiet_libraries():
        folder, checkpoint = Path(name), load_checkpoint()
        paths = {PLAIN: plain_tflite(checkpoint, options.size, folder / "plain.tflite")}
        package = plain_coreml(checkpoint, options.size, folder / "plain.mlpackage")
        for target, recipe in (("tflite", "fp32"), ("tflite", "fp16"), ("coreml", "fp16")):
            label, artifact = converted(checkpoint, target, recipe, options.size, folder)
            paths[label] = artifact.path
        counts = {
            "plain TFLite": tflite_counts(paths[PLAIN]),
            "edgekit TFLite": tflite_counts(paths["edgekit TFLite fp32"]),
            "plain Core ML": coreml_counts(package),
            "edgekit Core ML": coreml_counts(paths[COREML]),
        }
        model, x = ReferenceSegmenter(checkpoint), planar(image)
        runs: dict[str, Callable[[], object]] = {PYTORCH: partial(model, x)}
        for label, path in paths.items():
            runtime = open_runtime(path, threads=harness.THREADS)
            tensor = image[None].astype(np.float32 if label == PLAIN else np.uint8)
            runs[label] = partial(runtime.run, {"image": tensor})
        with torch.inference_mode():
            samples = harness.interleaved_ms(runs, options.runs)
        sizes = {label: size_bytes_of(path) / 1e6 for label, path in paths.items()}
    made_with = harness.machine(
        "torch", "litert-torch", "ai-edge-litert", "coremltools", threads=harness.THREADS
    )
    rows = []
    for label, times in samples.items():
        base = PYTORCH if label == COREML else PLAIN
        ratio = (
            "" if label in (PYTORCH, PLAIN) else f"{harness.paired_ratio(times, samples[base]):.2f} × {base}"
        )
        shown = f"{label} (mil-reference)" if label == COREML else label
        rows.append((shown, f"{np.median(times):.0f}", ratio, harness.number(sizes.get(label), ".1f")))
    columns = ("model", "median ms", "ratio, round by round", "MB")
    n = f"{options.runs} interleaved runs at {options.size}²"
    harness.publish(options, "float", n, made_with, harness.table(columns, rows))
    harness.publish(options, "operators", f"one graph each at {options.size}²", made_with, operators(counts))


def operators(counts: dict[str, dict[str, int]]) -> str:
    """The table of shape operators."""
    rows = []
    for label, found in counts.items():
        lower = {name.lower(): n for name, n in found.items()}
        rows.append((label, lower["reshape"], lower["transpose"], sum(lower.values())))
    return harness.table(("graph", "reshape", "transpose", "all operators"), rows)


if __name__ == "__main__":
    main()
