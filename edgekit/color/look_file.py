"""Looks of one's own: a JSON file of layers, with the tables and the picture beside it.

{"schema": "edgekit/look", "schema_version": 1,
 "layers": [{"regions": ["skin"], "style": "natural"},
            {"regions": ["clothes"], "lut": "film.cube", "strength": 0.6},
            {"regions": ["background"], "style": "cool", "source": "blurred"}],
 "blur": 0.012}
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
from msgspec import Meta

from edgekit.color.controls import SKIN
from edgekit.color.formats import read_lut
from edgekit.color.layers import BACKGROUND, BLUR_BOUNDS, DEFAULT_BLUR, REGIONS, Layer, Look, Region, Source
from edgekit.color.lut import Lut3D
from edgekit.color.sheets import Picture, reduced
from edgekit.color.styles import style_named
from edgekit.errors import EdgekitError
from edgekit.files import write_json
from edgekit.images import read_photo, srgb_bytes
from edgekit.reading import JsonKind, Text, read_json, shown

SUFFIX = ".json"
PICTURE_SIDE = 4096  # px: a second picture is kept at most this large


@dataclass(frozen=True)
class _WrittenLayer:
    """A layer in the JSON. style: a preset, whose table for these regions is meant. lut: a file beside the JSON."""

    regions: Annotated[tuple[Region, ...], Meta(min_length=1, max_length=len(REGIONS))]
    style: Text | None = None
    lut: Text | None = None
    strength: Annotated[float, Meta(ge=0, le=1)] = 1.0
    source: Source = "camera"


@dataclass(frozen=True)
class _WrittenLook:
    layers: Annotated[tuple[_WrittenLayer, ...], Meta(min_length=1, max_length=len(REGIONS))]
    picture: Text | None = None
    blur: Annotated[float, Meta(ge=BLUR_BOUNDS[0], le=BLUR_BOUNDS[1])] = DEFAULT_BLUR


WRITTEN = JsonKind(
    _WrittenLook, "a look", schema="edgekit/look", version=("schema_version", 1), limit_bytes=1 << 16
)


def read_look(path: Path) -> Look:
    """The look in a JSON file; its title is the file's name without the suffix.

    Raises EdgekitError for a wrong form or layers that contradict each other, UnknownName for a preset, LutError and
    ImageError for the files that it names.
    """
    written = read_json(path, WRITTEN, EdgekitError)
    tables: dict[Path, Lut3D] = {}
    layers = [layer for each in written.layers for layer in _layers(each, path, tables)]
    shown_file = None if written.picture is None else path.parent / written.picture
    picture = None if shown_file is None else read_picture(shown_file)
    if any(layer.source == "picture" for layer in layers) and picture is None:
        raise EdgekitError(f"{shown(path)} has a layer that shows a picture, and names no picture.")
    files = (path, *tables, *([] if shown_file is None else [shown_file]))
    return Look(tuple(layers), path.stem, picture, written.blur, files)


def write_look(path: Path, tables: Mapping[str, Sequence[str]], *, replace: bool = False) -> None:
    """Write a look that gives regions their tables. tables: regions by the table's file, beside `path`."""
    layers = [{"regions": list(regions), "lut": file} for file, regions in tables.items()]
    write_json(path, {"schema": WRITTEN.schema, "schema_version": 1, "layers": layers}, replace=replace)


def read_picture(path: Path) -> Picture:
    """A second picture, (h, w, 3) uint8 sRGB, of at most PICTURE_SIDE px a side. ImageError if it cannot be read."""
    return np.asarray(reduced(srgb_bytes(read_photo(path)), PICTURE_SIDE), np.uint8)


def _layers(written: _WrittenLayer, path: Path, tables: dict[Path, Lut3D]) -> list[Layer]:
    """The layer, or two where a preset has a table for skin and one for the rest. tables: those read so far."""
    if written.style is not None and written.lut is not None:
        raise EdgekitError(f"{shown(path)} has a layer with both a style and a lut; give one of them.")
    if written.style is not None:
        return layers_of_style(written.style, written.regions, written.strength, written.source)
    table = None
    if written.lut is not None:
        file = path.parent / written.lut
        table = tables[file] = tables[file] if file in tables else read_lut(file)
    return [Layer(written.regions, table, written.strength, written.source)]


def layers_of_style(
    name: str, regions: tuple[str, ...], strength: float = 1.0, source: Source = "camera"
) -> list[Layer]:
    """A preset's layers for some regions: skin gets its table for skin, the others that for everything."""
    luts = style_named(name).luts()
    parts = (tuple(r for r in regions if r == SKIN), tuple(r for r in regions if r != SKIN))
    tables = (luts[SKIN], luts[BACKGROUND])
    return [Layer(part, lut, strength, source) for part, lut in zip(parts, tables, strict=True) if part]
