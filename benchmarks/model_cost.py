"""Parameters, multiply-accumulates and time of models over input sizes and runtimes.

    python -m benchmarks.model_cost [MODEL.tflite …] [--sizes 256 384 512] [--recipe fp32] [--write]
    python -m benchmarks.model_cost [MODEL.tflite …] --time [--runs 20] [--write]

Of the bundled weights at every size, and of the given files at theirs, which may be anybody's. The first publishes the
figure `model-cost`, which is counted in the files and the same on every machine. The second publishes `model-times`, on
an otherwise idle machine: all models in turns, in each runtime that can run them.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import harness
from benchmarks.models import converted
from edgekit.errors import EdgekitError
from edgekit.images import InputSize, astronaut
from edgekit.runtimes import TensorType
from edgekit.runtimes.litert import LiteRT, operator_name, parsed, read_tflite
from edgekit.scores.runners import reference_runner
from edgekit.weights import Checkpoint, load_checkpoint

NUMBERS = (
    0,
    1,
    9,
)  # FLOAT32, FLOAT16, INT8 in TFLite's schema: the types of weights; int32 holds shapes and biases
DYNAMIC = ("CALL_ONCE", "WHILE", "IF", "CUSTOM")  # operators whose products a file does not show


@dataclass(frozen=True)
class Cost:
    """What a .tflite holds and computes in one run.

    parameters: constants that are floats or 8-bit weights. macs: multiply-accumulates of convolutions, linear maps and
    matrix products.
    """

    parameters: int
    macs: int


def main() -> None:
    """Publish what models hold and compute, or with --time their times."""
    parser = harness.parser(__doc__)
    parser.add_argument("models", type=Path, nargs="*")
    parser.add_argument("--sizes", type=int, nargs="+", default=[256, 384, 512])
    parser.add_argument("--recipe", default="fp32")
    parser.add_argument("--time", action="store_true", help="time instead, on an idle machine")
    parser.add_argument("--runs", type=int, default=20)
    options = parser.parse_args()
    checkpoint = load_checkpoint()
    with tempfile.TemporaryDirectory() as folder:
        files = {
            f"edgekit {options.recipe} {size}²": (
                converted(checkpoint, "tflite", options.recipe, size, Path(folder))[1].path
            )
            for size in options.sizes
        }
        files |= {path.stem: path for path in options.models}
        (time if options.time else count)(options, checkpoint, files)


def count(options: argparse.Namespace, checkpoint: Checkpoint, files: Mapping[str, Path]) -> None:
    """Publish the figure `model-cost`."""
    rows = []
    for name, path in files.items():
        cost = cost_of(path)
        size = "×".join(map(str, input_of(path)[1].shape[1:3]))
        rows.append((name, size, f"{cost.parameters / 1e6:.2f}", f"{cost.macs / 1e9:.2f}"))
    columns = ("model", "input", "M parameters", "G multiply-accumulates")
    note = "counted in the .tflite files"
    harness.publish(
        options, "model-cost", note, harness.machine("litert-torch"), harness.table(columns, rows)
    )


def time(options: argparse.Namespace, checkpoint: Checkpoint, files: Mapping[str, Path]) -> None:
    """Publish the figure `model-times`: medians in milliseconds, all models in turns."""
    runs: dict[str, Callable[[], object]] = {}
    for name, path in files.items():
        tensor, kind = input_of(path)
        runtime = LiteRT(path, threads=harness.THREADS)
        runs[f"{name} | LiteRT, XNNPACK"] = partial(
            runtime.run, {tensor: np.ones([side or 1 for side in kind.shape], kind.dtype)}
        )
    reference = reference_runner(checkpoint)
    image = astronaut().at(InputSize.of(checkpoint.size_default))
    runs[f"{checkpoint.name} {checkpoint.size_default}² | PyTorch"] = partial(reference.run, image)
    samples = harness.interleaved_ms(runs, options.runs)
    rows = [
        (*name.split(" | "), f"{np.percentile(times, 50):.1f}", f"{np.percentile(times, 90):.1f}")
        for name, times in samples.items()
    ]
    columns = ("model", "runtime", "p50 ms", "p90 ms")
    made_with = harness.machine("ai-edge-litert", "torch", threads=harness.THREADS)
    note = f"{options.runs} runs in turns"
    harness.publish(options, "model-times", note, made_with, harness.table(columns, rows))


def input_of(path: Path) -> tuple[str, TensorType]:
    """Name, shape and type of a model's first input."""
    return next(iter(LiteRT(path).inputs.items()))


def cost_of(path: Path) -> Cost:
    """Count a .tflite. Raises EdgekitError for a model whose operators do not show what they compute."""
    model = parsed(read_tflite(path), path)
    macs, weights = 0, {}
    for graph in model.subgraphs:
        for operator in graph.operators:
            name = operator_name(model, operator)
            if name in DYNAMIC:
                raise EdgekitError(f"{path} holds {name}, whose products cannot be counted in the file.")
            macs += macs_of(name, operator, graph.tensors)
        for tensor in graph.tensors:
            buffer = model.buffers[tensor.buffer].data
            if buffer is not None and len(buffer) and tensor.type in NUMBERS:
                weights[tensor.buffer] = prod(map(int, tensor.shape))
    return Cost(sum(weights.values()), macs)


def macs_of(name: str, operator: Any, tensors: Any) -> int:
    """Multiply-accumulates of one operator of TFLite's schema; 0 for one that multiplies no weights or matrices."""
    inputs = [shape_of(tensors, index) for index in operator.inputs]
    outputs = prod(shape_of(tensors, operator.outputs[0]))
    if name in ("CONV_2D", "CONV_3D", "FULLY_CONNECTED"):  # weights: (out, …, in / groups)
        return outputs * prod(inputs[1][1:])
    if name == "DEPTHWISE_CONV_2D":  # weights: (1, rows, columns, out)
        return outputs * prod(inputs[1][1:3])
    if name == "TRANSPOSE_CONV":  # inputs: shape, weights (out, rows, columns, in), picture
        return prod(inputs[2]) * prod(inputs[1][:3])
    if name == "BATCH_MATMUL":
        return outputs * inputs[0][-2 if operator.builtinOptions.adjX else -1]
    return 0


def shape_of(tensors: Any, index: int) -> tuple[int, ...]:
    """The shape of a tensor; empty for an optional input that is left out."""
    return () if index < 0 else tuple(map(int, tensors[index].shape))


if __name__ == "__main__":
    main()
