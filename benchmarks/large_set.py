"""What a photo of a large set costs in one process, and what a Ray cluster on this machine adds.

    python -m benchmarks.large_set ARTIFACT --images DIR --labels DIR [--photos 400] [--weights DIR] [--write]

`evaluate` and `parity-check` run over the photos, each as a process with one thread, then on as many workers as there
are cores. Photos are taken again under other names until there are enough. Core seconds are those of all cores from
start to end. On a machine that does other work they would say nothing, and are left out.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path

from benchmarks import harness
from edgekit.images import images_in
from edgekit.images.folder import labels_beside

COLUMNS = (
    "command",
    "core s per photo, one process",
    "on Ray",
    "overhead",
    "peak MB",
    "shards",
    "kB per shard",
    "equal",
)
IDLE_LOAD = 0.5  # processes that run or wait, on average over a minute


@dataclass(frozen=True)
class Ran:
    """A command's JSON object, its wall-clock time and the largest memory of a process until now."""

    found: object
    elapsed_s: float
    peak_mb: float


def main() -> None:
    parser = harness.parser(__doc__)
    parser.add_argument("artifact", type=Path)
    parser.add_argument("--images", type=Path, required=True)
    parser.add_argument("--labels", type=Path, required=True)
    parser.add_argument("--weights", type=Path, help="a checkpoint folder; by default the bundled one")
    parser.add_argument("--photos", type=int, default=400)
    options = parser.parse_args()
    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        link_photos(options.images, options.labels, options.photos, folder)
        rows = [row(command, options, folder, load <= IDLE_LOAD) for command in ("evaluate", "parity-check")]
    left_out = "" if load <= IDLE_LOAD else "; times are left out, because the machine did other work"
    n = f"{options.photos} photos{left_out}"
    harness.publish(options, "large-set", n, harness.machine("torch", "ray"), harness.table(COLUMNS, rows))


def row(command: str, options: argparse.Namespace, folder: Path, timed: bool) -> tuple[object, ...]:
    """A command's line of the table."""
    weights = [] if options.weights is None else ["--weights", str(options.weights.absolute())]
    arguments = [
        command,
        str(options.artifact.absolute()),
        "--images",
        "images",
        "--labels",
        "labels",
        "--json",
        *weights,
    ]
    one = run(arguments, folder)
    spread = run([*arguments, "--ray", "local", "--resume", f"kept-{command}"], folder)
    shards = list((folder / f"kept-{command}").glob("*.json"))
    kilobytes = sum(shard.stat().st_size for shard in shards) / len(shards) / 1e3
    cores = os.cpu_count() or 1
    times: tuple[str, ...] = ("–", "–", "–")
    if timed:
        per_photo = [one.elapsed_s / options.photos, cores * spread.elapsed_s / options.photos]
        times = (f"{per_photo[0]:.2f}", f"{per_photo[1]:.2f}", f"{per_photo[1] / per_photo[0] - 1:+.0%}")
    equal = "yes" if one.found == spread.found else "NO"
    return (f"`{command}`", *times, f"{one.peak_mb:.0f}", len(shards), f"{kilobytes:.0f}", equal)


def run(arguments: Sequence[str], folder: Path) -> Ran:
    """Run `edgekit arguments…` in `folder` with one thread per process; a parity check may fail its gates."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    began = time.perf_counter()
    ran = subprocess.run(
        [sys.executable, "-m", "edgekit", *arguments],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
    )
    elapsed_s = time.perf_counter() - began
    assert ran.returncode in (0, 1), arguments
    peak_mb = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1e3
    return Ran(json.loads(ran.stdout), elapsed_s, peak_mb)


def link_photos(images: Path, labels: Path, photos: int, folder: Path) -> None:
    """Make the folders `images` and `labels` of so many links, from photos that have labels."""
    pairs = labels_beside([path.absolute() for path in images_in(images)], labels.absolute())
    for place in ("images", "labels"):
        (folder / place).mkdir()
    for number, (image, label) in enumerate(islice(cycle(pairs.items()), photos)):
        (folder / "images" / f"{number:06}{image.suffix}").symlink_to(image)
        (folder / "labels" / f"{number:06}{label.suffix}").symlink_to(label)


if __name__ == "__main__":
    main()
