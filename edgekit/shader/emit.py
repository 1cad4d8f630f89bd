"""Render a description's maths to the text of one dialect: a shared renderer over a table."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace

from edgekit.shader.description import (
    DialectText,
    PassText,
    ShaderDescription,
    SourceText,
    Stage,
    Texture,
)
from edgekit.shader.dialects import ESSL_EXTERNAL, Dialect, dialect
from edgekit.shader.maths import Program, pass_programs, program_of
from edgekit.shader.text import closing_parenthesis, fetches_of, split_arguments

FUSED = "fused"  # the pass that draws the picture
HEADER = "// edgekit, the fused pass: mask, look-up and blend in one draw. Generated; edit the description.\n"

ESSL_VERTEX = """\
#version 300 es
// One triangle that covers the screen; (0, 0) of v_uv is the top left corner of what is seen.
// glReadPixels returns rows from the bottom up.
out highp vec2 v_uv;
void main() {
  vec2 p = vec2(float((gl_VertexID << 1) & 2), float(gl_VertexID & 2));
  v_uv = vec2(p.x, 1.0 - p.y);
  gl_Position = vec4(p * 2.0 - 1.0, 0.0, 1.0);
}
"""

# A texture that is drawn into has its first row at the bottom: (0, 0) of v_uv is there.
ESSL_PASS_VERTEX = """\
#version 300 es
// One triangle that covers the texture; its first row is that of the image.
out highp vec2 v_uv;
void main() {
  vec2 p = vec2(float((gl_VertexID << 1) & 2), float(gl_VertexID & 2));
  v_uv = p;
  gl_Position = vec4(p * 2.0 - 1.0, 0.0, 1.0);
}
"""

MSL_VERTEX = """\
vertex VertexOut edgekit_vertex(uint id [[vertex_id]]) {
  float2 p = float2(float((id << 1) & 2), float(id & 2));
  VertexOut o;
  o.uv = float2(p.x, 1.0 - p.y);
  o.position = float4(p * 2.0 - 1.0, 0.0, 1.0);
  return o;
}
"""

WGSL_VERTEX = """\
@vertex fn edgekit_vertex(@builtin(vertex_index) id : u32) -> VertexOut {
  let p = vec2<f32>(f32((id << 1u) & 2u), f32(id & 2u));
  var o : VertexOut;
  o.uv = vec2<f32>(p.x, 1.0 - p.y);
  o.position = vec4<f32>(p * 2.0 - 1.0, 0.0, 1.0);
  return o;
}
"""


def with_dialects(description: ShaderDescription, names: tuple[str, ...]) -> ShaderDescription:
    """The description with the text of every named dialect."""
    return replace(description, dialects=tuple(emit(description, name) for name in names))


def emit(description: ShaderDescription, name: str) -> DialectText:
    """The text of the dialect `name`, with its entry points and counted fetches."""
    return emit_programs(description, programs_of(description), name)


def programs_of(description: ShaderDescription) -> dict[str, Program]:
    """The maths of every pass by name, and of the fused one."""
    return {**pass_programs(description), FUSED: program_of(description)}


def emit_programs(description: ShaderDescription, programs: Mapping[str, Program], name: str) -> DialectText:
    """Like `emit`, for maths given as programs; tests plant a mistake in every dialect at once with it."""
    target = dialect(name)
    fragment = _fragment(description, programs[FUSED], target)
    sources = [SourceText(target.fragment_file, fragment)]
    if target.vertex_file != target.fragment_file:
        sources.insert(0, SourceText(target.vertex_file, ESSL_VERTEX))
        if description.passes:
            sources.append(SourceText(target.pass_vertex_file, ESSL_PASS_VERTEX))
    passes = []
    for each in description.passes:
        text = _fragment(description, programs[each.name], target)
        file = target.pass_fragment_file.format(name=each.name)
        sources.append(SourceText(file, text))
        passes.append(
            PassText(
                each.name,
                Stage(target.pass_vertex_file.format(name=each.name), target.vertex_entry),
                Stage(file, target.fragment_entry),
                fetches_of(text, target.fragment_entry, target.fetch_calls),
            )
        )
    return DialectText(
        name=name,
        sources=tuple(sources),
        vertex=Stage(target.vertex_file, target.vertex_entry),
        fragment=Stage(target.fragment_file, target.fragment_entry),
        fetches=fetches_of(fragment, target.fragment_entry, target.fetch_calls),
        passes=tuple(passes),
    )


def _fragment(description: ShaderDescription, program: Program, target: Dialect) -> str:
    """The whole text of a fused pass or of a pass before it, with the textures that it reads."""
    read = set(textures_read(program))
    textures = [(index, t) for index, t in enumerate(description.textures) if t.name in read]
    if target.passes_textures:
        program = _with_texture_parameters(program, description)
    return FRAGMENTS[target.name](description, program, target, textures)


def textures_read(program: Program) -> tuple[str, ...]:
    """The slots that a program reads, in the order of the first reading."""
    text = "".join((*program.functions, program.main_body))
    return tuple(dict.fromkeys(READ.findall(text)))


Slots = list[tuple[int, Texture]]  # index in the description, and the texture
READ = re.compile(r"\b(?:SAMPLE|FETCH|SIZE)\((\w+)")


def _essl_fragment(description: ShaderDescription, program: Program, target: Dialect, textures: Slots) -> str:
    external = target is ESSL_EXTERNAL
    lines = [
        "#version 300 es",
        *(["#extension GL_OES_EGL_image_external_essl3 : require"] if external else []),
    ]
    lines += [HEADER.rstrip()]
    kinds = ["float", "int", "sampler2D", "sampler3D", *(["samplerExternalOES"] if external else [])]
    lines += [f"precision {description.precision} {kind};" for kind in kinds]
    for _, texture in textures:
        kind = "sampler3D" if texture.dimension == "3d" else "sampler2D"
        if external and texture.role == "camera":
            kind = "samplerExternalOES"
        lines.append(f"uniform {kind} {texture.name};")
    for uniform in description.uniforms:
        lines.append(f"uniform {'mat3' if uniform.type == 'mat3' else 'float'} u_{uniform.name};")
    lines += [f"in {description.precision} vec2 v_uv;", "layout(location = 0) out vec4 o_color;", ""]
    body = _lower(program.main_body, description, target)
    main = f"void main() {{\n  vec2 uv = v_uv;\n{body}  o_color = result;\n}}\n"
    return "\n".join(lines) + "\n" + _functions(description, program, target) + main


def _msl_fragment(description: ShaderDescription, program: Program, target: Dialect, textures: Slots) -> str:
    fields = "".join(
        f"  {'float3x3' if uniform.type == 'mat3' else 'float'} {uniform.name};\n"
        for uniform in description.uniforms
    )
    slots = "".join(
        f"    texture{texture.dimension}<float> {texture.name} [[texture({index})]],\n"
        for index, texture in textures
    )
    return (
        f"{HEADER}#include <metal_stdlib>\nusing namespace metal;\n\n"
        f"struct Params {{\n{fields}}};\n"
        "struct VertexOut { float4 position [[position]]; float2 uv; };\n"
        "constexpr sampler s_linear(coord::normalized, address::clamp_to_edge, filter::linear);\n\n"
        f"{_functions(description, program, target)}{MSL_VERTEX}\n"
        f"fragment float4 edgekit_fragment(\n    VertexOut in [[stage_in]],\n{slots}"
        "    constant Params& params [[buffer(0)]]) {\n  float2 uv = in.uv;\n"
        f"{_lower(program.main_body, description, target)}  return result;\n}}\n"
    )


def _wgsl_fragment(description: ShaderDescription, program: Program, target: Dialect, textures: Slots) -> str:
    fields = "".join(
        f"  {uniform.name} : {'mat3x3<f32>' if uniform.type == 'mat3' else 'f32'},\n"
        for uniform in description.uniforms
    )
    slots = "".join(
        f"@group(0) @binding({index}) var {texture.name} : texture_{texture.dimension}<f32>;\n"
        for index, texture in textures
    )
    count = len(description.textures)
    return (
        f"{HEADER}struct Params {{\n{fields}}};\n"
        "struct VertexOut { @builtin(position) position : vec4<f32>, @location(0) uv : vec2<f32> };\n"
        f"{slots}@group(0) @binding({count}) var s_linear : sampler;\n"
        f"@group(0) @binding({count + 1}) var<uniform> params : Params;\n\n"
        f"{_functions(description, program, target)}{WGSL_VERTEX}\n"
        "@fragment fn edgekit_fragment(in : VertexOut) -> @location(0) vec4<f32> {\n  let uv = in.uv;\n"
        f"{_lower(program.main_body, description, target)}  return result;\n}}\n"
    )


FRAGMENTS: dict[str, Callable[[ShaderDescription, Program, Dialect, Slots], str]] = {
    "essl300": _essl_fragment,
    "essl300-external": _essl_fragment,
    "msl": _msl_fragment,
    "wgsl": _wgsl_fragment,
}

FUNCTION_HEAD = re.compile(r"^fn (\w\d) (\w+)\(([^)]*)\)", re.MULTILINE)
DECLARATION = re.compile(r"\b(let|var) ([fimu]\d) (\w+)")
TYPE_NAME = re.compile(r"\b(?:f[1-4]|i[23]|u1|m3)\b")


def _functions(description: ShaderDescription, program: Program, target: Dialect) -> str:
    return "".join(f"{_lower(text, description, target)}\n" for text in program.functions)


def _lower(text: str, description: ShaderDescription, target: Dialect) -> str:
    """Translate neutral text to the dialect."""
    dimension = {texture.name: texture.dimension for texture in description.textures}

    def fetch(arguments: list[str]) -> str:
        return target.fetch.format(t=arguments[0], c=arguments[1], n=dimension[arguments[0]][0])

    text = _replace_calls(text, "FETCH", fetch)
    text = _replace_calls(text, "SAMPLE", lambda a: target.sample.format(t=a[0], c=a[1]))
    text = _replace_calls(text, "SIZE", lambda a: target.size.format(t=a[0]))
    text = _replace_calls(text, "PARAM", lambda a: target.uniform.format(name=a[0]))
    text = FUNCTION_HEAD.sub(lambda m: _function_head(m, target), text)
    text = DECLARATION.sub(
        lambda m: (target.let if m[1] == "let" else target.var).format(type=m[2], name=m[3]), text
    )
    return TYPE_NAME.sub(lambda m: target.types[m[0]], text)


def _function_head(match: re.Match[str], target: Dialect) -> str:
    parameters = []
    for parameter in match[3].split(", "):
        kind, name = parameter.rsplit(" ", 1)
        is_texture = kind.startswith("texture")
        parameters.append(parameter if is_texture else target.parameter.format(type=kind, name=name))
    return target.function.format(type=match[1], name=match[2], parameters=", ".join(parameters))


def _with_texture_parameters(program: Program, description: ShaderDescription) -> Program:
    """Pass textures as arguments to every function that reads them or calls one that does.

    MSL needs this because it has no global textures.
    """
    read_by: dict[str, tuple[str, ...]] = {}  # function → textures
    functions = []
    for text in program.functions:
        head = FUNCTION_HEAD.search(text)
        assert head is not None, text
        own = READ.findall(text)
        inherited = [t for name, textures in read_by.items() if f"{name}(" in text for t in textures]
        textures = tuple(dict.fromkeys([*own, *inherited]))
        start, end = head.span(3)
        extra = "".join(f", texture{description.texture(t).dimension}<float> {t}" for t in textures)
        functions.append(text[:start] + head[3] + extra + _with_texture_arguments(text[end:], read_by))
        read_by[head[2]] = textures
    return Program(tuple(functions), _with_texture_arguments(program.main_body, read_by))


def _with_texture_arguments(text: str, read_by: dict[str, tuple[str, ...]]) -> str:
    for name, textures in read_by.items():

        def with_textures(arguments: list[str], name: str = name, extra: tuple[str, ...] = textures) -> str:
            return f"{name}({', '.join([*arguments, *extra])})"

        text = _replace_calls(text, name, with_textures)
    return text


def _replace_calls(text: str, name: str, rewritten: Callable[[list[str]], str]) -> str:
    """Rewrite every call `name(a, b)` in the text from its arguments, nested calls too."""
    match = re.search(rf"\b{name}\(", text)
    if match is None:
        return text
    end = closing_parenthesis(text, match.end())
    arguments = [_replace_calls(a, name, rewritten) for a in split_arguments(text[match.end() : end])]
    return text[: match.start()] + rewritten(arguments) + _replace_calls(text[end + 1 :], name, rewritten)
