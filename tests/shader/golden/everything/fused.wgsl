// edgekit, the fused pass: mask, look-up and blend in one draw. Generated; edit the description.
struct Params {
  image_from_output : mat3x3<f32>,
  mask_from_image : mat3x3<f32>,
  image_from_mask : mat3x3<f32>,
  picture_from_output : mat3x3<f32>,
  grain_from_image : mat3x3<f32>,
  image_width : f32,
  image_height : f32,
  intensity : f32,
  tone : f32,
  warmth : f32,
  skin_protection : f32,
  color : f32,
  grain : f32,
  strength_0 : f32,
  strength_1 : f32,
  strength_2 : f32,
};
struct VertexOut { @builtin(position) position : vec4<f32>, @location(0) uv : vec2<f32> };
@group(0) @binding(0) var u_image : texture_2d<f32>;
@group(0) @binding(1) var u_mask : texture_2d<f32>;
@group(0) @binding(2) var u_drawn : texture_2d<f32>;
@group(0) @binding(3) var u_lut_0 : texture_3d<f32>;
@group(0) @binding(4) var u_lut_1 : texture_3d<f32>;
@group(0) @binding(5) var u_picture : texture_2d<f32>;
@group(0) @binding(6) var s_linear : sampler;
@group(0) @binding(7) var<uniform> params : Params;

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

// One mask texel, weighted by nearness (a tent, so nothing jumps) and by likeness of colour.
fn tap(texel : vec2<i32>, last : vec2<i32>, size : vec2<f32>, position : vec2<f32>, c : vec3<f32>, image_from_mask : mat3x3<f32>, image_size : vec2<f32>) -> vec4<f32> {
  let at : vec2<i32> = clamp(texel, vec2<i32>(0, 0), last);
  let distance_texels : vec2<f32> = abs(vec2<f32>(texel) + vec2<f32>(0.5) - position);
  let near : vec2<f32> = max(vec2<f32>(0.0), vec2<f32>(1.0) - distance_texels / 1.0);
  let there : vec3<f32> = image_from_mask * vec3<f32>((vec2<f32>(at) + vec2<f32>(0.5)) / size, 1.0);
  let image_at : vec2<i32> = vec2<i32>(floor(there.xy * image_size + vec2<f32>(0.015625)));
  let image_last : vec2<i32> = vec2<i32>(image_size) - vec2<i32>(1, 1);
  let d : vec3<f32> = textureLoad(u_image, clamp(image_at, vec2<i32>(0, 0), image_last), 0).xyz - c;
  let weight : f32 = near.x * near.y * max(exp(-102.0408163265306 * dot(d, d)), 0.001);
  return vec4<f32>(textureLoad(u_mask, at, 0).xyz * weight, weight);
}

fn refined_mask(c : vec3<f32>, mask_uv : vec2<f32>, image_from_mask : mat3x3<f32>, image_size : vec2<f32>) -> vec3<f32> {
  let size : vec2<f32> = vec2<f32>(textureDimensions(u_mask));
  let last : vec2<i32> = vec2<i32>(size) - vec2<i32>(1, 1);
  let position : vec2<f32> = mask_uv * size;
  let first : vec2<i32> = vec2<i32>(floor(position - vec2<f32>(0.5))) - vec2<i32>(0, 0);
  var sum : vec4<f32> = vec4<f32>(0.0);
  sum = sum + tap(first + vec2<i32>(0, 0), last, size, position, c, image_from_mask, image_size);
  sum = sum + tap(first + vec2<i32>(1, 0), last, size, position, c, image_from_mask, image_size);
  sum = sum + tap(first + vec2<i32>(0, 1), last, size, position, c, image_from_mask, image_size);
  sum = sum + tap(first + vec2<i32>(1, 1), last, size, position, c, image_from_mask, image_size);
  return sum.xyz / sum.w;
}

// The four corners from the cell's black to its white along the sorted axes, fetched exactly.
fn lookup_0(c : vec3<f32>) -> vec3<f32> {
  let position : vec3<f32> = clamp(c, vec3<f32>(0.0), vec3<f32>(1.0)) * 32.0;
  let low : vec3<f32> = min(floor(position), vec3<f32>(32.0 - 1.0));
  let f : vec3<f32> = position - low;
  let p : vec3<i32> = vec3<i32>(low);
  var w : vec3<f32> = f.xyz;
  var one : vec3<i32> = vec3<i32>(1, 0, 0);
  var two : vec3<i32> = vec3<i32>(1, 1, 0);
  if (f.x >= f.y) {
    if (f.y < f.z) {
      if (f.x >= f.z) { w = f.xzy; two = vec3<i32>(1, 0, 1); }
      else { w = f.zxy; one = vec3<i32>(0, 0, 1); two = vec3<i32>(1, 0, 1); }
    }
  } else {
    if (f.z >= f.y) { w = f.zyx; one = vec3<i32>(0, 0, 1); two = vec3<i32>(0, 1, 1); }
    else {
      if (f.z >= f.x) { w = f.yzx; one = vec3<i32>(0, 1, 0); two = vec3<i32>(0, 1, 1); }
      else { w = f.yxz; one = vec3<i32>(0, 1, 0); }
    }
  }
  let c000 : vec3<f32> = textureLoad(u_lut_0, p, 0).xyz;
  let c1 : vec3<f32> = textureLoad(u_lut_0, p + one, 0).xyz;
  let c2 : vec3<f32> = textureLoad(u_lut_0, p + two, 0).xyz;
  let c111 : vec3<f32> = textureLoad(u_lut_0, p + vec3<i32>(1, 1, 1), 0).xyz;
  return (1.0 - w.x) * c000 + (w.x - w.y) * c1 + (w.y - w.z) * c2 + w.z * c111;
}

