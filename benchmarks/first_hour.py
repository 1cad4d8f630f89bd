"""The first hour: the commands that a new user runs, in an empty folder, with their times and last words.

python -m benchmarks.first_hour [--write]
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from PIL import Image

from benchmarks import harness
from edgekit.images import astronaut

# In this order: later commands use what earlier ones made. `photo.jpg` is the portrait that every install has.
COMMANDS = (
    "doctor",
    "styles",
    "demo",
    "style photo.jpg --style vibrant --compare",
    "convert",
    "parity-check",
    "shader --style vibrant",
    "bundle --style vibrant,natural",
    "bench --runs 20 --seconds 2",
)
ROOT = Path(__file__).parents[1]
MOST_S = 900.0
SHOWN = 90  # characters of a command's last line


def ran(command: str, folder: Path) -> tuple[float, int, str]:
    """Seconds, exit code, and the last line that `edgekit COMMAND` printed on standard output."""
    start = time.perf_counter()
    ended = subprocess.run(
        [sys.executable, "-m", "edgekit", *command.split()],
        cwd=folder, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, timeout=MOST_S,
        check=False,
    )  # fmt: skip
    lines = [line for line in ended.stdout.splitlines() if line.strip(" ─│┌┐└┘├┤┬┴┼━┃┏┓┗┛")] or ["–"]
    last = lines[-1].strip(" │┃")
    return time.perf_counter() - start, ended.returncode, last.replace("|", "\\|")[:SHOWN]


def main() -> None:
    """Run the commands and publish the figure `first-hour`."""
    options = harness.parser(__doc__).parse_args()
    rows = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        Image.fromarray(astronaut().image).save(folder / "photo.jpg", quality=95)
        for command in COMMANDS:
            seconds, code, last = ran(command, folder)
            rows.append((f"`edgekit {command}`", f"{seconds:.0f} s", code, last))
    made_with = harness.machine("torch", "coremltools", "litert-torch", "ai-edge-litert")
    columns = ("command", "time", "exit code", "its last line on standard output")
    harness.publish(
        options, "first-hour", "each command once, in this order", made_with, harness.table(columns, rows)
    )


if __name__ == "__main__":
    main()
