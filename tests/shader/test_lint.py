"""The lint: each rule on a text with the mistake and on the same text without it, in every language."""

from pathlib import Path

import numpy as np
import pytest

from edgekit.color.lut import Lut3D
from edgekit.errors import ShaderError
from edgekit.shader.backends.cases import reduced_cases, swirl_lut, warm_lut
from edgekit.shader.lint import RULES, check_file, check_text, dialect_of
from edgekit.shader.mistakes import (
    delta_e_of,
    half_texel,
    linear_input,
    mediump_strip,
    no_slice_interpolation,
    premultiplied,
)

LUT = warm_lut(17)

ESSL_VOLUME = """#version 300 es
precision highp float;
uniform sampler2D u_image;
uniform highp sampler3D u_grade;
in vec2 v_uv;
out vec4 o;
void main() {
  vec4 src = texture(u_image, v_uv);
  vec3 c = src.rgb;
  @PREPARE@
  vec3 at = @AT@;
  o = vec4(texture(u_grade, at).rgb, src.a);
}
"""
MSL_VOLUME = """#include <metal_stdlib>
using namespace metal;
constexpr sampler s(filter::linear);
fragment float4 shade(
    V in [[stage_in]], texture2d<float> image [[texture(0)]], texture3d<float> cube [[texture(1)]]) {
  float4 src = image.sample(s, in.uv);
  float3 c = src.rgb;
  @PREPARE@
  float3 at = @AT@;
  return float4(cube.sample(s, at).rgb, src.a);
}
"""
WGSL_VOLUME = """@group(0) @binding(0) var image : texture_2d<f32>;
@group(0) @binding(1) var cube : texture_3d<f32>;
@group(0) @binding(2) var s : sampler;
@fragment fn shade(@location(0) uv : vec2f) -> @location(0) vec4f {
  let src = textureSample(image, s, uv);
  var c = src.rgb;
  @PREPARE@
  let at = @AT@;
  return vec4f(textureSample(cube, s, at).rgb, src.a);
}
"""
VOLUMES = {"essl": ESSL_VOLUME, "msl": MSL_VOLUME, "wgsl": WGSL_VOLUME}
RIGHT_AT = "c * (16.0 / 17.0) + 0.5 / 17.0"

# The 8×8 tiles of a 512×512 lookup picture, as GPUImage reads them.
STRIP = """#version 300 es
precision @PRECISION@ float;
uniform sampler2D u_image;
uniform sampler2D u_lookup;
in highp vec2 v_uv;
out vec4 o;
vec2 place(vec3 c, float slice) {
  vec2 tile = vec2(mod(slice, 8.0), floor(slice / 8.0));
  return tile * 0.125 + 0.5 / 512.0 + (0.125 - 1.0 / 512.0) * c.rg;
}
void main() {
  vec4 src = texture(u_image, v_uv);
  float blue = src.b * 63.0;
  vec3 low = texture(u_lookup, place(src.rgb, floor(blue))).rgb;
  @HIGH@
  o = vec4(@OUT@, src.a);
}
"""
STRIP_HIGH = "vec3 high = texture(u_lookup, place(src.rgb, ceil(blue))).rgb;"
STRIP_OUT = "mix(low, high, fract(blue))"


def volume(dialect: str, at: str = RIGHT_AT, prepare: str = "") -> str:
    return VOLUMES[dialect].replace("@AT@", at).replace("@PREPARE@", prepare)


def strip(precision: str = "highp", high: str = STRIP_HIGH, out: str = STRIP_OUT) -> str:
    return STRIP.replace("@PRECISION@", precision).replace("@HIGH@", high).replace("@OUT@", out)


def found(text: str, dialect: str) -> list[tuple[str, int]]:
    return [(finding.rule, finding.line) for finding in check_text(text, dialect, LUT)]


def line_with(text: str, words: str) -> int:
    return next(i for i, line in enumerate(text.splitlines(), 1) if words in line)


@pytest.mark.parametrize("dialect", VOLUMES)
def test_a_right_volume_is_clean(dialect: str) -> None:
    assert found(volume(dialect), dialect) == []