// The four corners from the cell's black to its white along the sorted axes, fetched exactly.
fn lookup_1(c : vec3<f32>) -> vec3<f32> {
  let position : vec3<f32> = clamp(c, vec3<f32>(0.0), vec3<f32>(1.0)) * 16.0;
  let low : vec3<f32> = min(floor(position), vec3<f32>(16.0 - 1.0));
  let f : vec3<f32> = position - low;
  let p : vec3<i32> = vec3<i32>(low);
  var w : vec3<f32> = f.xyz;
  var one : vec3<i32> = vec3<i32>(1, 0, 0);
  var two : vec3<i32> = vec3<i32>(1, 1, 0);
  if (f.x >= f.y) {
    if (f.y < f.z) {
      if (f.x >= f.z) { w = f.xzy; two = vec3<i32>(1, 0, 1); }
      else { w = f.zxy; one = vec3<i32>(0, 0, 1); two = vec3<i32>(1, 0, 1); }
    }
  } else {
    if (f.z >= f.y) { w = f.zyx; one = vec3<i32>(0, 0, 1); two = vec3<i32>(0, 1, 1); }
    else {
      if (f.z >= f.x) { w = f.yzx; one = vec3<i32>(0, 1, 0); two = vec3<i32>(0, 1, 1); }
      else { w = f.yxz; one = vec3<i32>(0, 1, 0); }
    }
  }
  let c000 : vec3<f32> = textureLoad(u_lut_1, p, 0).xyz;
  let c1 : vec3<f32> = textureLoad(u_lut_1, p + one, 0).xyz;
  let c2 : vec3<f32> = textureLoad(u_lut_1, p + two, 0).xyz;
  let c111 : vec3<f32> = textureLoad(u_lut_1, p + vec3<i32>(1, 1, 1), 0).xyz;
  return (1.0 - w.x) * c000 + (w.x - w.y) * c1 + (w.y - w.z) * c2 + w.z * c111;
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
  let weights : vec3<f32> = shares(refined_mask(c, mask_uv, params.image_from_mask, vec2<f32>(params.image_width, params.image_height)).xyz);
  let drawn : vec3<f32> = shares(textureSampleLevel(u_drawn, s_linear, mask_uv, 0.0).xyz * vec3<f32>(1.0, 0.0, 1.0));
  let picture_uv : vec2<f32> = (params.picture_from_output * vec3<f32>(uv, 1.0)).xy;
  let picture : vec3<f32> = textureSampleLevel(u_picture, s_linear, picture_uv, 0.0).xyz;
  let looked_0 : vec3<f32> = lookup_0(c);
  let looked_1 : vec3<f32> = lookup_1(c);
  var mixed : vec3<f32> = c;
  // background
  mixed = mixed + (((1.0 - weights.x - weights.y - weights.z) * (1.0 - drawn.x - drawn.y - drawn.z)) * params.intensity * params.strength_0) * (adjust(picture, params.tone, params.color, params.warmth) - c);
  // skin
  mixed = mixed + (((weights.x) * (1.0 - drawn.x - drawn.y - drawn.z)) * params.intensity * params.strength_1 * (1.0 - params.skin_protection)) * (adjust(looked_0, params.tone, params.color * 0.3333333333333333, params.warmth * 0.3333333333333333) - c);
  // clothes
  mixed = mixed + (((weights.z) * (1.0 - drawn.x - drawn.y - drawn.z)) * params.intensity * params.strength_1) * (adjust(looked_0, params.tone, params.color, params.warmth) - c);
  // drawn_1 and drawn_3
  mixed = mixed + ((drawn.x + drawn.z) * params.intensity * params.strength_2) * (adjust(looked_1, params.tone, params.color, params.warmth) - c);
  if (params.grain > 0.0) {
    let place : vec2<f32> = (params.grain_from_image * vec3<f32>(image_uv, 1.0)).xy * 1536.0;
    mixed = grained(mixed, 0.5 * params.grain * params.intensity, place);
  }
  let result : vec4<f32> = vec4<f32>(clamp(mixed, vec3<f32>(0.0), vec3<f32>(1.0)), source.w);
  return result;
}
