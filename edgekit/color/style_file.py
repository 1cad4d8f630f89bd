"""Style files: a style's parameters, its tables, and its guarantees, which are measured on writing."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from itertools import product
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edgekit.color.controls import (
    GROUPS,
    NO_CONTROLS,
    SKIN,
    TONE,
    WARMTH_RGB,
    Controls,
    curve,
    share,
)
from edgekit.color.formats.cube import write_cube
from edgekit.color.look import scene_file
from edgekit.color.lut import Lut3D
from edgekit.color.skin import (
    EXPOSURES,
    LIGHTS_KELVIN,
    MIN_CHROMA,
    MONK_SKIN_TONES,
    SkinChange,
    skin_change,
    skin_locus,
)
from edgekit.color.styles import Style
from edgekit.files import JsonValue, check_file_place, write_json, write_whole

SCHEMA = "edgekit-style/1"
# The ends and middles of tone and warmth, which bend colours. Intensity and protection only mix the original in; color
# has a bound of its own.
ANY_CONTROLS = tuple(Controls(tone=t, warmth=w) for t, w in product((-1.0, 0.0, 1.0), repeat=2))


@dataclass(frozen=True)
class Steps:
    """The largest jump of any channel between two neighbouring 8-bit inputs along one axis, in levels."""

    everything: float
    skin: float


def style_json(style: Style) -> dict[str, JsonValue]:
    """The style as JSON: its parameters, promise, skin certificate and largest steps."""
    luts = style.luts()
    everything, skin = luts[GROUPS[-1]], luts[SKIN]
    any_skin = [skin_change(skin, controls) for controls in ANY_CONTROLS]
    return {
        "schema": SCHEMA,
        "name": style.name,
        "title": style.title,
        "family": style.family,
        "description": style.description,
        "everything": asdict(style.everything),
        "skin": asdict(style.skin),
        "certificate": {
            "space": "CIELAB, D65",
            "locus": {
                "tones": [f"#{tone}" for tone in MONK_SKIN_TONES],
                "lights_kelvin": list(LIGHTS_KELVIN),
                "exposures": list(EXPOSURES),
                "min_chroma_for_hue": MIN_CHROMA,
                "n": len(skin_locus()),
            },
            "promise": asdict(style.promise),
            "neutral_controls": asdict(skin_change(skin)),
            "any_controls": asdict(worst_of(any_skin)),
        },
        "largest_step_levels": {
            "neutral_controls": asdict(Steps(largest_step(everything), largest_step(skin))),
            "any_controls": asdict(
                Steps(
                    max(largest_step(everything, c, GROUPS[-1]) for c in ANY_CONTROLS),
                    max(largest_step(skin, c, SKIN) for c in ANY_CONTROLS),
                )
            ),
        },
    }


def save_style(style: Style, folder: Path, force: bool) -> tuple[Path, ...]:
    """Write NAME.json, NAME.cube and NAME-skin.cube; returns their paths."""
    paths = tuple(folder / f"{style.name}{ending}" for ending in (".json", ".cube", "-skin.cube"))
    for path in paths:
        check_file_place(path, replace=force)
    luts = style.luts()
    write_json(paths[0], style_json(style), replace=force)
    write_cube(paths[1], luts[GROUPS[-1]], replace=force)
    write_cube(paths[2], luts[SKIN], replace=force)
    return paths


def save_scene(name: str, folder: Path, force: bool) -> Path:
    """Write a scene's look as NAME.json; returns its path."""
    path = folder / f"{name}.json"
    write_whole(path, scene_file(name).read_bytes(), replace=force)
    return path


def worst_of(changes: list[SkinChange]) -> SkinChange:
    """The worst of several changes: the maximum of each bound, and the mean shifts of largest magnitude."""
    hues = [change.max_hue_deg for change in changes if change.max_hue_deg is not None]
    return SkinChange(
        max_hue_deg=max(hues) if hues else None,
        max_lightness=max(change.max_lightness for change in changes),
        max_delta_e00=max(change.max_delta_e00 for change in changes),
        mean_delta_a=max((change.mean_delta_a for change in changes), key=abs),
        mean_delta_b=max((change.mean_delta_b for change in changes), key=abs),
    )


def largest_step(lut: Lut3D, controls: Controls = NO_CONTROLS, group: str = GROUPS[-1]) -> float:
    """An upper bound, in levels of 255, on the output step between two inputs one level apart along an axis.

    controls: with tone and warmth; color and grain are left out.

    Interpolation is linear along an axis inside a cell, so without controls the bound is the steepest edge
    between two table points. Each control's slope is monotone in the colour, so its largest value on an edge
    is at one of the edge's ends; the product of the three slopes is the bound. The identity has 1.
    """
    steepest = 0.0
    for axis in range(3):
        low = np.moveaxis(lut.table, axis, 0)[:-1].astype(np.float64)
        high = np.moveaxis(lut.table, axis, 0)[1:].astype(np.float64)
        slope = np.abs(high - low) * (lut.size - 1)
        slope *= np.maximum(*(_tone_slope(end, controls) for end in (low, high)))
        slope *= np.maximum(*(_warmth_slope(end, controls, group) for end in (low, high)))
        steepest = max(steepest, float(slope.max()))
    return round(steepest, 3)


def _tone_slope(c: NDArray[np.float64], controls: Controls) -> NDArray[np.float64]:
    return 1.0 + TONE * controls.tone * (1.0 - 2.0 * c)


def _warmth_slope(c: NDArray[np.float64], controls: Controls, group: str) -> NDArray[np.float64]:
    toned = curve(c, TONE * controls.tone)
    k = np.asarray(WARMTH_RGB) * (controls.warmth * share(group))
    return np.asarray(1.0 + k * (1.0 - 2.0 * toned), np.float64)
