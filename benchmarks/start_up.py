"""How long Python takes to start, to import edgekit, and to print `edgekit --help`.

python -m benchmarks.start_up [--runs 20] [--write]
"""

from __future__ import annotations

import subprocess
import sys
from functools import partial
from pathlib import Path

import numpy as np

from benchmarks import harness

ROOT = Path(__file__).parents[1]
PROGRAMS = {
    "Python alone": ("-c", "pass"),
    "`import edgekit`": ("-c", "import edgekit"),
    "`import typer, typer.rich_utils`": ("-c", "import typer, typer.rich_utils"),
    "`edgekit --help`": ("-m", "edgekit", "--help"),
}


def started(arguments: tuple[str, ...]) -> None:
    """Run Python with these arguments to its end."""
    subprocess.run([sys.executable, *arguments], cwd=ROOT, stdout=subprocess.DEVNULL, check=True)


def main() -> None:
    """Time the programs in turn and publish the figure `start-up`."""
    parser = harness.parser(__doc__)
    parser.add_argument("--runs", type=int, default=20)
    options = parser.parse_args()
    runs = {name: partial(started, arguments) for name, arguments in PROGRAMS.items()}
    samples = harness.interleaved_ms(runs, options.runs)
    rows = [
        (name, f"{np.median(ms) / 1e3:.2f} s", f"{np.max(ms) / 1e3:.2f} s") for name, ms in samples.items()
    ]
    what = f"each program {options.runs} times, in turn"
    table = harness.table(("program", "median", "longest"), rows)
    harness.publish(options, "start-up", what, harness.machine("typer", "rich"), table)


if __name__ == "__main__":
    main()
