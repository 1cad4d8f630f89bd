#version 300 es
// edgekit, the fused pass: mask, look-up and blend in one draw. Generated; edit the description.
precision highp float;
precision highp int;
precision highp sampler2D;
precision highp sampler3D;
uniform sampler2D u_image;
uniform sampler2D u_mask;
uniform sampler3D u_lut_0;
uniform sampler3D u_lut_1;
uniform mat3 u_image_from_output;
uniform mat3 u_mask_from_image;
uniform mat3 u_grain_from_image;
uniform float u_intensity;
uniform float u_tone;
uniform float u_warmth;
uniform float u_skin_protection;
uniform float u_color;
uniform float u_grain;
uniform float u_strength_0;
uniform float u_strength_1;
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

// Table point k of 33 lies at (k + 0.5) / 33 of the texture; the texture unit interpolates.
vec3 lookup_0(vec3 c) {
  return texture(u_lut_0, c * (32.0 / 33.0) + vec3(0.5 / 33.0)).xyz;
}

// Table point k of 17 lies at (k + 0.5) / 17 of the texture; the texture unit interpolates.
vec3 lookup_1(vec3 c) {
  return texture(u_lut_1, c * (16.0 / 17.0) + vec3(0.5 / 17.0)).xyz;
}

void main() {
  vec2 uv = v_uv;
  vec2 image_uv = (u_image_from_output * vec3(uv, 1.0)).xy;
  vec4 source = texture(u_image, image_uv);
  vec3 c = source.xyz;
  vec2 mask_uv = (u_mask_from_image * vec3(image_uv, 1.0)).xy;
  vec3 weights = shares(texture(u_mask, mask_uv).xyz * vec3(1.0, 0.0, 0.0));
  vec3 looked_0 = lookup_0(c);
  vec3 looked_1 = lookup_1(c);
  vec3 mixed = c;
  // hair and clothes and background
  mixed = mixed + ((1.0 - weights.x) * u_intensity * u_strength_0) * (adjust(looked_0, u_tone, u_color, u_warmth) - c);
  // skin
  mixed = mixed + ((weights.x) * u_intensity * u_strength_1 * (1.0 - u_skin_protection)) * (adjust(looked_1, u_tone, u_color * 0.3333333333333333, u_warmth * 0.3333333333333333) - c);
  if (u_grain > 0.0) {
    vec2 place = (u_grain_from_image * vec3(image_uv, 1.0)).xy * 1536.0;
    mixed = grained(mixed, 0.5 * u_grain * u_intensity, place);
  }
  vec4 result = vec4(clamp(mixed, vec3(0.0), vec3(1.0)), source.w);
  o_color = result;
}
