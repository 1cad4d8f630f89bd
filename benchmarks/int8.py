"""int8 against its peers: latency, size and accuracy of every recipe, all compared in one run.

    python -m benchmarks.int8 --calibration DIR --images DIR --labels DIR [--runs 20] [--peers]
        [--before-qat CHECKPOINT]

Peers calibrate on one folder, everything is measured on another (refused when they share a picture). Latency:
interleaved, 2 threads, medians and ratios pair by pair to the plain `litert_torch.convert` fp32 model. Accuracy:
whole photos stretched to the input, labels at their own size; "common mIoU" is the mean over the classes that make
up at least 0.05 % of the labelled pixels, which no stray pixel can move by a class. `--peers` adds ONNX Runtime,
ExecuTorch and TensorFlow's quantiser (`benchmarks/peers.py` says what to install), calibrated on the same photos.
`--before-qat` adds the weights that `edgekit finetune --qat w8a8` made the bundled ones of, in float32 and everything
int8.
"""

from __future__ import annotations

import argparse
import os
import platform
import tempfile
import time
from dataclasses import dataclass, replace
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.peers import (
    THREADS,
    Image,
    Logits,
    Row,
    executorch_rows,
    onnx_rows,
    stock,
    stock_row,
    tensorflow_int8,
    versions,
)
from benchmarks.plain import plain_tflite
from calibration.dataset import read_calibration_set, sha256_of_images
from converters.conversion import Conversion
from edgekit.console import quiet_libraries, say
from edgekit.images import Folder, Picture
from edgekit.model.reference import ReferenceSegmenter
from edgekit.pipeline import ConvertOptions, convert_one, ranges_for, recipe_for
from edgekit.recipes import recipe_named
from edgekit.runtimes import open_runtime
from edgekit.runtimes.litert import LiteRT
from edgekit.scores.metrics import Confusion, labels_from_logits, ratio_interval
from edgekit.weights import Checkpoint, load_checkpoint

STOCK_PHOTOS = 24  # that the peers calibrate on; ours come with the weights (research/ship_plan.py)


def litert_row(name: str, path: Path, tap: str, bytes_in: bool) -> Row:
    runtime = LiteRT(path, taps=() if tap == "logits" else [tap], threads=THREADS)

    def run(image: Image) -> Logits:
        tensor = image[None] if bytes_in else image[None].astype(np.float32)
        logits: Logits = runtime.run({"image": tensor})[tap][0].transpose(2, 0, 1)
        return logits

    return Row(name, run, path.stat().st_size, partitions=runtime.partitions)


def torch_row(checkpoint: Checkpoint) -> Row:
    model = ReferenceSegmenter(checkpoint)

    def run(image: Image) -> Logits:
        with torch.inference_mode():
            x = torch.from_numpy(image.copy()).permute(2, 0, 1)[None].float()
            logits: Logits = model(x)[0].numpy()
        return logits

    return Row("PyTorch eager fp32 (the reference)", run, None)


@dataclass
class Accuracy:
    agreement: float
    miou: float
    common_miou: float
    skin_iou: float
    skin_ci95: tuple[float, float] | None


def accuracies(
    rows: list[Row], pictures: list[Picture], size: int, checkpoint: Checkpoint
) -> dict[str, Accuracy]:
    """rows[0] is the reference. Agreement is of labels at the input's size."""
    classes, skin = len(checkpoint.class_names), checkpoint.groups.skin
    found = {}
    expected = [labels_from_logits(rows[0].run(p.at(size)), (size, size)) for p in pictures]
    for row in rows:
        truth, same, counts = Confusion(classes), [], []
        for picture, reference in zip(pictures, expected, strict=True):
            assert picture.labels is not None
            logits = row.run(picture.at(size))
            same.append((labels_from_logits(logits, (size, size)) == reference).mean())
            one = Confusion(classes)
            one.add(picture.labels, labels_from_logits(logits, picture.labels.shape))
            counts.append(one.union_counts(skin))
            truth.counts += one.counts
        interval = ratio_interval([h for h, _ in counts], [u for _, u in counts])
        found[row.name] = Accuracy(
            float(np.mean(same)), truth.miou, truth.common_miou, truth.union_iou(skin), interval
        )
        say(f"{row.name}: mIoU {truth.miou:.4f}, common {truth.common_miou:.4f}")
    return found


