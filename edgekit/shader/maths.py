"""The one source of the fused pass's maths, from which every dialect is rendered.

The language is the part that ESSL, MSL and WGSL share, with the rest spelt neutrally:

    fn f3 name(f3 a, f1 b) {        let f3 x = ...;        var f3 x = ...;        var f3 x;
    f1 f2 f3 f4 (floats)  i2 i3 (ints)  u1 (an unsigned int, which wraps)  m3 (3×3)
    SAMPLE(texture, xy)  FETCH(texture, texel)  SIZE(texture)  PARAM(uniform)

Only `main_body` reads uniforms, so functions get the values as arguments. No dialect allows a constant
that is initialised by a texture call, and WGSL cannot assign to a swizzle, so the text uses only `let` and
assignments of whole values.
"""

from __future__ import annotations

from dataclasses import dataclass

from edgekit.color.blur import EPSILON, taps
from edgekit.color.controls import LUMINANCE, MUTED, SKIN, SKIN_SHARE, TONE, WARMTH_RGB
from edgekit.color.grain import CELLS, GRAIN
from edgekit.color.layers import BACKGROUND, DRAWN_REGIONS, GROUP_REGIONS
from edgekit.shader.description import (
    BLUR,
    PICTURE,
    DescribedLayer,
    ShaderDescription,
    Texture,
    lut_size,
)
from edgekit.shader.refine import COLOUR_WEIGHT_FLOOR, TEXEL_TIE_BIAS

XYZ = "xyz"


@dataclass(frozen=True)
class Program:
    """The text of a pass. functions: in order of definition. main_body: its last line sets `result`, an f4."""

    functions: tuple[str, ...]
    main_body: str


@dataclass(frozen=True)
class Part:
    """The regions of one layer that share an amount: skin alone, or the others.

    Skin has its own share of color and warmth and its own protection, whichever table it shares.
    """

    layer: int
    regions: tuple[str, ...]
    texture: str
    source: str | None = None

    @property
    def is_skin(self) -> bool:
        return self.regions == (SKIN,)

    def complement_groups(self) -> tuple[str, ...]:
        """The groups whose weights are subtracted from 1 if the part includes the background."""
        return tuple(g for g in GROUP_REGIONS if g not in self.regions)


def parts_of(layers: tuple[DescribedLayer, ...]) -> tuple[Part, ...]:
    """The layers that change something, cut into parts, in the order in which they are added."""
    parts: list[Part] = []
    for index, layer in enumerate(layers):
        if layer.texture is None:
            continue
        others = tuple(region for region in layer.regions if region != SKIN)
        if SKIN in layer.regions:
            parts.append(Part(index, (SKIN,), layer.texture, layer.source))
        if others:
            parts.append(Part(index, others, layer.texture, layer.source))
    return tuple(parts)


def groups_read(layers: tuple[DescribedLayer, ...]) -> tuple[str, ...]:
    """The mask's groups whose weights the pass needs, in channel order."""
    needed: set[str] = set()
    for part in parts_of(layers):
        inside = set(part.regions) & set(GROUP_REGIONS)
        needed |= set(part.complement_groups()) if BACKGROUND in part.regions else inside
    return tuple(group for group in GROUP_REGIONS if group in needed)


def drawn_read(layers: tuple[DescribedLayer, ...]) -> tuple[str, ...]:
    """The drawn regions that any layer names, even one without a texture, because they reduce the groups' weights."""
    named = {region for layer in layers for region in layer.regions}
    return tuple(region for region in DRAWN_REGIONS if region in named)


CURVE = """\
// c + k c (1 - c): keeps 0, 1 and the order of all values between for |k| <= 1.
fn f3 curve(f3 c, f3 k) {
  return c + k * c * (f3(1.0) - c);
}
"""

VIVID = f"""\
// Chroma, along the line from the grey of about the same luminance; no room for more on the gamut's faces.
fn f3 vivid(f3 c, f1 k) {{
  let f1 grey = sqrt(dot(c * c, f3({", ".join(map(repr, LUMINANCE))})));
  let f1 room = 4.0 * min(c.x, min(c.y, c.z)) * (1.0 - max(c.x, max(c.y, c.z)));
  return c + (room * max(k, 0.0) + {MUTED} * min(k, 0.0)) * (c - f3(grey));
}}
"""

