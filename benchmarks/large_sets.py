"""Memory of `edgekit parity-check` by the number of photos: small copies of a folder's photos, again and again.

python -m benchmarks.large_sets --images DIR --labels DIR [--photos 50 500 5000] [--write]
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from itertools import cycle, islice
from pathlib import Path

from PIL import Image

from benchmarks import harness
from benchmarks.models import PLANNED, converted
from edgekit.console import quiet_libraries
from edgekit.images import images_in, read_image, read_labels
from edgekit.weights import load_checkpoint

SIZE = 128  # px, of the input
SIDE = 160  # px, the longer one of a photo: how many there are is the question, not how large they are
KIB_PER_MIB = 1 << 10


def main() -> None:
    """Check sets of every size, each in a process of its own, and publish the figure `large-sets`."""
    parser = harness.parser(__doc__)
    parser.add_argument("--images", type=Path, required=True)
    parser.add_argument("--labels", type=Path, required=True)
    parser.add_argument("--photos", type=int, nargs="+", default=[50, 500, 5000])
    options = parser.parse_args()
    rows = []
    with tempfile.TemporaryDirectory() as name, quiet_libraries():
        _, artifact = converted(load_checkpoint(), "tflite", PLANNED, SIZE, Path(name))
        small = reduced(options.images, options.labels, Path(name) / "small")
        for count in options.photos:
            folder = Path(name) / str(count)
            linked(small, count, folder)
            rows.append((f"{count:,}", f"{peak_mib(artifact.path, folder):,.0f}"))
    body = harness.table(("photos", "peak memory, MiB"), rows)
    n = f"the default recipe at {SIZE}², links to {len(small)} photos with labels of at most {SIDE} pixels a side"
    harness.publish(options, "large-sets", n, harness.machine("torch", "ai-edge-litert"), body)


def reduced(images: Path, labels: Path, folder: Path) -> list[Path]:
    """Small copies of the photos and their labels in `images/` and `labels/` of a folder; returns the photos."""
    made = []
    for kind in ("images", "labels"):
        (folder / kind).mkdir(parents=True)
    for photo in images_in(images):
        image = Image.fromarray(read_image(photo))
        scale = SIDE / max(image.size)
        shape = [max(1, round(scale * side)) for side in image.size]
        made.append(folder / "images" / f"{photo.stem}.png")
        image.resize(shape, Image.Resampling.BOX).save(made[-1])
        truth = Image.fromarray(read_labels(labels / f"{photo.stem}.png"))
        truth.resize(shape, Image.Resampling.NEAREST).save(folder / "labels" / made[-1].name)
    return made


def linked(photos: Sequence[Path], count: int, folder: Path) -> None:
    """Write `count` links to photos, with links to their labels, into `images/` and `labels/` of a folder."""
    for i, photo in enumerate(islice(cycle(photos), count)):
        for source in (photo, photo.parent.parent / "labels" / photo.name):
            link = folder / source.parent.name / f"{i:06}-{source.name}"
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to(source)


def peak_mib(artifact: Path, folder: Path) -> float:
    """Peak memory of a check of the folder in MiB. It may fail: the weights are not made for this size."""
    words = [sys.executable, "-m", "edgekit", "parity-check", str(artifact), "--json"]
    process = subprocess.Popen(
        [*words, "--images", str(folder / "images"), "--labels", str(folder / "labels")],
        stdout=subprocess.DEVNULL,
    )
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in (0, 1):
        raise SystemExit(f"parity-check exited with {process.returncode}")
    return usage.ru_maxrss / KIB_PER_MIB


if __name__ == "__main__":
    main()
