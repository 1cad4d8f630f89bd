// edgekit, the fused pass: mask, look-up and blend in one draw. Generated; edit the description.
#include <metal_stdlib>
using namespace metal;

struct Params {
  float3x3 image_from_output;
  float3x3 mask_from_image;
  float3x3 image_from_mask;
  float3x3 picture_from_output;
  float3x3 grain_from_image;
  float image_width;
  float image_height;
  float intensity;
  float tone;
  float warmth;
  float skin_protection;
  float color;
  float grain;
  float strength_0;
  float strength_1;
  float strength_2;
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

// One mask texel, weighted by nearness (a tent, so nothing jumps) and by likeness of colour.
static inline float4 tap(int2 texel, int2 last, float2 size, float2 position, float3 c, float3x3 image_from_mask, float2 image_size, texture2d<float> u_image, texture2d<float> u_mask) {
  int2 at = clamp(texel, int2(0, 0), last);
  float2 distance_texels = abs(float2(texel) + float2(0.5) - position);
  float2 near = max(float2(0.0), float2(1.0) - distance_texels / 1.0);
  float3 there = image_from_mask * float3((float2(at) + float2(0.5)) / size, 1.0);
  int2 image_at = int2(floor(there.xy * image_size + float2(0.015625)));
  int2 image_last = int2(image_size) - int2(1, 1);
  float3 d = u_image.read(uint2(clamp(image_at, int2(0, 0), image_last)), 0).xyz - c;
  float weight = near.x * near.y * max(exp(-102.0408163265306 * dot(d, d)), 0.001);
  return float4(u_mask.read(uint2(at), 0).xyz * weight, weight);
}

static inline float3 refined_mask(float3 c, float2 mask_uv, float3x3 image_from_mask, float2 image_size, texture2d<float> u_mask, texture2d<float> u_image) {
  float2 size = float2(float(u_mask.get_width()), float(u_mask.get_height()));
  int2 last = int2(size) - int2(1, 1);
  float2 position = mask_uv * size;
  int2 first = int2(floor(position - float2(0.5))) - int2(0, 0);
  float4 sum = float4(0.0);
  sum = sum + tap(first + int2(0, 0), last, size, position, c, image_from_mask, image_size, u_image, u_mask);
  sum = sum + tap(first + int2(1, 0), last, size, position, c, image_from_mask, image_size, u_image, u_mask);
  sum = sum + tap(first + int2(0, 1), last, size, position, c, image_from_mask, image_size, u_image, u_mask);
  sum = sum + tap(first + int2(1, 1), last, size, position, c, image_from_mask, image_size, u_image, u_mask);
  return sum.xyz / sum.w;
}

// The four corners from the cell's black to its white along the sorted axes, fetched exactly.
static inline float3 lookup_0(float3 c, texture3d<float> u_lut_0) {
  float3 position = clamp(c, float3(0.0), float3(1.0)) * 32.0;
  float3 low = min(floor(position), float3(32.0 - 1.0));
  float3 f = position - low;
  int3 p = int3(low);
  float3 w = f.xyz;
  int3 one = int3(1, 0, 0);
  int3 two = int3(1, 1, 0);
  if (f.x >= f.y) {
    if (f.y < f.z) {
      if (f.x >= f.z) { w = f.xzy; two = int3(1, 0, 1); }
      else { w = f.zxy; one = int3(0, 0, 1); two = int3(1, 0, 1); }
    }
  } else {
    if (f.z >= f.y) { w = f.zyx; one = int3(0, 0, 1); two = int3(0, 1, 1); }
    else {
      if (f.z >= f.x) { w = f.yzx; one = int3(0, 1, 0); two = int3(0, 1, 1); }
      else { w = f.yxz; one = int3(0, 1, 0); }
    }
  }
  float3 c000 = u_lut_0.read(uint3(p), 0).xyz;
  float3 c1 = u_lut_0.read(uint3(p + one), 0).xyz;
  float3 c2 = u_lut_0.read(uint3(p + two), 0).xyz;
  float3 c111 = u_lut_0.read(uint3(p + int3(1, 1, 1)), 0).xyz;
  return (1.0 - w.x) * c000 + (w.x - w.y) * c1 + (w.y - w.z) * c2 + w.z * c111;
}

// The four corners from the cell's black to its white along the sorted axes, fetched exactly.
static inline float3 lookup_1(float3 c, texture3d<float> u_lut_1) {
  float3 position = clamp(c, float3(0.0), float3(1.0)) * 16.0;
  float3 low = min(floor(position), float3(16.0 - 1.0));
  float3 f = position - low;
  int3 p = int3(low);
  float3 w = f.xyz;
  int3 one = int3(1, 0, 0);
  int3 two = int3(1, 1, 0);
  if (f.x >= f.y) {
    if (f.y < f.z) {
      if (f.x >= f.z) { w = f.xzy; two = int3(1, 0, 1); }
      else { w = f.zxy; one = int3(0, 0, 1); two = int3(1, 0, 1); }
    }
  } else {
    if (f.z >= f.y) { w = f.zyx; one = int3(0, 0, 1); two = int3(0, 1, 1); }
    else {
      if (f.z >= f.x) { w = f.yzx; one = int3(0, 1, 0); two = int3(0, 1, 1); }
      else { w = f.yxz; one = int3(0, 1, 0); }
    }
  }
  float3 c000 = u_lut_1.read(uint3(p), 0).xyz;
  float3 c1 = u_lut_1.read(uint3(p + one), 0).xyz;
  float3 c2 = u_lut_1.read(uint3(p + two), 0).xyz;
  float3 c111 = u_lut_1.read(uint3(p + int3(1, 1, 1)), 0).xyz;
  return (1.0 - w.x) * c000 + (w.x - w.y) * c1 + (w.y - w.z) * c2 + w.z * c111;
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
    texture2d<float> u_drawn [[texture(2)]],
    texture3d<float> u_lut_0 [[texture(3)]],
    texture3d<float> u_lut_1 [[texture(4)]],
    texture2d<float> u_picture [[texture(5)]],
    constant Params& params [[buffer(0)]]) {
  float2 uv = in.uv;
  float2 image_uv = (params.image_from_output * float3(uv, 1.0)).xy;
  float4 source = u_image.sample(s_linear, image_uv);
  float3 c = source.xyz;
  float2 mask_uv = (params.mask_from_image * float3(image_uv, 1.0)).xy;
  float3 weights = shares(refined_mask(c, mask_uv, params.image_from_mask, float2(params.image_width, params.image_height), u_mask, u_image).xyz);
  float3 drawn = shares(u_drawn.sample(s_linear, mask_uv).xyz * float3(1.0, 0.0, 1.0));
  float2 picture_uv = (params.picture_from_output * float3(uv, 1.0)).xy;
  float3 picture = u_picture.sample(s_linear, picture_uv).xyz;
  float3 looked_0 = lookup_0(c, u_lut_0);
  float3 looked_1 = lookup_1(c, u_lut_1);
  float3 mixed = c;
  // background
  mixed = mixed + (((1.0 - weights.x - weights.y - weights.z) * (1.0 - drawn.x - drawn.y - drawn.z)) * params.intensity * params.strength_0) * (adjust(picture, params.tone, params.color, params.warmth) - c);
  // skin
  mixed = mixed + (((weights.x) * (1.0 - drawn.x - drawn.y - drawn.z)) * params.intensity * params.strength_1 * (1.0 - params.skin_protection)) * (adjust(looked_0, params.tone, params.color * 0.3333333333333333, params.warmth * 0.3333333333333333) - c);
  // clothes
  mixed = mixed + (((weights.z) * (1.0 - drawn.x - drawn.y - drawn.z)) * params.intensity * params.strength_1) * (adjust(looked_0, params.tone, params.color, params.warmth) - c);
  // drawn_1 and drawn_3
  mixed = mixed + ((drawn.x + drawn.z) * params.intensity * params.strength_2) * (adjust(looked_1, params.tone, params.color, params.warmth) - c);
  if (params.grain > 0.0) {
    float2 place = (params.grain_from_image * float3(image_uv, 1.0)).xy * 1536.0;
    mixed = grained(mixed, 0.5 * params.grain * params.intensity, place);
  }
  float4 result = float4(clamp(mixed, float3(0.0), float3(1.0)), source.w);
  return result;
}