ADJUST = f"""\
// Tone, color and warmth of a looked-up colour.
fn f3 adjust(f3 c, f1 tone, f1 color, f1 warmth) {{
  let f3 toned = curve(c, f3({TONE} * tone));
  return curve(vivid(toned, color), f3({", ".join(map(repr, WARMTH_RGB))}) * warmth);
}}
"""

PCG = """\
// A hash; unsigned integers wrap alike in every dialect.
fn u1 pcg(u1 v) {
  let u1 state = v * 747796405u + 2891336453u;
  let u1 word = ((state >> ((state >> 28u) + 4u)) ^ state) * 277803737u;
  return (word >> 22u) ^ word;
}
"""

SPECK = """\
// The grain of a lattice point, in (-1, 1).
fn f1 speck(i2 at) {
  let u1 bits = pcg(u1(at.x) + pcg(u1(at.y)));
  return (f1(bits & 65535u) - f1(bits >> 16u)) / 65536.0;
}
"""

GRAINED = """\
// Noise of lightness, of the same deviation between the lattice points as on them.
fn f3 grained(f3 c, f1 k, f2 place) {
  let f2 low = floor(place);
  let f2 f = place - low;
  let f2 g = f2(1.0) - f;
  let i2 p = i2(low);
  let f1 upper = g.x * speck(p) + f.x * speck(p + i2(1, 0));
  let f1 lower = g.x * speck(p + i2(0, 1)) + f.x * speck(p + i2(1, 1));
  let f2 squares = f * f + g * g;
  let f1 n = (g.y * upper + f.y * lower) / sqrt(squares.x * squares.y);
  let f3 room = c * (f3(1.0) - c);
  return c + f3(k * n * min(room.x, min(room.y, room.z)));
}
"""

SHARES = """\
// Weights of disjoint regions: each in [0, 1], together at most 1.
fn f3 shares(f3 raw) {
  let f3 w = clamp(raw, f3(0.0), f3(1.0));
  return w / max(1.0, w.x + w.y + w.z);
}
"""

TRILINEAR = """\
// Table point k of {n} lies at (k + 0.5) / {n} of the texture; the texture unit interpolates.
fn f3 lookup_{i}(f3 c) {{
  return SAMPLE({texture}, c * ({last}.0 / {n}.0) + f3(0.5 / {n}.0)).xyz;
}}
"""

TETRAHEDRAL = """\
// The four corners from the cell's black to its white along the sorted axes, fetched exactly.
fn f3 lookup_{i}(f3 c) {{
  let f3 position = clamp(c, f3(0.0), f3(1.0)) * {last}.0;
  let f3 low = min(floor(position), f3({last}.0 - 1.0));
  let f3 f = position - low;
  let i3 p = i3(low);
  var f3 w = f.xyz;
  var i3 one = i3(1, 0, 0);
  var i3 two = i3(1, 1, 0);
  if (f.x >= f.y) {{
    if (f.y < f.z) {{
      if (f.x >= f.z) {{ w = f.xzy; two = i3(1, 0, 1); }}
      else {{ w = f.zxy; one = i3(0, 0, 1); two = i3(1, 0, 1); }}
    }}
  }} else {{
    if (f.z >= f.y) {{ w = f.zyx; one = i3(0, 0, 1); two = i3(0, 1, 1); }}
    else {{
      if (f.z >= f.x) {{ w = f.yzx; one = i3(0, 1, 0); two = i3(0, 1, 1); }}
      else {{ w = f.yxz; one = i3(0, 1, 0); }}
    }}
  }}
  let f3 c000 = FETCH({texture}, p).xyz;
  let f3 c1 = FETCH({texture}, p + one).xyz;
  let f3 c2 = FETCH({texture}, p + two).xyz;
  let f3 c111 = FETCH({texture}, p + i3(1, 1, 1)).xyz;
  return (1.0 - w.x) * c000 + (w.x - w.y) * c1 + (w.y - w.z) * c2 + w.z * c111;
}}
"""

