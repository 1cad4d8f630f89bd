"""A look: the tables of a style or of LUT files, for the CPU engine, the shader and the bundle."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from edgekit.color.controls import GROUPS, SKIN
from edgekit.color.engine import Layer, layers_from_luts
from edgekit.color.formats import read_lut
from edgekit.color.lut import Lut3D
from edgekit.color.styles import style_named
from edgekit.errors import EdgekitError
from edgekit.files import sha256_of_bytes


@dataclass(frozen=True)
class Look:
    """The tables of a look. `everything`: for all but skin. `skin`: None leaves skin unchanged."""

    title: str
    everything: Lut3D
    skin: Lut3D | None

    def digest(self) -> str:
        """The sha256 of the tables; looks with equal tables have equal digests."""
        tables = (self.everything, self.skin)
        return sha256_of_bytes(b"".join(b"none" if lut is None else lut.table.tobytes() for lut in tables))

    def layers(self) -> dict[str, Layer]:
        """The layer of every group, for the CPU engine."""
        return layers_from_luts(self.everything, self.skin)


def look_of(style: str | None = None, lut: Path | None = None, skin_lut: Path | None = None) -> Look:
    """The look of a preset (`style`) or of LUT files (`lut`, and `skin_lut` for skin).

    Raises EdgekitError for both or neither, UnknownName for a style, LutError for a file.
    """
    if (style is None) == (lut is None):
        raise EdgekitError("Give either `style` or `lut`.")
    if style is not None:
        if skin_lut is not None:
            raise EdgekitError("`skin_lut` goes with `lut`.")
        luts = style_named(style).luts()
        return Look(style, luts[GROUPS[-1]], luts[SKIN])
    assert lut is not None
    return Look(lut.name, read_lut(lut), None if skin_lut is None else read_lut(skin_lut))
