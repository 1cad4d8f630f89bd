// edgekit, the fused pass: mask, look-up and blend in one draw. Generated; edit the description.
#include <metal_stdlib>
using namespace metal;

struct Params {
  float3x3 image_from_output;
  float3x3 mask_from_image;
  float3x3 grain_from_image;
  float intensity;
  float tone;
  float warmth;
  float skin_protection;
  float color;
  float grain;
  float strength_0;
  float strength_1;
};
struct VertexOut { float4 position [[position]]; float2 uv; };
constexpr sampler s_linear(coord::normalized, address::clamp_to_edge, filter::linear);

// c + k c (1 - c): keeps 0, 1 and the order of all values between for |k| <= 1.
static inline float3 curve(float3 c, float3 k) {
  return c + k * c * (float3(1.0) - c);
}

// Chroma, along the line from the grey of about the same luminance; no room for more on the gamut's faces.
static inline float3 vivid(float3 c, float k) {
  float grey = sqrt(dot(c * c, float3(0.2126, 0.7152, 0.0722)));
  float room = 4.0 * min(c.x, min(c.y, c.z)) * (1.0 - max(c.x, max(c.y, c.z)));
  return c + (room * max(k, 0.0) + 0.5 * min(k, 0.0)) * (c - float3(grey));
}

// Tone, color and warmth of a looked-up colour.
static inline float3 adjust(float3 c, float tone, float color, float warmth) {
  float3 toned = curve(c, float3(0.5 * tone));
  return curve(vivid(toned, color), float3(0.23, -0.04, -0.4) * warmth);
}

// A hash; unsigned integers wrap alike in every dialect.
static inline uint pcg(uint v) {
  uint state = v * 747796405u + 2891336453u;
  uint word = ((state >> ((state >> 28u) + 4u)) ^ state) * 277803737u;
  return (word >> 22u) ^ word;
}

// The grain of a lattice point, in (-1, 1).
static inline float speck(int2 at) {
  uint bits = pcg(uint(at.x) + pcg(uint(at.y)));
  return (float(bits & 65535u) - float(bits >> 16u)) / 65536.0;
}

// Noise of lightness, of the same deviation between the lattice points as on them.
static inline float3 grained(float3 c, float k, float2 place) {
  float2 low = floor(place);
  float2 f = place - low;
  float2 g = float2(1.0) - f;
  int2 p = int2(low);
  float upper = g.x * speck(p) + f.x * speck(p + int2(1, 0));
  float lower = g.x * speck(p + int2(0, 1)) + f.x * speck(p + int2(1, 1));
  float2 squares = f * f + g * g;
  float n = (g.y * upper + f.y * lower) / sqrt(squares.x * squares.y);
  float3 room = c * (float3(1.0) - c);
  return c + float3(k * n * min(room.x, min(room.y, room.z)));
}

// Weights of disjoint regions: each in [0, 1], together at most 1.
static inline float3 shares(float3 raw) {
  float3 w = clamp(raw, float3(0.0), float3(1.0));
  return w / max(1.0, w.x + w.y + w.z);
}

// Table point k of 33 lies at (k + 0.5) / 33 of the texture; the texture unit interpolates.
static inline float3 lookup_0(float3 c, texture3d<float> u_lut_0) {
  return u_lut_0.sample(s_linear, c * (32.0 / 33.0) + float3(0.5 / 33.0)).xyz;
}

// Table point k of 17 lies at (k + 0.5) / 17 of the texture; the texture unit interpolates.
static inline float3 lookup_1(float3 c, texture3d<float> u_lut_1) {
  return u_lut_1.sample(s_linear, c * (16.0 / 17.0) + float3(0.5 / 17.0)).xyz;
}

vertex VertexOut edgekit_vertex(uint id [[vertex_id]]) {
  float2 p = float2(float((id << 1) & 2), float(id & 2));
  VertexOut o;
  o.uv = float2(p.x, 1.0 - p.y);
  o.position = float4(p * 2.0 - 1.0, 0.0, 1.0);
  return o;
}

fragment float4 edgekit_fragment(
    VertexOut in [[stage_in]],
    texture2d<float> u_image [[texture(0)]],
    texture2d<float> u_mask [[texture(1)]],
    texture3d<float> u_lut_0 [[texture(2)]],
    texture3d<float> u_lut_1 [[texture(3)]],
    constant Params& params [[buffer(0)]]) {
  float2 uv = in.uv;
  float2 image_uv = (params.image_from_output * float3(uv, 1.0)).xy;
  float4 source = u_image.sample(s_linear, image_uv);
  float3 c = source.xyz;
  float2 mask_uv = (params.mask_from_image * float3(image_uv, 1.0)).xy;
  float3 weights = shares(u_mask.sample(s_linear, mask_uv).xyz * float3(1.0, 0.0, 0.0));
  float3 looked_0 = lookup_0(c, u_lut_0);
  float3 looked_1 = lookup_1(c, u_lut_1);
  float3 mixed = c;
  // hair and clothes and background
  mixed = mixed + ((1.0 - weights.x) * params.intensity * params.strength_0) * (adjust(looked_0, params.tone, params.color, params.warmth) - c);
  // skin
  mixed = mixed + ((weights.x) * params.intensity * params.strength_1 * (1.0 - params.skin_protection)) * (adjust(looked_1, params.tone, params.color * 0.3333333333333333, params.warmth * 0.3333333333333333) - c);
  if (params.grain > 0.0) {
    float2 place = (params.grain_from_image * float3(image_uv, 1.0)).xy * 1536.0;
    mixed = grained(mixed, 0.5 * params.grain * params.intensity, place);
  }
  float4 result = float4(clamp(mixed, float3(0.0), float3(1.0)), source.w);
  return result;
}