TAP = """\
// One mask texel, weighted by nearness (a tent, so nothing jumps) and by likeness of colour.
fn f4 tap(i2 texel, i2 last, f2 size, f2 position, f3 c, m3 image_from_mask, f2 image_size) {{
  let i2 at = clamp(texel, i2(0, 0), last);
  let f2 distance_texels = abs(f2(texel) + f2(0.5) - position);
  let f2 near = max(f2(0.0), f2(1.0) - distance_texels / {reach}.0);
  let f3 there = image_from_mask * f3((f2(at) + f2(0.5)) / size, 1.0);
  let i2 image_at = i2(floor(there.xy * image_size + f2({bias})));
  let i2 image_last = i2(image_size) - i2(1, 1);
  let f3 d = FETCH(u_image, clamp(image_at, i2(0, 0), image_last)).xyz - c;
  let f1 weight = near.x * near.y * max(exp(-{sharpness} * dot(d, d)), {floor});
  return f4(FETCH(u_mask, at).xyz * weight, weight);
}}
"""


def program_of(description: ShaderDescription) -> Program:
    """The functions and the main body that draw this description."""
    luts = description.textures_with("lut")
    functions = [CURVE, VIVID, ADJUST, PCG, SPECK, GRAINED]
    if groups_read(description.layers) or drawn_read(description.layers):
        functions.append(SHARES)
    if description.refinement.method == "joint-bilateral" and groups_read(description.layers):
        functions += [_tap(description), _refined_mask(description)]
    template = TRILINEAR if description.interpolation == "trilinear" else TETRAHEDRAL
    functions += [_lookup(template, index, lut) for index, lut in enumerate(luts)]
    return Program(tuple(functions), "".join(f"  {line}\n" for line in _main_lines(description)))


def _lookup(template: str, index: int, lut: Texture) -> str:
    size = lut_size(lut)
    return template.format(i=index, n=size, last=size - 1, texture=lut.name)


def _tap(description: ShaderDescription) -> str:
    reach, sigma = description.refinement.reach, description.refinement.sigma
    assert reach is not None and sigma is not None
    return TAP.format(
        reach=reach, sharpness=repr(0.5 / sigma**2), floor=COLOUR_WEIGHT_FLOOR, bias=TEXEL_TIE_BIAS
    )


def _refined_mask(description: ShaderDescription) -> str:
    reach = description.refinement.reach
    assert reach is not None
    lines = [
        "fn f3 refined_mask(f3 c, f2 mask_uv, m3 image_from_mask, f2 image_size) {",
        "  let f2 size = SIZE(u_mask);",
        "  let i2 last = i2(size) - i2(1, 1);",
        "  let f2 position = mask_uv * size;",
        f"  let i2 first = i2(floor(position - f2(0.5))) - i2({reach - 1}, {reach - 1});",
        "  var f4 sum = f4(0.0);",
    ]
    for y in range(2 * reach):
        for x in range(2 * reach):
            call = f"tap(first + i2({x}, {y}), last, size, position, c, image_from_mask, image_size)"
            lines.append(f"  sum = sum + {call};")
    lines += ["  return sum.xyz / sum.w;", "}", ""]
    return "\n".join(lines)


def _main_lines(description: ShaderDescription) -> list[str]:
    layers = description.layers
    groups, drawn = groups_read(layers), drawn_read(layers)
    lines = [
        "let f2 image_uv = (PARAM(image_from_output) * f3(uv, 1.0)).xy;",
        "let f4 source = SAMPLE(u_image, image_uv);",
        "let f3 c = source.xyz;",
    ]
    if groups or drawn:
        lines.append("let f2 mask_uv = (PARAM(mask_from_image) * f3(image_uv, 1.0)).xy;")
    lines += _weight_lines(description, "PARAM({})")
    lines += _colour_lines(description)
    lines.append("var f3 mixed = c;")
    for part in parts_of(layers):
        lines += _part_lines(description, part, bool(drawn))
    lines += [
        "if (PARAM(grain) > 0.0) {",
        f"  let f2 place = (PARAM(grain_from_image) * f3(image_uv, 1.0)).xy * {float(CELLS)!r};",
        f"  mixed = grained(mixed, {GRAIN!r} * PARAM(grain) * PARAM(intensity), place);",
        "}",
    ]
    lines.append("let f4 result = f4(clamp(mixed, f3(0.0), f3(1.0)), source.w);")
    return lines


