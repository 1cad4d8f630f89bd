"""Memory and time of `edgekit parity-check` by the number of photos: the photos of a folder again and again, as links.

python -m benchmarks.large_sets --images DIR --labels DIR [--photos 50 500 5000] [--write]
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from itertools import cycle, islice
from pathlib import Path

from benchmarks import harness
from benchmarks.models import PLANNED, converted
from edgekit.console import quiet_libraries
from edgekit.images import images_in
from edgekit.weights import load_checkpoint

SIZE = 128  # px: the photos are what is many here
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
        for count in options.photos:
            folder = Path(name) / str(count)
            linked(options.images, options.labels, count, folder)
            seconds, peak_mib = checked(artifact.path, folder)
            rows.append((f"{count:,}", f"{seconds:.0f}", f"{peak_mib:,.0f}"))
    body = harness.table(("photos", "seconds", "peak memory, MiB"), rows)
    n = f"the default recipe at {SIZE}², copies of {len(images_in(options.images))} photos with labels"
    harness.publish(options, "large-sets", n, harness.machine("torch", "ai-edge-litert"), body)


def linked(images: Path, labels: Path, count: int, folder: Path) -> None:
    """Write `count` links to photos, with links to their labels, into `images/` and `labels/` of a folder."""
    for i, photo in enumerate(islice(cycle(images_in(images)), count)):
        for source, kind in ((photo, "images"), (labels / f"{photo.stem}.png", "labels")):
            link = folder / kind / f"{i:06}-{source.name}"
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to(source.resolve())


def checked(artifact: Path, folder: Path) -> tuple[float, float]:
    """Seconds and peak MiB of a check of the folder, which may fail: weights are not made for this size."""
    words = [sys.executable, "-m", "edgekit", "parity-check", str(artifact), "--json"]
    start = time.monotonic()
    process = subprocess.Popen(
        [*words, "--images", str(folder / "images"), "--labels", str(folder / "labels")],
        stdout=subprocess.DEVNULL,
    )
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in (0, 1):
        raise SystemExit(f"parity-check exited with {process.returncode}")
    return time.monotonic() - start, usage.ru_maxrss / KIB_PER_MIB


if __name__ == "__main__":
    main()
