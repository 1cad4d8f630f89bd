"""What the fused pass costs on Mesa's llvmpipe, against the same picture made in two passes.

    python -m benchmarks.shader_cost [--megapixels 3] [--runs 15] [--write]

The two-pass equivalent first upsamples the mask to the picture's size into a texture, then looks up and
blends from that texture: what an app does that upsamples the mask on its own. Both draw the same
picture (checked), in one process, interleaved; the ratio is of medians. The other rows are the fused
pass in its variants. llvmpipe runs on the CPU: the ratio is what matters, not the milliseconds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from benchmarks import harness
from edgekit.color.layers import Layer, Look, everything_but_skin
from edgekit.shader.backends.cases import guide_of, image, mask_weights, swirl_lut, warm_lut
from edgekit.shader.backends.mesa_essl import MesaEssl
from edgekit.shader.compose import describe, refinement_named
from edgekit.shader.description import DialectText, SourceText, Stage
from edgekit.shader.emit import ESSL_VERTEX
from edgekit.shader.modes import INTERPOLATIONS, REFINEMENTS, Interpolation
from edgekit.shader.oracle import Frame, mask_slots

# A picture's worth of rows may differ by rounding: the full-size mask is stored in 8 bits.
SAME_PICTURE_LEVELS = 2

UPSAMPLE = """\
#version 300 es
precision highp float;
uniform sampler2D u_image;
uniform sampler2D u_mask;
in highp vec2 v_uv;
layout(location = 0) out vec4 o_color;
void main() { o_color = texture(u_mask, v_uv); }
"""


def main() -> None:
    """Draw, time, and publish the figure `shader-cost`; exit 1 when two passes are not slower."""
    parser = harness.parser(__doc__)
    parser.add_argument("--megapixels", type=float, default=3.0)
    parser.add_argument("--runs", type=int, default=15)
    arguments = parser.parse_args()
    width = round((arguments.megapixels * 1e6 * 4 / 3) ** 0.5)
    height = round(width * 3 / 4)
    mesa = MesaEssl()
    sentence, ratio = two_passes(mesa, height, width, arguments.runs)
    tables = (variants, treatments)
    body = "\n\n".join([sentence, *(table(mesa, height, width, arguments.runs) for table in tables)])
    n = f"{width}×{height}, N = {arguments.runs} interleaved runs"
    harness.publish(arguments, "shader-cost", n, f"{harness.machine('numpy')}, {mesa.device}", body)
    raise SystemExit(0 if ratio < 1.0 else 1)


def two_passes(mesa: MesaEssl, height: int, width: int, runs: int) -> tuple[str, float]:
    """The comparison in words, and the ratio of medians fused / two-pass."""
    fused = frame("trilinear", "bilinear", height, width)
    first = DialectText(
        "essl300",
        (SourceText("up.vert", ESSL_VERTEX), SourceText("up.frag", UPSAMPLE)),
        Stage("up.vert", "main"),
        Stage("up.frag", "main"),
        fetches=1,
    )
    text = fused.description.dialect("essl300")
    full_mask = mesa.draw([(fused, first)])[0]
    second = replace(fused, pixels={**fused.pixels, "u_mask": full_mask})
    a, b = mesa.draw([(fused, text), (second, text)])
    assert np.abs(a.astype(int) - b.astype(int)).max() <= SAME_PICTURE_LEVELS
    fused_ms, two_ms = [], []
    for _ in range(runs):
        fused_ms += mesa.draw_timed(fused, text, repeats=1)[1]
        up = mesa.draw_timed(fused, first, repeats=1)[1][0]
        two_ms.append(up + mesa.draw_timed(second, text, repeats=1)[1][0])
    ratio = float(np.median(fused_ms) / np.median(two_ms))
    fused_median, two_median = np.median(fused_ms), np.median(two_ms)
    return f"Fused {fused_median:.1f} ms, two passes {two_median:.1f} ms, ratio {ratio:.2f}.", ratio


def variants(mesa: MesaEssl, height: int, width: int, runs: int) -> str:
    """The fused pass with every interpolation and refinement."""
    columns = [(i, r) for i in INTERPOLATIONS for r in REFINEMENTS]
    frames = {" ".join(column): frame(*column, height, width) for column in columns}
    return timed(mesa, frames, "interpolation and refinement", runs)


def treatments(mesa: MesaEssl, height: int, width: int, runs: int) -> str:
    """The fused pass with every kind of layer; the time of a blur holds its two passes."""
    first, second = warm_lut(33), swirl_lut(33)
    skin = Layer(("skin",), second)
    looks = {
        "one table, one for skin": Look(everything_but_skin(first, second)),
        "four tables": Look(
            (
                skin,
                Layer(("hair",), warm_lut(33)),
                Layer(("clothes",), swirl_lut(33)),
                Layer(("background",), first),
            )
        ),
        "a picture behind": Look(
            (skin, Layer(("hair", "clothes"), first), Layer(("background",), source="picture"))
        ),
        "the background blurred": Look(
            (skin, Layer(("hair", "clothes"), first), Layer(("background",), first, source="blurred"))
        ),
    }
    frames = {name: frame("trilinear", "bilinear", height, width, look) for name, look in looks.items()}
    return timed(mesa, frames, "layers", runs)


def timed(mesa: MesaEssl, frames: Mapping[str, Frame], kind: str, runs: int) -> str:
    """The frames drawn in turns, as a table against the first of them."""
    times: dict[str, list[float]] = {name: [] for name in frames}
    for _ in range(runs):
        for name, drawn in frames.items():
            times[name] += mesa.draw_timed(drawn, drawn.description.dialect("essl300"), repeats=1)[1]
    base = float(np.median(next(iter(times.values()))))
    rows = []
    for name, ms in times.items():
        text = frames[name].description.dialect("essl300")
        passes = ", ".join(str(each.fetches) for each in text.passes) or "–"
        median = float(np.median(ms))
        rows.append((name, text.fetches, passes, f"{median:.1f}", f"{median / base:.2f}"))
    return harness.table((kind, "fetches", "of each pass before", "ms", "× the first"), rows)


def frame(
    interpolation: Interpolation, refinement: str, height: int, width: int, look: Look | None = None
) -> Frame:
    """A look on the proof table's picture repeated to size; by default one table for everything and one for skin."""
    look = look or Look(everything_but_skin(warm_lut(33), swirl_lut(33)))
    description = describe(look, interpolation=interpolation, refinement=refinement_named(refinement))
    pixels = {"u_image": tiled(height, width), **mask_slots(description, mask_weights(), guide_of(image()))}
    if description.textures_with("picture"):
        pixels["u_picture"] = tiled(height, width)[::-1].copy()
    return Frame(description, pixels, height, width)


def tiled(height: int, width: int) -> NDArray[np.uint8]:
    tile = image()
    rows, columns = -(-height // tile.shape[0]), -(-width // tile.shape[1])
    return np.ascontiguousarray(np.tile(tile, (rows, columns, 1))[:height, :width])


if __name__ == "__main__":
    main()