def _weight_lines(description: ShaderDescription, uniform: str) -> list[str]:
    """Weights of the groups and of the drawn regions, from c and mask_uv. uniform: how a uniform's value is read."""
    lines = []
    if groups := groups_read(description.layers):
        lines.append(f"let f3 weights = shares({_raw_weights(description, groups, uniform)});")
    if drawn := drawn_read(description.layers):
        lines.append(f"let f3 drawn = shares({_only('SAMPLE(u_drawn, mask_uv)', DRAWN_REGIONS, drawn)});")
    return lines


def _colour_lines(description: ShaderDescription) -> list[str]:
    """The colours that the parts mix in: those of the sources, and of the tables that look them up."""
    lines = []
    if description.textures_with("picture"):
        lines += [
            "let f2 picture_uv = (PARAM(picture_from_output) * f3(uv, 1.0)).xy;",
            "let f3 picture = SAMPLE(u_picture, picture_uv).xyz;",
        ]
    if description.passes:
        lines += [
            "let f4 sums = SAMPLE(u_blurred, image_uv);",
            f"let f3 blurred = (sums.xyz + {EPSILON!r} * c) / (sums.w + {EPSILON!r});",
        ]
    looked_up = dict.fromkeys((part.texture, part.source) for part in parts_of(description.layers))
    for index, lut in enumerate(description.textures_with("lut")):
        for source in (source for texture, source in looked_up if texture == lut.name):
            colour = "c" if source is None else COLOURS[source]
            lines.append(f"let f3 {_looked(index, source)} = lookup_{index}({colour});")
    return lines


COLOURS = {PICTURE: "picture", BLUR: "blurred"}  # slot → the colour read from it


def _looked(index: int, source: str | None) -> str:
    """The name of the colour that a table gives for a source's."""
    return f"looked_{index}" if source is None else f"looked_{index}_{COLOURS[source]}"


def _raw_weights(description: ShaderDescription, groups: tuple[str, ...], uniform: str) -> str:
    method = description.refinement.method
    if method == "bilinear":
        return _only("SAMPLE(u_mask, mask_uv)", GROUP_REGIONS, groups)
    if method == "joint-bilateral":
        place, width, height = (uniform.format(name) for name in TAP_UNIFORMS)
        refined = f"refined_mask(c, mask_uv, {place}, f2({width}, {height}))"
        return _only(refined, GROUP_REGIONS, groups)
    each = [
        f"dot(SAMPLE(u_coefficients_{group}, mask_uv), f4(c, 1.0))" if group in groups else "0.0"
        for group in GROUP_REGIONS
    ]
    return f"f3({', '.join(each)})"


TAP_UNIFORMS = ("image_from_mask", "image_width", "image_height")


def pass_programs(description: ShaderDescription) -> dict[str, Program]:
    """The maths of every pass, by name."""
    return {each.name: PASSES[each.name](description) for each in description.passes}


