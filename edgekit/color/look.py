"""Looks by name and from files: presets, scenes, looks of one's own, and look-up tables."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from edgekit.color.formats import read_lut
from edgekit.color.layers import Look, everything_but_skin, look_of_style
from edgekit.color.look_file import SUFFIX, read_look
from edgekit.color.styles import STYLES
from edgekit.errors import EdgekitError, UnknownName

# Looks with a treatment of the background of its own, made of presets; each is a file that a user may begin from.
SCENES: Mapping[str, str] = {
    "portrait": "Natural, with the background out of focus.",
    "pop-out": "The person vivid, the background in black and white.",
    "spotlight": "The person natural, the background dark and dramatic.",
}
SCENE_FOLDER = Path(__file__).parents[1] / "data/looks"


def scene_file(name: str) -> Path:
    """The look's file of a scene."""
    return SCENE_FOLDER / f"{name}{SUFFIX}"


def look_of(style: str | None = None, lut: Path | None = None, skin_lut: Path | None = None) -> Look:
    """The look of a preset, a scene or a look's .json file (`style`), or of LUT files (`lut`, and `skin_lut` for skin).

    Raises EdgekitError for both or neither, UnknownName for a style, LutError and ImageError for a file.
    """
    if (style is None) == (lut is None):
        raise EdgekitError("Give either `style` or `lut`.")
    if style is not None:
        if skin_lut is not None:
            raise EdgekitError("`skin_lut` goes with `lut`.")
        return read_look(Path(style)) if style.endswith(SUFFIX) else _named(style)
    assert lut is not None
    skin = None if skin_lut is None else read_lut(skin_lut)
    files = (lut,) if skin_lut is None else (lut, skin_lut)
    return Look(everything_but_skin(read_lut(lut), skin), lut.name, files=files)


def _named(name: str) -> Look:
    if name in STYLES:
        return look_of_style(STYLES[name])
    if name in SCENES:
        return read_look(scene_file(name))
    raise UnknownName("style", name, (*STYLES, *SCENES))
