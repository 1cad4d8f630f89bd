#version 300 es
// edgekit, the fused pass: mask, look-up and blend in one draw. Generated; edit the description.
precision highp float;
precision highp int;
precision highp sampler2D;
precision highp sampler3D;
uniform sampler2D u_image;
uniform sampler2D u_mask;
uniform sampler2D u_drawn;
uniform sampler3D u_lut_0;
uniform sampler3D u_lut_1;
uniform sampler2D u_picture;
uniform mat3 u_image_from_output;
uniform mat3 u_mask_from_image;
uniform mat3 u_image_from_mask;
uniform mat3 u_picture_from_output;
uniform mat3 u_grain_from_image;
uniform float u_image_width;
uniform float u_image_height;
uniform float u_intensity;
uniform float u_tone;
uniform float u_warmth;
uniform float u_skin_protection;
uniform float u_color;
uniform float u_grain;
uniform float u_strength_0;
uniform float u_strength_1;
uniform float u_strength_2;
in highp vec2 v_uv;
layout(location = 0) out vec4 o_color;

// c + k c (1 - c): keeps 0, 1 and the order of all values between for |k| <= 1.
vec3 curve(vec3 c, vec3 k) {
  return c + k * c * (vec3(1.0) - c);
}

// Chroma, along the line from the grey of about the same luminance; no room for more on the gamut's faces.
vec3 vivid(vec3 c, float k) {
  float grey = sqrt(dot(c * c, vec3(0.2126, 0.7152, 0.0722)));
  float room = 4.0 * min(c.x, min(c.y, c.z)) * (1.0 - max(c.x, max(c.y, c.z)));
  return c + (room * max(k, 0.0) + 0.5 * min(k, 0.0)) * (c - vec3(grey));
}

// Tone, color and warmth of a looked-up colour.
vec3 adjust(vec3 c, float tone, float color, float warmth) {
  vec3 toned = curve(c, vec3(0.5 * tone));
  return curve(vivid(toned, color), vec3(0.23, -0.04, -0.4) * warmth);
}

// A hash; unsigned integers wrap alike in every dialect.
uint pcg(uint v) {
  uint state = v * 747796405u + 2891336453u;
  uint word = ((state >> ((state >> 28u) + 4u)) ^ state) * 277803737u;
  return (word >> 22u) ^ word;
}

// The grain of a lattice point, in (-1, 1).
float speck(ivec2 at) {
  uint bits = pcg(uint(at.x) + pcg(uint(at.y)));
  return (float(bits & 65535u) - float(bits >> 16u)) / 65536.0;
}

// Noise of lightness, of the same deviation between the lattice points as on them.
vec3 grained(vec3 c, float k, vec2 place) {
  vec2 low = floor(place);
  vec2 f = place - low;
  vec2 g = vec2(1.0) - f;
  ivec2 p = ivec2(low);
  float upper = g.x * speck(p) + f.x * speck(p + ivec2(1, 0));
  float lower = g.x * speck(p + ivec2(0, 1)) + f.x * speck(p + ivec2(1, 1));
  vec2 squares = f * f + g * g;
  float n = (g.y * upper + f.y * lower) / sqrt(squares.x * squares.y);
  vec3 room = c * (vec3(1.0) - c);
  return c + vec3(k * n * min(room.x, min(room.y, room.z)));
}

// Weights of disjoint regions: each in [0, 1], together at most 1.
vec3 shares(vec3 raw) {
  vec3 w = clamp(raw, vec3(0.0), vec3(1.0));
  return w / max(1.0, w.x + w.y + w.z);
}

// One mask texel, weighted by nearness (a tent, so nothing jumps) and by likeness of colour.
vec4 tap(ivec2 texel, ivec2 last, vec2 size, vec2 position, vec3 c, mat3 image_from_mask, vec2 image_size) {
  ivec2 at = clamp(texel, ivec2(0, 0), last);
  vec2 distance_texels = abs(vec2(texel) + vec2(0.5) - position);
  vec2 near = max(vec2(0.0), vec2(1.0) - distance_texels / 1.0);
  vec3 there = image_from_mask * vec3((vec2(at) + vec2(0.5)) / size, 1.0);
  ivec2 image_at = ivec2(floor(there.xy * image_size + vec2(0.015625)));
  ivec2 image_last = ivec2(image_size) - ivec2(1, 1);
  vec3 d = texelFetch(u_image, clamp(image_at, ivec2(0, 0), image_last), 0).xyz - c;
  float weight = near.x * near.y * max(exp(-102.0408163265306 * dot(d, d)), 0.001);
  return vec4(texelFetch(u_mask, at, 0).xyz * weight, weight);
}

vec3 refined_mask(vec3 c, vec2 mask_uv, mat3 image_from_mask, vec2 image_size) {
  vec2 size = vec2(textureSize(u_mask, 0));
  ivec2 last = ivec2(size) - ivec2(1, 1);
  vec2 position = mask_uv * size;
  ivec2 first = ivec2(floor(position - vec2(0.5))) - ivec2(0, 0);
  vec4 sum = vec4(0.0);
  sum = sum + tap(first + ivec2(0, 0), last, size, position, c, image_from_mask, image_size);
  sum = sum + tap(first + ivec2(1, 0), last, size, position, c, image_from_mask, image_size);
  sum = sum + tap(first + ivec2(0, 1), last, size, position, c, image_from_mask, image_size);
  sum = sum + tap(first + ivec2(1, 1), last, size, position, c, image_from_mask, image_size);
  return sum.xyz / sum.w;
}

