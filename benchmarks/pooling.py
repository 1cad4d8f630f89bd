"""What pooled attention costs in labels and saves in operations, untrained, beside the float model that pools nothing.

    python -m benchmarks.pooling --images DIR [--labels DIR] [--photos 48] [--size 512] [--write]
    python -m benchmarks.pooling --time [--runs 20] [--size 512] [--write]

The first publishes the figure `pooling`: quality of each pooling in PyTorch over photos spread evenly through a folder,
and the operations of its fp32 .tflite. The second publishes `pooling-time`, on an otherwise idle machine: the same
files beside the plain conversion, in turns.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch.utils.flop_counter import FlopCounterMode

from benchmarks import harness
from benchmarks.models import PLAIN, converted, plain_tflite
from edgekit.console import quiet_libraries, track
from edgekit.images import InputSize, Picture, astronaut, images_in, labels_beside, read_image, read_labels
from edgekit.model.prepared import PreparedSegmenter
from edgekit.parity.counts import ParityCounts
from edgekit.parity.picture import PixelGate
from edgekit.parity.report import Metrics
from edgekit.recipes import Pool, Recipe
from edgekit.runtimes.litert import LiteRT, operator_counts
from edgekit.scores.runners import Runner, TorchRunner, predictions
from edgekit.scores.strata import NO_TRAITS
from edgekit.weights import Checkpoint, load_checkpoint

NOTHING = "nothing"
POOLINGS: Mapping[str, Mapping[str, Pool]] = {
    NOTHING: {},
    "stage3 2×2": {"stage3": 2},
    "stage3 4×4": {"stage3": 4},
    "stage4 and stage5 2×2": {"stage4": 2, "stage5": 2},
    "all three 2×2": {"stage3": 2, "stage4": 2, "stage5": 2},
}


@dataclass(frozen=True)
class Operations:
    """What an fp32 .tflite computes. `macs`: multiply-accumulates of convolutions, linear maps and products."""

    macs: int
    averages: int
    reshapes: int
    operators: int
    partitions: int


def main() -> None:
    """Publish quality and operations, or with --time the times."""
    parser = harness.parser(__doc__)
    parser.add_argument("--images", type=Path, help="folder of photos; never the evaluation set")
    parser.add_argument("--labels", type=Path, help="folder of their label PNGs")
    parser.add_argument("--photos", type=int, default=48)
    parser.add_argument("--size", type=int, default=512)
    parser.add_argument("--time", action="store_true", help="time instead, on an idle machine")
    parser.add_argument("--runs", type=int, default=20)
    options = parser.parse_args()
    if not options.time and options.images is None:
        parser.error("--images is needed, unless --time is given")
    with tempfile.TemporaryDirectory() as folder:
        (time if options.time else count)(options, load_checkpoint(), Path(folder))


def count(options: argparse.Namespace, checkpoint: Checkpoint, folder: Path) -> None:
    """Publish the figure `pooling`."""
    with quiet_libraries():
        made = artifacts(checkpoint, options.size, folder)
        measured = quality(checkpoint, options)
        counted = {
            name: operations(checkpoint, pool, options.size, made[name]) for name, pool in POOLINGS.items()
        }
    rows = []
    for name, m in measured.items():
        found = counted[name]
        kept = "–" if name == NOTHING else f"{m.label_agreement:.2%}"
        skin = "–" if name == NOTHING else harness.number(m.skin_delta_e00_p95, ".2f")
        rows.append(
            (
                name, kept, skin, percent(m.miou), percent(m.skin_iou), f"{found.macs / 1e9:.2f}",
                found.averages, found.reshapes, found.operators, found.partitions,
            )
        )  # fmt: skip
    columns = (
        "pooled", "labels kept", "skin ΔE2000 p95", "mIoU %", "skin IoU %", "G multiply-accumulates",
        "averages", "reshapes", "operators", "partitions",
    )  # fmt: skip
    n = f"{measured[NOTHING].n} photos at {options.size}², untrained, each against the float model that pools nothing"
    harness.publish(
        options, "pooling", n, harness.machine("torch", "litert-torch"), harness.table(columns, rows)
    )


def time(options: argparse.Namespace, checkpoint: Checkpoint, folder: Path) -> None:
    """Publish the figure `pooling-time`: every file in turn with the plain conversion, pair by pair."""
    image = astronaut().at(options.size)[None]
    with quiet_libraries():
        path = plain_tflite(checkpoint, options.size, folder / "plain.tflite")
        plain = LiteRT(path, threads=harness.THREADS)
        runs = {PLAIN: partial(plain.run, {"image": image.astype(np.float32)})}
        for name, path in artifacts(checkpoint, options.size, folder).items():
            runs[name] = partial(LiteRT(path, threads=harness.THREADS).run, {"image": image})
        samples = harness.interleaved_ms(runs, options.runs)
    rows = [
        (name, f"{np.median(times):.0f}", f"{harness.paired_ratio(times, samples[PLAIN]):.2f}")
        for name, times in samples.items()
    ]
    made_with = harness.machine("litert-torch", "ai-edge-litert", threads=harness.THREADS)
    n = f"{options.runs} interleaved runs at {options.size}², fp32, after {harness.WARM_UP} rounds of warm-up"
    columns = ("pooled", "median ms", f"ratio to {PLAIN}, round by round")
    harness.publish(options, "pooling-time", n, made_with, harness.table(columns, rows))


def artifacts(checkpoint: Checkpoint, size: int, folder: Path) -> dict[str, Path]:
    """An fp32 .tflite of every pooling, by its name in the tables."""
    made = {}
    for index, (name, pool) in enumerate(POOLINGS.items()):
        recipe = Recipe(f"pooled-{index}", pool=pool)
        made[name] = converted(checkpoint, "tflite", recipe, size, folder)[1].path
    return made


def operations(checkpoint: Checkpoint, pool: Mapping[str, Pool], size: int, path: Path) -> Operations:
    """The multiply-accumulates of the exported graph, and the operators of the file."""
    with FlopCounterMode(display=False) as counter, torch.inference_mode():
        PreparedSegmenter(checkpoint, "rms", pool)(torch.zeros(1, 3, size, size))
    counts = operator_counts(path)
    return Operations(
        macs=counter.get_total_flops() // 2,  # a multiplication and an addition each
        averages=counts.get("AVERAGE_POOL_2D", 0),
        reshapes=counts["RESHAPE"],
        operators=sum(counts.values()),
        partitions=LiteRT(path).partitions,
    )


def quality(checkpoint: Checkpoint, options: argparse.Namespace) -> dict[str, Metrics]:
    """Parity's metrics of every pooling in PyTorch against the graph that pools nothing."""
    runners: dict[str, Runner] = {
        name: TorchRunner(InputSize.of(options.size), PreparedSegmenter(checkpoint, pool=pool))
        for name, pool in POOLINGS.items()
    }
    counts = {
        name: ParityCounts.empty(len(checkpoint.class_names), checkpoint.groups.skin) for name in runners
    }
    in_picture = PixelGate(checkpoint)
    for picture, found in predictions(runners, pictures(checkpoint, options)):
        reference = found[NOTHING]
        for name, prediction in found.items():
            difference = in_picture(reference.image, reference.logits, prediction.logits)
            counts[name].add(picture, NO_TRAITS, reference, reference, prediction, 0.0, difference)
    return {name: each.metrics(checkpoint.class_names) for name, each in counts.items()}


def pictures(checkpoint: Checkpoint, options: argparse.Namespace) -> Iterator[Picture]:
    """Photos spread evenly through the folder, with their labels if a folder of labels is given."""
    paths = images_in(options.images)
    chosen = paths[:: max(1, len(paths) // options.photos)][: options.photos]
    labels = labels_beside(chosen, options.labels) if options.labels else {}
    for path in track(chosen, len(chosen), "comparing photos"):
        truth = read_labels(labels[path], len(checkpoint.class_names)) if path in labels else None
        yield Picture(path.name, read_image(path), truth)


def percent(share: float | None) -> str:
    """A share in [0, 1] as a cell in per cent."""
    return harness.number(None if share is None else 100 * share, ".2f")


if __name__ == "__main__":
    main()