def test_a_right_strip_is_clean() -> None:
    assert found(strip(), "essl") == []


@pytest.mark.slow
def test_edgekit_s_own_texts_are_clean() -> None:
    for case in reduced_cases():
        for text in case.frame.description.dialects:
            dialect = "essl" if text.name.startswith("essl") else text.name
            assert found(text.text_of(text.fragment), dialect) == []


@pytest.mark.parametrize("dialect", VOLUMES)
def test_half_texel(dialect: str) -> None:
    text = volume(dialect, at="c")
    place = {"essl": "u_grade, at", "msl": "cube.sample", "wgsl": "(cube, s"}[dialect]
    assert found(text, dialect) == [("half-texel", line_with(text, place))]


def test_half_texel_scale_without_offset() -> None:
    assert found(volume("essl", at="c * (16.0 / 17.0)"), "essl")[0][0] == "half-texel"


def test_half_texel_through_a_function() -> None:
    text = ESSL_VOLUME.replace("@PREPARE@", "").replace("@AT@", "c")
    helper = "vec3 look(vec3 at) { return texture(u_grade, at).rgb; }\nvoid main"
    wrong = text.replace("void main", helper).replace("texture(u_grade, at).rgb, src", "look(c), src")
    right = wrong.replace("look(c), src", f"look({RIGHT_AT}), src")
    assert [rule for rule, _ in found(wrong, "essl")] == ["half-texel"]
    assert found(right, "essl") == []


def test_exact_fetches_need_no_half_texel() -> None:
    text = ESSL_VOLUME.replace("@PREPARE@", "").replace("@AT@", "c * 16.0")
    assert found(text.replace("texture(u_grade, at)", "texelFetch(u_grade, ivec3(at), 0)"), "essl") == []


def test_slice_interpolation() -> None:
    text = strip(high="", out="low")
    assert found(text, "essl") == [("slice-interpolation", line_with(text, "vec3 low"))]


def test_slice_interpolation_without_a_mix() -> None:
    rules = {rule for rule, _ in found(strip(out="low * 0.5 + high * 0.5"), "essl")}
    assert rules == {"slice-interpolation"}


def test_mediump_strip() -> None:
    text = strip(precision="mediump")
    assert found(text, "essl") == [("mediump-strip", line_with(text, "mediump"))]


def test_mediump_is_harmless_for_a_volume() -> None:
    assert found(volume("essl").replace("precision highp", "precision mediump"), "essl") == []


def test_half_strip_in_msl() -> None:
    text = """#include <metal_stdlib>
    fragment half4 shade(
        V in [[stage_in]], texture2d<float> image [[texture(0)]], texture2d<float> lut [[texture(1)]]) {
      float4 src = image.sample(s, in.uv);
      float blue = src.b * 63.0;
      float2 inside = 0.5 / 512.0 + src.rg * 0.123;
      KIND2 low = KIND2(fmod(floor(blue), 8.0), floor(floor(blue) / 8.0)) * 0.125 + inside;
      KIND2 high = KIND2(fmod(ceil(blue), 8.0), floor(ceil(blue) / 8.0)) * 0.125 + inside;
      return mix(lut.sample(s, low), lut.sample(s, high), fract(blue));
    }"""
    assert found(text.replace("KIND", "float").replace("half4", "float4"), "msl") == []
    assert [rule for rule, _ in found(text.replace("KIND", "half"), "msl")] == ["mediump-strip"]


@pytest.mark.parametrize("dialect", VOLUMES)
def test_dependent_fetch(dialect: str) -> None:
    kind = {"essl": "vec3 first", "msl": "float3 first", "wgsl": "let first"}[dialect]
    read = {
        "essl": "texture(u_grade, {}).rgb",
        "msl": "cube.sample(s, {}).rgb",
        "wgsl": "textureSample(cube, s, {}).rgb",
    }[dialect]
    text = volume(dialect, RIGHT_AT.replace("c *", "first *"), f"{kind} = {read.format(RIGHT_AT)};")
    place = {"essl": "u_grade, at", "msl": "(s, at)", "wgsl": "s, at"}[dialect]
    assert found(text, dialect) == [("dependent-fetch", line_with(text, place))]
    assert check_text(text, dialect, LUT)[0].delta_e00 is None


