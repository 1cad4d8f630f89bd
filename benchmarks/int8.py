"""int8 beside float and beside stock int8: latency, size and accuracy of every recipe, all compared in one run.

    python -m benchmarks.int8 --calibration DIR --images DIR --labels DIR [--runs 20] [--instruction-set avx2] [--write]

The stock quantiser calibrates on one folder; everything is measured on another (refused when they share a picture).
Latency: interleaved, medians, and ratios round by round to the plain `litert_torch.convert` fp32 model. Accuracy:
whole photos stretched to the input, labels at their own size; "common mIoU" is the mean over the classes that make up
at least 0.05 % of the labelled pixels, which no stray pixel can move by a class.

`--instruction-set avx2` hides AVX-512 and AVX-VNNI from every library (`benchmarks/instruction_set.py`), so that a CPU
that has them also gives the figure of one that has not; Core ML, which is not timed, is left out. Publishes `int8`, or
`int8-avx2`.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path

import numpy as np
import torch

from benchmarks import harness
from benchmarks.instruction_set import hidden_beyond_avx2, is_hidden, missing
from benchmarks.models import (
    PLAIN,
    STOCK_PHOTOS,
    Image,
    Model,
    baselines,
    edgekit_model,
    plain_model,
    stock_model,
    torch_model,
)
from benchmarks.plan import PLANNED
from calibration.dataset import read_calibration_set, sha256_of_images
from edgekit.console import quiet_libraries, say
from edgekit.images import Folder, Picture
from edgekit.scores.metrics import Confusion, labels_from_logits
from edgekit.scores.resamples import Resamples, draws, share
from edgekit.weights import Checkpoint, load_checkpoint

EDGEKIT: tuple[tuple[str, str | Path], ...] = (
    ("tflite", "fp32"), ("tflite", "fp16"), ("tflite", "w8"), ("tflite", "w8a8"), ("tflite", PLANNED),
    ("coreml", "fp16"), ("coreml", "w8"), ("coreml", "w8a8"), ("coreml", PLANNED),
)  # fmt: skip
FRAMES = (("512x384", PLANNED), ("512x384", "w8a8"))  # a phone's frame has fewer pixels than the square
# Checkpoint, pictures to calibrate on, an empty folder → the models, and sentences for under the table.
Maker = Callable[[Checkpoint, list[Image], Path], tuple[list[Model], list[str]]]
COLUMNS = (
    "model", "median ms", "ratio to plain fp32", "partitions", "MB", "equal labels", "mIoU", "common mIoU",
    "skin IoU (95 %)",
)  # fmt: skip


@dataclass(frozen=True)
class Accuracy:
    """Over all pictures. `agreement`: share of labels equal to the reference's, at the input's size."""

    agreement: float
    miou: float
    common_miou: float
    skin_iou: float
    skin_ci95: tuple[float, float] | None


def main() -> None:
    """Measure the stock models and edgekit's, and publish the figure `int8`."""
    packages = ("torch", "litert-torch", "ai-edge-quantizer", "ai-edge-litert", "coremltools")
    publish_comparison(__doc__, "int8", packages, stock_and_edgekit)


def stock_and_edgekit(
    checkpoint: Checkpoint, calibration: list[Image], folder: Path
) -> tuple[list[Model], list[str]]:
    """The rows of the figure; no notes."""
    size = checkpoint.size_default
    paths = baselines(checkpoint, size, calibration, folder)
    models = [torch_model(checkpoint), plain_model(paths.pop(PLAIN))]
    models += [stock_model(name, path) for name, path in paths.items()]
    rows = [pair for pair in EDGEKIT if pair[0] == "tflite" or not is_hidden()]  # Core ML is not timed
    models += [edgekit_model(checkpoint, *pair, size, folder) for pair in rows]
    models += [edgekit_model(checkpoint, "tflite", recipe, frame, folder) for frame, recipe in FRAMES]
    return models, []


