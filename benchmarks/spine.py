"""The spine's figures: speed and operator counts of the float artifacts against the plain conversion.

    python -m benchmarks.spine [--runs 20] [--size 512]

Everything is compared in one run, interleaved, 2 threads; medians, and ratios pair by pair.
"""

from __future__ import annotations

import argparse
import os
import platform
import tempfile
import time
from collections.abc import Callable
from importlib import metadata
from pathlib import Path

import numpy as np
import torch
from torch import nn

from benchmarks.plain import plain_coreml, plain_tflite
from converters.conversion import Conversion
from edgekit.artifact import SUFFIXES
from edgekit.console import quiet_libraries
from edgekit.images import astronaut
from edgekit.model.reference import ReferenceSegmenter
from edgekit.pipeline import convert_one
from edgekit.recipes import recipe_named
from edgekit.runtimes import open_runtime
from edgekit.runtimes.litert import operator_counts as tflite_counts
from edgekit.runtimes.mil_reference import operator_counts as coreml_counts
from edgekit.weights import load_checkpoint

THREADS = 2


def timed(run: Callable[[], object]) -> float:
    start = time.perf_counter()
    run()
    return (time.perf_counter() - start) * 1e3


def torch_run(model: nn.Module, image: np.ndarray) -> Callable[[], object]:
    x = torch.from_numpy(image.copy()).permute(2, 0, 1)[None].float()

    def run() -> object:
        with torch.inference_mode():
            return model(x)

    return run


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--size", type=int, default=512)
    arguments = parser.parse_args()
    torch.set_num_threads(THREADS)
    with quiet_libraries():
        checkpoint = load_checkpoint()
    image = astronaut().at(arguments.size)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with quiet_libraries():
            plain = plain_tflite(checkpoint, arguments.size, folder / "plain.tflite")
            plain_package = plain_coreml(checkpoint, arguments.size, folder / "plain.mlpackage")
        made: dict[str, Path] = {}
        started = time.perf_counter()
        for target, recipe in (("tflite", "fp32"), ("coreml", "fp16")):
            conversion = Conversion(checkpoint, arguments.size, recipe_named(recipe))
            path = folder / f"{recipe}{SUFFIXES[target]}"
            made[f"{target} {recipe}"] = convert_one(target, conversion, path).path
        both_s = time.perf_counter() - started
        half = Conversion(checkpoint, arguments.size, recipe_named("fp16"))
        made["tflite fp16"] = convert_one("tflite", half, folder / "half.tflite").path
        runs: dict[str, Callable[[], object]] = {}
        float_input = {"image": image[None].astype(np.float32)}
        byte_input = {"image": image[None]}
        with quiet_libraries():
            opened = {key: open_runtime(path, threads=THREADS) for key, path in made.items()}
            plain_runtime = open_runtime(plain, threads=THREADS)
            eager = ReferenceSegmenter(checkpoint)
        runs["plain litert_torch.convert fp32"] = lambda: plain_runtime.run(float_input)
        runs["edgekit TFLite fp32"] = lambda: opened["tflite fp32"].run(byte_input)
        runs["edgekit TFLite fp16"] = lambda: opened["tflite fp16"].run(byte_input)
        runs["PyTorch eager (HF model)"] = torch_run(eager, image)
        runs["edgekit Core ML fp16 (mil-reference)"] = lambda: opened["coreml fp16"].run(byte_input)
        samples: dict[str, list[float]] = {key: [] for key in runs}
        for run in runs.values():
            run()
        for _ in range(arguments.runs):
            for key, run in runs.items():
                samples[key].append(timed(run))
        counts = {
            "plain TFLite": tflite_counts(plain),
            "edgekit TFLite": tflite_counts(made["tflite fp32"]),
            "plain Core ML": coreml_counts(plain_package),
            "edgekit Core ML": coreml_counts(made["coreml fp16"]),
        }
        sizes = {key: size_mb(path) for key, path in made.items()}
    report(samples, counts, sizes, both_s, arguments)


def size_mb(path: Path) -> float:
    files = path.rglob("*") if path.is_dir() else [path]
    return sum(file.stat().st_size for file in files if file.is_file()) / 1e6


def report(
    samples: dict[str, list[float]],
    counts: dict[str, dict[str, int]],
    sizes: dict[str, float],
    both_s: float,
    arguments: argparse.Namespace,
) -> None:
    versions = {
        p: metadata.version(p) for p in ("torch", "litert-torch", "ai-edge-litert", "coremltools", "numpy")
    }
    print(
        f"`python -m benchmarks.spine --runs {arguments.runs} --size {arguments.size}`: N = {arguments.runs}, "
        f"{os.cpu_count()} cores ({platform.machine()}), {THREADS} threads; "
        + ", ".join(f"{k} {v}" for k, v in versions.items())
    )
    base = {
        "edgekit TFLite fp32": "plain litert_torch.convert fp32",
        "edgekit TFLite fp16": "plain litert_torch.convert fp32",
        "edgekit Core ML fp16 (mil-reference)": "PyTorch eager (HF model)",
    }
    print("\n| what | median ms | against | ratio, pair by pair |\n|---|---|---|---|")
    for key, values in samples.items():
        against = base.get(key)
        ratio = "" if against is None else f"{np.median(np.divide(values, samples[against])):.2f}"
        print(f"| {key} | {np.median(values):.0f} | {against or ''} | {ratio} |")
    print("\n| operators | reshape | transpose | all |\n|---|---|---|---|")
    for key, count in counts.items():
        lower = {name.lower(): n for name, n in count.items()}
        print(f"| {key} | {lower['reshape']} | {lower['transpose']} | {sum(count.values())} |")
    print(f"\nConverting to both float targets took {both_s:.0f} s.", end=" ")
    print("Sizes: " + ", ".join(f"{k} {v:.1f} MB" for k, v in sizes.items()) + ".")


if __name__ == "__main__":
    main()
