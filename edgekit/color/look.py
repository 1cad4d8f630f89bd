"""Looks by name and from files: presets, looks of one's own, and look-up tables."""

from __future__ import annotations

from pathlib import Path

from edgekit.color.formats import read_lut
from edgekit.color.layers import Look, everything_but_skin, look_of_style
from edgekit.color.look_file import SUFFIX, read_look
from edgekit.color.styles import style_named
from edgekit.errors import EdgekitError


def look_of(style: str | None = None, lut: Path | None = None, skin_lut: Path | None = None) -> Look:
    """The look of a preset or of a look's .json file (`style`), or of LUT files (`lut`, and `skin_lut` for skin).

    Raises EdgekitError for both or neither, UnknownName for a style, LutError and ImageError for a file.
    """
    if (style is None) == (lut is None):
        raise EdgekitError("Give either `style` or `lut`.")
    if style is not None:
        if skin_lut is not None:
            raise EdgekitError("`skin_lut` goes with `lut`.")
        return read_look(Path(style)) if style.endswith(SUFFIX) else look_of_style(style_named(style))
    assert lut is not None
    skin = None if skin_lut is None else read_lut(skin_lut)
    files = (lut,) if skin_lut is None else (lut, skin_lut)
    return Look(everything_but_skin(read_lut(lut), skin), lut.name, files=files)
