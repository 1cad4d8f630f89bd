"""ShaderDescription: everything an app needs to draw the fused pass, as data.

The JSON form (`schema/shader-description.schema.json`, version in SCHEMA_VERSION) is written beside its
texture files and shader texts; reading it back checks the schema and every sha256. Conventions:

- Every texture is uploaded with its first row on top, and never in an `_srgb` format: the tables take and
  return encoded values.
- The group mask is one RGBA8 texture: r = skin, g = hair, b = clothes, background = 1 − (r + g + b);
  its alpha is ignored. A user-drawn mask holds the regions drawn_1, drawn_2, drawn_3 in r, g, b; where a
  drawn region covers a pixel, the groups' weights are reduced.
- A 3-D table's bytes run red fastest, then green, then blue, as `glTexImage3D` and Metal expect.
- Coordinates: see `edgekit/shader/transforms.py`.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from functools import partial
from math import prod
from pathlib import Path
from typing import Annotated, Literal

from msgspec import Meta

from edgekit.color.layers import Region
from edgekit.errors import ShaderError
from edgekit.files import FolderKind, json_text, sha256_of_bytes, staged_folder
from edgekit.reading import (
    Count,
    JsonKind,
    Positive,
    Sha256,
    Text,
    parsed_json,
    read_bytes,
    read_json,
    shown,
)
from edgekit.shader.modes import Encoding, Interpolation, Refinement

SCHEMA = "edgekit/shader-description"
SCHEMA_VERSION = 1
DESCRIPTION_FILE = "shader.json"
MOST_TEXTURE_BYTES = 64 << 20  # a 4096×4096 picture, as a bundle allows
PIXEL_BYTES = {"rgba8unorm": 4, "rgba16float": 8}
UNIFORM_BYTES = {
    "float": 4,
    "mat3": 48,
}  # a mat3: three columns of vec3, each aligned to 16 (WGSL 14.4.1, MSL 2.3)

Name = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_]*\Z", max_length=200)]
FileName = Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*\Z", max_length=200)]
Title = Annotated[str, Meta(max_length=1000)]
Dialect = Annotated[str, Meta(pattern=r"^(essl300|essl300-external|msl|wgsl)\Z")]
AtLeast1 = Annotated[int, Meta(ge=1)]
MOST_BLOCK_BYTES = 1 << 16  # what every WebGPU device binds (maxUniformBufferBindingSize)
BlockBytes = Annotated[int, Meta(ge=16, le=MOST_BLOCK_BYTES, multiple_of=16)]
Size = Annotated[tuple[AtLeast1, ...], Meta(min_length=2, max_length=3)]  # width, height[, depth]

PICTURE, BLUR = "u_picture", "u_blurred"  # the slots of the second picture and of the blurred image

Role = Literal["camera", "mask", "coefficients", "drawn-mask", "lut", "picture", "blurred"]


@dataclass(frozen=True)
class Texture:
    """One texture slot.

    `size` (width, height[, depth]) and `data` are set if edgekit ships the bytes; otherwise they are None and the
    app supplies the bytes, for every frame or once; those with the role "blurred" it draws, as `Pass` says.
    """

    name: Name
    role: Role
    dimension: Literal["2d", "3d"]
    format: Literal["rgba8unorm", "rgba16float"]
    filter: Literal["linear", "nearest"]
    wrap: Literal["clamp-to-edge"] = "clamp-to-edge"
    size: Size | None = None
    data: bytes | None = field(default=None, repr=False)

    @property
    def file(self) -> str | None:
        """The name of the file beside the JSON that holds the bytes; None if the app supplies them."""
        return None if self.data is None else f"{self.name.removeprefix('u_')}.rgba8"


@dataclass(frozen=True)
class Binding:
    """The place of a resource in each dialect. ESSL binds textures by name; `essl_unit` is only a proposal.

    MSL samplers are constants in the text, so only WGSL has a sampler binding.
    """

    name: Name
    kind: Literal["texture", "sampler", "uniforms"]
    essl_unit: Count | None
    msl_index: Count | None
    wgsl_group: Count | None
    wgsl_binding: Count | None


@dataclass(frozen=True)
class Uniform:
    """A float with its range, or a mat3 (column-major, as every dialect's API takes it).

    offset_bytes: in MSL's and WGSL's one uniform block, where a mat3's columns are 16 bytes apart.
    ESSL has plain uniforms named `u_` + name.
    """

    name: Name
    type: Literal["float", "mat3"]
    default: Annotated[tuple[float, ...], Meta(min_length=1, max_length=9)]
    minimum: float | None
    maximum: float | None
    offset_bytes: Count


@dataclass(frozen=True)
class Transform:
    """A uniform mat3 that takes coordinates of one space to another; row-major here, for reading.

    The space `grain` is the whole photo's, with its longer side as the unit of both axes.
    """

    uniform: Name
    source: Literal["output", "image", "mask"]
    target: Literal["image", "mask", "picture", "grain"]
    matrix: Annotated[tuple[tuple[float, float, float], ...], Meta(min_length=3, max_length=3)]


@dataclass(frozen=True)
class DescribedLayer:
    """The treatment of some regions: a look-up table, a second picture, the blurred image, or none.

    texture: the LUT's, the picture's or the blur's slot; None leaves the regions unchanged.
    strength: the default of the uniform `strength_<index of the layer>`.
    source: the slot whose colours a LUT looks up; None: the camera's.
    """

    regions: Annotated[tuple[Region, ...], Meta(min_length=1)]
    texture: Name | None
    strength: Annotated[float, Meta(ge=0, le=1)] = 1.0
    source: Name | None = None


@dataclass(frozen=True)
class Pass:
    """A draw before the fused one, into a texture that the app keeps; in order, each may read those before it.

    target: the slot that is drawn into, with the image's shape and at most `longest_side` pixels along its longer
    side: each side is that of the image times min(1, longest_side / the longer), rounded, and at least 1. Output and
    image have the same coordinates in it. textures: the slots that it reads.
    """

    name: Name
    target: Name
    longest_side: AtLeast1
    textures: Annotated[tuple[Name, ...], Meta(min_length=1)]


@dataclass(frozen=True)
class MaskRefinement:
    """The refinement method and its parameters; those that it does not use are None.

    `coefficients_by`, for guided: whether the app or the segmenter computes the coefficient textures.
    """

    method: Refinement = "bilinear"
    reach: AtLeast1 | None = None
    sigma: Positive | None = None
    epsilon: Positive | None = None
    coefficients_by: Literal["app", "segmenter"] | None = None


@dataclass(frozen=True)
class SourceText:
    file: str
    text: str = field(repr=False)


@dataclass(frozen=True)
class Stage:
    file: FileName
    entry: Text


@dataclass(frozen=True)
class PassText:
    """The stages of one pass, and the texture fetches counted in its text."""

    name: Name
    vertex: Stage
    fragment: Stage
    fetches: AtLeast1


@dataclass(frozen=True)
class DialectText:
    """The emitted text of one dialect, its entry points, and the texture fetches counted in it."""

    name: Dialect
    sources: tuple[SourceText, ...]
    vertex: Stage
    fragment: Stage
    fetches: AtLeast1
    passes: tuple[PassText, ...] = ()

    def text_of(self, stage: Stage) -> str:
        return next(source.text for source in self.sources if source.file == stage.file)


@dataclass(frozen=True)
class ShaderDescription:
    """Everything an app needs to draw the fused pass, by the conventions in this module's docstring.

    `uniform_block_size_bytes` is a multiple of 16, as WGSL requires.
    """

    title: Title
    interpolation: Interpolation
    refinement: MaskRefinement
    precision: Literal["highp"]
    encoding: Encoding
    layers: Annotated[tuple[DescribedLayer, ...], Meta(min_length=1)]
    textures: tuple[Texture, ...]
    bindings: tuple[Binding, ...]
    uniforms: tuple[Uniform, ...]
    transforms: tuple[Transform, ...]
    uniform_block_size_bytes: BlockBytes
    dialects: tuple[DialectText, ...] = ()
    passes: tuple[Pass, ...] = ()

    def texture(self, name: str) -> Texture:
        return next(texture for texture in self.textures if texture.name == name)

    def textures_with(self, role: Role) -> tuple[Texture, ...]:
        return tuple(texture for texture in self.textures if texture.role == role)

    def dialect(self, name: str) -> DialectText:
        for text in self.dialects:
            if text.name == name:
                return text
        known = ", ".join(text.name for text in self.dialects) or "none"
        raise ShaderError(name, f"the description holds no text in this dialect; it holds: {known}.")


@dataclass(frozen=True)
class _WrittenTexture:
    """A texture in the JSON; its bytes are in `file`."""

    name: Name
    role: Role
    dimension: Literal["2d", "3d"]
    format: Literal["rgba8unorm", "rgba16float"]
    filter: Literal["linear", "nearest"]
    wrap: Literal["clamp-to-edge"]
    size: Size | None
    file: FileName | None
    sha256: Sha256 | None


@dataclass(frozen=True)
class _WrittenSource:
    file: FileName
    text: Annotated[str, Meta(min_length=1)]
    sha256: Sha256


@dataclass(frozen=True)
class _WrittenDialect:
    name: Dialect
    sources: Annotated[tuple[_WrittenSource, ...], Meta(min_length=1)]
    vertex: Stage
    fragment: Stage
    fetches: AtLeast1
    passes: tuple[PassText, ...] = ()


@dataclass(frozen=True)
class _Written:
    """The JSON of a description."""

    title: Title
    interpolation: Interpolation
    refinement: MaskRefinement
    precision: Literal["highp"]
    encoding: Encoding
    layers: Annotated[tuple[DescribedLayer, ...], Meta(min_length=1)]
    textures: tuple[_WrittenTexture, ...]
    bindings: tuple[Binding, ...]
    uniforms: tuple[Uniform, ...]
    transforms: tuple[Transform, ...]
    uniform_block_size_bytes: BlockBytes
    dialects: tuple[_WrittenDialect, ...]
    passes: tuple[Pass, ...] = ()


WRITTEN = JsonKind(
    _Written,
    "a shader description",
    schema=SCHEMA,
    version=("schema_version", SCHEMA_VERSION),
    complete=True,
    added=("passes", "source"),
)
refused = partial(ShaderError, "description")


def lut_size(texture: Texture) -> int:
    """The points per side of a LUT texture."""
    if texture.size is None:
        raise ShaderError("description", f"the table {texture.name} has no size.")
    return texture.size[0]


def json_of(description: ShaderDescription) -> str:
    """The description as JSON text, checked against the schema."""
    value: dict[str, object] = {"schema": SCHEMA, "schema_version": SCHEMA_VERSION}
    value.update(asdict(description))
    value["textures"] = [_json_of_texture(texture) for texture in description.textures]
    value["dialects"] = [_json_of_dialect(dialect) for dialect in description.dialects]
    text = json_text(value)
    parsed_json(text.encode(), "The description", WRITTEN, refused)
    return text


def write_description(description: ShaderDescription, folder: Path, force: bool = False) -> Path:
    """Write the JSON, every texture's bytes and every shader text into a new `folder`. Returns the JSON's path."""
    with staged_folder(folder, DESCRIPTION, replace=force) as temporary:
        (temporary / DESCRIPTION_FILE).write_text(json_of(description), encoding="utf-8")
        for texture in description.textures:
            if texture.data is not None and texture.file is not None:
                (temporary / texture.file).write_bytes(texture.data)
        for dialect in description.dialects:
            for source in dialect.sources:
                (temporary / source.file).write_text(source.text, encoding="utf-8")
    return folder / DESCRIPTION_FILE


def _described_files(folder: Path) -> tuple[str, ...] | None:
    """The files that the folder's JSON lists, whether or not they still exist; None without a valid JSON."""
    try:
        written = read_json(folder / DESCRIPTION_FILE, WRITTEN, refused)
    except ShaderError:
        return None
    textures = (texture.file for texture in written.textures if texture.file is not None)
    sources = (source.file for dialect in written.dialects for source in dialect.sources)
    return (DESCRIPTION_FILE, *textures, *sources)


DESCRIPTION = FolderKind("a shader description", _described_files)


def read_description(path: Path) -> ShaderDescription:
    """Read the JSON at `path` and the files beside it; a wrong form, size or sha256 is a ShaderError."""
    written = read_json(path, WRITTEN, refused)
    if any(len(set(layer.regions)) < len(layer.regions) for layer in written.layers):
        raise refused(f"{shown(path)} has a layer that names a region twice.")
    for uniform in written.uniforms:
        if uniform.offset_bytes + UNIFORM_BYTES[uniform.type] > written.uniform_block_size_bytes:
            raise refused(f"{shown(path)}: the uniform {uniform.name} lies outside the uniform block.")
    _check_passes(written, path)
    return ShaderDescription(
        title=written.title,
        interpolation=written.interpolation,
        refinement=written.refinement,
        precision=written.precision,
        encoding=written.encoding,
        layers=written.layers,
        textures=tuple(_texture(texture, path.parent) for texture in written.textures),
        bindings=written.bindings,
        uniforms=written.uniforms,
        transforms=written.transforms,
        uniform_block_size_bytes=written.uniform_block_size_bytes,
        dialects=tuple(_dialect(dialect, path) for dialect in written.dialects),
        passes=written.passes,
    )


def _check_passes(written: _Written, path: Path) -> None:
    """Refuse a pass without a texture of its own to draw into, that reads what holds nothing yet, or whose text a
    dialect lacks."""
    drawn = [texture.name for texture in written.textures if texture.role == "blurred"]
    if sorted(drawn) != sorted(each.target for each in written.passes):
        raise refused(f"{shown(path)}: its passes do not draw each of the textures that passes draw once.")
    ready = {texture.name for texture in written.textures}.difference(drawn)
    for each in written.passes:
        if missing := sorted(set(each.textures) - ready):
            raise refused(
                f"{shown(path)}: the pass {each.name} reads {missing[0]}, which holds nothing by then."
            )
        ready.add(each.target)
    names = [each.name for each in written.passes]
    for dialect in written.dialects:
        if [each.name for each in dialect.passes] != names:
            raise refused(f"{shown(path)}: the dialect {dialect.name} has no text for each pass.")


def _json_of_dialect(dialect: DialectText) -> dict[str, object]:
    sources = [
        {**asdict(source), "sha256": sha256_of_bytes(source.text.encode())} for source in dialect.sources
    ]
    return {**asdict(dialect), "sources": sources}


def _json_of_texture(texture: Texture) -> dict[str, object]:
    return {
        "name": texture.name,
        "role": texture.role,
        "dimension": texture.dimension,
        "format": texture.format,
        "filter": texture.filter,
        "wrap": texture.wrap,
        "size": None if texture.size is None else list(texture.size),
        "file": texture.file,
        "sha256": None if texture.data is None else sha256_of_bytes(texture.data),
    }


def _texture(written: _WrittenTexture, folder: Path) -> Texture:
    return Texture(
        name=written.name,
        role=written.role,
        dimension=written.dimension,
        format=written.format,
        filter=written.filter,
        size=written.size,
        data=None if written.file is None else _texture_bytes(folder / written.file, written),
    )


def _texture_bytes(path: Path, written: _WrittenTexture) -> bytes:
    """Read a texture file, whose length `size` and `format` determine before anything is read."""
    if written.size is None or written.sha256 is None:
        raise refused(f"{shown(path)} is described without its size or sha256.")
    if len(written.size) != (3 if written.dimension == "3d" else 2):
        raise refused(f"{shown(path)} is described with {len(written.size)} sides.")
    size_bytes = prod(written.size) * PIXEL_BYTES[written.format]
    data = read_bytes(path, min(size_bytes, MOST_TEXTURE_BYTES), refused)
    if len(data) != size_bytes or sha256_of_bytes(data) != written.sha256:
        raise refused(f"{shown(path)} is not the file that was described: its sha256 differs.")
    return data


def _dialect(written: _WrittenDialect, path: Path) -> DialectText:
    for source in written.sources:
        if sha256_of_bytes(source.text.encode()) != source.sha256:
            raise ShaderError(
                written.name, f"{shown(path)}: the text of {source.file} was changed: its sha256 differs."
            )
    files = {source.file for source in written.sources}
    stages = [written.vertex, written.fragment]
    stages += [stage for each in written.passes for stage in (each.vertex, each.fragment)]
    if missing := next((stage.file for stage in stages if stage.file not in files), None):
        raise ShaderError(written.name, f"{shown(path)} has no text for {missing}.")
    return DialectText(
        name=written.name,
        sources=tuple(SourceText(source.file, source.text) for source in written.sources),
        vertex=written.vertex,
        fragment=written.fragment,
        fetches=written.fetches,
        passes=written.passes,
    )
