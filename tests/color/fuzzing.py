"""One fuzzing step and a good file of every format, shared by the hypothesis tests and `tests/color/fuzz_luts.py`."""

from __future__ import annotations

import io
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

from edgekit.color.formats import read_lut
from edgekit.color.lut import Lut3D
from edgekit.errors import LutError
from edgekit.images import png
from tests.color.samples import IDENTITY_2, baked, bent_lut

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


def _png() -> bytes:
    codes = np.rint(bent_lut(4).table.transpose(2, 1, 0, 3).reshape(8, 8, 3) * 65535).astype(np.uint16)
    return png.encode(codes)


def _bmp() -> bytes:
    stream = io.BytesIO()
    Image.fromarray(np.arange(192, dtype=np.uint8).reshape(8, 8, 3)).save(stream, format="BMP")
    return stream.getvalue()


SEEDS: dict[str, Callable[[], bytes]] = {
    ".cube": lambda: ("LUT_3D_SIZE 2\n" + IDENTITY_2).encode(),
    ".3dl": lambda: baked(bent_lut(5), "flame").encode(),
    ".csp": lambda: baked(bent_lut(3), "cinespace").encode(),
    ".clf": lambda: baked(bent_lut(3), "CLF").encode(),
    ".png": _png,
    ".bmp": _bmp,
}
