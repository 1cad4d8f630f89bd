"""Looks as the command line spells them: presets or tables, and layers over them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from edgekit.color.layers import Layer, Look

REFERENCE_SIDE = 1000  # px: `12px` is twelve pixels of a photo whose longer side this is
BLUR = re.compile(r"([0-9]{1,4}(?:\.[0-9]{1,6})?)(px|%)")
SPELLING = (
    "REGIONS=WHAT[:STRENGTH] with a preset, a LUT file, blur, blur:12px, blur:1.2%, picture:FILE or none"
)


def layered(look: Look | None, layers: Sequence[str], background: Path | None) -> Look:
    """A look with layers over it, spelt `REGIONS=WHAT[:STRENGTH]`; the last for a region counts.

    look: None is one that changes nothing. background: the picture behind the person.
    """
    from edgekit.color.layers import DEFAULT_BLUR, Layer, Look, joined
    from edgekit.color.look_file import read_picture

    if look is not None and not layers and background is None:
        return look
    files = [] if look is None else list(look.files)
    blur = DEFAULT_BLUR if look is None else look.blur
    given = {} if look is None else {region: layer for layer in look.layers for region in layer.regions}
    pictures = [] if background is None else [background]
    for text in layers:
        spelt = _Spelt.of(text)
        files += spelt.files
        blur = blur if spelt.blur is None else spelt.blur
        pictures += [] if spelt.picture is None else [spelt.picture]
        given.update((region, layer) for layer in spelt.layers(given) for region in layer.regions)
    if background is not None:
        given["background"] = Layer(("background",), source="picture")
    picture = None if look is None else look.picture
    if pictures:
        first, *others = dict.fromkeys(pictures)
        if others:
            raise typer.BadParameter(f"a look shows one second picture, not both {first} and {others[0]}.")
        files.append(first)
        picture = read_picture(first)
    return Look(joined(given), "layers" if look is None else look.title, picture, blur, tuple(files))


@dataclass(frozen=True)
class _Spelt:
    """`REGIONS=WHAT[:STRENGTH]`, taken apart.

    blur: its deviation, a share of the longer side, if one is spelt. picture: the file that is shown, if one is.
    """

    regions: tuple[str, ...]
    what: str
    strength: float
    blur: float | None
    picture: Path | None

    @classmethod
    def of(cls, text: str) -> _Spelt:
        names, equals, rest = text.partition("=")
        regions = tuple(name.strip() for name in names.split(","))
        what, *more = rest.split(":")
        if not equals or not what or not all(regions):
            raise typer.BadParameter(f"--layer {text!r} is not {SPELLING}.")
        blur = picture = None
        if what == "picture":
            picture, more = Path("".join(more[:1])), more[1:]
            if not picture.name:
                raise typer.BadParameter(f"--layer {text!r} is not {SPELLING}.")
        if what == "blur" and more and (size := BLUR.fullmatch(more[0])):
            blur = float(size[1]) / (REFERENCE_SIDE if size[2] == "px" else 100.0)
            more = more[1:]
        return cls(regions, what, _strength(text, more), blur, picture)

    @property
    def files(self) -> list[Path]:
        return [Path(self.what)] if Path(self.what).suffix else []

    def layers(self, given: Mapping[str, Layer]) -> list[Layer]:
        """What the regions get. given: what they have so far, whose tables a blur keeps."""
        from edgekit.color.formats import read_lut
        from edgekit.color.layers import Layer
        from edgekit.color.look_file import layers_of_style

        if self.what == "none":
            return [Layer(self.regions)]
        if self.picture is not None:
            return [Layer(self.regions, None, self.strength, "picture")]
        if self.what == "blur":
            kept = [given[region].lut if region in given else None for region in self.regions]
            pairs = zip(self.regions, kept, strict=True)
            return [Layer((region,), lut, self.strength, "blurred") for region, lut in pairs]
        if self.files:
            return [Layer(self.regions, read_lut(self.files[0]), self.strength)]
        return layers_of_style(self.what, self.regions, self.strength)


def _strength(text: str, more: Sequence[str]) -> float:
    if not more:
        return 1.0
    try:
        (spelt,) = more
        return float(spelt)
    except ValueError:
        raise typer.BadParameter(f"--layer {text!r} is not {SPELLING}.") from None
