"""Build a ShaderDescription from layers of look-up tables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeVar

import numpy as np

from edgekit.color.controls import CONTROL_RANGES
from edgekit.color.display_p3 import display_p3_from_srgb
from edgekit.color.look import look_of
from edgekit.color.lut import Lut3D
from edgekit.errors import ShaderError, UnknownName
from edgekit.shader.description import (
    BACKGROUND,
    REGIONS,
    UNIFORM_BYTES,
    Binding,
    Layer,
    MaskRefinement,
    ShaderDescription,
    Texture,
    Transform,
    Uniform,
)
from edgekit.shader.emit import with_dialects
from edgekit.shader.maths import drawn_read, groups_read
from edgekit.shader.modes import (
    DEFAULT_REFINEMENT,
    ENCODINGS,
    INTERPOLATIONS,
    REFINEMENTS,
    Encoding,
    Interpolation,
)
from edgekit.shader.refine import GUIDED, JOINT_BILATERAL

Name = TypeVar("Name", bound=str)

EVERYTHING_BUT_SKIN = ("hair", "clothes", BACKGROUND)
# 64³ RGBA8 is 1 MiB; a larger table costs cache misses and gains nothing at 8 bits.
MAX_TEXTURE_SIZE = 64
DEFAULT_INTERPOLATION: Interpolation = "trilinear"  # reasons and figures: docs/shader.md
DEFAULT_DIALECTS = ("essl300", "msl", "wgsl")

IDENTITY_COLUMNS = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0)
IDENTITY_ROWS = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))


@dataclass(frozen=True)
class LayerSpec:
    """One layer to describe. regions: of REGIONS. source: a table, "picture" (a second picture), or None: unchanged."""

    regions: tuple[str, ...]
    source: Lut3D | Literal["picture"] | None
    strength: float = 1.0


def everything_but_skin(lut: Lut3D, skin: Lut3D | None = None) -> tuple[LayerSpec, ...]:
    """Layers with one table for everything but skin; skin has its own, or stays unchanged if that is None."""
    return (LayerSpec(EVERYTHING_BUT_SKIN, lut), LayerSpec(("skin",), skin))


def refinement_named(name: str, coefficients_by: Literal["app", "segmenter"] = "app") -> MaskRefinement:
    """The refinement of that name, with the parameters that were chosen by measurement."""
    if name == "bilinear":
        return MaskRefinement("bilinear")
    if name == "joint-bilateral":
        return MaskRefinement("joint-bilateral", reach=JOINT_BILATERAL.reach, sigma=JOINT_BILATERAL.sigma)
    if name == "guided":
        return MaskRefinement("guided", epsilon=GUIDED.epsilon, coefficients_by=coefficients_by)
    raise UnknownName("mask refinement", name, REFINEMENTS)


def describe(
    layers: tuple[LayerSpec, ...] = (),
    *,
    style: str | None = None,
    lut: Path | None = None,
    skin_lut: Path | None = None,
    title: str = "",
    interpolation: str = DEFAULT_INTERPOLATION,
    refinement: MaskRefinement | str = DEFAULT_REFINEMENT,
    encoding: str = "srgb",
    dialects: Sequence[str] = DEFAULT_DIALECTS,
) -> ShaderDescription:
    """Describe the fused pass of a style as data: textures, bindings, uniforms, and the shader text of each dialect.

    The look is a preset (`style`), LUT files (`lut` for everything but skin, `skin_lut` for skin), or any `layers`.
    `interpolation`: trilinear or tetrahedral. `refinement`: how the mask follows edges, by name or with parameters.
    `encoding`: srgb or display-p3; tables are for sRGB and are rebuilt for Display P3. `dialects`: of essl300,
    essl300-external (Android's camera), msl, wgsl.

    Raises UnknownName, LutError, ShaderError (layers that contradict each other), EdgekitError.
    `write_description` saves the result.
    """
    if not layers:
        look = look_of(style, lut, skin_lut)
        layers, title = everything_but_skin(look.everything, look.skin), title or look.title
    elif (style, lut, skin_lut) != (None, None, None):
        raise ShaderError("description", "give `layers`, or a `style`, or a `lut`.")
    _check(layers)
    reading = _known("interpolation", interpolation, INTERPOLATIONS)
    colours = _known("colour encoding", encoding, ENCODINGS)
    if isinstance(refinement, str):
        refinement = refinement_named(refinement)
    luts = _distinct_luts(layers)
    slots = tuple(Layer(spec.regions, _slot(spec, luts), spec.strength) for spec in layers)
    textures = _textures(slots, luts, reading, refinement, colours)
    uniforms, block_bytes = _uniforms(slots, refinement)
    description = ShaderDescription(
        title=title,
        interpolation=reading,
        refinement=refinement,
        precision="highp",
        encoding=colours,
        layers=slots,
        textures=textures,
        bindings=_bindings(textures),
        uniforms=uniforms,
        transforms=_transforms(uniforms),
        uniform_block_size_bytes=block_bytes,
    )
    return with_dialects(description, tuple(dialects))


def _known(kind: str, name: str, names: tuple[Name, ...]) -> Name:
    """`name` as one of the known names. UnknownName lists them."""
    for known in names:
        if name == known:
            return known
    raise UnknownName(kind, name, names)


def _check(layers: tuple[LayerSpec, ...]) -> None:
    named = [region for layer in layers for region in layer.regions]
    for region in named:
        if region not in REGIONS:
            raise UnknownName("region", region, REGIONS)
        if named.count(region) > 1:
            raise ShaderError("description", f"the region {region} is in two layers; give it to one.")
    for layer in layers:
        if not layer.regions:
            raise ShaderError("description", "a layer names no region; name at least one.")
        if not 0.0 <= layer.strength <= 1.0:
            raise ShaderError("description", f"a strength is {layer.strength}; give a number from 0 to 1.")
    if all(layer.source is None for layer in layers):
        raise ShaderError("description", "no layer changes anything; give one a table or a picture.")


def _distinct_luts(layers: tuple[LayerSpec, ...]) -> tuple[Lut3D, ...]:
    """The distinct tables; layers that share a table share its fetch."""
    luts: list[Lut3D] = []
    for layer in layers:
        if isinstance(layer.source, Lut3D) and not any(layer.source is lut for lut in luts):
            luts.append(layer.source)
    return tuple(luts)


def _slot(spec: LayerSpec, luts: tuple[Lut3D, ...]) -> str | None:
    if isinstance(spec.source, Lut3D):
        return f"u_lut_{next(i for i, lut in enumerate(luts) if lut is spec.source)}"
    return None if spec.source is None else "u_picture"


def _textures(
    layers: tuple[Layer, ...],
    luts: tuple[Lut3D, ...],
    interpolation: Interpolation,
    refinement: MaskRefinement,
    encoding: Encoding,
) -> tuple[Texture, ...]:
    textures = [Texture("u_image", "camera", "2d", "rgba8unorm", "linear")]
    groups = groups_read(layers)
    if groups and refinement.method == "guided":
        textures += [
            Texture(f"u_coefficients_{group}", "coefficients", "2d", "rgba16float", "linear")
            for group in groups
        ]
    elif groups:
        textures.append(Texture("u_mask", "mask", "2d", "rgba8unorm", "linear"))
    if drawn_read(layers):
        textures.append(Texture("u_drawn", "drawn-mask", "2d", "rgba8unorm", "linear"))
    textures += [_lut_texture(i, lut, interpolation, encoding) for i, lut in enumerate(luts)]
    if any(layer.texture == "u_picture" for layer in layers):
        textures.append(Texture("u_picture", "picture", "2d", "rgba8unorm", "linear"))
    return tuple(textures)


def _lut_texture(index: int, lut: Lut3D, interpolation: Interpolation, encoding: Encoding) -> Texture:
    lut = lut.resampled(min(lut.size, MAX_TEXTURE_SIZE))
    if encoding == "display-p3":
        lut = display_p3_from_srgb(lut)
    return Texture(
        f"u_lut_{index}",
        "lut",
        "3d",
        "rgba8unorm",
        "linear" if interpolation == "trilinear" else "nearest",
        size=(lut.size, lut.size, lut.size),
        data=rgba8_of(lut),
    )


def rgba8_of(lut: Lut3D) -> bytes:
    """The bytes of a table as a 3-D texture: red fastest, then green, then blue; alpha 255."""
    levels = np.round(np.clip(lut.table, 0.0, 1.0) * 255.0).astype(np.uint8)
    opaque = np.full((*levels.shape[:3], 1), 255, np.uint8)
    # (r, g, b, 4) → (b, g, r, 4)
    return np.concatenate([levels, opaque], axis=-1).transpose(2, 1, 0, 3).tobytes()


def _uniforms(layers: tuple[Layer, ...], refinement: MaskRefinement) -> tuple[tuple[Uniform, ...], int]:
    uniforms: list[Uniform] = []
    offset = 0
    for name in _transform_names(layers, refinement):
        uniforms.append(Uniform(name, "mat3", IDENTITY_COLUMNS, None, None, offset))
        offset += UNIFORM_BYTES["mat3"]
    floats: list[tuple[str, float, float, float | None]] = []
    if "image_from_mask" in _transform_names(layers, refinement):
        # Not textureSize: Mesa returns (width, 0) for an external texture.
        floats += [("image_width", 1.0, 1.0, None), ("image_height", 1.0, 1.0, None)]
    floats += [(c.name, c.default, c.minimum, c.maximum) for c in CONTROL_RANGES]
    floats += [(f"strength_{i}", layer.strength, 0.0, 1.0) for i, layer in enumerate(layers) if layer.texture]
    for name, default, minimum, maximum in floats:
        uniforms.append(Uniform(name, "float", (default,), minimum, maximum, offset))
        offset += 4
    return tuple(uniforms), -(-offset // 16) * 16


def _transform_names(layers: tuple[Layer, ...], refinement: MaskRefinement) -> tuple[str, ...]:
    groups = groups_read(layers)
    names = ["image_from_output"]
    if groups or drawn_read(layers):
        names.append("mask_from_image")
    if groups and refinement.method == "joint-bilateral":
        names.append("image_from_mask")
    return tuple(names)


def _transforms(uniforms: tuple[Uniform, ...]) -> tuple[Transform, ...]:
    spaces = {
        "image_from_output": ("output", "image"),
        "mask_from_image": ("image", "mask"),
        "image_from_mask": ("mask", "image"),
    }
    return tuple(
        Transform(u.name, *spaces[u.name], IDENTITY_ROWS)  # type: ignore[arg-type]  # literal spaces
        for u in uniforms
        if u.type == "mat3"
    )


def _bindings(textures: tuple[Texture, ...]) -> tuple[Binding, ...]:
    bindings = [Binding(t.name, "texture", i, i, 0, i) for i, t in enumerate(textures)]
    count = len(textures)
    bindings.append(Binding("s_linear", "sampler", None, None, 0, count))
    bindings.append(Binding("params", "uniforms", None, 0, 0, count + 1))
    return tuple(bindings)
