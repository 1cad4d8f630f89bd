"""Resident memory of `parity-check` over ever more photos: it must not grow with them.

    python -m benchmarks.memory --images DIR --labels DIR [--photos 50 500 5000] [--side 128] [--write]

Labelled photos are shrunk to `--side` pixels and taken again under other names until there are enough. The checkpoint
has random weights and a fraction of the parser's channels, and the input is 128², the smallest that converts. The
bundled weights and photos of full size add to every row what one photo takes, and make thousands of them hours. Every
check is a process of one thread with `--resume`, whose memory is read from /proc (Linux) while it runs and, at its end,
from the kernel's own count of the peak.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from benchmarks import harness
from benchmarks.large_set import link_photos
from edgekit.images import images_in
from edgekit.images.folder import labels_beside
from tests.support.checkpoints import seeded_checkpoint

SIZE = 128  # px
MAX_SIDE = 1024  # px
MB = 1e6
READ_EVERY_S = 0.2
COLUMNS = ("photos", "peak MB", "largest in the second half, MB", "shard's file, kB")


@dataclass(frozen=True)
class Used:
    """A process's memory in MB: the peak, and the largest of the readings in the second half of its time."""

    peak_mb: float
    late_mb: float


def main() -> None:
    parser = harness.parser(__doc__)
    parser.add_argument("--images", type=Path, required=True)
    parser.add_argument("--labels", type=Path, required=True)
    parser.add_argument("--photos", type=int, nargs="+", default=[50, 500, 5000])
    parser.add_argument("--side", type=int, default=128, help="the longer side of the photos, in pixels")
    options = parser.parse_args()
    if not SIZE <= options.side <= MAX_SIDE:
        parser.error(f"--side must be {SIZE} to {MAX_SIDE}.")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        shrink_photos(options.images, options.labels, options.side, folder)
        weights = ["--weights", str(seeded_checkpoint(folder / "seeded"))]
        # By the command, for a process that is started begins with the peak of the one that starts it.
        asked = ["--target", "tflite", "--recipe", "fp32", "--size", str(SIZE), "--out", "made"]
        watched(["convert", *asked, *weights], folder)
        (artifact,) = (folder / "made").glob("*.tflite")
        rows = [row(photos, artifact, weights, folder) for photos in sorted(options.photos)]
    n = f"`parity-check --resume` of TFLite fp32 at {SIZE}², photos of {options.side} px"
    made_with = harness.machine("torch", "ai-edge-litert", threads=1)
    harness.publish(options, "memory", n, made_with, harness.table(COLUMNS, rows))


def row(photos: int, artifact: Path, weights: Sequence[str], folder: Path) -> tuple[object, ...]:
    """The line of the table for so many photos."""
    place = folder / str(photos)
    place.mkdir()
    link_photos(folder / "images", folder / "labels", photos, place)
    asked = ["--images", "images", "--labels", "labels", "--resume", "kept"]
    used = watched(["parity-check", str(artifact), *asked, *weights], place)
    (shard,) = (place / "kept").glob("*.json")
    return (
        f"{photos:,}",
        f"{used.peak_mb:.0f}",
        f"{used.late_mb:.0f}",
        f"{shard.stat().st_size / 1e3:,.0f}",
    )


def watched(arguments: Sequence[str], folder: Path) -> Used:
    """Run `edgekit arguments…` in `folder` with one thread and return the memory that it took.

    A parity check may fail its gates; any other failure is a RuntimeError.
    """
    environment, readings = {**os.environ, "OMP_NUM_THREADS": "1"}, list[float]()
    process = subprocess.Popen(
        [sys.executable, "-m", "edgekit", *arguments], cwd=folder, env=environment, stdout=subprocess.DEVNULL
    )
    ended, usage = 0, resource.getrusage(resource.RUSAGE_SELF)
    while not ended:
        readings.append(resident_mb(process.pid))
        time.sleep(READ_EVERY_S)
        ended, status, usage = os.wait4(process.pid, os.WNOHANG)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in (0, 1):
        raise RuntimeError(f"edgekit {arguments[0]} ended with {process.returncode}.")
    return Used(usage.ru_maxrss * 1024 / MB, max(readings[len(readings) // 2 :]))


def resident_mb(pid: int) -> float:
    """The resident memory of a process, in MB; 0 for one that has ended."""
    pages = Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1]
    return int(pages) * resource.getpagesize() / MB


def shrink_photos(images: Path, labels: Path, side: int, folder: Path) -> None:
    """Write the photos that have labels, and these, with `side` pixels along the longer side."""
    for place in ("images", "labels"):
        (folder / place).mkdir()
    for image, label in labels_beside(images_in(images), labels).items():
        with Image.open(image) as photo, Image.open(label) as classes:
            width, height = (max(1, round(n * side / max(photo.size))) for n in photo.size)
            photo.convert("RGB").resize((width, height)).save(
                folder / "images" / f"{image.stem}.jpg", quality=90
            )
            classes.resize((width, height), Image.Resampling.NEAREST).save(folder / "labels" / label.name)


if __name__ == "__main__":
    main()
