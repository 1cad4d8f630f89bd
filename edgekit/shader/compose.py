"""Build a ShaderDescription from a look."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal, TypeVar

import numpy as np
from numpy.typing import NDArray

from edgekit.color.blur import COPY_SIDE
from edgekit.color.controls import CONTROL_RANGES
from edgekit.color.display_p3 import display_p3_from_srgb, display_p3_picture
from edgekit.color.layers import BLUR_BOUNDS, Layer, Look
from edgekit.color.look import look_of
from edgekit.color.lut import Lut3D
from edgekit.color.sheets import reduced
from edgekit.errors import EdgekitError, UnknownName
from edgekit.shader.description import (
    BLUR,
    PICTURE,
    UNIFORM_BYTES,
    Binding,
    DescribedLayer,
    MaskRefinement,
    Pass,
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

# 64³ RGBA8 is 1 MiB; a larger table costs cache misses and gains nothing at 8 bits.
MAX_TEXTURE_SIZE = 64
# A background of 2048 px is 12 MB as a texture, and as sharp as a phone's screen.
PICTURE_SIDE = 2048
DEFAULT_INTERPOLATION: Interpolation = "trilinear"  # reasons and figures: docs/shader.md
DEFAULT_DIALECTS = ("essl300", "msl", "wgsl")

IDENTITY_COLUMNS = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0)
IDENTITY_ROWS = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))


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
    look: Look | None = None,
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

    The look is a preset (`style`), LUT files (`lut` for everything but skin, `skin_lut` for skin), or any `look`.
    `interpolation`: trilinear or tetrahedral. `refinement`: how the mask follows edges, by name or with parameters.
    `encoding`: srgb or display-p3; tables are for sRGB and are rebuilt for Display P3. `dialects`: of essl300,
    essl300-external (Android's camera), msl, wgsl.

    Raises UnknownName, LutError, EdgekitError. `write_description` saves the result.
    """
    if look is None:
        look = look_of(style, lut, skin_lut)
    elif (style, lut, skin_lut) != (None, None, None):
        raise EdgekitError("Give a `look`, or a `style`, or a `lut`.")
    reading = _known("interpolation", interpolation, INTERPOLATIONS)
    colours = _known("colour encoding", encoding, ENCODINGS)
    if isinstance(refinement, str):
        refinement = refinement_named(refinement)
    luts = _distinct_luts(look.layers)
    slots = tuple(_slot(layer, luts) for layer in look.layers)
    passes = _passes(slots, refinement)
    textures = _textures(look, slots, luts, reading, refinement, colours)
    uniforms, block_bytes = _uniforms(look, slots, refinement)
    description = ShaderDescription(
        title=title or look.title,
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
        passes=passes,
    )
    return with_dialects(description, tuple(dialects))


def _known(kind: str, name: str, names: tuple[Name, ...]) -> Name:
    """`name` as one of the known names. UnknownName lists them."""
    for known in names:
        if name == known:
            return known
    raise UnknownName(kind, name, names)


def _distinct_luts(layers: tuple[Layer, ...]) -> tuple[Lut3D, ...]:
    """The distinct tables; layers that share a table share its fetch."""
    luts: list[Lut3D] = []
    for layer in layers:
        if layer.lut is not None and not any(layer.lut is lut for lut in luts):
            luts.append(layer.lut)
    return tuple(luts)


SLOTS = {"camera": None, "picture": PICTURE, "blurred": BLUR}  # a layer's source → its slot


def _slot(layer: Layer, luts: tuple[Lut3D, ...]) -> DescribedLayer:
    """The layer as it is described: with slots in place of tables and pictures."""
    source = SLOTS[layer.source]
    if layer.lut is None:
        return DescribedLayer(layer.regions, source, layer.strength)
    table = f"u_lut_{next(i for i, lut in enumerate(luts) if lut is layer.lut)}"
    return DescribedLayer(layer.regions, table, layer.strength, source)


def _reads(layers: tuple[DescribedLayer, ...], slot: str) -> bool:
    return any(slot in (layer.texture, layer.source) for layer in layers)


def _passes(layers: tuple[DescribedLayer, ...], refinement: MaskRefinement) -> tuple[Pass, ...]:
    """The passes that blur, if any layer needs them."""
    if not _reads(layers, BLUR):
        return ()
    masks = [*_group_slots(layers, refinement), *(["u_drawn"] if drawn_read(layers) else [])]
    return (
        Pass("blur_x", "u_blurred_x", COPY_SIDE, ("u_image", *masks)),
        Pass("blur_y", BLUR, COPY_SIDE, ("u_blurred_x",)),
    )