def publish_comparison(doc: str | None, figure: str, packages: Sequence[str], make: Maker) -> None:
    """The benchmark of this file and that of the peers: read the options, make the models, compare, publish."""
    parser = harness.parser(doc)
    for name in ("calibration", "images", "labels"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--photos", type=int, default=None, help="at most this many labelled photos")
    parser.add_argument(
        "--instruction-set",
        choices=["avx2"],
        help="hide what is beyond it from every library; a figure of its own",
    )
    options = parser.parse_args()
    if options.instruction_set and not is_hidden():
        if reason := missing():
            parser.error(f"AVX2 alone cannot be measured here: {reason}.")
        sys.exit(hidden_beyond_avx2(["-m", f"benchmarks.{Path(sys.argv[0]).stem}", *sys.argv[1:]]))
    torch.set_num_threads(harness.THREADS)
    with tempfile.TemporaryDirectory() as folder, quiet_libraries():
        checkpoint = load_checkpoint()
        calibration = read_calibration_set(
            options.calibration,
            checkpoint.size_default,
            limit=STOCK_PHOTOS,
            forbidden=sha256_of_images(options.images),
        ).images
        pictures = list(
            islice(Folder(options.images, options.labels, len(checkpoint.class_names)), options.photos)
        )
        models, notes = make(checkpoint, list(calibration), Path(folder))
        body = compared(models, pictures, checkpoint, options.runs)
    n = f"{options.runs} interleaved runs; {len(pictures)} labelled photos, calibrated on {len(calibration)} others"
    made_with = harness.machine(*packages, threads=harness.THREADS)
    name = f"{figure}-{options.instruction_set}" if options.instruction_set else figure
    harness.publish(options, name, n, made_with, "\n\n".join([body, *notes]))


def compared(
    models: Sequence[Model], pictures: Sequence[Picture], checkpoint: Checkpoint, rounds: int
) -> str:
    """The table; models[0] is the reference for labels, PLAIN for latency."""
    size = checkpoint.size_default
    timed = {m.name: partial(m.run, pictures[0].at(m.size or size)) for m in models if m.timed}
    samples = harness.interleaved_ms(timed, rounds)
    found = accuracies([model for model in models if model.size is None], pictures, checkpoint)
    return harness.table(COLUMNS, [_row(model, samples, found.get(model.name)) for model in models])


def accuracies(
    models: Sequence[Model], pictures: Sequence[Picture], checkpoint: Checkpoint
) -> dict[str, Accuracy]:
    """Every model's accuracy by name; models[0] is the reference."""
    size, skin = checkpoint.size_default, checkpoint.groups.skin
    expected = [labels_from_logits(models[0].run(p.at(size)), (size, size)) for p in pictures]
    found = {}
    for model in models:
        total, agreements, skins = Confusion(len(checkpoint.class_names)), [], Resamples(2)
        for picture, reference in zip(pictures, expected, strict=True):
            assert picture.labels is not None  # Folder was given labels
            logits = model.run(picture.at(size))
            agreements.append((labels_from_logits(logits, (size, size)) == reference).mean())
            single = Confusion(len(checkpoint.class_names))
            single.add(picture.labels, labels_from_logits(logits, picture.labels.shape))
            skins.add(draws(picture.name), np.array(single.union_counts(skin)))
            total.counts += single.counts
        found[model.name] = Accuracy(
            float(np.mean(agreements)),
            total.miou,
            total.common_miou,
            total.union_iou(skin),
            skins.interval(share),
        )
        say(f"{model.name}: mIoU {total.miou:.4f}")
    return found


def _row(model: Model, samples: Mapping[str, list[float]], a: Accuracy | None) -> tuple[object, ...]:
    times = samples.get(model.name)
    size_mb = None if model.size_bytes is None else model.size_bytes / 1e6
    judged = ("–",) * 4 if a is None else (
        f"{a.agreement:.2%}", f"{a.miou:.4f}", f"{a.common_miou:.4f}",
        f"{a.skin_iou:.4f}{harness.spread(a.skin_ci95, '.3f')}",
    )  # fmt: skip
    return (
        model.name,
        "not timed" if times is None else f"{np.median(times):.0f}",
        "–" if times is None else f"{harness.paired_ratio(times, samples[PLAIN]):.2f}",
        harness.number(model.partitions, "d"), harness.number(size_mb, ".1f"), *judged,
    )  # fmt: skip


if __name__ == "__main__":
    main()
