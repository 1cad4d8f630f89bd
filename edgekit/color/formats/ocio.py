"""Read LUT files safely through OpenColorIO: it gets only checked text, under a file name that edgekit chooses.

If its first choice of reader refuses a file, OpenColorIO tries all others; it expands `$NAME` in paths,
follows references to other files, and allocates whatever size a file declares. So each format's module
checks the declared sizes and the grammar line by line, and the accepted text is written to a private folder.
"""

from __future__ import annotations

import re
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from numpy.typing import NDArray

from edgekit.color.lut import Lut3D, grid
from edgekit.errors import LutError

# Curves around the 3-D table bend the axes, so such a chain is sampled on this many points per side.
SAMPLED_SIZE = 65
_LINE = re.compile(r"\bline[:\s(]+(\d+)", re.IGNORECASE)


def lut_from_ocio(path: Path, text: str, extension: str, title: str) -> Lut3D:
    """The mapping of [0, 1]³ that OpenColorIO reads from the checked `text` of `path`.

    A file that is one 3-D table over [0, 1] gives exactly that table; any other chain is sampled.
    """
    import PyOpenColorIO as ocio

    with TemporaryDirectory(prefix="edgekit-lut-") as folder:
        copy = Path(folder) / f"table{extension}"
        copy.write_text(text, encoding="utf-8")
        try:
            transform = ocio.FileTransform(str(copy), interpolation=ocio.INTERP_TETRAHEDRAL)
            processor = ocio.Config.CreateRaw().getProcessor(transform)
            table = _only_table(processor)
            if table is None:
                table = _sampled(processor)
        except ocio.Exception as error:
            message = str(error).replace(str(copy), "the file")
            line = _LINE.search(message)
            reason = f"OpenColorIO refuses it: {' '.join(message.split())[:200]}"
            raise LutError(path, int(line[1]) if line else None, reason) from error
        finally:
            ocio.ClearAllCaches()  # it keeps every file it has read
    try:
        return Lut3D(table, title=title)
    except LutError as error:
        raise LutError(path, None, error.reason) from error


def _only_table(processor: object) -> NDArray[np.float32] | None:
    """The table, (N, N, N, 3) float32, if the whole chain is one 3-D table; None otherwise."""
    import PyOpenColorIO as ocio

    steps = list(processor.createGroupTransform())  # type: ignore[attr-defined]
    if len(steps) != 1 or not isinstance(steps[0], ocio.Lut3DTransform):
        return None
    if steps[0].getDirection() != ocio.TRANSFORM_DIR_FORWARD:
        return None
    size = steps[0].getGridSize()
    return np.array(steps[0].getData(), np.float32).reshape(size, size, size, 3)  # blue fastest: [r, g, b]


def _sampled(processor: object) -> NDArray[np.float32]:
    """The chain sampled on a grid over [0, 1]: (N, N, N, 3) float32."""
    colours = np.ascontiguousarray(grid(SAMPLED_SIZE), dtype=np.float32)
    flat = colours.reshape(-1, 3)
    processor.getDefaultCPUProcessor().applyRGB(flat)  # type: ignore[attr-defined]
    return flat.reshape(colours.shape)