def _group_slots(layers: tuple[DescribedLayer, ...], refinement: MaskRefinement) -> list[str]:
    """The slots that hold the groups' weights."""
    groups = groups_read(layers)
    if refinement.method == "guided":
        return [f"u_coefficients_{group}" for group in groups]
    return ["u_mask"] if groups else []


def _textures(
    look: Look,
    layers: tuple[DescribedLayer, ...],
    luts: tuple[Lut3D, ...],
    interpolation: Interpolation,
    refinement: MaskRefinement,
    encoding: Encoding,
) -> tuple[Texture, ...]:
    textures = [Texture("u_image", "camera", "2d", "rgba8unorm", "linear")]
    for slot in _group_slots(layers, refinement):
        if refinement.method == "guided":
            textures.append(Texture(slot, "coefficients", "2d", "rgba16float", "linear"))
        else:
            textures.append(Texture(slot, "mask", "2d", "rgba8unorm", "linear"))
    if drawn_read(layers):
        textures.append(Texture("u_drawn", "drawn-mask", "2d", "rgba8unorm", "linear"))
    textures += [_lut_texture(i, lut, interpolation, encoding) for i, lut in enumerate(luts)]
    if _reads(layers, PICTURE):
        textures.append(_picture_texture(look.picture, encoding))
    if _reads(layers, BLUR):
        textures += [
            Texture(name, "blurred", "2d", "rgba16float", "linear") for name in ("u_blurred_x", BLUR)
        ]
    return tuple(textures)


def _picture_texture(picture: NDArray[np.uint8] | None, encoding: Encoding) -> Texture:
    """The slot of the second picture: with the look's own, or for one that the app supplies."""
    if picture is None:
        return Texture(PICTURE, "picture", "2d", "rgba8unorm", "linear")
    if encoding == "display-p3":
        picture = display_p3_picture(picture)
    small = reduced(picture, PICTURE_SIDE)
    opaque = np.full((*small.shape[:2], 1), 255, np.uint8)
    height, width = small.shape[:2]
    data = np.concatenate([small, opaque], axis=-1).tobytes()
    return Texture(PICTURE, "picture", "2d", "rgba8unorm", "linear", size=(width, height), data=data)


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


def _uniforms(
    look: Look, layers: tuple[DescribedLayer, ...], refinement: MaskRefinement
) -> tuple[tuple[Uniform, ...], int]:
    uniforms: list[Uniform] = []
    offset = 0
    transforms = _transform_names(layers, refinement)
    for name in transforms:
        uniforms.append(Uniform(name, "mat3", IDENTITY_COLUMNS, None, None, offset))
        offset += UNIFORM_BYTES["mat3"]
    floats: list[tuple[str, float, float, float | None]] = []
    if "image_from_mask" in transforms or _reads(layers, BLUR):
        # Not textureSize: Mesa returns (width, 0) for an external texture.
        floats += [("image_width", 1.0, 1.0, None), ("image_height", 1.0, 1.0, None)]
    if _reads(layers, BLUR):
        floats.append(("blur", look.blur, *BLUR_BOUNDS))
    floats += [(c.name, c.default, c.minimum, c.maximum) for c in CONTROL_RANGES]
    floats += [(f"strength_{i}", layer.strength, 0.0, 1.0) for i, layer in enumerate(layers) if layer.texture]
    for name, default, minimum, maximum in floats:
        uniforms.append(Uniform(name, "float", (default,), minimum, maximum, offset))
        offset += 4
    return tuple(uniforms), -(-offset // 16) * 16


def _transform_names(layers: tuple[DescribedLayer, ...], refinement: MaskRefinement) -> tuple[str, ...]:
    groups = groups_read(layers)
    names = ["image_from_output"]
    if groups or drawn_read(layers):
        names.append("mask_from_image")
    if groups and refinement.method == "joint-bilateral":
        names.append("image_from_mask")
    if _reads(layers, PICTURE):
        names.append("picture_from_output")
    return (*names, "grain_from_image")


def _transforms(uniforms: tuple[Uniform, ...]) -> tuple[Transform, ...]:
    spaces = {
        "image_from_output": ("output", "image"),
        "mask_from_image": ("image", "mask"),
        "image_from_mask": ("mask", "image"),
        "picture_from_output": ("output", "picture"),
        "grain_from_image": ("image", "grain"),
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