// The four corners from the cell's black to its white along the sorted axes, fetched exactly.
vec3 lookup_0(vec3 c) {
  vec3 position = clamp(c, vec3(0.0), vec3(1.0)) * 32.0;
  vec3 low = min(floor(position), vec3(32.0 - 1.0));
  vec3 f = position - low;
  ivec3 p = ivec3(low);
  vec3 w = f.xyz;
  ivec3 one = ivec3(1, 0, 0);
  ivec3 two = ivec3(1, 1, 0);
  if (f.x >= f.y) {
    if (f.y < f.z) {
      if (f.x >= f.z) { w = f.xzy; two = ivec3(1, 0, 1); }
      else { w = f.zxy; one = ivec3(0, 0, 1); two = ivec3(1, 0, 1); }
    }
  } else {
    if (f.z >= f.y) { w = f.zyx; one = ivec3(0, 0, 1); two = ivec3(0, 1, 1); }
    else {
      if (f.z >= f.x) { w = f.yzx; one = ivec3(0, 1, 0); two = ivec3(0, 1, 1); }
      else { w = f.yxz; one = ivec3(0, 1, 0); }
    }
  }
  vec3 c000 = texelFetch(u_lut_0, p, 0).xyz;
  vec3 c1 = texelFetch(u_lut_0, p + one, 0).xyz;
  vec3 c2 = texelFetch(u_lut_0, p + two, 0).xyz;
  vec3 c111 = texelFetch(u_lut_0, p + ivec3(1, 1, 1), 0).xyz;
  return (1.0 - w.x) * c000 + (w.x - w.y) * c1 + (w.y - w.z) * c2 + w.z * c111;
}

// The four corners from the cell's black to its white along the sorted axes, fetched exactly.
vec3 lookup_1(vec3 c) {
  vec3 position = clamp(c, vec3(0.0), vec3(1.0)) * 16.0;
  vec3 low = min(floor(position), vec3(16.0 - 1.0));
  vec3 f = position - low;
  ivec3 p = ivec3(low);
  vec3 w = f.xyz;
  ivec3 one = ivec3(1, 0, 0);
  ivec3 two = ivec3(1, 1, 0);
  if (f.x >= f.y) {
    if (f.y < f.z) {
      if (f.x >= f.z) { w = f.xzy; two = ivec3(1, 0, 1); }
      else { w = f.zxy; one = ivec3(0, 0, 1); two = ivec3(1, 0, 1); }
    }
  } else {
    if (f.z >= f.y) { w = f.zyx; one = ivec3(0, 0, 1); two = ivec3(0, 1, 1); }
    else {
      if (f.z >= f.x) { w = f.yzx; one = ivec3(0, 1, 0); two = ivec3(0, 1, 1); }
      else { w = f.yxz; one = ivec3(0, 1, 0); }
    }
  }
  vec3 c000 = texelFetch(u_lut_1, p, 0).xyz;
  vec3 c1 = texelFetch(u_lut_1, p + one, 0).xyz;
  vec3 c2 = texelFetch(u_lut_1, p + two, 0).xyz;
  vec3 c111 = texelFetch(u_lut_1, p + ivec3(1, 1, 1), 0).xyz;
  return (1.0 - w.x) * c000 + (w.x - w.y) * c1 + (w.y - w.z) * c2 + w.z * c111;
}

void main() {
  vec2 uv = v_uv;
  vec2 image_uv = (u_image_from_output * vec3(uv, 1.0)).xy;
  vec4 source = texture(u_image, image_uv);
  vec3 c = source.xyz;
  vec2 mask_uv = (u_mask_from_image * vec3(image_uv, 1.0)).xy;
  vec3 weights = shares(refined_mask(c, mask_uv, u_image_from_mask, vec2(u_image_width, u_image_height)).xyz);
  vec3 drawn = shares(texture(u_drawn, mask_uv).xyz * vec3(1.0, 0.0, 1.0));
  vec2 picture_uv = (u_picture_from_output * vec3(uv, 1.0)).xy;
  vec3 picture = texture(u_picture, picture_uv).xyz;
  vec3 looked_0 = lookup_0(c);
  vec3 looked_1 = lookup_1(c);
  vec3 mixed = c;
  // background
  mixed = mixed + (((1.0 - weights.x - weights.y - weights.z) * (1.0 - drawn.x - drawn.y - drawn.z)) * u_intensity * u_strength_0) * (adjust(picture, u_tone, u_color, u_warmth) - c);
  // skin
  mixed = mixed + (((weights.x) * (1.0 - drawn.x - drawn.y - drawn.z)) * u_intensity * u_strength_1 * (1.0 - u_skin_protection)) * (adjust(looked_0, u_tone, u_color * 0.3333333333333333, u_warmth * 0.3333333333333333) - c);
  // clothes
  mixed = mixed + (((weights.z) * (1.0 - drawn.x - drawn.y - drawn.z)) * u_intensity * u_strength_1) * (adjust(looked_0, u_tone, u_color, u_warmth) - c);
  // drawn_1 and drawn_3
  mixed = mixed + ((drawn.x + drawn.z) * u_intensity * u_strength_2) * (adjust(looked_1, u_tone, u_color, u_warmth) - c);
  if (u_grain > 0.0) {
    vec2 place = (u_grain_from_image * vec3(image_uv, 1.0)).xy * 1536.0;
    mixed = grained(mixed, 0.5 * u_grain * u_intensity, place);
  }
  vec4 result = vec4(clamp(mixed, vec3(0.0), vec3(1.0)), source.w);
  o_color = result;
}
