"""The reference executor's speed: a saved Core ML package against PyTorch's forward, on the same picture.

    python -m benchmarks.mil_reference [ARTIFACT.mlpackage ...] [--runs 10] [--size 512]

Without packages, the bundled weights are converted to fp32 and fp16. Runs are interleaved, 2 threads; medians,
and the median of the ratios run by run. The contract is at most 2 × PyTorch.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Callable
from functools import partial
from importlib import metadata
from pathlib import Path

import numpy as np
import torch

from converters.conversion import Conversion
from edgekit.console import quiet_libraries
from edgekit.images import astronaut
from edgekit.model.reference import ReferenceSegmenter
from edgekit.pipeline import convert_one
from edgekit.recipes import recipe_named
from edgekit.runtimes import DEFAULT_THREADS
from edgekit.runtimes.mil_reference import MilReference
from edgekit.weights import load_checkpoint


def timed_ms(run: Callable[[], object]) -> float:
    start = time.perf_counter()
    run()
    return (time.perf_counter() - start) * 1e3


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("artifacts", type=Path, nargs="*")
    parser.add_argument("--runs", type=int, default=10)
    parser.add_argument("--size", type=int, default=512)
    arguments = parser.parse_args()
    quiet_libraries()
    torch.set_num_threads(DEFAULT_THREADS)
    checkpoint = load_checkpoint()
    image = astronaut().at(arguments.size)[None]  # (1, size, size, 3)
    model = ReferenceSegmenter(checkpoint)
    x = torch.from_numpy(image.copy()).permute(0, 3, 1, 2).float()

    def pytorch() -> object:
        with torch.inference_mode():
            return model(x)

    with tempfile.TemporaryDirectory() as folder:
        paths = arguments.artifacts or [
            convert_one(
                "coreml",
                Conversion(checkpoint, arguments.size, recipe_named(recipe)),
                Path(folder) / f"{recipe}.mlpackage",
            ).path
            for recipe in ("fp32", "fp16")
        ]
        runtimes = {path.name: MilReference(path) for path in paths}
    samples: dict[str, list[float]] = {"pytorch": [], **{name: [] for name in runtimes}}
    for index in range(arguments.runs + 2):
        measured = {"pytorch": timed_ms(pytorch)}
        measured |= {name: timed_ms(partial(r.run, {"image": image})) for name, r in runtimes.items()}
        if index >= 2:  # two warm-ups
            for name, value in measured.items():
                samples[name].append(value)
    versions = " ".join(f"{p} {metadata.version(p)}" for p in ("torch", "coremltools"))
    print(
        f"{os.cpu_count()} cores, {DEFAULT_THREADS} threads, N={arguments.runs}, {arguments.size}², {versions}"
    )
    reference = np.array(samples["pytorch"])
    for name, values in samples.items():
        ratio = float(np.median(np.array(values) / reference))
        print(f"{name:24} {np.median(values):8.0f} ms   {ratio:.2f} × PyTorch")


if __name__ == "__main__":
    main()