def latencies(rows: list[Row], image: Image, runs: int) -> dict[str, list[float]]:
    timed = [row for row in rows if row.timed]
    samples: dict[str, list[float]] = {row.name: [] for row in timed}
    for row in timed:
        row.run(image)
        row.run(image)
    for _ in range(runs):
        for row in timed:
            start = time.perf_counter()
            row.run(image)
            samples[row.name].append((time.perf_counter() - start) * 1e3)
    return samples


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("calibration", "images", "labels"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--photos", type=int, default=None, help="at most so many labelled photos")
    parser.add_argument("--peers", action="store_true")
    parser.add_argument("--before-qat", type=str, default=None, help="what the bundled weights were made of")
    arguments = parser.parse_args()
    torch.set_num_threads(THREADS)
    with quiet_libraries():
        checkpoint = load_checkpoint()
    size = checkpoint.size_default
    photos = read_calibration_set(
        arguments.calibration, size, limit=STOCK_PHOTOS, forbidden=sha256_of_images(arguments.images)
    )
    with tempfile.TemporaryDirectory() as name, quiet_libraries():
        rows, notes = build(checkpoint, size, photos, Path(name), arguments.peers)
        if arguments.before_qat is not None:
            before = load_checkpoint(arguments.before_qat)
            rows += rows_before_qat(before, size, arguments.calibration, Path(name))
        pictures = list(Folder(arguments.images, arguments.labels, len(checkpoint.class_names)))[
            : arguments.photos
        ]
        samples = latencies(rows, pictures[0].at(size), arguments.runs)
        found = accuracies(rows, pictures, size, checkpoint)
    report(rows, samples, found, len(pictures), len(photos.images), notes, arguments)


def build(
    checkpoint: Checkpoint, size: int, photos: Any, folder: Path, peers: bool
) -> tuple[list[Row], list[str]]:
    """Every model of the table, the reference first."""
    images, notes = list(photos.images), list[str]()
    plain = plain_tflite(checkpoint, size, folder / "plain.tflite")
    rows = [torch_row(checkpoint), litert_row("plain litert_torch.convert fp32", plain, "logits", False)]
    for kind in ("static", "dynamic"):
        path = folder / f"stock-{kind}.tflite"
        path.write_bytes(stock(plain.read_bytes(), kind, images))
        rows.append(stock_row(f"stock {kind} int8 on the plain model", path))
    planned = recipe_for("tflite", checkpoint, ConvertOptions("tflite"))
    everything = recipe_for("tflite", checkpoint, ConvertOptions("tflite", recipe="w8a8"))
    for target, recipe in (
        ("tflite", recipe_named("fp32")), ("tflite", recipe_named("fp16")), ("tflite", recipe_named("w8")),
        ("tflite", everything), ("tflite", planned),
        ("coreml", recipe_named("fp16")), ("coreml", recipe_named("w8")), ("coreml", everything),
        ("coreml", planned),
    ):  # fmt: skip
        rows.append(edgekit_row(target, Conversion(checkpoint, size, recipe), folder))
    if peers:
        more, notes = peer_rows(checkpoint, plain, images, folder)
        rows += more
    return rows, notes


def edgekit_row(
    target: str, conversion: Conversion, folder: Path, calibration: Path | None = None, suffix: str = ""
) -> Row:
    """One of our artifacts. `calibration` None: the ranges shipped with the weights."""
    ranges = ranges_for(target, conversion, calibration)
    name = f"{conversion.recipe.name}{suffix}"
    path = folder / f"{target}-{name}.{'tflite' if target == 'tflite' else 'mlpackage'}"
    artifact = convert_one(target, conversion, path, ranges)
    tap = artifact.manifest.taps["logits"]
    if target == "tflite":
        return litert_row(f"edgekit TFLite {name}", artifact.path, tap, True)
    return mil_row(f"edgekit Core ML {name} (mil-reference)", artifact.path, tap)


def rows_before_qat(before: Checkpoint, size: int, calibration: Path, folder: Path) -> list[Row]:
    """A checkpoint that was not trained for int8, as float32 and everything int8, calibrated on the folder."""
    everything = recipe_for("tflite", before, ConvertOptions("tflite", recipe="w8a8"))
    return [
        replace(torch_row(before), name="PyTorch fp32 before --qat", timed=False),
        edgekit_row("tflite", Conversion(before, size, everything), folder, calibration, " before --qat"),
    ]


def peer_rows(
    checkpoint: Checkpoint, plain: Path, images: list[Image], folder: Path
) -> tuple[list[Row], list[str]]:
    """The peers whose packages are installed, and a sentence for each one that is not."""
    size = images[0].shape[0]

    def tensorflow_rows() -> list[Row]:
        path = folder / "tensorflow.tflite"
        path.write_bytes(tensorflow_int8(plain.read_bytes(), images))
        return [stock_row("TensorFlow static int8 on the plain model", path)]

    rows, notes = [], []
    for name, make in (
        ("TensorFlow", tensorflow_rows),
        ("ONNX Runtime", lambda: onnx_rows(checkpoint, size, images, folder)),
        ("ExecuTorch", lambda: executorch_rows(checkpoint, size, images, folder)),
    ):
        try:
            rows += make()
        except ImportError as error:
            notes.append(f"{name} was not measured: {error}")
    return rows, notes


def mil_row(name: str, path: Path, tap: str) -> Row:
    runtime = open_runtime(path, taps=[tap], threads=THREADS)

    def run(image: Image) -> Logits:
        logits: Logits = runtime.run({"image": image[None]})[tap][0]
        return logits

    size = sum(file.stat().st_size for file in path.rglob("*") if file.is_file())
    return Row(name, run, size, timed=False)


def report(
    rows: list[Row],
    samples: dict[str, list[float]],
    found: dict[str, Accuracy],
    photos: int,
    calibrated: int,
    notes: list[str],
    arguments: argparse.Namespace,
) -> None:
    packages = ("torch", "litert-torch", "ai-edge-quantizer", "ai-edge-litert", "coremltools")
    print(
        f"`python -m benchmarks.int8`: {arguments.runs} runs each, interleaved, {THREADS} threads, "
        f"{os.cpu_count()} cores ({platform.machine()}); {photos} labelled photos, "
        f"peers calibrated on {calibrated} others; "
        + ", ".join(f"{p} {metadata.version(p)}" for p in packages)
        + (f"; peers: {versions()}" if arguments.peers else "")
    )
    base = samples[rows[1].name]
    print(
        "\n| model | median ms | ratio to plain fp32 | partitions | MB | equal labels | mIoU | common mIoU "
        "| skin IoU (95 %) |"
    )
    print("|---|---|---|---|---|---|---|---|---|")
    for row in rows:
        times, a = samples.get(row.name), found[row.name]
        ms = "not timed" if times is None else f"{np.median(times):.0f}"
        ratio = "" if times is None else f"{np.median(np.divide(times, base)):.2f}"
        size = "" if row.size_bytes is None else f"{row.size_bytes / 1e6:.1f}"
        interval = "" if a.skin_ci95 is None else f" ({a.skin_ci95[0]:.3f}–{a.skin_ci95[1]:.3f})"
        print(
            f"| {row.name} | {ms} | {ratio} | {row.partitions or ''} | {size} | {a.agreement:.2%} "
            f"| {a.miou:.4f} | {a.common_miou:.4f} | {a.skin_iou:.4f}{interval} |"
        )
    for note in notes:
        print(f"\n{note}")


if __name__ == "__main__":
    main()
