"""Regions of a picture and what each gets: the layers of a look, for the CPU engine and every shader."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from msgspec import Meta
from numpy.typing import NDArray

from edgekit.color.controls import GROUPS, SKIN
from edgekit.color.lut import Lut3D
from edgekit.color.styles import Style
from edgekit.errors import EdgekitError, UnknownName
from edgekit.files import sha256_of_bytes

GROUP_REGIONS = GROUPS[:-1]  # the mask's r, g, b
BACKGROUND = GROUPS[-1]
DRAWN_REGIONS = ("drawn_1", "drawn_2", "drawn_3")  # r, g, b of the map that a user draws
REGIONS = (*GROUP_REGIONS, BACKGROUND, *DRAWN_REGIONS)
EVERYTHING_BUT_SKIN = tuple(group for group in GROUPS if group != SKIN)

Region = Annotated[str, Meta(pattern=rf"^({'|'.join(REGIONS)})\Z")]  # in files
Source = Literal["camera", "picture", "blurred"]
# The standard deviation of the blur as a share of the photo's longer side: the same look at every resolution.
DEFAULT_BLUR, BLUR_BOUNDS = 0.012, (0.004, 0.05)


@dataclass(frozen=True)
class Layer:
    """What some regions get.

    regions: of REGIONS. lut: the table that their colours are looked up in; None keeps them. strength: in [0, 1].
    source: where the colours are from: the photo itself, a second picture, or the photo blurred within the regions
    of all blurred layers, so that nothing outside them shows as a halo.
    """

    regions: tuple[str, ...]
    lut: Lut3D | None = None
    strength: float = 1.0
    source: Source = "camera"

    def __post_init__(self) -> None:
        if not self.regions:
            raise EdgekitError("a layer names no region; name at least one.")
        if not 0.0 <= self.strength <= 1.0:
            raise EdgekitError(f"a strength is {self.strength}; give a number from 0 to 1.")

    @property
    def changes(self) -> bool:
        """Whether its regions look different at any strength."""
        return self.lut is not None or self.source != "camera"


@dataclass(frozen=True)
class Look:
    """Layers, each region in at most one, and what they draw from.

    Regions that no layer names stay as they are. picture: (h, w, 3) uint8 sRGB, shown over the whole photo and cut to
    its shape, for layers whose source it is. blur: the standard deviation for blurred layers, a share of the photo's
    longer side. files: those that it was read from. Raises EdgekitError for layers that contradict each other;
    UnknownName for a region.
    """

    layers: tuple[Layer, ...]
    title: str = ""
    picture: NDArray[np.uint8] | None = field(default=None, repr=False)
    blur: float = DEFAULT_BLUR
    files: tuple[Path, ...] = ()

    def __post_init__(self) -> None:
        named = [region for layer in self.layers for region in layer.regions]
        for region in named:
            if region not in REGIONS:
                raise UnknownName("region", region, REGIONS)
            if named.count(region) > 1:
                raise EdgekitError(f"the region {region} is in two layers; give it to one.")
        if not any(layer.changes for layer in self.layers):
            raise EdgekitError("no layer changes anything; give one a table, a picture or a blur.")
        least, most = BLUR_BOUNDS
        if not least <= self.blur <= most:
            raise EdgekitError(
                f"a blur is {self.blur:g} of the longer side; give a number from {least:g} to {most:g}."
            )

    def layers_from(self, source: Source) -> tuple[Layer, ...]:
        """The layers that take their colours from there."""
        return tuple(layer for layer in self.layers if layer.source == source)

    def layer_of(self, region: str) -> Layer | None:
        """The layer of a region; None if it stays as it is."""
        return next((layer for layer in self.layers if region in layer.regions), None)

    def digest(self) -> str:
        """A sha256 that is equal for looks that draw the same."""
        parts = [repr(self.blur).encode()]
        if self.picture is not None:
            parts += [repr(self.picture.shape).encode(), self.picture.tobytes()]
        for layer in self.layers:
            parts.append(repr((layer.regions, layer.strength, layer.source)).encode())
            if layer.lut is not None:
                parts.append(layer.lut.table.tobytes())
        return sha256_of_bytes(b"".join(sha256_of_bytes(part).encode() for part in parts))


def everything_but_skin(lut: Lut3D, skin: Lut3D | None = None) -> tuple[Layer, ...]:
    """Layers with one table for everything but skin; skin has its own, or stays unchanged if that is None."""
    return (Layer(EVERYTHING_BUT_SKIN, lut), Layer((SKIN,), skin))


def look_of_style(style: Style) -> Look:
    """The look of a preset."""
    luts = style.luts()
    return Look(everything_but_skin(luts[BACKGROUND], luts[SKIN]), style.name)


def joined(by_region: Mapping[str, Layer]) -> tuple[Layer, ...]:
    """Layers that give every region what its layer in `by_region` gives; equal treatments are one layer."""
    kinds: dict[tuple[object, ...], Layer] = {}
    for region, layer in by_region.items():
        kind = (id(layer.lut), layer.strength, layer.source)
        before = kinds[kind].regions if kind in kinds else ()
        kinds[kind] = replace(layer, regions=(*before, region))
    return tuple(kinds.values())
