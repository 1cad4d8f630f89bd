"""What a photo of a large set costs in one process, in a process per core, and on a Ray cluster on this machine.

    python -m benchmarks.large_set ARTIFACT --images DIR --labels DIR [--photos 400] [--weights DIR] [--write]

`evaluate` and `parity-check` run over the photos on all cores, three times: as one process that uses them all, as
`--shard` processes of one thread each that are merged, and with `--ray`. Photos are taken again under other names until
there are enough. On a machine that does other work times would say nothing, and are left out.
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
from itertools import cycle, islice
from pathlib import Path
from typing import Any

from benchmarks import harness
from edgekit.images import images_in
from edgekit.images.folder import labels_beside

COLUMNS = (
    "command",
    "s, one process",
    "s, a process per core",
    "s, on Ray",
    "Ray against one process",
    "against a process per core",
    "peak MB",
    "shards",
    "kB per shard",
    "equal",
)
IDLE_LOAD = 0.5  # processes that run or wait, on average over a minute


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
    """A command's line of the table. equal: Ray and the merged shards found the same."""
    weights = [] if options.weights is None else ["--weights", str(options.weights.absolute())]
    artifact = str(options.artifact.absolute())
    arguments = [command, artifact, "--images", "images", "--labels", "labels", *weights]
    one, _ = run([[*arguments, "--json"]], folder, threads=None)
    shards, merged = run_shards(arguments, folder)
    spread, on_ray = run([[*arguments, "--json", "--ray", "local", "--resume", f"kept-{command}"]], folder)
    kept = list((folder / f"kept-{command}").glob("*.json"))
    kilobytes = sum(shard.stat().st_size for shard in kept) / len(kept) / 1e3
    peak_mb = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1e3
    times: tuple[str, ...] = ("–",) * 5
    if timed:
        ratios = (f"{spread / one - 1:+.0%}", f"{spread / shards - 1:+.0%}")
        times = (f"{one:.0f}", f"{shards:.0f}", f"{spread:.0f}", *ratios)
    equal = "yes" if without_half(merged) == without_half(on_ray) else "NO"
    return (f"`{command}`", *times, f"{peak_mb:.0f}", len(kept), f"{kilobytes:.0f}", equal)


def run_shards(arguments: Sequence[str], folder: Path) -> tuple[float, object]:
    """Seconds and result of a shard for each core, all at once, and of their merging."""
    cores, kept = os.cpu_count() or 1, f"shards-{arguments[0]}"
    shards = [[*arguments, "--resume", f"{kept}-{i}", "--shard", f"{i}/{cores}"] for i in range(1, cores + 1)]
    counting_s, _ = run(shards, folder)
    files = [str(path) for path in sorted(folder.glob(f"{kept}-*/*.json"))]
    merging_s, merged = run([["merge", *files, "--json"]], folder)
    return counting_s + merging_s, merged


def run(commands: Sequence[Sequence[str]], folder: Path, threads: int | None = 1) -> tuple[float, object]:
    """Seconds of `edgekit` commands that run at once in `folder`, and what the last one printed as JSON, if it did.

    threads: of each process; None leaves it all cores. A parity check may fail its gates.
    """
    environment = {**os.environ, **({} if threads is None else {"OMP_NUM_THREADS": str(threads)})}
    began = time.perf_counter()
    started = [
        subprocess.Popen(
            [sys.executable, "-m", "edgekit", *command],
            cwd=folder,
            env=environment,
            stdout=subprocess.PIPE,
            text=True,
        )
        for command in commands
    ]
    printed = [process.communicate()[0] for process in started]
    elapsed_s = time.perf_counter() - began
    for process, command in zip(started, commands, strict=True):
        assert process.returncode in (0, 1), command
    return elapsed_s, json.loads(printed[-1]) if "--json" in commands[-1] else None


def without_half(found: Any) -> Any:
    """A result without what fp16 would do, which needs the models and so is missing where shards were merged."""
    if isinstance(found, dict):
        return {key: without_half(value) for key, value in found.items() if key != "half_precision"}
    return [without_half(value) for value in found] if isinstance(found, list) else found


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
