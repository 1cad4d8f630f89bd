"""The differences between the shading languages: one table of attributes for each.

ESSL 3.00 is the GLSL ES 3.00 specification (Khronos, 3.00.6); MSL is the Metal Shading Language
specification 2.0 or later; WGSL is the W3C specification. `essl300-external` reads Android's camera
through GL_OES_EGL_image_external_essl3; WebGL2 takes plain `essl300`.
"""

from __future__ import annotations

from dataclasses import dataclass

from edgekit.errors import UnknownName


@dataclass(frozen=True)
class Dialect:
    """The attributes of a dialect. In its templates `{t}` is a texture, `{c}` a coordinate, `{n}` a dimension."""

    name: str
    types: dict[str, str]
    let: str  # {type} {name}
    var: str
    function: str  # {type} {name} {parameters}
    parameter: str  # {type} {name}
    sample: str
    fetch: str
    size: str
    uniform: str  # {name}
    passes_textures: bool  # whether functions get their textures as arguments
    vertex_file: str
    fragment_file: str
    pass_vertex_file: str  # {name}
    pass_fragment_file: str
    vertex_entry: str
    fragment_entry: str
    fetch_calls: tuple[str, ...]  # the beginnings of a texture read in the text


ESSL_TYPES = {
    "f1": "float",
    "f2": "vec2",
    "f3": "vec3",
    "f4": "vec4",
    "i2": "ivec2",
    "i3": "ivec3",
    "u1": "uint",
    "m3": "mat3",
}
MSL_TYPES = {
    "f1": "float",
    "f2": "float2",
    "f3": "float3",
    "f4": "float4",
    "i2": "int2",
    "i3": "int3",
    "u1": "uint",
    "m3": "float3x3",
}
WGSL_TYPES = {
    "f1": "f32",
    "f2": "vec2<f32>",
    "f3": "vec3<f32>",
    "f4": "vec4<f32>",
    "i2": "vec2<i32>",
    "i3": "vec3<i32>",
    "u1": "u32",
    "m3": "mat3x3<f32>",
}


def _essl(name: str, fragment_file: str) -> Dialect:
    return Dialect(
        name=name,
        types=ESSL_TYPES,
        let="{type} {name}",
        var="{type} {name}",
        function="{type} {name}({parameters})",
        parameter="{type} {name}",
        sample="texture({t}, {c})",
        fetch="texelFetch({t}, {c}, 0)",
        size="vec2(textureSize({t}, 0))",
        uniform="u_{name}",
        passes_textures=False,
        vertex_file="fused.vert",
        fragment_file=fragment_file,
        pass_vertex_file="pass.vert",
        pass_fragment_file=fragment_file.replace("fused", "{name}"),
        vertex_entry="main",
        fragment_entry="main",
        fetch_calls=("texture(", "texelFetch("),
    )


ESSL = _essl("essl300", "fused.frag")
ESSL_EXTERNAL = _essl("essl300-external", "fused-external.frag")

MSL = Dialect(
    name="msl",
    types=MSL_TYPES,
    let="{type} {name}",
    var="{type} {name}",
    function="static inline {type} {name}({parameters})",
    parameter="{type} {name}",
    sample="{t}.sample(s_linear, {c})",
    fetch="{t}.read(uint{n}({c}), 0)",
    size="float2(float({t}.get_width()), float({t}.get_height()))",
    uniform="params.{name}",
    passes_textures=True,
    vertex_file="fused.metal",
    fragment_file="fused.metal",
    pass_vertex_file="{name}.metal",
    pass_fragment_file="{name}.metal",
    vertex_entry="edgekit_vertex",
    fragment_entry="edgekit_fragment",
    fetch_calls=(".sample(", ".read("),
)

WGSL = Dialect(
    name="wgsl",
    types=WGSL_TYPES,
    let="let {name} : {type}",
    var="var {name} : {type}",
    function="fn {name}({parameters}) -> {type}",
    parameter="{name} : {type}",
    sample="textureSampleLevel({t}, s_linear, {c}, 0.0)",
    fetch="textureLoad({t}, {c}, 0)",
    size="vec2<f32>(textureDimensions({t}))",
    uniform="params.{name}",
    passes_textures=False,
    vertex_file="fused.wgsl",
    fragment_file="fused.wgsl",
    pass_vertex_file="{name}.wgsl",
    pass_fragment_file="{name}.wgsl",
    vertex_entry="edgekit_vertex",
    fragment_entry="edgekit_fragment",
    fetch_calls=("textureSampleLevel(", "textureSample(", "textureLoad("),
)

DIALECTS = {dialect.name: dialect for dialect in (ESSL, ESSL_EXTERNAL, MSL, WGSL)}


def dialect(name: str) -> Dialect:
    """The dialect of that name; UnknownName lists the known ones."""
    if name not in DIALECTS:
        raise UnknownName("shader dialect", name, DIALECTS)
    return DIALECTS[name]