def _blur_x(description: ShaderDescription) -> Program:
    """Both sums of the blur along x, of the image's colours and the regions' weights."""
    drawn = drawn_read(description.layers)
    blurred = [part for part in parts_of(description.layers) if BLUR in (part.texture, part.source)]
    masked = bool(groups_read(description.layers) or drawn)
    functions, parameters, arguments = [], ["f2 at"], []
    if masked:
        functions.append(SHARES)
        parameters.append("m3 mask_from_image")
        arguments.append("PARAM(mask_from_image)")
    if description.refinement.method == "joint-bilateral" and groups_read(description.layers):
        functions += [_tap(description), _refined_mask(description)]
        parameters += ["m3 image_from_mask", "f1 image_width", "f1 image_height"]
        arguments += [f"PARAM({name})" for name in TAP_UNIFORMS]
    lines = ["let f3 c = SAMPLE(u_image, at).xyz;"]
    if masked:
        lines.append("let f2 mask_uv = (mask_from_image * f3(at, 1.0)).xy;")
    lines += _weight_lines(description, "{}")
    weight = " + ".join(_weight(part, bool(drawn)) for part in blurred)
    lines += [f"let f1 w = {weight};", "return f4(c * w, w);"]
    body = "".join(f"  {line}\n" for line in lines)
    functions.append(f"fn f4 weighted({', '.join(parameters)}) {{\n{body}}}\n")
    return Program(
        tuple(functions),
        _gaussian(
            "weighted({})".format(", ".join(["{place}", *arguments])), "f2({step}, 0.0)", "image_width"
        ),
    )


def _blur_y(description: ShaderDescription) -> Program:
    """The sums along y, of what the pass along x drew."""
    return Program((), _gaussian("SAMPLE(u_blurred_x, {place})", "f2(0.0, {step})", "image_height"))


PASSES = {"blur_x": _blur_x, "blur_y": _blur_y}


def _gaussian(value: str, direction: str, side: str) -> str:
    """The main body that sums `value` at the places of a Gaussian about uv."""
    lines = [
        "let f1 longest = max(PARAM(image_width), PARAM(image_height));",
        f"let f1 deviation = PARAM(blur) * longest / PARAM({side});",
        "var f4 sum = f4(0.0);",
    ]
    for offset, weight in zip(*taps(), strict=True):
        place = f"uv + {direction.format(step=f'{float(offset)!r} * deviation')}"
        lines.append(f"sum = sum + {float(weight)!r} * {value.format(place=place)};")
    lines.append("let f4 result = sum;")
    return "".join(f"  {line}\n" for line in lines)


def _only(value: str, channels: tuple[str, ...], used: tuple[str, ...]) -> str:
    """The expression `value.xyz` with the unused channels set to zero."""
    if used == channels:
        return f"{value}.xyz"
    keep = ", ".join("1.0" if channel in used else "0.0" for channel in channels)
    return f"{value}.xyz * f3({keep})"


def _part_lines(description: ShaderDescription, part: Part, has_drawn: bool) -> list[str]:
    luts = [lut.name for lut in description.textures_with("lut")]
    looked_up = COLOURS.get(part.texture) or _looked(luts.index(part.texture), part.source)
    amount = f"PARAM(intensity) * PARAM(strength_{part.layer})"
    share = ""
    if part.is_skin:
        amount += " * (1.0 - PARAM(skin_protection))"
        share = f" * {SKIN_SHARE!r}"
    styled = f"adjust({looked_up}, PARAM(tone), PARAM(color){share}, PARAM(warmth){share})"
    return [
        f"// {' and '.join(part.regions)}",
        f"mixed = mixed + ({_weight(part, has_drawn)} * {amount}) * ({styled} - c);",
    ]


def _weight(part: Part, has_drawn: bool) -> str:
    """The expression of the part's weight: its groups', reduced by all drawn regions, plus its drawn regions'."""
    of_drawn = [f"drawn.{XYZ[i]}" for i, name in enumerate(DRAWN_REGIONS) if name in part.regions]
    of_groups = _group_weight(part)
    if of_groups and has_drawn:
        of_groups = f"({of_groups}) * (1.0 - drawn.x - drawn.y - drawn.z)"
    terms = ([of_groups] if of_groups else []) + of_drawn
    return f"({' + '.join(terms)})"


def _group_weight(part: Part) -> str:
    if BACKGROUND in part.regions:
        rest = [f" - weights.{XYZ[GROUP_REGIONS.index(group)]}" for group in part.complement_groups()]
        return f"1.0{''.join(rest)}"
    inside = [f"weights.{XYZ[i]}" for i, group in enumerate(GROUP_REGIONS) if group in part.regions]
    return " + ".join(inside)
