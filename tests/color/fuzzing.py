"""One fuzzing step, shared by the hypothesis tests and `benchmarks/fuzz_luts.py`."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

from edgekit.color.formats import read_lut
from edgekit.color.lut import Lut3D
from edgekit.errors import LutError

# 129³ float64 triples several times over: what reading the largest allowed table may take at its peak.
MAX_PEAK_BYTES = 400 * 2**20


def read_or_refuse(path: Path, content: bytes) -> Lut3D | None:
    """The table, or None after a LutError that names the file. Anything else escapes: a finding."""
    path.write_bytes(content)
    try:
        return read_lut(path)
    except LutError as error:
        assert error.path == path, f"the error does not name the file: {error}"
        assert error.line is None or error.line > 0
        assert str(error).startswith(str(path)) and len(str(error)) < 600
        return None


def peak_bytes_of(path: Path, content: bytes) -> int:
    """Python's peak memory while reading."""
    tracemalloc.start()
    try:
        read_or_refuse(path, content)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
