// edgekit, the fused pass: mask, look-up and blend in one draw. Generated; edit the description.
struct Params {
  image_from_output : mat3x3<f32>,
  mask_from_image : mat3x3<f32>,
  grain_from_image : mat3x3<f32>,
  intensity : f32,
  tone : f32,
  warmth : f32,
  skin_protection : f32,
  color : f32,
  grain : f32,
  strength_0 : f32,
  strength_1 : f32,
};
struct VertexOut { @builtin(position) position : vec4<f32>, @location(0) uv : vec2<f32> };
@group(0) @binding(0) var u_image : texture_2d<f32>;
@group(0) @binding(1) var u_mask : texture_2d<f32>;
@group(0) @binding(2) var u_lut_0 : texture_3d<f32>;
@group(0) @binding(3) var u_lut_1 : texture_3d<f32>;
@group(0) @binding(4) var s_linear : sampler;
@group(0) @binding(5) var<uniform> params : Params;

// c + k c (1 - c): keeps 0, 1 and the order of all values between for |k| <= 1.
fn curve(c : vec3<f32>, k : vec3<f32>) -> vec3<f32> {
  return c + k * c * (vec3<f32>(1.0) - c);
}

// Chroma, along the line from the grey of about the same luminance; no room for more on the gamut's faces.
fn vivid(c : vec3<f32>, k : f32) -> vec3<f32> {
  let grey : f32 = sqrt(dot(c * c, vec3<f32>(0.2126, 0.7152, 0.0722)));
  let room : f32 = 4.0 * min(c.x, min(c.y, c.z)) * (1.0 - max(c.x, max(c.y, c.z)));
  return c + (room * max(k, 0.0) + 0.5 * min(k, 0.0)) * (c - vec3<f32>(grey));
}

// Tone, color and warmth of a looked-up colour.
fn adjust(c : vec3<f32>, tone : f32, color : f32, warmth : f32) -> vec3<f32> {
  let toned : vec3<f32> = curve(c, vec3<f32>(0.5 * tone));
  return curve(vivid(toned, color), vec3<f32>(0.23, -0.04, -0.4) * warmth);
}

// A hash; unsigned integers wrap alike in every dialect.
fn pcg(v : u32) -> u32 {
  let state : u32 = v * 747796405u + 2891336453u;
  let word : u32 = ((state >> ((state >> 28u) + 4u)) ^ state) * 277803737u;
  return (word >> 22u) ^ word;
}

// The grain of a lattice point, in (-1, 1).
fn speck(at : vec2<i32>) -> f32 {
  let bits : u32 = pcg(u32(at.x) + pcg(u32(at.y)));
  return (f32(bits & 65535u) - f32(bits >> 16u)) / 65536.0;
}

// Noise of lightness, of the same deviation between the lattice points as on them.
fn grained(c : vec3<f32>, k : f32, place : vec2<f32>) -> vec3<f32> {
  let low : vec2<f32> = floor(place);
  let f : vec2<f32> = place - low;
  let g : vec2<f32> = vec2<f32>(1.0) - f;
  let p : vec2<i32> = vec2<i32>(low);
  let upper : f32 = g.x * speck(p) + f.x * speck(p + vec2<i32>(1, 0));
  let lower : f32 = g.x * speck(p + vec2<i32>(0, 1)) + f.x * speck(p + vec2<i32>(1, 1));
  let squares : vec2<f32> = f * f + g * g;
  let n : f32 = (g.y * upper + f.y * lower) / sqrt(squares.x * squares.y);
  let room : vec3<f32> = c * (vec3<f32>(1.0) - c);
  return c + vec3<f32>(k * n * min(room.x, min(room.y, room.z)));
}

// Weights of disjoint regions: each in [0, 1], together at most 1.
fn shares(raw : vec3<f32>) -> vec3<f32> {
  let w : vec3<f32> = clamp(raw, vec3<f32>(0.0), vec3<f32>(1.0));
  return w / max(1.0, w.x + w.y + w.z);
}

// Table point k of 33 lies at (k + 0.5) / 33 of the texture; the texture unit interpolates.
fn lookup_0(c : vec3<f32>) -> vec3<f32> {
  return textureSampleLevel(u_lut_0, s_linear, c * (32.0 / 33.0) + vec3<f32>(0.5 / 33.0), 0.0).xyz;
}

// Table point k of 17 lies at (k + 0.5) / 17 of the texture; the texture unit interpolates.
fn lookup_1(c : vec3<f32>) -> vec3<f32> {
  return textureSampleLevel(u_lut_1, s_linear, c * (16.0 / 17.0) + vec3<f32>(0.5 / 17.0), 0.0).xyz;
}

@vertex fn edgekit_vertex(@builtin(vertex_index) id : u32) -> VertexOut {
  let p = vec2<f32>(f32((id << 1u) & 2u), f32(id & 2u));
  var o : VertexOut;
  o.uv = vec2<f32>(p.x, 1.0 - p.y);
  o.position = vec4<f32>(p * 2.0 - 1.0, 0.0, 1.0);
  return o;
}

@fragment fn edgekit_fragment(in : VertexOut) -> @location(0) vec4<f32> {
  let uv = in.uv;
  let image_uv : vec2<f32> = (params.image_from_output * vec3<f32>(uv, 1.0)).xy;
  let source : vec4<f32> = textureSampleLevel(u_image, s_linear, image_uv, 0.0);
  let c : vec3<f32> = source.xyz;
  let mask_uv : vec2<f32> = (params.mask_from_image * vec3<f32>(image_uv, 1.0)).xy;
  let weights : vec3<f32> = shares(textureSampleLevel(u_mask, s_linear, mask_uv, 0.0).xyz * vec3<f32>(1.0, 0.0, 0.0));
  let looked_0 : vec3<f32> = lookup_0(c);
  let looked_1 : vec3<f32> = lookup_1(c);
  var mixed : vec3<f32> = c;
  // hair and clothes and background
  mixed = mixed + ((1.0 - weights.x) * params.intensity * params.strength_0) * (adjust(looked_0, params.tone, params.color, params.warmth) - c);
  // skin
  mixed = mixed + ((weights.x) * params.intensity * params.strength_1 * (1.0 - params.skin_protection)) * (adjust(looked_1, params.tone, params.color * 0.3333333333333333, params.warmth * 0.3333333333333333) - c);
  if (params.grain > 0.0) {
    let place : vec2<f32> = (params.grain_from_image * vec3<f32>(image_uv, 1.0)).xy * 1536.0;
    mixed = grained(mixed, 0.5 * params.grain * params.intensity, place);
  }
  let result : vec4<f32> = vec4<f32>(clamp(mixed, vec3<f32>(0.0), vec3<f32>(1.0)), source.w);
  return result;
}
