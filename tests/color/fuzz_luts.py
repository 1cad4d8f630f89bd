"""Coverage-guided fuzzing of every LUT reader for a bounded time, with atheris.

    pip install atheris==3.0.0        (a tool of this script alone, so of no extra)
    python -m tests.color.fuzz_luts --format cube --seconds 60

A finding (an exception that is no LutError, more memory than a table needs, five seconds on one input)
ends the run with the input saved. The readers' Python is instrumented; OpenColorIO, OpenCV and Pillow
are not, so for .clf and pictures the fuzzer sees only edgekit's own checks.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["edgekit.color"]):
    from edgekit.color.formats import READERS
    from tests.color.fuzzing import SEEDS, read_or_refuse

MAX_INPUT_BYTES = 4096
MAX_MEMORY_MB = 2048
MAX_SECONDS_AN_INPUT = 5


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--format", choices=[e.removeprefix(".") for e in READERS], default="cube")
    parser.add_argument("--seconds", type=int, default=60)
    arguments = parser.parse_args()
    extension = f".{arguments.format}"
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        corpus = folder / "corpus"
        corpus.mkdir()
        if extension in SEEDS:
            (corpus / "seed").write_bytes(SEEDS[extension]())
        target = folder / f"input{extension}"
        options = [
            f"-max_total_time={arguments.seconds}",
            f"-max_len={MAX_INPUT_BYTES}",
            f"-rss_limit_mb={MAX_MEMORY_MB}",
            f"-timeout={MAX_SECONDS_AN_INPUT}",
            "-print_final_stats=1",
        ]
        atheris.Setup([sys.argv[0], *options, str(corpus)], lambda data: _one(target, data))
        atheris.Fuzz()


def _one(target: Path, data: bytes) -> None:
    read_or_refuse(target, data)


if __name__ == "__main__":
    main()
