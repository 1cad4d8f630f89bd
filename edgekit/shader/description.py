"""ShaderDescription: everything an app needs to draw the fused pass, as data.

The JSON form (`schema/shader-description.schema.json`, version in SCHEMA_VERSION) is written beside its
texture files and shader texts; reading it back checks the schema and every sha256. Conventions:

- Every texture is uploaded with its first row on top, and never through an `_srgb` format: the tables
  are indexed by, and answer with, encoded values.
- The group mask is one RGBA8 texture: r = skin, g = hair, b = clothes, background = 1 − (r + g + b);
  its alpha is ignored. A user-drawn mask holds the regions drawn_1, drawn_2, drawn_3 in r, g, b; what a
  drawn region covers is taken from the groups.
- A 3-D table's bytes run red fastest, then green, then blue, as `glTexImage3D` and Metal expect.
- Coordinates: see `edgekit/shader/transforms.py`.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Literal

from edgekit.errors import ShaderError
from edgekit.files import FolderKind, json_text, sha256_of_bytes, staged_folder
from edgekit.schemas import first_problem

SCHEMA = ("edgekit.shader", "shader-description")
SCHEMA_VERSION = 1
DESCRIPTION_FILE = "shader.json"

GROUP_REGIONS = ("skin", "hair", "clothes")  # the mask's r, g, b
BACKGROUND = "background"
DRAWN_REGIONS = ("drawn_1", "drawn_2", "drawn_3")  # the user-drawn mask's r, g, b
REGIONS = (*GROUP_REGIONS, BACKGROUND, *DRAWN_REGIONS)

Role = Literal["camera", "mask", "coefficients", "drawn-mask", "lut", "picture"]
Interpolation = Literal["trilinear", "tetrahedral"]
Refinement = Literal["bilinear", "joint-bilateral", "guided"]
Encoding = Literal["srgb", "display-p3"]
INTERPOLATIONS: tuple[Interpolation, ...] = ("trilinear", "tetrahedral")
ENCODINGS: tuple[Encoding, ...] = ("srgb", "display-p3")
DEFAULT_REFINEMENT: Refinement = "bilinear"  # no second mask texture; docs/shader.md says when guided pays


@dataclass(frozen=True)
class Texture:
    """One texture slot. `size` (width, height[, depth]) and `data` are there when edgekit ships the bytes;
    otherwise the app supplies them, for every frame or once."""

    name: str
    role: Role
    dimension: Literal["2d", "3d"]
    format: Literal["rgba8unorm", "rgba16float"]
    filter: Literal["linear", "nearest"]
    wrap: Literal["clamp-to-edge"] = "clamp-to-edge"
    size: tuple[int, ...] | None = None
    data: bytes | None = field(default=None, repr=False)

    @property
    def file(self) -> str | None:
        """Where the bytes lie beside the JSON."""
        return None if self.data is None else f"{self.name.removeprefix('u_')}.rgba8"


@dataclass(frozen=True)
class Binding:
    """Where a dialect finds a resource. ESSL binds textures by name; `essl_unit` is only a proposal.

    MSL samplers are constants in the text, so only WGSL has a sampler binding.
    """

    name: str
    kind: Literal["texture", "sampler", "uniforms"]
    essl_unit: int | None
    msl_index: int | None
    wgsl_group: int | None
    wgsl_binding: int | None


@dataclass(frozen=True)
class Uniform:
    """A float with its range, or a mat3 (column-major, as every dialect's API takes it).

    offset_bytes: in MSL's and WGSL's one uniform block, where a mat3's columns are 16 bytes apart.
    ESSL has plain uniforms named `u_` + name.
    """

    name: str
    type: Literal["float", "mat3"]
    default: tuple[float, ...]
    minimum: float | None
    maximum: float | None
    offset_bytes: int


@dataclass(frozen=True)
class Transform:
    """A uniform mat3 that takes coordinates of one space to another; row-major here, for reading."""

    uniform: str
    source: Literal["output", "image", "mask"]
    target: Literal["image", "mask"]
    matrix: tuple[tuple[float, float, float], ...]


@dataclass(frozen=True)
class Layer:
    """What happens to some regions: a look-up table, a second picture, or nothing.

    texture: the LUT's or the picture's slot; None leaves the regions as they are.
    strength: the default of the uniform `strength_<index of the layer>`.
    """

    regions: tuple[str, ...]
    texture: str | None
    strength: float = 1.0


@dataclass(frozen=True)
class MaskRefinement:
    """The method with its parameters; those it does not use are None.

    `coefficients_by`, for guided: who makes the coefficient textures.
    """

    method: Refinement = "bilinear"
    reach: int | None = None
    sigma: float | None = None
    epsilon: float | None = None
    coefficients_by: Literal["app", "segmenter"] | None = None


@dataclass(frozen=True)
class SourceText:
    file: str
    text: str = field(repr=False)


@dataclass(frozen=True)
class Stage:
    file: str
    entry: str


@dataclass(frozen=True)
class DialectText:
    """The emitted text of one dialect, its entry points, and the texture fetches counted in it."""

    name: str
    sources: tuple[SourceText, ...]
    vertex: Stage
    fragment: Stage
    fetches: int

    def text_of(self, stage: Stage) -> str:
        return next(source.text for source in self.sources if source.file == stage.file)


@dataclass(frozen=True)
class ShaderDescription:
    """See the module's docstring. `uniform_block_size_bytes` is a multiple of 16, as WGSL asks."""

    title: str
    interpolation: Interpolation
    refinement: MaskRefinement
    precision: Literal["highp"]
    encoding: Encoding
    layers: tuple[Layer, ...]
    textures: tuple[Texture, ...]
    bindings: tuple[Binding, ...]
    uniforms: tuple[Uniform, ...]
    transforms: tuple[Transform, ...]
    uniform_block_size_bytes: int
    dialects: tuple[DialectText, ...] = ()

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


def lut_size(texture: Texture) -> int:
    """Points a side of a LUT texture."""
    if texture.size is None:
        raise ShaderError("description", f"the table {texture.name} has no size.")
    return texture.size[0]


def json_of(description: ShaderDescription) -> str:
    """The description as JSON text, checked against the schema."""
    value: dict[str, object] = {"schema": "edgekit/shader-description", "schema_version": SCHEMA_VERSION}
    value.update(asdict(description))
    value["textures"] = [_json_of_texture(texture) for texture in description.textures]
    value["dialects"] = [_json_of_dialect(dialect) for dialect in description.dialects]
    text = json_text(value)
    _check(json.loads(text), "description")
    return text


def write_description(description: ShaderDescription, folder: Path, force: bool = False) -> Path:
    """Write the JSON, every texture's bytes and every shader text into a new `folder`. Returns the JSON."""
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
    """What `write_description` wrote there, whatever became of the files since."""
    path = folder / DESCRIPTION_FILE
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
        _check(value, str(path))
    except (OSError, ValueError, RecursionError, ShaderError):
        return None
    textures = (texture["file"] for texture in value["textures"] if texture["file"] is not None)
    sources = (source["file"] for dialect in value["dialects"] for source in dialect["sources"])
    return (DESCRIPTION_FILE, *textures, *sources)


DESCRIPTION = FolderKind("a shader description", _described_files)


def read_description(path: Path) -> ShaderDescription:
    """Read the JSON at `path` and the files beside it; a wrong schema, size or sha256 is a ShaderError."""
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise ShaderError("description", f"{path} cannot be read: {error}.") from error
    _check(value, str(path))
    return ShaderDescription(
        title=value["title"],
        interpolation=value["interpolation"],
        refinement=MaskRefinement(**value["refinement"]),
        precision=value["precision"],
        encoding=value["encoding"],
        layers=tuple(Layer(tuple(v["regions"]), v["texture"], v["strength"]) for v in value["layers"]),
        textures=tuple(_texture_from_json(v, path.parent) for v in value["textures"]),
        bindings=tuple(Binding(**v) for v in value["bindings"]),
        uniforms=tuple(Uniform(**{**v, "default": tuple(v["default"])}) for v in value["uniforms"]),
        transforms=tuple(
            Transform(v["uniform"], v["source"], v["target"], tuple(tuple(row) for row in v["matrix"]))
            for v in value["transforms"]
        ),
        uniform_block_size_bytes=value["uniform_block_size_bytes"],
        dialects=tuple(_dialect_from_json(v, path) for v in value["dialects"]),
    )


def _check(value: object, where: str) -> None:
    problem = first_problem(value, *SCHEMA)
    if problem is not None:
        raise ShaderError("description", f"{where} does not follow schema version {SCHEMA_VERSION} {problem}")


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


def _texture_from_json(value: dict[str, object], folder: Path) -> Texture:
    size = value["size"]
    return Texture(
        name=str(value["name"]),
        role=value["role"],  # type: ignore[arg-type]  # the schema checked the enumerations
        dimension=value["dimension"],  # type: ignore[arg-type]
        format=value["format"],  # type: ignore[arg-type]
        filter=value["filter"],  # type: ignore[arg-type]
        size=tuple(size) if isinstance(size, list) else None,
        data=None if value["file"] is None else _read_bytes(folder / str(value["file"]), value),
    )


def _read_bytes(path: Path, value: dict[str, object]) -> bytes:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ShaderError("description", f"{path} cannot be read: {error.strerror}.") from error
    if sha256_of_bytes(data) != value["sha256"]:
        raise ShaderError("description", f"{path} is not the file that was described: its sha256 differs.")
    return data


def _dialect_from_json(value: dict[str, object], path: Path) -> DialectText:
    sources = value["sources"]
    vertex, fragment, fetches = value["vertex"], value["fragment"], value["fetches"]
    assert isinstance(sources, list) and isinstance(vertex, dict) and isinstance(fragment, dict)
    assert isinstance(fetches, int)
    for source in sources:
        if sha256_of_bytes(source["text"].encode()) != source["sha256"]:
            raise ShaderError(str(value["name"]), f"{path}: the text of {source['file']} was changed.")
    return DialectText(
        name=str(value["name"]),
        sources=tuple(SourceText(source["file"], source["text"]) for source in sources),
        vertex=Stage(**vertex),
        fragment=Stage(**fragment),
        fetches=fetches,
    )
