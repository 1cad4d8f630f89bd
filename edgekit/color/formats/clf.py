"""`.clf`: the Academy/ASC Common LUT Format (S-2014-006), an XML list of colour operations."""

from __future__ import annotations

import re
from math import prod
from pathlib import Path

from edgekit.color.formats.limits import MAX_TEXT_BYTES, require_regular_file
from edgekit.color.formats.ocio import lut_from_ocio
from edgekit.color.lut import MAX_SIZE, Lut3D
from edgekit.errors import LutError

# Constructs that could reach outside the file or expand inside it: declarations, entities, references, inclusions.
FORBIDDEN = re.compile(r"<!DOCTYPE|<!ENTITY|<\s*Reference\b|<\s*[\w.]*:?include\b|&#", re.IGNORECASE)
DIM = re.compile(r"""\bdim\s*=\s*(["'])(.*?)\1""", re.DOTALL)
ENCODING = re.compile(r"""<\?xml[^>]*encoding\s*=\s*["']([^"']*)["']""", re.IGNORECASE)
MAX_OPERATIONS = 64
MAX_PROLOGUE_CHARS = 1024  # the XML declaration is the first thing in a file
MAX_NUMBERS = 3 * MAX_SIZE**3  # in one array


def read_clf(path: Path) -> Lut3D:
    """The mapping of a `.clf` file over [0, 1]; a chain of operations is sampled on one table."""
    require_regular_file(path, MAX_TEXT_BYTES)
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise LutError(path, None, "the file is not UTF-8 text.") from error
    except OSError as error:
        raise LutError(path, None, f"the file cannot be read: {error.strerror or error}.") from error
    _check_text(path, text)
    return lut_from_ocio(path, text, ".clf", path.stem)


def _check_text(path: Path, text: str) -> None:
    """LutError for text that is not CLF, that refers outside itself, or that declares too much."""
    if "\0" in text or "<ProcessList" not in text:
        raise LutError(path, 1, "this is not a Common LUT Format file: it has no <ProcessList>.")
    encoding = ENCODING.search(text[:MAX_PROLOGUE_CHARS])
    if encoding and encoding[1].lower() not in ("utf-8", "us-ascii"):
        raise LutError(path, 1, f"the file declares the encoding {encoding[1][:40]!r}; use UTF-8.")
    forbidden = FORBIDDEN.search(text)
    if forbidden:
        raise LutError(
            path,
            _line_at(text, forbidden.start()),
            f"{forbidden[0]!r} is not allowed: a LUT file stands alone.",
        )
    arrays = list(DIM.finditer(text))
    if len(arrays) > MAX_OPERATIONS:
        raise LutError(path, None, f"there are {len(arrays)} arrays; at most {MAX_OPERATIONS} are allowed.")
    for array in arrays:
        sizes = array[2].split()
        whole = all(s.isascii() and s.isdigit() and len(s) <= 9 for s in sizes)
        if not whole or not 1 <= len(sizes) <= 4 or prod(map(int, sizes)) > MAX_NUMBERS:
            raise LutError(
                path, _line_at(text, array.start()), f"the array size {array[2][:40]!r} is refused."
            )


def _line_at(text: str, position: int) -> int:
    return text.count("\n", 0, position) + 1