@pytest.mark.parametrize("dialect", VOLUMES)
def test_premultiplied_alpha(dialect: str) -> None:
    wrong = volume(dialect, prepare="c = src.rgb * src.a;")
    assert [rule for rule, _ in found(wrong, dialect)] == ["premultiplied-alpha"]
    assert found(volume(dialect, prepare="c = src.rgb / src.a;"), dialect) == []


@pytest.mark.parametrize("dialect", VOLUMES)
@pytest.mark.parametrize("curve", ["pow(c, vec3(2.2))", "srgbToLinear(c)", "to_linear(c)"])
def test_linear_srgb(dialect: str, curve: str) -> None:
    wrong = volume(dialect, prepare=f"c = {curve};")
    assert [rule for rule, _ in found(wrong, dialect)] == ["linear-srgb"]
    assert found(volume(dialect, prepare="c = min(c, src.rgb);"), dialect) == []


def test_commented_mistakes_are_none() -> None:
    assert found(volume("essl", prepare="// c = pow(c, vec3(2.2));"), "essl") == []


def test_every_rule_is_tested_above() -> None:
    assert set(RULES) == {
        "half-texel",
        "slice-interpolation",
        "mediump-strip",
        "dependent-fetch",
        "premultiplied-alpha",
        "linear-srgb",
    }


def test_no_table_is_not_a_pass() -> None:
    with pytest.raises(ShaderError, match="nothing was checked"):
        check_text("void main() { o = texture(u_image, v_uv); }", "essl", LUT)


def test_files_and_their_language(tmp_path: Path) -> None:
    path = tmp_path / "shade.txt"
    path.write_text(volume("msl", at="c"))
    assert [finding.rule for finding in check_file(path, LUT)] == ["half-texel"]
    assert dialect_of("", Path("a.wgsl")) == "wgsl"
    with pytest.raises(ShaderError, match="neither"):
        dialect_of("int main() {}", Path("a.txt"))
    path.write_bytes(b"\xff\xfe\x00\x01")
    with pytest.raises(ShaderError, match="cannot be read"):
        check_file(path, LUT)


def test_hostile_texts_end(tmp_path: Path) -> None:
    """A chain of names longer than Python's stack, and a file too large to follow."""
    chain = "".join(f"float v{i + 1} = v{i};" for i in range(3000))
    text = f"uniform highp sampler3D u_lut; void main() {{ {chain} o = texture(u_lut, vec3(v3000)); }}"
    assert [rule for rule, _ in found(text, "essl")] == ["half-texel"]
    (tmp_path / "a.frag").write_text(text * 3)
    with pytest.raises(ShaderError, match="more than the 131072 that are allowed"):
        check_file(tmp_path / "a.frag", LUT)


@pytest.mark.parametrize(
    "mistake", [half_texel, no_slice_interpolation, mediump_strip, premultiplied, linear_input]
)
def test_a_mistake_costs_colour(mistake) -> None:
    cost = delta_e_of(swirl_lut(17), mistake)
    assert 0.0 < cost.mean < cost.p95 < cost.max


@pytest.mark.parametrize("mistake", [no_slice_interpolation, premultiplied])
def test_a_table_of_one_colour_suffers_only_from_alpha(mistake) -> None:
    flat = Lut3D(np.full((5, 5, 5, 3), 0.4, np.float32))
    assert (delta_e_of(flat, mistake).max > 1.0) == (mistake is premultiplied)


def test_the_right_strip_is_right() -> None:
    """The strip's simulation differs by its half floats alone: with a coarse table it is near the truth."""
    assert delta_e_of(warm_lut(5), mediump_strip).mean < 0.1


def test_a_finer_table_suffers_less_from_a_missing_half_texel() -> None:
    assert delta_e_of(warm_lut(33), half_texel).mean < delta_e_of(warm_lut(9), half_texel).mean
